/* Every command, in the order of help within each group.
 *
 * Owns: nothing; they are constants. Thread: any. */
#ifndef ATOLL_CLI_COMMANDS_H
#define ATOLL_CLI_COMMANDS_H

#include "cli/cli.h"

/* All rows; ends with NULL. */
extern const struct cli_command *const commands_all[];

/* One line for a word that several commands begin with ("versions"). */
struct commands_family {
    const char *name;
    const char *summary;
};

/* All such words; ends with a name of NULL. */
extern const struct commands_family commands_families[];

#endif
