/* Calls of the REST API for buckets (bindings/storage_call.h): the words of r2_request.h, and
 *
 *   usage {}        {"bytes": N} on the disk; nothing is made
 *   copy {to}       a consistent copy as another store
 *   remove {}       everything of the bucket goes
 *
 * A get's result is {meta, holds, offset, length}, its bytes are the call's: an object or range
 * with more than fits into an answer is refused.
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_R2_CALL_H
#define ATOLL_BINDINGS_R2_CALL_H

#include "bindings/storage_call.h"

void r2_call_run(struct storage_call *call);

#endif
