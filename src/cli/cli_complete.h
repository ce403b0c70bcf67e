/* What the last word of an unfinished command line could become; the shells ask it at each TAB.
 *
 * Owns: nothing. Thread: one; reads the profiles' file when a profile is asked for, and asks no
 * server. */
#ifndef ATOLL_CLI_CLI_COMPLETE_H
#define ATOLL_CLI_CLI_COMPLETE_H

#include <stddef.h>

/* `words` are what stands behind "atoll" up to the cursor, the last of them unfinished, perhaps "";
 * they end with NULL. Prints a line for each candidate: "word", or "word TAB what it is"; or
 * ":files" or ":directories", where the shell knows better. */
void cli_complete_print(char *const *words, size_t count);

#endif
