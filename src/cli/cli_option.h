/* The options of a command: its own rows, those it shares with others, and --help.
 *
 * A value that is one of a few has them as its word: "pretty|json".
 * Owns: nothing; they are constants. Thread: any. */
#ifndef ATOLL_CLI_CLI_OPTION_H
#define ATOLL_CLI_CLI_OPTION_H

#include "cli/cli.h"

/* The option at `index`: the command's own in their order, shared ones whose name it has not, help.
 * NULL behind the last. */
const struct cli_option *cli_option_at(const struct cli_command *command, size_t index);

/* The option of that name, `len` bytes long; NULL when the command has none. */
const struct cli_option *cli_option_find(const struct cli_command *command, const char *name,
                                         size_t len);

/* The letter that stands for an option ("-e" for "--env"), the same everywhere; 0: none. */
char cli_option_letter(const char *name);

/* The option that a letter means for this command; NULL: none. */
const struct cli_option *cli_option_of_letter(const struct cli_command *command, char letter);

#endif
