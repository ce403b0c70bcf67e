/* Calls of the REST API for D1 databases.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_D1_CALL_H
#define ATOLL_BINDINGS_D1_CALL_H

#include "bindings/storage_call.h"

/* See struct binding_kind. */
void d1_call_run(struct storage_call *call);

#endif
