/* The runtime process; see runtime.h.
 *
 * A turn of the loop: libuv polls; the server's and the link's callbacks post tasks; then
 * on_turn_end() gives every isolate with tasks its turn, writes the answers with one system call
 * per connection, and frees what is to be freed. Tasks that come up meanwhile keep the loop from
 * sleeping, they do not prolong the turn. */
#include "runtime/runtime.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "engine/handle.h"
#include "http/websocket.h"
#include "loop/frame.h"
#include "os/memory.h"
#include "os/sandbox.h"
#include "os/pulse.h"
#include "bindings/publish/publish_cache.h"
#include "bindings/quota.h"
#include "runtime/asset_route.h"
#include "runtime/bucket_route.h"
#include "runtime/exchange.h"
#include "runtime/event.h"
#include "runtime/handover.h"
#include "runtime/host_table.h"
#include "runtime/line.h"
#include "runtime/meter.h"
#include "runtime/op_event.h"
#include "runtime/op_load.h"
#include "runtime/op_request.h"
#include "runtime/op_upgrade.h"
#include "runtime/page.h"
#include "runtime/pool.h"
#include "runtime/service_call.h"
#include "runtime/store_call.h"
#include "runtime/trace.h"
#include "runtime/version.h"
#include "runtime/version_check.h"
#include "runtime/worker.h"
#include "web/op_cache.h"
#include "web/op_websocket.h"
#include "web/web.h"

enum {
    BODY_BYTES_MAX = 1 << 30, /* a worker's limit is less: request_bytes */
    TEXT_BYTES_MAX = 256 << 10, /* of a line of the log that has NULs */
    METER_BITS = 8,
    METER_IDLE_MS = 1000,
    LINK_QUEUED_BYTES_MAX = 4 << 20,  /* of log lines the supervisor has not read yet */
    SERVICE_ROUNDS = 4,
    ORPHAN_MS_MAX = 30 * 1000,        /* what runs may take after the supervisor has died */
};

static struct {
    struct runtime_options options;
    uv_loop_t *loop;
    struct frame_link *link;
    struct http_server *server;
    struct pulse *pulse;
    uint64_t loops;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_signal_t sigterm;
    uv_timer_t second;
    size_t lines_dropped;
    bool stopping;
    bool server_stopped;
    uint64_t orphan_ms;     /* since when there is no supervisor; 0: there is one */
} rt;

const struct runtime_options *runtime_options(void)
{
    return &rt.options;
}

void runtime_tell_blob(json_t *object, str blob)
{
    if (object && rt.link)
        frame_link_send(rt.link, object, blob);
    else
        json_decref(object);
}

void runtime_tell(json_t *object)
{
    runtime_tell_blob(object, STR_NONE);
}

size_t runtime_tell_queued(void)
{
    return frame_link_queued_bytes(rt.link);
}

/* Lines are dropped, and counted, when nobody reads them: a worker that logs without end must not
 * fill this process's memory. */
bool runtime_log_has_room(void)
{
    if (frame_link_queued_bytes(rt.link) > LINK_QUEUED_BYTES_MAX) {
        rt.lines_dropped++;
        return false;
    }
    if (rt.lines_dropped) {
        char text[80];
        snprintf(text, sizeof text, "%zu lines were dropped", rt.lines_dropped);
        rt.lines_dropped = 0;
        runtime_log("", "warn", str_from(text));
    }
    return true;
}

json_t *runtime_text(str text)
{
    struct buf shown;
    json_t *json;
    size_t len;

    if (str_find(text, '\0') == text.len)
        return json_stringn(text.ptr ? text.ptr : "", text.len);
    buf_init(&shown, TEXT_BYTES_MAX);
    for (; text.len; text = str_skip(text, len + 1)) {
        len = str_find(text, '\0');
        if (buf_append(&shown, str_head(text, len)) < 0 ||
            (len < text.len && buf_append(&shown, STR("\\x00")) < 0))
            break;
    }
    json = json_stringn(shown.ptr ? shown.ptr : "", shown.len);
    buf_done(&shown);
    return json;
}

void runtime_log(const char *worker, const char *level, str text)
{
    if (runtime_log_has_room())
        runtime_tell(json_pack("{s:s, s:s, s:s, s:o}", "type", "log", "worker", worker, "level",
                               level, "text", runtime_text(text)));
}

/* A request that is over may go on working: waitUntil(), timers. Its meter then lives here; a row
 * is free when it was not used for a while, and who finds none free is not metered. */
static struct isolate_spent *spent_after(int32_t id)
{
    static struct {
        int32_t id;
        uint64_t used_ms;
        struct isolate_spent spent;
    } rows[1 << METER_BITS];
    size_t at = (uint32_t)id * 2654435761u >> (32 - METER_BITS);
    uint64_t now_ms = uv_now(rt.loop);

    if (rows[at].id != id && now_ms - rows[at].used_ms < METER_IDLE_MS)
        return NULL;
    if (rows[at].id != id)
        rows[at].spent = (struct isolate_spent){0};
    rows[at].id = id;
    rows[at].used_ms = now_ms;
    return &rows[at].spent;
}

/* Whose cache it is; what a blank isolate stores at its start belongs to nobody. */
static const char *cache_owner(const struct isolate *iso)
{
    const struct version *v = version_of_isolate(iso);

    return v ? version_worker_name(v) : "";
}

static struct isolate_spent *meter_of(struct isolate *iso, int32_t id)
{
    struct exchange *x;

    if (id < 0)
        return op_websocket_meter(iso, id);
    x = exchange_find(id);
    return x ? &x->spent : spent_after(id);
}

void runtime_keep_spent(int32_t id, const struct isolate_spent *spent)
{
    struct isolate_spent *kept = spent_after(id);

    if (kept)
        *kept = *spent;
}

/* ---- the server ---- */

static void on_request(struct http_request *request, const struct http_head *head)
{
    worker_route(exchange_new(request, head));
}

static void on_body(struct http_request *request)
{
    op_request_on_body(http_request_user(request));
}

static void on_drain(struct http_request *request)
{
    struct exchange *x = http_request_user(request);

    if (x->bucket)
        bucket_route_on_drain(x);
    else
        op_request_on_drain(x);
}

static void on_client_gone(struct http_request *request)
{
    op_request_on_gone(http_request_user(request));
}

static void on_end(struct http_request *request)
{
    exchange_over(http_request_user(request));
}

static void on_stopped(void *context)
{
    (void)context;
    rt.server_stopped = true;
}

/* ---- the link ---- */

static void stop(void)
{
    if (rt.stopping)
        return;
    rt.stopping = true;
    op_websocket_leave(NULL, WEBSOCKET_GOING_AWAY);
    http_server_stop(rt.server);
}

static void on_role(json_t *frame)
{
    http_server_accept(rt.server, json_is_true(json_object_get(frame, "accept")));
}

static void tell_usage(void)
{
    meter_tell(&(struct meter_gauges){.blanks = pool_count(),
                                      .connections = http_server_conn_count(rt.server),
                                      .tails_dropped = trace_take_dropped()});
}

static void on_second(uv_timer_t *timer)
{
    (void)timer;
    meter_clock_moved();
    exchange_end_late();
    tell_usage();
    if (rt.orphan_ms && uv_now(rt.loop) - rt.orphan_ms >= ORPHAN_MS_MAX)
        _exit(1); /* nobody is left to end a process that does not come to an end */
}

static void on_frame(void *context, json_t *frame, str blob)
{
    const char *type = member_text(frame, "type");

    (void)context;
    if (!type)
        return;
    if (strcmp(type, "worker") == 0)
        worker_on_worker(frame, blob);
    else if (strcmp(type, "failed") == 0)
        worker_on_failed(frame);
    else if (strcmp(type, "hosts") == 0)
        host_table_on_hosts(frame);
    else if (strcmp(type, "forget") == 0)
        host_table_on_forget(frame);
    else if (strcmp(type, "trace") == 0)
        worker_on_trace(frame);
    else if (strcmp(type, "check") == 0)
        version_check_on_frame(frame, blob);
    else if (strcmp(type, "role") == 0)
        on_role(frame);
    else if (strcmp(type, "connection") == 0)
        handover_on_connection(frame, blob);
    else if (strcmp(type, "event") == 0)
        event_on_frame(frame);
    else if (strcmp(type, "store") == 0)
        store_call_on_frame(frame, blob);
    else if (strcmp(type, "purge") == 0)
        publish_host_on_purge(frame);
    else if (strcmp(type, "quota") == 0)
        quota_on_frame(frame);
    else if (strcmp(type, "stop") == 0)
        stop();
}

static void on_link_end(void *context)
{
    (void)context;
    rt.orphan_ms = uv_now(rt.loop);
    stop();
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle, (void)number;
    stop();
}

/* ---- the loop ---- */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* active while isolates have tasks, so that the loop does not sleep */
}

/* Workers that call each other take turns at once, a few times before others get their share. */
static void run_isolates(void)
{
    isolate_run_ready();
    for (int i = 0; i < SERVICE_ROUNDS && service_call_start(); i++)
        isolate_run_ready();
}

static void on_turn_end(uv_check_t *check)
{
    (void)check;
    run_isolates();
    meter_clock_moved();
    version_reap();
    http_server_flush(rt.server);
    frame_link_flush(rt.link);
    handle_bury();
}

/* Timers and callbacks of this loop turn may have posted tasks before the poll. */
static void on_before_poll(uv_prepare_t *prepare)
{
    (void)prepare;
    atomic_store_explicit(&rt.pulse->loops, ++rt.loops, memory_order_relaxed);
    if (isolate_any_ready()) {
        run_isolates();
        http_server_flush(rt.server);
    }
    frame_link_flush(rt.link);
    meter_clock_moved();
    if (isolate_any_ready())
        uv_idle_start(&rt.idle, on_idle);
    else
        uv_idle_stop(&rt.idle);
}

/* The supervisor's, or one that nobody reads. */
static void open_pulse(int fd)
{
    static struct pulse unread;

    if (pulse_open(fd, &rt.pulse) < 0)
        rt.pulse = &unread;
}

/* Connections are descriptors, and what a process may have by default is a thousand. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void start_handles(void)
{
    uv_prepare_init(rt.loop, &rt.prepare);
    uv_check_init(rt.loop, &rt.check);
    uv_idle_init(rt.loop, &rt.idle);
    uv_signal_init(rt.loop, &rt.sigterm);
    uv_prepare_start(&rt.prepare, on_before_poll);
    uv_check_start(&rt.check, on_turn_end);
    uv_signal_start(&rt.sigterm, on_signal, SIGTERM);
    uv_timer_init(rt.loop, &rt.second);
    uv_timer_start(&rt.second, on_second, METER_MS, METER_MS);
}

/* Before there is a second thread, which would stay outside. */
static bool enter_sandbox(const struct runtime_options *options)
{
    struct sandbox sandbox = {
        .user = *options->sandbox_user ? options->sandbox_user : NULL,
        .read = {getenv("ATOLL_CA_FILE")},
    };
    struct err err;
    int count = 0;

    if (options->cache_directory)
        sandbox.write[count++] = options->cache_directory;
    if (options->storage_directory)
        sandbox.write[count++] = options->storage_directory;
    if (sandbox_enter(&sandbox, &err) == 0)
        return true;
    fprintf(stderr, "atoll runtime: %s\n", err.text);
    return false;
}

int runtime_main(const struct runtime_options *options)
{
    static const struct op *const tables[] = {WEB_OP_TABLES BINDINGS_OP_TABLES op_load_table,
                                              op_request_table, op_event_table, op_upgrade_table,
                                              NULL};
    static const struct http_server_hooks server_hooks = {
        on_request, on_body, on_drain, on_client_gone, on_end, on_stopped};
    static const struct frame_link_hooks link_hooks = {on_frame, on_link_end};
    static struct isolate_setup setup;

    rt.options = *options;
    open_pulse(options->pulse_fd);
    raise_descriptor_limit();
    if (options->sandbox_user && !enter_sandbox(options))
        return 1;
    outbound_set(&rt.options.outbound);
    rt.loop = uv_default_loop();
    memory_keep_freed();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the supervisor, which tells us to stop */
    setup = (struct isolate_setup){.loop = rt.loop,
                                   .op_tables = tables,
                                   .builtins = web_builtins,
                                   .on_console = line_on_console,
                                   .wants_console = line_wanted,
                                   .meter_of = meter_of,
                                   .on_terminated = version_on_terminated,
                                   .on_turn_end = version_on_turn_end,
                                   .on_long_turn = handover_on_long_turn,
                                   .pulse = rt.pulse};
    start_handles();
    if (http_server_new(rt.loop, options->listen_fd,
                        (struct http_server_options){.hooks = &server_hooks,
                                                     .body_bytes_max = BODY_BYTES_MAX},
                        &rt.server) < 0) {
        fprintf(stderr, "atoll runtime: descriptor %d is no listening socket\n",
                options->listen_fd);
        return 1;
    }
    op_cache_start(&(struct op_cache_settings){.directory = options->cache_directory,
                                               .bytes_max = options->cache_bytes_max,
                                               .owner_of = cache_owner});
    bindings_start(rt.loop, options->storage_directory);
    publish_host_start(&rt.pulse->purges);
    publish_cache_start(options->cache_directory, options->cache_bytes_max);
    service_call_init();
    isolate_engine_start(&setup);
    rt.link = frame_link_new(rt.loop, options->link_fd, &link_hooks, NULL);
    frame_link_hold(rt.link);
    handover_start(rt.link, rt.server, !options->dev);
    pool_start(rt.loop);
    evict_start(rt.loop, options->idle_ms, options->memory_mib << 20);
    runtime_tell(json_pack("{s:s}", "type", "ready"));

    while (!rt.server_stopped)
        uv_run(rt.loop, UV_RUN_ONCE);
    worker_drain_all();
    version_reap();
    while (version_any_busy() || store_call_any_busy() || bucket_route_any_busy() ||
           bindings_flush())
        uv_run(rt.loop, UV_RUN_ONCE);
    evict_stop();
    tell_usage();
    pool_stop();
    frame_link_flush(rt.link);
    return 0;
}
