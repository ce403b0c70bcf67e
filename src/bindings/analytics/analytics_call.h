/* Calls of the REST API for an account's data points.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_ANALYTICS_CALL_H
#define ATOLL_BINDINGS_ANALYTICS_CALL_H

#include "bindings/storage_call.h"

/* See struct binding_kind: query (its bytes are the SQL; the answer {"type": media type}, and its
 * text as bytes), usage, copy {to}, remove. */
void analytics_call_run(struct storage_call *call);

#endif
