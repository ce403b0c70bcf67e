/* Loading a worker's script into an isolate, and what becomes of its errors.
 * The JavaScript side is src/web/js/worker.js. Thread: the loop's. */
#ifndef ATOLL_RUNTIME_OP_LOAD_H
#define ATOLL_RUNTIME_OP_LOAD_H

#include "engine/isolate.h"
#include "engine/op.h"

extern const struct op op_load_table[];

/* Fills in the task that evaluates the script of the isolate's version. */
void op_load_prepare(struct task *task);

/* Tells JavaScript that nothing is left request `id` could wait for. Inside a turn. */
void op_load_tell_hung(struct isolate *iso, int32_t id);

#endif
