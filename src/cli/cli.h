/* The command line: which commands there are, what they take, and how they are told about it.
 *
 * A command is a row of data; help, checks and suggestions are made from the rows.
 * Owns: nothing beyond a run. Thread: one. Limits: CLI_OPTIONS_MAX options on one command line.
 * Exit status: 0 done, 1 failed, 2 the command line itself is wrong. */
#ifndef ATOLL_CLI_CLI_H
#define ATOLL_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum { CLI_OPTIONS_MAX = 256 };
enum cli_exit { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct cli_option {
    const char *name;     /* "port", given as --port 80 or --port=80 */
    const char *value;    /* the word for it in help ("PORT"); NULL: a switch */
    const char *help;
};

struct cli_args;

struct cli_command {
    const char *name;
    const char *usage;      /* what follows "atoll <name> " */
    const char *summary;    /* one line; NULL: the command is not for people */
    const char *details;    /* more lines for its own help; may be NULL */
    const struct cli_option *options;    /* ends with a name of NULL */
    int (*run)(const struct cli_args *args);
};

extern const struct cli_command cmd_dev;
extern const struct cli_command cmd_init;
extern const struct cli_command cmd_runtime;
extern const struct cli_command cmd_serve;
extern const struct cli_command cmd_types;

/* Runs what argv asks for; returns the exit status. */
int cli_main(int argc, char **argv);

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

/* Prints that the command line is wrong and where help is; returns EXIT_USAGE. */
int cli_usage_error(const struct cli_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
