/* Datasets of the analytics engine as bindings.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_OP_ANALYTICS_H
#define ATOLL_BINDINGS_OP_ANALYTICS_H

#include <jansson.h>

#include "base/err.h"
#include "engine/op.h"

/* See struct binding_kind: {name, store, dataset}. */
JSObjectRef op_analytics_open(JSContextRef ctx, const json_t *binding, struct err *err);

#endif
