/* KV namespaces as bindings.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_OP_KV_H
#define ATOLL_BINDINGS_OP_KV_H

#include <jansson.h>

#include "base/err.h"
#include "engine/op.h"

/* See struct binding_kind. */
JSObjectRef op_kv_open(JSContextRef ctx, const json_t *binding, struct err *err);

#endif
