/* Connections that change their process; see detach.h.
 *
 * (1) A request is detached between two flushes or in one, never while its bytes are being parsed:
 *     all that was read then lies in request->body or conn->in.
 * (2) Of a body, what was decoded is kept and not what was read: a chunked one is written anew, up
 *     to the very state its decoder is in (chunked_replay).
 * (3) The descriptor that goes is a copy: libuv closes its own, the connection stays open. */
#include "http/detach.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/conn.h"

/* Head, body, and what was pipelined: each has a maximum of its own. */
enum { DETACH_BYTES_MAX = 4 << 20 };

struct detach {
    struct buf head;
    void (*on_detached)(struct http_request *request, int fd, str bytes);
};

static int copy_of(const struct conn *c)
{
    uv_os_fd_t fd;

    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) < 0)
        return -1;
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* ---- a request ---- */

void detach_drop(struct http_request *r)
{
    buf_done(&r->detach->head);
    free(r->detach);
    r->detach = NULL;
}

bool http_detach_request(struct http_request *r, str head,
                         void (*on_detached)(struct http_request *request, int fd, str bytes))
{
    struct conn *c = conn_of(r);

    if (c->state != CONN_RUNNING || r->answer != ANSWER_NONE || r->detach || r->body_wanted ||
        r->body.len != r->body_seen)
        return false;
    r->detach = mem_new(struct detach);
    r->detach->on_detached = on_detached;
    buf_init(&r->detach->head, DETACH_BYTES_MAX);
    if (buf_append(&r->detach->head, head) < 0) {
        detach_drop(r);
        return false;
    }
    conn_update_reading(c);
    answer_mark_dirty(c);
    return true;
}

static int append_read(struct conn *c, struct buf *bytes)
{
    const struct http_request *r = &c->request;
    int err = r->framing == HTTP_BODY_CHUNKED
                  ? chunked_replay(&r->chunked, buf_str(&r->body), bytes)
                  : buf_append(bytes, buf_str(&r->body));

    return err < 0 ? err : buf_append(bytes, buf_str(&c->in));
}

void detach_finish(struct conn *c)
{
    struct http_request *r = &c->request;
    struct detach *detach = r->detach;
    int fd = append_read(c, &detach->head) < 0 ? -1 : copy_of(c);

    if (fd < 0) {
        detach_drop(r);
        answer_refuse(c, 503);
        return;
    }
    r->gone_told = true;
    detach->on_detached(r, fd, buf_str(&detach->head));
    conn_close(c);
}

bool http_detach_request_now(struct http_request *r, str head,
                             void (*on_detached)(struct http_request *request, int fd, str bytes))
{
    struct conn *c = conn_of(r);

    if (c->out.len || c->writing || !http_detach_request(r, head, on_detached))
        return false;
    detach_finish(c);
    return true;
}

str http_detach_protocol(const struct http_request *r)
{
    return r->is_http10 ? STR("HTTP/1.0") : STR("HTTP/1.1");
}

unsigned http_detach_hops(const struct http_request *r)
{
    return conn_of(r)->hops;
}

/* ---- others ---- */

size_t http_detach_idle(struct http_server *server, void (*each)(void *context, int fd),
                        void *context)
{
    size_t count = 0;

    LIST_EACH_SAFE(&server->conns[CONN_IDLE], link) {
        struct conn *c = CONTAINER_OF(link, struct conn, link);
        int fd;
        if (c->in.len || c->out.len || c->writing || c->ended)
            continue;
        fd = copy_of(c);
        if (fd < 0)
            break;
        conn_close(c);
        each(context, fd);
        count++;
    }
    return count;
}

void http_detach_adopt(struct http_server *server, int fd, str bytes, unsigned hops)
{
    char *copy;

    if (server->stopping) {
        close(fd);
        return;
    }
    copy = str_dup(bytes); /* heads are parsed in place */
    conn_adopt(server, fd, (str){copy, bytes.len}, hops);
    free(copy);
}
