/* Calls from C into core.js, and completions. The JSC-facing side of isolate.h, for op_*.c files.
 *
 * Thread: the loop's, inside a turn. */
#ifndef ATOLL_ENGINE_HOOK_H
#define ATOLL_ENGINE_HOOK_H

#include <JavaScriptCore/JavaScript.h>

#include "engine/isolate.h"

JSGlobalContextRef isolate_context(struct isolate *iso);

/* Calls a function of core.js and drains microtasks. Returns its result; NULL when it threw or the
 * isolate was terminated (*exception says which, when the caller gave one). */
JSValueRef hook_call(struct isolate *iso, enum hook hook, size_t argc, const JSValueRef argv[],
                     JSValueRef *exception);

/* Settles the promise that core.js's `completion()` made for `id`: rejects it with `error` unless
 * that is NULL, else resolves it with `value` (NULL: undefined). */
void hook_complete(struct isolate *iso, int32_t id, JSValueRef error, JSValueRef value);

#endif
