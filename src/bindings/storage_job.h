/* Work on a store that may block, away from the loop: jobs of one queue run one after the other in
 * their order, those of different queues at the same time.
 *
 * Threads of our own, not libuv's pool: a tenant's slow query must not hold up another's
 * cryptography. Waiting queues get their turns round robin, so one store with many jobs does not
 * keep others waiting; and an account's stores have a part of the threads at most, so that
 * those of others find one.
 * Owns: the threads, queues. Thread: the loop's, but for `run`.
 * Limits: STORAGE_JOB_THREADS_MAX threads, made when needed, ended when idle; a queue's own maximum
 * of waiting jobs; STORAGE_JOB_ACCOUNT_MAX jobs of an account at once. */
#ifndef ATOLL_BINDINGS_STORAGE_JOB_H
#define ATOLL_BINDINGS_STORAGE_JOB_H

#include <uv.h>

#include "base/err.h"
#include "base/list.h"

enum {
    STORAGE_JOB_THREADS_MAX = 32,
    STORAGE_JOB_ACCOUNT_MAX = 16,
    STORAGE_JOB_WAITING_MAX = 4096,
};

struct storage_job_queue;

/* Embed it. */
struct storage_job {
    struct list link;
    struct storage_job_queue *queue;
    void (*run)(struct storage_job *job);    /* on some thread */
    void (*done)(struct storage_job *job);   /* on the loop, exactly once */
};

/* Once per process, before the first job. */
void storage_job_start(uv_loop_t *loop);

/* The loop given to storage_job_start(). */
uv_loop_t *storage_job_loop(void);

/* Returned owned; it belongs to no account. */
struct storage_job_queue *storage_job_queue_new(void);

/* The same for a store in this directory, "<...>/<account>/<kind>/<id>". */
struct storage_job_queue *storage_job_queue_new_for(const char *directory);

/* Its jobs still run and end; then it is freed. Nothing is posted any more. NULL is fine. */
void storage_job_queue_free(struct storage_job_queue *queue);

/* Returns 0, or ERR_LIMIT when STORAGE_JOB_WAITING_MAX wait (done is not called). */
NODISCARD int storage_job_post(struct storage_job_queue *queue, struct storage_job *job);

/* True while a job of it waits, runs, or has not been told `done`. */
bool storage_job_queue_is_busy(const struct storage_job_queue *queue);

#endif
