/* Workers by key: which version answers a request, and what waits for one.
 *
 *   UNTOLD ──want──> (asked) ──worker──> HERE ──idle──> evicted: UNTOLD
 *                       └──────failed──> FAILED, ──here: false──> AWAY, ──no versions──> DELETED
 *
 * Owns: workers, their versions, what was told about them until it is loaded. A worker of which
 * nothing is told lives as long as somebody holds it.
 * Thread: the loop's. Limits: `limits` of the worker; concurrency counts what waits too. */
#ifndef ATOLL_RUNTIME_WORKER_H
#define ATOLL_RUNTIME_WORKER_H

#include <jansson.h>

#include "base/limits.h"
#include "runtime/evict.h"
#include "runtime/version.h"

struct worker;

/* The worker with this key, which is made when there is none; borrowed. */
struct worker *worker_get(str key);

struct worker *worker_ref(struct worker *worker);
void worker_unref(struct worker *worker);   /* NULL is fine */

/* Routes a request: to a live version, to the queue of one that loads, or to an error page. Asks
 * the supervisor when nobody has told which worker answers, or what it is. */
void worker_route(struct exchange *x);

/* Lets go of an exchange that is over. */
void worker_exchange_over(struct exchange *x);

/* Gives an exchange that is no request, an event, to the worker of this key. */
void worker_run(str key, struct exchange *x);

/* Frames of the supervisor: a deployment, none that runs, whether requests are told. Borrowed. */
void worker_on_worker(json_t *frame, str blob);
void worker_on_failed(json_t *frame);
void worker_on_trace(json_t *frame);

/* The `limits` of a frame; what it lacks, or has out of bounds, is the default. */
void worker_read_limits(struct limits *ret_limits, const json_t *limits);

const char *worker_name(const struct worker *worker);   /* its key */
uint64_t worker_number(const struct worker *worker);
const struct limits *worker_limits(const struct worker *worker);
const char *worker_script_name(const struct worker *worker);
bool worker_is_traced(const struct worker *worker);

/* For evict.h: whether nothing of it runs, and letting go of all but its key. */
bool worker_is_idle(struct evict_entry *entry);
void worker_evict(struct evict_entry *entry);

/* Drains all versions: the process is about to end. */
void worker_drain_all(void);

#endif
