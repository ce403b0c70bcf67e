/* Calls of the REST API for what is in a store: frames `store`, answered by `stored`.
 *
 * Owns: calls that run. Thread: the loop's. Limits: STORE_CALLS_MAX at once; an answer of
 * FRAME_BLOB_MAX bytes. */
#ifndef ATOLL_RUNTIME_STORE_CALL_H
#define ATOLL_RUNTIME_STORE_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

enum { STORE_CALLS_MAX = 256 };

/* Both are borrowed. */
void store_call_on_frame(json_t *frame, str blob);

/* True while a call runs: the process does not end before. */
bool store_call_any_busy(void);

#endif
