/* The bounded log of each worker; in logs.db.
 *
 * An event is what a tail shows (docs/internals/link.md, `tail`), kept when it has log lines,
 * exceptions, or another outcome than "ok".
 * Owns: nothing. Thread: the loop's. Limits: LOG_STORE_BYTES_DEFAULT per worker, or what
 * log_store_set_bytes() said: the oldest go. As much of a worker may wait to be flushed, and 64 MiB
 * of all; what comes beyond that is dropped. */
#ifndef ATOLL_REGISTRY_LOG_STORE_H
#define ATOLL_REGISTRY_LOG_STORE_H

#include "registry/registry.h"

enum { LOG_STORE_BYTES_DEFAULT = 4 << 20 };

void log_store_set_bytes(struct registry *registry, uint64_t bytes_per_worker);

/* Queues an event (borrowed); log_store_flush() writes what is queued in one commit, or keeps it
 * when that fails. */
void log_store_add(struct registry *registry, const char *key, const json_t *event);
NODISCARD int log_store_flush(struct registry *registry, struct err *err);

struct log_store_query {
    const char *key;
    int64_t from_ms, to_ms;    /* of eventTimestamp; to exclusive */
    const char *outcome;       /* one, or several with commas; NULL: any */
    const char *search;        /* in messages, exceptions, the URL; NULL: any */
    int64_t before;            /* `id` of the last event of the page before; 0: from the newest */
    size_t limit;
};

/* An array of events with an `id` each, newest first. */
NODISCARD int log_store_read(struct registry *registry, const struct log_store_query *query,
                             json_t **ret, struct err *err);

/* Forgets a worker's events. */
NODISCARD int log_store_delete(struct registry *registry, const char *key, struct err *err);

#endif
