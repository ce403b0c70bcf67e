/* Calls between workers: what a service binding of one does is an event of the other.
 *
 *   op_service_call ──> waiting ──service_call_start──> worker_run ──> dispatched: the link's end
 *        (caller's turn)             (no turn runs)         │             is attached
 *                                                           └─ no version: the caller is told why
 *
 * The other worker is loaded here when it is in another process: its connections still go there.
 * Owns: the events. Thread: the loop's.
 * Limits: SERVICE_CALL_DEPTH_MAX in a chain, SERVICE_CALL_TREE_MAX calls that follow from one
 * request; those of the worker that is called. */
#ifndef ATOLL_RUNTIME_SERVICE_CALL_H
#define ATOLL_RUNTIME_SERVICE_CALL_H

#include "runtime/exchange.h"

enum { SERVICE_CALL_DEPTH_MAX = 16, SERVICE_CALL_TREE_MAX = 32 };

/* Once, at the start of the process. */
void service_call_init(void);

/* Starts calls that were made since. Outside of turns; true when isolates may have got tasks by
 * calls and their messages. */
bool service_call_start(void);

/* True for an event that is such a call. */
bool service_call_is(const struct exchange *x);

#endif
