/* Which of a deployment's versions answers a request.
 *
 * Percentages decide, by chance for each request, or always alike for requests that bring the same
 * key (header Cloudflare-Workers-Version-Key). A version's own id (header
 * Cloudflare-Workers-Version-Overrides) decides before them.
 * Owns: nothing. Thread: the loop's. Limits: ROLLOUT_VERSIONS_MAX versions. */
#ifndef ATOLL_RUNTIME_ROLLOUT_H
#define ATOLL_RUNTIME_ROLLOUT_H

#include "base/str.h"

enum { ROLLOUT_VERSIONS_MAX = 2 };

struct rollout {
    size_t count;                           /* 1 to ROLLOUT_VERSIONS_MAX */
    str ids[ROLLOUT_VERSIONS_MAX];          /* borrowed */
    double percents[ROLLOUT_VERSIONS_MAX];
};

/* The index of the version. `worker` is the worker's key, without which two workers would give the
 * same client the same side of their rollouts; `script` its name in the overrides; `key` and
 * `overrides` are the headers' values, empty when the request has none. The same key gives the same
 * answer in every process; a version whose percentage grows, in its place, loses no key. */
size_t rollout_choose(const struct rollout *rollout, str worker, str script, str key,
                      str overrides);

#endif
