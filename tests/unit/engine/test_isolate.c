/* engine/isolate, turn and watchdog: tasks, resources, hooks, limits. */
#include "engine_harness.h"

/* ---- tasks ---- */

Test(isolate, runs_tasks_in_order_with_microtasks_in_between)
{
    struct isolate *iso = harness_isolate();
    struct harness_script first = harness_script(
        "globalThis.order = ['a']; Promise.resolve().then(() => order.push('b'))");
    struct harness_script second = harness_script("order.push('c')");

    isolate_post(iso, &first.task);
    isolate_post(iso, &second.task);
    cr_expect(isolate_has_tasks(iso));
    cr_expect(isolate_any_ready());
    cr_expect_eq(isolate_run_ready(), 1);
    while (isolate_any_ready()) /* the first task may have taken a turn's time */
        isolate_run_ready();
    cr_expect_geq(harness_turn_ends, 1);
    cr_expect(harness_holds(iso, "order.join() === 'a,b,c'"));
    isolate_free(iso);
}

struct again {
    struct task task;
    int runs;
};

static void on_again(struct isolate *iso, struct task *task)
{
    CONTAINER_OF(task, struct again, task)->runs++;
    cr_assert_eq(isolate_current(), iso);
    isolate_post(iso, task);
}

static void on_again_dropped(struct task *task)
{
    CONTAINER_OF(task, struct again, task)->runs = -1;
}

Test(isolate, a_turn_is_bounded)
{
    struct isolate *iso = harness_isolate(), *other = harness_isolate();
    struct again again = {.task = {.run = on_again, .drop = on_again_dropped}};
    struct harness_script script = harness_script("1");

    isolate_post(iso, &again.task);
    isolate_post(other, &script.task);
    cr_expect_eq(isolate_run_ready(), 2);
    cr_expect(script.ran, "the other isolate has its turn");
    cr_expect_gt(again.runs, 0);
    cr_expect(isolate_any_ready(), "what is left waits for the next turn");
    cr_expect_null(isolate_current());
    isolate_free(iso);
    cr_expect_eq(again.runs, -1, "dropped");
    cr_expect_not(isolate_any_ready());
    isolate_free(other);
}

Test(isolate, drops_tasks_that_did_not_run)
{
    struct isolate *iso = harness_isolate();
    struct harness_script scripts[3];

    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        scripts[i] = harness_script("1");
        isolate_post(iso, &scripts[i].task);
    }
    isolate_free(iso);
    cr_expect_eq(isolate_run_ready(), 0);
    for (size_t i = 0; i < COUNT_OF(scripts); i++)
        cr_expect(scripts[i].dropped && !scripts[i].ran);
    isolate_free(NULL);
}

/* ---- resources ---- */

static int closed_count;

static void on_close(struct resource *resource)
{
    (void)resource;
    closed_count++;
}

Test(isolate, closes_resources_once)
{
    struct isolate *iso = harness_isolate();
    struct resource kept = {.close = on_close}, removed = {.close = on_close};

    isolate_add_resource(iso, &kept);
    isolate_add_resource(iso, &removed);
    isolate_remove_resource(&removed);
    cr_expect_eq(closed_count, 0);
    isolate_free(iso);
    cr_expect_eq(closed_count, 1);
}

/* ---- hooks ---- */

static void call_hooks(struct isolate *iso, struct task *task)
{
    JSContextRef ctx = isolate_context(iso);
    JSValueRef number = JSValueMakeNumber(ctx, 5), exception = NULL, ignored = NULL;
    JSValueRef argv[] = {number, number};
    JSValueRef thrower = harness_evaluate(ctx, "(() => { throw new Error('from a hook') })", NULL);
    char *text;

    (void)task;
    text = value_to_utf8(ctx, hook_call(iso, HOOK_ABORT, 2, argv, &exception), NULL, &ignored);
    cr_expect_str_eq(text, "abort 2");
    cr_expect_null(exception);
    cr_expect_null(hook_call(iso, HOOK_DISPATCH, 1, &thrower, &exception));
    text = value_to_utf8(ctx, exception, NULL, &ignored);
    cr_expect_str_eq(text, "Error: from a hook");
    cr_expect_null(hook_call(iso, HOOK_DISPATCH, 1, &thrower, NULL));
    hook_complete(iso, 7, NULL, NULL);
}

Test(isolate, calls_hooks)
{
    struct isolate *iso = harness_isolate();
    struct task task = {.run = call_hooks, .drop = on_again_dropped};

    isolate_post(iso, &task);
    isolate_run_ready();
    cr_expect(harness_holds(iso, "calls.join() === 'abort,complete'"));
    harness_run(iso, "Promise.reject(1); 0", NULL, NULL);
    cr_expect(harness_holds(iso, "calls.at(-1) === 'rejection'"));
    isolate_free(iso);
}

Test(isolate, shares_cells)
{
    struct isolate *iso = harness_isolate();

    isolate_cells(iso)[CELL_PENDING] = 41;
    cr_expect(harness_holds(iso, "cells[0] === 41 && ++cells[0] > 0"));
    cr_expect_eq(isolate_cells(iso)[CELL_PENDING], 42);
    isolate_cells(iso)[CELL_CURRENT] = 3;
    harness_run(iso, "cells[3] = 9", NULL, NULL);
    cr_expect_eq(isolate_cells(iso)[CELL_CURRENT], 0, "each task begins without a request");
    isolate_free(iso);
}

Test(isolate, runs_no_code_from_strings)
{
    struct isolate *iso = harness_isolate();

    cr_expect(harness_holds(iso, "try { eval('1'); false } catch (error) {"
                                 "error instanceof EvalError }"));
    cr_expect(harness_holds(iso, "try { new Function('return 1'); false } catch (error) {"
                                 "error instanceof EvalError }"));
    isolate_free(iso);
}

/* ---- limits ---- */

static struct isolate *limited(uint64_t cpu_ms, size_t memory_bytes)
{
    struct isolate *iso = harness_isolate();

    isolate_set_limits(iso, (struct isolate_limits){cpu_ms, memory_bytes, 0});
    return iso;
}

static void expect_ended(struct isolate *iso, const char *source, int code)
{
    struct harness_script script = harness_script(source), next = harness_script("1");

    harness_ended = harness_ended_count = 0;
    harness_spent = (struct isolate_spent){0};
    isolate_post(iso, &script.task);
    isolate_post(iso, &next.task);
    isolate_run_ready();
    cr_expect_eq(harness_ended, code, "%s", source);
    cr_expect_eq(harness_ended_count, 1, "%s", source);
    cr_expect(isolate_is_terminated(iso));
    cr_expect_not(next.ran, "%s", source);
    cr_expect_eq(isolate_run_ready(), 0, "an ended isolate has no turns");
    isolate_free(iso);
    cr_expect(next.dropped);
}

Test(isolate, ends_at_its_cpu_limit)
{
    static const char *const sources[] = {
        "for (;;);",
        "for (;;) { try { for (;;); } catch { continue } finally { continue } }",
        "(async () => { for (;;) await null })(); 0",
        "(function again() { return Promise.resolve().then(again) })(); 0",
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++)
        expect_ended(limited(30, 512u << 20), sources[i], ERR_CPU_LIMIT);
}

Test(isolate, adds_up_short_tasks_of_a_request)
{
    struct isolate *iso = limited(50, 512u << 20);
    int runs = 0;

    harness_spent = (struct isolate_spent){0};
    while (!harness_ended && runs < 10000) {
        struct harness_script script = harness_script(
            "cells[3] = 1; for (let i = 0; i < 1e5; i++) globalThis.x = i;");

        isolate_post(iso, &script.task);
        isolate_run_ready();
        runs++;
    }
    cr_expect_eq(harness_ended, ERR_CPU_LIMIT);
    cr_expect_gt(runs, 1);
    cr_expect_geq(isolate_cpu_ns(iso), 40000000);
    isolate_free(iso);
}

Test(isolate, ends_at_its_memory_limit)
{
    static const char *const sources[] = {
        "const kept = []; for (;;) kept.push(new Array(1000).fill({}))",
        "const kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1))",
        "const kept = []; for (let i = 0; ; i++) kept.push(JSON.stringify(`${i}`.repeat(50000)))",
        "const kept = new Map(); for (let i = 0; ; i++) kept.set(i, `${i}`)",
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++)
        expect_ended(limited(20000, 48u << 20), sources[i], ERR_MEM_LIMIT);
}

Test(isolate, makes_garbage_within_its_memory_limit)
{
    struct isolate *iso = limited(20000, 48u << 20);

    harness_run(
        iso, "let sum = 0; for (let i = 0; i < 400; i++) sum += new Uint8Array(1 << 20).fill(1)[5]",
        NULL, NULL);
    cr_expect_eq(harness_ended, 0);
    isolate_free(iso);
}

static void on_pace(uv_timer_t *timer)
{
    (void)timer;
}

/* Short turns are never polled: the look of each second finds what they keep. */
Test(isolate, adds_up_memory_of_short_turns, .timeout = 20)
{
    struct isolate *iso = limited(20000, 48u << 20), *innocent = limited(20000, 48u << 20);
    uv_timer_t pace;

    uv_timer_init(isolate_loop(), &pace);
    harness_run(iso, "globalThis.kept = []", NULL, NULL);
    for (int i = 0; i < 2000 && !harness_ended; i++) {
        harness_run(iso, "kept.push(new Uint8Array(1 << 20).fill(1))", NULL, NULL);
        harness_run(innocent, "1", NULL, NULL);
        uv_timer_start(&pace, on_pace, 5, 0);
        uv_run(isolate_loop(), UV_RUN_ONCE);
    }
    cr_expect_eq(harness_ended, ERR_MEM_LIMIT);
    cr_expect_eq(harness_ended_count, 1);
    cr_expect(isolate_is_terminated(iso));
    cr_expect_not(isolate_is_terminated(innocent));
    isolate_free(iso);
    cr_expect(harness_holds(innocent, "true"));
    isolate_free(innocent);
}
