/* A database of this process; see d1_database.h.
 *
 *   post ──> waiting ──> a thread takes what stands first, and writes behind it ──> done()
 *              │                begin, (mark, run, keep) ..., commit             on the loop
 *              └── one storage_job each, so that every work has its end in its order
 *
 * (1) The job that runs first does the work of those behind it as well, as long as they write and
 *     there are not too many; these then find that they are over.
 * (2) A failure can end the whole transaction (a full disk, RAISE(ROLLBACK), a time limit). It is
 *     the end of the work it happened to; the others of its group begin anew.
 * (3) `mutex` guards `waiting` and `fresh`. The writer belongs to the thread that runs the queue,
 *     the reader to the loop: a thread opens it and leaves it in `fresh`.
 * (4) Connections are closed by a work as well, so never while one runs. `is_open` is the loop's
 *     own: there may be connections.
 * (5) What was found is counted until the loop has heard of it, which a worker that computes may
 *     hold up: a query that begins when this is too much is refused. */
#include "bindings/d1/d1_database.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

enum { NS_PER_MS = 1000000, LOOK_MS = 100, SWEEP_MS = 10000 };

struct d1_database {
    struct map_node node;
    struct list link; /* in all.open */
    char *directory;
    int refs;
    bool is_open;
    struct storage_job_queue *queue;
    uint64_t used_ns;
    uint64_t looked_ns; /* whether the reader's file is still in its place */
    size_t bytes;
    atomic_size_t result_bytes; /* that done() was not told of */
    size_t posted;
    struct d1_store *reader;
    struct d1_store *writer;
    pthread_mutex_t mutex;
    struct list waiting;
    struct d1_store *fresh;
};

static struct {
    struct map map;
    struct list open; /* the one unused the longest first */
    size_t open_count;
    uv_timer_t sweep;
    bool is_started;
} all = {.open = {&all.open, &all.open}};

/* ---- on a thread ---- */

static void close_writer(struct d1_database *db)
{
    d1_store_close(db->writer);
    db->writer = NULL;
}

static void open_reader(struct d1_database *db)
{
    struct d1_store *reader;
    struct err err = {0};

    if (d1_store_open(db->directory, D1_STORE_READER, D1_DATABASE_FILE_BYTES_MAX, &reader, &err) <
        0)
        return;
    pthread_mutex_lock(&db->mutex);
    d1_store_close(db->fresh);
    db->fresh = reader;
    pthread_mutex_unlock(&db->mutex);
}

static int open_writer(struct d1_database *db, struct err *err)
{
    int r;

    if (db->writer && d1_store_is_stale(db->writer))
        close_writer(db);
    if (db->writer)
        return 0;
    r = d1_store_open(db->directory, D1_STORE_WRITER, D1_DATABASE_FILE_BYTES_MAX, &db->writer, err);
    if (r == 0)
        open_reader(db);
    return r;
}

static bool reads(struct d1_database *db, struct d1_work *work)
{
    return work->reads && work->reads(work, db->writer);
}

static void begin_time(struct d1_store *store, struct d1_work *work)
{
    uint64_t time_ms = work->time_max_ms ? work->time_max_ms : D1_STORE_TIME_MAX_MS;

    work->leash.until_ns = clock_monotonic_ns() + time_ms * NS_PER_MS;
    d1_store_put_on_leash(store, &work->leash);
}

/* Queries may be faster than who fetches their results: (5). */
static bool is_refused(struct d1_work *work)
{
    if (atomic_load(&work->leash.cancelled))
        err_set(&work->err, ERR_LIMIT, "nobody waits for the query any more: SQLITE_INTERRUPT");
    else if (atomic_load(&work->database->result_bytes) > D1_DATABASE_RESULT_BYTES_MAX)
        err_set(&work->err, ERR_LIMIT, "D1 DB is overloaded. Too many results wait.");
    return work->err.code;
}

static int run(struct d1_work *work, struct d1_store *store)
{
    struct d1_database *db = work->database;
    int r;

    atomic_fetch_sub(&db->result_bytes, work->result_bytes);
    work->result_bytes = 0;
    r = work->run(work, store);
    atomic_fetch_add(&db->result_bytes, work->result_bytes);
    return r;
}

static void run_read(struct d1_database *db, struct d1_work *work)
{
    struct d1_store *store = db->writer;

    begin_time(store, work);
    if (d1_store_begin(store, false, &work->err) == 0 && run(work, store) == 0 &&
        d1_store_commit(store, &work->err) == 0)
        return;
    d1_store_rollback(store);
}

/* One work of a group. Returns false when the whole transaction is gone with it. */
static bool run_write(struct d1_store *store, struct d1_work *work)
{
    if (is_refused(work))
        return true;
    begin_time(store, work);
    if (d1_store_mark(store, &work->err) < 0)
        return false;
    if (run(work, store) < 0 || d1_store_keep(store, &work->err) < 0)
        d1_store_take_back(store);
    return d1_store_is_within(store);
}

static void fail_all(struct d1_work *works[], size_t count, const struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!works[i]->err.code)
            works[i]->err = *err;
}

/* Runs those without an error, and commits. Returns how many are to begin anew: (2). */
static size_t run_transaction(struct d1_store *store, struct d1_work *works[], size_t count)
{
    struct err err = {0};
    size_t again = 0;
    bool is_whole = true;

    d1_store_put_on_leash(store, NULL);
    if (d1_store_begin(store, true, &err) < 0) {
        fail_all(works, count, &err);
        return 0;
    }
    for (size_t i = 0; i < count && is_whole; i++)
        is_whole = run_write(store, works[i]);
    d1_store_put_on_leash(store, NULL);
    if (is_whole && d1_store_commit(store, &err) == 0)
        return 0;
    d1_store_rollback(store);
    if (is_whole && count == 1)
        fail_all(works, count, &err);
    for (size_t i = 0; i < count; i++)
        if (!works[i]->err.code)
            works[again++] = works[i];
    return again;
}

/* Whatever a group could not do together is done one by one. */
static void run_group(struct d1_store *store, struct d1_work *works[], size_t count)
{
    struct d1_work *left[D1_DATABASE_GROUP_MAX];
    size_t again;

    memcpy(left, works, count * sizeof *left);
    if (!(again = run_transaction(store, left, count)))
        return;
    for (size_t i = 0; i < again; i++) {
        struct d1_work *one = left[i];

        (void)run_transaction(store, &one, 1);
    }
}

/* What stands first in the row, when it may join a group. */
static struct d1_work *peek(struct d1_database *db)
{
    struct d1_work *work = NULL;

    pthread_mutex_lock(&db->mutex);
    if (!list_empty(&db->waiting))
        work = CONTAINER_OF(db->waiting.next, struct d1_work, link);
    pthread_mutex_unlock(&db->mutex);
    return work && work->kind == D1_WORK_QUERY ? work : NULL;
}

/* Takes it out of the row; false when it was done with another. */
static bool take(struct d1_database *db, struct d1_work *work)
{
    if (work->is_over)
        return false;
    work->is_over = true;
    pthread_mutex_lock(&db->mutex);
    list_remove(&work->link);
    pthread_mutex_unlock(&db->mutex);
    return true;
}

/* Takes those behind the first that write: (1). Returns how many there are with it. */
static size_t gather(struct d1_database *db, struct d1_work *group[])
{
    struct d1_work *next;
    size_t count = 1;

    while (count < D1_DATABASE_GROUP_MAX && (next = peek(db)) && !reads(db, next)) {
        take(db, next);
        group[count++] = next;
    }
    return count;
}

static void run_query(struct d1_database *db, struct d1_work *work)
{
    struct d1_work *group[D1_DATABASE_GROUP_MAX] = {work};

    if (reads(db, work))
        run_read(db, work);
    else
        run_group(db->writer, group, gather(db, group));
}

static void run_open(struct d1_database *db, struct d1_work *work)
{
    if (open_writer(db, &work->err) < 0)
        return;
    if (work->kind == D1_WORK_QUERY) {
        run_query(db, work);
    } else {
        begin_time(db->writer, work);
        run(work, db->writer);
    }
    d1_store_put_on_leash(db->writer, NULL);
}

static void close_all(struct d1_database *db)
{
    close_writer(db);
    pthread_mutex_lock(&db->mutex);
    d1_store_close(db->fresh);
    db->fresh = NULL;
    pthread_mutex_unlock(&db->mutex);
}

static void on_run(struct storage_job *job)
{
    struct d1_work *work = CONTAINER_OF(job, struct d1_work, job);
    struct d1_database *db = work->database;

    if (!take(db, work))
        return;
    switch (work->kind) {
    case D1_WORK_CLOSE:
        close_all(db);
        break;
    case D1_WORK_REMOVE:
        close_all(db);
        file_remove_tree(db->directory);
        break;
    default:
        if (!is_refused(work))
            run_open(db, work);
    }
}

/* ---- the loop's side ---- */

static void database_free(struct d1_database *db)
{
    map_remove(&all.map, &db->node);
    storage_job_queue_free(db->queue);
    pthread_mutex_destroy(&db->mutex);
    free(db->directory);
    free(db);
}

static void free_if_over(struct d1_database *db)
{
    if (!db->refs && !db->is_open && !db->posted)
        database_free(db);
}

static void close_reader(struct d1_database *db)
{
    d1_store_close(db->reader);
    db->reader = NULL;
}

static void adopt_reader(struct d1_database *db)
{
    struct d1_store *fresh;

    pthread_mutex_lock(&db->mutex);
    fresh = db->fresh;
    db->fresh = NULL;
    pthread_mutex_unlock(&db->mutex);
    if (!fresh)
        return;
    close_reader(db);
    db->reader = fresh;
}

static void set_open(struct d1_database *db, bool is_open)
{
    if (db->is_open != is_open)
        all.open_count += is_open ? 1 : -1u;
    db->is_open = is_open;
    list_remove(&db->link);
    if (is_open)
        list_push(&all.open, &db->link);
}

static void on_done(struct storage_job *job)
{
    struct d1_work *work = CONTAINER_OF(job, struct d1_work, job);
    struct d1_database *db = work->database;

    db->bytes -= work->bytes;
    atomic_fetch_sub(&db->result_bytes, work->result_bytes);
    db->posted--;
    adopt_reader(db);
    db->refs++; /* the work's may be the last */
    work->done(work);
    d1_database_unref(db);
}

static void refuse(struct d1_database *db, struct d1_work *work)
{
    pthread_mutex_lock(&db->mutex);
    list_remove(&work->link);
    pthread_mutex_unlock(&db->mutex);
    err_set(&work->err, ERR_LIMIT, "D1 DB is overloaded. Too many requests queued.");
    work->done(work);
}

static void post(struct d1_database *db, struct d1_work *work)
{
    work->database = db;
    work->job.run = on_run;
    work->job.done = on_done;
    if (!work->leash.memory_max)
        work->leash.memory_max = D1_STORE_MEMORY_MAX;
    db->used_ns = clock_monotonic_ns();
    pthread_mutex_lock(&db->mutex);
    list_push(&db->waiting, &work->link);
    pthread_mutex_unlock(&db->mutex);
    if (db->bytes + work->bytes > D1_DATABASE_BYTES_MAX ||
        storage_job_post(db->queue, &work->job) < 0) {
        refuse(db, work);
        return;
    }
    db->bytes += work->bytes;
    db->posted++;
}

static void on_closed(struct d1_work *work)
{
    free(work);
}

static void close_files(struct d1_database *db)
{
    struct d1_work *work = mem_new(struct d1_work);

    work->kind = D1_WORK_CLOSE;
    work->done = on_closed;
    close_reader(db);
    set_open(db, false);
    post(db, work);
}

static void on_sweep(uv_timer_t *timer)
{
    uint64_t now = clock_monotonic_ns();

    (void)timer;
    LIST_EACH_SAFE(&all.open, it) {
        struct d1_database *db = CONTAINER_OF(it, struct d1_database, link);

        if (!db->posted && now - db->used_ns >= (uint64_t)D1_DATABASE_IDLE_MS * NS_PER_MS)
            close_files(db);
    }
}

static void make_room(void)
{
    LIST_EACH_SAFE(&all.open, it) {
        struct d1_database *db = CONTAINER_OF(it, struct d1_database, link);

        if (all.open_count < D1_DATABASE_OPEN_MAX)
            return;
        if (!db->posted)
            close_files(db);
    }
}

void d1_database_post(struct d1_database *db, struct d1_work *work)
{
    bool closes = work->kind == D1_WORK_REMOVE || work->kind == D1_WORK_CLOSE;

    if (!db->is_open && !closes)
        make_room();
    if (closes)
        close_reader(db);
    set_open(db, !closes);
    post(db, work);
}

static struct d1_store *reader_of(struct d1_database *db)
{
    uint64_t now = clock_monotonic_ns();

    if (!db->reader)
        return NULL;
    db->used_ns = now;
    if (now - db->looked_ns >= (uint64_t)LOOK_MS * NS_PER_MS) {
        db->looked_ns = now;
        if (d1_store_is_stale(db->reader))
            close_reader(db);
    }
    return db->reader;
}

bool d1_database_try(struct d1_database *db, const struct d1_query *query, enum d1_shape shape,
                     struct buf *out)
{
    struct d1_store *reader = reader_of(db);

    return reader && d1_store_run_now(reader, query, shape, out);
}

static void start(uv_loop_t *loop)
{
    if (all.is_started)
        return;
    all.is_started = true;
    ASSERT(uv_timer_init(loop, &all.sweep) == 0);
    ASSERT(uv_timer_start(&all.sweep, on_sweep, SWEEP_MS, SWEEP_MS) == 0);
    uv_unref((uv_handle_t *)&all.sweep);
}

static struct d1_database *database_new(const char *directory)
{
    struct d1_database *db = mem_new(struct d1_database);

    db->directory = str_dup(str_from(directory));
    db->queue = storage_job_queue_new_for(directory);
    list_init(&db->link);
    list_init(&db->waiting);
    ASSERT(pthread_mutex_init(&db->mutex, NULL) == 0);
    db->node.key = str_from(db->directory);
    map_add(&all.map, &db->node);
    return db;
}

struct d1_database *d1_database_ref(uv_loop_t *loop, const char *directory)
{
    struct map_node *node = map_find(&all.map, str_from(directory));
    struct d1_database *db = node ? CONTAINER_OF(node, struct d1_database, node)
                                  : database_new(directory);

    start(loop);
    db->refs++;
    return db;
}

void d1_database_unref(struct d1_database *db)
{
    db->refs--;
    free_if_over(db);
}

const char *d1_database_directory(const struct d1_database *db)
{
    return db->directory;
}

bool d1_database_exists(const struct d1_database *db)
{
    char *path = path_join(str_from(db->directory), STR("db.sqlite"));
    bool exists = path_is_file(path);

    free(path);
    return exists;
}
