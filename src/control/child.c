/* The runtime process; see child.h.
 *
 *     RUNNING ──ended by itself──> WAITING ──back-off is over──> RUNNING
 *        │                            │
 *        └──child_stop──> STOPPING    └──child_stop──> STOPPED
 *                            └──ended──> STOPPED
 *
 * (1) enter() is the only place that changes the state.
 * (2) `link` exists in RUNNING and STOPPING.
 * (3) The process is a session of its own: a Ctrl-C at the terminal reaches the supervisor alone,
 *     which then says when to stop. When the supervisor dies, the end of the link ends it. */
#include "control/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/frame.h"

enum state { CHILD_RUNNING, CHILD_WAITING, CHILD_STOPPING, CHILD_STOPPED, CHILD_STATES };

static const unsigned may_enter[CHILD_STATES] = {
    [CHILD_RUNNING] = 1u << CHILD_WAITING | 1u << CHILD_STOPPING,
    [CHILD_WAITING] = 1u << CHILD_RUNNING | 1u << CHILD_STOPPED | 1u << CHILD_WAITING,
    [CHILD_STOPPING] = 1u << CHILD_STOPPED,
};

/* One process; it outlives its child's interest until libuv has closed it. */
struct process {
    uv_process_t handle;
    struct child *child;
};

struct child {
    uv_loop_t *loop;
    enum state state;
    struct child_options options;
    const struct child_hooks *hooks;
    void *context;
    struct process *process;    /* NULL when none runs */
    struct frame_link *link;
    uv_timer_t timer;           /* the back-off, or the patience with a process told to stop */
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

/* The exit of the process follows and is what counts. */
static void on_link_end(void *context)
{
    (void)context;
}

static const struct frame_link_hooks link_hooks = {on_frame, on_link_end};

static void on_process_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer(uv_timer_t *timer);

static void begin_waiting(struct child *child, int64_t status, int signal_number)
{
    char how[128];

    if (uv_now(child->loop) - child->started_ms > CHILD_CALM_MS)
        child->delay_ms = CHILD_DELAY_MS_MIN;
    if (signal_number)
        snprintf(how, sizeof how, "was ended by signal %d (%s)", signal_number,
                 strsignal(signal_number));
    else
        snprintf(how, sizeof how, "ended with status %lld", (long long)status);
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

static void on_exit_of_process(uv_process_t *handle, int64_t status, int signal_number)
{
    struct process *process = handle->data;
    struct child *child = process->child;

    uv_close((uv_handle_t *)handle, on_process_closed);
    frame_link_close(child->link);
    child->link = NULL;
    child->process = NULL;
    if (child->state == CHILD_STOPPING)
        finish(child);
    else
        begin_waiting(child, status, signal_number);
}

static int spawn(struct child *child, int link_fd)
{
    struct process *process = mem_new(struct process);
    char bytes[24], *argv[11] = {"atoll", "runtime"};
    uv_stdio_container_t stdio[5] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = link_fd},
        {.flags = UV_INHERIT_FD, .data.fd = child->options.listen_fd},
    };
    uv_process_options_t options = {
        .file = "/proc/self/exe",
        .args = argv,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = COUNT_OF(stdio),
        .exit_cb = on_exit_of_process,
    };
    size_t argc = 2;
    int r;

    if (child->options.quiet)
        argv[argc++] = "--quiet";
    if (child->options.dev)
        argv[argc++] = "--dev";
    argv[argc++] = "--outbound";
    argv[argc++] = (char *)child->options.outbound;
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)child->options.cache_bytes);
    argv[argc++] = "--cache";
    argv[argc++] = (char *)child->options.cache;
    argv[argc++] = "--cache-bytes";
    argv[argc++] = bytes;
    process->child = child;
    r = uv_spawn(child->loop, &process->handle, &options);
    process->handle.data = process;
    if (r < 0)
        uv_close((uv_handle_t *)&process->handle, on_process_closed);
    else
        child->process = process;
    return r;
}

/* Starts a process and the link to it. Returns 0 or a negative code of libuv. */
static int start(struct child *child)
{
    int ends[2];
    int r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return uv_translate_sys_error(errno);
    r = spawn(child, ends[1]);
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    child->started_ms = uv_now(child->loop);
    child->link = frame_link_new(child->loop, ends[0], &link_hooks, child);
    return 0;
}

static void restart(struct child *child)
{
    int r = start(child);
    char how[128];

    if (r < 0) {
        snprintf(how, sizeof how, "cannot be started: %s", uv_strerror(r));
        enter(child, CHILD_WAITING);
        uv_timer_start(&child->timer, on_timer, CHILD_DELAY_MS_MAX, 0);
        child->hooks->on_death(child->context, how, CHILD_DELAY_MS_MAX);
        return;
    }
    enter(child, CHILD_RUNNING);
    child->hooks->on_restart(child->context);
}

static void on_timer(uv_timer_t *timer)
{
    struct child *child = timer->data;

    if (child->state == CHILD_WAITING)
        restart(child);
    else if (child->state == CHILD_STOPPING)
        uv_process_kill(&child->process->handle, SIGKILL);
}

int child_start(uv_loop_t *loop, const struct child_options *options,
                const struct child_hooks *hooks, void *context, struct child **ret_child,
                struct err *err)
{
    struct child *child = mem_new(struct child);
    int r;

    child->loop = loop;
    child->state = CHILD_RUNNING;
    child->options = *options;
    child->hooks = hooks;
    child->context = context;
    child->delay_ms = CHILD_DELAY_MS_MIN;
    r = start(child);
    if (r < 0) {
        free(child);
        return err_set(err, ERR_IO, "the runtime process cannot be started: %s", uv_strerror(r));
    }
    uv_timer_init(loop, &child->timer);
    child->timer.data = child;
    *ret_child = child;
    return 0;
}

void child_send(struct child *child, json_t *object, str blob)
{
    if (child->link)
        frame_link_send(child->link, object, blob);
    else
        json_decref(object);
}

void child_stop(struct child *child)
{
    switch (child->state) {
    case CHILD_RUNNING:
        enter(child, CHILD_STOPPING);
        frame_link_send(child->link, json_pack("{s:s}", "type", "stop"), STR_NONE);
        uv_timer_start(&child->timer, on_timer, CHILD_STOP_MS_MAX, 0);
        break;
    case CHILD_STOPPING:
        uv_process_kill(&child->process->handle, SIGKILL);
        break;
    case CHILD_WAITING:
        finish(child);
        break;
    default:
        break;
    }
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
