/* Isolates for unit tests of engine/: a core.js of a few lines, no web platform, no server. */
#ifndef ATOLL_TESTS_ENGINE_HARNESS_H
#define ATOLL_TESTS_ENGINE_HARNESS_H

#include <criterion/criterion.h>
#include <string.h>

#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/jsc_private.h"
#include "engine/op.h"
#include "engine/value.h"

/* Every hook notes that it was called in the global `calls`. */
#define HARNESS_CORE                                                                               \
    "(function(exports, use, ops, cells) { 'use strict';"                                          \
    "globalThis.calls = []; globalThis.cells = cells; globalThis.ops = ops;"                       \
    "for (const name of ['complete', 'load', 'dispatch', 'flush', 'timer', 'abort', 'hung',"       \
    "                    'scheduled', 'warm', 'wake', 'rejection', 'serve', 'service'])"           \
    "  exports[name] = (...args) => { calls.push(name); return `${name} ${args.length}`; };"       \
    "exports.dispatch = (f) => f();"                                                               \
    "})"

static struct isolate_spent harness_spent;
static int harness_ended;           /* the code on_terminated was called with */
static int harness_ended_count;
static int harness_turn_ends;

OP(op_boom)
{
    return value_throw(ctx, ERR_LIMIT, "boom", exception);
}

static const struct op harness_ops[] = {{"op_boom", op_boom}, {0}};

static void harness_on_console(struct isolate *iso, int level, str text)
{
    (void)iso, (void)level, (void)text;
}

static struct isolate_spent *harness_meter_of(struct isolate *iso, int32_t id)
{
    (void)iso, (void)id;
    return &harness_spent;
}

static void harness_on_terminated(struct isolate *iso, int code)
{
    (void)iso;
    harness_ended = code;
    harness_ended_count++;
}

static void harness_on_turn_end(struct isolate *iso)
{
    (void)iso;
    harness_turn_ends++;
}

static inline struct isolate *harness_isolate(void)
{
    static const struct op *const tables[] = {harness_ops, NULL};
    static const struct builtin builtins[] = {
        {"core", HARNESS_CORE, sizeof HARNESS_CORE - 1}, {NULL, NULL, 0}};
    static struct isolate_setup setup;

    if (!setup.loop) {
        setup = (struct isolate_setup){.loop = uv_default_loop(),
                                       .op_tables = tables,
                                       .builtins = builtins,
                                       .on_console = harness_on_console,
                                       .meter_of = harness_meter_of,
                                       .on_terminated = harness_on_terminated,
                                       .on_turn_end = harness_on_turn_end};
        isolate_engine_start(&setup);
    }
    return isolate_new();
}

/* ---- a script, evaluated in a turn of its own ---- */

struct harness_script {
    struct task task;
    const char *source;
    void (*then)(JSContextRef ctx, JSValueRef result, void *context);
    void *context;
    bool ran;
    bool dropped;
};

static inline JSValueRef harness_evaluate(JSContextRef ctx, const char *source,
                                          JSValueRef *exception)
{
    JSStringRef text = JSStringCreateWithUTF8CString(source);
    JSValueRef result = JSEvaluateScript(ctx, text, NULL, NULL, 1, exception);

    JSStringRelease(text);
    return result;
}

static inline void harness_on_run(struct isolate *iso, struct task *task)
{
    struct harness_script *script = CONTAINER_OF(task, struct harness_script, task);
    JSContextRef ctx = isolate_context(iso);
    JSValueRef exception = NULL, ignored = NULL;
    JSValueRef result = harness_evaluate(ctx, script->source, &exception);

    script->ran = true;
    if (isolate_is_terminated(iso))
        return;
    cr_assert(!exception, "%s throws %s", script->source,
              value_to_utf8(ctx, exception, NULL, &ignored));
    if (script->then)
        script->then(ctx, result, script->context);
}

static inline void harness_on_drop(struct task *task)
{
    CONTAINER_OF(task, struct harness_script, task)->dropped = true;
}

static inline struct harness_script harness_script(const char *source)
{
    return (struct harness_script){.task = {.run = harness_on_run, .drop = harness_on_drop},
                                   .source = source};
}

/* Runs `source` in a turn; `then` (may be NULL) sees its value. */
static inline void harness_run(struct isolate *iso, const char *source,
                               void (*then)(JSContextRef, JSValueRef, void *), void *context)
{
    struct harness_script script = harness_script(source);

    script.then = then;
    script.context = context;
    isolate_post(iso, &script.task);
    isolate_run_ready();
    cr_assert(script.ran, "%s", source);
}

static inline void harness_take_truth(JSContextRef ctx, JSValueRef result, void *context)
{
    *(bool *)context = JSValueToBoolean(ctx, result);
}

static inline bool harness_holds(struct isolate *iso, const char *source)
{
    bool holds = false;

    harness_run(iso, source, harness_take_truth, &holds);
    return holds;
}

#endif
