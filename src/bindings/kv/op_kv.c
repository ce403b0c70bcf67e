/* Ops under kv/kv.js: requests to a namespace (kv_request.h), each settled by number.
 *
 *   op_kv_hot(kv, key, form)            what is known without the disk: undefined, or as below
 *   op_kv_get(id, kv, key, form)        null, or in the form: see enum form
 *   op_kv_get_many(id, kv, keys, form)  an array of the same
 *   op_kv_read(id, kv, body, index)     bytes of a part
 *   op_kv_list(id, kv, prefix, cursor, limit)    [JSON, cursor or undefined]
 *   op_kv_put(id, kv, key, value, [expires, metadata, body, length])    of any size
 *   op_kv_write_all(id, kv, text, rows, count)   puts and deletes together: undefined, or an array
 *                                       with the error of each that failed. A row is four
 *                                       numbers: units of key, value (-1: a delete), metadata in
 *                                       the text, expires
 *   op_kv_stage(id, kv)                 the number of a body
 *   op_kv_write(id, kv, body, index, bytes)
 *   op_kv_unstage(kv, body)             forgets it, some time
 *
 * What a request of a worker's begins with counts as a subrequest: hot, get_many, list, put, each
 * row of write_all. The get that follows a hot that knew nothing is the same one. */
#include "bindings/kv/op_kv.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/kv/kv_batch.h"
#include "bindings/kv/kv_cursor.h"
#include "bindings/kv/kv_request.h"
#include "bindings/op_job.h"
#include "engine/handle.h"
#include "engine/value.h"
#include "os/clock.h"

/* How a value is wanted: a string, or bits of these. */
enum form {
    FORM_BYTES = 1,     /* a Uint8Array */
    FORM_METADATA = 2,  /* [value, metadata or undefined] */
    FORM_PARTS = 4,     /* [value or undefined, metadata or undefined, body, length], as bytes */
};

enum {
    GONE_BYTES_MAX = 1024,
    KEY_ROOM = 3 * KV_STORE_KEY_BYTES_MAX + 1, /* what the engine wants for a key of ASCII */
    SHRINK_BYTES = 64 * 1024,
};

struct binding {
    struct handle handle;
    struct kv_space *space;
    char *gone; /* why there is none */
};

struct job {
    struct op_job op;
    struct kv_request request;
    enum form form;
};

static const char binding_kind[] = "kv namespace";

/* ---- the handle ---- */

static void binding_free(struct handle *handle)
{
    struct binding *binding = CONTAINER_OF(handle, struct binding, handle);

    kv_space_unref(binding->space);
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
                       "The KV namespace of the binding \"%.200s\" cannot be used: this atoll "
                       "has no place for what bindings store.",
                       member_text_or(json, "name", ""));
    else
        r = buf_printf(&text,
                       "The KV namespace \"%.200s\" of the binding \"%.200s\" does not exist "
                       "any more.",
                       member_text_or(json, "id", ""), member_text_or(json, "name", ""));
    ASSERT(r == 0);
    return buf_take(&text, NULL);
}

JSObjectRef op_kv_open(JSContextRef ctx, const json_t *json, struct err *err)
{
    struct binding *binding = mem_new(struct binding);
    const char *store = member_text(json, "store");

    (void)err;
    binding->handle.kind = binding_kind;
    binding->handle.free = binding_free;
    binding->space = store ? kv_space_of(store) : NULL;
    if (!binding->space)
        binding->gone = why_gone(json, store);
    return handle_object(ctx, &binding->handle);
}

/* The built-in script is the only caller, but what it calls on the way may be the tenant's. */
static JSValueRef misuse(JSContextRef ctx, JSValueRef *exception)
{
    return value_throw(ctx, ERR_INVALID, "KV: what this is built on was replaced", exception);
}

/* NULL, and throws, when there is no namespace behind it. */
static struct kv_space *space_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
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
    return binding->space;
}

/* The same for what counts as a subrequest. */
static struct kv_space *counted_space_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct kv_space *space = space_of(ctx, value, exception);

    if (!space || isolate_subrequest(isolate_current()))
        return space;
    value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    return NULL;
}

/* ---- values ---- */

/* The built-in script counts with what a worker may have replaced: any number is possible. */
static int64_t whole(double number)
{
    static const double safe = 9007199254740991.0;

    return number > 0 ? (int64_t)(number < safe ? number : safe) : 0;
}

static int64_t whole_number(JSContextRef ctx, JSValueRef value)
{
    return whole(value_to_number(ctx, value, 0));
}

static JSValueRef text_or_bytes(JSContextRef ctx, str value, enum form form)
{
    return form & (FORM_BYTES | FORM_PARTS) ? value_bytes(ctx, value.ptr, value.len)
                                            : value_string(ctx, value);
}

static JSValueRef in_form(JSContextRef ctx, JSValueRef value, str metadata, enum form form)
{
    JSValueRef both[] = {value, metadata.len ? value_string(ctx, metadata)
                                             : JSValueMakeUndefined(ctx)};

    return form & FORM_METADATA ? JSObjectMakeArray(ctx, COUNT_OF(both), both, NULL) : value;
}

static JSValueRef bytes_taken(JSContextRef ctx, struct buf *from)
{
    size_t len;
    char *bytes = buf_take(from, &len);

    return value_bytes_take(ctx, bytes, len);
}

static JSValueRef parts_of(JSContextRef ctx, struct kv_store_entry *entry)
{
    str metadata = buf_str(&entry->metadata);
    JSValueRef values[] = {
        entry->body ? JSValueMakeUndefined(ctx) : bytes_taken(ctx, &entry->value),
        metadata.len ? value_string(ctx, metadata) : JSValueMakeUndefined(ctx),
        JSValueMakeNumber(ctx, (double)entry->body),
        JSValueMakeNumber(ctx, (double)entry->length),
    };

    return JSObjectMakeArray(ctx, COUNT_OF(values), values, NULL);
}

static JSValueRef entry_value(JSContextRef ctx, struct kv_store_entry *entry, enum form form)
{
    if (form & FORM_PARTS)
        return parts_of(ctx, entry);
    return in_form(ctx,
                   form & FORM_BYTES ? bytes_taken(ctx, &entry->value)
                                     : value_string(ctx, buf_str(&entry->value)),
                   buf_str(&entry->metadata), form);
}

static JSValueRef nothing(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    (void)op, (void)exception;
    return JSValueMakeUndefined(ctx);
}

/* ToString(value) as the empty `out`'s bytes, as far as it may have. Returns as value_to_buf(). */
static int take_text(JSContextRef ctx, JSValueRef value, struct buf *out, JSValueRef *exception)
{
    size_t len;
    char *text = value_to_utf8(ctx, value, &len, exception);

    if (!text)
        return ERR_SCRIPT;
    if (len > out->max) {
        free(text);
        return ERR_LIMIT;
    }
    out->ptr = len > SHRINK_BYTES ? mem_resize(text, len) : text;
    out->len = out->cap = len;
    return 0;
}

/* ---- jobs ---- */

static void job_free(struct op_job *op)
{
    struct job *job = CONTAINER_OF(op, struct job, op);

    kv_request_done(&job->request);
    free(job);
}

static void on_done(struct kv_request *request)
{
    op_job_end(&CONTAINER_OF(request, struct job, request)->op);
}

static struct job *job_new(struct kv_space *space,
                           JSValueRef (*value)(struct op_job *op, JSContextRef ctx,
                                               JSValueRef *exception))
{
    struct job *job = mem_alloc(sizeof *job);

    op_job_init(&job->op);
    job->form = 0;
    job->op.value = value;
    job->op.free = job_free;
    kv_request_init(&job->request, space, &job->op.err);
    job->request.done = on_done;
    return job;
}

/* Starts it, when its arguments could be taken (`r` is 0); else frees it and throws. */
static JSValueRef start(struct job *job, int r, JSContextRef ctx, JSValueRef id,
                        JSValueRef *exception)
{
    if (r < 0) {
        job_free(&job->op);
        return r == ERR_SCRIPT ? JSValueMakeUndefined(ctx) : value_throw(ctx, r, NULL, exception);
    }
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, id, 0));
    return NULL;
}

/* ---- reading ---- */

OP(op_kv_hot)
{
    struct kv_space *space = counted_space_of(ctx, OP_ARG(0), exception);
    enum form form = (enum form)value_to_number(ctx, OP_ARG(2), 0);
    char bytes[KEY_ROOM];
    struct buf key = {.ptr = bytes, .cap = sizeof bytes, .max = sizeof bytes};
    const struct kv_cache_entry *entry;

    if (!space || value_to_buf(ctx, OP_ARG(1), &key, exception) < 0 ||
        !(entry = kv_space_peek(space, buf_str(&key))))
        return JSValueMakeUndefined(ctx);
    if (!entry->is_there || (entry->expires && entry->expires <= clock_wall_s()))
        return JSValueMakeNull(ctx);
    return in_form(ctx, text_or_bytes(ctx, entry->value, form), entry->metadata, form);
}

static JSValueRef get_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct job *job = CONTAINER_OF(op, struct job, op);

    (void)exception;
    return job->request.is_there ? entry_value(ctx, &job->request.entry, job->form)
                                 : JSValueMakeNull(ctx);
}

OP(op_kv_get)
{
    struct kv_space *space = space_of(ctx, OP_ARG(1), exception);
    struct job *job;
    JSValueRef failed;

    if (!space)
        return JSValueMakeUndefined(ctx);
    job = job_new(space, get_value);
    job->form = (enum form)value_to_number(ctx, OP_ARG(3), 0);
    job->request.in_parts = job->form & FORM_PARTS;
    failed = start(job, take_text(ctx, OP_ARG(2), &job->request.key, exception), ctx, OP_ARG(0),
                   exception);
    if (failed)
        return failed;
    kv_request_get(&job->request);
    return JSValueMakeUndefined(ctx);
}

static JSValueRef many_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct job *job = CONTAINER_OF(op, struct job, op);
    const struct kv_request *request = &job->request;
    JSObjectRef list = JSObjectMakeArray(ctx, 0, NULL, exception);

    for (unsigned i = 0; list && i < request->key_count; i++)
        JSObjectSetPropertyAtIndex(ctx, list, i,
                                   request->are_there[i]
                                       ? entry_value(ctx, &request->entries[i], job->form)
                                       : JSValueMakeNull(ctx),
                                   NULL);
    return list ? list : JSValueMakeUndefined(ctx);
}

static int take_keys(JSContextRef ctx, JSValueRef keys, struct kv_request *request,
                     JSValueRef *exception)
{
    unsigned count = (unsigned)value_to_number(ctx, value_get(ctx, (JSObjectRef)keys, "length"), 0);
    int r = 0;

    for (unsigned i = 0; r == 0 && i < count; i++) {
        JSValueRef key = JSObjectGetPropertyAtIndex(ctx, (JSObjectRef)keys, i, NULL);
        struct buf text;

        buf_init(&text, KV_STORE_KEY_BYTES_MAX);
        if ((r = take_text(ctx, key, &text, exception)) == 0)
            r = kv_request_add_key(request, buf_str(&text));
        buf_done(&text);
    }
    return r;
}

OP(op_kv_get_many)
{
    struct kv_space *space = counted_space_of(ctx, OP_ARG(1), exception);
    struct job *job;
    JSValueRef failed;

    if (!space)
        return JSValueMakeUndefined(ctx);
    job = job_new(space, many_value);
    job->form = (enum form)value_to_number(ctx, OP_ARG(3), 0);
    failed = start(job, take_keys(ctx, OP_ARG(2), &job->request, exception), ctx, OP_ARG(0),
                   exception);
    if (failed)
        return failed;
    kv_request_get_many(&job->request);
    return JSValueMakeUndefined(ctx);
}

static JSValueRef part_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    (void)exception;
    return bytes_taken(ctx, &CONTAINER_OF(op, struct job, op)->request.value);
}

/* A job about a part: (id, kv, body, index). NULL, and throws, when there is no namespace. */
static struct job *part_job(JSContextRef ctx, const JSValueRef argv[4],
                            JSValueRef (*value)(struct op_job *op, JSContextRef ctx,
                                                JSValueRef *exception),
                            JSValueRef *exception)
{
    struct kv_space *space = space_of(ctx, argv[1], exception);
    struct job *job;

    if (!space)
        return NULL;
    job = job_new(space, value);
    job->request.body = whole_number(ctx, argv[2]);
    job->request.index = (unsigned)whole_number(ctx, argv[3]);
    return job;
}

OP(op_kv_read)
{
    const JSValueRef given[] = {OP_ARG(0), OP_ARG(1), OP_ARG(2), OP_ARG(3)};
    struct job *job = part_job(ctx, given, part_value, exception);

    if (!job)
        return JSValueMakeUndefined(ctx);
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    kv_request_read_part(&job->request);
    return JSValueMakeUndefined(ctx);
}

static JSValueRef list_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct kv_request *request = &CONTAINER_OF(op, struct job, op)->request;
    struct buf cursor;
    JSValueRef values[2] = {value_string(ctx, buf_str(&request->list)), JSValueMakeUndefined(ctx)};

    (void)exception;
    buf_init(&cursor, KV_CURSOR_BYTES_MAX);
    if (!request->is_complete) {
        ASSERT(kv_cursor_write(buf_str(&request->last), &cursor) == 0);
        values[1] = value_string(ctx, buf_str(&cursor));
    }
    buf_done(&cursor);
    return JSObjectMakeArray(ctx, COUNT_OF(values), values, NULL);
}

/* Returns 0, an error of the engine, or throws what Cloudflare says. */
static int take_cursor(JSContextRef ctx, JSValueRef cursor, struct buf *out, JSValueRef *exception)
{
    struct buf text;
    int r;

    if (JSValueIsUndefined(ctx, cursor))
        return 0;
    buf_init(&text, KV_CURSOR_BYTES_MAX);
    r = take_text(ctx, cursor, &text, exception);
    if (r != ERR_SCRIPT && (r < 0 || kv_cursor_read(buf_str(&text), out) < 0)) {
        value_throw(ctx, ERR_NOT_FOUND, "KV GET failed: 400 Invalid cursor", exception);
        r = ERR_SCRIPT;
    }
    buf_done(&text);
    return r;
}

OP(op_kv_list)
{
    struct kv_space *space = counted_space_of(ctx, OP_ARG(1), exception);
    struct job *job;
    JSValueRef failed;
    int r;

    if (!space)
        return JSValueMakeUndefined(ctx);
    job = job_new(space, list_value);
    job->request.limit = (unsigned)whole_number(ctx, OP_ARG(4));
    if ((r = take_text(ctx, OP_ARG(2), &job->request.key, exception)) == 0)
        r = take_cursor(ctx, OP_ARG(3), &job->request.after, exception);
    if ((failed = start(job, r, ctx, OP_ARG(0), exception)))
        return failed;
    kv_request_list(&job->request);
    return JSValueMakeUndefined(ctx);
}

/* ---- writing ---- */

static int take_value(JSContextRef ctx, JSValueRef value, struct buf *out, JSValueRef *exception)
{
    const void *bytes;
    size_t len;

    if (JSValueIsUndefined(ctx, value))
        return 0;
    if (JSValueIsString(ctx, value))
        return take_text(ctx, value, out, exception);
    if (!value_view(ctx, value, &bytes, &len))
        return ERR_INVALID;
    return buf_append(out, (str){bytes, len});
}

OP(op_kv_put)
{
    struct kv_space *space = counted_space_of(ctx, OP_ARG(1), exception);
    struct job *job;
    struct kv_request *request;
    JSValueRef failed;
    int r;

    if (!space)
        return JSValueMakeUndefined(ctx);
    job = job_new(space, nothing);
    request = &job->request;
    request->expires = whole_number(ctx, OP_ARG(4));
    request->body = whole_number(ctx, OP_ARG(6));
    request->length = (uint64_t)whole_number(ctx, OP_ARG(7));
    if ((r = take_text(ctx, OP_ARG(2), &request->key, exception)) == 0 &&
        !JSValueIsUndefined(ctx, OP_ARG(5)))
        r = take_text(ctx, OP_ARG(5), &request->metadata, exception);
    if (r == 0)
        r = take_value(ctx, OP_ARG(3), &request->value, exception);
    if ((failed = start(job, r, ctx, OP_ARG(0), exception)))
        return failed;
    kv_request_put(request);
    return JSValueMakeUndefined(ctx);
}

/* ---- many small ones ---- */

enum { ROW = 4, PIECES = 3 };

struct batch_job {
    struct op_job op;
    struct kv_batch *batch;
    size_t refused; /* rows at the end that are too many subrequests */
};

static void batch_free(struct op_job *op)
{
    struct batch_job *job = CONTAINER_OF(op, struct batch_job, op);

    kv_batch_free(job->batch);
    free(job);
}

static void on_batch_done(struct kv_batch *batch)
{
    op_job_end(CONTAINER_OF(batch->err, struct op_job, err));
}

static JSValueRef batch_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct batch_job *job = CONTAINER_OF(op, struct batch_job, op);
    const struct kv_batch *batch = job->batch;
    JSObjectRef errors;

    if (!batch->faults && !job->refused)
        return JSValueMakeUndefined(ctx);
    errors = JSObjectMakeArray(ctx, 0, NULL, exception);
    for (size_t i = 0; errors && batch->faults && i < batch->count; i++)
        if (batch->faults[i].code)
            JSObjectSetPropertyAtIndex(ctx, errors, (unsigned)i,
                                       value_error(ctx, batch->faults[i].code,
                                                   batch->faults[i].text),
                                       NULL);
    for (size_t i = 0; errors && i < job->refused; i++)
        JSObjectSetPropertyAtIndex(ctx, errors, (unsigned)(batch->count + i),
                                   value_error(ctx, ERR_SUBREQUESTS, NULL), NULL);
    return errors ? errors : JSValueMakeUndefined(ctx);
}

/* As many of `count` subrequests as there may be; throws when that is none. */
static size_t allowed(JSContextRef ctx, size_t count, JSValueRef *exception)
{
    size_t i = 0;

    while (i < count && isolate_subrequest(isolate_current()))
        i++;
    if (!i)
        value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    return i;
}

static int take_rows(JSContextRef ctx, JSValueRef text, const double *rows, struct kv_batch *batch,
                     JSValueRef *exception)
{
    uint32_t lengths[KV_BATCH_ROWS_MAX * PIECES];
    size_t count = batch->max;
    int r;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < PIECES; j++)
            lengths[i * PIECES + j] = (uint32_t)whole(rows[i * ROW + j]);
    r = value_to_pieces(ctx, text, &batch->text, lengths, count * PIECES, exception);
    for (size_t i = 0; r == 0 && i < count; i++) {
        const struct kv_batch_row row = {
            .key = lengths[i * PIECES],
            .value = lengths[i * PIECES + 1],
            .metadata = lengths[i * PIECES + 2],
            .is_delete = rows[i * ROW + 1] < 0,
            .expires = whole(rows[i * ROW + 3]),
        };
        r = kv_batch_add(batch, &row);
    }
    return r;
}

OP(op_kv_write_all)
{
    struct kv_space *space = space_of(ctx, OP_ARG(1), exception);
    size_t asked = (size_t)whole_number(ctx, OP_ARG(4)), count, len;
    struct batch_job *job;
    const void *rows;
    int r;

    if (!space || !(count = allowed(ctx, asked, exception)))
        return JSValueMakeUndefined(ctx);
    if (!JSValueIsString(ctx, OP_ARG(2)) || asked > KV_BATCH_ROWS_MAX ||
        !value_view(ctx, OP_ARG(3), &rows, &len) || len < asked * ROW * sizeof(double))
        return misuse(ctx, exception);
    job = mem_alloc(sizeof *job);
    op_job_init(&job->op);
    job->op.value = batch_value;
    job->op.free = batch_free;
    job->refused = asked - count;
    job->batch = kv_batch_new(space, count, &job->op.err);
    job->batch->done = on_batch_done;
    if ((r = take_rows(ctx, OP_ARG(2), rows, job->batch, exception)) < 0) {
        batch_free(&job->op);
        return r == ERR_SCRIPT ? JSValueMakeUndefined(ctx) : value_throw(ctx, r, NULL, exception);
    }
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    kv_batch_start(job->batch);
    return JSValueMakeUndefined(ctx);
}

/* ---- values that come in parts ---- */

static JSValueRef body_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    (void)exception;
    return JSValueMakeNumber(ctx, (double)CONTAINER_OF(op, struct job, op)->request.body);
}

OP(op_kv_stage)
{
    struct kv_space *space = space_of(ctx, OP_ARG(1), exception);
    struct job *job;

    if (!space)
        return JSValueMakeUndefined(ctx);
    job = job_new(space, body_value);
    op_job_begin(&job->op, (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    kv_request_stage(&job->request);
    return JSValueMakeUndefined(ctx);
}

OP(op_kv_write)
{
    const JSValueRef given[] = {OP_ARG(0), OP_ARG(1), OP_ARG(2), OP_ARG(3)};
    struct job *job = part_job(ctx, given, nothing, exception);
    JSValueRef failed;

    if (!job)
        return JSValueMakeUndefined(ctx);
    failed = start(job, take_value(ctx, OP_ARG(4), &job->request.value, exception), ctx, OP_ARG(0),
                   exception);
    if (failed)
        return failed;
    kv_request_write_part(&job->request);
    return JSValueMakeUndefined(ctx);
}

/* Nobody waits for it; what cannot be removed now is swept in an hour. */
static void on_unstaged(struct kv_request *request)
{
    struct job *job = CONTAINER_OF(request, struct job, request);

    job_free(&job->op);
}

OP(op_kv_unstage)
{
    struct kv_space *space = space_of(ctx, OP_ARG(0), exception);
    struct job *job;

    if (!space)
        return JSValueMakeUndefined(ctx);
    job = job_new(space, nothing);
    job->request.body = whole_number(ctx, OP_ARG(1));
    job->request.done = on_unstaged;
    kv_request_unstage(&job->request);
    return JSValueMakeUndefined(ctx);
}

const struct op op_kv_table[] = {
    {"op_kv_hot", op_kv_hot},         {"op_kv_get", op_kv_get},
    {"op_kv_get_many", op_kv_get_many}, {"op_kv_read", op_kv_read},
    {"op_kv_list", op_kv_list},       {"op_kv_put", op_kv_put},
    {"op_kv_write_all", op_kv_write_all}, {"op_kv_stage", op_kv_stage},
    {"op_kv_write", op_kv_write},     {"op_kv_unstage", op_kv_unstage},
    {0},
};
