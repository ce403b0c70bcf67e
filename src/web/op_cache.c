/* Ops under js/cache.js: responses in and out of the cache on disk (store/cache.h).
 *
 *   op_cache_begin(cache, url, request headers, status, reason, headers, has body)
 *                                    a put, or undefined when the response is not to be stored
 *   op_cache_keep(put, bytes)        true when they stayed in memory; false: op_cache_append()
 *   op_cache_append(id, put, bytes)  op_cache_commit(id, put)  op_cache_abort(put)
 *   op_cache_match(id, cache, url, request headers)
 *                                    undefined, or [status, reason, headers, bytes or null, body]
 *   op_cache_read(id, body)          bytes, null at the end
 *   op_cache_close(body)
 *   op_cache_delete(id, cache, url)  whether there was one
 *
 * Each of those with an id is a job:
 *
 *   the op: copy ── uv_queue_work ── job->work() on a pool's thread
 *                                        │
 *   job->value() in a turn ── isolate_post ── on_done() on the loop
 *
 * (1) A job's isolate may go while it runs: `iso` is NULL then, and the job is freed when it is
 *     done.
 * (2) A put or body is used by one job at a time: js/cache.js waits for each, and who makes it not
 *     wait (a worker that replaces `then`) gets an error. It lives as long as its object or a job
 *     needs it (`refs`).
 * (3) Bodies that nobody reads at the moment are in `resting`, oldest first; beyond BODIES_OPEN_MAX
 *     the oldest loses its descriptor, and opens its file again when it is read. */
#include "web/op_cache.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/value.h"
#include "os/clock.h"
#include "store/cache.h"
#include "store/cache_answer.h"
#include "store/cache_put.h"
#include "web/web.h"

enum {
    READ_BYTES = 256 * 1024,
    APPEND_BYTES_MAX = 1024 * 1024,
    BODIES_OPEN_MAX = 256,
    PUTS_MAX = 256, /* of a process, begun and not over */
    TEXT_BYTES_MAX = 64 * 1024,
};

struct writer {
    struct handle handle;
    struct cache_put *put; /* NULL once it is over */
    int refs;
    bool counts; /* in all.puts */
};

struct body {
    struct handle handle;
    struct list link; /* (3) */
    int refs;
    int fd; /* -1: none */
    char file[CACHE_BODY_NAME_BYTES];
    uint64_t file_length;
    uint64_t at;
    uint64_t left;
};

struct job {
    uv_work_t work;
    struct task task;
    struct resource resource;
    struct isolate *iso;
    int32_t id;
    void (*run)(struct job *job);
    JSValueRef (*value)(struct job *job, JSContextRef ctx);
    struct writer *writer;
    struct body *body;
    struct buf space;
    struct buf url;
    struct buf headers;
    struct buf bytes;
    int64_t now;
    struct cache_entry entry;
    struct cache_answer answer;
    int fd;
    int code;
    struct err err;
};

static const char writer_kind[] = "cache put";
static const char body_kind[] = "cache body";

static struct {
    struct op_cache_settings settings;
    struct cache *cache;
    struct list resting;
    int resting_count;
    int puts;
    bool swept;
} all = {.resting = {&all.resting, &all.resting}};

void op_cache_start(const struct op_cache_settings *settings)
{
    all.settings = *settings;
    if (settings->directory)
        all.cache = cache_new(settings->directory, settings->bytes_max);
}

/* ---- puts and bodies ---- */

static void on_dispose(uv_work_t *work)
{
    cache_put_free(work->data);
}

static void on_disposed(uv_work_t *work, int status)
{
    (void)status;
    free(work);
}

/* The put is over. What is dropped half-written has a file to remove: not on the loop. */
static void writer_end(struct writer *writer)
{
    uv_work_t *work;

    if (writer->counts)
        all.puts--;
    writer->counts = false;
    if (!writer->put)
        return;
    work = mem_new(uv_work_t);
    work->data = writer->put;
    writer->put = NULL;
    ASSERT(uv_queue_work(isolate_loop(), work, on_dispose, on_disposed) == 0);
}

static void writer_unref(struct writer *writer)
{
    if (--writer->refs)
        return;
    writer_end(writer);
    free(writer);
}

static void writer_free(struct handle *handle)
{
    writer_unref(CONTAINER_OF(handle, struct writer, handle));
}

static void body_wake(struct body *body)
{
    if (list_empty(&body->link))
        return;
    list_remove(&body->link);
    all.resting_count--;
}

static void body_shut(struct body *body)
{
    body_wake(body);
    if (body->fd >= 0)
        close(body->fd);
    body->fd = -1;
}

static void body_rest(struct body *body)
{
    if (body->fd < 0)
        return;
    if (!body->left) {
        body_shut(body);
        return;
    }
    list_push(&all.resting, &body->link);
    if (++all.resting_count > BODIES_OPEN_MAX)
        body_shut(CONTAINER_OF(all.resting.next, struct body, link));
}

static void body_unref(struct body *body)
{
    if (--body->refs)
        return;
    body_shut(body);
    free(body);
}

static void body_free(struct handle *handle)
{
    body_unref(CONTAINER_OF(handle, struct body, handle));
}

/* ---- jobs ---- */

static void job_free(struct job *job)
{
    if (job->writer && !job->writer->put)
        writer_end(job->writer);
    if (job->writer)
        writer_unref(job->writer);
    if (job->body) {
        body_rest(job->body);
        body_unref(job->body);
    }
    if (job->fd >= 0)
        close(job->fd);
    cache_entry_done(&job->entry);
    buf_done(&job->space);
    buf_done(&job->url);
    buf_done(&job->headers);
    buf_done(&job->bytes);
    free(job);
}

static void on_gone(struct resource *resource)
{
    CONTAINER_OF(resource, struct job, resource)->iso = NULL;
}

static void on_work(uv_work_t *work)
{
    struct job *job = work->data;

    job->run(job);
}

static void on_task(struct isolate *iso, struct task *task)
{
    struct job *job = CONTAINER_OF(task, struct job, task);
    JSContextRef ctx = isolate_context(iso);
    JSValueRef error = NULL, value = NULL;
    int32_t id = job->id;

    if (job->code < 0)
        error = value_error(ctx, job->code, job->err.text);
    else
        value = job->value(job, ctx);
    job_free(job); /* what it used is free for who continues: (2) */
    hook_complete(iso, id, error, value);
}

static void on_drop(struct task *task)
{
    job_free(CONTAINER_OF(task, struct job, task));
}

static void on_done(uv_work_t *work, int status)
{
    struct job *job = work->data;

    (void)status;
    if (!job->iso) {
        job_free(job);
        return;
    }
    isolate_remove_resource(&job->resource);
    isolate_post(job->iso, &job->task);
}

static struct job *job_new(void (*run)(struct job *job),
                           JSValueRef (*value)(struct job *job, JSContextRef ctx))
{
    struct job *job = mem_new(struct job);

    job->run = run;
    job->value = value;
    job->fd = -1;
    job->work.data = job;
    job->task.run = on_task;
    job->task.drop = on_drop;
    job->resource.close = on_gone;
    job->now = clock_wall_s();
    cache_entry_init(&job->entry);
    buf_init(&job->space, TEXT_BYTES_MAX);
    buf_init(&job->url, TEXT_BYTES_MAX);
    buf_init(&job->headers, CACHE_HEAD_BYTES_MAX);
    buf_init(&job->bytes, APPEND_BYTES_MAX);
    return job;
}

static JSValueRef job_start(struct job *job, JSContextRef ctx, JSValueRef id)
{
    job->id = (int32_t)value_to_number(ctx, id, 0);
    job->iso = isolate_current();
    isolate_add_resource(job->iso, &job->resource);
    ASSERT(uv_queue_work(isolate_loop(), &job->work, on_work, on_done) == 0);
    return JSValueMakeUndefined(ctx);
}

static JSValueRef nothing(struct job *job, JSContextRef ctx)
{
    (void)job;
    return JSValueMakeUndefined(ctx);
}

/* ---- keys ---- */

static const char no_cache[] = "this runtime was started without a place for the cache";
static const char too_large[] = "the URL or the headers are too large for the cache";

/* "worker/cache": a worker's name has no slash. */
static int space_take(struct buf *space, JSContextRef ctx, JSValueRef name, JSValueRef *exception)
{
    const char *owner = all.settings.owner_of ? all.settings.owner_of(isolate_current()) : "";
    int r = buf_printf(space, "%s/", owner);

    return r < 0 ? r : value_to_buf(ctx, name, space, exception);
}

/* Takes cache, url and headers (undefined: none) from the arguments. Returns 0 or an error. */
static int key_take(struct job *job, JSContextRef ctx, const JSValueRef values[3],
                    JSValueRef *exception)
{
    int r;

    if ((r = space_take(&job->space, ctx, values[0], exception)) < 0 ||
        (r = value_to_buf(ctx, values[1], &job->url, exception)) < 0 ||
        JSValueIsUndefined(ctx, values[2]))
        return r;
    return value_to_buf(ctx, values[2], &job->headers, exception);
}

static struct cache_key key_of(const struct job *job)
{
    return (struct cache_key){buf_str(&job->space), buf_str(&job->url), buf_str(&job->headers)};
}

/* Starts a job that begins with a key. */
static JSValueRef start_with_key(struct job *job, JSContextRef ctx, JSValueRef id,
                                 const JSValueRef values[3], JSValueRef *exception)
{
    int r = all.cache ? key_take(job, ctx, values, exception) : ERR_UNSUPPORTED;

    if (r == 0)
        return job_start(job, ctx, id);
    job_free(job);
    if (r == ERR_SCRIPT)
        return JSValueMakeUndefined(ctx);
    return value_throw(ctx, r, r == ERR_UNSUPPORTED ? no_cache : too_large, exception);
}

/* ---- match ---- */

/* A cache that cannot be read is one that has nothing. */
static void run_match(struct job *job)
{
    struct cache_key key = key_of(job);
    struct cache_answer_input input;

    if (cache_find(all.cache, &key, job->now, &job->entry, &job->fd) < 0) {
        job->answer.status = 0;
        return;
    }
    input = (struct cache_answer_input){
        .status = job->entry.status,
        .request = key.headers,
        .response = buf_str(&job->entry.headers),
        .has_body = job->entry.has_body,
        .length = job->entry.length,
        .age = job->now - job->entry.stored + job->entry.age,
        .now = job->now,
    };
    if (cache_answer_make(&input, &job->answer, &job->bytes) < 0)
        job->answer.status = 0;
}

static JSValueRef body_object(struct job *job, JSContextRef ctx)
{
    struct body *body = mem_new(struct body);

    body->handle.kind = body_kind;
    body->handle.free = body_free;
    list_init(&body->link);
    body->refs = 1;
    body->fd = job->fd;
    memcpy(body->file, job->entry.file, sizeof body->file);
    body->file_length = job->entry.length;
    body->at = job->answer.from;
    body->left = job->answer.length;
    job->fd = -1;
    body_rest(body);
    return handle_object(ctx, &body->handle);
}

static JSValueRef match_value(struct job *job, JSContextRef ctx)
{
    const struct cache_answer *answer = &job->answer;
    bool is_plain = answer->status == job->entry.status || answer->status == 206;
    JSValueRef values[5];

    if (!answer->status)
        return JSValueMakeUndefined(ctx);
    values[0] = JSValueMakeNumber(ctx, answer->status);
    values[1] = value_string(ctx, is_plain && answer->status != 206 ? buf_str(&job->entry.reason)
                                                                    : STR_NONE);
    values[2] = value_string(ctx, buf_str(&job->bytes));
    values[3] = JSValueMakeNull(ctx);
    values[4] = JSValueMakeUndefined(ctx);
    if (answer->has_body && *job->entry.file)
        values[4] = body_object(job, ctx);
    else if (answer->has_body)
        values[3] = value_bytes(ctx, job->entry.body.len ? job->entry.body.ptr + answer->from : "",
                                answer->length);
    return JSObjectMakeArray(ctx, COUNT_OF(values), values, NULL);
}

/* Once per process, behind its first call: what a crash left behind is removed. */
static void on_sweep(uv_work_t *work)
{
    (void)work;
    cache_sweep(all.cache);
}

static void on_swept(uv_work_t *work, int status)
{
    (void)status;
    free(work);
}

static void sweep_once(void)
{
    if (all.swept || !all.cache)
        return;
    all.swept = true;
    ASSERT(uv_queue_work(isolate_loop(), mem_new(uv_work_t), on_sweep, on_swept) == 0);
}

OP(op_cache_match)
{
    JSValueRef values[] = {OP_ARG(1), OP_ARG(2), OP_ARG(3)}, result;
    struct job *job;

    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    job = job_new(run_match, match_value);
    result = start_with_key(job, ctx, OP_ARG(0), values, exception);
    sweep_once();
    return result;
}

/* ---- delete ---- */

static void run_delete(struct job *job)
{
    struct cache_key key = key_of(job);

    job->code = cache_remove(all.cache, &key, job->now, &job->err);
    job->answer.status = job->code == 0;
    if (job->code == ERR_NOT_FOUND)
        job->code = 0;
}

static JSValueRef delete_value(struct job *job, JSContextRef ctx)
{
    return JSValueMakeBoolean(ctx, job->answer.status);
}

OP(op_cache_delete)
{
    JSValueRef values[] = {OP_ARG(1), OP_ARG(2), JSValueMakeUndefined(ctx)};

    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    return start_with_key(job_new(run_delete, delete_value), ctx, OP_ARG(0), values, exception);
}

/* ---- put ---- */

/* Begins with what the job has gathered: its key, reason (bytes) and headers (entry). */
static JSValueRef begin(struct job *job, JSContextRef ctx, int status, bool has_body,
                        JSValueRef *exception)
{
    struct cache_put_head head = {key_of(job), status, buf_str(&job->bytes),
                                  buf_str(&job->entry.headers), has_body};
    struct cache_put *put;
    struct writer *writer;
    int r = cache_put_new(all.cache, &head, job->now, &put, &job->err);

    if (r == ERR_UNSUPPORTED)
        return JSValueMakeUndefined(ctx);
    if (r < 0)
        return value_throw(ctx, r, job->err.text, exception);
    writer = mem_new(struct writer);
    writer->handle.kind = writer_kind;
    writer->handle.free = writer_free;
    writer->put = put;
    writer->refs = 1;
    writer->counts = true;
    all.puts++;
    return handle_object(ctx, &writer->handle);
}

OP(op_cache_begin)
{
    struct job *job;
    JSValueRef values[] = {OP_ARG(0), OP_ARG(1), OP_ARG(2)}, result = JSValueMakeUndefined(ctx);
    int r;

    if (!all.cache)
        return value_throw(ctx, ERR_UNSUPPORTED, no_cache, exception);
    if (all.puts >= PUTS_MAX)
        return value_throw(ctx, ERR_LIMIT, "cache.put: more than 256 at the same time", exception);
    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    sweep_once();
    job = job_new(NULL, NULL);
    if ((r = key_take(job, ctx, values, exception)) == 0 &&
        (r = value_to_buf(ctx, OP_ARG(4), &job->bytes, exception)) == 0)
        r = value_to_buf(ctx, OP_ARG(5), &job->entry.headers, exception);
    if (r == 0)
        result = begin(job, ctx, (int)value_to_number(ctx, OP_ARG(3), 0),
                       JSValueToBoolean(ctx, OP_ARG(6)), exception);
    else if (r != ERR_SCRIPT)
        value_throw(ctx, r, too_large, exception);
    job_free(job);
    return result;
}

static const char is_busy[] = "the cache is still at work on what came before";

/* NULL, and throws, when it is none. */
static struct writer *writer_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, writer_kind, exception);

    return handle ? CONTAINER_OF(handle, struct writer, handle) : NULL;
}

/* The same when no job uses it and it is not over: (2). Else NULL, and throws. */
static struct writer *free_writer_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct writer *writer = writer_of(ctx, value, exception);

    if (writer && writer->put && writer->refs == 1)
        return writer;
    if (writer)
        value_throw(ctx, ERR_CLOSED, is_busy, exception);
    return NULL;
}

OP(op_cache_keep)
{
    struct writer *writer = free_writer_of(ctx, OP_ARG(0), exception);
    struct err err = {0};
    const void *bytes;
    size_t len;
    int r;

    if (!writer)
        return JSValueMakeUndefined(ctx);
    if (!value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (!cache_put_is_small(writer->put, len))
        return JSValueMakeBoolean(ctx, false);
    if ((r = cache_put_append(writer->put, (str){bytes, len}, &err)) < 0)
        return value_throw(ctx, r, err.text, exception);
    return JSValueMakeBoolean(ctx, true);
}

static void run_append(struct job *job)
{
    job->code = cache_put_append(job->writer->put, buf_str(&job->bytes), &job->err);
}

OP(op_cache_append)
{
    struct writer *writer = free_writer_of(ctx, OP_ARG(1), exception);
    struct job *job;
    const void *bytes;
    size_t len;

    if (!writer)
        return JSValueMakeUndefined(ctx);
    job = job_new(run_append, nothing);
    if (!value_view(ctx, OP_ARG(2), &bytes, &len) ||
        buf_append(&job->bytes, (str){bytes, len}) < 0) {
        job_free(job);
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    }
    job->writer = writer;
    writer->refs++;
    return job_start(job, ctx, OP_ARG(0));
}

static void run_commit(struct job *job)
{
    job->code = cache_put_commit(job->writer->put, job->now, &job->err);
    cache_put_free(job->writer->put);
    job->writer->put = NULL;
}

OP(op_cache_commit)
{
    struct writer *writer = free_writer_of(ctx, OP_ARG(1), exception);
    struct job *job;

    if (!writer)
        return JSValueMakeUndefined(ctx);
    job = job_new(run_commit, nothing);
    job->writer = writer;
    writer->refs++;
    return job_start(job, ctx, OP_ARG(0));
}

/* Forgets what was not committed; what a job still uses goes with its object. */
OP(op_cache_abort)
{
    struct writer *writer = writer_of(ctx, OP_ARG(0), exception);

    if (writer && writer->refs == 1)
        writer_end(writer);
    return JSValueMakeUndefined(ctx);
}

/* ---- bodies ---- */

static struct body *body_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, body_kind, exception);

    return handle ? CONTAINER_OF(handle, struct body, handle) : NULL;
}

static void fail_read(struct job *job, int code, const char *text)
{
    job->code = err_set(&job->err, code, "%s", text);
}

static void run_read(struct job *job)
{
    struct body *body = job->body;
    size_t want = body->left < READ_BYTES ? (size_t)body->left : READ_BYTES;
    int64_t got;

    if (!want)
        return;
    if (body->fd < 0)
        body->fd = cache_open_body(all.cache, body->file, body->file_length);
    if (body->fd < 0) {
        body->fd = -1;
        fail_read(job, ERR_IO, "the cached response was evicted before its body was read");
        return;
    }
    if (buf_reserve(&job->bytes, want) < 0)
        return;
    got = cache_body_read(body->fd, body->at, job->bytes.ptr, want);
    if (got <= 0) {
        fail_read(job, ERR_IO, "the body of the cached response cannot be read");
        return;
    }
    job->bytes.len = (size_t)got;
    body->at += (uint64_t)got;
    body->left -= (uint64_t)got;
}

static JSValueRef read_value(struct job *job, JSContextRef ctx)
{
    size_t len;
    char *bytes;

    if (!job->bytes.len)
        return JSValueMakeNull(ctx);
    bytes = buf_take(&job->bytes, &len);
    return value_bytes_take(ctx, bytes, len);
}

OP(op_cache_read)
{
    struct body *body = body_of(ctx, OP_ARG(1), exception);
    struct job *job;

    OP_NEED(body);
    if (body->refs > 1)
        return value_throw(ctx, ERR_CLOSED, is_busy, exception);
    job = job_new(run_read, read_value);
    job->body = body;
    body->refs++;
    body_wake(body);
    return job_start(job, ctx, OP_ARG(0));
}

/* The rest is not wanted; a read under way still gets its piece. */
OP(op_cache_close)
{
    struct body *body = body_of(ctx, OP_ARG(0), exception);

    if (body && body->refs == 1) {
        body->left = 0;
        body_shut(body);
    }
    return JSValueMakeUndefined(ctx);
}

const struct op op_cache_table[] = {
    {"op_cache_begin", op_cache_begin},   {"op_cache_keep", op_cache_keep},
    {"op_cache_append", op_cache_append}, {"op_cache_commit", op_cache_commit},
    {"op_cache_abort", op_cache_abort},
    {"op_cache_match", op_cache_match},   {"op_cache_delete", op_cache_delete},
    {"op_cache_read", op_cache_read},     {"op_cache_close", op_cache_close},
    {0},
};
