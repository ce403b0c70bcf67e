/* The native side of a binding to a worker's own files: see bindings.h and assets/assets.js.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_OP_ASSETS_H
#define ATOLL_BINDINGS_OP_ASSETS_H

#include <jansson.h>

#include "base/err.h"
#include "engine/op.h"

/* `open` of a kind of bindings. */
JSObjectRef op_assets_open(JSContextRef ctx, const json_t *binding, struct err *err);

#endif
