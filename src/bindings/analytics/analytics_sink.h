/* Data points on their way to an account's store: writeDataPoint() leaves them here and goes on.
 *
 * About once a second, and when much is here, a job writes what has come in one commit. What the
 * store does not take now is tried again for a while. A process that ends writes what it has first
 * (analytics_sink_flush()); one that is killed loses what came in its last second.
 * Owns: points not written yet, the connection to the store while it is used. Thread: the loop's.
 * Limits: ANALYTICS_SINK_BYTES_MAX wait for an account; more are dropped. */
#ifndef ATOLL_BINDINGS_ANALYTICS_SINK_H
#define ATOLL_BINDINGS_ANALYTICS_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
    ANALYTICS_SINK_BYTES_MAX = 8 << 20,
    ANALYTICS_SINK_MANY_BYTES = 1 << 20,    /* are written at once */
    ANALYTICS_SINK_WAIT_MS = 1000,
    ANALYTICS_SINK_TRIES_MAX = 30,
};

struct analytics_sink;

/* The account's, with a reference; NULL when there is no place for what is stored. */
struct analytics_sink *analytics_sink_of(const char *store);

/* What it has is still written. NULL is fine. */
void analytics_sink_unref(struct analytics_sink *sink);

/* `point` is JSON of the built-in script, [index, blobs, doubles]; borrowed. False: there is no
 * room for it. */
bool analytics_sink_add(struct analytics_sink *sink, str dataset, uint64_t now_s, str point);

/* Has all that waits written now, of all accounts; returns false when there is nothing left to
 * wait for. Called again and again by a process that ends. */
bool analytics_sink_flush(void);

#endif
