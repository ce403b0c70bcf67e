/* Versions; see version.h for the states.
 *
 * (1) `running` holds the exchanges given to the isolate whose connection has not let go.
 * (2) A version is freed by version_reap() or by its worker, never inside a turn of its isolate. */
#include "runtime/version.h"

#include <stdlib.h>

#include "http/websocket.h"
#include "os/clock.h"
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
    struct list link;            /* in `draining` */
    enum version_state state;
    struct worker *worker;
    char *worker_name;           /* outlives the worker's interest in us */
    char *id;
    struct isolate *iso;
    struct task load;
    struct list running;
    json_t *config;
    struct version_part *parts;  /* NULL once loaded */
    size_t part_count;
    char *blob;
    char *map_json;              /* the source map, parsed when an error first needs it */
    size_t map_len;
    struct sourcemap *map;
    uint64_t start_ns;
    uint64_t loaded_ns;
    uint64_t drain_until_ms;
};

static struct list draining = {&draining, &draining};

/* ---- birth ---- */

static int take_parts(struct version *v, const struct version_source *source)
{
    size_t offset = 0, index;
    json_t *part;

    v->part_count = json_array_size(source->parts);
    if (v->part_count == 0 || v->part_count > PARTS_MAX)
        return ERR_INVALID;
    v->parts = mem_zeroed(v->part_count * sizeof *v->parts);
    v->blob = str_dup(source->blob);
    v->config = json_deep_copy(source->config);
    json_object_set(v->config, "parts", source->parts); /* keeps the names alive */
    json_array_foreach(json_object_get(v->config, "parts"), index, part) {
        json_int_t bytes = json_integer_value(json_object_get(part, "bytes"));
        struct version_part *p = &v->parts[index];
        if (bytes < 0 || (size_t)bytes > source->blob.len - offset)
            return ERR_INVALID;
        p->name = str_from(json_string_value(json_object_get(part, "name")));
        p->kind = str_from(json_string_value(json_object_get(part, "kind")));
        p->bytes = (str){v->blob + offset, (size_t)bytes};
        offset += (size_t)bytes;
        if (str_equal(p->kind, STR("map"))) {
            v->map_json = str_dup(p->bytes);
            v->map_len = p->bytes.len;
        }
    }
    return 0;
}

static struct isolate_limits limits_of(json_t *config)
{
    json_int_t cpu_ms = json_integer_value(json_object_get(config, "cpu_ms"));
    json_int_t memory = json_integer_value(json_object_get(config, "memory_bytes"));

    return (struct isolate_limits){
        .cpu_ms = cpu_ms > 0 ? (uint64_t)cpu_ms : 30000,
        .memory_bytes = memory > 0 ? (size_t)memory : 128u << 20,
    };
}

int version_new(struct worker *worker, const struct version_source *source,
                struct version **ret_version)
{
    struct version *v = mem_new(struct version);
    int r;

    v->worker = worker;
    v->worker_name = str_dup(str_from(worker_name(worker)));
    v->id = str_dup(str_from(source->id));
    v->start_ns = clock_monotonic_ns();
    list_init(&v->link);
    list_init(&v->running);
    if ((r = take_parts(v, source)) < 0) {
        v->state = VERSION_DEAD;
        version_free(v);
        return r;
    }
    v->iso = pool_take();
    isolate_set_owner(v->iso, v);
    isolate_set_limits(v->iso, (struct isolate_limits){.cpu_ms = VERSION_START_CPU_MS,
                                                       .memory_bytes = 128u << 20});
    op_load_prepare(&v->load);
    isolate_post(v->iso, &v->load);
    *ret_version = v;
    return 0;
}

static void free_parts(struct version *v)
{
    free(v->parts);
    free(v->blob);
    v->parts = NULL;
    v->blob = NULL;
    v->part_count = 0;
}

void version_loaded(struct version *v)
{
    if (v->state != VERSION_LOADING)
        return;
    v->state = VERSION_LIVE;
    v->loaded_ns = clock_monotonic_ns();
    isolate_set_limits(v->iso, limits_of(v->config));
    free_parts(v);
    worker_version_loaded(v->worker, v);
}

void version_refused(struct version *v, str error)
{
    if (v->state != VERSION_LOADING)
        return;
    v->state = VERSION_DEAD;
    worker_version_refused(v->worker, v, error);
    list_push(&draining, &v->link);
}

/* ---- the end ---- */

/* What was given to the isolate and cannot be answered by it any more. */
static void fail_running(struct version *v, int code)
{
    LIST_EACH_SAFE(&v->running, link) {
        struct exchange *x = CONTAINER_OF(link, struct exchange, link);
        list_remove(&x->link);
        x->version = NULL;
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
    fail_running(v, ERR_TIMEOUT);
    list_remove(&v->link);
    isolate_free(v->iso);
    free_parts(v);
    json_decref(v->config);
    sourcemap_free(v->map);
    free(v->map_json);
    free(v->worker_name);
    free(v->id);
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
    list_push(&draining, &v->link);
}

bool version_is_draining(const struct version *v)
{
    return v->state == VERSION_DRAINING;
}

/* A waitUntil() promise counts as long as something is left that could settle it. */
static bool is_busy(const struct version *v)
{
    const int32_t *cells = isolate_cells(v->iso);

    return !list_empty(&v->running) ||
           (cells[CELL_WAITING] > 0 && (cells[CELL_PENDING] > 0 || isolate_has_tasks(v->iso)));
}

void version_reap(void)
{
    LIST_EACH_SAFE(&draining, link) {
        struct version *v = CONTAINER_OF(link, struct version, link);
        if (v->state == VERSION_DEAD || !is_busy(v) || uv_now(isolate_loop()) > v->drain_until_ms)
            version_free(v);
    }
}

bool version_any_busy(void)
{
    return !list_empty(&draining);
}

void version_on_terminated(struct isolate *iso, int code)
{
    struct version *v = isolate_owner(iso);
    bool was_loading = v->state == VERSION_LOADING;

    if (was_loading) {
        version_refused(v, code == ERR_CPU_LIMIT
                               ? STR("The worker's script used more than 1 s of CPU time while it "
                                     "was loaded. Move the work into the handler.")
                               : STR("The worker's script exceeded the memory limit while it was "
                                     "loaded."));
        return;
    }
    runtime_log(v->worker_name, "error", str_from(err_text(code)));
    fail_running(v, code);
    if (v->state == VERSION_LIVE) {
        worker_version_died(v->worker, v);
        list_push(&draining, &v->link);
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
    exchange_post(x, &x->dispatch);
}

void version_exchange_over(struct version *v, struct exchange *x)
{
    (void)v;
    list_remove(&x->link);
    op_request_on_over(x);
}

/* A request waits for something: a native operation, a timer, a task. When there is none of these,
 * nothing can settle what the handler waits for, and its client would wait for ever. */
static void end_hung(struct version *v)
{
    if (isolate_cells(v->iso)[CELL_PENDING] > 0 || isolate_has_tasks(v->iso))
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
    if (v && v->state != VERSION_LOADING)
        end_hung(v);
    else if (v && isolate_cells(iso)[CELL_PENDING] == 0 && !isolate_has_tasks(iso))
        version_refused(v, STR("The worker's script never finishes: its top-level await waits for "
                               "a promise that nothing can settle."));
}

/* ---- what others ask ---- */

const char *version_id(const struct version *v)
{
    return v->id;
}

const char *version_worker_name(const struct version *v)
{
    return v->worker_name;
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
