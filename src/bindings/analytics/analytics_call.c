/* Calls of the REST API for data points; see analytics_call.h. Each runs on a queue of its own: a
 * slow query holds up neither what is written nor other queries, but the account's share of
 * threads bounds them. */
#include "bindings/analytics/analytics_call.h"

#include <stdlib.h>

#include "bindings/analytics/analytics_store.h"
#include "bindings/bindings.h"
#include "bindings/storage_job.h"
#include "os/clock.h"
#include "os/file.h"

struct chore {
    struct storage_job job;
    struct storage_call *call;
    char *directory;
};

static void run_query(struct chore *chore)
{
    static const char *const types[] = {"application/json", "application/x-ndjson",
                                        "text/tab-separated-values"};
    struct storage_call *call = chore->call;
    enum analytics_format format = ANALYTICS_JSON;
    struct buf out;

    buf_init(&out, ANALYTICS_STORE_REPLY_BYTES_MAX);
    if (analytics_store_query(chore->directory, call->bytes,
                              (int64_t)(clock_wall_ns() / 1000000000), &out, &format,
                              &call->err) == 0 &&
        buf_append(&call->out, buf_str(&out)) < 0)
        err_set(&call->err, ERR_LIMIT, "the answer is too large: use LIMIT");
    buf_done(&out);
    if (!call->err.code)
        call->result = json_pack("{s:s}", "type", types[format]);
}

static void run_usage(struct chore *chore)
{
    chore->call->result = json_pack("{s:I}", "bytes",
                                    (json_int_t)analytics_store_size(chore->directory));
}

static void run_copy(struct chore *chore)
{
    struct storage_call *call = chore->call;
    char *to = bindings_store_path(json_string_value(json_object_get(call->args, "to")));

    if (to)
        (void)!analytics_store_copy(chore->directory, to, &call->err);
    else
        err_set(&call->err, ERR_INVALID, "the copy has no place to go to");
    free(to);
}

static void run_remove(struct chore *chore)
{
    file_remove_tree(chore->directory);
}

static const struct {
    const char *name;
    void (*run)(struct chore *chore);
} rows[] = {{"query", run_query}, {"usage", run_usage}, {"copy", run_copy}, {"remove", run_remove}};

static void on_run(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, chore->call->call) == 0)
            rows[i].run(chore);
}

static void on_done(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);
    struct storage_call *call = chore->call;

    free(chore->directory);
    free(chore);
    storage_call_end(call);
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

void analytics_call_run(struct storage_call *call)
{
    char *directory = bindings_store_path(call->store);
    struct storage_job_queue *queue;
    struct chore *chore;

    if (!directory || !is_known(call->call)) {
        err_set(&call->err, ERR_UNSUPPORTED, "data points have no call %.100s%s", call->call,
                directory ? "" : " in this place");
        free(directory);
        storage_call_end(call);
        return;
    }
    chore = mem_new(struct chore);
    chore->job.run = on_run;
    chore->job.done = on_done;
    chore->call = call;
    chore->directory = directory;
    queue = storage_job_queue_new_for(directory);
    ASSERT(storage_job_post(queue, &chore->job) == 0); /* it is the first */
    storage_job_queue_free(queue);
}
