/* Blank isolates kept ready, so that a cold start does not wait for a virtual machine to be made.
 *
 * Owns: the blanks. Thread: the loop's. Limits: POOL_BLANKS of them. */
#ifndef ATOLL_RUNTIME_POOL_H
#define ATOLL_RUNTIME_POOL_H

#include <uv.h>

#include "engine/isolate.h"

enum { POOL_BLANKS = 4 };

void pool_start(uv_loop_t *loop);

/* A blank isolate, returned owned; made on the spot when none is ready. */
struct isolate *pool_take(void);

/* How many are ready. */
size_t pool_count(void);

void pool_stop(void);

#endif
