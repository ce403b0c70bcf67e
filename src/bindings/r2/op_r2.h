/* R2 buckets in JavaScript: what opens a binding. The ops are in op_r2.c.
 *
 * Thread: the loop's, in a turn. */
#ifndef ATOLL_BINDINGS_OP_R2_H
#define ATOLL_BINDINGS_OP_R2_H

#include <jansson.h>

#include "base/err.h"
#include "engine/op.h"

/* See struct binding_kind. */
JSObjectRef op_r2_open(JSContextRef ctx, const json_t *binding, struct err *err);

#endif
