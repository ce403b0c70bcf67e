/* Data points on their way; see analytics_sink.h.
 *
 *   add ──> waiting ──(timer, or much)──> moving ──(a job)──> the store
 *                                           ^── failed: tried again ──┘
 *
 * (1) `moving` is the job's while one runs, and full while it is to be tried again: one batch at a
 *     time, so that a failure loses no order and takes no more room.
 * (2) A batch is rows of { length of dataset, length of point, time }, the name, the JSON: it is
 *     parsed on the thread.
 * (3) A point that cannot be stored, because it would make a dataset too many, is left out; its
 *     neighbours are stored.
 * (4) An account that stores as much as it may stores no more points: they are dropped. */
#include "bindings/analytics/analytics_sink.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/map.h"
#include "bindings/analytics/analytics_store.h"
#include "bindings/bindings.h"
#include "bindings/quota.h"
#include "bindings/storage_job.h"
#include "os/clock.h"
#include "os/file.h"

enum { IDLE_BATCHES = 30, LAST_TRIES = 2 };

struct row {
    uint32_t dataset_bytes, point_bytes;
    uint64_t time_s;
};

struct analytics_sink {
    struct map_node node;    /* by its directory */
    struct list link;
    int refs;
    struct storage_job_queue *queue;
    struct storage_job job;
    bool is_running;
    unsigned tries, idle;
    struct buf waiting, moving;
    struct analytics_store *store;    /* the job's; NULL: not open */
    int code;                         /* how the job ended */
};

static struct {
    struct map map;
    struct list list;
    uv_timer_t timer;
    bool has_timer, is_ending;
} all = {.list = {&all.list, &all.list}};

/* ---- on a thread ---- */

static str text_of(const json_t *value)
{
    return (str){json_string_value(value), json_string_length(value)};
}

/* False when it is not what the built-in script makes. */
static bool read_point(const json_t *json, struct analytics_point *point)
{
    const json_t *blobs = json_array_get(json, 1), *doubles = json_array_get(json, 2), *it;
    size_t i;

    if (json_array_size(blobs) > ANALYTICS_STORE_FIELDS ||
        json_array_size(doubles) > ANALYTICS_STORE_FIELDS)
        return false;
    point->index = text_of(json_array_get(json, 0));
    json_array_foreach(blobs, i, it)
        point->blobs[i] = text_of(it);
    json_array_foreach(doubles, i, it)
        point->doubles[i] = json_number_value(it);
    return true;
}

static int store_one(struct analytics_store *store, const struct row *row, const char *bytes)
{
    struct analytics_point point = {.dataset = {bytes, row->dataset_bytes},
                                    .time_s = (int64_t)row->time_s};
    json_t *json = json_loadb(bytes + row->dataset_bytes, row->point_bytes, JSON_ALLOW_NUL, NULL);
    struct err err = {0};
    int r = 0;

    if (json && read_point(json, &point))
        r = analytics_store_add(store, &point, &err);
    json_decref(json);
    return r;
}

/* (3) A full disk is ERR_LIMIT, too: then the commit fails, and is tried again. */
static int store_all(struct analytics_store *store, str batch)
{
    struct row row;
    int r = 0;

    while (r == 0 && batch.len >= sizeof row) {
        memcpy(&row, batch.ptr, sizeof row);
        r = store_one(store, &row, batch.ptr + sizeof row);
        if (r == ERR_LIMIT)
            r = 0;
        batch = str_skip(batch, sizeof row + row.dataset_bytes + row.point_bytes);
    }
    return r;
}

static int open_store(struct analytics_sink *sink, struct err *err)
{
    const char *directory = sink->node.key.ptr;
    int r;

    if (sink->store && !analytics_store_is_stale(sink->store))
        return 0;
    analytics_store_close(sink->store);
    sink->store = NULL;
    if ((r = file_make_directories(directory, err)) < 0)
        return r;
    return analytics_store_open(directory, ANALYTICS_STORE_BYTES_MAX, &sink->store, err);
}

static void on_run(struct storage_job *job)
{
    struct analytics_sink *sink = CONTAINER_OF(job, struct analytics_sink, job);
    struct err err = {0};
    int r;

    if (!sink->moving.len) { /* nothing came for a while */
        analytics_store_close(sink->store);
        sink->store = NULL;
        sink->code = 0;
        return;
    }
    if (quota_is_over(sink->node.key.ptr)) { /* (4) */
        sink->code = 0;
        return;
    }
    if ((r = open_store(sink, &err)) == 0 && (r = analytics_store_begin(sink->store, &err)) == 0) {
        r = store_all(sink->store, buf_str(&sink->moving));
        r = analytics_store_end(sink->store, r, clock_wall_s(), &err);
    }
    sink->code = r;
}

/* ---- on the loop ---- */

static void start(struct analytics_sink *sink)
{
    struct buf empty = sink->moving;

    if (sink->is_running)
        return;
    if (!sink->moving.len) {
        sink->moving = sink->waiting;
        sink->waiting = empty;
        sink->tries = 0;
    }
    sink->is_running = storage_job_post(sink->queue, &sink->job) == 0;
}

static void on_done(struct storage_job *job)
{
    struct analytics_sink *sink = CONTAINER_OF(job, struct analytics_sink, job);

    sink->is_running = false;
    if (sink->code < 0 && ++sink->tries < ANALYTICS_SINK_TRIES_MAX)
        return;
    buf_clear(&sink->moving);
    if (sink->waiting.len >= ANALYTICS_SINK_MANY_BYTES || (all.is_ending && sink->waiting.len))
        start(sink);
}

static void free_sink(struct analytics_sink *sink)
{
    map_remove(&all.map, &sink->node);
    list_remove(&sink->link);
    storage_job_queue_free(sink->queue);
    buf_done(&sink->waiting);
    buf_done(&sink->moving);
    free((char *)sink->node.key.ptr);
    free(sink);
}

/* What is idle is closed, and then goes. */
static void look_after(struct analytics_sink *sink)
{
    if (sink->is_running)
        return;
    if (sink->waiting.len || sink->moving.len) {
        sink->idle = 0;
        start(sink);
    } else if (++sink->idle >= IDLE_BATCHES && sink->store) {
        start(sink);
    } else if (!sink->refs && !sink->store) {
        free_sink(sink);
    }
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    LIST_EACH_SAFE(&all.list, link)
        look_after(CONTAINER_OF(link, struct analytics_sink, link));
}

static void start_timer(void)
{
    if (all.has_timer)
        return;
    all.has_timer = true;
    uv_timer_init(storage_job_loop(), &all.timer);
    uv_timer_start(&all.timer, on_timer, ANALYTICS_SINK_WAIT_MS, ANALYTICS_SINK_WAIT_MS);
    uv_unref((uv_handle_t *)&all.timer);
}

struct analytics_sink *analytics_sink_of(const char *store)
{
    char *directory = store ? bindings_store_path(store) : NULL;
    struct map_node *node = directory ? map_find(&all.map, str_from(directory)) : NULL;
    struct analytics_sink *sink = node ? CONTAINER_OF(node, struct analytics_sink, node) : NULL;

    if (!directory)
        return NULL;
    if (sink) {
        free(directory);
    } else {
        start_timer();
        sink = mem_new(struct analytics_sink);
        sink->node.key = str_from(directory);
        sink->queue = storage_job_queue_new_for(directory);
        sink->job.run = on_run;
        sink->job.done = on_done;
        buf_init(&sink->waiting, ANALYTICS_SINK_BYTES_MAX);
        buf_init(&sink->moving, ANALYTICS_SINK_BYTES_MAX);
        map_add(&all.map, &sink->node);
        list_push(&all.list, &sink->link);
    }
    sink->refs++;
    return sink;
}

void analytics_sink_unref(struct analytics_sink *sink)
{
    if (sink)
        sink->refs--;
}

bool analytics_sink_add(struct analytics_sink *sink, str dataset, uint64_t now_s, str point)
{
    const struct row row = {(uint32_t)dataset.len, (uint32_t)point.len, now_s};
    struct buf *out = &sink->waiting;

    if (buf_reserve(out, sizeof row + dataset.len + point.len) < 0)
        return false;
    ASSERT(buf_append(out, (str){(const char *)&row, sizeof row}) == 0);
    ASSERT(buf_append(out, dataset) == 0 && buf_append(out, point) == 0);
    if (out->len >= ANALYTICS_SINK_MANY_BYTES && !sink->moving.len)
        start(sink);
    return true;
}

bool analytics_sink_flush(void)
{
    bool busy = false, begins = !all.is_ending;

    all.is_ending = true;
    LIST_EACH(&all.list, link) {
        struct analytics_sink *sink = CONTAINER_OF(link, struct analytics_sink, link);

        if (begins)
            sink->tries = 0;
        if (!sink->is_running && sink->tries < LAST_TRIES &&
            (sink->waiting.len || sink->moving.len))
            start(sink);
        busy |= sink->is_running;
    }
    return busy;
}
