/* GLib inside libuv; see glib_bridge.h.
 *
 * Whoever gives the context work (a finished compilation, a timer set anew) signals its wake-up
 * descriptor, because nobody owns the context between our turns. So a turn is needed only when that
 * descriptor is readable or when the timeout that GLib named at the end of the last turn has
 * passed: a busy loop pays nothing for the bridge. */
#include "loop/glib_bridge.h"

#include <glib.h>

#include "base/mem.h"

enum { GLIB_FDS_MAX = 16, GLIB_DISPATCHES_PER_TURN_MAX = 64 };

static struct {
    GMainContext *context;
    uv_timer_t timer;
    uv_poll_t poll;
} bridge;

static void turn(void);

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll, (void)status, (void)events;
    turn();
}

static void on_timeout(uv_timer_t *timer)
{
    (void)timer;
    turn();
}

/* Asks GLib which descriptors and which timeout it waits for. The first is its wake-up. */
static int query(GPollFD *fds)
{
    int priority, timeout_ms, count;

    ASSERT(g_main_context_acquire(bridge.context));
    g_main_context_prepare(bridge.context, &priority);
    count = g_main_context_query(bridge.context, priority, &timeout_ms, fds, GLIB_FDS_MAX);
    g_main_context_release(bridge.context);
    ASSERT(count >= 1);
    return timeout_ms;
}

static void turn(void)
{
    GPollFD fds[GLIB_FDS_MAX];
    int timeout_ms;

    for (int i = 0; i < GLIB_DISPATCHES_PER_TURN_MAX; i++)
        if (!g_main_context_iteration(bridge.context, FALSE))
            break;
    timeout_ms = query(fds);
    if (timeout_ms >= 0)
        uv_timer_start(&bridge.timer, on_timeout, (uint64_t)timeout_ms, 0);
    else
        uv_timer_stop(&bridge.timer);
}

void glib_bridge_start(uv_loop_t *loop)
{
    GPollFD fds[GLIB_FDS_MAX];

    bridge.context = g_main_context_new();
    g_main_context_push_thread_default(bridge.context);
    query(fds);
    ASSERT(uv_timer_init(loop, &bridge.timer) == 0);
    ASSERT(uv_poll_init(loop, &bridge.poll, (int)fds[0].fd) == 0);
    ASSERT(uv_poll_start(&bridge.poll, UV_READABLE, on_readable) == 0);
    uv_unref((uv_handle_t *)&bridge.timer);
    uv_unref((uv_handle_t *)&bridge.poll);
}
