/* fetch's way out: one outbound HTTP request per object, over http/client.h.
 *
 *   op_fetch_pool()                                    the isolate's share of the client
 *   op_fetch_start(pool, id, method, url, headers, body, length)
 *                                                      a request; `id` gets its head
 *   op_fetch_pull(fetch, id)      op_fetch_collect(fetch, as_text, id)      its body
 *   op_fetch_write(fetch, bytes)  op_fetch_drain(fetch, id)  op_fetch_end(fetch)
 *   op_fetch_cancel(fetch)
 *
 * The client's hooks append to buffers and post the one task of the request, which settles the
 * completions that have become ready: each wait below is the number of a completion, or 0.
 *
 * (1) `request` is NULL exactly when the exchange is over: done, failed or cancelled. What had
 *     arrived by then can still be pulled.
 * (2) A collected object with a completion under way lives on until that is settled; then its
 *     request is cancelled: nobody can read it any more.
 * (3) `iso` is NULL once the isolate is gone; then nothing is posted.
 * (4) With a `sink`, the body goes there as it comes, and the object lives on as in (2). */
#include "web/op_fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/isolate.h"
#include "engine/value.h"
#include "http/client.h"
#include "http/field.h"
#include "web/web.h"

enum {
    POOL_REQUESTS_MAX = 256,                    /* of one isolate, at the same time */
    BODY_HIGH_WATER_BYTES = 64 * 1024,          /* unread: the upstream is held back */
    BODY_COLLECT_BYTES_MAX = 128 * 1024 * 1024, /* of text(), json() and the like */
    SEND_BYTES_MAX = 128 * 1024 * 1024,         /* of a body given as one piece */
    WRITE_BYTES_MAX = 1024 * 1024,              /* of one op_fetch_write() */
    WRITE_HIGH_WATER_BYTES = 64 * 1024,         /* queued: the producer is asked to wait */
    HEADERS_BYTES_MAX = 256 * 1024,
    LENGTH_MAX = INT32_MAX * 4096LL,            /* of a Content-Length that is believed */
    TEXT_BYTES_MAX = 512,
};

struct pool {
    struct handle handle;
    int refs;       /* the handle's and each fetch's */
    int active;     /* requests that are not over */
};

enum wait { WAIT_HEAD, WAIT_PULL, WAIT_COLLECT, WAIT_DRAIN, WAIT_COUNT };

struct fetch {
    struct handle handle;
    struct resource resource;
    struct task task;
    struct isolate *iso;
    struct pool *pool;
    struct client_request *request;
    int32_t waits[WAIT_COUNT];
    bool posted;
    bool orphaned;          /* its object was collected */
    bool paused;
    bool head_came;
    bool is_head;           /* the request's method is HEAD */
    int status;
    int64_t length;         /* of the body, -1 when it is not known */
    struct buf reason;
    struct buf headers;
    struct buf body;        /* arrived and not pulled yet */
    bool collect_text;      /* WAIT_COLLECT is to get a string */
    struct op_fetch_sink *sink;
    bool in_sink;           /* sink->data() is on the stack */
    int code;               /* why it failed; 0: it did not */
    char text[TEXT_BYTES_MAX];
};

static const char pool_kind[] = "fetch pool";
static const char fetch_kind[] = "fetch";

static struct client *client_of_process(void)
{
    static struct client *client;

    if (!client)
        client = client_new(isolate_loop(), outbound_rules());
    return client;
}

/* --- the life of a request ------------------------------------------------------------------ */

static void pool_unref(struct pool *pool)
{
    if (--pool->refs == 0)
        free(pool);
}

static void pool_free(struct handle *handle)
{
    pool_unref(CONTAINER_OF(handle, struct pool, handle));
}

static bool is_awaited(const struct fetch *fetch)
{
    if (fetch->sink)
        return true;
    for (int i = 0; i < WAIT_COUNT; i++)
        if (fetch->waits[i])
            return true;
    return false;
}

/* The exchange is over: (1). */
static void fetch_over(struct fetch *fetch, int code, const char *text)
{
    fetch->request = NULL;
    fetch->pool->active--;
    fetch->code = code;
    snprintf(fetch->text, sizeof fetch->text, "fetch failed: %s", text);
}

static void fetch_cancel(struct fetch *fetch, int code, const char *text)
{
    if (!fetch->request)
        return;
    client_cancel(fetch->request);
    fetch_over(fetch, code, text);
}

static void fetch_destroy(struct fetch *fetch)
{
    fetch_cancel(fetch, ERR_CLOSED, "");
    isolate_remove_resource(&fetch->resource);
    pool_unref(fetch->pool);
    buf_done(&fetch->reason);
    buf_done(&fetch->headers);
    buf_done(&fetch->body);
    free(fetch);
}

/* Destroys what (2) kept alive. */
static void fetch_settle(struct fetch *fetch)
{
    if (fetch->orphaned && !fetch->posted && !fetch->in_sink && !is_awaited(fetch))
        fetch_destroy(fetch);
}

static void fetch_free(struct handle *handle)
{
    struct fetch *fetch = CONTAINER_OF(handle, struct fetch, handle);

    fetch->orphaned = true;
    fetch_settle(fetch);
}

static void sink_end(struct fetch *fetch)
{
    struct op_fetch_sink *sink = fetch->sink;

    fetch->sink = NULL;
    sink->fetch = NULL;
    sink->end(sink, fetch->code ? fetch->text : NULL);
}

/* The isolate ends. Its tasks have been dropped; fetch_free() follows when the VM dies, unless the
 * object was collected before. */
static void on_isolate_end(struct resource *resource)
{
    struct fetch *fetch = CONTAINER_OF(resource, struct fetch, resource);

    fetch_cancel(fetch, ERR_CLOSED, "the isolate has ended");
    if (fetch->sink)
        sink_end(fetch);
    memset(fetch->waits, 0, sizeof fetch->waits);
    fetch->iso = NULL;
    fetch_settle(fetch);
}

/* --- from the client to JavaScript ---------------------------------------------------------- */

static bool is_ready(const struct fetch *fetch, enum wait wait)
{
    if (!fetch->waits[wait])
        return false;
    if (!fetch->request)
        return true;
    switch (wait) {
    case WAIT_HEAD:
        return fetch->head_came;
    case WAIT_PULL:
        return fetch->body.len > 0;
    case WAIT_DRAIN:
        return client_send_queued(fetch->request) < WRITE_HIGH_WATER_BYTES;
    default:
        return false;
    }
}

/* Holds the upstream back while nobody reads: not while all of the body is being collected. */
static void fetch_flow(struct fetch *fetch)
{
    bool full = fetch->body.len >= BODY_HIGH_WATER_BYTES && !fetch->waits[WAIT_COLLECT];

    if (fetch->sink)
        return;
    if (!fetch->request || full == fetch->paused)
        return;
    fetch->paused = full;
    if (full)
        client_pause(fetch->request);
    else
        client_resume(fetch->request);
}

static JSValueRef body_take(struct fetch *fetch, JSContextRef ctx)
{
    size_t len;
    char *bytes = buf_take(&fetch->body, &len);

    return value_bytes_take(ctx, bytes, len);
}

/* WHATWG Encoding, "UTF-8 decode". */
static JSValueRef text_take(struct fetch *fetch, JSContextRef ctx)
{
    size_t len;
    char *text = buf_take(&fetch->body, &len);
    JSValueRef value = value_string(ctx, utf8_skip_bom((str){text, len}));

    free(text);
    return value;
}

static JSValueRef error_of(const struct fetch *fetch, JSContextRef ctx)
{
    return value_error(ctx, fetch->code == ERR_LIMIT ? ERR_LIMIT : ERR_NETWORK, fetch->text);
}

/* The status, plus a thousand times (the length of the body + 1) when that is known. */
static JSValueRef head_value(struct fetch *fetch, JSContextRef ctx)
{
    value_add_weight(ctx, fetch->body.len);
    return JSValueMakeNumber(ctx, fetch->status + 1000.0 * (double)(fetch->length + 1));
}

/* A piece of the body, null at its end; undefined: *ret_error tells. */
static JSValueRef pull_value(struct fetch *fetch, JSContextRef ctx, JSValueRef *ret_error)
{
    if (fetch->body.len)
        return body_take(fetch, ctx);
    if (fetch->code == 0)
        return JSValueMakeNull(ctx);
    *ret_error = error_of(fetch, ctx);
    return JSValueMakeUndefined(ctx);
}

static JSValueRef value_of(struct fetch *fetch, JSContextRef ctx, enum wait wait,
                           JSValueRef *ret_error)
{
    if (wait == WAIT_PULL)
        return pull_value(fetch, ctx, ret_error);
    if (wait == WAIT_HEAD && fetch->head_came)
        return head_value(fetch, ctx);
    if (wait != WAIT_DRAIN && fetch->code)
        *ret_error = error_of(fetch, ctx);
    else if (wait == WAIT_COLLECT)
        return fetch->collect_text ? text_take(fetch, ctx) : body_take(fetch, ctx);
    return JSValueMakeUndefined(ctx);
}

static void deliver(struct fetch *fetch, enum wait wait)
{
    JSContextRef ctx = isolate_context(fetch->iso);
    JSValueRef error = NULL, value;
    int32_t id = fetch->waits[wait];

    value = value_of(fetch, ctx, wait, &error);
    fetch->waits[wait] = 0;
    fetch_flow(fetch);
    hook_complete(fetch->iso, id, error, value);
}

static void on_task(struct isolate *iso, struct task *task)
{
    struct fetch *fetch = CONTAINER_OF(task, struct fetch, task);

    fetch->posted = false;
    for (int i = 0; i < WAIT_COUNT; i++)
        if (!isolate_is_terminated(iso) && is_ready(fetch, (enum wait)i))
            deliver(fetch, (enum wait)i);
    fetch_settle(fetch);
}

static void on_task_dropped(struct task *task)
{
    CONTAINER_OF(task, struct fetch, task)->posted = false;
}

static void fetch_wake(struct fetch *fetch)
{
    bool any = false;

    for (int i = 0; i < WAIT_COUNT; i++)
        any |= is_ready(fetch, (enum wait)i);
    if (!any || fetch->posted || !fetch->iso)
        return;
    fetch->posted = true;
    isolate_post(fetch->iso, &fetch->task);
}

/* The value of the last header of that name. */
static bool header_find(str headers, str name, str *ret_value)
{
    bool found = false;

    while (headers.len) {
        str line = str_head(headers, str_find(headers, '\n'));

        if (line.len > name.len && line.ptr[name.len] == ':' && str_starts(line, name)) {
            *ret_value = str_trim(str_skip(line, name.len + 1));
            found = true;
        }
        headers = str_skip(headers, line.len + 1);
    }
    return found;
}

static bool has_body(const struct fetch *fetch)
{
    int status = fetch->status;

    return !fetch->is_head && status != 101 && status != 204 && status != 205 && status != 304;
}

/* What belongs to a coded body is not shown with the decoded one. */
static void add_headers(struct fetch *fetch, str headers)
{
    str value;
    bool coded = has_body(fetch) && field_body_is_decoded(headers);
    uint64_t length;

    fetch->length = -1;
    if (!coded && header_find(headers, STR("content-length"), &value) &&
        str_to_u64(value, LENGTH_MAX, &length))
        fetch->length = (int64_t)length;
    while (headers.len) {
        size_t end = str_find(headers, '\n') + 1;
        str line = str_head(headers, end);

        if (!coded || (!str_starts(line, STR("content-encoding:")) &&
                       !str_starts(line, STR("content-length:"))))
            ASSERT(buf_append(&fetch->headers, line) == 0);
        headers = str_skip(headers, end);
    }
}

static void on_head(void *owner, int status, str reason, str headers)
{
    struct fetch *fetch = owner;

    fetch->head_came = true;
    fetch->status = status;
    ASSERT(buf_append(&fetch->reason, reason) == 0);
    add_headers(fetch, headers);
    fetch_wake(fetch);
}

static void sink_data(struct fetch *fetch, str bytes)
{
    bool more;

    fetch->in_sink = true;
    more = fetch->sink->data(fetch->sink, bytes);
    fetch->in_sink = false;
    if (!more && fetch->sink && fetch->request && !fetch->paused) {
        fetch->paused = true;
        client_pause(fetch->request);
    }
    fetch_settle(fetch);
}

static void on_data(void *owner, str bytes)
{
    struct fetch *fetch = owner;

    if (fetch->sink) {
        sink_data(fetch, bytes);
        return;
    }
    if (buf_append(&fetch->body, bytes) < 0)
        fetch_cancel(fetch, ERR_LIMIT, "the body is larger than 128 MiB");
    fetch_flow(fetch);
    fetch_wake(fetch);
}

static void on_drain(void *owner)
{
    fetch_wake(owner);
}

static void on_done(void *owner, int code, const char *text)
{
    struct fetch *fetch = owner;

    fetch_over(fetch, code, text);
    if (!fetch->sink) {
        fetch_wake(fetch);
        return;
    }
    sink_end(fetch);
    fetch_settle(fetch);
}

static const struct client_hooks client_hooks = {on_head, on_data, on_drain, on_done};

/* --- ops ------------------------------------------------------------------------------------ */

OP(op_fetch_pool)
{
    struct pool *pool = mem_new(struct pool);

    pool->handle.kind = pool_kind;
    pool->handle.free = pool_free;
    pool->refs = 1;
    return handle_object(ctx, &pool->handle);
}

/* What value_to_buf() made of a string of characters up to U+00FF, back to one byte each. */
static str latin1_of(struct buf *utf8)
{
    size_t to = 0;

    for (size_t from = 0; from < utf8->len; from++) {
        unsigned char c = (unsigned char)utf8->ptr[from];

        if ((c & 0xFC) == 0xC0 && from + 1 < utf8->len)
            c = (unsigned char)(c << 6 | (utf8->ptr[++from] & 0x3F));
        utf8->ptr[to++] = (char)c;
    }
    utf8->len = to;
    return buf_str(utf8);
}

/* Texts of one op_fetch_start(), until the client has copied them. */
struct start {
    struct client_options options;
    struct buf method;
    struct buf url;
    struct buf headers;
    struct buf body;
};

static int start_take_body(struct start *start, JSContextRef ctx, JSValueRef value,
                           JSValueRef length, JSValueRef *exception)
{
    struct client_options *options = &start->options;
    const void *bytes;
    size_t len;
    int r = 0;

    options->body_length = -1;
    if (JSValueIsUndefined(ctx, value))
        return 0;
    if (JSValueIsBoolean(ctx, value)) {
        options->body_kind = CLIENT_BODY_STREAM;
        options->body_length = (int64_t)value_to_number(ctx, length, -1);
        return 0;
    }
    options->body_kind = CLIENT_BODY_BYTES;
    if (value_view(ctx, value, &bytes, &len))
        r = buf_append(&start->body, (str){bytes, len});
    else
        r = value_to_buf(ctx, value, &start->body, exception);
    options->body = buf_str(&start->body);
    return r;
}

static int start_take(struct start *start, JSContextRef ctx, size_t argc, const JSValueRef argv[],
                      JSValueRef *exception)
{
    int r;

    *start = (struct start){0};
    buf_init(&start->method, TEXT_BYTES_MAX);
    buf_init(&start->url, CLIENT_URL_BYTES_MAX);
    buf_init(&start->headers, HEADERS_BYTES_MAX);
    buf_init(&start->body, SEND_BYTES_MAX);
    if ((r = value_to_buf(ctx, OP_ARG(2), &start->method, exception)) < 0 ||
        (r = value_to_buf(ctx, OP_ARG(3), &start->url, exception)) < 0 ||
        (!JSValueIsUndefined(ctx, OP_ARG(4)) &&
         (r = value_to_buf(ctx, OP_ARG(4), &start->headers, exception)) < 0) ||
        (r = start_take_body(start, ctx, OP_ARG(5), OP_ARG(6), exception)) < 0)
        return r;
    start->options.method = buf_str(&start->method);
    start->options.url = buf_str(&start->url);
    start->options.headers = latin1_of(&start->headers);
    return 0;
}

static void start_done(struct start *start)
{
    buf_done(&start->method);
    buf_done(&start->url);
    buf_done(&start->headers);
    buf_done(&start->body);
}

static struct fetch *fetch_new(struct pool *pool, int32_t id)
{
    struct fetch *fetch = mem_new(struct fetch);

    fetch->handle.kind = fetch_kind;
    fetch->handle.free = fetch_free;
    fetch->resource.close = on_isolate_end;
    fetch->task.run = on_task;
    fetch->task.drop = on_task_dropped;
    fetch->iso = isolate_current();
    fetch->pool = pool;
    fetch->waits[WAIT_HEAD] = id;
    buf_init(&fetch->reason, TEXT_BYTES_MAX);
    buf_init(&fetch->headers, 2 * CLIENT_HEAD_BYTES_MAX);
    buf_init(&fetch->body, BODY_COLLECT_BYTES_MAX);
    isolate_add_resource(fetch->iso, &fetch->resource);
    pool->refs++;
    return fetch;
}

static JSValueRef start_run(struct start *start, JSContextRef ctx, struct pool *pool, int32_t id,
                            JSValueRef *exception)
{
    struct fetch *fetch = fetch_new(pool, id);
    struct err err = {0};

    fetch->is_head = str_equal(start->options.method, STR("HEAD"));

    pool->active++;
    fetch->request = client_start(client_of_process(), &start->options, &client_hooks, fetch, &err);
    if (!fetch->request) {
        pool->active--;
        fetch_destroy(fetch);
        return value_throw(ctx, ERR_NETWORK, err.text, exception);
    }
    return handle_object(ctx, &fetch->handle);
}

OP(op_fetch_start)
{
    struct handle *handle = handle_need(ctx, OP_ARG(0), pool_kind, exception);
    struct pool *pool;
    struct start start;
    JSValueRef result = JSValueMakeUndefined(ctx);
    int r;

    OP_NEED(handle);
    pool = CONTAINER_OF(handle, struct pool, handle);
    if (pool->active >= POOL_REQUESTS_MAX)
        return value_throw(ctx, ERR_NETWORK,
                           "fetch failed: more than 256 requests at the same time; read or cancel "
                           "the bodies of earlier ones",
                           exception);
    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    value_lock(ctx);
    r = start_take(&start, ctx, argc, argv, exception);
    if (r == 0)
        result = start_run(&start, ctx, pool, (int32_t)value_to_number(ctx, OP_ARG(1), 0),
                           exception);
    else if (r == ERR_LIMIT)
        value_throw(ctx, ERR_LIMIT, "fetch failed: the request is too large", exception);
    start_done(&start);
    value_unlock(ctx);
    return result;
}

/* NULL, and throws, when it is none. */
static struct fetch *fetch_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, fetch_kind, exception);

    return handle ? CONTAINER_OF(handle, struct fetch, handle) : NULL;
}

OP(op_fetch_reason)
{
    const struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);

    OP_NEED(fetch);
    return value_latin1(ctx, buf_str(&fetch->reason));
}

/* The answer's header lines, "name: value\n" each. */
OP(op_fetch_headers)
{
    const struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);

    OP_NEED(fetch);
    return value_latin1(ctx, buf_str(&fetch->headers));
}

/* A worker that replaces `then` can bring the built-in script to wait twice for the same. */
static JSValueRef wait_for(JSContextRef ctx, struct fetch *fetch, enum wait wait, JSValueRef id,
                           JSValueRef *exception)
{
    OP_NEED(fetch);
    if (fetch->waits[wait])
        return value_throw(ctx, ERR_INVALID, "the answer is being read already", exception);
    fetch->waits[wait] = (int32_t)value_to_number(ctx, id, 0);
    fetch_flow(fetch);
    fetch_wake(fetch);
    return JSValueMakeUndefined(ctx);
}

/* Without an id: the next piece, null at the end, or undefined when nothing is there; with one:
 * completes `id` with a piece or null. */
OP(op_fetch_pull)
{
    struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);
    JSValueRef value;

    OP_NEED(fetch);
    if (argc > 1)
        return wait_for(ctx, fetch, WAIT_PULL, OP_ARG(1), exception);
    if (fetch->body.len == 0 && fetch->request)
        return JSValueMakeUndefined(ctx);
    value = pull_value(fetch, ctx, exception);
    fetch_flow(fetch);
    return value;
}

/* The rest of the body, a string when as_text. Without an id: when all of it is there, else
 * undefined; with one: completes `id` with it. */
OP(op_fetch_collect)
{
    struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);

    OP_NEED(fetch);
    fetch->collect_text = JSValueToBoolean(ctx, OP_ARG(1));
    if (argc > 2)
        return wait_for(ctx, fetch, WAIT_COLLECT, OP_ARG(2), exception);
    if (fetch->request)
        return JSValueMakeUndefined(ctx);
    return value_of(fetch, ctx, WAIT_COLLECT, exception);
}

/* Queues a piece of the request's body. Returns false when the producer must wait for
 * op_fetch_drain() before the next one. */
OP(op_fetch_write)
{
    struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);
    const void *bytes;
    size_t len;

    OP_NEED(fetch);
    if (!value_view(ctx, OP_ARG(1), &bytes, &len) || len > WRITE_BYTES_MAX)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (!fetch->request)
        return JSValueMakeBoolean(ctx, true);
    if (client_send_queued(fetch->request) > WRITE_BYTES_MAX)
        return value_throw(ctx, ERR_LIMIT, "too much is queued of the request's body", exception);
    client_send(fetch->request, (str){bytes, len});
    return JSValueMakeBoolean(ctx, client_send_queued(fetch->request) < WRITE_HIGH_WATER_BYTES);
}

OP(op_fetch_drain)
{
    return wait_for(ctx, fetch_of(ctx, OP_ARG(0), exception), WAIT_DRAIN, OP_ARG(1), exception);
}

OP(op_fetch_end)
{
    struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);

    OP_NEED(fetch);
    if (fetch->request)
        client_send_end(fetch->request);
    return JSValueMakeUndefined(ctx);
}

/* True while the exchange is under way: a producer need not go on otherwise. */
OP(op_fetch_is_open)
{
    const struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);

    OP_NEED(fetch);
    return JSValueMakeBoolean(ctx, fetch->request != NULL);
}

/* Ends the exchange and forgets what has arrived; completions under way are rejected. */
OP(op_fetch_cancel)
{
    struct fetch *fetch = fetch_of(ctx, OP_ARG(0), exception);

    OP_NEED(fetch);
    fetch_cancel(fetch, ERR_NETWORK, "it was cancelled");
    buf_done(&fetch->body);
    if (fetch->sink)
        sink_end(fetch);
    fetch_wake(fetch);
    return JSValueMakeUndefined(ctx);
}

/* --- bodies that stay in C ------------------------------------------------------------------- */

bool op_fetch_pipe(JSContextRef ctx, JSValueRef value, struct op_fetch_sink *sink)
{
    struct handle *handle = handle_of(ctx, value, fetch_kind);
    struct fetch *fetch = handle ? CONTAINER_OF(handle, struct fetch, handle) : NULL;
    bool was_paused;

    if (!fetch || fetch->sink)
        return false;
    was_paused = fetch->paused;
    fetch->sink = sink;
    sink->fetch = fetch;
    if (fetch->body.len) {
        sink_data(fetch, buf_str(&fetch->body));
        buf_done(&fetch->body);
    }
    if (fetch->sink && !fetch->request)
        sink_end(fetch);
    else if (fetch->sink && was_paused)
        op_fetch_sink_resume(sink);
    return true;
}

str op_fetch_head_lines(JSContextRef ctx, JSValueRef value)
{
    struct handle *handle = handle_of(ctx, value, fetch_kind);

    return handle ? buf_str(&CONTAINER_OF(handle, struct fetch, handle)->headers) : STR_NONE;
}

void op_fetch_discard(JSContextRef ctx, JSValueRef value)
{
    struct handle *handle = handle_of(ctx, value, fetch_kind);
    struct fetch *fetch = handle ? CONTAINER_OF(handle, struct fetch, handle) : NULL;

    if (!fetch || fetch->sink)
        return;
    fetch_cancel(fetch, ERR_NETWORK, "it was cancelled");
    buf_done(&fetch->body);
}

void op_fetch_sink_resume(struct op_fetch_sink *sink)
{
    struct fetch *fetch = sink->fetch;

    if (!fetch->request || !fetch->paused)
        return;
    fetch->paused = false;
    client_resume(fetch->request);
}

void op_fetch_sink_drop(struct op_fetch_sink *sink)
{
    struct fetch *fetch = sink->fetch;

    fetch->sink = NULL;
    sink->fetch = NULL;
    fetch_cancel(fetch, ERR_CLOSED, "nobody reads the body any more");
    fetch_settle(fetch);
}

const struct op op_fetch_table[] = {
    {"op_fetch_pool", op_fetch_pool},
    {"op_fetch_start", op_fetch_start},
    {"op_fetch_reason", op_fetch_reason},
    {"op_fetch_headers", op_fetch_headers},
    {"op_fetch_pull", op_fetch_pull},
    {"op_fetch_collect", op_fetch_collect},
    {"op_fetch_write", op_fetch_write},
    {"op_fetch_drain", op_fetch_drain},
    {"op_fetch_end", op_fetch_end},
    {"op_fetch_is_open", op_fetch_is_open},
    {"op_fetch_cancel", op_fetch_cancel},
    {0},
};
