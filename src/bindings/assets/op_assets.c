/* Ops under assets/assets.js: requests of a script to its worker's own files.
 *
 *   op_assets_fetch(assets, method, host, path, query, headers)
 *                             [status, header lines, length, reading or undefined]
 *   op_assets_read(id, reading)    the next part, a Uint8Array; undefined at the end
 *
 * What is answered is found without waiting; contents are read part by part on a thread. */
#include "bindings/assets/op_assets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bindings/assets/site_answer.h"
#include "bindings/assets/site_open.h"
#include "bindings/op_job.h"
#include "engine/handle.h"
#include "engine/value.h"

enum { TEXT_BYTES_MAX = 64 << 10, PART_BYTES = 256 << 10, QUEUES = 4, TEXTS = 5 };

struct assets {
    struct handle handle;
    struct site_open *open;
};

/* A file of which something is to be read yet. */
struct reading {
    struct handle handle;
    unsigned refs;          /* the handle's, and a job's */
    bool is_busy;           /* a job has it */
    int fd;                 /* -1 before the first part */
    char path[SITE_OPEN_PATH_MAX];
    uint64_t at, left;
};

struct part {
    struct op_job op;
    struct reading *reading;
    char *bytes;
    size_t len;
};

static const char assets_kind[] = "assets", reading_kind[] = "asset reading";

/* ---- the binding ---- */

static void assets_free(struct handle *handle)
{
    struct assets *assets = CONTAINER_OF(handle, struct assets, handle);

    site_open_unref(assets->open);
    free(assets);
}

JSObjectRef op_assets_open(JSContextRef ctx, const json_t *binding, struct err *err)
{
    struct site_open *open = site_open_new(json_object_get(binding, "assets"));
    struct assets *assets;

    if (!open) {
        err_set(err, ERR_NOT_FOUND, "this version has no files");
        return NULL;
    }
    assets = mem_new(struct assets);
    assets->handle.kind = assets_kind;
    assets->handle.free = assets_free;
    assets->open = open;
    return handle_object(ctx, &assets->handle);
}

/* The built-in script is the only caller, but what it calls on the way may be the tenant's. */
static JSValueRef misuse(JSContextRef ctx, JSValueRef *exception)
{
    return value_throw(ctx, ERR_INVALID, "ASSETS: what this is built on was replaced", exception);
}

/* ---- reading ---- */

static void reading_unref(struct reading *reading)
{
    if (--reading->refs)
        return;
    if (reading->fd >= 0)
        close(reading->fd);
    free(reading);
}

static void reading_free(struct handle *handle)
{
    reading_unref(CONTAINER_OF(handle, struct reading, handle));
}

static void part_run(struct op_job *op)
{
    struct part *part = CONTAINER_OF(op, struct part, op);
    struct reading *reading = part->reading;
    size_t wanted = reading->left < PART_BYTES ? (size_t)reading->left : PART_BYTES;
    ssize_t got = -1;

    if (reading->fd < 0)
        reading->fd = open(reading->path, O_RDONLY | O_CLOEXEC);
    part->bytes = mem_alloc(wanted + 1);
    if (reading->fd >= 0)
        got = pread(reading->fd, part->bytes, wanted, (off_t)reading->at);
    if (got <= 0) {
        err_set(&op->err, ERR_IO,
                "The file cannot be read: it is damaged or missing on the server.");
        return;
    }
    part->len = (size_t)got;
    reading->at += part->len;
    reading->left -= part->len;
}

static JSValueRef part_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    struct part *part = CONTAINER_OF(op, struct part, op);
    char *bytes = part->bytes;

    (void)exception;
    part->bytes = NULL;
    return value_bytes_take(ctx, bytes, part->len);
}

static void part_free(struct op_job *op)
{
    struct part *part = CONTAINER_OF(op, struct part, op);

    part->reading->is_busy = false;
    reading_unref(part->reading);
    free(part->bytes);
    free(part);
}

/* One part of a file at a time, so any queue will do. */
static struct storage_job_queue *next_queue(void)
{
    static struct storage_job_queue *queues[QUEUES];
    static unsigned at;

    at = (at + 1) % QUEUES;
    if (!queues[at])
        queues[at] = storage_job_queue_new();
    return queues[at];
}

OP(op_assets_read)
{
    struct handle *handle = handle_of(ctx, OP_ARG(1), reading_kind);
    struct reading *reading = handle ? CONTAINER_OF(handle, struct reading, handle) : NULL;
    struct part *part;

    if (!reading || reading->is_busy)
        return misuse(ctx, exception);
    part = mem_new(struct part);
    part->reading = reading;
    reading->refs++;
    reading->is_busy = true;
    part->op.run = part_run;
    part->op.value = part_value;
    part->op.free = part_free;
    op_job_start(&part->op, next_queue(), (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    return JSValueMakeUndefined(ctx);
}

static JSValueRef reading_of(JSContextRef ctx, const struct assets *assets,
                             const struct site_answer *answer)
{
    struct reading *reading;

    if (answer->outcome != SITE_TO_FILE || !answer->length)
        return JSValueMakeUndefined(ctx);
    reading = mem_new(struct reading);
    reading->handle.kind = reading_kind;
    reading->handle.free = reading_free;
    reading->refs = 1;
    reading->fd = -1;
    reading->at = answer->from;
    reading->left = answer->length;
    if (!site_open_path(assets->open, &answer->file, reading->path))
        reading->path[0] = 0;
    return handle_object(ctx, &reading->handle);
}

/* ---- requests ---- */

/* Lines end as JavaScript's side has them: without the carriage return. */
static JSValueRef lines_of(JSContextRef ctx, struct buf *head)
{
    size_t kept = 0;

    for (size_t i = 0; i < head->len; i++)
        if (head->ptr[i] != '\r')
            head->ptr[kept++] = head->ptr[i];
    head->len = kept;
    return value_latin1(ctx, buf_str(head));
}

static JSValueRef answer_value(JSContextRef ctx, const struct assets *assets,
                               const struct site_request *request, struct site *site)
{
    struct site_answer answer;
    JSValueRef values[4];

    site_answer_find(site, request, &answer);
    if (answer.outcome == SITE_TO_FILE)
        site_answer_finish(site, request, SITE_IDENTITY, answer.file.bytes, &answer);
    values[0] = JSValueMakeNumber(ctx, answer.status);
    values[1] = lines_of(ctx, &answer.head);
    values[2] = JSValueMakeNumber(ctx, answer.outcome == SITE_TO_FILE ? (double)answer.length : 0);
    values[3] = reading_of(ctx, assets, &answer);
    site_answer_done(&answer);
    return JSObjectMakeArray(ctx, COUNT_OF(values), values, NULL);
}

static JSValueRef fetch(JSContextRef ctx, const struct assets *assets, const struct buf *texts,
                        JSValueRef *exception)
{
    struct site_request request = {
        .method = buf_str(&texts[0]),
        .host = buf_str(&texts[1]),
        .path = buf_str(&texts[2]),
        .query = buf_str(&texts[3]),
        .headers = buf_str(&texts[4]),
        .is_binding = true,
    };
    struct err err = {0};
    struct site *site = site_open_site(assets->open, &err);

    if (!site)
        return value_throw(
            ctx, ERR_IO,
            "The files of this worker cannot be read: they are damaged or missing on "
            "the server.",
            exception);
    return answer_value(ctx, assets, &request, site);
}

OP(op_assets_fetch)
{
    struct handle *handle = handle_of(ctx, OP_ARG(0), assets_kind);
    JSValueRef result = JSValueMakeUndefined(ctx);
    struct buf texts[TEXTS];
    int r = 0;

    if (!handle)
        return misuse(ctx, exception);
    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    for (size_t i = 0; i < TEXTS; i++) {
        buf_init(&texts[i], TEXT_BYTES_MAX);
        if (r == 0)
            r = value_to_buf(ctx, OP_ARG(i + 1), &texts[i], exception);
    }
    if (r == 0)
        result = fetch(ctx, CONTAINER_OF(handle, struct assets, handle), texts, exception);
    else if (r == ERR_LIMIT)
        result = value_throw(ctx, r, NULL, exception);
    for (size_t i = 0; i < TEXTS; i++)
        buf_done(&texts[i]);
    return result;
}

const struct op op_assets_table[] = {
    {"op_assets_fetch", op_assets_fetch},
    {"op_assets_read", op_assets_read},
    {0},
};
