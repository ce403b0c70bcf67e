/* A job on a store that settles a completion: the glue of ops that take time.
 *
 *   op_job_start ── storage_job ── run() on a thread ── value() in a turn ── the promise settles
 *
 * The isolate may go meanwhile: then run() still ends, value() is left out, free() is called.
 * Owns: the job from op_job_start() on. Thread: the loop's, but for `run`. */
#ifndef ATOLL_BINDINGS_OP_JOB_H
#define ATOLL_BINDINGS_OP_JOB_H

#include "bindings/storage_job.h"
#include "engine/isolate.h"
#include "engine/op.h"

/* Embed it as the first member, op_job_init() or zero it, and fill in the functions. */
struct op_job {
    struct storage_job job;
    struct task task;
    struct resource resource;
    struct isolate *iso;       /* NULL once it is gone */
    int32_t id;                /* of the completion */
    int32_t request;           /* is charged for the time that run() takes */
    uint64_t cpu_ns;
    void (*run)(struct op_job *job);
    /* The promise's value; with *exception set, its reason. Not called when `err.code` is set: the
     * promise is rejected with that. */
    JSValueRef (*value)(struct op_job *job, JSContextRef ctx, JSValueRef *exception);
    void (*free)(struct op_job *job);
    struct err err;            /* filled in by run() */
};

/* Zeroes it; what is in the text of its error, 4 KiB, is nobody's. */
void op_job_init(struct op_job *job);

/* Queues it for the completion `id` of the current isolate. A queue that is full rejects it. */
void op_job_start(struct op_job *job, struct storage_job_queue *queue, int32_t id);

/* The same in two steps, for what is not run by a queue of its own, so that run() may be NULL: it
 * is begun in the op, and ended, exactly once, on the loop, in a turn or outside of one. It
 * settles in a later turn. */
void op_job_begin(struct op_job *job, int32_t id);
void op_job_end(struct op_job *job);

#endif
