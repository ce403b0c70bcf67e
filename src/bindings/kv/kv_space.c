/* A namespace in a process; see kv_space.h.
 *
 *   read ──> reader.waiting ──(its queue)──> reads ──> over ──> done
 *   write ─> writer.waiting ──(its queue)──> lock, BEGIN, writes, COMMIT, unlock ──> over ──> done
 *
 * (1) Each half has a connection, a queue and at most one job of work in it, which takes what waits
 *     when it runs (a read must not come from before it was asked for), as long as what was found
 *     is not too much before somebody has taken it, or, when it writes, until its commit (what
 *     comes meanwhile is in it).
 * (2) `waiting` is guarded by the half's mutex; `shared` and `store` are the queue's jobs' own.
 *     `over`, `opened` and `log_pages` are what the job of work leaves for its `done`. Everything
 *     else is the loop's.
 * (3) When one of many writes fails, all are taken back, and each, part by part, is tried alone:
 *     one that finds no room does not fail its neighbours.
 * (4) A chore, closing or cleaning up, waits in the same queue as the work, so neither happens
 *     under the other.
 * (5) No read of the disk is on the loop, be the value ever so small: a job costs 20 us, which all
 *     gets that wait share, and a page that is not in memory, or a process that recovers the log,
 *     would hold up every tenant. Hot keys need no read.
 * (6) `shown` is what the reader opened, for the loop to look at counters; with a new one what was
 *     cached is forgotten. */
#include "bindings/kv/kv_space.h"

#include <pthread.h>
#include <stdlib.h>

#include "bindings/bindings.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

enum { OPEN_TRIES = 3 };

#define FILE_BYTES_MAX (UINT64_C(64) << 30)

struct half {
    struct kv_space *space;
    struct storage_job_queue *queue;
    struct storage_job work, chore;
    bool has_work, has_chore, chore_closes, is_open;
    size_t count; /* of what is waiting or at work */
    size_t bytes; /* that it holds, of writes */
    pthread_mutex_t mutex;
    struct list waiting, over;
    struct kv_shared *shared;
    struct kv_store *store;
    struct kv_shared *opened; /* a reference; NULL: nothing is open */
    int log_pages;
};

struct kv_space {
    struct map_node node;
    struct list link;
    char *path;
    int refs;
    struct half reader, writer;
    struct kv_shared *shown;
    struct kv_cache cache;
    uint64_t used_ms;
};

static struct {
    struct map map;
    struct list list; /* the one that was used the longest time ago first */
    size_t open_count;
    size_t bytes_waiting;
    uv_timer_t timer;
    bool has_timer;
} all = {.list = {&all.list, &all.list}};

/* ---- on a thread: opening ---- */

static void half_close(struct half *half)
{
    kv_store_close(half->store);
    kv_shared_unref(half->shared);
    half->store = NULL;
    half->shared = NULL;
}

/* Under the lock, so that of several processes one makes the database. Returns 0, ERR_CLOSED when
 * the namespace was removed meanwhile, or an error. */
static int open_locked(struct half *half, const char *directory, struct err *err)
{
    int r = kv_shared_lock(half->shared, err);

    if (r < 0)
        return r;
    r = kv_shared_is_removed(half->shared)
            ? ERR_CLOSED
            : kv_store_open(directory, FILE_BYTES_MAX, &half->store, err);
    if (r == 0 && half == &half->space->writer)
        kv_store_expect_writes(half->store);
    kv_shared_unlock(half->shared);
    return r;
}

static int open_files(struct half *half, struct err *err)
{
    const char *directory = half->space->path;
    char *path = path_join(str_from(directory), STR("shared"));
    int r = ERR_CLOSED;

    for (int i = 0; i < OPEN_TRIES && r == ERR_CLOSED; i++) {
        if ((r = file_make_directories(directory, err)) < 0 ||
            (r = kv_shared_open(path, &half->shared, err)) < 0)
            break;
        if ((r = open_locked(half, directory, err)) < 0)
            half_close(half);
    }
    free(path);
    if (r < 0 && (r == ERR_IO || !err->code)) /* with paths, or none */
        err_set(err, r, "the namespace cannot be opened: %s", err_text(r));
    return r;
}

static int half_open(struct half *half, struct err *err)
{
    if (half->store && !kv_shared_is_removed(half->shared))
        return 0;
    half_close(half);
    return open_files(half, err);
}

/* ---- on a thread: reads ---- */

static struct list *take_one(struct half *half)
{
    struct list *link;

    pthread_mutex_lock(&half->mutex);
    link = list_pop(&half->waiting);
    pthread_mutex_unlock(&half->mutex);
    return link;
}

static void take_all(struct half *half, struct list *to)
{
    pthread_mutex_lock(&half->mutex);
    list_move_all(&half->waiting, to);
    pthread_mutex_unlock(&half->mutex);
}

static void run_reads(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, work);
    struct err err = {0};
    int r = half_open(half, &err);
    struct list *link;
    size_t bytes = 0;

    while (bytes < KV_SPACE_READ_BYTES_MAX && (link = take_one(half))) {
        struct kv_space_read *read = CONTAINER_OF(link, struct kv_space_read, link);

        list_push(&half->over, link);
        if (r == 0)
            read->run(read, half->store, half->shared);
        else
            *read->err = err;
        bytes += read->bytes;
    }
    half->opened = r == 0 ? kv_shared_ref(half->shared) : NULL;
}

/* ---- on a thread: writes ---- */

static size_t parts_of(const struct kv_space_write *write)
{
    return write->parts ? write->parts : 1;
}

static int run_parts(struct half *half, struct kv_space_write *write)
{
    int r = 0;

    for (write->part = 0; r == 0 && write->part < parts_of(write); write->part++)
        r = write->run(write, half->store, half->shared);
    return r;
}

/* Runs what waits, in one transaction; it is in `over` then. */
static int write_together(struct half *half, size_t *ret_count, struct err *err)
{
    size_t bytes = 0;
    struct list *link;
    int r = kv_store_begin(half->store, err);

    while (r == 0 && *ret_count < KV_SPACE_BATCH_MAX && bytes < KV_SPACE_BATCH_BYTES_MAX &&
           (link = take_one(half))) {
        struct kv_space_write *write = CONTAINER_OF(link, struct kv_space_write, link);

        list_push(&half->over, link);
        *ret_count += parts_of(write);
        bytes += write->bytes;
        r = run_parts(half, write);
    }
    return kv_store_end(half->store, r, err);
}

static int write_part(struct half *half, struct kv_space_write *write)
{
    int r;

    write->err->code = 0;
    if ((r = kv_store_begin(half->store, write->err)) < 0)
        return r;
    r = write->run(write, half->store, half->shared);
    return kv_store_end(half->store, r, write->err);
}

static int write_alone(struct half *half, struct kv_space_write *write)
{
    int r = 0;

    for (write->part = 0; write->part < parts_of(write); write->part++) {
        r = write_part(half, write);
        if (r < 0 && write->failed)
            write->failed(write);
    }
    return write->failed ? 0 : r;
}

static void fail_all(struct half *half, const struct err *err)
{
    take_all(half, &half->over);
    LIST_EACH(&half->over, link) {
        struct kv_space_write *write = CONTAINER_OF(link, struct kv_space_write, link);
        *write->err = *err;
        write->code = err->code;
    }
}

static void run_writes(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, work);
    struct err err = {0};
    size_t count = 0;
    int r = half_open(half, &err);

    if (r == 0)
        r = kv_shared_lock(half->shared, &err);
    if (r < 0) {
        fail_all(half, &err);
        return;
    }
    r = write_together(half, &count, &err);
    LIST_EACH(&half->over, link) {
        struct kv_space_write *write = CONTAINER_OF(link, struct kv_space_write, link);
        write->code = r < 0 ? write_alone(half, write) : 0;
    }
    kv_shared_unlock(half->shared);
    if (!count && r < 0)
        fail_all(half, &err);
    half->log_pages = kv_store_log_pages(half->store);
}

/* ---- on a thread: chores ---- */

static void sweep(struct half *half, int64_t now)
{
    struct err err;
    int r;

    if (!kv_store_is_dusty(half->store, now) || kv_shared_lock(half->shared, &err) < 0)
        return;
    if (kv_store_begin(half->store, &err) == 0) {
        r = kv_store_sweep(half->store, now, &err);
        (void)!kv_store_end(half->store, r, &err); /* else the next one may do it */
    }
    kv_shared_unlock(half->shared);
}

static void run_chore(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, chore);
    struct err err = {0};

    if (half->chore_closes) {
        half_close(half);
        return;
    }
    if (half_open(half, &err) < 0)
        return;
    sweep(half, clock_wall_s());
    if (kv_store_log_pages(half->store) >= KV_SPACE_LOG_PAGES_MAX)
        kv_store_checkpoint(half->store);
}

/* ---- the loop: chores, closing ---- */

static bool is_open(const struct kv_space *space)
{
    return space->reader.is_open || space->writer.is_open;
}

static bool is_busy(const struct kv_space *space)
{
    return storage_job_queue_is_busy(space->reader.queue) ||
           storage_job_queue_is_busy(space->writer.queue);
}

static void set_open(struct half *half, bool open)
{
    bool was_open = is_open(half->space);

    half->is_open = open;
    if (is_open(half->space) != was_open)
        all.open_count += open ? 1 : (size_t)-1;
}

static void start_chore(struct half *half, bool closes)
{
    if (half->has_chore)
        return;
    half->chore_closes = closes;
    half->has_chore = storage_job_post(half->queue, &half->chore) == 0;
}

static void on_chore_done(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, chore);

    half->has_chore = false;
    if (half->chore_closes && !half->has_work)
        set_open(half, false);
}

/* `shared` is taken. */
static void show(struct kv_space *space, struct kv_shared *shared)
{
    if (space->shown != shared)
        kv_cache_clear(&space->cache);
    kv_shared_unref(space->shown);
    space->shown = shared;
}

static void close_space(struct kv_space *space)
{
    show(space, NULL);
    start_chore(&space->reader, true);
    start_chore(&space->writer, true);
}

static void half_done(struct half *half)
{
    storage_job_queue_free(half->queue);
    pthread_mutex_destroy(&half->mutex);
}

static void free_space(struct kv_space *space)
{
    map_remove(&all.map, &space->node);
    list_remove(&space->link);
    show(space, NULL);
    half_done(&space->reader);
    half_done(&space->writer);
    free((char *)space->node.key.ptr);
    free(space->path);
    free(space);
}

static void look_after(struct kv_space *space, uint64_t now_ms)
{
    bool is_idle = !is_busy(space) && now_ms - space->used_ms >= KV_SPACE_IDLE_MS;

    if (is_idle && is_open(space))
        close_space(space);
    else if (is_idle && !space->refs)
        free_space(space);
    else if (is_open(space) && !is_busy(space)) {
        set_open(&space->writer, true);
        start_chore(&space->writer, false);
    }
}

void kv_space_look_after(uint64_t now_ms)
{
    LIST_EACH_SAFE(&all.list, link)
        look_after(CONTAINER_OF(link, struct kv_space, link), now_ms);
}

static void on_timer(uv_timer_t *timer)
{
    kv_space_look_after(uv_now(timer->loop));
}

static void start_timer(void)
{
    if (all.has_timer)
        return;
    all.has_timer = true;
    uv_timer_init(storage_job_loop(), &all.timer);
    uv_timer_start(&all.timer, on_timer, KV_SPACE_SWEEP_MS, KV_SPACE_SWEEP_MS);
    uv_unref((uv_handle_t *)&all.timer);
}

/* Too many are open: the one that was not used the longest time is closed, if nothing runs there.
 * */
static void close_oldest(void)
{
    LIST_EACH(&all.list, link) {
        struct kv_space *space = CONTAINER_OF(link, struct kv_space, link);
        if (is_open(space) && !is_busy(space)) {
            close_space(space);
            return;
        }
    }
}

/* ---- the loop: work ---- */

static void start_work(struct half *half)
{
    if (half->has_work)
        return;
    half->has_work = true;
    set_open(half, true);
    ASSERT(storage_job_post(half->queue, &half->work) == 0); /* with (1) it is not full */
    if (all.open_count > KV_SPACE_OPEN_MAX)
        close_oldest();
}

static void work_ended(struct half *half)
{
    half->has_work = false;
    if (half->count)
        start_work(half);
}

static void on_reads_done(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, work);
    struct list over, *link;

    list_init(&over);
    list_move_all(&half->over, &over);
    show(half->space, half->opened);
    while ((link = list_pop(&over))) {
        struct kv_space_read *read = CONTAINER_OF(link, struct kv_space_read, link);
        half->count--;
        read->done(read);
    }
    work_ended(half);
}

static void on_writes_done(struct storage_job *job)
{
    struct half *half = CONTAINER_OF(job, struct half, work);
    struct list over, *link;

    list_init(&over);
    list_move_all(&half->over, &over);
    if (half->log_pages >= KV_SPACE_LOG_PAGES_MAX)
        start_chore(half, false);
    while ((link = list_pop(&over))) {
        struct kv_space_write *write = CONTAINER_OF(link, struct kv_space_write, link);
        half->count -= parts_of(write);
        half->bytes -= write->bytes;
        all.bytes_waiting -= write->bytes;
        write->done(write);
    }
    work_ended(half);
}

static void touch(struct kv_space *space)
{
    space->used_ms = uv_now(storage_job_loop());
    list_remove(&space->link);
    list_push(&all.list, &space->link);
}

/* Returns false when the half has no room for so many. */
static bool put_up(struct half *half, struct list *link, size_t count, size_t bytes,
                   struct err *err)
{
    touch(half->space);
    if (half->count + count > KV_SPACE_WAITING_MAX ||
        (bytes &&
         (half->bytes > KV_SPACE_OWN_BYTES_MAX || all.bytes_waiting > KV_SPACE_BYTES_MAX))) {
        err_set(err, ERR_TIMEOUT, "too many operations wait for the namespace");
        return false;
    }
    half->count += count;
    half->bytes += bytes;
    all.bytes_waiting += bytes;
    pthread_mutex_lock(&half->mutex);
    list_push(&half->waiting, link);
    pthread_mutex_unlock(&half->mutex);
    return true;
}

void kv_space_read(struct kv_space *space, struct kv_space_read *read)
{
    if (put_up(&space->reader, &read->link, 1, 0, read->err))
        start_work(&space->reader);
    else
        read->done(read);
}

void kv_space_write(struct kv_space *space, struct kv_space_write *write)
{
    if (!put_up(&space->writer, &write->link, parts_of(write), write->bytes, write->err)) {
        write->code = write->err->code;
        write->done(write);
        return;
    }
    start_work(&space->writer);
}

/* ---- what is cached ---- */

const struct kv_cache_entry *kv_space_peek(struct kv_space *space, str key)
{
    const struct kv_cache_entry *entry;

    if (!space->shown)
        return NULL;
    if (kv_shared_is_removed(space->shown)) {
        show(space, NULL);
        return NULL;
    }
    entry = kv_cache_find(&space->cache, key);
    if (!entry || kv_shared_look(space->shown, entry->hash) != entry->counter)
        return NULL;
    space->used_ms = uv_now(storage_job_loop());
    return entry;
}

void kv_space_keep(struct kv_space *space, str key, const struct kv_store_entry *entry,
                   uint64_t counter)
{
    if (space->shown && !(counter & 1))
        kv_cache_put(&space->cache, key, entry, counter);
}

/* ---- spaces ---- */

static void half_init(struct half *half, struct kv_space *space)
{
    bool writes = half == &space->writer;

    half->space = space;
    half->queue = storage_job_queue_new_for(space->path);
    half->work.run = writes ? run_writes : run_reads;
    half->work.done = writes ? on_writes_done : on_reads_done;
    half->chore.run = run_chore;
    half->chore.done = on_chore_done;
    pthread_mutex_init(&half->mutex, NULL);
    list_init(&half->waiting);
    list_init(&half->over);
}

static struct kv_space *new_space(const char *store, char *path)
{
    struct kv_space *space = mem_new(struct kv_space);

    start_timer();
    space->path = path;
    space->node.key = str_from(str_dup(str_from(store)));
    map_add(&all.map, &space->node);
    list_push(&all.list, &space->link);
    half_init(&space->reader, space);
    half_init(&space->writer, space);
    return space;
}

struct kv_space *kv_space_of(const char *store)
{
    struct map_node *node = map_find(&all.map, str_from(store));
    struct kv_space *space = node ? CONTAINER_OF(node, struct kv_space, node) : NULL;
    char *path;

    if (!space) {
        if (!(path = bindings_store_path(store)))
            return NULL;
        space = new_space(store, path);
    }
    return kv_space_ref(space);
}

struct kv_space *kv_space_ref(struct kv_space *space)
{
    space->refs++;
    touch(space);
    return space;
}

const char *kv_space_path(const struct kv_space *space)
{
    return space->path;
}

void kv_space_unref(struct kv_space *space)
{
    if (!space)
        return;
    ASSERT(space->refs > 0);
    space->refs--;
}
