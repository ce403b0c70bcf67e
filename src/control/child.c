/* The runtime process, and the next one; see child.h.
 *
 *     RUNNING ──ended by itself──> WAITING ──back-off is over──> RUNNING
 *        │                            │
 *        └──child_stop──> STOPPING    └──child_stop──> STOPPED
 *                            └──ended──> STOPPED
 *
 * (1) enter() is the only place that changes the state.
 * (2) `process` exists in RUNNING and STOPPING. */
#include "control/child.h"

#include <stdlib.h>

#include "control/process.h"

enum state { CHILD_RUNNING, CHILD_WAITING, CHILD_STOPPING, CHILD_STOPPED, CHILD_STATES };

static const unsigned may_enter[CHILD_STATES] = {
    [CHILD_RUNNING] = 1u << CHILD_WAITING | 1u << CHILD_STOPPING,
    [CHILD_WAITING] = 1u << CHILD_RUNNING | 1u << CHILD_STOPPED | 1u << CHILD_WAITING,
    [CHILD_STOPPING] = 1u << CHILD_STOPPED,
};

struct child {
    uv_loop_t *loop;
    enum state state;
    struct process_options options;
    const struct child_hooks *hooks;
    void *context;
    struct process *process;    /* NULL when none runs */
    uv_timer_t timer;           /* the back-off */
    int delay_ms;
    uint64_t started_ms;
};

static void enter(struct child *child, enum state next)
{
    ASSERT(may_enter[child->state] & 1u << next);
    child->state = next;
}

static void on_frame(void *context, json_t *object, str blob)
{
    struct child *child = context;

    child->hooks->on_frame(child->context, object, blob);
}

static void on_timer(uv_timer_t *timer);

static void begin_waiting(struct child *child, const char *how)
{
    if (uv_now(child->loop) - child->started_ms > CHILD_CALM_MS)
        child->delay_ms = CHILD_DELAY_MS_MIN;
    enter(child, CHILD_WAITING);
    uv_timer_start(&child->timer, on_timer, (uint64_t)child->delay_ms, 0);
    child->hooks->on_death(child->context, how, child->delay_ms);
    child->delay_ms *= 2;
    if (child->delay_ms > CHILD_DELAY_MS_MAX)
        child->delay_ms = CHILD_DELAY_MS_MAX;
}

static void finish(struct child *child)
{
    enter(child, CHILD_STOPPED);
    uv_timer_stop(&child->timer);
    child->hooks->on_stopped(child->context);
}

static void on_end(void *context, const struct process_end *end)
{
    struct child *child = context;

    process_free(child->process);
    child->process = NULL;
    if (child->state == CHILD_STOPPING)
        finish(child);
    else
        begin_waiting(child, end->how);
}

static const struct process_hooks process_hooks = {on_frame, on_end};

static int start(struct child *child, struct err *err)
{
    child->started_ms = uv_now(child->loop);
    return process_start(child->loop, &child->options, &process_hooks, child, &child->process, err);
}

static void on_timer(uv_timer_t *timer)
{
    struct child *child = timer->data;
    struct err err;

    if (start(child, &err) < 0) {
        child->delay_ms = CHILD_DELAY_MS_MAX;
        begin_waiting(child, err.text);
        return;
    }
    enter(child, CHILD_RUNNING);
    child->hooks->on_restart(child->context);
}

int child_start(uv_loop_t *loop, const struct child_options *options,
                const struct child_hooks *hooks, void *context, struct child **ret_child,
                struct err *err)
{
    struct child *child = mem_new(struct child);
    int r;

    child->loop = loop;
    child->state = CHILD_RUNNING;
    child->options = (struct process_options){.listen_fd = options->listen_fd,
                                              .quiet = options->quiet,
                                              .dev = options->dev,
                                              .cache = options->cache,
                                              .cache_bytes = options->cache_bytes,
                                              .storage = options->storage,
                                              .outbound = options->outbound,
                                              .sandbox_user = options->sandbox_user,
                                              .s3_domain = options->s3_domain,
                                              .bare = options->bare};
    child->hooks = hooks;
    child->context = context;
    child->delay_ms = CHILD_DELAY_MS_MIN;
    r = start(child, err);
    if (r < 0) {
        free(child);
        return r;
    }
    uv_timer_init(loop, &child->timer);
    child->timer.data = child;
    *ret_child = child;
    return 0;
}

void child_send(struct child *child, json_t *object, str blob)
{
    if (child->process)
        process_send(child->process, object, blob, -1);
    else
        json_decref(object);
}

void child_stop(struct child *child)
{
    switch (child->state) {
    case CHILD_RUNNING:
        enter(child, CHILD_STOPPING);
        process_stop(child->process);
        break;
    case CHILD_STOPPING:
        process_kill(child->process);
        break;
    case CHILD_WAITING:
        finish(child);
        break;
    default:
        break;
    }
}

void child_announce_change(struct child *child, uint64_t number)
{
    if (child->process)
        process_announce_change(child->process, number);
}

pid_t child_pid(const struct child *child)
{
    return child->process ? process_pid(child->process) : 0;
}

int child_leave(struct child *child, pid_t *ret_pid)
{
    int fd;

    if (child->state != CHILD_STOPPING)
        return -1;
    *ret_pid = process_pid(child->process);
    fd = process_leave(child->process);
    process_free(child->process);
    child->process = NULL;
    finish(child);
    return fd;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void child_free(struct child *child)
{
    if (!child)
        return;
    ASSERT(child->state == CHILD_STOPPED);
    uv_close((uv_handle_t *)&child->timer, on_timer_closed);
}
