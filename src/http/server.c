/* The listening socket, the clock and the janitor; see server.h and conn.h. */
#include "http/server.h"

#include <stdlib.h>
#include <time.h>

#include "http/conn.h"

enum { LISTEN_BACKLOG = 4096, JANITOR_MS = 1000 };

static const uint64_t timeout_ms[CONN_STATES] = {
    [CONN_IDLE] = HTTP_IDLE_TIMEOUT_MS,
    [CONN_HEAD] = HTTP_HEAD_TIMEOUT_MS,
    [CONN_LINGER] = HTTP_LINGER_TIMEOUT_MS,
};

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        conn_open(listener->data);
}

static void note_write_progress(struct conn *c, uint64_t now_ms)
{
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);

    if (left != c->writing_left)
        c->since_ms = now_ms;
    c->writing_left = left;
}

/* A running request is timed by what it waits for: its body's next byte, or the client to read. */
static bool running_too_long(struct conn *c, uint64_t now_ms)
{
    const struct http_request *r = &c->request;

    note_write_progress(c, now_ms);
    if (c->writing || c->out.len)
        return now_ms - c->since_ms > HTTP_WRITE_TIMEOUT_MS;
    if (c->state == CONN_UPGRADED)
        return false; /* its owner knows when it is idle for too long */
    return r->body_state == HTTP_BODY_MORE && c->reading &&
           (r->body_wanted || r->answer == ANSWER_DONE) &&
           now_ms - c->since_ms > HTTP_BODY_TIMEOUT_MS;
}

static void on_janitor(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    uint64_t now_ms = uv_now(server->loop);

    for (int state = 0; state < CONN_CLOSED; state++) {
        LIST_EACH_SAFE(&server->conns[state], link) {
            struct conn *c = CONTAINER_OF(link, struct conn, link);
            bool runs = state == CONN_RUNNING || state == CONN_UPGRADED;
            if (runs ? running_too_long(c, now_ms) : now_ms - c->since_ms > timeout_ms[state])
                conn_timed_out(c);
        }
    }
    http_server_flush(server);
}

int http_server_new(uv_loop_t *loop, int listen_fd, struct http_server_options options,
                    struct http_server **ret_server)
{
    struct http_server *server = mem_new(struct http_server);

    server->loop = loop;
    server->options = options;
    list_init(&server->dirty);
    for (int state = 0; state < CONN_STATES; state++)
        list_init(&server->conns[state]);
    ASSERT(uv_tcp_init(loop, &server->listener) == 0);
    ASSERT(uv_timer_init(loop, &server->janitor) == 0);
    server->listener.data = server->janitor.data = server;
    if (uv_tcp_open(&server->listener, listen_fd) < 0 ||
        uv_listen((uv_stream_t *)&server->listener, LISTEN_BACKLOG, on_connection) < 0) {
        /* The process is about to end: the handles stay with the loop, and so does the memory. */
        return ERR_IO;
    }
    uv_timer_start(&server->janitor, on_janitor, JANITOR_MS, JANITOR_MS);
    uv_unref((uv_handle_t *)&server->janitor);
    *ret_server = server;
    return 0;
}

static void tell_if_stopped(struct http_server *server)
{
    if (server->stopping && server->conn_count == 0)
        server->options.hooks->on_stopped(server->options.context);
}

void server_conn_gone(struct http_server *server)
{
    ASSERT(server->conn_count > 0);
    server->conn_count--;
    tell_if_stopped(server);
}

void http_server_stop(struct http_server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    uv_close((uv_handle_t *)&server->listener, NULL);
    LIST_EACH_SAFE(&server->conns[CONN_IDLE], link)
        conn_close(CONTAINER_OF(link, struct conn, link));
    tell_if_stopped(server);
}

void http_server_flush(struct http_server *server)
{
    struct list *link;

    /* A flush may begin the next pipelined request, which may be answered on the spot. */
    while ((link = list_pop(&server->dirty)))
        answer_flush(CONTAINER_OF(link, struct conn, dirty_link));
}

size_t http_server_conn_count(const struct http_server *server)
{
    return server->conn_count;
}

/* IMF-fixdate (RFC 9110 5.6.7), made once a second of the loop's clock: up to a second late. */
str server_date_line(struct http_server *server)
{
    uint64_t now_ms = uv_now(server->loop);

    if (!server->date_len || now_ms - server->date_ms >= 1000) {
        time_t now = time(NULL);
        struct tm tm;
        server->date_ms = now_ms;
        gmtime_r(&now, &tm);
        server->date_len = strftime(server->date, sizeof server->date,
                                    "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    }
    return (str){server->date, server->date_len};
}
