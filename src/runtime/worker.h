/* Workers by name and by host: which version answers a request, and what waits for one.
 *
 * Owns: workers and their versions. Thread: the loop's. */
#ifndef ATOLL_RUNTIME_WORKER_H
#define ATOLL_RUNTIME_WORKER_H

#include <jansson.h>

#include "runtime/version.h"

enum { WORKER_WAITING_MAX = 4096 };  /* requests that wait for one worker */

struct worker;

/* Routes a request: to a live version, to the queue of one that loads, or to an error page.
 * Asks the supervisor when nobody has told which worker answers at this host. */
void worker_route(struct exchange *x);

/* Frames of the supervisor: a version, no version, no worker. All are borrowed. */
void worker_on_version(json_t *frame, str blob);
void worker_on_failed(json_t *frame);
void worker_on_unknown(json_t *frame);

const char *worker_name(const struct worker *worker);

/* A version tells how loading it ended, or that a limit ended it. */
void worker_version_loaded(struct worker *worker, struct version *v);
void worker_version_refused(struct worker *worker, struct version *v, str error);
void worker_version_died(struct worker *worker, struct version *v);

/* Drains all versions: the process is about to end. */
void worker_drain_all(void);

#endif
