/* Reading: bytes to heads, bodies, and the next request; see conn.h for the states.
 *
 * One read buffer serves all connections, because libuv reads only right before it calls us: a
 * request that arrives in one piece is parsed where it lies, and only what is left over is copied
 * to conn->in. */
#include "http/conn.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 << 10,
    DIRECT_BYTES_MIN = 16 << 10,  /* room in a body's buffer that is worth reading into */
    BODY_AHEAD_BYTES_MAX = 4 << 20, /* reserved for a body because of its Content-Length alone */
};

static char shared[READ_BYTES];

static const unsigned may_enter[CONN_STATES] = {
    [CONN_IDLE] = 1u << CONN_HEAD | 1u << CONN_CLOSED,
    [CONN_HEAD] = 1u << CONN_RUNNING | 1u << CONN_LINGER | 1u << CONN_CLOSED,
    [CONN_RUNNING] = 1u << CONN_IDLE | 1u << CONN_LINGER | 1u << CONN_UPGRADED | 1u << CONN_CLOSED,
    [CONN_UPGRADED] = 1u << CONN_LINGER | 1u << CONN_CLOSED,
    [CONN_LINGER] = 1u << CONN_CLOSED,
};

void conn_enter(struct conn *c, enum conn_state next)
{
    ASSERT(may_enter[c->state] & 1u << next);
    list_remove(&c->link);
    list_push(&c->server->conns[next], &c->link);
    c->state = next;
    c->since_ms = uv_now(c->server->loop);
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    buf_done(&c->in);
    buf_done(&c->out);
    kept_release(c);
    free(c->writing);
    free(c);
}

/* Leaves RUNNING: the owner lets go of the request. */
static void end_request(struct conn *c)
{
    c->server->options.hooks->on_end(&c->request);
    buf_done(&c->request.body);
    if (c->request.detach)
        detach_drop(&c->request);
    c->hops = 0;
}

static void tell_gone(struct conn *c)
{
    if (c->request.gone_told || c->request.answer == ANSWER_DONE)
        return;
    c->request.gone_told = true;
    c->server->options.hooks->on_client_gone(&c->request);
}

void conn_close(struct conn *c)
{
    struct http_server *server = c->server;

    if (c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_RUNNING) {
        tell_gone(c);
        end_request(c);
    }
    conn_enter(c, CONN_CLOSED);
    if (c->upgrade_hooks)
        c->upgrade_hooks->on_gone(c->upgrade_owner);
    list_remove(&c->link);
    list_remove(&c->dirty_link);
    if (!c->reset || uv_tcp_close_reset(&c->tcp, on_closed) < 0)
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    server_conn_gone(server);
}

/* ---- bodies ---- */

/* One more read would not fit. */
static bool body_is_full(const struct http_request *r)
{
    return r->body.len >= r->body.max - READ_BYTES;
}

static void tell_body(struct conn *c)
{
    struct http_request *r = &c->request;

    if (!r->body_wanted || (r->body_all && r->body_state == HTTP_BODY_MORE && !body_is_full(r)))
        return;
    r->body_wanted = false;
    c->server->options.hooks->on_body(&c->request);
}

static void body_fail(struct conn *c)
{
    c->request.body_state = HTTP_BODY_FAILED;
    c->close_after = true;
    tell_body(c);
}

/* Keeps what the owner may want; once it has answered, a body is only read to be thrown away. */
static bool body_keep(struct conn *c, str data)
{
    struct http_request *r = &c->request;

    r->body_seen += data.len;
    if (r->body_seen > r->body_max)
        return false;
    if (r->answer == ANSWER_DONE)
        return (r->body_discarded += data.len) <= HTTP_DISCARD_BYTES_MAX;
    return buf_append(&r->body, data) == 0;
}

static void body_end(struct conn *c)
{
    c->request.body_state = HTTP_BODY_ENDED;
    tell_body(c);
    if (c->request.answer == ANSWER_DONE)
        answer_mark_dirty(c); /* the flush finds the request done and goes on to the next */
}

/* A piece that was read into the body's own buffer; see on_alloc(). */
static void body_arrived(struct conn *c, size_t count)
{
    struct http_request *r = &c->request;

    r->body.len += count;
    r->body_seen += count;
    r->body_left -= count;
    if (r->body_left == 0)
        body_end(c);
    else
        tell_body(c);
}

/* An answer that was begun is still sent, and the connection ends after it. */
static void body_too_long(struct conn *c)
{
    if (c->request.answer == ANSWER_NONE) {
        answer_refuse(c, 413);
        return;
    }
    body_fail(c);
    if (c->request.answer == ANSWER_DONE)
        answer_mark_dirty(c);
}

static void feed_length(struct conn *c, str *input)
{
    struct http_request *r = &c->request;
    str data = str_head(*input, r->body_left < input->len ? (size_t)r->body_left : input->len);

    *input = str_skip(*input, data.len);
    r->body_left -= data.len;
    if (!body_keep(c, data))
        body_too_long(c);
    else if (r->body_left == 0)
        body_end(c);
    else
        tell_body(c);
}

static void feed_chunked(struct conn *c, str *input)
{
    struct http_request *r = &c->request;
    str data;
    int got;

    while ((got = chunked_decode(&r->chunked, input, &data)) == 1) {
        if (!body_keep(c, data)) {
            body_too_long(c);
            return;
        }
    }
    if (got < 0 && r->answer == ANSWER_NONE) {
        answer_refuse(c, 400);
    } else if (got < 0) {
        body_fail(c);
        if (r->answer == ANSWER_DONE)
            answer_mark_dirty(c);
    } else if (got == 2) {
        body_end(c);
    } else {
        tell_body(c);
    }
}

/* ---- heads ---- */

static bool has_body(const struct http_head *head)
{
    return head->framing == HTTP_BODY_CHUNKED ||
           (head->framing == HTTP_BODY_LENGTH && head->content_length > 0);
}

static void begin_request(struct conn *c, const struct http_head *head)
{
    struct http_request *r = &c->request;

    *r = (struct http_request){
        .framing = head->framing,
        .body_left = head->content_length,
        .body_state = has_body(head) ? HTTP_BODY_MORE : HTTP_BODY_ENDED,
        .wants_continue = head->expect_continue && has_body(head),
        .keep_alive = head->keep_alive && !c->server->stopping,
        .is_head = head->method_id == HTTP_HEAD,
        .is_http10 = head->minor_version == 0,
        .answer_left = -1,
        .body_max = c->server->options.body_bytes_max,
    };
    buf_init(&r->body, HTTP_BODY_BUFFER_BYTES + READ_BYTES);
    chunked_init(&r->chunked);
    conn_enter(c, CONN_RUNNING);
    c->server->options.hooks->on_request(r, head);
}

/* Returns false when more bytes are needed. */
static bool take_head(struct conn *c, str *input)
{
    static struct http_head head; /* 4 KiB; used up before the next head is parsed */
    int got = http_head_parse((char *)input->ptr, input->len, &head);

    if (c->state == CONN_IDLE)
        conn_enter(c, CONN_HEAD);
    if (got == 0)
        return false;
    if (got < 0) {
        answer_refuse(c, -got);
        return false;
    }
    if (head.framing == HTTP_BODY_LENGTH &&
        head.content_length > c->server->options.body_bytes_max) {
        answer_refuse(c, 413);
        return false;
    }
    *input = str_skip(*input, head.bytes);
    begin_request(c, &head);
    return true;
}

/* Uses as much of the input as can be used now. */
static void process(struct conn *c, str *input)
{
    while (input->len && c->state <= CONN_RUNNING) {
        if (c->state != CONN_RUNNING) {
            if (!take_head(c, input))
                return;
        } else if (c->request.body_state != HTTP_BODY_MORE) {
            return;
        } else if (c->request.framing == HTTP_BODY_CHUNKED) {
            feed_chunked(c, input);
        } else {
            feed_length(c, input);
        }
    }
}

/* ---- the socket ---- */

/* Bytes of a body with a length that is wanted as a whole need not be copied. */
static size_t direct_room(const struct conn *c)
{
    const struct http_request *r = &c->request;
    size_t room = r->body.cap - r->body.len;

    if (c->state != CONN_RUNNING || !r->body_all || r->framing != HTTP_BODY_LENGTH ||
        r->body_state != HTTP_BODY_MORE || r->answer == ANSWER_DONE || c->in.len)
        return 0;
    if (room > r->body_left)
        room = (size_t)r->body_left;
    return room < DIRECT_BYTES_MIN ? 0 : room;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct conn *c = handle->data;
    size_t room = direct_room(c);

    (void)suggested;
    if (room)
        *ret = uv_buf_init(c->request.body.ptr + c->request.body.len, (unsigned)room);
    else
        *ret = uv_buf_init(shared, sizeof shared);
}

/* A head is parsed anew when more of it arrives; only a line's end can have completed it. */
static bool worth_parsing(const struct conn *c, str fresh)
{
    return c->state == CONN_RUNNING || c->in.len == 0 || c->in.len > HTTP_HEAD_BYTES_MAX ||
           memchr(fresh.ptr, '\n', fresh.len);
}

static void received(struct conn *c, str fresh)
{
    str input = fresh;

    if (c->state == CONN_UPGRADED) {
        c->upgrade_hooks->on_data(c->upgrade_owner, fresh);
        return;
    }
    if (c->in.len) {
        bool worth = worth_parsing(c, fresh);
        if (buf_append(&c->in, fresh) < 0) {
            conn_close(c);
            return;
        }
        if (!worth)
            return;
        input = buf_str(&c->in);
    }
    process(c, &input);
    if (c->state > CONN_RUNNING)
        return;
    if (c->in.len)
        buf_consume(&c->in, c->in.len - input.len);
    else if (input.len && buf_append(&c->in, input) < 0)
        conn_close(c);
}

/* What it sent before is served all the same: it may be waiting for the answers. */
static void client_ended(struct conn *c)
{
    c->ended = true;
    conn_update_reading(c);
    if (c->state == CONN_LINGER && (c->writing || c->out.len || c->kept.is_there))
        return;
    if (c->state != CONN_RUNNING) {
        conn_close(c);
        return;
    }
    if (c->request.body_state == HTTP_BODY_MORE) {
        body_fail(c);
        if (c->request.answer == ANSWER_DONE)
            answer_mark_dirty(c);
    }
    tell_gone(c);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct conn *c = stream->data;

    if (count == UV_EOF) {
        client_ended(c);
    } else if (count < 0) {
        conn_close(c);
    } else if (count > 0 && c->state != CONN_LINGER) {
        if (c->state == CONN_RUNNING)
            c->since_ms = uv_now(c->server->loop);
        if (buf->base == shared)
            received(c, (str){buf->base, (size_t)count});
        else
            body_arrived(c, (size_t)count);
        conn_update_reading(c);
    }
}

static bool wants_to_read(const struct conn *c)
{
    const struct http_request *r = &c->request;

    if (c->ended || c->state == CONN_CLOSED)
        return false;
    if (c->state != CONN_RUNNING)
        return c->state != CONN_UPGRADED || !c->upgrade_paused;
    if (r->detach)
        return false;
    if (r->body_state != HTTP_BODY_MORE)
        return c->in.len < HTTP_PIPELINE_BYTES_MAX;
    return !r->wants_continue && !body_is_full(r);
}

void conn_update_reading(struct conn *c)
{
    bool wanted = wants_to_read(c);

    if (c->state == CONN_CLOSED || wanted == c->reading)
        return;
    c->reading = wanted;
    c->since_ms = uv_now(c->server->loop);
    if (wanted)
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    else
        uv_read_stop((uv_stream_t *)&c->tcp);
}

static struct conn *conn_new(struct http_server *server)
{
    struct conn *c = mem_new(struct conn);

    ASSERT(uv_tcp_init(server->loop, &c->tcp) == 0);
    c->tcp.data = c;
    c->server = server;
    buf_init(&c->in, HTTP_HEAD_BYTES_MAX + HTTP_PIPELINE_BYTES_MAX + READ_BYTES);
    buf_init(&c->out, SIZE_MAX / 4);
    list_init(&c->dirty_link);
    list_init(&c->link);
    list_push(&server->conns[CONN_IDLE], &c->link);
    c->since_ms = uv_now(server->loop);
    server->conn_count++;
    return c;
}

void conn_adopt(struct http_server *server, int fd, str bytes, unsigned hops)
{
    bool fits = server_make_room(server);
    struct conn *c = conn_new(server);
    int err = uv_tcp_open(&c->tcp, fd);

    if (err < 0)
        close(fd);
    if (err < 0 || !fits) {
        conn_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    c->hops = hops;
    if (bytes.len)
        received(c, bytes);
    conn_update_reading(c);
}

void conn_open(struct http_server *server, int fd)
{
    conn_adopt(server, fd, STR_NONE, 0);
}

/* What arrived behind the request is used now. */
static void next_request(struct conn *c)
{
    str input = buf_str(&c->in);

    conn_enter(c, CONN_IDLE);
    process(c, &input);
    if (c->state <= CONN_RUNNING)
        buf_consume(&c->in, c->in.len - input.len);
    if (c->state <= CONN_RUNNING && c->in.len == 0)
        buf_done(&c->in);
    if (c->ended && c->state < CONN_RUNNING)
        conn_close(c);
    else
        conn_update_reading(c);
}

/* What came behind the request belongs to the new protocol already. */
static void upgraded(struct conn *c)
{
    size_t len;
    char *early;

    end_request(c);
    conn_enter(c, c->upgrade_hooks ? CONN_UPGRADED : CONN_LINGER);
    early = buf_take(&c->in, &len);
    if (len && c->upgrade_hooks)
        c->upgrade_hooks->on_data(c->upgrade_owner, (str){early, len});
    free(early);
    if (c->ended)
        conn_close(c);
    if (c->state == CONN_CLOSED)
        return;
    conn_update_reading(c);
    answer_mark_dirty(c);
}

void conn_answered(struct conn *c)
{
    struct http_request *r = &c->request;

    if (r->answer_status == 101) {
        upgraded(c);
        return;
    }
    if (r->body_state == HTTP_BODY_MORE && !r->wants_continue && r->keep_alive &&
        r->body_left <= HTTP_DISCARD_BYTES_MAX) {
        buf_clear(&r->body);
        conn_update_reading(c);
        return; /* the rest of the body is read away first: body_end() comes back here */
    }
    c->unread |= r->body_state != HTTP_BODY_ENDED;
    if (!r->keep_alive || c->close_after || r->body_state != HTTP_BODY_ENDED ||
        c->server->stopping) {
        end_request(c);
        conn_enter(c, CONN_LINGER);
        answer_flush(c);
        return;
    }
    end_request(c);
    next_request(c);
}

void conn_timed_out(struct conn *c)
{
    if (c->state == CONN_HEAD)
        answer_refuse(c, 408);
    else if (c->state == CONN_RUNNING && c->request.answer == ANSWER_NONE && !c->out.len)
        answer_refuse(c, 408);
    else
        conn_close(c);
}

/* ---- public ---- */

void http_request_set_user(struct http_request *request, void *user)
{
    request->user = user;
}

bool http_request_set_body_max(struct http_request *request, uint64_t bytes_max)
{
    if (bytes_max < request->body_max)
        request->body_max = bytes_max;
    return request->body_seen <= bytes_max &&
           (request->framing != HTTP_BODY_LENGTH || request->body_left <= bytes_max);
}

uint64_t http_request_body_bytes(const struct http_request *request)
{
    return request->body_seen;
}

void *http_request_user(const struct http_request *request)
{
    return request->user;
}

void *http_request_context(const struct http_request *request)
{
    return conn_of(request)->server->options.context;
}

/* "::ffff:192.0.2.1" is how a socket for both families shows an IPv4 address. */
static void ask_client(struct conn *c)
{
    struct sockaddr_storage address = {0};
    int length = sizeof address;
    str mapped = STR("::ffff:");
    char text[sizeof c->client];

    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &length) < 0 ||
        uv_ip_name((struct sockaddr *)&address, text, sizeof text) < 0)
        return;
    if (str_starts(str_from(text), mapped) && strchr(text, '.'))
        memmove(text, text + mapped.len, strlen(text) + 1 - mapped.len);
    memcpy(c->client, text, sizeof c->client);
}

str http_request_client(struct http_request *request)
{
    struct conn *c = conn_of(request);

    if (!c->client[0])
        ask_client(c);
    return str_from(c->client);
}

enum http_body_state http_body_state(const struct http_request *request)
{
    return request->body_state;
}

struct buf *http_body_buffer(struct http_request *request)
{
    return &request->body;
}

void conn_send_continue(struct conn *c)
{
    if (!c->request.wants_continue)
        return;
    c->request.wants_continue = false;
    ASSERT(buf_append(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n")) == 0);
    answer_mark_dirty(c);
    conn_update_reading(c);
}

void http_body_want(struct http_request *request)
{
    struct conn *c = conn_of(request);

    if (!request->body_wanted)
        c->since_ms = uv_now(c->server->loop);
    request->body_wanted = true;
    if (request->answer == ANSWER_NONE)
        conn_send_continue(c);
    conn_update_reading(c);
}

void http_body_want_all(struct http_request *request, size_t max)
{
    uint64_t ahead = request->framing == HTTP_BODY_LENGTH ? request->body_left : 0;

    if (ahead > BODY_AHEAD_BYTES_MAX)
        ahead = BODY_AHEAD_BYTES_MAX;
    request->body_all = true;
    request->body.max = max + READ_BYTES;
    if (buf_reserve(&request->body, (size_t)ahead) == 0)
        http_body_want(request);
}
