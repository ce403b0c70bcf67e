/* Bodies that are not copied; see kept.h.
 *
 *   memory:  out + bytes ──writev──> all of it, or the rest by libuv
 *   file:    out ──send, more follows── sendfile, sendfile, ... ──it is full──> a piece by libuv,
 *            which tells when there is room again ── sendfile ...
 *
 * (1) While libuv has something of a connection (conn->writing), or a thread reads for it, nothing
 *     is written here; both call the flush again.
 * (2) A file's part is looked at before it is sent: what the system would have to read from a disk
 *     is read by a thread. */
#include "http/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/conn.h"

enum { CHUNK_BYTES = 256 << 10, PIECE_BYTES = 32 << 10 };

struct kept_warming {
    uv_work_t work;
    struct conn *c; /* NULL: nobody waits any more */
    int fd;         /* its own */
    uint64_t at;
    size_t len;
};

static void on_file_closed(uv_fs_t *fs)
{
    uv_fs_req_cleanup(fs);
    free(fs);
}

/* On a thread: to close the last descriptor of a file that was removed takes as long as it is. */
static void close_file(uv_loop_t *loop, int fd)
{
    uv_fs_t *fs = mem_new(uv_fs_t);

    if (uv_fs_close(loop, fs, fd, on_file_closed) < 0)
        free(fs);
}

void kept_release(struct conn *c)
{
    struct kept kept = c->kept;

    if (!kept.is_there)
        return;
    if (kept.warming)
        kept.warming->c = NULL;
    c->kept = (struct kept){0};
    if (kept.bytes)
        kept.release(kept.owner);
    else
        close_file(c->tcp.loop, kept.fd);
}

/* ---- memory ---- */

static bool flush_memory(struct conn *c)
{
    struct kept *kept = &c->kept;
    size_t head = c->out.len, sent;
    uv_buf_t bufs[] = {
        uv_buf_init(c->out.ptr, (unsigned)head),
        uv_buf_init((char *)kept->bytes + kept->at, (unsigned)kept->left),
    };
    int r = uv_try_write((uv_stream_t *)&c->tcp, head ? bufs : bufs + 1, head ? 2 : 1);

    if (r < 0 && r != UV_EAGAIN) {
        conn_close(c);
        return false;
    }
    sent = r > 0 ? (size_t)r : 0;
    buf_consume(&c->out, sent < head ? sent : head);
    sent -= sent < head ? sent : head;
    kept->at += sent;
    kept->left -= sent;
    if (!c->out.len && !kept->left)
        return true;
    answer_write_rest(c, (str){kept->bytes + kept->at, (size_t)kept->left});
    kept->left = 0;
    return false;
}

/* ---- files ---- */

static bool is_in_memory(int fd, uint64_t at)
{
    char byte;
    struct iovec one = {&byte, 1};

    return preadv2(fd, &one, 1, (off_t)at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

static void on_thread(uv_work_t *work)
{
    struct kept_warming *warming = CONTAINER_OF(work, struct kept_warming, work);
    char *into = mem_alloc(warming->len);

    (void)!pread(warming->fd, into, warming->len, (off_t)warming->at);
    free(into);
}

static void on_warm(uv_work_t *work, int status)
{
    struct kept_warming *warming = CONTAINER_OF(work, struct kept_warming, work);
    struct conn *c = warming->c;

    (void)status;
    close(warming->fd);
    free(warming);
    if (!c)
        return;
    c->kept.warming = NULL;
    answer_flush(c);
}

/* False when it cannot be: then it is sent as it is. */
static bool warm(struct conn *c, size_t len)
{
    struct kept_warming *warming = mem_new(struct kept_warming);

    warming->fd = fcntl(c->kept.fd, F_DUPFD_CLOEXEC, 0);
    warming->at = c->kept.at;
    warming->len = len;
    warming->c = c;
    if (warming->fd < 0 || uv_queue_work(c->server->loop, &warming->work, on_thread, on_warm) < 0) {
        if (warming->fd >= 0)
            close(warming->fd);
        free(warming);
        return false;
    }
    c->kept.warming = warming;
    return true;
}

/* A piece by way of libuv, which calls back when the socket has room. */
static void write_piece(struct conn *c)
{
    size_t wanted = c->kept.left < PIECE_BYTES ? (size_t)c->kept.left : PIECE_BYTES;
    ssize_t got;

    ASSERT(buf_reserve(&c->out, wanted) == 0);
    got = pread(c->kept.fd, c->out.ptr + c->out.len, wanted, (off_t)c->kept.at);
    if (got <= 0) {
        conn_close(c);
        return;
    }
    c->out.len += (size_t)got;
    c->kept.at += (uint64_t)got;
    c->kept.left -= (uint64_t)got;
    answer_write_rest(c, STR_NONE);
}

/* The head, which waits in the kernel for what follows. */
static bool send_out(struct conn *c, int socket)
{
    ssize_t sent;

    if (!c->out.len)
        return true;
    sent = send(socket, c->out.ptr, c->out.len, MSG_MORE | MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
        buf_consume(&c->out, (size_t)sent);
    if (!c->out.len)
        return true;
    answer_write_rest(c, STR_NONE); /* what is wrong with the socket is seen there */
    return false;
}

static bool flush_file(struct conn *c)
{
    struct kept *kept = &c->kept;
    uint64_t turn = KEPT_TURN_BYTES;
    uv_os_fd_t socket;

    if (uv_fileno((uv_handle_t *)&c->tcp, &socket) < 0) {
        conn_close(c);
        return false;
    }
    if (!send_out(c, socket))
        return false;
    while (kept->left && turn) {
        size_t chunk = kept->left < CHUNK_BYTES ? (size_t)kept->left : CHUNK_BYTES;
        off_t at = (off_t)kept->at;
        ssize_t sent;

        if ((!is_in_memory(kept->fd, kept->at) || !is_in_memory(kept->fd, kept->at + chunk - 1)) &&
            warm(c, chunk))
            return false;
        sent = sendfile(socket, kept->fd, &at, chunk);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (sent <= 0) { /* the client is gone, or the file is shorter than it was */
            conn_close(c);
            return false;
        }
        c->since_ms = uv_now(c->server->loop);
        kept->at += (uint64_t)sent;
        kept->left -= (uint64_t)sent;
        turn -= (uint64_t)sent < turn ? (uint64_t)sent : turn;
    }
    if (!kept->left)
        return true;
    write_piece(c);
    return false;
}

bool kept_flush(struct conn *c)
{
    if (c->kept.warming || !(c->kept.bytes ? flush_memory(c) : flush_file(c)))
        return false;
    kept_release(c);
    return true;
}
