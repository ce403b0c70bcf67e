/* Isolates; see isolate.h.
 *
 *   isolate_new ──> blank ──isolate_post──> ready ──isolate_run_ready──> in a turn ──> blank ...
 *                                                                          │
 *                          isolate_free <── on_terminated <── terminated <─┘ (a limit)
 *
 * (1) An isolate is in the ready list exactly while it has tasks and is not in a turn.
 * (2) JavaScript of an isolate runs only inside turn_run(); `current` is that isolate.
 * (3) A terminated isolate runs no further task: what is queued is dropped by isolate_free(). */
#include "engine/isolate.h"

#include <stdlib.h>

#include "engine/isolate_private.h"
#include "loop/glib_bridge.h"

static const struct isolate_setup *setup;
static struct list all = {&all, &all};
static struct list ready = {&ready, &ready};
static struct isolate *current;

void isolate_engine_start(const struct isolate_setup *kept_setup)
{
    ASSERT(!setup);
    setup = kept_setup;
    glib_bridge_start(setup->loop);
    watchdog_start(setup->loop);
    if (jsc_initialize_main_thread)
        jsc_initialize_main_thread();
}

const struct isolate_setup *isolate_setup(void)
{
    return setup;
}

uv_loop_t *isolate_loop(void)
{
    return setup->loop;
}

/* eval() and new Function() throw from here on; JSEvaluateScript, which the built-ins come by, is
 * not touched. */
static void disable_eval(JSGlobalContextRef ctx)
{
    static JSStringRef message;

    if (!message)
        message = JSStringCreateWithUTF8CString("Code generation from strings is not allowed.");
    JSGlobalContextSetEvalEnabled(ctx, false, message);
}

struct isolate *isolate_new(void)
{
    struct isolate *iso = mem_new(struct isolate);

    iso->limits = (struct isolate_limits){.cpu_ms = 30000, .memory_bytes = 128u << 20};
    list_push(&all, &iso->link);
    list_init(&iso->ready_link);
    list_init(&iso->tasks);
    list_init(&iso->resources);
    iso->group = JSContextGroupCreate();
    iso->ctx = JSGlobalContextCreateInGroup(iso->group, NULL);
    JSLock(iso->ctx);
    current = iso;
    turn_prepare(iso);
    builtin_start(iso);
    disable_eval(iso->ctx);
    current = NULL;
    JSUnlock(iso->ctx);
    watchdog_arm(iso);
    return iso;
}

void isolate_warm(struct isolate *iso)
{
    JSLock(iso->ctx);
    current = iso;
    turn_warm(iso);
    current = NULL;
    JSUnlock(iso->ctx);
}

void isolate_free(struct isolate *iso)
{
    struct list *link;

    if (!iso)
        return;
    ASSERT(!iso->in_turn);
    list_remove(&iso->link);
    list_remove(&iso->ready_link);
    while ((link = list_pop(&iso->tasks))) {
        struct task *task = CONTAINER_OF(link, struct task, link);
        task->drop(task);
    }
    while ((link = list_pop(&iso->resources))) {
        struct resource *resource = CONTAINER_OF(link, struct resource, link);
        resource->close(resource);
    }
    JSValueUnprotect(iso->ctx, iso->trampoline);
    for (int i = 0; i < HOOK_COUNT; i++)
        JSValueUnprotect(iso->ctx, iso->hooks[i]);
    JSGlobalContextRelease(iso->ctx);
    JSContextGroupRelease(iso->group);
    free(iso);
}

struct list *isolate_all(void)
{
    return &all;
}

struct isolate *isolate_of_group(JSContextGroupRef group)
{
    LIST_EACH(&all, link) {
        struct isolate *iso = CONTAINER_OF(link, struct isolate, link);
        if (iso->group == group)
            return iso;
    }
    return NULL;
}

struct isolate *isolate_current(void)
{
    return current;
}

JSGlobalContextRef isolate_context(struct isolate *iso)
{
    return iso->ctx;
}

void isolate_set_limits(struct isolate *iso, struct isolate_limits limits)
{
    iso->limits = limits;
}

void isolate_set_owner(struct isolate *iso, void *owner)
{
    iso->owner = owner;
}

void *isolate_owner(const struct isolate *iso)
{
    return iso->owner;
}

int32_t *isolate_cells(struct isolate *iso)
{
    return iso->cells;
}

uint64_t isolate_cpu_ns(const struct isolate *iso)
{
    return iso->cpu_ns;
}

bool isolate_charge(struct isolate *iso, int32_t id, uint64_t cpu_ns)
{
    uint64_t *meter = id ? isolate_setup()->meter_of(iso, id) : NULL;

    if (!meter)
        return true;
    *meter += cpu_ns;
    if (*meter <= iso->limits.cpu_ms * 1000000)
        return true;
    iso->ending = ERR_CPU_LIMIT;
    return false;
}

bool isolate_is_terminated(const struct isolate *iso)
{
    return iso->terminated != 0;
}

bool isolate_has_tasks(const struct isolate *iso)
{
    return !list_empty(&iso->tasks);
}

void isolate_post(struct isolate *iso, struct task *task)
{
    list_push(&iso->tasks, &task->link);
    if (!iso->in_turn && !iso->terminated && iso->ready_link.next == &iso->ready_link)
        list_push(&ready, &iso->ready_link);
}

void isolate_add_resource(struct isolate *iso, struct resource *resource)
{
    list_push(&iso->resources, &resource->link);
}

void isolate_remove_resource(struct resource *resource)
{
    list_remove(&resource->link);
}

static void give_turn(struct isolate *iso)
{
    current = iso;
    iso->in_turn = true;
    turn_run(iso);
    iso->in_turn = false;
    current = NULL;
    if (iso->terminated)
        setup->on_terminated(iso, iso->terminated);
    else if (!list_empty(&iso->tasks))
        list_push(&ready, &iso->ready_link);
}

void isolate_terminate(struct isolate *iso, int code)
{
    ASSERT(!iso->in_turn && !iso->terminated);
    iso->terminated = code;
    list_remove(&iso->ready_link);
    setup->on_terminated(iso, code);
}

bool isolate_any_ready(void)
{
    return !list_empty(&ready);
}

void isolate_console(struct isolate *iso, int level, str text)
{
    setup->on_console(iso, level, text);
}

int isolate_run_ready(void)
{
    struct list turn, *link;
    int count = 0;

    list_init(&turn);
    list_move_all(&ready, &turn);
    while ((link = list_pop(&turn))) {
        give_turn(CONTAINER_OF(link, struct isolate, ready_link));
        count++;
    }
    return count;
}
