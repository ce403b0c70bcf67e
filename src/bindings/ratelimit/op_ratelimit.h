/* Rate limits as bindings.
 *
 * Owns: the tables that are open, one for each account. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_OP_RATELIMIT_H
#define ATOLL_BINDINGS_OP_RATELIMIT_H

#include <jansson.h>

#include "base/err.h"
#include "engine/op.h"

/* See struct binding_kind: {name, store, namespace_id, simple: {limit, period}}. */
JSObjectRef op_ratelimit_open(JSContextRef ctx, const json_t *binding, struct err *err);

#endif
