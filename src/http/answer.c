/* Writing: status lines, framing, and the bytes to the socket; see server.h.
 *
 * (1) What is answered collects in conn->out, and answer_flush() writes it; a large piece of a
 *     streamed body goes to the socket at once, behind what has collected.
 * (2) libuv holds at most one buffer of a connection (conn->writing); what comes meanwhile
 *     collects and follows.
 * (3) An answer's body that is kept elsewhere is in c->kept (kept.h), written behind what
 *     has collected. */
#include <stdio.h>
#include <stdlib.h>

#include "http/conn.h"
#include "http/status.h"

enum {
    OUT_KEPT_BYTES_MAX = 16 << 10,
    OUT_DIRECT_BYTES_MIN = 64 << 10, /* of a streamed body: worth a system call of their own */
    STATUS_MAX = 999,
};

static void out(struct conn *c, str s)
{
    ASSERT(buf_append(&c->out, s) == 0);
}

void answer_mark_dirty(struct conn *c)
{
    if (list_empty(&c->dirty_link))
        list_push(&c->server->dirty, &c->dirty_link);
}

/* "HTTP/1.1 200 OK\r\n", made once per status. */
static str status_line(int status)
{
    static struct {
        char text[64];
        size_t len;
    } lines[STATUS_MAX + 1];

    ASSERT(status >= 100 && status <= STATUS_MAX);
    if (!lines[status].len)
        lines[status].len = (size_t)snprintf(lines[status].text, sizeof lines[status].text,
                                             "HTTP/1.1 %d %s\r\n", status,
                                             http_status_reason(status));
    return (str){lines[status].text, lines[status].len};
}

/* True when some line of the head has this lower-case name. */
static bool head_has(str head, str name)
{
    while (head.len) {
        size_t end = str_find(head, '\n');
        if (head.len > name.len && head.ptr[name.len] == ':' && str_starts(head, name))
            return true;
        head = str_skip(head, end + 1);
    }
    return false;
}

static void out_number(struct conn *c, uint64_t value)
{
    char digits[24], *at = digits + sizeof digits;

    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    out(c, (str){at, (size_t)(digits + sizeof digits - at)});
}

static bool status_without_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* length: of the body, -1 when it is not known. */
static void out_head(struct conn *c, int status, str head, int64_t length)
{
    struct http_request *r = &c->request;

    r->answer_status = status;
    r->answer_without_body = r->is_head || status_without_body(status);
    r->answer_chunked = length < 0 && !r->is_http10 && !status_without_body(status);
    if (length < 0 && r->is_http10 && !r->answer_without_body)
        r->keep_alive = false;
    if (r->wants_continue)
        r->keep_alive = false; /* whether the body still comes, nobody can tell */

    out(c, status_line(status));
    out(c, head);
    if (!head_has(head, STR("date")))
        out(c, server_date_line(c->server));
    if (length >= 0 && !status_without_body(status)) {
        out(c, STR("content-length: "));
        out_number(c, (uint64_t)length);
        out(c, STR("\r\n"));
    } else if (r->answer_chunked) {
        out(c, STR("transfer-encoding: chunked\r\n"));
    }
    if (!r->keep_alive || c->close_after || c->server->stopping)
        out(c, STR("connection: close\r\n"));
    else if (r->is_http10)
        out(c, STR("connection: keep-alive\r\n"));
    out(c, STR("\r\n"));
}

void http_answer_whole(struct http_request *r, int status, str head, str body)
{
    struct conn *c = conn_of(r);

    ASSERT(r->answer == ANSWER_NONE);
    if (r->body_state == HTTP_BODY_MORE && r->body_left > HTTP_DISCARD_BYTES_MAX)
        r->keep_alive = false; /* more than is read away: say that the connection ends */
    out_head(c, status, head, (int64_t)body.len);
    if (!r->answer_without_body) {
        out(c, body);
        r->answer_bytes = body.len;
    }
    r->answer = ANSWER_DONE;
    answer_mark_dirty(c);
}

void http_answer_kept(struct http_request *r, int status, str head, const struct http_kept *body)
{
    struct conn *c = conn_of(r);

    ASSERT(r->answer == ANSWER_NONE && !c->kept.is_there);
    if (r->body_state == HTTP_BODY_MORE && r->body_left > HTTP_DISCARD_BYTES_MAX)
        r->keep_alive = false;
    out_head(c, status, head, (int64_t)body->length);
    r->answer = ANSWER_DONE;
    c->kept = (struct kept){.bytes = body->bytes,
                            .fd = body->fd,
                            .at = body->from,
                            .left = body->length,
                            .is_there = true,
                            .release = body->release,
                            .owner = body->owner};
    if (r->answer_without_body || !body->length)
        kept_release(c);
    else
        r->answer_bytes = body->length;
    answer_mark_dirty(c);
}

void answer_upgrade(struct conn *c, str head)
{
    out(c, status_line(101));
    out(c, head);
    out(c, STR("\r\n"));
    c->request.answer_status = 101;
    c->request.answer = ANSWER_DONE;
    answer_mark_dirty(c);
}

bool http_answer_start(struct http_request *r, int status, str head, int64_t length)
{
    struct conn *c = conn_of(r);

    ASSERT(r->answer == ANSWER_NONE);
    conn_send_continue(c); /* what is streamed may come of the body, and 100 must be first */
    out_head(c, status, head, length);
    r->answer = r->answer_without_body ? ANSWER_DONE : ANSWER_STREAMING;
    r->answer_left = length;
    answer_mark_dirty(c);
    return r->answer == ANSWER_STREAMING;
}

/* When that is much, writes what has collected and then `bytes`, as far as the socket takes it.
 * Returns how much of `bytes` went; an error is seen by the flush that follows. */
static size_t write_through(struct conn *c, str bytes)
{
    uv_buf_t bufs[] = {
        uv_buf_init(c->out.ptr, (unsigned)c->out.len),
        uv_buf_init((char *)bytes.ptr, (unsigned)bytes.len),
    };
    size_t waiting = c->out.len;
    int sent;

    if (c->writing || c->state != CONN_RUNNING || waiting + bytes.len < OUT_DIRECT_BYTES_MIN)
        return 0;
    sent = uv_try_write((uv_stream_t *)&c->tcp, waiting ? bufs : bufs + 1, waiting ? 2 : 1);
    if (sent <= 0)
        return 0;
    buf_consume(&c->out, (size_t)sent < waiting ? (size_t)sent : waiting);
    return (size_t)sent > waiting ? (size_t)sent - waiting : 0;
}

int http_answer_write(struct http_request *r, str bytes)
{
    struct conn *c = conn_of(r);

    if (r->answer != ANSWER_STREAMING)
        return ERR_CLOSED;
    if (r->answer_left >= 0 && (uint64_t)r->answer_left < bytes.len)
        return ERR_LIMIT;
    if (r->answer_left > 0)
        r->answer_left -= (int64_t)bytes.len;
    r->answer_bytes += bytes.len;
    if (bytes.len) {
        char size[24] = "";
        if (r->answer_chunked)
            snprintf(size, sizeof size, "%zx\r\n", bytes.len);
        out(c, str_from(size));
        out(c, str_skip(bytes, write_through(c, bytes)));
        if (r->answer_chunked)
            out(c, STR("\r\n"));
        answer_mark_dirty(c);
    }
    if (c->out.len < HTTP_OUT_BUFFER_BYTES)
        return 1;
    r->drain_due = true; /* and stays so: who was told to wait is told to go on */
    return 0;
}

void http_answer_end(struct http_request *r)
{
    struct conn *c = conn_of(r);

    if (r->answer != ANSWER_STREAMING)
        return;
    if (r->answer_left > 0) {
        http_answer_abort(r);
        return;
    }
    if (r->answer_chunked)
        out(c, STR("0\r\n\r\n"));
    r->answer = ANSWER_DONE;
    answer_mark_dirty(c);
}

void http_answer_abort(struct http_request *r)
{
    struct conn *c = conn_of(r);

    if (r->answer == ANSWER_DONE)
        return;
    c->reset = r->answer == ANSWER_STREAMING && !r->answer_chunked && r->answer_left < 0;
    r->answer = ANSWER_DONE;
    r->keep_alive = false;
    r->body_state = HTTP_BODY_FAILED;
    c->close_after = true;
    answer_mark_dirty(c);
}

int http_answer_status(const struct http_request *r)
{
    return r->answer_status;
}

bool http_answer_started(const struct http_request *r)
{
    return r->answer != ANSWER_NONE;
}

bool http_answer_ended(const struct http_request *r)
{
    return r->answer == ANSWER_DONE;
}

size_t http_answer_queued(const struct http_request *r)
{
    return conn_of(r)->out.len;
}

uint64_t http_answer_bytes(const struct http_request *r)
{
    return r->answer_bytes;
}

/* ---- the socket ---- */

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    free(shutdown);
}

/* Closing with unread bytes in the socket makes the kernel send a reset, which can overtake our
 * answer (RFC 9112 9.6): say that no more comes, read on, and close when the client has. */
static void shut_down(struct conn *c)
{
    uv_shutdown_t *shutdown = mem_new(uv_shutdown_t);

    if (uv_shutdown(shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0) {
        free(shutdown);
        conn_close(c);
        return;
    }
    conn_update_reading(c);
}

static void written(struct conn *c)
{
    if (c->state == CONN_LINGER) {
        if (c->unread && !c->ended && !c->reset)
            shut_down(c);
        else
            conn_close(c);
        return;
    }
    if (c->state != CONN_RUNNING && c->state != CONN_UPGRADED)
        return;
    c->since_ms = uv_now(c->server->loop);
    if (c->state == CONN_UPGRADED)
        c->upgrade_hooks->on_drain(c->upgrade_owner);
    else if (c->request.answer == ANSWER_DONE)
        conn_answered(c);
    else if (c->request.detach)
        detach_finish(c);
    else if (c->request.drain_due) {
        c->request.drain_due = false;
        c->server->options.hooks->on_drain(&c->request);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct conn *c = write->data;

    free(c->writing);
    c->writing = NULL;
    if (!c->kept.left)
        kept_release(c);
    if (c->state == CONN_CLOSED)
        return;
    if (status < 0)
        conn_close(c);
    else
        answer_flush(c);
}

void answer_write_rest(struct conn *c, str kept)
{
    size_t len;
    uv_buf_t bufs[2];

    c->writing = buf_take(&c->out, &len);
    bufs[0] = uv_buf_init(c->writing, (unsigned)len);
    bufs[1] = uv_buf_init((char *)kept.ptr, (unsigned)kept.len);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, bufs, kept.len ? 2 : 1, on_written) < 0)
        conn_close(c);
}

/* False when something of it is left: it goes on later, or the connection was closed. */
static bool flush_out(struct conn *c)
{
    uv_buf_t buf = uv_buf_init(c->out.ptr, (unsigned)c->out.len);
    int sent = c->out.len ? uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) : 0;

    if (sent < 0 && sent != UV_EAGAIN) {
        conn_close(c);
        return false;
    }
    if (sent < 0 || (size_t)sent < c->out.len) {
        if (sent > 0)
            buf_consume(&c->out, (size_t)sent);
        answer_write_rest(c, STR_NONE);
        return false;
    }
    buf_clear(&c->out);
    return true;
}

void answer_flush(struct conn *c)
{
    if (c->writing || c->state == CONN_CLOSED)
        return;
    if (!(c->kept.is_there ? kept_flush(c) : flush_out(c)))
        return;
    if (c->out.cap > OUT_KEPT_BYTES_MAX)
        buf_done(&c->out);
    written(c);
}

void http_answer_flush(struct http_request *r)
{
    struct conn *c = conn_of(r);

    if (!c->in.len)
        answer_flush(c);
}

/* The texts of our own refusals stay short: they go to clients that break the protocol. */
void answer_refuse(struct conn *c, int status)
{
    char head[160], body[64];
    int body_len = snprintf(body, sizeof body, "%d %s\n", status, http_status_reason(status));

    c->close_after = c->unread = true;
    if (c->state == CONN_RUNNING) {
        struct http_request *r = &c->request;
        r->keep_alive = false;
        r->body_state = HTTP_BODY_FAILED;
        http_answer_whole(r, status, STR("content-type: text/plain;charset=UTF-8\r\n"),
                          (str){body, (size_t)body_len});
        return;
    }
    out(c, status_line(status));
    out(c, server_date_line(c->server));
    snprintf(head, sizeof head,
             "content-type: text/plain;charset=UTF-8\r\ncontent-length: %d\r\n"
             "connection: close\r\n\r\n",
             body_len);
    out(c, str_from(head));
    out(c, (str){body, (size_t)body_len});
    conn_enter(c, CONN_LINGER);
    answer_mark_dirty(c);
}
