/* The native side of WebSockets, under js/websocket.js.
 *
 *   op_websocket_connect(tls, host, port, head, protocols, wantsAnswer)   a new connection
 *   op_websocket_next(socket, id)     completes `id` with what happened next, in order:
 *                                     [status, lines, body], a server's answer (101: it is open);
 *                                     a string or a Uint8Array, a message;
 *                                     [clean, code, reason], the end
 *   op_websocket_send(socket, data)   op_websocket_close(socket, code, reason)
 *   op_websocket_buffered(socket)     op_websocket_number(socket)
 *
 * What the link tells is appended to `events`; the one task of the socket completes the number that
 * waits with the first of them.
 *
 * (1) One event a task: each message gets a microtask checkpoint and a CPU meter of its own.
 * (2) An object that was collected with nothing waiting is destroyed, and its connection cut.
 * (3) `iso` is NULL once the isolate is gone; then nothing is posted. */
#include "web/op_websocket.h"

#include <stdlib.h>

#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/op.h"
#include "engine/value.h"
#include "http/upgrade.h"
#include "http/websocket_client.h"
#include "http/websocket_link.h"
#include "web/web.h"

enum {
    EVENTS_HIGH_WATER_BYTES = 256 << 10,  /* of messages nobody took: the peer is held back */
    EVENTS_BYTES_MAX = 64 << 20,          /* never reached: one read brings less */
    HEAD_BYTES_MAX = 256 << 10,
    NUMBERS = 1 << 30,
};

#define TOO_MANY "This worker has 4096 open WebSockets, which is the most."

enum event_kind { EVENT_ANSWER, EVENT_TEXT, EVENT_BYTES, EVENT_END };

/* Followed by `len` bytes in `events`. */
struct event {
    uint32_t len;
    uint32_t head_len;  /* of an answer: what of it is status line and headers */
    uint16_t code;
    uint8_t kind;
    bool clean;
};

struct socket_object {
    struct handle handle;
    struct resource resource;
    struct list link;       /* in `sockets` */
    struct task task;
    struct isolate *iso;
    struct websocket_client *client; /* while it connects */
    struct websocket_link *ws;       /* once it is open */
    int32_t number;         /* what CELL_CURRENT says while it works for us: negative */
    int32_t wait_id;        /* the completion that waits for the next event; 0 none */
    struct isolate_spent spent;
    struct buf events;
    size_t taken;           /* bytes of `events` that were handed out */
    bool over;              /* the end is in `events`, or was */
    bool posted;
    bool orphaned;          /* its object was collected */
    bool served;            /* its peer is a client of the worker: its bytes count */
};

static const char socket_kind[] = "websocket";
static struct list sockets = {&sockets, &sockets};
static struct socket_object *latest; /* that got an event: most likely the one that is metered */

/* ---- life ---- */

static void let_go(struct socket_object *socket, int code)
{
    if (socket->client)
        websocket_client_cancel(socket->client);
    websocket_link_free(socket->ws, code);
    socket->client = NULL;
    socket->ws = NULL;
}

/* No more comes of it. */
static void set_over(struct socket_object *socket)
{
    if (!socket->over && socket->iso)
        isolate_hold(socket->iso, -1);
    socket->over = true;
}

static void destroy(struct socket_object *socket)
{
    if (latest == socket)
        latest = NULL;
    set_over(socket);
    list_remove(&socket->link);
    isolate_remove_resource(&socket->resource);
    let_go(socket, WEBSOCKET_GOING_AWAY);
    buf_done(&socket->events);
    free(socket);
}

static void settle(struct socket_object *socket)
{
    if (socket->orphaned && !socket->posted && !socket->wait_id)
        destroy(socket);
}

static void on_free(struct handle *handle)
{
    struct socket_object *socket = CONTAINER_OF(handle, struct socket_object, handle);

    socket->orphaned = true;
    settle(socket);
}

static void on_isolate_end(struct resource *resource)
{
    struct socket_object *socket = CONTAINER_OF(resource, struct socket_object, resource);

    socket->iso = NULL;
    socket->wait_id = 0;
    let_go(socket, WEBSOCKET_INTERNAL_ERROR);
    settle(socket);
}

/* How many are open or opening. */
static size_t count_of(const struct isolate *iso)
{
    size_t count = 0;

    LIST_EACH(&sockets, link) {
        struct socket_object *socket = CONTAINER_OF(link, struct socket_object, link);
        count += socket->iso == iso && !socket->over;
    }
    return count;
}

/* ---- events ---- */

static size_t waiting_bytes(const struct socket_object *socket)
{
    return socket->events.len - socket->taken;
}

static void flow(struct socket_object *socket)
{
    if (!socket->ws)
        return;
    websocket_link_pause(socket->ws, waiting_bytes(socket) >= EVENTS_HIGH_WATER_BYTES);
}

static void wake(struct socket_object *socket)
{
    if (!socket->wait_id || !waiting_bytes(socket) || socket->posted || !socket->iso)
        return;
    socket->posted = true;
    isolate_post(socket->iso, &socket->task);
}

static void add_event(struct socket_object *socket, struct event event, str bytes)
{
    event.len = (uint32_t)bytes.len;
    ASSERT(buf_append(&socket->events, (str){(const char *)&event, sizeof event}) == 0);
    ASSERT(buf_append(&socket->events, bytes) == 0);
    wake(socket);
}

static void on_message(void *owner, bool is_text, str data)
{
    struct socket_object *socket = owner;

    if (socket->served && socket->iso)
        isolate_add_bytes(socket->iso, data.len, 0);
    add_event(socket, (struct event){.kind = is_text ? EVENT_TEXT : EVENT_BYTES}, data);
    flow(socket);
}

static void on_closed(void *owner, bool clean, int code, str reason)
{
    struct socket_object *socket = owner;

    set_over(socket);
    add_event(socket, (struct event){.kind = EVENT_END, .clean = clean, .code = (uint16_t)code},
              reason);
}

static const struct websocket_link_hooks link_hooks = {on_message, on_closed};

static JSValueRef answer_value(JSContextRef ctx, struct event event, str bytes)
{
    str body = str_skip(bytes, event.head_len);
    JSValueRef parts[] = {JSValueMakeNumber(ctx, event.code),
                          value_latin1(ctx, str_head(bytes, event.head_len)),
                          value_bytes(ctx, body.ptr, body.len)};

    return JSObjectMakeArray(ctx, COUNT_OF(parts), parts, NULL);
}

static JSValueRef event_value(JSContextRef ctx, struct event event, str bytes)
{
    if (event.kind == EVENT_TEXT)
        return value_string(ctx, bytes);
    if (event.kind == EVENT_BYTES)
        return value_bytes(ctx, bytes.ptr, bytes.len);
    if (event.kind == EVENT_ANSWER)
        return answer_value(ctx, event, bytes);
    JSValueRef end[] = {JSValueMakeBoolean(ctx, event.clean), JSValueMakeNumber(ctx, event.code),
                        value_string(ctx, bytes)};
    return JSObjectMakeArray(ctx, COUNT_OF(end), end, NULL);
}

static JSValueRef take_event(struct socket_object *socket, JSContextRef ctx)
{
    struct event event;
    str rest = str_skip(buf_str(&socket->events), socket->taken);
    JSValueRef value;

    memcpy(&event, rest.ptr, sizeof event);
    value = event_value(ctx, event, str_head(str_skip(rest, sizeof event), event.len));
    socket->taken += sizeof event + event.len;
    if (!waiting_bytes(socket)) {
        buf_done(&socket->events);
        socket->taken = 0;
    }
    if (event.kind == EVENT_END)
        let_go(socket, WEBSOCKET_GOING_AWAY); /* the object may be collected much later */
    return value;
}

static void on_task(struct isolate *iso, struct task *task)
{
    struct socket_object *socket = CONTAINER_OF(task, struct socket_object, task);
    int32_t id = socket->wait_id;

    socket->posted = false;
    if (id && waiting_bytes(socket)) {
        JSValueRef value = take_event(socket, isolate_context(iso));
        socket->wait_id = 0;
        socket->spent = (struct isolate_spent){0};
        latest = socket;
        flow(socket);
        hook_complete(iso, id, NULL, value);
    }
    settle(socket);
}

static void on_task_dropped(struct task *task)
{
    CONTAINER_OF(task, struct socket_object, task)->posted = false;
}

/* ---- made for a request's connection ---- */

static struct socket_object *socket_new(void)
{
    static int32_t last;
    struct socket_object *socket = mem_new(struct socket_object);

    last = last % NUMBERS + 1;
    socket->number = -last;
    socket->handle = (struct handle){.kind = socket_kind, .free = on_free};
    socket->resource.close = on_isolate_end;
    socket->task = (struct task){.run = on_task, .drop = on_task_dropped};
    socket->iso = isolate_current();
    buf_init(&socket->events, EVENTS_BYTES_MAX);
    isolate_add_resource(socket->iso, &socket->resource);
    isolate_hold(socket->iso, 1);
    list_push(&sockets, &socket->link);
    return socket;
}

static void on_upgrade_data(void *owner, str bytes)
{
    struct socket_object *socket = owner;

    websocket_link_received(socket->ws, bytes);
}

static void on_upgrade_drain(void *owner)
{
    (void)owner; /* the link looks at the queue when it matters */
}

static void on_upgrade_gone(void *owner)
{
    struct socket_object *socket = owner;

    websocket_link_lost(socket->ws, STR("the connection was lost"));
}

JSValueRef op_websocket_accept(JSContextRef ctx, struct http_request *request, str head,
                               bool deflate, JSValueRef *exception)
{
    static const struct upgrade_hooks hooks = {on_upgrade_data, on_upgrade_drain, on_upgrade_gone};
    struct socket_object *socket;
    struct upgrade *upgrade;

    if (count_of(isolate_current()) >= WEBSOCKETS_OF_ISOLATE_MAX)
        return value_throw(ctx, ERR_LIMIT, TOO_MANY, exception);
    socket = socket_new();
    upgrade = upgrade_start(request, head, &hooks, socket);
    if (!upgrade) {
        destroy(socket);
        return JSValueMakeUndefined(ctx);
    }
    socket->ws = websocket_link_new(isolate_loop(),
                                    (struct websocket_terms){.role = WEBSOCKET_SERVER,
                                                             .deflate = deflate},
                                    &upgrade_transport, upgrade, &link_hooks, socket);
    socket->served = true;
    return handle_object(ctx, &socket->handle);
}

void op_websocket_leave(struct isolate *iso, int code)
{
    LIST_EACH(&sockets, link) {
        struct socket_object *socket = CONTAINER_OF(link, struct socket_object, link);
        if (iso && socket->iso != iso)
            continue;
        if (socket->ws)
            websocket_link_leave(socket->ws, code);
    }
}

struct isolate_spent *op_websocket_meter(const struct isolate *iso, int32_t id)
{
    if (latest && latest->number == id && latest->iso == iso)
        return &latest->spent;
    LIST_EACH(&sockets, link) {
        struct socket_object *socket = CONTAINER_OF(link, struct socket_object, link);
        if (socket->number == id && socket->iso == iso)
            return &socket->spent;
    }
    return NULL;
}

/* ---- made for a connection to another server ---- */

static void on_open(void *owner, struct websocket_link *ws, str lines)
{
    struct socket_object *socket = owner;

    socket->client = NULL;
    socket->ws = ws;
    add_event(socket,
              (struct event){.kind = EVENT_ANSWER, .code = 101, .head_len = (uint32_t)lines.len},
              lines);
}

static void on_answer(void *owner, int status, str lines, str body)
{
    struct socket_object *socket = owner;
    struct event event = {.kind = EVENT_ANSWER,
                          .code = (uint16_t)status,
                          .head_len = (uint32_t)lines.len};
    struct buf all;

    socket->client = NULL;
    set_over(socket); /* nothing else will come */
    buf_init(&all, lines.len + body.len);
    ASSERT(buf_append(&all, lines) == 0 && buf_append(&all, body) == 0);
    add_event(socket, event, buf_str(&all));
    buf_done(&all);
}

static void on_failed(void *owner, const char *text)
{
    struct socket_object *socket = owner;

    socket->client = NULL;
    on_closed(socket, false, WEBSOCKET_ABNORMAL, str_from(text));
}

static const struct websocket_client_hooks client_hooks = {on_open, on_answer, on_failed};

/* ---- ops ---- */

/* NULL, and throws, when it is none. */
static struct socket_object *socket_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, socket_kind, exception);

    return handle ? CONTAINER_OF(handle, struct socket_object, handle) : NULL;
}

str op_websocket_narrow(char *utf8, size_t len)
{
    size_t to = 0;

    for (size_t from = 0; from < len; from++) {
        unsigned char c = (unsigned char)utf8[from];
        if (c >= 0xC2 && c <= 0xC3 && from + 1 < len)
            c = (unsigned char)((c & 3) << 6 | ((unsigned char)utf8[++from] & 0x3F));
        utf8[to++] = (char)c;
    }
    return (str){utf8, to};
}

/* Texts of one op_websocket_connect(), until the client has copied them. */
struct connect {
    struct buf host;
    struct buf head;
    struct buf protocols;
};

static JSValueRef connect_run(JSContextRef ctx, struct websocket_client_options *options,
                              JSValueRef *exception)
{
    struct socket_object *socket;
    struct err err = {0};

    if (count_of(isolate_current()) >= WEBSOCKETS_OF_ISOLATE_MAX)
        return value_throw(ctx, ERR_LIMIT, TOO_MANY, exception);
    socket = socket_new();
    socket->client = websocket_client_open(isolate_loop(), options, &client_hooks, &link_hooks,
                                           socket, &err);
    if (!socket->client)
        on_closed(socket, false, WEBSOCKET_ABNORMAL, str_from(err.text));
    return handle_object(ctx, &socket->handle);
}

/* (tls, host, port, head, protocols, wantsAnswer): see struct websocket_client_options. What goes
 * wrong is told by an event. */
OP(op_websocket_connect)
{
    JSValueRef result = JSValueMakeUndefined(ctx);
    struct connect texts;

    if (!isolate_subrequest(isolate_current()))
        return value_throw(ctx, ERR_SUBREQUESTS, NULL, exception);
    buf_init(&texts.host, HEAD_BYTES_MAX);
    buf_init(&texts.head, HEAD_BYTES_MAX);
    buf_init(&texts.protocols, HEAD_BYTES_MAX);
    value_lock(ctx);
    if (value_to_buf(ctx, OP_ARG(1), &texts.host, exception) < 0 ||
        value_to_buf(ctx, OP_ARG(3), &texts.head, exception) < 0 ||
        value_to_buf(ctx, OP_ARG(4), &texts.protocols, exception) < 0) {
        if (!*exception)
            value_throw(ctx, ERR_LIMIT, "The handshake of the WebSocket is too large.", exception);
    } else {
        struct websocket_client_options options = {
            .host = buf_str(&texts.host),
            .port = (uint16_t)value_to_number(ctx, OP_ARG(2), 0),
            .tls = JSValueToBoolean(ctx, OP_ARG(0)),
            .head = op_websocket_narrow(texts.head.ptr, texts.head.len),
            .protocols = buf_str(&texts.protocols),
            .wants_answer = JSValueToBoolean(ctx, OP_ARG(5)),
            .rules = outbound_rules(),
        };
        result = connect_run(ctx, &options, exception);
    }
    value_unlock(ctx);
    buf_done(&texts.host);
    buf_done(&texts.head);
    buf_done(&texts.protocols);
    return result;
}

/* Gives a connection up that is not open yet, which its next event tells. */
OP(op_websocket_abort)
{
    struct socket_object *socket = socket_of(ctx, OP_ARG(0), exception);

    OP_NEED(socket);
    if (socket->client) {
        websocket_client_cancel(socket->client);
        on_failed(socket, "it was closed before the connection was established");
    }
    return JSValueMakeUndefined(ctx);
}

OP(op_websocket_next)
{
    struct socket_object *socket = socket_of(ctx, OP_ARG(0), exception);

    OP_NEED(socket);
    if (socket->wait_id) /* a worker that replaces `then` brings the built-in script here twice */
        return value_throw(ctx, ERR_INVALID, "the WebSocket is being read already", exception);
    socket->wait_id = (int32_t)value_to_number(ctx, OP_ARG(1), 0);
    wake(socket);
    return JSValueMakeUndefined(ctx);
}

/* data: a string or bytes. When too much waits to be sent the connection is cut, which the next
 * event tells. */
OP(op_websocket_send)
{
    struct socket_object *socket = socket_of(ctx, OP_ARG(0), exception);
    const void *bytes;
    size_t len;
    char *text = NULL;
    bool is_text = JSValueIsString(ctx, OP_ARG(1));

    OP_NEED(socket);
    if (is_text && !(text = value_to_utf8(ctx, OP_ARG(1), &len, exception)))
        return JSValueMakeUndefined(ctx);
    if (!is_text && !value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (socket->served)
        isolate_add_bytes(isolate_current(), 0, len);
    if (socket->ws)
        websocket_link_send(socket->ws, is_text, (str){is_text ? text : bytes, len});
    free(text);
    return JSValueMakeUndefined(ctx);
}

/* (socket, code, reason): code 0 for a Close without one; reason has at most 123 bytes as UTF-8. */
OP(op_websocket_close)
{
    struct socket_object *socket = socket_of(ctx, OP_ARG(0), exception);
    struct buf reason;
    int r;

    OP_NEED(socket);
    buf_init(&reason, 1024); /* a conversion reserves more than it takes */
    r = value_to_buf(ctx, OP_ARG(2), &reason, exception);
    if (r == ERR_LIMIT || reason.len > WEBSOCKET_REASON_BYTES_MAX)
        value_throw(ctx, ERR_LIMIT, "the reason of a Close is too long", exception);
    else if (r == 0 && socket->ws)
        websocket_link_close(socket->ws, (int)value_to_number(ctx, OP_ARG(1), 0), buf_str(&reason));
    buf_done(&reason);
    return JSValueMakeUndefined(ctx);
}

/* Bytes of messages that have not gone out. */
OP(op_websocket_buffered)
{
    const struct socket_object *socket = socket_of(ctx, OP_ARG(0), exception);

    OP_NEED(socket);
    return JSValueMakeNumber(ctx, socket->ws ? (double)websocket_link_queued(socket->ws) : 0);
}

OP(op_websocket_number)
{
    const struct socket_object *socket = socket_of(ctx, OP_ARG(0), exception);

    OP_NEED(socket);
    return JSValueMakeNumber(ctx, socket->number);
}

const struct op op_websocket_table[] = {
    {"op_websocket_abort", op_websocket_abort},
    {"op_websocket_connect", op_websocket_connect},
    {"op_websocket_next", op_websocket_next},
    {"op_websocket_send", op_websocket_send},
    {"op_websocket_close", op_websocket_close},
    {"op_websocket_buffered", op_websocket_buffered},
    {"op_websocket_number", op_websocket_number},
    {0},
};
