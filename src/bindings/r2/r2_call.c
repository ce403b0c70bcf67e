/* Calls of the REST API for buckets; see r2_call.h.
 *
 * Calls about objects are requests like a worker's; those about the files are chores. */
#include "bindings/r2/r2_call.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/r2/r2_upload.h"
#include "bindings/storage_chore.h"
#include "os/path.h"

struct asked {
    struct r2_request request;
    struct r2_upload *upload;   /* of one with bytes */
    struct storage_call *call;
};

/* ---- about objects ---- */

/* How many bytes of an object are wanted at once; 0: all. */
static size_t most_of(const struct storage_call *call)
{
    json_int_t most = member_int(call->args, "most");

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

static int size_of(const char *directory, uint64_t *ret_bytes, struct err *err)
{
    uint64_t objects;
    struct r2_store *store;
    int r;

    *ret_bytes = 0;
    if (!path_is_directory(directory))
        return 0;
    if ((r = r2_store_open(directory, &store, err)) < 0)
        return r;
    r = r2_store_count(store, &objects, ret_bytes, err);
    r2_store_close(store);
    return r;
}

static const struct storage_chore_kind chores = {size_of, r2_store_copy, r2_store_seal_remove};

void r2_call_run(struct storage_call *call)
{
    const struct r2_request_word *word = r2_request_find(str_from(call->call));

    if (word) {
        ask(call, word);
        return;
    }
    if (storage_chore_start(call, &chores))
        return;
    err_set(&call->err, ERR_UNSUPPORTED, "R2 buckets have no call %.100s", call->call);
    storage_call_end(call);
}
