/* The one native timer of an isolate, under js/timers.js.
 *
 *   op_timer_arm ──> uv timer ──on_fire──> task ──on_run──> HOOK_TIMER
 *                                            └──posted again while that returns true
 *
 * (1) Each due timer of JavaScript runs in a task of its own: microtasks are drained in between,
 *     CPU time is charged to the request that set it, and a turn stays bounded.
 * (2) The uv timer belongs to the handle; the isolate's resource only stops it. The memory goes
 *     when libuv has closed the timer: after the handle was buried and with no task queued. */
#include <math.h>
#include <stdlib.h>

#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/value.h"
#include "os/clock.h"
#include "web/web.h"

enum { NS_PER_MS = 1000000 };

static const char timer_kind[] = "timer";

struct timer {
    struct handle handle;
    struct resource resource;
    struct task task;
    uv_timer_t uv;
    struct isolate *iso; /* NULL once the isolate is gone */
    bool posted;
    bool buried;
};

static void on_closed(uv_handle_t *uv)
{
    free(uv->data);
}

static void close_timer(struct timer *timer)
{
    uv_close((uv_handle_t *)&timer->uv, on_closed);
}

static void on_drop(struct task *task)
{
    struct timer *timer = CONTAINER_OF(task, struct timer, task);

    timer->posted = false;
    if (timer->buried)
        close_timer(timer);
}

static void post(struct timer *timer)
{
    timer->posted = true;
    isolate_post(timer->iso, &timer->task);
}

static void on_run(struct isolate *iso, struct task *task)
{
    struct timer *timer = CONTAINER_OF(task, struct timer, task);
    JSValueRef more;

    on_drop(task);
    if (timer->buried)
        return;
    more = hook_call(iso, HOOK_TIMER, 0, NULL, NULL);
    if (more && JSValueToBoolean(isolate_context(iso), more))
        post(timer);
}

static void on_fire(uv_timer_t *uv)
{
    struct timer *timer = uv->data;

    if (!timer->posted)
        post(timer);
}

static void on_isolate_gone(struct resource *resource)
{
    struct timer *timer = CONTAINER_OF(resource, struct timer, resource);

    uv_timer_stop(&timer->uv);
    timer->iso = NULL;
}

static void on_buried(struct handle *handle)
{
    struct timer *timer = CONTAINER_OF(handle, struct timer, handle);

    uv_timer_stop(&timer->uv);
    if (timer->iso)
        isolate_remove_resource(&timer->resource);
    timer->buried = true;
    if (!timer->posted)
        close_timer(timer);
}

/* () -> a timer that calls HOOK_TIMER of this isolate. */
OP(op_timer_new)
{
    struct timer *timer = mem_new(struct timer);

    timer->handle = (struct handle){.kind = timer_kind, .free = on_buried};
    timer->resource.close = on_isolate_gone;
    timer->task = (struct task){.run = on_run, .drop = on_drop};
    timer->iso = isolate_current();
    timer->uv.data = timer;
    uv_timer_init(isolate_loop(), &timer->uv);
    isolate_add_resource(timer->iso, &timer->resource);
    return handle_object(ctx, &timer->handle);
}

/* Milliseconds of the loop's clock, which counts whole ones, until `delay_ms` will have passed. */
static uint64_t loop_timeout(uv_loop_t *loop, double delay_ms)
{
    double due_ms = ceil((double)clock_monotonic_ns() / NS_PER_MS + delay_ms);

    uv_update_time(loop);
    return due_ms > (double)uv_now(loop) ? (uint64_t)due_ms - uv_now(loop) : 0;
}

/* (timer, delayMs): arms it for delayMs from now, in place of what it was armed for. */
OP(op_timer_arm)
{
    struct handle *handle = handle_of(ctx, OP_ARG(0), timer_kind);
    double delay_ms = value_to_number(ctx, OP_ARG(1), 0);
    struct timer *timer;

    if (!handle)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    timer = CONTAINER_OF(handle, struct timer, handle);
    uv_timer_start(&timer->uv, on_fire, delay_ms > 0 ? loop_timeout(isolate_loop(), delay_ms) : 0,
                   0);
    return JSValueMakeUndefined(ctx);
}

const struct op op_timer_table[] = {
    {"op_timer_new", op_timer_new},
    {"op_timer_arm", op_timer_arm},
    {0},
};
