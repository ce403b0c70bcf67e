/* Buckets of this process; see r2_bucket.h.
 *
 * (1) A half is a queue and a connection: jobs of the queue, one at a time, use the connection, and
 *     closing is such a job, too.
 * (2) A connection whose files were removed is opened anew: it speaks to nobody.
 * (3) Cleaning up has a connection of its own, opened and closed by it, on a queue of its own: it
 *     looks at every file and holds nobody up. */
#include "bindings/r2/r2_bucket.h"

#include <stdlib.h>

#include "base/map.h"
#include "bindings/bindings.h"
#include "os/clock.h"
#include "os/path.h"

struct half {
    struct storage_job_queue *queue;
    struct storage_job closing;
    struct r2_store *store;
    bool is_open, closes;
};

struct r2_bucket {
    struct map_node node;
    struct list link;
    char *path, *bodies;
    int refs;
    struct half reader, writer;
    struct storage_job sweep;
    bool sweeps;
    uint64_t used_ms, swept_ms; /* 0: never */
};

static struct {
    struct map map;
    struct list list; /* the one that was used the longest time ago first */
    size_t open_count;
    struct storage_job_queue *sweeps;
    uv_timer_t timer;
    bool has_timer;
} all = {.list = {&all.list, &all.list}};

static uint64_t now_ms(void)
{
    return uv_now(storage_job_loop());
}

/* ---- on a thread ---- */

static struct half *half_of(struct r2_work *work)
{
    struct r2_bucket *bucket = work->bucket;

    return work->job.queue == bucket->writer.queue ? &bucket->writer : &bucket->reader;
}

static void run_work(struct storage_job *job)
{
    struct r2_work *work = CONTAINER_OF(job, struct r2_work, job);
    struct half *half = half_of(work);

    if (half->store && r2_store_is_stale(half->store)) {
        r2_store_close(half->store);
        half->store = NULL;
    }
    if (half->store || r2_store_open(work->bucket->path, &half->store, work->err) == 0)
        work->run(work, half->store);
}

static void run_closing(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, closing);

    r2_store_close(half->store);
    half->store = NULL;
}

static void run_sweep(struct storage_job *job)
{
    struct r2_bucket *bucket = CONTAINER_OF(job, struct r2_bucket, sweep);
    struct r2_store *store;
    struct err err = {0};

    if (!path_is_directory(bucket->path) || r2_store_open(bucket->path, &store, &err) < 0)
        return;
    (void)!r2_store_sweep(store, clock_wall_s(), &err); /* else the next */
    r2_store_close(store);
}

/* ---- the loop ---- */

static void on_work_done(struct storage_job *job)
{
    struct r2_work *work = CONTAINER_OF(job, struct r2_work, job);
    struct r2_bucket *bucket = work->bucket;

    work->done(work);
    r2_bucket_unref(bucket);
}

static void on_closed(struct storage_job *job)
{
    CONTAINER_OF(job, struct half, closing)->closes = false;
}

static void on_swept(struct storage_job *job)
{
    CONTAINER_OF(job, struct r2_bucket, sweep)->sweeps = false;
}

static void half_init(struct half *half)
{
    half->queue = storage_job_queue_new();
    half->closing.run = run_closing;
    half->closing.done = on_closed;
}

static void half_close(struct half *half)
{
    if (!half->is_open || half->closes || storage_job_post(half->queue, &half->closing) < 0)
        return;
    half->is_open = false;
    half->closes = true;
    all.open_count--;
}

/* A connection with work that waits is closed behind it, and opened again when there is more. */
static void half_opens(struct half *half)
{
    if (half->is_open)
        return;
    half->is_open = true;
    all.open_count++;
    LIST_EACH(&all.list, link) {
        struct r2_bucket *bucket = CONTAINER_OF(link, struct r2_bucket, link);
        if (all.open_count <= R2_BUCKET_OPEN_MAX)
            break;
        if (&bucket->reader != half && &bucket->writer != half) {
            half_close(&bucket->reader);
            half_close(&bucket->writer);
        }
    }
}

static bool is_busy(const struct r2_bucket *bucket)
{
    return bucket->refs || bucket->sweeps || bucket->reader.closes || bucket->writer.closes;
}

static void free_bucket(struct r2_bucket *bucket)
{
    map_remove(&all.map, &bucket->node);
    list_remove(&bucket->link);
    storage_job_queue_free(bucket->reader.queue);
    storage_job_queue_free(bucket->writer.queue);
    free((char *)bucket->node.key.ptr);
    free(bucket->path);
    free(bucket->bodies);
    free(bucket);
}

static void start_sweep(struct r2_bucket *bucket)
{
    if (bucket->sweeps || storage_job_post(all.sweeps, &bucket->sweep) < 0)
        return;
    bucket->sweeps = true;
    bucket->swept_ms = now_ms() | 1;
}

/* Handles of bindings hold references as long as their version lives: idle is who was not used. */
static void look_after(struct r2_bucket *bucket)
{
    bool is_idle = now_ms() - bucket->used_ms >= R2_BUCKET_IDLE_MS;

    if (bucket->writer.is_open &&
        (!bucket->swept_ms || now_ms() - bucket->swept_ms >= R2_BUCKET_SWEEP_MS || is_idle))
        start_sweep(bucket);
    if (!is_idle)
        return;
    half_close(&bucket->reader);
    half_close(&bucket->writer);
    if (!is_busy(bucket))
        free_bucket(bucket);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    LIST_EACH_SAFE(&all.list, link)
        look_after(CONTAINER_OF(link, struct r2_bucket, link));
}

static void start_timer(void)
{
    if (all.has_timer)
        return;
    all.has_timer = true;
    all.sweeps = storage_job_queue_new();
    uv_timer_init(storage_job_loop(), &all.timer);
    uv_timer_start(&all.timer, on_timer, R2_BUCKET_TICK_MS, R2_BUCKET_TICK_MS);
    uv_unref((uv_handle_t *)&all.timer);
}

static struct r2_bucket *new_bucket(const char *store, char *path)
{
    struct r2_bucket *bucket = mem_new(struct r2_bucket);

    start_timer();
    bucket->path = path;
    bucket->bodies = path_join(str_from(path), STR("bodies"));
    bucket->node.key = str_from(str_dup(str_from(store)));
    map_add(&all.map, &bucket->node);
    list_push(&all.list, &bucket->link);
    half_init(&bucket->reader);
    half_init(&bucket->writer);
    bucket->sweep.run = run_sweep;
    bucket->sweep.done = on_swept;
    return bucket;
}

struct r2_bucket *r2_bucket_of(const char *store)
{
    struct map_node *node = map_find(&all.map, str_from(store));
    char *path;

    if (node)
        return r2_bucket_ref(CONTAINER_OF(node, struct r2_bucket, node));
    path = bindings_store_path(store);
    return path ? r2_bucket_ref(new_bucket(store, path)) : NULL;
}

struct r2_bucket *r2_bucket_ref(struct r2_bucket *bucket)
{
    bucket->refs++;
    bucket->used_ms = now_ms();
    list_remove(&bucket->link);
    list_push(&all.list, &bucket->link);
    return bucket;
}

void r2_bucket_unref(struct r2_bucket *bucket)
{
    if (!bucket)
        return;
    ASSERT(bucket->refs > 0);
    bucket->refs--;
}

const char *r2_bucket_bodies(const struct r2_bucket *bucket)
{
    return bucket->bodies;
}

void r2_bucket_start(struct r2_bucket *bucket, struct r2_work *work, bool writes)
{
    struct half *half = writes ? &bucket->writer : &bucket->reader;

    work->bucket = r2_bucket_ref(bucket);
    work->job.run = run_work;
    work->job.done = on_work_done;
    if (storage_job_post(half->queue, &work->job) == 0) {
        half_opens(half);
        return;
    }
    err_set(work->err, ERR_TIMEOUT, "more than %d operations wait for the bucket",
            STORAGE_JOB_WAITING_MAX);
    on_work_done(&work->job);
}
