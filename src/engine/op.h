/* Ops: the native functions that JavaScript built-ins call.
 *
 * An op is a JSC callback. JSC drops its lock around a callback, so an op that makes more than a
 * few engine calls takes it again with value_lock()/value_unlock(). An op runs on the loop's
 * thread, inside isolate_turn() of isolate_current(), and never blocks.
 * An op throws by setting *exception (value_throw() does) and returning NULL-ish undefined.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_ENGINE_OP_H
#define ATOLL_ENGINE_OP_H

#include <JavaScriptCore/JavaScript.h>

#define OP_UNUSED __attribute__((unused))

/* The head of an op: `OP(op_url_parse) { ... }` sees ctx, argc, argv and exception. */
#define OP(name)                                                                            \
    static JSValueRef name(JSContextRef ctx OP_UNUSED, JSObjectRef function OP_UNUSED,      \
                           JSObjectRef self OP_UNUSED, size_t argc OP_UNUSED,               \
                           const JSValueRef argv[] OP_UNUSED, JSValueRef *exception OP_UNUSED)

/* A row of an op table; the last row is {0}. The name is the same in C and JavaScript. */
struct op {
    const char *name;
    JSObjectCallAsFunctionCallback call;
};

/* The argument, or undefined when fewer were given. */
#define OP_ARG(i) ((i) < argc ? argv[i] : JSValueMakeUndefined(ctx))

/* Ends the op when there is none: whoever gave NULL has set *exception. */
#define OP_NEED(pointer)                                                                    \
    if (!(pointer))                                                                         \
        return JSValueMakeUndefined(ctx)

#endif
