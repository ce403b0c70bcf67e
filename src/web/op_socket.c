/* The native side of cloudflare:sockets: one outbound stream per object, over http/socket.h.
 *
 *   op_socket_pool()                                   the isolate's share
 *   op_socket_open(pool, id, host, port, tls, half)    a stream; `id` gets its addresses
 *   op_socket_start_tls(socket, id, name)              the same, once TLS is spoken
 *   op_socket_pull(socket, id)                         what comes
 *   op_socket_write(socket, bytes)  op_socket_drain(socket, id)
 *   op_socket_end(socket, id)                          what is written, and its end
 *   op_socket_closed(socket, id)  op_socket_discard(socket)  op_socket_close(socket)
 *
 * The hooks append to a buffer and post the one task of the socket, which settles the completions
 * that have become ready: each wait below is the number of a completion, or 0.
 *
 * (1) `link` is NULL exactly when the stream is over: ended, failed or closed. What had arrived by
 *     then can still be pulled.
 * (2) A collected object with a read or write under way lives on until that is settled. One of
 *     which only the end is awaited is closed: nobody can read or write it any more.
 * (3) `iso` is NULL once the isolate is gone; then nothing is posted. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/isolate.h"
#include "engine/value.h"
#include "http/socket.h"
#include "web/web.h"

enum {
    POOL_SOCKETS_MAX = 256,                 /* of one isolate, at the same time */
    BODY_HIGH_WATER_BYTES = 64 * 1024,      /* unread: the other side is held back */
    BODY_BYTES_MAX = 1024 * 1024,           /* never reached: reading pauses before */
    WRITE_BYTES_MAX = 1024 * 1024,          /* of one op_socket_write() */
    WRITE_HIGH_WATER_BYTES = 64 * 1024,     /* queued: the producer is asked to wait */
    TEXT_BYTES_MAX = 600,
    WEIGHT_BYTES = 256 * 1024,              /* told to the collector: the kernel keeps as much */
};

struct pool {
    struct handle handle;
    int refs;       /* the handle's and each stream's */
    int active;     /* streams that are not over */
};

enum wait { WAIT_OPEN, WAIT_PULL, WAIT_DRAIN, WAIT_END, WAIT_CLOSED, WAIT_COUNT };

struct stream {
    struct handle handle;
    struct resource resource;
    struct task task;
    struct isolate *iso;
    struct pool *pool;
    struct socket *link;
    int32_t waits[WAIT_COUNT];
    bool posted;
    bool orphaned;          /* its object was collected */
    bool open;              /* connected, and as secure as was asked for */
    bool half_open;         /* the other side's end is not ours */
    bool discards;          /* nobody wants what comes */
    bool in_ended;          /* nothing more comes */
    bool out_ended;         /* nothing more may be written */
    struct buf body;        /* arrived and not pulled yet */
    char remote[SOCKET_ADDRESS_BYTES_MAX];
    char local[SOCKET_ADDRESS_BYTES_MAX];
    int code;               /* why it failed; 0: it did not */
    char text[TEXT_BYTES_MAX];
};

static const char pool_kind[] = "socket pool";
static const char stream_kind[] = "socket";

/* --- the life of a stream ------------------------------------------------------------------- */

static void pool_unref(struct pool *pool)
{
    if (--pool->refs == 0)
        free(pool);
}

static void pool_free(struct handle *handle)
{
    pool_unref(CONTAINER_OF(handle, struct pool, handle));
}

/* The stream is over: (1). */
static void stream_over(struct stream *stream, int code, const char *text)
{
    stream->link = NULL;
    stream->in_ended = stream->out_ended = true;
    stream->pool->active--;
    stream->code = code;
    snprintf(stream->text, sizeof stream->text, "%s", text);
}

static void stream_close(struct stream *stream, int code, const char *text)
{
    if (!stream->link)
        return;
    socket_close(stream->link);
    stream_over(stream, code, text);
}

static void stream_destroy(struct stream *stream)
{
    stream_close(stream, 0, "");
    isolate_remove_resource(&stream->resource);
    pool_unref(stream->pool);
    buf_done(&stream->body);
    free(stream);
}

static void stream_wake(struct stream *stream);

/* Destroys what (2) kept alive. */
static void stream_settle(struct stream *stream)
{
    bool used = false;

    if (!stream->orphaned || stream->posted)
        return;
    for (int i = 0; i < WAIT_CLOSED; i++)
        used |= stream->waits[i] != 0;
    if (used)
        return;
    stream_close(stream, 0, "");
    if (stream->waits[WAIT_CLOSED])
        stream_wake(stream);
    else
        stream_destroy(stream);
}

static void stream_free(struct handle *handle)
{
    struct stream *stream = CONTAINER_OF(handle, struct stream, handle);

    stream->orphaned = true;
    stream_settle(stream);
}

/* The isolate ends. Its tasks have been dropped; stream_free() follows when the VM dies, unless the
 * object was collected before. */
static void on_isolate_end(struct resource *resource)
{
    struct stream *stream = CONTAINER_OF(resource, struct stream, resource);

    stream_close(stream, ERR_CLOSED, "the isolate has ended");
    memset(stream->waits, 0, sizeof stream->waits);
    stream->iso = NULL;
    stream_settle(stream);
}

/* --- from the socket to JavaScript ---------------------------------------------------------- */

static bool is_ready(const struct stream *stream, enum wait wait)
{
    if (!stream->waits[wait])
        return false;
    if (!stream->link)
        return true;
    switch (wait) {
    case WAIT_OPEN:
        return stream->open;
    case WAIT_PULL:
        return stream->body.len > 0 || stream->in_ended;
    case WAIT_DRAIN:
        return socket_queued(stream->link) < WRITE_HIGH_WATER_BYTES;
    case WAIT_END:
        return socket_has_ended(stream->link);
    default:
        return false;
    }
}

/* Holds the other side back while nobody reads. When its end has been read, ours comes too, unless
 * the stream may be half open. */
static void stream_flow(struct stream *stream)
{
    if (!stream->link)
        return;
    if (stream->body.len >= BODY_HIGH_WATER_BYTES)
        socket_pause(stream->link);
    else
        socket_resume(stream->link);
    if (!stream->in_ended || stream->half_open || stream->out_ended || stream->body.len)
        return;
    stream->out_ended = true;
    socket_end(stream->link);
}

static JSValueRef error_of(const struct stream *stream, JSContextRef ctx)
{
    return value_error(ctx, ERR_IO, stream->text);
}

/* A piece of what came, null at the end; undefined: *ret_error tells. */
static JSValueRef pull_value(struct stream *stream, JSContextRef ctx, JSValueRef *ret_error)
{
    char *bytes;
    size_t len;

    if (stream->body.len) {
        bytes = buf_take(&stream->body, &len);
        return value_bytes_take(ctx, bytes, len);
    }
    if (stream->code == 0)
        return JSValueMakeNull(ctx);
    *ret_error = error_of(stream, ctx);
    return JSValueMakeUndefined(ctx);
}

/* [remote address, local address] */
static JSValueRef open_value(struct stream *stream, JSContextRef ctx, JSValueRef *ret_error)
{
    JSValueRef values[] = {value_string(ctx, str_from(stream->remote)),
                           value_string(ctx, str_from(stream->local))};

    if (stream->open)
        return JSObjectMakeArray(ctx, COUNT_OF(values), values, NULL);
    *ret_error = stream->code ? error_of(stream, ctx)
                              : value_error(ctx, ERR_IO, "the socket was closed");
    return JSValueMakeUndefined(ctx);
}

static JSValueRef value_of(struct stream *stream, JSContextRef ctx, enum wait wait,
                           JSValueRef *ret_error)
{
    if (wait == WAIT_PULL)
        return pull_value(stream, ctx, ret_error);
    if (wait == WAIT_OPEN)
        return open_value(stream, ctx, ret_error);
    if (stream->code)
        *ret_error = error_of(stream, ctx);
    return JSValueMakeUndefined(ctx);
}

static void deliver(struct stream *stream, enum wait wait)
{
    JSContextRef ctx = isolate_context(stream->iso);
    JSValueRef error = NULL, value;
    int32_t id = stream->waits[wait];

    value = value_of(stream, ctx, wait, &error);
    stream->waits[wait] = 0;
    stream_flow(stream);
    hook_complete(stream->iso, id, error, value);
}

static void on_task(struct isolate *iso, struct task *task)
{
    struct stream *stream = CONTAINER_OF(task, struct stream, task);

    stream->posted = false;
    for (int i = 0; i < WAIT_COUNT; i++)
        if (!isolate_is_terminated(iso) && is_ready(stream, (enum wait)i))
            deliver(stream, (enum wait)i);
    stream_settle(stream);
}

static void on_task_dropped(struct task *task)
{
    CONTAINER_OF(task, struct stream, task)->posted = false;
}

static void stream_wake(struct stream *stream)
{
    bool any = false;

    for (int i = 0; i < WAIT_COUNT; i++)
        any |= is_ready(stream, (enum wait)i);
    if (!any || stream->posted || !stream->iso)
        return;
    stream->posted = true;
    isolate_post(stream->iso, &stream->task);
}

static void on_open(void *owner)
{
    struct stream *stream = owner;

    stream->open = true;
    snprintf(stream->remote, sizeof stream->remote, "%s", socket_remote(stream->link));
    snprintf(stream->local, sizeof stream->local, "%s", socket_local(stream->link));
    stream_wake(stream);
}

static void on_data(void *owner, str bytes)
{
    struct stream *stream = owner;

    if (stream->discards)
        return;
    ASSERT(buf_append(&stream->body, bytes) == 0);
    stream_flow(stream);
    stream_wake(stream);
}

static void on_end(void *owner)
{
    struct stream *stream = owner;

    stream->in_ended = true;
    stream_flow(stream);
    stream_wake(stream);
}

static void on_drain(void *owner)
{
    stream_wake(owner);
}

static void on_close(void *owner, int code, const char *text)
{
    struct stream *stream = owner;
    bool was_open = stream->open;

    stream_over(stream, code, "");
    if (code)
        snprintf(stream->text, sizeof stream->text, "%s: %s",
                 was_open ? "Network connection lost."
                          : "proxy request failed, cannot connect to the specified address",
                 text);
    stream_wake(stream);
}

static const struct socket_hooks hooks = {on_open, on_data, on_end, on_drain, on_close};

/* --- ops ------------------------------------------------------------------------------------ */

OP(op_socket_pool)
{
    struct pool *pool = mem_new(struct pool);

    pool->handle.kind = pool_kind;
    pool->handle.free = pool_free;
    pool->refs = 1;
    return handle_object(ctx, &pool->handle);
}

static struct stream *stream_new(struct pool *pool, int32_t id)
{
    struct stream *stream = mem_new(struct stream);

    stream->handle.kind = stream_kind;
    stream->handle.free = stream_free;
    stream->resource.close = on_isolate_end;
    stream->task.run = on_task;
    stream->task.drop = on_task_dropped;
    stream->iso = isolate_current();
    stream->pool = pool;
    stream->waits[WAIT_OPEN] = id;
    buf_init(&stream->body, BODY_BYTES_MAX);
    isolate_add_resource(stream->iso, &stream->resource);
    pool->refs++;
    return stream;
}

static JSValueRef open_run(JSContextRef ctx, struct stream *stream,
                           const struct socket_options *options, JSValueRef *exception)
{
    struct err err = {0};

    stream->pool->active++;
    stream->link = socket_open(isolate_loop(), options, &hooks, stream, &err);
    if (!stream->link) {
        stream->pool->active--;
        stream_destroy(stream);
        return value_throw(ctx, err.code == ERR_INVALID ? ERR_INVALID : ERR_IO, err.text,
                           exception);
    }
    value_add_weight(ctx, WEIGHT_BYTES);
    return handle_object(ctx, &stream->handle);
}

OP(op_socket_open)
{
    struct handle *handle = handle_need(ctx, OP_ARG(0), pool_kind, exception);
    int32_t id = (int32_t)value_to_number(ctx, OP_ARG(1), 0);
    struct socket_options options = {.rules = outbound_rules()};
    struct pool *pool;
    struct stream *stream;
    JSValueRef result;
    size_t len;
    char *host;

    OP_NEED(handle);
    pool = CONTAINER_OF(handle, struct pool, handle);
    if (pool->active >= POOL_SOCKETS_MAX) {
        JSGarbageCollect(ctx); /* sockets that nobody closed may be garbage */
        return value_throw(ctx, ERR_IO,
                           "more than 256 sockets at the same time; close earlier ones", exception);
    }
    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    host = value_to_utf8(ctx, OP_ARG(2), &len, exception);
    if (!host)
        return JSValueMakeUndefined(ctx);
    options.host = (str){host, len};
    options.port = (uint16_t)value_to_number(ctx, OP_ARG(3), 0);
    options.tls = JSValueToBoolean(ctx, OP_ARG(4));
    stream = stream_new(pool, id);
    stream->half_open = JSValueToBoolean(ctx, OP_ARG(5));
    result = open_run(ctx, stream, &options, exception);
    free(host);
    return result;
}

/* NULL, and throws, when it is none. */
static struct stream *stream_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, stream_kind, exception);

    return handle ? CONTAINER_OF(handle, struct stream, handle) : NULL;
}

/* A worker that replaces `then` can bring the built-in script to wait twice for the same. */
static JSValueRef wait_for(JSContextRef ctx, struct stream *stream, enum wait wait,
                           JSValueRef number, JSValueRef *exception)
{
    OP_NEED(stream);
    if (stream->waits[wait])
        return value_throw(ctx, ERR_INVALID, "the socket is being waited for already", exception);
    stream->waits[wait] = (int32_t)value_to_number(ctx, number, 0);
    stream_wake(stream);
    return JSValueMakeUndefined(ctx);
}

/* Nothing may wait to be written, and nothing that was not pulled may have come. */
OP(op_socket_start_tls)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0), exception);
    size_t len;
    char *name = stream ? value_to_utf8(ctx, OP_ARG(2), &len, exception) : NULL;
    int r;

    OP_NEED(name);
    r = stream->link && !stream->body.len ? socket_start_tls(stream->link, (str){name, len})
                                          : ERR_CLOSED;
    free(name);
    if (r < 0)
        return value_throw(ctx, ERR_IO,
                           stream->body.len ? "bytes came in plain that nobody read"
                                            : "TLS cannot begin: the socket is not open",
                           exception);
    stream->open = false;
    return wait_for(ctx, stream, WAIT_OPEN, OP_ARG(1), exception);
}

/* Completes `id` with a piece, or null at the end. */
OP(op_socket_pull)
{
    return wait_for(ctx, stream_of(ctx, OP_ARG(0), exception), WAIT_PULL, OP_ARG(1), exception);
}

/* Queues bytes. Returns false when the producer must wait for op_socket_drain() before the next. */
OP(op_socket_write)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0), exception);
    const void *bytes;
    size_t len;

    OP_NEED(stream);
    if (stream->code)
        return value_throw(ctx, ERR_IO, stream->text, exception);
    if (stream->out_ended)
        return value_throw(ctx, ERR_CLOSED, "the socket is closed for writing", exception);
    if (!value_view(ctx, OP_ARG(1), &bytes, &len) || len > WRITE_BYTES_MAX)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (socket_write(stream->link, (str){bytes, len}) < 0)
        return value_throw(ctx, ERR_LIMIT, "too much is queued for the socket", exception);
    return JSValueMakeBoolean(ctx, socket_queued(stream->link) < WRITE_HIGH_WATER_BYTES);
}

OP(op_socket_drain)
{
    return wait_for(ctx, stream_of(ctx, OP_ARG(0), exception), WAIT_DRAIN, OP_ARG(1), exception);
}

/* Nothing more will be written; completes `id` when all has gone out. */
OP(op_socket_end)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0), exception);

    OP_NEED(stream);
    stream->out_ended = true;
    if (stream->link)
        socket_end(stream->link);
    return wait_for(ctx, stream, WAIT_END, OP_ARG(1), exception);
}

/* Completes `id` when the stream is over, with the error when it failed. */
OP(op_socket_closed)
{
    return wait_for(ctx, stream_of(ctx, OP_ARG(0), exception), WAIT_CLOSED, OP_ARG(1), exception);
}

/* Nobody will pull any more: what comes is dropped. */
OP(op_socket_discard)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0), exception);

    OP_NEED(stream);
    stream->discards = true;
    buf_done(&stream->body);
    stream_flow(stream);
    return JSValueMakeUndefined(ctx);
}

/* Closes at once; what is queued is lost. */
OP(op_socket_close)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0), exception);

    OP_NEED(stream);
    stream_close(stream, 0, "");
    buf_done(&stream->body);
    stream_wake(stream);
    return JSValueMakeUndefined(ctx);
}

const struct op op_socket_table[] = {
    {"op_socket_pool", op_socket_pool},
    {"op_socket_open", op_socket_open},
    {"op_socket_start_tls", op_socket_start_tls},
    {"op_socket_pull", op_socket_pull},
    {"op_socket_write", op_socket_write},
    {"op_socket_drain", op_socket_drain},
    {"op_socket_end", op_socket_end},
    {"op_socket_closed", op_socket_closed},
    {"op_socket_discard", op_socket_discard},
    {"op_socket_close", op_socket_close},
    {0},
};
