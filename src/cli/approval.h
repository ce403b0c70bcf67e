/* Whether a person wants what cannot be taken back, or what changes what is live.
 *
 * Owns: nothing. Thread: one; waits for the answer. */
#ifndef ATOLL_CLI_APPROVAL_H
#define ATOLL_CLI_APPROVAL_H

#include "cli/cli.h"

/* Without --yes: asks at a terminal. Where nobody is there to ask, `needs_yes` makes it a refusal
 * that names --yes; else that is a yes. Returns EXIT_DONE, or the exit status after it was said
 * that nothing was done. */
NODISCARD int approval_ask(const struct cli_args *args, const char *question, bool needs_yes);

#endif
