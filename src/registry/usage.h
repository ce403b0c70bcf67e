/* Usage: what each worker and each bucket ("r2:<name>") used, by the minute; in usage.db.
 *
 * A counter row: {requests, errors, subrequests, cpu_us, wall_us, memory_mb_ms (MiB times
 * milliseconds in which it was busy), bytes_in, bytes_out, cold_starts, class_a and class_b
 * (operations on a bucket), outcomes (object of outcome to number)}, all integers, missing ones 0.
 * Owns: nothing. Thread: the loop's. Limits: rows older than USAGE_DAYS are added up by the day. */
#ifndef ATOLL_REGISTRY_USAGE_H
#define ATOLL_REGISTRY_USAGE_H

#include "registry/registry.h"

enum { USAGE_DAYS = 62, USAGE_ROWS_MAX = 50000 };

/* Adds counters (object of key "account/name" to a counter row) to the minute of `at_ms`, in one
 * commit. A deleted worker's usage stays. What is no key or no counter is skipped; 10^12 is the
 * most that one call adds to a counter. */
NODISCARD int usage_add(struct registry *registry, int64_t at_ms, const json_t *counters,
                        struct err *err);

struct usage_query {
    const char *account;
    const char *script;     /* a name; NULL: all of them together */
    int64_t from_ms, to_ms; /* from inclusive, to exclusive */
    int64_t step_ms;        /* 60000, 3600000, 86400000 or 0: one row for everything */
};

/* An array of counter rows with `from_ms` and, with script NULL and step 0, `script`. Steps in
 * which nothing ran have no row; a script with step 0 has always one. ERR_INVALID for another step
 * or a time that ends before it begins, ERR_LIMIT beyond USAGE_ROWS_MAX rows. */
NODISCARD int usage_read(struct registry *registry, const struct usage_query *query, json_t **ret,
                         struct err *err);

#endif
