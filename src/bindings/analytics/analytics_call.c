/* Calls of the REST API for data points; see analytics_call.h. A query runs on a queue of its own:
 * a slow one holds up neither what is written nor other queries, but the account's share of threads
 * bounds them. */
#include "bindings/analytics/analytics_call.h"

#include <stdlib.h>

#include "bindings/analytics/analytics_store.h"
#include "bindings/bindings.h"
#include "bindings/storage_chore.h"
#include "bindings/storage_job.h"
#include "os/clock.h"
#include "os/file.h"

struct query {
    struct storage_job job;
    struct storage_call *call;
    char *directory;
};

static void on_run(struct storage_job *job)
{
    static const char *const types[] = {"application/json", "application/x-ndjson",
                                        "text/tab-separated-values"};
    struct query *query = CONTAINER_OF(job, struct query, job);
    struct storage_call *call = query->call;
    enum analytics_format format = ANALYTICS_JSON;
    struct buf out;

    buf_init(&out, ANALYTICS_STORE_REPLY_BYTES_MAX);
    if (analytics_store_query(query->directory, call->bytes, clock_wall_s(), &out, &format,
                              &call->err) == 0 &&
        buf_append(&call->out, buf_str(&out)) < 0)
        err_set(&call->err, ERR_LIMIT, "the answer is too large: use LIMIT");
    buf_done(&out);
    if (!call->err.code)
        call->result = json_pack("{s:s}", "type", types[format]);
}

static void on_done(struct storage_job *job)
{
    struct query *query = CONTAINER_OF(job, struct query, job);
    struct storage_call *call = query->call;

    free(query->directory);
    free(query);
    storage_call_end(call);
}

static void start_query(struct storage_call *call, char *directory)
{
    struct query *query = mem_new(struct query);
    struct storage_job_queue *queue = storage_job_queue_new_for(directory);

    query->job.run = on_run;
    query->job.done = on_done;
    query->call = call;
    query->directory = directory;
    ASSERT(storage_job_post(queue, &query->job) == 0); /* it is the first */
    storage_job_queue_free(queue);
}

/* ---- about files ---- */

static int size_of(const char *directory, uint64_t *ret_bytes, struct err *err)
{
    (void)err;
    *ret_bytes = analytics_store_size(directory);
    return 0;
}

static void remove_store(const char *directory, struct err *err)
{
    (void)err;
    file_remove_tree(directory);
}

static const struct storage_chore_kind chores = {size_of, analytics_store_copy, remove_store};

void analytics_call_run(struct storage_call *call)
{
    bool is_query = strcmp(call->call, "query") == 0;
    char *directory = is_query ? bindings_store_path(call->store) : NULL;

    if (directory) {
        start_query(call, directory);
    } else if (is_query || !storage_chore_start(call, &chores)) {
        err_set(&call->err, ERR_UNSUPPORTED, "data points have no call %.100s%s", call->call,
                is_query ? " in this place" : "");
        storage_call_end(call);
    }
}
