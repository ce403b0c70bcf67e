/* Ops under r2/r2.js: requests to a bucket in JSON (r2_request.h), each settled by number.
 *
 *   op_r2_ask(id, bucket, word, args, bytes)    the result's JSON; bytes: undefined, or a few
 *   op_r2_get(id, bucket, args)                 [meta, holds, offset, length, bytes, is_open,
 *                                               reader?]
 *   op_r2_read(id, reader)                      bytes, or undefined at the end
 *   op_r2_file(id, reader)                      opens the file that is left; false: several
 *   op_r2_close(reader)                         nobody reads it any more
 *   op_r2_stage(bucket, word, args)             an upload
 *   op_r2_keep(upload, bytes)                   false: write before more
 *   op_r2_write(id, upload)
 *   op_r2_end(id, upload, args)                 the result's JSON
 *   op_r2_drop(upload)                          nothing more comes
 *
 * What a request of a worker's begins with counts as a subrequest: ask, get, stage. */
#include "bindings/r2/op_r2.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/op_job.h"
#include "bindings/r2/r2_upload.h"
#include "engine/handle.h"
#include "engine/value.h"

enum { GONE_BYTES_MAX = 1024, READ_BYTES = 256 * 1024 };

struct binding {
    struct handle handle;
    struct r2_bucket *bucket;
    char *gone; /* why there is none */
};

/* The rest of an object; a job that reads has a reference, too. */
struct reader {
    struct handle handle;
    int refs;
    struct r2_bucket *bucket;
    struct storage_job_queue *queue;
    struct r2_source source;
    bool is_closed, is_busy;
};

struct upload {
    struct handle handle;
    struct r2_upload *native; /* NULL: dropped, or at its end */
    const struct r2_request_word *word;
};

struct job {
    struct op_job op;
    struct r2_request request;
    struct r2_upload *upload;
};

struct write_job {
    struct op_job op;
    struct r2_upload_wait wait;
    struct r2_upload *upload;
};

struct read_job {
    struct op_job op;
    struct reader *reader;
    struct buf bytes;
};

static const char binding_kind[] = "r2 bucket", reader_kind[] = "r2 reader",
                  upload_kind[] = "r2 upload";

/* ---- the handle ---- */

static void binding_free(struct handle *handle)
{
    struct binding *binding = CONTAINER_OF(handle, struct binding, handle);

    r2_bucket_unref(binding->bucket);
    free(binding->gone);
    free(binding);
}

static char *why_gone(const json_t *json, const char *store)
{
    struct buf text;
    int r;

    buf_init(&text, GONE_BYTES_MAX);
    if (store)
        r = buf_printf(&text,
                       "The R2 bucket of the binding \"%.200s\" cannot be used: this atoll "
                       "has no place for what bindings store.",
                       member_text_or(json, "name", ""));
    else
        r = buf_printf(&text,
                       "The R2 bucket \"%.200s\" of the binding \"%.200s\" does not exist "
                       "any more.",
                       member_text_or(json, "id", ""), member_text_or(json, "name", ""));
    ASSERT(r == 0);
    return buf_take(&text, NULL);
}

JSObjectRef op_r2_open(JSContextRef ctx, const json_t *json, struct err *err)
{
    struct binding *binding = mem_new(struct binding);
    const char *store = member_text(json, "store");

    (void)err;
    binding->handle.kind = binding_kind;
    binding->handle.free = binding_free;
    binding->bucket = store ? r2_bucket_of(store) : NULL;
    if (!binding->bucket)
        binding->gone = why_gone(json, store);
    return handle_object(ctx, &binding->handle);
}

/* The built-in script is the only caller, but what it calls on the way may be the tenant's:
 * arguments that cannot be, and calls out of turn, are errors, never our bugs. */
static JSValueRef misuse(JSContextRef ctx, JSValueRef *exception)
{
    return value_throw(ctx, ERR_INVALID, "R2: what this is built on was replaced", exception);
}

/* NULL, and throws, when
 * there is no bucket behind it or the request may begin nothing more. */
static struct r2_bucket *counted_bucket_of(JSContextRef ctx, JSValueRef value,
                                           JSValueRef *exception)
{
    struct handle *handle = handle_of(ctx, value, binding_kind);
    struct binding *binding;

    if (!handle) {
        misuse(ctx, exception);
        return NULL;
    }
    binding = CONTAINER_OF(handle, struct binding, handle);
    if (binding->gone)
        value_throw(ctx, ERR_NOT_FOUND, binding->gone, exception);
    else if (!isolate_subrequest(isolate_current()))
        value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    else
        return binding->bucket;
    return NULL;
}

/* ---- arguments ---- */

/* An object of JSON text, returned owned; NULL, and throws, when it is too large. */
static json_t *args_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    json_t *args;
    struct buf text;

    buf_init(&text, R2_REQUEST_ARGS_BYTES_MAX);
    if (value_to_buf(ctx, value, &text, exception) < 0) {
        buf_done(&text);
        return NULL;
    }
    args = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL);
    buf_done(&text);
    if (!args)
        value_throw(ctx, ERR_INVALID, "The specified object name is not valid. (10020)", exception);
    return args;
}

static const struct r2_request_word *word_of(JSContextRef ctx, JSValueRef value)
{
    char *name = value_to_utf8(ctx, value, NULL, NULL);
    const struct r2_request_word *word = r2_request_find(str_from(name));

    free(name);
    ASSERT(word);
    return word;
}

/* ---- jobs ---- */

static void job_free(struct op_job *op)
{
    struct job *job = CONTAINER_OF(op, struct job, op);

    r2_request_done(&job->request);
    r2_upload_unref(job->upload);
    free(job);
}

static void on_done(struct r2_request *request)
{
    op_job_end(&CONTAINER_OF(request, struct job, request)->op);
}

static JSValueRef json_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    (void)exception;
    return value_string(ctx, buf_str(&CONTAINER_OF(op, struct job, op)->request.out));
}

/* `args` is taken. */
static struct job *job_new(const struct r2_request_word *word, json_t *args,
                           JSValueRef (*value)(struct op_job *op, JSContextRef ctx,
                                               JSValueRef *exception))
{
    struct job *job = mem_new(struct job);

    job->op.value = value;
    job->op.free = job_free;
    r2_request_init(&job->request, word, args, R2_REQUEST_FIRST_BYTES, &job->op.err);
    job->request.done = on_done;
    return job;
}

OP(op_r2_ask)
{
    struct r2_bucket *bucket = counted_bucket_of(ctx, OP_ARG(1), exception);
    const struct r2_request_word *word;
    json_t *args;
    struct job *job;
    const void *bytes = NULL;
    size_t len = 0;

    if (!bucket || !(args = args_of(ctx, OP_ARG(3), exception)))
        return JSValueMakeUndefined(ctx);
    word = word_of(ctx, OP_ARG(2));
    if (r2_request_has_body(word) && !value_view(ctx, OP_ARG(4), &bytes, &len)) {
        json_decref(args);
        return misuse(ctx, exception);
    }
    job = job_new(word, args, json_value);
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    if (!r2_request_has_body(word)) {
        r2_request_start(&job->request, bucket);
        return JSValueMakeUndefined(ctx);
    }
    job->upload = r2_upload_new(bucket, word, args);
    r2_upload_keep(job->upload, (str){bytes, len});
    r2_upload_end(job->upload, &job->request);
    return JSValueMakeUndefined(ctx);
}

/* ---- reading ---- */

static void reader_unref(struct reader *reader)
{
    if (--reader->refs)
        return;
    r2_source_done(&reader->source);
    storage_job_queue_free(reader->queue);
    r2_bucket_unref(reader->bucket);
    free(reader);
}

static void reader_free(struct handle *handle)
{
    reader_unref(CONTAINER_OF(handle, struct reader, handle));
}

/* NULL, and throws, when it is none. */
static struct reader *reader_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_of(ctx, value, reader_kind);

    if (!handle)
        misuse(ctx, exception);
    return handle ? CONTAINER_OF(handle, struct reader, handle) : NULL;
}

static JSValueRef new_reader(JSContextRef ctx, struct r2_request *request)
{
    struct reader *reader = mem_new(struct reader);

    reader->handle.kind = reader_kind;
    reader->handle.free = reader_free;
    reader->refs = 1;
    reader->bucket = r2_bucket_ref(request->work.bucket);
    reader->queue = storage_job_queue_new();
    reader->source = request->source;
    r2_source_init(&request->source);
    return handle_object(ctx, &reader->handle);
}

static JSValueRef bytes_taken(JSContextRef ctx, struct buf *from)
{
    size_t len;
    char *bytes = buf_take(from, &len);

    return value_bytes_take(ctx, bytes, len);
}

static JSValueRef get_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct r2_request *request = &CONTAINER_OF(op, struct job, op)->request;
    bool is_open = request->source.fd >= 0; /* until the reader has it */
    JSValueRef values[] = {
        value_string(ctx, buf_str(&request->out)),
        JSValueMakeBoolean(ctx, request->holds),
        JSValueMakeNumber(ctx, (double)request->offset),
        JSValueMakeNumber(ctx, (double)request->length),
        bytes_taken(ctx, &request->bytes),
        JSValueMakeBoolean(ctx, is_open),
        request->source.left ? new_reader(ctx, request) : JSValueMakeUndefined(ctx),
    };

    return JSObjectMakeArray(ctx, COUNT_OF(values), values, exception);
}

OP(op_r2_get)
{
    struct r2_bucket *bucket = counted_bucket_of(ctx, OP_ARG(1), exception);
    json_t *args;
    struct job *job;

    if (!bucket || !(args = args_of(ctx, OP_ARG(2), exception)))
        return JSValueMakeUndefined(ctx);
    job = job_new(r2_request_find(STR("get")), args, get_value);
    job->request.leaves_files = true;
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    r2_request_start(&job->request, bucket);
    return JSValueMakeUndefined(ctx);
}

static void read_run(struct op_job *op)
{
    struct read_job *job = CONTAINER_OF(op, struct read_job, op);

    (void)!r2_source_read(&job->reader->source, READ_BYTES, &job->bytes, &op->err);
}

static JSValueRef read_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct read_job *job = CONTAINER_OF(op, struct read_job, op);

    (void)exception;
    return job->bytes.len ? bytes_taken(ctx, &job->bytes) : JSValueMakeUndefined(ctx);
}

static void read_free(struct op_job *op)
{
    struct read_job *job = CONTAINER_OF(op, struct read_job, op);
    struct reader *reader = job->reader;

    reader->is_busy = false;
    if (reader->is_closed)
        r2_source_done(&reader->source);
    reader_unref(reader);
    buf_done(&job->bytes);
    free(job);
}

/* One at a time: who asks again before the last one has come gets an error. `reader` is NULL when
 * that was thrown already. */
static JSValueRef start_reading(JSContextRef ctx, JSValueRef id, struct reader *reader,
                                void (*run)(struct op_job *op),
                                JSValueRef (*value)(struct op_job *op, JSContextRef ctx,
                                                    JSValueRef *exception),
                                JSValueRef *exception)
{
    struct read_job *job;

    if (!reader)
        return JSValueMakeUndefined(ctx);
    if (reader->is_busy || reader->is_closed)
        return value_throw(ctx, ERR_CLOSED, NULL, exception);
    job = mem_new(struct read_job);
    buf_init(&job->bytes, READ_BYTES);
    reader->refs++;
    reader->is_busy = true;
    job->reader = reader;
    job->op.run = run;
    job->op.value = value;
    job->op.free = read_free;
    op_job_start(&job->op, reader->queue, (int32_t)value_to_number(ctx, id, 0));
    return JSValueMakeUndefined(ctx);
}

OP(op_r2_read)
{
    return start_reading(ctx, OP_ARG(0), reader_of(ctx, OP_ARG(1), exception), read_run, read_value,
                         exception);
}

static void file_run(struct op_job *op)
{
    struct read_job *job = CONTAINER_OF(op, struct read_job, op);
    struct r2_source *source = &job->reader->source;

    if (r2_source_is_one_file(source))
        (void)!r2_source_open_file(source, &op->err);
}

static JSValueRef file_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    const struct reader *reader = CONTAINER_OF(op, struct read_job, op)->reader;

    (void)exception;
    return JSValueMakeBoolean(ctx, reader->source.fd >= 0 && !reader->is_closed);
}

OP(op_r2_file)
{
    return start_reading(ctx, OP_ARG(0), reader_of(ctx, OP_ARG(1), exception), file_run, file_value,
                         exception);
}

int op_r2_copy_file(JSContextRef ctx, JSValueRef value, uint64_t *ret_from, uint64_t *ret_length)
{
    struct handle *handle = handle_of(ctx, value, reader_kind);
    struct reader *reader = handle ? CONTAINER_OF(handle, struct reader, handle) : NULL;

    if (!reader || reader->is_busy || reader->is_closed)
        return -1;
    return r2_source_copy_file(&reader->source, ret_from, ret_length);
}

OP(op_r2_close)
{
    struct reader *reader = reader_of(ctx, OP_ARG(0), exception);

    if (!reader)
        return JSValueMakeUndefined(ctx);
    reader->is_closed = true;
    if (!reader->is_busy)
        r2_source_done(&reader->source);
    return JSValueMakeUndefined(ctx);
}

/* ---- writing ---- */

static void upload_free(struct handle *handle)
{
    struct upload *upload = CONTAINER_OF(handle, struct upload, handle);

    r2_upload_unref(upload->native);
    free(upload);
}

/* One that is free for the next step. NULL, and throws, when it is none, ended, or writes. */
static struct upload *upload_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_of(ctx, value, upload_kind);
    struct upload *upload = handle ? CONTAINER_OF(handle, struct upload, handle) : NULL;

    if (upload && upload->native && !r2_upload_is_busy(upload->native))
        return upload;
    misuse(ctx, exception);
    return NULL;
}

OP(op_r2_stage)
{
    struct r2_bucket *bucket = counted_bucket_of(ctx, OP_ARG(0), exception);
    struct upload *upload;
    json_t *args;

    if (!bucket || !(args = args_of(ctx, OP_ARG(2), exception)))
        return JSValueMakeUndefined(ctx);
    upload = mem_new(struct upload);
    upload->handle.kind = upload_kind;
    upload->handle.free = upload_free;
    upload->word = word_of(ctx, OP_ARG(1));
    upload->native = r2_upload_new(bucket, upload->word, args);
    json_decref(args);
    return handle_object(ctx, &upload->handle);
}

OP(op_r2_keep)
{
    struct upload *upload = upload_of(ctx, OP_ARG(0), exception);
    const void *bytes;
    size_t len;

    if (!upload)
        return JSValueMakeUndefined(ctx);
    if (!value_view(ctx, OP_ARG(1), &bytes, &len))
        return misuse(ctx, exception);
    return JSValueMakeBoolean(ctx, r2_upload_keep(upload->native, (str){bytes, len}));
}

static void write_done(struct r2_upload_wait *wait)
{
    op_job_end(&CONTAINER_OF(wait, struct write_job, wait)->op);
}

static JSValueRef nothing(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    (void)op, (void)exception;
    return JSValueMakeUndefined(ctx);
}

static void write_free(struct op_job *op)
{
    struct write_job *job = CONTAINER_OF(op, struct write_job, op);

    r2_upload_unref(job->upload);
    free(job);
}

OP(op_r2_write)
{
    struct upload *upload = upload_of(ctx, OP_ARG(1), exception);
    struct write_job *job;

    if (!upload)
        return JSValueMakeUndefined(ctx);
    job = mem_new(struct write_job);
    job->upload = r2_upload_ref(upload->native);
    job->op.value = nothing;
    job->op.free = write_free;
    job->wait.done = write_done;
    job->wait.err = &job->op.err;
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    r2_upload_write(job->upload, &job->wait);
    return JSValueMakeUndefined(ctx);
}

OP(op_r2_end)
{
    struct upload *upload = upload_of(ctx, OP_ARG(1), exception);
    json_t *args = upload ? args_of(ctx, OP_ARG(2), exception) : NULL;
    struct job *job;

    if (!args)
        return JSValueMakeUndefined(ctx);
    job = job_new(upload->word, args, json_value);
    job->upload = upload->native;
    upload->native = NULL;
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    r2_upload_end(job->upload, &job->request);
    return JSValueMakeUndefined(ctx);
}

OP(op_r2_drop)
{
    struct handle *handle = handle_of(ctx, OP_ARG(0), upload_kind);
    struct upload *upload = handle ? CONTAINER_OF(handle, struct upload, handle) : NULL;

    if (!upload)
        return misuse(ctx, exception);
    r2_upload_unref(upload->native);
    upload->native = NULL;
    return JSValueMakeUndefined(ctx);
}

const struct op op_r2_table[] = {
    {"op_r2_ask", op_r2_ask},
    {"op_r2_get", op_r2_get},
    {"op_r2_read", op_r2_read},
    {"op_r2_file", op_r2_file},
    {"op_r2_close", op_r2_close},
    {"op_r2_stage", op_r2_stage},
    {"op_r2_keep", op_r2_keep},
    {"op_r2_write", op_r2_write},
    {"op_r2_end", op_r2_end},
    {"op_r2_drop", op_r2_drop},
    {0},
};
