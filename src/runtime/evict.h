/* Which workers are let go of: those idle for long, and, when the process is too large, those that
 * were used longest ago.
 *
 * Owns: its timer, the order of the workers. Thread: the loop's.
 * Limits: EVICT_LOOK_MS between looks; what memory is given back shows after EVICT_SETTLE_MS. */
#ifndef ATOLL_RUNTIME_EVICT_H
#define ATOLL_RUNTIME_EVICT_H

#include <uv.h>

#include "base/list.h"

enum { EVICT_LOOK_MS = 500, EVICT_SETTLE_MS = 1000 };

/* Part of a worker. */
struct evict_entry {
    struct list link;
    uint64_t used_ms;      /* loop time of its last use: set it, nothing else is to be done */
    uint64_t placed_ms;    /* used_ms when it got its place in the order */
};

/* idle_ms: 0 for ever. memory_bytes: resident size from which idle workers go; 0: none. */
void evict_start(uv_loop_t *loop, uint64_t idle_ms, uint64_t memory_bytes);

void evict_init(struct evict_entry *entry);

/* From now on it may go; again is fine. */
void evict_add(struct evict_entry *entry);

/* A worker is about to be loaded: makes room for it when there is none. */
void evict_make_room(void);

void evict_stop(void);

#endif
