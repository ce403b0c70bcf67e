/* The listening socket, the clock and the janitor; see server.h and conn.h. */
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/conn.h"

enum {
    ACCEPTS_MAX = 64, /* a turn of the loop: other processes take some of many, too */
    JANITOR_MS = 1000,
};

static const uint64_t timeout_ms[CONN_STATES] = {
    [CONN_IDLE] = HTTP_IDLE_TIMEOUT_MS,
    [CONN_HEAD] = HTTP_HEAD_TIMEOUT_MS,
    [CONN_LINGER] = HTTP_LINGER_TIMEOUT_MS,
};

/* ---- the listening socket ---- */

/* No descriptor is left for those that wait, and the socket would wake us for them again and again:
 * they are closed, with the one that is kept for this. */
static void shed(struct http_server *server)
{
    int fd;

    close(server->spare_fd);
    while ((fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        close(fd);
    server->spare_fd = fcntl(server->listen_fd, F_DUPFD_CLOEXEC, 0);
}

static void on_connections(uv_poll_t *listener, int status, int events)
{
    struct http_server *server = listener->data;

    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_open(server, fd);
        else if (errno == EMFILE || errno == ENFILE)
            shed(server);
        else if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

void http_server_accept(struct http_server *server, bool on)
{
    if (server->stopping)
        return;
    if (on)
        uv_poll_start(&server->listener, UV_READABLE, on_connections);
    else
        uv_poll_stop(&server->listener);
}

/* ---- time ---- */

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
    if (c->writing || c->out.len || c->kept.is_there)
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
            uint64_t most_ms = server->stopping && state == CONN_IDLE ? HTTP_STOP_IDLE_TIMEOUT_MS
                                                                      : timeout_ms[state];
            if (runs ? running_too_long(c, now_ms) : now_ms - c->since_ms > most_ms)
                conn_timed_out(c);
        }
    }
    http_server_flush(server);
}

/* Descriptors are for what workers open, too. */
static size_t conns_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > HTTP_CONNS_MAX)
        return HTTP_CONNS_MAX;
    return (size_t)limit.rlim_cur / 2;
}

/* A client that only holds a connection must not keep others out: what has waited longest for
 * nothing in particular goes first (RFC 9112 9.5 lets us close at any time). */
bool server_make_room(struct http_server *server)
{
    static const enum conn_state order[] = {CONN_LINGER, CONN_IDLE, CONN_HEAD};

    if (server->conn_count < server->conns_max)
        return true;
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        struct list *conns = &server->conns[order[i]];
        if (list_empty(conns))
            continue;
        conn_close(CONTAINER_OF(conns->next, struct conn, link));
        return true;
    }
    return false;
}

static bool is_listening(int fd)
{
    int yes = 0;
    socklen_t len = sizeof yes;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes;
}

int http_server_new(uv_loop_t *loop, int listen_fd, struct http_server_options options,
                    struct http_server **ret_server)
{
    struct http_server *server = mem_new(struct http_server);

    if (!is_listening(listen_fd) || uv_poll_init(loop, &server->listener, listen_fd) < 0) {
        free(server);
        return ERR_IO;
    }
    server->loop = loop;
    server->listen_fd = listen_fd;
    server->spare_fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);
    server->options = options;
    server->conns_max = conns_max();
    list_init(&server->dirty);
    for (int state = 0; state < CONN_STATES; state++)
        list_init(&server->conns[state]);
    ASSERT(uv_timer_init(loop, &server->janitor) == 0);
    server->listener.data = server->janitor.data = server;
    server->handles_open = 2;
    uv_timer_start(&server->janitor, on_janitor, JANITOR_MS, JANITOR_MS);
    uv_unref((uv_handle_t *)&server->janitor);
    *ret_server = server;
    return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    server->handles_open--;
    if (!server->handles_open && server->freed)
        free(server);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    ASSERT(server->stopping && !server->conn_count);
    server->freed = true;
    if (!server->handles_open)
        free(server);
}

static void tell_if_stopped(struct http_server *server)
{
    if (!server->stopping || server->conn_count > 0 ||
        uv_is_closing((uv_handle_t *)&server->janitor))
        return;
    uv_close((uv_handle_t *)&server->janitor, on_handle_closed);
    server->options.hooks->on_stopped(server->options.context);
}

void server_conn_gone(struct http_server *server)
{
    ASSERT(server->conn_count > 0);
    server->conn_count--;
    tell_if_stopped(server);
}

/* True when a request is on its way: the connection is new, or there is something to read. Who
 * connected to a server that ends then gets an answer, and no reset. */
static bool is_awaited(struct conn *c)
{
    uv_os_fd_t fd;
    int bytes = 0;

    return c->request.answer == ANSWER_NONE || (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0 &&
                                                ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0);
}

void http_server_stop(struct http_server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    uv_close((uv_handle_t *)&server->listener, on_handle_closed);
    close(server->listen_fd);
    close(server->spare_fd);
    LIST_EACH_SAFE(&server->conns[CONN_IDLE], link)
        if (!is_awaited(CONTAINER_OF(link, struct conn, link)))
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
