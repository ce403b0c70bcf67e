/* Versions; see version.h for the states.
 *
 * (1) `running` holds the exchanges given to the isolate whose connection has not let go.
 * (2) A version is freed by version_reap() or by its worker, never inside a turn of its isolate. */
#include "runtime/version.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "http/websocket.h"
#include "os/clock.h"
#include "runtime/line.h"
#include "runtime/op_load.h"
#include "runtime/op_request.h"
#include "runtime/page.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/sourcemap.h"
#include "runtime/worker.h"
#include "web/op_websocket.h"

enum { PARTS_MAX = 1024 };

enum version_state { VERSION_LOADING, VERSION_LIVE, VERSION_DRAINING, VERSION_DEAD };

struct version {
    struct list link;            /* in `loading` or `draining` */
    enum version_state state;
    struct worker *worker;       /* held; NULL: nobody's */
    const struct version_hooks *hooks;
    void *context;
    char *id;
    struct limits limits;
    struct isolate *iso;
    struct task load;
    struct list running;
    json_t *config;              /* NULL once loaded */
    json_t *bindings;            /* of it; NULL: none */
    json_t *exports;
    struct version_part *parts;  /* NULL once loaded */
    size_t part_count;
    char *blob;
    char *map_json;              /* the source map, parsed when an error first needs it */
    size_t map_len;
    struct sourcemap *map;
    uint64_t start_ns;
    uint64_t loaded_ns;
    uint64_t drain_until_ms;
    struct meter_use use;        /* in use once loaded, when somebody is served */
    struct line_allowance lines;
};

static struct list loading = {&loading, &loading};
static struct list draining = {&draining, &draining};

/* ---- birth ---- */

static int take_parts(struct version *v, const struct version_source *source)
{
    size_t offset = 0, index;
    json_t *part;

    v->part_count = json_array_size(source->parts);
    if (v->part_count == 0 || v->part_count > PARTS_MAX || !json_is_object(source->config))
        return ERR_INVALID;
    v->parts = mem_zeroed(v->part_count * sizeof *v->parts);
    v->blob = str_dup(source->blob);
    v->config = json_deep_copy(source->config);
    v->bindings = json_incref(json_object_get(v->config, "bindings"));
    json_object_set(v->config, "parts", source->parts); /* keeps the names alive */
    json_array_foreach(json_object_get(v->config, "parts"), index, part) {
        int64_t bytes = member_int(part, "bytes");
        struct version_part *p = &v->parts[index];
        if (bytes < 0 || (size_t)bytes > source->blob.len - offset)
            return ERR_INVALID;
        p->name = str_from(member_text(part, "name"));
        p->kind = str_from(member_text(part, "kind"));
        p->bytes = (str){v->blob + offset, (size_t)bytes};
        offset += (size_t)bytes;
        if (str_equal(p->kind, STR("map"))) {
            v->map_json = str_dup(p->bytes);
            v->map_len = p->bytes.len;
        }
    }
    return 0;
}

/* `start`: while its script is loaded. */
static void limit_isolate(struct version *v, bool start)
{
    isolate_set_limits(v->iso, (struct isolate_limits){
                                   .cpu_ms = start ? v->limits.startup_cpu_ms : v->limits.cpu_ms,
                                   .memory_bytes = (size_t)v->limits.memory_mb << 20,
                                   .subrequests = v->limits.subrequests,
                               });
}

int version_new(const struct version_source *source, struct version **ret_version)
{
    struct version *v = mem_new(struct version);
    int r;

    v->worker = source->worker ? worker_ref(source->worker) : NULL;
    v->hooks = source->hooks;
    v->context = source->context;
    v->id = str_dup(str_from(source->id));
    v->limits = *source->limits;
    v->start_ns = clock_monotonic_ns();
    list_init(&v->link);
    list_init(&v->running);
    if ((r = take_parts(v, source)) < 0) {
        v->state = VERSION_DEAD;
        version_free(v);
        return r;
    }
    list_push(&loading, &v->link);
    v->iso = pool_take();
    isolate_set_owner(v->iso, v);
    isolate_set_number(v->iso, v->worker ? worker_number(v->worker) : 0);
    limit_isolate(v, true);
    op_load_prepare(&v->load);
    isolate_post(v->iso, &v->load);
    *ret_version = v;
    return 0;
}

/* What only loading needed. */
static void free_source(struct version *v)
{
    free(v->parts);
    free(v->blob);
    json_decref(v->config);
    v->parts = NULL;
    v->blob = NULL;
    v->config = NULL;
    v->part_count = 0;
}

void version_loaded(struct version *v)
{
    if (v->state != VERSION_LOADING)
        return;
    list_remove(&v->link);
    v->state = VERSION_LIVE;
    v->loaded_ns = clock_monotonic_ns();
    limit_isolate(v, false);
    free_source(v);
    if (v->worker)
        meter_use_start(&v->use, worker_name(v->worker), v->iso);
    v->hooks->on_loaded(v->context, v);
}

void version_refused(struct version *v, str error)
{
    if (v->state != VERSION_LOADING)
        return;
    list_remove(&v->link);
    v->state = VERSION_DEAD;
    v->loaded_ns = clock_monotonic_ns();
    list_push(&draining, &v->link);
    v->hooks->on_refused(v->context, v, error);
}

void version_look(void)
{
    uint64_t now_ns = clock_monotonic_ns();

    LIST_EACH_SAFE(&loading, link) {
        struct version *v = CONTAINER_OF(link, struct version, link);
        if (now_ns - v->start_ns > VERSION_LOAD_MS * (uint64_t)1000000)
            version_refused(v, STR("The worker's script did not finish within 30 s: its top-level "
                                   "await waits for something that takes too long."));
    }
}

void version_set_limits(struct version *v, const struct limits *limits)
{
    v->limits = *limits;
    limit_isolate(v, v->state == VERSION_LOADING);
}

/* ---- the end ---- */

/* What was given to the isolate and cannot be answered by it any more. */
static void fail_running(struct version *v, int code)
{
    int32_t blamed = isolate_blamed(v->iso);

    LIST_EACH_SAFE(&v->running, link) {
        struct exchange *x = CONTAINER_OF(link, struct exchange, link);
        list_remove(&x->link);
        x->version = NULL;
        exchange_set_outcome(x,
                             blamed && blamed != x->id ? OUTCOME_INTERNAL : outcome_of_error(code));
        if (exchange_can_answer(x))
            page_limit(x, code);
        else if (x->http)
            http_answer_abort(x->http);
    }
}

void version_free(struct version *v)
{
    if (!v)
        return;
    if (v->iso)
        fail_running(v, ERR_TIMEOUT);
    meter_use_end(&v->use);
    list_remove(&v->link);
    isolate_free(v->iso);
    free_source(v);
    json_decref(v->bindings);
    json_decref(v->exports);
    sourcemap_free(v->map);
    free(v->map_json);
    free(v->id);
    worker_unref(v->worker);
    free(v);
}

void version_drain(struct version *v)
{
    if (v->state == VERSION_DRAINING || v->state == VERSION_DEAD)
        return;
    if (v->state == VERSION_LIVE)
        op_websocket_leave(v->iso, WEBSOCKET_RESTART);
    v->state = VERSION_DRAINING;
    v->drain_until_ms = uv_now(isolate_loop()) + VERSION_DRAIN_MS;
    list_remove(&v->link);
    list_push(&draining, &v->link);
}

bool version_is_draining(const struct version *v)
{
    return v->state == VERSION_DRAINING;
}

static bool has_pending(const struct version *v)
{
    return isolate_cells(v->iso)[CELL_PENDING] > 0 || isolate_has_tasks(v->iso);
}

/* A waitUntil() promise counts as long as something is left that could settle it. */
static bool is_needed(const struct version *v)
{
    return !list_empty(&v->running) || (isolate_cells(v->iso)[CELL_WAITING] > 0 && has_pending(v));
}

bool version_is_busy(const struct version *v, uint64_t quiet_ms)
{
    return v->state == VERSION_LOADING || is_needed(v) || isolate_is_held(v->iso) ||
           (has_pending(v) && uv_now(isolate_loop()) < quiet_ms + VERSION_DRAIN_MS);
}

bool version_is_loading(const struct version *v)
{
    return v->state == VERSION_LOADING;
}

void version_reap(void)
{
    LIST_EACH_SAFE(&draining, link) {
        struct version *v = CONTAINER_OF(link, struct version, link);
        if (v->state == VERSION_DEAD || !is_needed(v) || uv_now(isolate_loop()) > v->drain_until_ms)
            version_free(v);
    }
}

bool version_any_busy(void)
{
    return !list_empty(&draining);
}

static void refuse_terminated(struct version *v, int code)
{
    uint64_t ms = v->limits.startup_cpu_ms;
    bool whole = ms % 1000 == 0;
    char text[160];

    if (code == ERR_CPU_LIMIT)
        snprintf(text, sizeof text,
                 "The worker's script used more than %llu %s of CPU time while it was loaded. Move "
                 "the work into the handler.",
                 (unsigned long long)(whole ? ms / 1000 : ms), whole ? "s" : "ms");
    else
        snprintf(text, sizeof text,
                 "The worker's script exceeded the memory limit of %llu MiB while it was loaded.",
                 (unsigned long long)v->limits.memory_mb);
    version_refused(v, str_from(text));
}

void version_on_terminated(struct isolate *iso, int code)
{
    struct version *v = isolate_owner(iso);

    if (v->state == VERSION_LOADING) {
        refuse_terminated(v, code);
        return;
    }
    line_error(v, isolate_blamed(iso), str_from(err_text(code)));
    fail_running(v, code);
    if (v->state == VERSION_LIVE) {
        list_push(&draining, &v->link);
        v->state = VERSION_DEAD;
        v->hooks->on_died(v->context, v);
    }
    v->state = VERSION_DEAD;
}

/* ---- requests ---- */

void version_dispatch(struct version *v, struct exchange *x)
{
    ASSERT(v->state == VERSION_LIVE);
    x->version = v;
    list_remove(&x->link);
    list_push(&v->running, &x->link);
    meter_use_enter(&v->use);
    if (op_request_admit(x, &v->limits))
        exchange_post(x, &x->dispatch);
}

void version_exchange_over(struct version *v, struct exchange *x)
{
    list_remove(&x->link);
    meter_use_leave(&v->use);
    op_request_on_over(x);
}

/* A request waits for something: a native operation, a timer, a task. When there is none of these,
 * nothing can settle what the handler waits for, and its client would wait for ever. */
static void end_hung(struct version *v)
{
    if (has_pending(v))
        return;
    LIST_EACH_SAFE(&v->running, link) {
        struct exchange *x = CONTAINER_OF(link, struct exchange, link);
        if (exchange_can_answer(x))
            op_load_tell_hung(v->iso, x->id);
    }
}

void version_on_turn_end(struct isolate *iso)
{
    struct version *v = isolate_owner(iso);

    op_request_collect_answers(iso);
    if (v && v->state != VERSION_LOADING) {
        meter_use_turned(&v->use);
        end_hung(v);
    } else if (v && !has_pending(v)) {
        version_refused(v, STR("The worker's script never finishes: its top-level await waits for "
                               "a promise that nothing can settle."));
    }
}

/* ---- what others ask ---- */

const char *version_id(const struct version *v)
{
    return v->id;
}

const char *version_worker_name(const struct version *v)
{
    return v->worker ? worker_name(v->worker) : "";
}

struct meter_use *version_meter(struct version *v)
{
    return &v->use;
}

struct worker *version_worker(const struct version *v)
{
    return v->worker;
}

const char *version_script_name(const struct version *v)
{
    return v->worker ? worker_script_name(v->worker) : "";
}

struct line_allowance *version_lines(struct version *v)
{
    return &v->lines;
}

const struct limits *version_limits(const struct version *v)
{
    return &v->limits;
}

void version_set_exports(struct version *v, json_t *exports)
{
    json_decref(v->exports);
    v->exports = exports;
}

json_t *version_exports(const struct version *v)
{
    return v->exports;
}

struct isolate *version_isolate(const struct version *v)
{
    return v->iso;
}

struct version *version_of_isolate(const struct isolate *iso)
{
    return isolate_owner(iso);
}

double version_load_ms(const struct version *v)
{
    return (double)(v->loaded_ns - v->start_ns) / 1e6;
}

const struct version_part *version_part_find(const struct version *v, str name)
{
    for (size_t i = 0; i < v->part_count; i++)
        if (str_equal(v->parts[i].name, name))
            return &v->parts[i];
    return NULL;
}

str version_script(const struct version *v)
{
    return v->parts[0].bytes;
}

const json_t *version_bindings(const struct version *v)
{
    return v->bindings;
}

json_t *version_config(const struct version *v)
{
    return v->config;
}

/* The outermost frames are the engine's and our dispatch's, "    at x (<anonymous>)", and that
 * of the function around the bundle (its line 1 and its entry); with all lines gone the line end
 * before them goes too. */
static void trim_outer_frames(struct buf *out, size_t from)
{
    for (;;) {
        const char *line = memrchr(out->ptr + from, '\n', out->len - from);
        if (!line)
            return;
        str frame = {line + 1, (size_t)(out->ptr + out->len - line) - 1};
        if (frame.len && !str_ends(frame, STR("(<anonymous>)")) &&
            !str_starts(frame, STR("    at " VERSION_SCRIPT_URL ":1:")) &&
            !str_starts(frame, STR("    at atoll-entry.js:")))
            return;
        out->len = (size_t)(line - out->ptr);
    }
}

void version_describe_error(struct version *v, str message, str stack, struct buf *out)
{
    size_t before;

    if (v->map_json && sourcemap_parse((str){v->map_json, v->map_len}, &v->map) < 0)
        v->map = NULL;
    free(v->map_json);
    v->map_json = NULL;
    if (buf_append(out, message) < 0)
        return;
    before = out->len;
    if (buf_append(out, STR("\n")) < 0)
        return;
    if (sourcemap_map_stack(v->map, STR(VERSION_SCRIPT_URL), stack, out) == 0)
        trim_outer_frames(out, before);
}
