/* The client's side of WebSockets; see websocket_client.h.
 *
 *   CONNECTING ──on_open──> ASKING ──101──> OPEN ──the link lets go──> ENDING ──> freed
 *                              │              └──lost────────────────────────────^
 *                              └──any other answer, or a failure──> freed
 *
 * (1) `link` is set exactly in OPEN; it is its owner's, we only hand it what comes.
 * (2) Our memory is freed when libuv has closed the timer; `socket` is NULL from then on. */
#include "http/websocket_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/chunked.h"
#include "http/handshake.h"
#include "http/head.h"
#include "http/socket.h"

enum {
    END_MS = 2000,
    TEXT_BYTES_MAX = 512,
    PROTOCOLS_BYTES_MAX = 16 << 10,
    REQUEST_BYTES_MAX = 320 << 10,
    SWITCHING_PROTOCOLS = 101,
};

enum client_state { CLIENT_CONNECTING, CLIENT_ASKING, CLIENT_OPEN, CLIENT_ENDING };

struct websocket_client {
    enum client_state state;
    struct socket *socket;
    uv_timer_t timer;
    const struct websocket_client_hooks *hooks;
    const struct websocket_link_hooks *link_hooks;
    void *owner;
    struct websocket_link *link;
    char key[HANDSHAKE_KEY_BYTES];
    struct buf request;
    struct buf protocols;
    struct buf answer;
    bool wants_answer;
};

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *timer)
{
    struct websocket_client *client = timer->data;

    buf_done(&client->request);
    buf_done(&client->protocols);
    buf_done(&client->answer);
    free(client);
}

static void release(struct websocket_client *client)
{
    if (client->socket)
        socket_close(client->socket);
    client->socket = NULL;
    client->link = NULL;
    client->state = CLIENT_ENDING;
    if (!uv_is_closing((uv_handle_t *)&client->timer))
        uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

void websocket_client_cancel(struct websocket_client *client)
{
    release(client);
}

static void fail(struct websocket_client *client, const char *text)
{
    client->hooks->on_failed(client->owner, text);
    release(client);
}

static void on_time(uv_timer_t *timer)
{
    struct websocket_client *client = timer->data;

    if (client->state == CLIENT_ASKING)
        fail(client, "the server did not answer the handshake within 30 s");
    else
        release(client);
}

/* ---- under the link ---- */

static void transport_write(void *transport, str bytes)
{
    struct websocket_client *client = transport;

    ASSERT(socket_write(client->socket, bytes) == 0); /* the link's bound is the lower one */
}

static size_t transport_queued(const void *transport)
{
    const struct websocket_client *client = transport;

    return socket_queued(client->socket);
}

static void transport_pause(void *transport, bool paused)
{
    struct websocket_client *client = transport;

    if (paused)
        socket_pause(client->socket);
    else
        socket_resume(client->socket);
}

static void transport_end(void *transport)
{
    struct websocket_client *client = transport;

    client->link = NULL;
    client->state = CLIENT_ENDING;
    socket_resume(client->socket);
    socket_end(client->socket);
    uv_timer_start(&client->timer, on_time, END_MS, 0);
}

static void transport_cut(void *transport)
{
    release(transport);
}

static const struct websocket_transport functions = {
    transport_write, transport_queued, transport_pause, transport_end, transport_cut};

/* ---- the answer ---- */

/* Where the empty line begins that ends the head; 0: it has not come. */
static size_t head_end(str bytes)
{
    size_t end = str_find_text(bytes, STR("\r\n\r\n"));

    return end < bytes.len ? end + 2 : 0;
}

/* Whether every line is "name: value" without control characters (RFC 9112 5). */
static bool lines_are_valid(str lines)
{
    while (lines.len) {
        size_t end = str_find(lines, '\n');
        str line = str_head(lines, end - (end > 0));
        size_t colon = str_find(line, ':');

        if (colon == 0 || colon == line.len)
            return false;
        for (size_t i = 0; i < line.len; i++) {
            unsigned char c = (unsigned char)line.ptr[i];
            if (i < colon ? !http_token_lower((char)c) : ((c < ' ' && c != '\t') || c == 0x7F))
                return false;
        }
        lines = str_skip(lines, end + 1);
    }
    return true;
}

/* The status of "HTTP/1.1 101 Text"; 0: it is malformed. */
static int status_of(str line)
{
    uint64_t status;

    if (!str_starts(line, STR("HTTP/1.1 ")) || line.len < 12 ||
        (line.len > 12 && line.ptr[12] != ' ' && line.ptr[12] != '\r') ||
        !str_to_u64(str_head(str_skip(line, 9), 3), 599, &status))
        return 0;
    return status < 100 ? 0 : (int)status;
}

/* What is wrong with a 101 (RFC 6455 4.1); NULL: nothing. */
static const char *objection(struct websocket_client *client, str lines)
{
    char accept[HANDSHAKE_ACCEPT_BYTES];
    str protocol = handshake_header(lines, STR("sec-websocket-protocol"));

    handshake_accept((str){client->key, sizeof client->key}, accept);
    if (!str_equal_nocase(handshake_header(lines, STR("upgrade")), STR("websocket")) ||
        !handshake_has_token(handshake_header(lines, STR("connection")), STR("upgrade")))
        return "the server switched to another protocol";
    if (!str_equal(handshake_header(lines, STR("sec-websocket-accept")),
                   (str){accept, sizeof accept}))
        return "the server's Sec-WebSocket-Accept is wrong";
    if (handshake_header(lines, STR("sec-websocket-extensions")).len)
        return "the server uses an extension that was not offered";
    if (protocol.ptr && !handshake_has_exactly(buf_str(&client->protocols), protocol))
        return "the server chose a subprotocol that was not offered";
    if (client->protocols.len && !protocol.ptr && !client->wants_answer)
        return "the server chose none of the subprotocols";
    return NULL;
}

static void open_link(struct websocket_client *client, str lines, str rest)
{
    const char *wrong = objection(client, lines);

    if (wrong) {
        fail(client, wrong);
        return;
    }
    uv_timer_stop(&client->timer);
    client->state = CLIENT_OPEN;
    client->link = websocket_link_new(client->timer.loop,
                                      (struct websocket_terms){.role = WEBSOCKET_CLIENT},
                                      &functions, client, client->link_hooks, client->owner);
    client->hooks->on_open(client->owner, client->link, lines);
    if (rest.len && client->link)
        websocket_link_received(client->link, rest);
    buf_done(&client->answer);
}

/* Decodes as much of a body as has come; true when that is all. */
static bool decode_body(str lines, str bytes, bool ended, struct buf *out)
{
    uint64_t length = UINT64_MAX;
    struct chunked chunked;
    str data;
    int got;

    if (handshake_header(lines, STR("transfer-encoding")).len) {
        chunked_init(&chunked);
        while ((got = chunked_decode(&chunked, &bytes, &data)) == 1)
            if (buf_append(out, data) < 0)
                return true;
        return got != 0 || ended;
    }
    data = handshake_header(lines, STR("content-length"));
    if (data.ptr && !str_to_u64(data, UINT64_MAX / 2, &length))
        return true;
    data = str_head(bytes, length < out->max ? (size_t)length : out->max);
    return buf_append(out, data) < 0 || ended || out->len == length || out->len == out->max;
}

/* An answer other than 101, once its body is there. */
static void give_answer(struct websocket_client *client, int status, size_t head, bool ended)
{
    str all = buf_str(&client->answer);
    str lines = str_head(all, head);
    struct buf body;
    char text[TEXT_BYTES_MAX];

    if (!client->wants_answer) {
        snprintf(text, sizeof text, "the server answered with status %d instead of 101", status);
        fail(client, text);
        return;
    }
    buf_init(&body, WEBSOCKET_ANSWER_BODY_BYTES_MAX);
    if (decode_body(str_skip(lines, str_find(lines, '\n') + 1), str_skip(all, head + 2),
                    ended || status == 204 || status == 304, &body)) {
        client->hooks->on_answer(client->owner, status, lines, buf_str(&body));
        release(client);
    }
    buf_done(&body);
}

static void look_at_answer(struct websocket_client *client, bool ended)
{
    str all = buf_str(&client->answer);
    size_t head = head_end(all), first = str_find(all, '\n') + 1;
    int status;

    if (!head && all.len > WEBSOCKET_ANSWER_HEAD_BYTES_MAX)
        fail(client, "the server's answer has a head longer than 64 KiB");
    else if (!head && ended)
        fail(client, "the server closed the connection without an answer");
    if (!head)
        return;
    status = status_of(all);
    if (!status || !lines_are_valid(str_skip(str_head(all, head), first)))
        fail(client, "the server's answer is no HTTP/1.1");
    else if (status == SWITCHING_PROTOCOLS)
        open_link(client, str_skip(str_head(all, head), first), str_skip(all, head + 2));
    else if (status < 200)
        fail(client, "the server answered with an interim status");
    else
        give_answer(client, status, head, ended);
}

/* ---- the socket's hooks ---- */

static void on_open(void *owner)
{
    struct websocket_client *client = owner;

    client->state = CLIENT_ASKING;
    uv_timer_start(&client->timer, on_time, WEBSOCKET_ANSWER_MS, 0);
}

static void on_data(void *owner, str bytes)
{
    struct websocket_client *client = owner;

    if (client->state == CLIENT_OPEN)
        websocket_link_received(client->link, bytes);
    if (client->state != CLIENT_ASKING)
        return;
    if (buf_append(&client->answer, bytes) < 0)
        fail(client, "the server's answer is too long");
    else
        look_at_answer(client, false);
}

/* Nothing follows: an open WebSocket is lost, and may not write behind our end. */
static void on_end(void *owner)
{
    struct websocket_client *client = owner;
    struct websocket_link *link = client->link;

    if (client->state == CLIENT_ASKING)
        look_at_answer(client, true);
    if (!client->socket)
        return;
    if (link) {
        transport_end(client);
        websocket_link_lost(link, STR("the server closed the connection"));
    } else {
        socket_end(client->socket);
    }
}

static void on_drain(void *owner)
{
    (void)owner; /* the link looks at the queue when it matters */
}

static void on_close(void *owner, int code, const char *text)
{
    struct websocket_client *client = owner;
    struct websocket_link *link = client->link;

    client->socket = NULL; /* it frees itself */
    client->link = NULL;
    if (link)
        websocket_link_lost(link, str_from(code ? text : "the server closed the connection"));
    else if (client->state != CLIENT_ENDING)
        client->hooks->on_failed(client->owner, code ? text : "the connection was closed");
    release(client);
}

static const struct socket_hooks socket_hooks = {on_open, on_data, on_end, on_drain, on_close};

/* ---- the beginning ---- */

static int make_request(struct websocket_client *client, const struct websocket_client_options *o)
{
    struct buf *out = &client->request;

    if (buf_append(out, o->head) < 0 ||
        buf_append(out, STR("connection: Upgrade\r\nupgrade: websocket\r\n"
                            "sec-websocket-version: 13\r\nsec-websocket-key: ")) < 0 ||
        buf_append(out, (str){client->key, sizeof client->key}) < 0 ||
        buf_append(&client->protocols, o->protocols) < 0 ||
        (o->protocols.len && (buf_append(out, STR("\r\nsec-websocket-protocol: ")) < 0 ||
                              buf_append(out, o->protocols) < 0)))
        return ERR_LIMIT;
    return buf_append(out, STR("\r\n\r\n"));
}

struct websocket_client *websocket_client_open(uv_loop_t *loop,
                                               const struct websocket_client_options *options,
                                               const struct websocket_client_hooks *hooks,
                                               const struct websocket_link_hooks *link_hooks,
                                               void *owner, struct err *err)
{
    struct websocket_client *client = mem_new(struct websocket_client);
    struct socket_options to = {.host = options->host,
                                .port = options->port,
                                .tls = options->tls,
                                .rules = options->rules};

    client->hooks = hooks;
    client->link_hooks = link_hooks;
    client->owner = owner;
    client->wants_answer = options->wants_answer;
    buf_init(&client->request, REQUEST_BYTES_MAX);
    buf_init(&client->protocols, PROTOCOLS_BYTES_MAX);
    buf_init(&client->answer,
             WEBSOCKET_ANSWER_HEAD_BYTES_MAX + 2 * WEBSOCKET_ANSWER_BODY_BYTES_MAX);
    ASSERT(uv_timer_init(loop, &client->timer) == 0);
    client->timer.data = client;
    handshake_make_key(client->key);
    if (make_request(client, options) < 0)
        err_set(err, ERR_LIMIT, "the handshake's headers are too large");
    else if ((client->socket = socket_open(loop, &to, &socket_hooks, client, err)) &&
             socket_write(client->socket, buf_str(&client->request)) == 0)
        return client;
    release(client);
    return NULL;
}
