/* Jobs that settle completions; see op_job.h.
 *
 * (1) While it waits or runs the job is a resource of its isolate, so that `iso` is NULL once that
 *     is gone; from op_job_end() on it is a task of it.
 * (2) What it used is free before JavaScript hears of its end: who continues may start the next. */
#include "bindings/op_job.h"

#include <stddef.h>

#include "engine/hook.h"
#include "engine/value.h"
#include "os/clock.h"

static void on_gone(struct resource *resource)
{
    CONTAINER_OF(resource, struct op_job, resource)->iso = NULL;
}

static void on_task(struct isolate *iso, struct task *task)
{
    struct op_job *job = CONTAINER_OF(task, struct op_job, task);
    JSContextRef ctx = isolate_context(iso);
    JSValueRef error = NULL, value = NULL;
    int32_t id = job->id;

    if (!isolate_charge(iso, job->request, job->cpu_ns)) {
        job->free(job);
        return;
    }
    if (job->err.code)
        error = value_error(ctx, job->err.code, job->err.text);
    else
        value = job->value(job, ctx, &error);
    job->free(job); /* (2) */
    hook_complete(iso, id, error, value);
}

static void on_drop(struct task *task)
{
    struct op_job *job = CONTAINER_OF(task, struct op_job, task);

    job->free(job);
}

static void on_run(struct storage_job *storage)
{
    struct op_job *job = CONTAINER_OF(storage, struct op_job, job);
    uint64_t began_ns = clock_thread_cpu_ns();

    job->run(job);
    job->cpu_ns = clock_thread_cpu_ns() - began_ns;
}

static void on_done(struct storage_job *storage)
{
    op_job_end(CONTAINER_OF(storage, struct op_job, job));
}

void op_job_init(struct op_job *job)
{
    memset(job, 0, offsetof(struct op_job, err) + offsetof(struct err, text) + 1);
}

void op_job_begin(struct op_job *job, int32_t id)
{
    job->iso = isolate_current();
    job->id = id;
    job->request = isolate_cells(job->iso)[CELL_CURRENT];
    job->resource.close = on_gone;
    job->task.run = on_task;
    job->task.drop = on_drop;
    isolate_add_resource(job->iso, &job->resource);
}

void op_job_end(struct op_job *job)
{
    if (!job->iso) {
        job->free(job);
        return;
    }
    isolate_remove_resource(&job->resource);
    isolate_post(job->iso, &job->task);
}

void op_job_start(struct op_job *job, struct storage_job_queue *queue, int32_t id)
{
    op_job_begin(job, id);
    job->job.run = on_run;
    job->job.done = on_done;
    if (storage_job_post(queue, &job->job) == 0)
        return;
    err_set(&job->err, ERR_LIMIT, "more than %d operations wait for this store",
            STORAGE_JOB_WAITING_MAX);
    op_job_end(job);
}
