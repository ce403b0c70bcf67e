/* A database as this process uses it: its connections, and the work that waits for it.
 *
 * What is surely short is answered on the loop; everything else is work, done in its order on a
 * thread. Neighbours in the row that write share a transaction, and so a sync of the disk; what one
 * of them does wrong is taken back alone.
 * Owns: connections, the queue. Thread: the loop's, but for what says otherwise. Limits:
 * D1_DATABASE_OPEN_MAX databases have their files open, those unused for D1_DATABASE_IDLE_MS have
 * not;
 * D1_DATABASE_BYTES_MAX of work may wait for one, D1_DATABASE_RESULT_BYTES_MAX of results for those
 * who asked. */
#ifndef ATOLL_BINDINGS_D1_DATABASE_H
#define ATOLL_BINDINGS_D1_DATABASE_H

#include <uv.h>

#include "base/list.h"
#include "bindings/d1/d1_store.h"
#include "bindings/storage_job.h"

enum {
    D1_DATABASE_OPEN_MAX = 64,
    D1_DATABASE_IDLE_MS = 60000,
    D1_DATABASE_GROUP_MAX = 128,           /* works that share a transaction */
    D1_DATABASE_BYTES_MAX = 128 << 20,
    D1_DATABASE_RESULT_BYTES_MAX = 128 << 20,
};

/* Of one file: 10 GB. */
#define D1_DATABASE_FILE_BYTES_MAX 10000000000u

struct d1_database;

/* Embed it. */
struct d1_work {
    struct storage_job job;
    struct list link;
    struct d1_database *database;
    struct d1_leash leash;  /* until_ns begins with run() */
    unsigned time_max_ms;   /* 0: D1_STORE_TIME_MAX_MS */
    size_t bytes;           /* what it holds while it waits */
    size_t result_bytes;    /* and since it ran; run() says */
    bool is_over;           /* the thread's */
    enum d1_work_kind {
        D1_WORK_QUERY,      /* in a transaction: its own when reads() says so, else a group's */
        D1_WORK_WHOLE,      /* in no transaction, alone: a copy */
        D1_WORK_REMOVE,     /* everything is closed; run() is left out: the files go */
        D1_WORK_CLOSE,      /* everything is closed */
    } kind;

    /* On a thread. True: it changes nothing. NULL: it may. */
    bool (*reads)(struct d1_work *work, struct d1_store *store);

    /* On a thread. Returns 0 or what it put into work->err: then what it did is taken back. It may
     * be called again, with err.code 0, after everything was taken back: it begins anew. */
    int (*run)(struct d1_work *work, struct d1_store *store);

    /* On the loop, exactly once. */
    void (*done)(struct d1_work *work);
    struct err err;
};

/* The database of this directory, shared: one per process. */
struct d1_database *d1_database_ref(uv_loop_t *loop, const char *directory);
void d1_database_unref(struct d1_database *database);

/* True when there is a file. A look at the disk. */
bool d1_database_exists(const struct d1_database *database);

const char *d1_database_directory(const struct d1_database *database);

/* Queues it. done() is called at once, with its error, when there is no room for it. */
void d1_database_post(struct d1_database *database, struct d1_work *work);

/* See d1_store_run_now(). False also while it is not open yet. */
bool d1_database_try(struct d1_database *database, const struct d1_query *query,
                     enum d1_shape shape, struct buf *out);

#endif
