/* The next binary, started in this one's place without refusing a connection.
 *
 *   SIGUSR2 ──> "<binary> --version" ends with 0 ──> drain, a second at most ──> exec, same pid
 *
 * (1) The listening sockets are inherited (ATOLL_SOCKETS): until the next runtimes have started,
 *     connections wait in the kernel's queue.
 * (2) So are the links of runtimes that have not finished by then (ATOLL_RUNTIMES): what they count
 *     and tell until they end is heard by the next supervisor, whose children they still are.
 * (3) A binary that does not even tell its version is not started, and everything goes on. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/serve_private.h"

enum { PATIENCE_MS = 1000, LEFT_BYTES_MAX = 16 << 10 };

#define VARIABLE "ATOLL_RUNTIMES"

/* What still runs in the old runtimes goes on while the next ones serve. */
static void on_patience(uv_timer_t *timer)
{
    struct serve *serve = timer->data;

    if (serve->replacing)
        serve_s3_leave(serve);
    if (serve->fleet && !serve->fleet_stopped && serve->replacing)
        fleet_leave(serve->fleet, &serve->left);
}

void serve_replace_adopt(struct serve *serve)
{
    const char *text = getenv(VARIABLE);
    int pid, fd, used;

    if (!serve->inherited)
        text = NULL;
    for (; text && sscanf(text, "%d:%d %n", &pid, &fd, &used) == 2; text += used) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fleet_adopt(serve->fleet, pid, fd);
    }
    unsetenv(VARIABLE);
}

static void hand_over_runtimes(struct serve *serve)
{
    char *text = buf_take(&serve->left, NULL);
    int pid, fd, used;

    for (const char *at = text; at && sscanf(at, "%d:%d %n", &pid, &fd, &used) == 2; at += used)
        fcntl(fd, F_SETFD, 0);
    setenv(VARIABLE, text ? text : "", 1);
    free(text);
}

static void on_probe_closed(uv_handle_t *handle)
{
    struct serve *serve = handle->data;

    serve->probing = false;
}

static void on_probed(uv_process_t *probe, int64_t status, int signal_number)
{
    struct serve *serve = probe->data;

    uv_close((uv_handle_t *)probe, on_probe_closed);
    if (serve->state != SERVE_RUNNING)
        return;
    if (status || signal_number) {
        journal_say(serve->journal, JOURNAL_ERROR, "server.not_replaced", "s:s, s:i, s:i", "binary",
                    serve->binary, "status", (int)status, "signal", signal_number);
        return;
    }
    journal_say(serve->journal, JOURNAL_INFO, "server.replacing", "s:s", "binary", serve->binary);
    serve->replacing = true;
    buf_init(&serve->left, LEFT_BYTES_MAX);
    uv_timer_init(&serve->loop, &serve->patience);
    serve->patience.data = serve;
    uv_unref((uv_handle_t *)&serve->patience);
    uv_timer_start(&serve->patience, on_patience, PATIENCE_MS, 0);
    serve_drain(serve);
}

void serve_replace_start(struct serve *serve)
{
    char *args[] = {serve->binary, "--version", NULL};
    uv_process_options_t options = {.file = serve->binary, .args = args, .exit_cb = on_probed};
    int r;

    if (serve->state != SERVE_RUNNING || serve->probing)
        return;
    serve->probing = true;
    r = uv_spawn(&serve->loop, &serve->probe, &options);
    serve->probe.data = serve;
    if (r == 0)
        return;
    journal_say(serve->journal, JOURNAL_ERROR, "server.not_replaced", "s:s, s:s", "binary",
                serve->binary, "error", uv_strerror(r));
    uv_close((uv_handle_t *)&serve->probe, on_probe_closed);
}

int serve_replace_exec(struct serve *serve, struct err *err)
{
    sigset_t none;

    serve_socket_hand_over(serve);
    hand_over_runtimes(serve);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(serve->binary, serve->options->argv);
    return err_set(err, ERR_IO, "%s cannot be started: %s", serve->binary, strerror(errno));
}
