/* One call into a trusted script; see oneshot.h.
 *
 * (1) The context has its own group: nothing of it outlives the call.
 * (2) It is independent of the isolates: no lock, turn or watchdog is involved, and the process
 *     that calls it (the supervisor) never runs a tenant's code. */
#include "engine/oneshot.h"

#include <JavaScriptCore/JavaScript.h>
#include <stdlib.h>

static JSStringRef string_of(str text)
{
    char *copy = str_dup(text);
    JSStringRef string = JSStringCreateWithUTF8CString(copy);

    free(copy);
    return string;
}

/* Appends a string value as UTF-8. */
static int append(JSContextRef ctx, JSValueRef value, struct buf *out)
{
    JSStringRef string = JSValueToStringCopy(ctx, value, NULL);
    size_t room;
    int r;

    if (!string)
        return ERR_SCRIPT;
    room = JSStringGetMaximumUTF8CStringSize(string);
    r = buf_reserve(out, room);
    if (r == 0)
        out->len += JSStringGetUTF8CString(string, out->ptr + out->len, room) - 1;
    JSStringRelease(string);
    return r;
}

static int fail(JSContextRef ctx, JSValueRef exception, struct err *err)
{
    struct buf text;

    buf_init(&text, ERR_TEXT_MAX);
    if (append(ctx, exception, &text) < 0)
        err_set(err, ERR_SCRIPT, "%s", err_text(ERR_SCRIPT));
    else
        err_set(err, ERR_SCRIPT, "%.*s", STR_ARGS(buf_str(&text)));
    buf_done(&text);
    return ERR_SCRIPT;
}

static int call(JSContextRef ctx, JSStringRef input, struct buf *out, struct err *err)
{
    JSStringRef name = JSStringCreateWithUTF8CString("oneshot");
    JSValueRef exception = NULL, argument = JSValueMakeString(ctx, input), result;
    JSValueRef function = JSObjectGetProperty(ctx, JSContextGetGlobalObject(ctx), name, NULL);
    int r;

    JSStringRelease(name);
    ASSERT(JSValueIsObject(ctx, function));
    result = JSObjectCallAsFunction(ctx, (JSObjectRef)function, NULL, 1, &argument, &exception);
    if (!result)
        return fail(ctx, exception, err);
    r = append(ctx, result, out);
    return r < 0 ? err_set(err, r, "%s", err_text(r)) : 0;
}

int oneshot_call(str library, str input, struct buf *ret_text, struct err *err)
{
    JSStringRef script, text;
    JSGlobalContextRef ctx;
    JSValueRef exception = NULL;
    int r;

    if (str_find(input, '\0') < input.len)
        return err_set(err, ERR_INVALID, "it contains a NUL byte");
    text = string_of(input);
    if (input.len && !JSStringGetLength(text)) {
        JSStringRelease(text);
        return err_set(err, ERR_INVALID, "it is not valid UTF-8");
    }
    script = string_of(library);
    ctx = JSGlobalContextCreateInGroup(NULL, NULL);
    if (!JSEvaluateScript(ctx, script, NULL, NULL, 0, &exception))
        r = fail(ctx, exception, err);
    else
        r = call(ctx, text, ret_text, err);
    JSGlobalContextRelease(ctx);
    JSStringRelease(script);
    JSStringRelease(text);
    return r;
}
