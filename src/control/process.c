/* One runtime process; see process.h.
 *
 *     RUNNING ──process_stop──> STOPPING ──ended──> ENDED
 *        └───────────────ended──────────────────────^
 *
 * (1) ENDED is when both the process and the link have ended: what a process said last is heard.
 * (2) The process is a session of its own: a Ctrl-C at the terminal reaches the supervisor alone,
 *     which then says when to stop. When the supervisor dies, the end of the link ends it.
 * (3) The memory goes when libuv has closed both handles and the owner has let go. */
#include "control/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/frame.h"

enum state { PROCESS_RUNNING, PROCESS_STOPPING, PROCESS_ENDED };
enum {
    ARGS_MAX = 20,
    NUMBER_BYTES = 24,
    ENVIRONMENT_MAX = 32,
    ADOPTED_MS = 20,             /* between looks whether it has ended */
    LAST_WORDS_MS_MAX = 1000,    /* for the link to end after its process */
};

struct process {
    uv_process_t handle;
    uv_timer_t timer;           /* the patience with a process told to stop */
    struct frame_link *link;
    const struct process_hooks *hooks;
    void *context;
    struct pulse *pulse;
    enum state state;
    bool killed;
    bool exited;
    bool link_ended;
    struct process_end end;     /* filled when it has exited */
    pid_t adopted;              /* 0: we started it */
    unsigned holders;           /* the owner and two handles */
};

struct arguments {
    char *argv[ARGS_MAX];
    size_t argc;
    char numbers[3][NUMBER_BYTES];
};

/* ---- the command line and the environment ---- */

static void add(struct arguments *args, const char *name, const char *value)
{
    ASSERT(args->argc + 3 <= ARGS_MAX);
    args->argv[args->argc++] = (char *)name;
    if (value)
        args->argv[args->argc++] = (char *)value;
}

static void add_number(struct arguments *args, size_t slot, const char *name, uint64_t value)
{
    snprintf(args->numbers[slot], NUMBER_BYTES, "%llu", (unsigned long long)value);
    add(args, name, args->numbers[slot]);
}

static void fill_arguments_of_s3(struct arguments *args, const struct process_options *options)
{
    *args = (struct arguments){0};
    add(args, "atoll", "s3");
    add(args, "--storage", options->storage);
    add(args, "--domain", options->s3_domain);
    if (options->sandbox_user)
        add(args, "--sandbox", options->sandbox_user);
}

static void fill_arguments(struct arguments *args, const struct process_options *options)
{
    *args = (struct arguments){0};
    add(args, "atoll", "runtime");
    if (options->quiet)
        add(args, "--quiet", NULL);
    if (options->dev)
        add(args, "--dev", NULL);
    add(args, "--outbound", options->outbound);
    if (options->cache) {
        add(args, "--cache", options->cache);
        add_number(args, 0, "--cache-bytes", options->cache_bytes);
    }
    if (options->storage)
        add(args, "--storage", options->storage);
    if (options->memory_mib)
        add_number(args, 1, "--memory-mib", options->memory_mib);
    if (options->idle_ms)
        add_number(args, 2, "--idle-ms", options->idle_ms);
    if (options->sandbox_user)
        add(args, "--sandbox", options->sandbox_user);
}

/* What a runtime reads of its environment. The supervisor's may hold what is not for it. */
static void fill_environment(char *environment[ENVIRONMENT_MAX])
{
    static const char *const names[] = {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "ATOLL_CA_FILE",
                                        "SSL_CERT_FILE", "SSL_CERT_DIR", "ASAN_OPTIONS",
                                        "LSAN_OPTIONS", "UBSAN_OPTIONS", "ATOLL_REPORTS"};
    size_t count = 0;

    for (char **at = environ; *at; at++)
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            size_t len = strlen(names[i]);

            if (strncmp(*at, names[i], len) == 0 && (*at)[len] == '=' &&
                count + 1 < ENVIRONMENT_MAX)
                environment[count++] = *at;
        }
    environment[count] = NULL;
}

/* ---- what the process tells ---- */

static void on_frame(void *context, json_t *object, str blob)
{
    struct process *process = context;

    process->hooks->on_frame(process->context, object, blob);
}

static void on_link_end(void *context);

static const struct frame_link_hooks link_hooks = {on_frame, on_link_end};

/* ---- life ---- */

static void release(struct process *process)
{
    if (--process->holders)
        return;
    pulse_close(process->pulse);
    free(process);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void close_all(struct process *process)
{
    process->state = PROCESS_ENDED;
    if (!process->adopted)
        uv_close((uv_handle_t *)&process->handle, on_closed);
    uv_close((uv_handle_t *)&process->timer, on_closed);
}

/* Both the process and the link have ended. */
static void finish(struct process *process)
{
    if (process->state == PROCESS_ENDED)
        return;
    close_all(process);
    frame_link_close(process->link);
    process->link = NULL;
    process->hooks->on_end(process->context, &process->end);
}

static void on_timer(uv_timer_t *timer)
{
    struct process *process = timer->data;

    if (process->adopted && process->link_ended && waitpid(process->adopted, NULL, WNOHANG))
        process->exited = true;
    if (process->exited)
        finish(process);
    else if (!process->adopted || !process->link_ended)
        process_kill(process);
}

static void on_exit_of_process(uv_process_t *handle, int64_t status, int signal_number)
{
    struct process *process = handle->data;
    struct process_end *end = &process->end;

    process->exited = true;
    end->signal = signal_number;
    end->status = status;
    end->told = process->state == PROCESS_STOPPING || process->killed;
    if (signal_number)
        snprintf(end->how, sizeof end->how, "was ended by signal %d (%s)", signal_number,
                 strsignal(signal_number));
    else
        snprintf(end->how, sizeof end->how, "ended with status %lld", (long long)status);
    if (process->link_ended)
        finish(process);
    else
        uv_timer_start(&process->timer, on_timer, LAST_WORDS_MS_MAX, 0);
}

/* It closed the link, or sent what is no frame: it is to end, and is helped after a while. */
static void on_link_end(void *context)
{
    struct process *process = context;

    process->link_ended = true;
    if (process->exited) {
        finish(process);
        return;
    }
    frame_link_close(process->link);
    process->link = NULL;
    if (process->adopted)
        uv_timer_start(&process->timer, on_timer, 0, ADOPTED_MS);
    else if (process->state == PROCESS_RUNNING)
        uv_timer_start(&process->timer, on_timer, PROCESS_STOP_MS_MAX, 0);
}

static int spawn(struct process *process, const struct process_options *options, int link_fd,
                 int pulse_fd)
{
    char *environment[ENVIRONMENT_MAX];
    struct arguments args;
    uv_stdio_container_t stdio[6] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = link_fd},
        {.flags = UV_INHERIT_FD, .data.fd = options->listen_fd},
        {.flags = UV_INHERIT_FD, .data.fd = pulse_fd},
    };
    uv_process_options_t uv_options = {
        .file = "/proc/self/exe",
        .args = args.argv,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = COUNT_OF(stdio),
        .exit_cb = on_exit_of_process,
    };

    if (options->s3_domain)
        fill_arguments_of_s3(&args, options);
    else
        fill_arguments(&args, options);
    if (options->bare) {
        fill_environment(environment);
        uv_options.env = environment;
    }
    return uv_spawn(process->timer.loop, &process->handle, &uv_options);
}

/* Makes the pulse and the link and starts the process with them. Returns 0 or a negative code of
 * libuv; then nothing is left open but the handle. */
static int start(struct process *process, const struct process_options *options)
{
    int ends[2], pulse_fd, r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return uv_translate_sys_error(errno);
    pulse_fd = pulse_new(&process->pulse);
    r = pulse_fd < 0 ? UV_EMFILE : spawn(process, options, ends[1], pulse_fd);
    if (pulse_fd >= 0)
        close(pulse_fd);
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    process->link = frame_link_new(process->timer.loop, ends[0], &link_hooks, process);
    return 0;
}

int process_start(uv_loop_t *loop, const struct process_options *options,
                  const struct process_hooks *hooks, void *context, struct process **ret_process,
                  struct err *err)
{
    struct process *process = mem_new(struct process);
    int r;

    process->hooks = hooks;
    process->context = context;
    process->holders = 3;
    uv_timer_init(loop, &process->timer);
    process->timer.data = process->handle.data = process;
    r = start(process, options);
    process->handle.data = process;
    if (r == 0) {
        *ret_process = process;
        return 0;
    }
    process->state = PROCESS_ENDED;
    process->holders = process->handle.loop ? 2 : 1;
    uv_close((uv_handle_t *)&process->timer, on_closed);
    if (process->handle.loop)
        uv_close((uv_handle_t *)&process->handle, on_closed);
    return err_set(err, ERR_IO, "the %s process cannot be started: %s",
                   options->s3_domain ? "S3" : "runtime", uv_strerror(r));
}

void process_send(struct process *process, json_t *object, str blob, int fd)
{
    if (!process->link) {
        json_decref(object);
        if (fd >= 0)
            close(fd);
    } else if (fd >= 0) {
        frame_link_send_fd(process->link, object, blob, fd);
    } else {
        frame_link_send(process->link, object, blob);
    }
}

int process_take_fd(struct process *process)
{
    return frame_link_take_fd(process->link);
}

size_t process_queued_bytes(const struct process *process)
{
    return process->link ? frame_link_queued_bytes(process->link) : 0;
}

void process_stop(struct process *process)
{
    if (process->state != PROCESS_RUNNING)
        return;
    process->state = PROCESS_STOPPING;
    process_send(process, json_pack("{s:s}", "type", "stop"), STR_NONE, -1);
    uv_timer_start(&process->timer, on_timer, PROCESS_STOP_MS_MAX, 0);
}

void process_kill(struct process *process)
{
    if (process->exited || process->state == PROCESS_ENDED)
        return;
    process->killed = true;
    kill(process_pid(process), SIGKILL);
}

pid_t process_pid(const struct process *process)
{
    return process->adopted ? process->adopted : uv_process_get_pid(&process->handle);
}

size_t process_queued_fds(const struct process *process)
{
    return process->link ? frame_link_queued_fds(process->link) : 0;
}

int process_leave(struct process *process)
{
    int fd = process->link ? frame_link_leave(process->link) : -1;

    process->link = NULL;
    close_all(process);
    return fd;
}

struct process *process_adopt(uv_loop_t *loop, pid_t pid, int link_fd,
                              const struct process_hooks *hooks, void *context)
{
    struct process *process = mem_new(struct process);
    int pulse_fd = pulse_new(&process->pulse);

    if (pulse_fd >= 0)
        close(pulse_fd);
    process->hooks = hooks;
    process->context = context;
    process->adopted = pid;
    process->holders = 2;
    process->state = PROCESS_STOPPING;
    process->end = (struct process_end){.how = "has ended", .told = true};
    uv_timer_init(loop, &process->timer);
    process->timer.data = process;
    process->link = frame_link_new(loop, link_fd, &link_hooks, process);
    uv_timer_start(&process->timer, on_timer, PROCESS_STOP_MS_MAX, 0);
    return process;
}

const struct pulse *process_pulse(const struct process *process)
{
    return process->pulse;
}

void process_announce_purge(struct process *process, uint64_t seq)
{
    if (process->pulse)
        atomic_store(&process->pulse->purges, seq);
}

void process_announce_change(struct process *process, uint64_t number)
{
    if (process->pulse)
        atomic_store(&process->pulse->changes, number);
}

void process_free(struct process *process)
{
    if (!process)
        return;
    ASSERT(process->state == PROCESS_ENDED);
    release(process);
}
