/* Calls of the REST API for buckets; see r2_call.h.
 *
 * Calls about objects are requests like a worker's. Those about the files run on a queue of their
 * own, so that they hold up neither reads nor writes. */
#include "bindings/r2/r2_call.h"

#include <stdlib.h>

#include "bindings/bindings.h"
#include "bindings/r2/r2_upload.h"
#include "os/file.h"
#include "os/path.h"

struct asked {
    struct r2_request request;
    struct r2_upload *upload;   /* of one with bytes */
    struct storage_call *call;
};

struct chore {
    struct storage_job job;
    struct storage_call *call;
    char *path;
    char *to;
    json_int_t bytes;           /* -1: not asked for */
};

/* ---- about objects ---- */

/* How many bytes of an object are wanted at once; 0: all. */
static size_t most_of(const struct storage_call *call)
{
    json_int_t most = json_integer_value(json_object_get(call->args, "most"));

    return most > 0 && (uint64_t)most <= call->out.max ? (size_t)most : 0;
}

static void take_bytes(struct asked *asked)
{
    struct r2_request *request = &asked->request;
    struct storage_call *call = asked->call;
    json_t *meta = call->result;

    call->result = json_pack("{s:o, s:b, s:I, s:I}", "meta", meta, "holds", request->holds,
                             "offset", (json_int_t)request->offset, "length",
                             (json_int_t)request->length);
    if ((request->source.left && !most_of(call)) ||
        buf_append(&call->out, buf_str(&request->bytes)) < 0)
        err_set(
            &call->err, ERR_LIMIT,
            "The object, or what is wanted of it, has %llu bytes; an answer of the API can have "
            "%zu MiB. Read it in ranges, or in a worker.",
            (unsigned long long)request->length, call->out.max >> 20);
}

static void on_done(struct r2_request *request)
{
    struct asked *asked = CONTAINER_OF(request, struct asked, request);
    struct storage_call *call = asked->call;

    if (!call->err.code)
        call->result = json_loadb(request->out.ptr, request->out.len,
                                  JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!call->err.code && request->word == r2_request_find(STR("get")))
        take_bytes(asked);
    r2_upload_unref(asked->upload);
    r2_request_done(request);
    free(asked);
    storage_call_end(call);
}

static void ask(struct storage_call *call, const struct r2_request_word *word)
{
    struct r2_bucket *bucket = r2_bucket_of(call->store);
    struct asked *asked;

    if (!bucket) {
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
        storage_call_end(call);
        return;
    }
    asked = mem_new(struct asked);
    asked->call = call;
    r2_request_init(&asked->request, word, json_incref((json_t *)call->args),
                    most_of(call) ? most_of(call) : call->out.max, &call->err);
    asked->request.done = on_done;
    if (r2_request_has_body(word)) {
        asked->upload = r2_upload_new(bucket, word, call->args);
        r2_upload_keep(asked->upload, call->bytes);
        r2_upload_end(asked->upload, &asked->request);
    } else {
        r2_request_start(&asked->request, bucket);
    }
    r2_bucket_unref(bucket);
}

/* ---- about files ---- */

static struct storage_job_queue *chores(void)
{
    static struct storage_job_queue *queue;

    if (!queue)
        queue = storage_job_queue_new();
    return queue;
}

static void on_chore_done(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);
    struct storage_call *call = chore->call;

    if (!call->err.code && chore->bytes >= 0)
        call->result = json_pack("{s:I}", "bytes", chore->bytes);
    free(chore->path);
    free(chore->to);
    free(chore);
    storage_call_end(call);
}

static void start_chore(struct storage_call *call, void (*run)(struct storage_job *job),
                        const char *to)
{
    struct chore *chore = mem_new(struct chore);

    chore->job.run = run;
    chore->job.done = on_chore_done;
    chore->call = call;
    chore->bytes = -1;
    chore->path = bindings_store_path(call->store);
    chore->to = to ? bindings_store_path(to) : NULL;
    if (!chore->path || (to && !chore->to))
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
    else if (storage_job_post(chores(), &chore->job) == 0)
        return;
    else
        err_set(&call->err, ERR_TIMEOUT, "too many operations wait");
    on_chore_done(&chore->job);
}

static void chore_usage(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);
    uint64_t objects, bytes = 0;
    struct r2_store *store;

    chore->bytes = 0;
    if (!path_is_directory(chore->path) ||
        r2_store_open(chore->path, &store, &chore->call->err) < 0)
        return;
    if (r2_store_count(store, &objects, &bytes, &chore->call->err) == 0)
        chore->bytes = (json_int_t)bytes;
    r2_store_close(store);
}

static void chore_copy(struct storage_job *job)
{
    struct chore *chore = CONTAINER_OF(job, struct chore, job);

    (void)!r2_store_copy(chore->path, chore->to, &chore->call->err);
}

/* Who has it open sees that it is removed, and begins anew when it is used again. */
static void chore_remove(struct storage_job *job)
{
    file_remove_tree(CONTAINER_OF(job, struct chore, job)->path);
}

static void run_usage(struct storage_call *call)
{
    start_chore(call, chore_usage, NULL);
}

static void run_copy(struct storage_call *call)
{
    const char *to = json_string_value(json_object_get(call->args, "to"));

    start_chore(call, chore_copy, to ? to : "");
}

static void run_remove(struct storage_call *call)
{
    start_chore(call, chore_remove, NULL);
}

/* ---- all of them ---- */

static const struct row {
    const char *name;
    void (*run)(struct storage_call *call);
} rows[] = {
    {"usage", run_usage},
    {"copy", run_copy},
    {"remove", run_remove},
};

void r2_call_run(struct storage_call *call)
{
    const struct r2_request_word *word = r2_request_find(str_from(call->call));

    if (word) {
        ask(call, word);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, call->call) == 0) {
            rows[i].run(call);
            return;
        }
    err_set(&call->err, ERR_UNSUPPORTED, "R2 buckets have no call %.100s", call->call);
    storage_call_end(call);
}
