/* What each worker used: counters that are told to the supervisor once a second.
 *
 *   {"type": "usage",
 *    "workers": {KEY: {"requests", "errors", "subrequests", "cpu_us", "wall_us",
 *                      "memory_mb_ms", "bytes_in", "bytes_out", "cold_starts", "class_b",
 *                      "outcomes": {WORD: NUMBER}}},
 *    "process": {"isolates", "blanks", "connections", "rss_bytes",
 *                "unrouted", "tails_dropped",
 *                "latency": HISTOGRAM, "cold": HISTOGRAM}}
 *
 * All are integers. Counters, `unrouted` (requests for hosts that have no worker),
 * `tails_dropped` and the histograms are what came since the frame before; members that are 0 are
 * left out, and so are workers that used nothing. `isolates` (with a worker in them), `blanks`,
 * `connections` and `rss_bytes` are how many there are now.
 * HISTOGRAM: {"counts": array of METER_BUCKETS, "sum_us"}. counts[i] is how many took at most
 * meter_bounds_us[i] and more than the one before; the last has no bound. `latency`: from a
 * request's head to the last byte of its answer handed to the kernel; `cold`: from the decision to
 * load a worker to its script's end.
 *
 *   requests       requests and events that are over; a WebSocket counts when it was opened
 *   errors         of them, those whose outcome is an error (runtime/outcome.h)
 *   cpu_us         CPU time of the isolates' turns and of their jobs on other threads; the start
 *                  of the script is free
 *   wall_us        from the head to the end of each request, of events from start to end
 *   memory_mb_ms   MiB held, times the milliseconds in which the isolate had something to do: a
 *                  request, an event, waitUntil() or an open WebSocket
 *   bytes_in, bytes_out   of bodies, and of WebSocket messages
 *   cold_starts    loads for which a request waited
 *   class_b        of a published bucket: answers for which it was read
 *
 * Owns: the counters. Thread: the loop's.
 * Limits: a process that is killed loses what it did not tell, METER_MS at most. */
#ifndef ATOLL_RUNTIME_METER_H
#define ATOLL_RUNTIME_METER_H

#include <jansson.h>

#include "base/list.h"
#include "engine/isolate.h"
#include "runtime/outcome.h"

enum { METER_MS = 1000, METER_BUCKETS = 16 };

/* Upper bounds: 0.25 ms to 10 s; the last bucket has none. */
extern const uint64_t meter_bounds_us[METER_BUCKETS - 1];

/* The counters of one worker; shared by its isolates, found by its key. */
struct meter;

/* What one isolate adds to them. Part of a version. */
struct meter_use {
    struct list link;            /* in the list of all of them */
    struct meter *meter;
    struct isolate *iso;
    unsigned running;            /* requests and events */
    bool lingers;                /* none, but a waitUntil() or a WebSocket */
    uint64_t busy_since_ns;      /* while it runs or lingers: its memory is counted up to here */
    struct isolate_totals told;  /* of the isolate, what was counted already */
};

/* An isolate begins to work for the worker `key`: call it when its script has run. */
void meter_use_start(struct meter_use *use, const char *key, struct isolate *iso);

/* Before the isolate goes; counts what is left. Fine without a start. */
void meter_use_end(struct meter_use *use);

/* A request or event is given to the isolate, and has left it. */
void meter_use_enter(struct meter_use *use);
void meter_use_leave(struct meter_use *use);

/* Inside the end of each turn of the isolate: sees when what lingered is over. */
void meter_use_turned(struct meter_use *use);

/* A script has run; `waited`: a request waits for it. */
void meter_cold(const char *key, uint64_t ns, bool waited);

struct meter_request {
    const char *key;        /* NULL: no worker was found for it */
    struct meter *meter;    /* that of the key, when it is at hand */
    enum outcome outcome;
    bool reads_bucket;      /* an operation of class B */
    bool timed;             /* its wall time is a latency: no event, no WebSocket */
    uint64_t wall_ns;
    uint64_t bytes_in, bytes_out;
};

/* A request is over. */
void meter_request(const struct meter_request *request);

/* Nanoseconds of the monotonic clock, read once between two calls of meter_clock_moved(). */
uint64_t meter_now_ns(void);
void meter_clock_moved(void);

struct meter_gauges {
    size_t blanks, connections;
    size_t tails_dropped;   /* since the last time */
};

/* Tells what came since the last time, once a second and before the process ends. */
void meter_tell(const struct meter_gauges *gauges);

/* The frame that is due now, returned owned; NULL when nothing ran. What it tells begins at 0; with
 * very many workers it tells some, and the next one the others. */
json_t *meter_take(const struct meter_gauges *gauges);

#endif
