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
#include "os/clock.h"

static const struct isolate_setup *setup;
static struct list all = {&all, &all};
static struct list ready = {&ready, &ready};
static struct isolate *current;

enum {
    UNOWNED_MS = 60000,          /* how long work that is nobody's has one budget */
    FRESH_BYTES = 1100 * 1024,   /* an isolate with a small worker, measured */
};

/* Compiled code looks itself whether it has to stop. By default JSC stops the thread with a signal
 * and waits until it happens to be in compiled code, which in a script that mostly calls the engine
 * takes a second now and then; and it throws away what was compiled. */
static void poll_traps(void)
{
    setenv("JSC_usePollingTraps", "1", 0);
}

void isolate_engine_start(const struct isolate_setup *kept_setup)
{
    ASSERT(!setup);
    setup = kept_setup;
    poll_traps();
    glib_bridge_start(setup->loop);
    watchdog_start(setup->loop);
    if (jsc_initialize_main_thread)
        jsc_initialize_main_thread();
}

const struct isolate_setup *isolate_setup(void)
{
    return setup;
}

struct pulse *isolate_pulse(void)
{
    static struct pulse unread;

    return setup->pulse ? setup->pulse : &unread;
}

uv_loop_t *isolate_loop(void)
{
    return setup->loop;
}

/* eval() and new Function() throw from here on; JSEvaluateScript, which the built-ins come by, is
 * not touched. */
void isolate_set_eval(struct isolate *iso, bool allowed)
{
    static JSStringRef message;

    if (!message)
        message = JSStringCreateWithUTF8CString("Code generation from strings is not allowed.");
    JSGlobalContextSetEvalEnabled(iso->ctx, allowed, message);
}

struct isolate *isolate_new(void)
{
    struct isolate *iso = mem_new(struct isolate);

    iso->limits = (struct isolate_limits){.cpu_ms = 30000,
                                          .memory_bytes = 128u << 20,
                                          .subrequests = UINT64_MAX};
    iso->heap_bytes = FRESH_BYTES;
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
    isolate_set_eval(iso, false);
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

void isolate_set_frozen_clock(struct isolate *iso, bool frozen)
{
    iso->frozen_clock = frozen;
}

uint64_t isolate_now_ns(const struct isolate *iso)
{
    return iso->frozen_clock ? iso->section_start_ns : clock_monotonic_ns();
}

bool isolate_wasm_from_bytes(void)
{
    return setup->wasm_from_bytes;
}

void isolate_set_owner(struct isolate *iso, void *owner)
{
    iso->owner = owner;
}

void isolate_set_number(struct isolate *iso, uint64_t number)
{
    iso->number = number;
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
    struct isolate_spent *spent = id ? isolate_setup()->meter_of(iso, id) : NULL;

    iso->totals.cpu_ns += cpu_ns;
    if (!spent)
        return true;
    spent->cpu_ns += cpu_ns;
    if (spent->cpu_ns <= iso->limits.cpu_ms * 1000000)
        return true;
    iso->ending = ERR_CPU_LIMIT;
    iso->blamed = id;
    return false;
}

struct isolate_totals isolate_totals(const struct isolate *iso)
{
    struct isolate_totals totals = iso->totals;

    totals.cpu_ns += iso->cpu_ns;
    if (iso->in_turn)
        totals.cpu_ns += clock_thread_cpu_ns() - iso->turn_cpu_start_ns;
    return totals;
}

size_t isolate_heap_bytes(const struct isolate *iso)
{
    return iso->heap_bytes;
}

struct isolate_spent *isolate_spent(struct isolate *iso)
{
    int32_t id = iso->cells[CELL_CURRENT];
    struct isolate_spent *spent = id ? setup->meter_of(iso, id) : NULL;
    uint64_t now_ms = uv_now(setup->loop);

    if (spent)
        return spent;
    if (now_ms - iso->unowned_ms >= UNOWNED_MS) {
        iso->unowned = (struct isolate_spent){0};
        iso->unowned_ms = now_ms;
    }
    return &iso->unowned;
}

bool isolate_subrequest(struct isolate *iso)
{
    struct isolate_spent *spent = isolate_spent(iso);

    if (spent->subrequests >= iso->limits.subrequests)
        return false;
    spent->subrequests++;
    iso->totals.subrequests++;
    return true;
}

void isolate_hold(struct isolate *iso, int change)
{
    iso->held += change;
    ASSERT(iso->held >= 0);
}

bool isolate_is_held(const struct isolate *iso)
{
    return iso->held > 0;
}

void isolate_add_bytes(struct isolate *iso, size_t in, size_t out)
{
    iso->totals.bytes_in += in;
    iso->totals.bytes_out += out;
}

int32_t isolate_blamed(const struct isolate *iso)
{
    return iso->blamed;
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

enum isolate_console isolate_wants_console(struct isolate *iso)
{
    return setup->wants_console ? setup->wants_console(iso) : ISOLATE_CONSOLE_TEXT;
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
