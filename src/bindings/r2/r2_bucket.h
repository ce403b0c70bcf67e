/* A bucket in this process: its store, opened when it is needed, and who waits for it.
 *
 *   r2_bucket_start() ── run() on a thread, with the store ── done() on the loop
 *
 * Writes of one bucket run one after the other; so do reads, on a connection of their own. Bytes of
 * files go in and out beside it (r2_upload.h, r2_source.h). One object a store and process, kept
 * while it is used and for R2_BUCKET_IDLE_MS after.
 * Owns: connections. Thread: the loop's. Limits: STORAGE_JOB_WAITING_MAX operations that wait;
 * R2_BUCKET_OPEN_MAX connections: beyond it those that were not used the longest are closed. */
#ifndef ATOLL_BINDINGS_R2_BUCKET_H
#define ATOLL_BINDINGS_R2_BUCKET_H

#include "bindings/r2/r2_store.h"
#include "bindings/storage_job.h"

enum {
    R2_BUCKET_IDLE_MS = 60000,
    R2_BUCKET_SWEEP_MS = 3600000,
    R2_BUCKET_TICK_MS = 30000,
    R2_BUCKET_OPEN_MAX = 256,       /* connections of all buckets */
};

struct r2_bucket;

/* Embed it and fill in the functions and `err`; zero the rest. */
struct r2_work {
    struct storage_job job;
    struct r2_bucket *bucket;
    void (*run)(struct r2_work *work, struct r2_store *store);  /* not when err->code is set */
    void (*done)(struct r2_work *work);
    struct err *err;
};

/* The bucket of a store ("default/r2/<id>"), with a reference; NULL when there is no place for it.
 * */
struct r2_bucket *r2_bucket_of(const char *store);
struct r2_bucket *r2_bucket_ref(struct r2_bucket *bucket);

/* NULL is fine. */
void r2_bucket_unref(struct r2_bucket *bucket);

/* The directory of its files, for r2_body_init(); kept as long as the bucket. */
const char *r2_bucket_bodies(const struct r2_bucket *bucket);

/* done() is called once, also at once. */
void r2_bucket_start(struct r2_bucket *bucket, struct r2_work *work, bool writes);

#endif
