/* The process of the S3 API; see s3_process.h. */
#include "s3/s3_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/quota.h"
#include "loop/frame.h"
#include "os/memory.h"
#include "os/proc.h"
#include "os/pulse.h"
#include "os/sandbox.h"
#include "s3/s3_auth.h"
#include "s3/s3_cors.h"
#include "s3/s3_intake.h"
#include "s3/s3_meter.h"
#include "s3/s3_route.h"

enum { SECOND_MS = 1000, ORPHAN_MS_MAX = 40 * 1000 };

/* A part, and what signed chunks add to it. */
#define BODY_BYTES_MAX (R2_STORE_SIZE_MAX + (UINT64_C(1) << 30))

static struct {
    uv_loop_t *loop;
    struct http_server *server;
    struct frame_link *link;
    struct pulse *pulse;
    str domain;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t second;
    uv_signal_t sigterm;
    uint64_t orphan_ms;     /* when the supervisor went; 0: it is there */
    bool stopping, stopped;
} process;

/* ---- the server ---- */

static void on_rules(struct s3_call *call)
{
    s3_auth_start(call, s3_route_run);
}

static void on_request(struct http_request *request, const struct http_head *head)
{
    struct s3_call *call = s3_call_new(request, head, process.domain);

    http_request_set_user(request, call);
    if (call->target_is_bad)
        s3_call_fail(call, S3_ERROR_INVALID_URI);
    else
        s3_cors_start(call, on_rules);
}

static void on_body(struct http_request *request)
{
    s3_intake_on_body(http_request_user(request));
}

static void on_drain(struct http_request *request)
{
    struct s3_call *call = http_request_user(request);

    if (call->on_drain)
        call->on_drain(call);
}

static void on_client_gone(struct http_request *request)
{
    (void)request; /* half a connection still takes an answer */
}

static void on_end(struct http_request *request)
{
    s3_call_over(http_request_user(request));
}

static void on_stopped(void *context)
{
    (void)context;
    process.stopped = true;
}

static const struct http_server_hooks server_hooks = {on_request,     on_body, on_drain,
                                                      on_client_gone, on_end,  on_stopped};

/* ---- the link ---- */

static void stop(void)
{
    if (process.stopping)
        return;
    process.stopping = true;
    http_server_stop(process.server);
}

static void on_frame(void *context, json_t *frame, str blob)
{
    const char *type = member_text(frame, "type");

    (void)context;
    if (!type)
        return;
    if (strcmp(type, "told") == 0)
        s3_ask_on_told(frame, blob);
    else if (strcmp(type, "quota") == 0)
        quota_on_frame(frame);
    else if (strcmp(type, "stop") == 0)
        stop();
}

static void on_link_end(void *context)
{
    (void)context;
    process.orphan_ms = uv_now(process.loop);
    stop();
}

static const struct frame_link_hooks link_hooks = {on_frame, on_link_end};

static void send_frame(json_t *frame)
{
    frame_link_send(process.link, frame, STR_NONE);
}

/* ---- the loop ---- */

static void on_turn_end(uv_check_t *check)
{
    (void)check;
    http_server_flush(process.server);
}

static void on_before_poll(uv_prepare_t *prepare)
{
    (void)prepare;
    http_server_flush(process.server);
}

static void tell_usage(void)
{
    json_t *frame;

    while ((frame = s3_meter_take()))
        send_frame(frame);
}

static void on_second(uv_timer_t *timer)
{
    (void)timer;
    s3_ask_tick();
    tell_usage();
    if (process.orphan_ms && uv_now(process.loop) - process.orphan_ms >= ORPHAN_MS_MAX)
        _exit(1); /* nobody is left to end a process that does not come to an end */
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle, (void)number;
    stop();
}

static void start_handles(void)
{
    uv_prepare_init(process.loop, &process.prepare);
    uv_prepare_start(&process.prepare, on_before_poll);
    uv_check_init(process.loop, &process.check);
    uv_check_start(&process.check, on_turn_end);
    uv_timer_init(process.loop, &process.second);
    uv_timer_start(&process.second, on_second, SECOND_MS, SECOND_MS);
    uv_signal_init(process.loop, &process.sigterm);
    uv_signal_start(&process.sigterm, on_signal, SIGTERM);
}

/* Before there is a second thread, which would stay outside. */
static bool enter_sandbox(const struct s3_process_options *options)
{
    struct sandbox sandbox = {
        .user = *options->sandbox_user ? options->sandbox_user : NULL,
        .write = {options->storage},
    };
    struct err err;

    if (sandbox_enter(&sandbox, &err) == 0)
        return true;
    fprintf(stderr, "atoll s3: %s\n", err.text);
    return false;
}

int s3_process_main(const struct s3_process_options *options)
{
    static struct pulse unread;

    if (pulse_open(options->pulse_fd, &process.pulse) < 0)
        process.pulse = &unread;
    proc_raise_descriptors();
    if (options->sandbox_user && !enter_sandbox(options))
        return 1;
    process.domain = str_from(options->domain);
    process.loop = uv_default_loop();
    memory_keep_freed();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the supervisor, which tells us to stop */
    start_handles();
    if (http_server_new(process.loop, options->listen_fd,
                        (struct http_server_options){.hooks = &server_hooks,
                                                     .body_bytes_max = BODY_BYTES_MAX},
                        &process.server) < 0) {
        fprintf(stderr, "atoll s3: descriptor %d is no listening socket\n", options->listen_fd);
        return 1;
    }
    bindings_start(process.loop, options->storage);
    process.link = frame_link_new(process.loop, options->link_fd, &link_hooks, NULL);
    s3_ask_init(process.loop, send_frame, &process.pulse->changes);
    http_server_accept(process.server, true);
    frame_link_send(process.link, json_pack("{s:s}", "type", "ready"), STR_NONE);
    while (!process.stopped || s3_call_count())
        uv_run(process.loop, UV_RUN_ONCE);
    tell_usage();
    frame_link_flush(process.link);
    return 0;
}
