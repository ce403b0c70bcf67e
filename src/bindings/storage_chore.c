/* Chores; see storage_chore.h. */
#include "bindings/storage_chore.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/storage_job.h"
#include "os/file.h"

struct chore {
    struct storage_job job;
    const struct storage_chore_kind *kind;
    struct storage_call *call;
    char *directory, *to;
    uint64_t bytes;
};

static void run_usage(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);

    (void)!chore->kind->size(chore->directory, &chore->bytes, &chore->call->err);
}

static void run_copy(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);

    (void)!chore->kind->copy(chore->directory, chore->to, &chore->call->err);
}

static void run_remove(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);

    chore->kind->remove(chore->directory, &chore->call->err);
}

static void run_empty(struct storage_job *job)
{
    file_remove_tree(CONTAINER_OF(job, struct chore, job)->directory);
}

static void on_done(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);
    struct storage_call *call = chore->call;

    if (!call->err.code && job->run == run_usage)
        call->result = json_pack("{s:I}", "bytes", (json_int_t)chore->bytes);
    free(chore->directory);
    free(chore->to);
    free(chore);
    storage_call_end(call);
}

static const struct {
    const char *name;
    void (*run)(struct storage_job *job);
} rows[] = {{"usage", run_usage}, {"copy", run_copy}, {"remove", run_remove}, {"empty", run_empty}};

static void start(struct storage_call *call, const struct storage_chore_kind *kind,
                  void (*run)(struct storage_job *job))
{
    struct chore *chore = mem_new(struct chore);
    struct storage_job_queue *queue;

    chore->job.run = run;
    chore->job.done = on_done;
    chore->kind = kind;
    chore->call = call;
    chore->directory = bindings_store_path(call->store);
    chore->to = run == run_copy ? bindings_store_path(member_text_or(call->args, "to", "")) : NULL;
    if (!chore->directory || (run == run_copy && !chore->to)) {
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
        on_done(&chore->job);
        return;
    }
    queue = storage_job_queue_new_for(chore->directory);
    ASSERT(storage_job_post(queue, &chore->job) == 0); /* it is the first */
    storage_job_queue_free(queue);
}

bool storage_chore_start(struct storage_call *call, const struct storage_chore_kind *kind)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, call->call) == 0) {
            start(call, kind, rows[i].run);
            return true;
        }
    return false;
}
