/* A turn: the one way into JavaScript.
 *
 *   turn_run:  JSLock ── VM entry ── on_trampoline:  JSLock
 *                                      each queued task: run, drain microtasks, charge
 *                                      setup->on_turn_end
 *                                    JSUnlock ──────────────────────────────────────── JSUnlock
 *
 * (1) JSC measures a script's time per outermost VM entry and starts anew for each microtask that
 *     is drained outside of one. The trampoline makes the whole turn one entry, so a limit holds
 *     for an endless chain of promises too.
 * (2) JSC drops its lock around a native callback; the trampoline's body takes it again, so the
 *     calls of a turn cost no lock each.
 * (3) Each task is followed by a microtask checkpoint: what runs in between works for the request
 *     in CELL_CURRENT, to which its CPU time is charged. */
#include "os/clock.h"

#include "engine/isolate_private.h"

/* Many short tasks are not a long turn: neighbours come in between, and clients that send a lot to
 * a worker do not make it a slow one. */
enum { TASKS_PER_TURN_MAX = 1024, TURN_NS_MAX = 5000000 };

/* A fallback for an engine without the symbol: microtasks then run when the lock is dropped. */
void turn_drain(struct isolate *iso)
{
    if (jsc_drain_microtasks)
        jsc_drain_microtasks(iso->group);
}

static void charge(struct isolate *iso, uint64_t now_ns)
{
    int32_t id = iso->cells[CELL_CURRENT];
    struct isolate_spent *spent = id ? isolate_setup()->meter_of(iso, id) : NULL;

    iso->cells[CELL_CURRENT] = 0;
    if (spent)
        spent->cpu_ns += now_ns - iso->section_start_ns;
    iso->section_start_ns = now_ns;
    if (spent && !iso->terminated && spent->cpu_ns > iso->limits.cpu_ms * 1000000)
        watchdog_charged(iso, spent->cpu_ns);
    if (iso->measure_due && !iso->terminated)
        watchdog_task_ended(iso);
    if ((iso->terminated || iso->ending) && !iso->blamed)
        iso->blamed = id;
}

static bool is_used_up(const struct isolate *iso, int tasks)
{
    return tasks >= TASKS_PER_TURN_MAX || iso->section_start_ns - iso->turn_start_ns > TURN_NS_MAX;
}

/* Tasks that these post run in the same turn, so that a worker's load and its first request are
 * one entry; number and time bound a turn all the same. */
static void run_tasks(struct isolate *iso)
{
    struct list *link;

    for (int i = 0; !is_used_up(iso, i) && !iso->terminated && !iso->ending; i++) {
        if (!(link = list_pop(&iso->tasks)))
            return;
        struct task *task = CONTAINER_OF(link, struct task, link);
        task->run(iso, task);
        turn_drain(iso);
        charge(iso, clock_monotonic_ns());
    }
}

static JSValueRef on_trampoline(JSContextRef ctx, JSObjectRef function, JSObjectRef self,
                                size_t argc, const JSValueRef argv[], JSValueRef *exception)
{
    struct isolate *iso = isolate_current();

    (void)function, (void)self, (void)argc, (void)argv, (void)exception;
    JSLock(ctx);
    run_tasks(iso);
    if (!iso->terminated)
        isolate_setup()->on_turn_end(iso);
    if (!iso->terminated)
        iso->terminated = iso->ending;
    JSUnlock(ctx);
    return JSValueMakeUndefined(ctx);
}

void turn_prepare(struct isolate *iso)
{
    iso->trampoline = JSObjectMakeFunctionWithCallback(iso->ctx, NULL, on_trampoline);
    JSValueProtect(iso->ctx, iso->trampoline);
}

void turn_run(struct isolate *iso)
{
    JSValueRef exception = NULL;

    JSLock(iso->ctx);
    iso->section_start_ns = clock_monotonic_ns();
    watchdog_turn_begins(iso);
    JSObjectCallAsFunction(iso->ctx, iso->trampoline, NULL, 0, NULL, &exception);
    watchdog_turn_ended(iso);
#ifdef ATOLL_GC_STRESS
    JSSynchronousGarbageCollectForDebugging(iso->ctx);
#endif
    JSUnlock(iso->ctx);
}

void turn_warm(struct isolate *iso)
{
    hook_call(iso, HOOK_WARM, 0, NULL, NULL);
    hook_call(iso, HOOK_FLUSH, 0, NULL, NULL);
    memset(iso->cells, 0, sizeof iso->cells);
}

/* ---- what the engine finishes between turns ---- */

static void run_wake(struct isolate *iso, struct task *task)
{
    task->link = (struct list){NULL, NULL};
    hook_call(iso, HOOK_WAKE, 0, NULL, NULL);
}

static void drop_wake(struct task *task)
{
    (void)task; /* part of the isolate */
}

void turn_wake(struct isolate *iso)
{
    if (iso->wake.link.next)
        return;
    iso->wake = (struct task){.run = run_wake, .drop = drop_wake};
    isolate_post(iso, &iso->wake);
}
