/* What a deployed worker stores, copied here for `atoll dev`: the namespaces, databases and buckets
 * that the configuration names.
 *
 * Owns: nothing. Thread: one. Limits: those of an export for a database; a key of KV with a NUL in
 * it, or one that expires within PULL_EXPIRES_S, is left out. */
#ifndef ATOLL_CLI_PULL_H
#define ATOLL_CLI_PULL_H

#include "cli/cli.h"
#include "control/config.h"

enum { PULL_EXPIRES_S = 120 };

struct pull_request {
    struct config *config;          /* borrowed */
    const char *state;              /* the directory that atoll dev keeps things in; NULL: .atoll
                                     * beside the configuration */
    const char *const *names;       /* of bindings; none: all */
    size_t name_count;
};

/* Asks before it replaces what is here, without --yes. Returns EXIT_DONE, or the exit status after
 * it was said what went wrong: what was copied until then stays. */
int pull_run(const struct cli_args *args, const struct pull_request *request);

#endif
