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

/* The file that is all of what a reader has left, opened by op_r2_file(): another descriptor of it,
 * returned owned, and the part of it. -1 when it is not open. */
int op_r2_copy_file(JSContextRef ctx, JSValueRef reader, uint64_t *ret_from, uint64_t *ret_length);

#endif
