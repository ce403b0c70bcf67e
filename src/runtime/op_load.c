/* Loading scripts, and errors; see op_load.h. */
#include "runtime/op_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "bindings/bindings.h"
#include "engine/hook.h"
#include "engine/value.h"
#include "runtime/line.h"
#include "runtime/page.h"
#include "runtime/runtime.h"
#include "runtime/version.h"
#include "web/wasm_scan.h"

enum { ERROR_BYTES_MAX = 64 << 10, EXPORTS_BYTES_MAX = 256 << 10 };

static char *text_arg(JSContextRef ctx, JSValueRef value, str *ret)
{
    JSValueRef thrown = NULL;
    size_t len = 0;
    char *text = value_to_utf8(ctx, value, &len, &thrown);

    *ret = (str){text ? text : "", len};
    return text;
}

/* The start of a text that may be too long for a page or a line of the log. */
static str cut(str text)
{
    size_t units;

    return str_head(text, utf8_fit(text, ERROR_BYTES_MAX / 2, &units));
}

/* ---- the script ---- */

static JSValueRef env_of(JSContextRef ctx, json_t *vars)
{
    JSObjectRef env = JSObjectMake(ctx, NULL, NULL);
    const char *name;
    json_t *value;

    json_object_foreach(vars, name, value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        JSStringRef json = JSStringCreateWithUTF8CString(text);
        JSValueRef parsed = JSValueMakeFromJSONString(ctx, json);
        JSStringRelease(json);
        free(text);
        value_set(ctx, env, name, parsed ? parsed : JSValueMakeUndefined(ctx));
    }
    return env;
}

/* Without bindings nothing is set: such a worker is not to pay for them. */
static void set_bindings(JSContextRef ctx, JSObjectRef settings, json_t *bindings,
                         JSValueRef *exception)
{
    struct err err = {0};
    JSObjectRef list;

    if (!json_array_size(bindings))
        return;
    if ((list = bindings_list(ctx, bindings, &err)))
        value_set(ctx, settings, "bindings", list);
    else
        *exception = value_error(ctx, err.code, err.text);
}

/* Evaluates the bundle, which is one function expression; NULL when that failed. */
static JSValueRef factory_of(JSContextRef ctx, str script, JSValueRef *exception)
{
    JSStringRef source = JSValueToStringCopy(ctx, value_string(ctx, script), NULL);
    JSStringRef url = JSStringCreateWithUTF8CString(VERSION_SCRIPT_URL);
    JSValueRef factory = JSEvaluateScript(ctx, source, NULL, url, 1, exception);

    JSStringRelease(source);
    JSStringRelease(url);
    return *exception ? NULL : factory;
}

static void refuse(struct version *v, JSContextRef ctx, JSValueRef error)
{
    str text;
    char *owned = text_arg(ctx, error, &text);

    version_refused(v, text);
    free(owned);
}

static bool has_flag(struct version *v, const char *name)
{
    const json_t *flags = json_object_get(version_config(v), "compatibility_flags"), *flag;
    size_t i;

    json_array_foreach(flags, i, flag) {
        if (json_is_string(flag) && strcmp(json_string_value(flag), name) == 0)
            return true;
    }
    return false;
}

static void run_load(struct isolate *iso, struct task *task)
{
    struct version *v = version_of_isolate(iso);
    bool frozen = !runtime_options()->dev && !has_flag(v, "precise_timers");
    JSContextRef ctx = isolate_context(iso);
    JSValueRef exception = NULL, factory;
    JSObjectRef settings = JSObjectMake(ctx, NULL, NULL);

    (void)task;
    isolate_set_frozen_clock(iso, frozen);
    isolate_set_eval(iso, has_flag(v, "allow_eval_during_startup"));
    factory = factory_of(ctx, version_script(v), &exception);
    if (factory)
        set_bindings(ctx, settings, json_object_get(version_config(v), "bindings"), &exception);
    if (factory && !exception) {
        value_set(ctx, settings, "env", env_of(ctx, json_object_get(version_config(v), "vars")));
        if (!version_worker(v))
            value_set(ctx, settings, "tried", JSValueMakeBoolean(ctx, true));
        value_set(ctx, settings, "frozen", JSValueMakeBoolean(ctx, frozen));
        JSValueRef argv[] = {factory, settings};
        hook_call(iso, HOOK_LOAD, COUNT_OF(argv), argv, &exception);
    }
    if (exception && !isolate_is_terminated(iso))
        refuse(v, ctx, exception);
}

static void drop_load(struct task *task)
{
    (void)task; /* its version goes with the isolate */
}

void op_load_prepare(struct task *task)
{
    *task = (struct task){.run = run_load, .drop = drop_load};
}

/* op_loaded(): the script ran and has a handler. op_loaded(message, stack): it threw. */
OP(op_loaded)
{
    struct version *v = version_of_isolate(isolate_current());
    str message, stack;
    char *owned_message, *owned_stack;
    struct buf error;

    if (!v)
        return JSValueMakeUndefined(ctx); /* the blank isolate's warming up */
    if (!argc) {
        isolate_set_eval(isolate_current(), false);
        version_loaded(v);
        return JSValueMakeUndefined(ctx);
    }
    owned_message = text_arg(ctx, OP_ARG(0), &message);
    owned_stack = text_arg(ctx, OP_ARG(1), &stack);
    buf_init(&error, ERROR_BYTES_MAX);
    version_describe_error(v, cut(message), stack, &error);
    version_refused(v, buf_str(&error));
    buf_done(&error);
    free(owned_message);
    free(owned_stack);
    return JSValueMakeUndefined(ctx);
}

/* op_exports(json): {handlers, classes} of a version that is tried. */
OP(op_exports)
{
    struct version *v = version_of_isolate(isolate_current());
    str text;
    char *owned = text_arg(ctx, OP_ARG(0), &text);

    /* With more names than fit into a frame it is said to export nothing. */
    if (text.len <= EXPORTS_BYTES_MAX)
        version_set_exports(v, json_loadb(text.ptr, text.len, 0, NULL));
    free(owned);
    return JSValueMakeUndefined(ctx);
}

/* op_module(name): {kind, value}; value is a string for text, else a Uint8Array */
OP(op_module)
{
    struct version *v = version_of_isolate(isolate_current());
    const struct version_part *part;
    JSObjectRef module;
    str name;
    char *owned = text_arg(ctx, OP_ARG(0), &name);

    part = version_part_find(v, name);
    free(owned);
    if (!part)
        return value_throw(ctx, ERR_NOT_FOUND, "The worker has no such module.", exception);
    if (str_equal(part->kind, STR("wasm")) && !wasm_scan_is_harmless(part->bytes))
        return value_throw(ctx, ERR_UNSUPPORTED,
                           "This WebAssembly module has shared memory, which no worker can have.",
                           exception);
    module = JSObjectMake(ctx, NULL, NULL);
    value_set(ctx, module, "kind", value_string(ctx, part->kind));
    value_set(ctx, module, "value",
              str_equal(part->kind, STR("text"))
                  ? value_string(ctx, part->bytes)
                  : value_bytes(ctx, part->bytes.ptr, part->bytes.len));
    return module;
}

/* ---- errors ---- */

/* op_fail(request, message, stack, where, owner): answers the request with an error (0: no request)
 * and logs it with `where` before its message, unless `where` is undefined; it is among the lines
 * of `owner` when there is no request. */
OP(op_fail)
{
    struct version *v = version_of_isolate(isolate_current());
    int32_t id = (int32_t)value_to_number(ctx, OP_ARG(0), 0);
    struct exchange *x = exchange_find(id);
    str message, stack, where;
    char *owned_message = text_arg(ctx, OP_ARG(1), &message);
    char *owned_stack = text_arg(ctx, OP_ARG(2), &stack);
    char *owned_where = text_arg(ctx, argc > 3 ? argv[3] : value_string(ctx, STR("")), &where);
    struct buf error;

    buf_init(&error, ERROR_BYTES_MAX);
    ASSERT(buf_append(&error, cut(where)) == 0);
    version_describe_error(v, cut(message), stack, &error);
    if (!JSValueIsUndefined(ctx, OP_ARG(3)))
        line_error(v, id ? id : (int32_t)value_to_number(ctx, OP_ARG(4), 0), buf_str(&error));
    if (x)
        page_outcome(x, OUTCOME_EXCEPTION, NULL, buf_str(&error));
    buf_done(&error);
    free(owned_message);
    free(owned_stack);
    free(owned_where);
    return JSValueMakeUndefined(ctx);
}

/* op_error_stack(stack): its frames mapped to the author's files, for console.log(error) */
OP(op_error_stack)
{
    struct version *v = version_of_isolate(isolate_current());
    struct buf text;
    str stack;
    char *owned = text_arg(ctx, OP_ARG(0), &stack);
    JSValueRef mapped;

    buf_init(&text, ERROR_BYTES_MAX);
    version_describe_error(v, STR_NONE, stack, &text);
    mapped = value_string(ctx, text.len ? str_skip(buf_str(&text), 1) : STR_NONE);
    buf_done(&text);
    free(owned);
    return mapped;
}

void op_load_tell_hung(struct isolate *iso, int32_t id)
{
    JSValueRef argv[] = {JSValueMakeNumber(isolate_context(iso), id)};

    hook_call(iso, HOOK_HUNG, 1, argv, NULL);
}

const struct op op_load_table[] = {
    {"op_loaded", op_loaded},
    {"op_exports", op_exports},
    {"op_module", op_module},
    {"op_fail", op_fail},
    {"op_error_stack", op_error_stack},
    {0},
};
