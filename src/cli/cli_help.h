/* Help as a person reads it: of atoll, of a family of commands, of one command.
 *
 * Owns: nothing. Thread: one. */
#ifndef ATOLL_CLI_CLI_HELP_H
#define ATOLL_CLI_CLI_HELP_H

#include <stdio.h>

#include "cli/cli.h"

/* Prints to standard output. */
void cli_help_print(void);
void cli_help_print_command(const struct cli_command *command);

/* The commands that begin with the word `family` ("versions"). */
void cli_help_print_family(FILE *stream, const char *family);

/* True when a command of two words begins with `word`, `len` bytes long. */
bool cli_help_is_family(const char *word, size_t len);

/* One line about a family; "" when commands.c has none. */
const char *cli_help_family_summary(const char *family);

/* The heading of a group: "workers on a server". */
const char *cli_help_group(enum cli_group group);

/* "--env NAME" of an option, or "-e, --env NAME" with its letter. Static memory. */
const char *cli_help_option(const struct cli_option *option);

#endif
