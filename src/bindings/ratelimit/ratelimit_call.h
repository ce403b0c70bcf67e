/* Calls of the server for an account's counters of rate limits: there is nothing in them to read.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_RATELIMIT_CALL_H
#define ATOLL_BINDINGS_RATELIMIT_CALL_H

#include "bindings/storage_call.h"

/* See struct binding_kind: usage, copy (of nothing: counters last a minute), remove. */
void ratelimit_call_run(struct storage_call *call);

#endif
