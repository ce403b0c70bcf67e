/* The op under js/crypto_call.js: runs a cryptographic call at once, or on another thread.
 *
 *   op_crypto_run ── id 0 ── crypto_call_run() ── value
 *         │
 *         └─ id > 0 ── copies ── WAITING ──start()── RUNNING on a thread of libuv's pool
 *                                                       │ on_done (the loop)
 *                          value ── on_run (in a turn) ─┘ isolate_post
 *
 * (1) At most RUNNING_MAX jobs run, at most RUNNING_MAX - 1 of one isolate: whoever asks for much
 *     leaves the others a thread, and the pool is never full.
 * (2) When the isolate goes, its waiting jobs go with it. A running one is told to stop, loses its
 *     `iso`, and is freed when its work is done.
 * (3) A job holds a reference to its keys: JavaScript may forget them meanwhile.
 * (4) A call made at once looks at its data where it lies; so it is viewed last.
 * (5) What waits is in no heap that is measured: each isolate has WAITING_MAX jobs there, with
 *     WAITING_BYTES_MAX of copies, or one that is larger. */
#include <stdlib.h>

#include "base/list.h"
#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/value.h"
#include "os/clock.h"
#include "web/crypto_call.h"
#include "web/web.h"

enum { RUNNING_MAX = 3, WAITING_MAX = 4096, WAITING_BYTES_MAX = 128 << 20 };

static const char key_kind[] = "crypto key";

struct key_handle {
    struct handle handle;
    struct crypto_key *key;
};

struct job {
    uv_work_t work;
    struct task task;
    struct resource resource;
    struct list link;    /* among those that wait */
    struct isolate *iso; /* NULL once the isolate is gone */
    int32_t id;
    int32_t request; /* which is charged for the time */
    bool is_running;
    int status;
    uint64_t cpu_ns;
    atomic_bool cancelled;
    struct crypto_call call;
    struct crypto_result result;
};

static struct list waiting = {&waiting, &waiting};
static struct job *running[RUNNING_MAX];

/* ---- keys as objects ---- */

static void on_key_buried(struct handle *handle)
{
    struct key_handle *own = CONTAINER_OF(handle, struct key_handle, handle);

    crypto_key_unref(own->key);
    free(own);
}

/* An object for `key`, which is taken. */
static JSValueRef key_object(JSContextRef ctx, struct crypto_key *key)
{
    struct key_handle *own = mem_new(struct key_handle);

    own->handle = (struct handle){.kind = key_kind, .free = on_key_buried};
    own->key = key;
    return handle_object(ctx, &own->handle);
}

/* The key of an object, borrowed; NULL for anything else. */
static struct crypto_key *key_of(JSContextRef ctx, JSValueRef value)
{
    struct handle *handle = handle_of(ctx, value, key_kind);

    return handle ? CONTAINER_OF(handle, struct key_handle, handle)->key : NULL;
}

/* ---- outcomes ---- */

/* What JavaScript gets of the result, which is emptied; undefined when the call failed. */
static JSValueRef value_of(JSContextRef ctx, int status, struct crypto_result *result)
{
    struct crypto_result own = *result;

    *result = (struct crypto_result){0};
    if (status < 0)
        return JSValueMakeUndefined(ctx);
    switch (own.outcome) {
    case CRYPTO_BYTES:
        return value_bytes_take(ctx, own.bytes, own.len);
    case CRYPTO_TRUTH:
        return JSValueMakeBoolean(ctx, own.truth);
    case CRYPTO_KEY:
        return key_object(ctx, own.key);
    case CRYPTO_PAIR:
        break;
    }
    JSValueRef halves[] = {key_object(ctx, own.key), key_object(ctx, own.other)};
    return JSObjectMakeArray(ctx, 2, halves, NULL);
}

/* ---- jobs ---- */

static void job_free(struct job *job)
{
    crypto_call_result_done(&job->result);
    crypto_key_unref(job->call.key);
    crypto_key_unref(job->call.peer);
    free((char *)job->call.data.ptr);
    free((char *)job->call.first.ptr);
    free((char *)job->call.second.ptr);
    free(job);
}

static void on_run(struct isolate *iso, struct task *task)
{
    struct job *job = CONTAINER_OF(task, struct job, task);

    if (isolate_charge(iso, job->request, job->cpu_ns))
        hook_complete(iso, job->id, NULL,
                      value_of(isolate_context(iso), job->status, &job->result));
    job_free(job);
}

static void on_drop(struct task *task)
{
    job_free(CONTAINER_OF(task, struct job, task));
}

static void on_isolate_gone(struct resource *resource)
{
    struct job *job = CONTAINER_OF(resource, struct job, resource);

    if (job->is_running) {
        job->iso = NULL;
        atomic_store(&job->cancelled, true);
        return;
    }
    list_remove(&job->link);
    job_free(job);
}

static void on_work(uv_work_t *work)
{
    struct job *job = work->data;

    uint64_t start_ns = clock_thread_cpu_ns();

    job->status = crypto_call_run(&job->call, &job->result);
    job->cpu_ns = clock_thread_cpu_ns() - start_ns;
}

static void start(void);

static void on_done(uv_work_t *work, int status)
{
    struct job *job = work->data;

    ASSERT(status == 0);
    for (int i = 0; i < RUNNING_MAX; i++)
        if (running[i] == job)
            running[i] = NULL;
    if (job->iso) {
        isolate_remove_resource(&job->resource);
        isolate_post(job->iso, &job->task);
    } else {
        job_free(job);
    }
    start();
}

/* The first job that may run by rule (1); NULL when there is none. */
static struct job *next_job(void)
{
    LIST_EACH(&waiting, link) {
        struct job *job = CONTAINER_OF(link, struct job, link);
        int same = 0;
        for (int i = 0; i < RUNNING_MAX; i++)
            same += running[i] && running[i]->iso == job->iso;
        if (same < RUNNING_MAX - 1)
            return job;
    }
    return NULL;
}

/* Gives free threads to jobs that wait. */
static void start(void)
{
    for (int i = 0; i < RUNNING_MAX; i++) {
        struct job *job = running[i] ? NULL : next_job();
        if (!job)
            continue;
        list_remove(&job->link);
        running[i] = job;
        job->is_running = true;
        ASSERT(uv_queue_work(isolate_loop(), &job->work, on_work, on_done) == 0);
    }
}

/* ---- the call ---- */

static bool view(JSContextRef ctx, JSValueRef value, str *ret_bytes)
{
    const void *bytes;
    size_t len;

    if (JSValueIsUndefined(ctx, value)) {
        *ret_bytes = (str){NULL, 0};
        return true;
    }
    if (!value_view(ctx, value, &bytes, &len))
        return false;
    *ret_bytes = (str){len ? bytes : NULL, len};
    return true;
}

static str copy(str bytes)
{
    char *own = bytes.len ? mem_alloc(bytes.len) : NULL;

    if (own)
        memcpy(own, bytes.ptr, bytes.len);
    return (str){own, bytes.len};
}

/* A copy of the bytes, for those that are not looked at last. */
static bool take(JSContextRef ctx, JSValueRef value, str *ret_bytes)
{
    str seen;

    if (!view(ctx, value, &seen))
        return false;
    *ret_bytes = copy(seen);
    return true;
}

/* Fills the call; `first` and `second` are copies, `data` is borrowed until the next engine
 * call. */
static bool read_call(JSContextRef ctx, size_t argc, const JSValueRef argv[],
                      struct crypto_call *ret_call)
{
    *ret_call = (struct crypto_call){
        .operation = (int)value_to_number(ctx, OP_ARG(1), -1),
        .hash = (int)value_to_number(ctx, OP_ARG(2), -1),
        .number = (uint32_t)value_to_number(ctx, OP_ARG(3), 0),
        .length = (uint32_t)value_to_number(ctx, OP_ARG(4), 0),
        .key = key_of(ctx, OP_ARG(5)),
        .peer = key_of(ctx, OP_ARG(6)),
    };
    return take(ctx, OP_ARG(8), &ret_call->first) && take(ctx, OP_ARG(9), &ret_call->second) &&
           view(ctx, OP_ARG(7), &ret_call->data);
}

static void drop_copies(const struct crypto_call *call)
{
    free((char *)call->first.ptr);
    free((char *)call->second.ptr);
}

static JSValueRef run_now(JSContextRef ctx, const struct crypto_call *call)
{
    struct crypto_result result;
    int status = crypto_call_run(call, &result);

    drop_copies(call);
    return value_of(ctx, status, &result);
}

static size_t bytes_of(const struct crypto_call *call)
{
    return call->data.len + call->first.len + call->second.len;
}

/* May the call wait, by rule (5)? */
static bool has_room(const struct crypto_call *call)
{
    size_t bytes = bytes_of(call);
    int count = 0;

    LIST_EACH(&waiting, link) {
        const struct job *job = CONTAINER_OF(link, struct job, link);
        if (job->iso != isolate_current())
            continue;
        count++;
        bytes += bytes_of(&job->call);
    }
    return !count || (count < WAITING_MAX && bytes <= WAITING_BYTES_MAX);
}

static void run_later(const struct crypto_call *call, int32_t id)
{
    struct job *job = mem_new(struct job);

    job->call = *call;
    job->call.data = copy(call->data);
    job->call.cancelled = &job->cancelled;
    crypto_key_ref(job->call.key);
    crypto_key_ref(job->call.peer);
    job->id = id;
    job->iso = isolate_current();
    job->request = isolate_cells(job->iso)[CELL_CURRENT];
    job->work.data = job;
    job->task.run = on_run;
    job->task.drop = on_drop;
    job->resource.close = on_isolate_gone;
    isolate_add_resource(job->iso, &job->resource);
    list_push(&waiting, &job->link);
    start();
}

/* (completion id or 0, operation, hash, number, length, key, peer, data, first, second) -> what
 * crypto_call.h says of the operation, or undefined when it failed. With an id the completion gets
 * it. */
OP(op_crypto_run)
{
    int32_t id = (int32_t)value_to_number(ctx, OP_ARG(0), 0);
    struct crypto_call call;
    JSValueRef value = JSValueMakeUndefined(ctx);

    value_lock(ctx);
    if (!read_call(ctx, argc, argv, &call)) {
        drop_copies(&call);
        value = value_throw(ctx, ERR_INVALID, NULL, exception);
    } else if (id && !has_room(&call)) {
        drop_copies(&call);
        value = value_throw(ctx, ERR_LIMIT,
                            "too much cryptography at once: more than 4096 operations or 128 MiB "
                            "of data wait; await some first",
                            exception);
    } else if (id) {
        run_later(&call, id);
    } else {
        value = run_now(ctx, &call);
    }
    value_unlock(ctx);
    return value;
}

const struct op op_crypto_run_table[] = {{"op_crypto_run", op_crypto_run}, {0}};
