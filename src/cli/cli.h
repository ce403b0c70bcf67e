/* The command line: which commands there are, what they take, and how they are told about it.
 *
 * A command is a row of data; reading, help, suggestions, completions and the manual page are made
 * from the rows. A command of two words ("versions list") is a row of its own.
 * Owns: nothing beyond a run. Thread: one. Limits: CLI_OPTIONS_MAX options on one command line. */
#ifndef ATOLL_CLI_CLI_H
#define ATOLL_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { CLI_OPTIONS_MAX = 256 };

enum cli_exit {
    EXIT_DONE,
    EXIT_FAILED,              /* it did not work; standard error says why */
    EXIT_USAGE,               /* the command line itself is wrong */
    EXIT_AUTH,                /* not logged in, or the server refuses the token */
    EXIT_ABSENT,              /* what was named is not there */
    EXIT_UNREACHABLE,         /* the server does not answer */
    EXIT_INTERRUPTED = 130,   /* Ctrl-C before it was done */
};

/* Where general help lists a command. */
enum cli_group { GROUP_PROJECT, GROUP_WORKER, GROUP_ACCOUNT, GROUP_SERVER, GROUP_OTHER };

/* Options that many commands share; their rows are cli_option.c's. */
enum cli_shared {
    CLI_SERVER = 1 << 0,   /* --profile, --account: it talks to a server */
    CLI_WORKER = 1 << 1,   /* --name, --config (-c), --env (-e): it is about one worker */
    CLI_JSON = 1 << 2,     /* --json: one JSON value on standard output, nothing else there */
    CLI_YES = 1 << 3,      /* --yes (-y): asks nothing */
};

struct cli_option {
    const char *name;     /* "port", given as --port 80 or --port=80 */
    const char *value;    /* the word for it in help ("PORT", "FILE"), or what it can be
                             ("pretty|json"); NULL: a switch */
    const char *help;
};

struct cli_example {
    const char *line;     /* "atoll deploy --env staging" */
    const char *what;     /* what it does, a few words; may be NULL */
};

struct cli_args;

struct cli_command {
    const char *name;     /* one to four words with one blank between */
    const char *usage;    /* what follows "atoll <name> " */
    const char *summary;  /* one line; NULL: the command is not for people */
    const char *details;  /* more lines for its own help; may be NULL */
    const struct cli_option *options;     /* ends with a name of NULL; NULL: only shared ones */
    int (*run)(const struct cli_args *args);
    const struct cli_example *examples;   /* ends with a line of NULL; NULL: none */
    enum cli_group group;
    unsigned shared;      /* of enum cli_shared */
};

/* Runs what argv asks for; returns the exit status. */
int cli_main(int argc, char **argv);

/* The command that the first words, up to NULL, name; NULL: none. How many words that took is in
 * ret_count. */
const struct cli_command *cli_find_command(char *const *words, size_t *ret_count);

/* The operands in their order. Borrowed from argv. */
size_t cli_operand_count(const struct cli_args *args);
const char *const *cli_operands(const struct cli_args *args);

/* The whole command line, as main() got it. */
char *const *cli_argv(const struct cli_args *args);

/* The last value of an option, "" for a switch that was given, NULL when it was not. */
const char *cli_value(const struct cli_args *args, const char *name);
bool cli_has(const struct cli_args *args, const char *name);

/* The value of an option at its `nth` appearance, from 0; NULL behind the last. */
const char *cli_value_at(const struct cli_args *args, const char *name, size_t nth);

/* The number an option gives, or `otherwise`; EXIT_USAGE after a complaint when it is none from
 * min to max, else EXIT_DONE. */
NODISCARD int cli_number(const struct cli_args *args, const char *name, long min, long max,
                         long otherwise, long *ret);

/* EXIT_USAGE after a complaint when there are fewer operands than `min` or more than `max`, else
 * EXIT_DONE. `what` names the missing one: "the secret's NAME". */
NODISCARD int cli_check_operands(const struct cli_args *args, size_t min, size_t max,
                                 const char *what);

/* Prints that the command line is wrong and where help is; returns EXIT_USAGE. */
int cli_usage_error(const struct cli_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
