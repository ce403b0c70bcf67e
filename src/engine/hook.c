/* Calls from C into core.js.
 *
 * The functions that core.js hands out are looked up once, at the birth of the isolate
 * (engine/builtin.c). Each call is followed by a microtask checkpoint. */
#include "engine/isolate_private.h"

JSValueRef hook_call(struct isolate *iso, enum hook hook, size_t argc, const JSValueRef argv[],
                     JSValueRef *exception)
{
    JSValueRef thrown = NULL;
    JSValueRef result = JSObjectCallAsFunction(iso->ctx, iso->hooks[hook], NULL, argc, argv,
                                               &thrown);

    turn_drain(iso);
    if (exception)
        *exception = thrown;
    return thrown || iso->terminated ? NULL : result;
}

void hook_complete(struct isolate *iso, int32_t id, JSValueRef error, JSValueRef value)
{
    JSValueRef nothing = JSValueMakeUndefined(iso->ctx);
    JSValueRef argv[] = {JSValueMakeNumber(iso->ctx, id), error ? error : nothing,
                         value ? value : nothing};

    hook_call(iso, HOOK_COMPLETE, COUNT_OF(argv), argv, NULL);
}
