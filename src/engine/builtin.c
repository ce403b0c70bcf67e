/* The JavaScript that is built in.
 *
 * Each source is one function expression; op_builtin(name) evaluates it and core.js calls the
 * function when something first asks for that file with use(). */
#include "engine/isolate_private.h"
#include "engine/op.h"
#include "engine/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPS_MAX = 512, BUILTINS_MAX = 192, NAME_BYTES_MAX = 64 };

static const struct builtin *find(str name)
{
    for (const struct builtin *b = isolate_setup()->builtins; b->name; b++)
        if (str_equal(str_from(b->name), name))
            return b;
    return NULL;
}

/* A built-in's text as the engine takes it, made once per process. */
static JSStringRef text_of(const struct builtin *b)
{
    static JSStringRef texts[BUILTINS_MAX];
    ptrdiff_t index = b - isolate_setup()->builtins;

    ASSERT(index < BUILTINS_MAX);
    if (!texts[index])
        texts[index] = JSStringCreateWithUTF8CString(b->source);
    return texts[index];
}

/* The url of a built-in starts with "atoll:", which keeps it out of the author's stack traces.
 * JSScriptCreateReferencingImmortalASCIIText would save a copy of the text per isolate, but it
 * parses it once more than this does, to check its syntax: 25 us a kilobyte. */
static JSValueRef evaluate(JSContextRef ctx, const struct builtin *b, JSValueRef *exception)
{
    char url[NAME_BYTES_MAX + 8];
    JSStringRef name;
    JSValueRef function;

    snprintf(url, sizeof url, "atoll:%s", b->name);
    name = JSStringCreateWithUTF8CString(url);
    function = JSEvaluateScript(ctx, text_of(b), NULL, name, 1, exception);
    JSStringRelease(name);
    return function;
}

OP(op_builtin)
{
    char name[NAME_BYTES_MAX];
    struct buf text = {.ptr = name, .cap = sizeof name, .max = sizeof name};
    const struct builtin *b = NULL;

    if (value_to_buf(ctx, OP_ARG(0), &text, exception) == 0)
        b = find(buf_str(&text));
    if (!b)
        return value_throw(ctx, ERR_NOT_FOUND, "no such built-in", exception);
    return evaluate(ctx, b, exception);
}

/* op_wake(): asks for a HOOK_WAKE call. The one op that JavaScript calls between turns, from
 * callbacks that the engine runs by itself (a finished compilation, a finalization). */
OP(op_wake)
{
    struct isolate *iso = isolate_of_group(JSContextGetGroup(ctx));

    if (iso)
        turn_wake(iso);
    return JSValueMakeUndefined(ctx);
}

static struct op ops[OPS_MAX];
static size_t op_count;

static int compare_ops(const void *a, const void *b)
{
    return strcmp(((const struct op *)a)->name, ((const struct op *)b)->name);
}

static void collect_ops(void)
{
    ops[op_count++] = (struct op){"op_builtin", op_builtin};
    ops[op_count++] = (struct op){"op_wake", op_wake};
    for (const struct op *const *table = isolate_setup()->op_tables; *table; table++)
        for (const struct op *op = *table; op->name; op++) {
            ASSERT(op_count < OPS_MAX);
            ops[op_count++] = *op;
        }
    qsort(ops, op_count, sizeof *ops, compare_ops);
}

/* A new function each time it is read: built-ins read an op once, at the top of their file. */
static JSValueRef get_op(JSContextRef ctx, JSObjectRef object, JSStringRef name,
                         JSValueRef *exception)
{
    char text[NAME_BYTES_MAX];
    const struct op *op;

    (void)object, (void)exception;
    if (JSStringGetUTF8CString(name, text, sizeof text) == 0)
        return NULL;
    op = bsearch(&(struct op){.name = text}, ops, op_count, sizeof *ops, compare_ops);
    return op ? JSObjectMakeFunctionWithCallback(ctx, name, op->call) : NULL;
}

/* The `ops` object makes each function when it is read. A table of JSStaticFunction would say the
 * same, but JSC copies such a table for every context: 100 bytes an op in each isolate. */
static JSClassRef ops_class(void)
{
    static JSClassRef class;
    JSClassDefinition definition = kJSClassDefinitionEmpty;

    if (class)
        return class;
    collect_ops();
    definition.className = "Ops";
    definition.attributes = kJSClassAttributeNoAutomaticPrototype;
    definition.getProperty = get_op;
    class = JSClassCreate(&definition);
    return class;
}

static void keep_nothing(void *bytes, void *context)
{
    (void)bytes, (void)context;
}

static void collect_hooks(struct isolate *iso, JSObjectRef exports)
{
    static const char *const names[HOOK_COUNT] = {
#define HOOK_NAME(name, js) js,
        HOOK_MAP(HOOK_NAME)
#undef HOOK_NAME
    };

    for (int i = 0; i < HOOK_COUNT; i++) {
        JSValueRef hook = value_get(iso->ctx, exports, names[i]);
        ASSERT(JSValueIsObject(iso->ctx, hook));
        iso->hooks[i] = (JSObjectRef)hook;
        JSValueProtect(iso->ctx, hook);
    }
}

static void stop_with(struct isolate *iso, const char *what, JSValueRef exception)
{
    JSValueRef ignored = NULL;
    char *text = value_to_utf8(iso->ctx, exception, NULL, &ignored);

    fprintf(stderr, "atoll: built-in script failed: %s: %s\n", what, text ? text : "?");
    abort();
}

void builtin_start(struct isolate *iso)
{
    JSValueRef exception = NULL;
    JSObjectRef exports = JSObjectMake(iso->ctx, NULL, NULL);
    JSObjectRef natives = JSObjectMake(iso->ctx, ops_class(), NULL);
    JSObjectRef cells = JSObjectMakeTypedArrayWithBytesNoCopy(iso->ctx, kJSTypedArrayTypeInt32Array,
                                                              iso->cells, sizeof iso->cells,
                                                              keep_nothing, NULL, NULL);
    JSValueRef core = evaluate(iso->ctx, find(STR("core")), &exception);
    JSValueRef argv[] = {exports, JSValueMakeUndefined(iso->ctx), natives, cells};

    if (exception)
        stop_with(iso, "core", exception);
    JSObjectCallAsFunction(iso->ctx, (JSObjectRef)core, NULL, COUNT_OF(argv), argv, &exception);
    if (exception)
        stop_with(iso, "core", exception);
    collect_hooks(iso, exports);
    JSGlobalContextSetUnhandledRejectionCallback(iso->ctx, iso->hooks[HOOK_REJECTION], &exception);
}
