/* Frames over a stream socket; see frame.h.
 *
 * The system keeps a descriptor beside the bytes it was sent with, and one call of recvmsg() never
 * reads beyond such bytes (unix(7)): which frame a descriptor is for follows from where it came,
 * and the format knows nothing of it.
 *
 * (1) `in` holds the bytes of at most one frame that is not whole yet, plus what came with it.
 * (2) After on_end or frame_link_close no hook is called.
 * (3) Frames wait in pieces. A descriptor stands at the start of a piece and leaves with its first
 *     byte; the frame it is for is alone there until it has left.
 * (4) So a descriptor belongs to the frame that has the last byte of the read it came with. Between
 *     reads at most one waits, for its frame to become whole; a read may bring the next one with
 *     the end of that frame. */
#include "loop/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"

enum {
    FRAME_HEAD_BYTES = 8,
    FRAME_READ_BYTES = 64 << 10,
    FRAME_PIECE_BYTES = 64 << 10,  /* no frame is added to a piece that has as much */
    FRAME_READS_MAX = 32,          /* a turn of the loop */
};

struct piece {
    struct list link;
    struct buf bytes;
    size_t sent;
    int fd;            /* leaves with the first byte; -1: none, or gone */
};

/* A descriptor that came with the byte before `end`, counted in link->in. */
struct arrival {
    int fd;
    size_t end;
};

struct frame_link {
    uv_poll_t poll;
    int fd;
    const struct frame_link_hooks *hooks;
    void *context;
    struct buf in;
    struct arrival arrivals[2];
    int arrival_count;
    int frame_fd;      /* of the frame on_frame is called for; -1: none, or taken */
    struct list pieces;
    size_t queued;
    size_t queued_fds;
    bool blocked;      /* the socket is full: the loop tells when it is not */
    bool holding;
    bool deaf;         /* the other side is gone: nothing can be sent, all is still to be read */
    bool ended;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void write_u32(char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(value >> 8 * i);
}

static bool is_closing(const struct frame_link *link)
{
    return uv_is_closing((const uv_handle_t *)&link->poll);
}

static void piece_free(struct piece *piece)
{
    list_remove(&piece->link);
    close_fd(&piece->fd);
    buf_done(&piece->bytes);
    free(piece);
}

static void drop_pieces(struct frame_link *link)
{
    LIST_EACH_SAFE(&link->pieces, at)
        piece_free(CONTAINER_OF(at, struct piece, link));
    link->queued = link->queued_fds = 0;
}

/* ---- reading ---- */

static void end(struct frame_link *link)
{
    if (link->ended)
        return;
    link->ended = true;
    uv_poll_stop(&link->poll);
    drop_pieces(link);
    link->hooks->on_end(link->context);
}

/* Takes the descriptor of the frame that ends at `end_at`. Returns false when there are two. */
static bool take_arrival(struct frame_link *link, size_t end_at)
{
    struct arrival *first = &link->arrivals[0];

    if (!link->arrival_count || first->end > end_at)
        return true;
    link->frame_fd = first->fd;
    *first = link->arrivals[1];
    return --link->arrival_count == 0 || first->end > end_at;
}

/* Calls on_frame with the frame that begins at `at`, which is whole. Returns false when it is
 * broken. */
static bool give_frame(struct frame_link *link, size_t at, size_t json_len, size_t blob_len)
{
    const char *body = link->in.ptr + at + FRAME_HEAD_BYTES;
    json_t *object = json_loadb(body, json_len, 0, NULL);
    bool good = take_arrival(link, at + FRAME_HEAD_BYTES + json_len + blob_len) &&
                json_is_object(object);

    if (good)
        link->hooks->on_frame(link->context, object, (str){body + json_len, blob_len});
    close_fd(&link->frame_fd);
    json_decref(object);
    return good;
}

/* Hands over the frame that begins at `at`. Returns its length, 0 when it is not whole, -1 if
 * broken. */
static ssize_t take_frame(struct frame_link *link, size_t at)
{
    size_t json_len, blob_len, len;

    if (link->in.len - at < FRAME_HEAD_BYTES)
        return 0;
    json_len = read_u32(link->in.ptr + at);
    blob_len = read_u32(link->in.ptr + at + 4);
    if (json_len > FRAME_JSON_MAX || blob_len > FRAME_BLOB_MAX)
        return -1;
    len = FRAME_HEAD_BYTES + json_len + blob_len;
    if (link->in.len - at < len)
        return 0;
    return give_frame(link, at, json_len, blob_len) ? (ssize_t)len : -1;
}

/* Hands over all frames that are whole. Returns false when the link is over. */
static bool take_frames(struct frame_link *link)
{
    size_t at = 0;
    ssize_t taken;

    while ((taken = take_frame(link, at)) > 0) {
        at += (size_t)taken;
        if (is_closing(link))
            return false;
    }
    buf_consume(&link->in, at);
    for (int i = 0; i < link->arrival_count; i++)
        link->arrivals[i].end -= at;
    if (taken == 0 && link->arrival_count < (int)COUNT_OF(link->arrivals))
        return true;
    end(link);
    return false;
}

/* Keeps descriptors until their frames are whole. Returns false when there are too many. */
static bool keep_fds(struct frame_link *link, struct msghdr *message)
{
    bool fine = true;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (link->arrival_count == COUNT_OF(link->arrivals)) {
                close(fd);
                fine = false;
                continue;
            }
            link->arrivals[link->arrival_count++] = (struct arrival){fd, link->in.len};
        }
    }
    return fine;
}

/* Returns bytes read, 0 at the end, -1 when there are none now. */
static ssize_t receive(struct frame_link *link)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec iov = {.iov_len = FRAME_READ_BYTES};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t count;

    if (buf_reserve(&link->in, FRAME_READ_BYTES) < 0)
        return 0;
    iov.iov_base = link->in.ptr + link->in.len;
    do
        count = recvmsg(link->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno == EAGAIN ? -1 : 0;
    link->in.len += (size_t)count;
    return keep_fds(link, &message) ? count : 0;
}

/* Returns true when more may be there. */
static bool read_some(struct frame_link *link)
{
    for (int i = 0; i < FRAME_READS_MAX; i++) {
        ssize_t count = receive(link);
        if (count == 0)
            end(link);
        if (count <= 0 || !take_frames(link))
            return false;
    }
    return true;
}

/* ---- writing ---- */

/* The piece for the next frame: with a descriptor always a new one. */
static struct piece *piece_for(struct frame_link *link, int fd)
{
    struct piece *last = CONTAINER_OF(link->pieces.prev, struct piece, link);

    if (fd < 0 && !list_empty(&link->pieces) && last->fd < 0 && last->bytes.len < FRAME_PIECE_BYTES)
        return last;
    last = mem_new(struct piece);
    buf_init(&last->bytes, SIZE_MAX / 4);
    last->fd = fd;
    list_push(&link->pieces, &last->link);
    return last;
}

static ssize_t send_piece(struct frame_link *link, struct piece *piece)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = piece->bytes.ptr + piece->sent,
                        .iov_len = piece->bytes.len - piece->sent};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t sent;

    if (piece->fd >= 0) {
        control.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
                                         .cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.align), &piece->fd, sizeof piece->fd);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    }
    do
        sent = sendmsg(link->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void listen_for(struct frame_link *link, bool blocked)
{
    if (link->blocked == blocked)
        return;
    link->blocked = blocked;
    uv_poll_start(&link->poll, UV_READABLE | (blocked ? UV_WRITABLE : 0), on_poll);
}

/* What leaves no room for it on the way is one connection, not the link. */
static bool is_beyond_limit(const struct piece *piece)
{
    return piece->fd >= 0 && errno == ETOOMANYREFS;
}

static void write_some(struct frame_link *link)
{
    while (!list_empty(&link->pieces)) {
        struct piece *piece = CONTAINER_OF(link->pieces.next, struct piece, link);
        ssize_t sent = send_piece(link, piece);
        if (sent < 0 && errno == EAGAIN) {
            listen_for(link, true);
            return;
        }
        if (sent < 0 && !is_beyond_limit(piece)) {
            link->deaf = true; /* the end is told when all that came before it was read */
            drop_pieces(link);
            break;
        }
        link->queued_fds -= piece->fd >= 0;
        close_fd(&piece->fd);
        if (sent < 0)
            sent = (ssize_t)piece->bytes.len;
        piece->sent += (size_t)sent;
        link->queued -= (size_t)sent;
        if (piece->sent == piece->bytes.len)
            piece_free(piece);
    }
    listen_for(link, false);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct frame_link *link = poll->data;

    if (events & UV_WRITABLE)
        write_some(link);
    if (events & UV_READABLE)
        read_some(link);
    if (status < 0) {
        while (read_some(link)) /* libuv looks no more: what is there is all that comes */
            ;
        if (!is_closing(link))
            end(link);
    }
}

/* ---- public ---- */

struct frame_link *frame_link_new(uv_loop_t *loop, int fd, const struct frame_link_hooks *hooks,
                                  void *context)
{
    struct frame_link *link = mem_new(struct frame_link);

    link->hooks = hooks;
    link->context = context;
    link->fd = fd;
    link->frame_fd = -1;
    buf_init(&link->in, FRAME_HEAD_BYTES + FRAME_JSON_MAX + FRAME_BLOB_MAX + FRAME_READ_BYTES);
    list_init(&link->pieces);
    ASSERT(uv_poll_init(loop, &link->poll, fd) == 0);
    link->poll.data = link;
    ASSERT(uv_poll_start(&link->poll, UV_READABLE, on_poll) == 0);
    return link;
}

void frame_link_send_fd(struct frame_link *link, json_t *object, str blob, int fd)
{
    size_t json_len = json_dumpb(object, NULL, 0, JSON_COMPACT);
    size_t len = FRAME_HEAD_BYTES + json_len + blob.len;
    struct piece *piece;
    char *at;

    ASSERT(json_len > 0 && json_len <= FRAME_JSON_MAX && blob.len <= FRAME_BLOB_MAX);
    if (link->ended || link->deaf || is_closing(link)) {
        json_decref(object);
        close_fd(&fd);
        return;
    }
    piece = piece_for(link, fd);
    ASSERT(buf_reserve(&piece->bytes, len) == 0);
    at = piece->bytes.ptr + piece->bytes.len;
    write_u32(at, (uint32_t)json_len);
    write_u32(at + 4, (uint32_t)blob.len);
    json_dumpb(object, at + FRAME_HEAD_BYTES, json_len, JSON_COMPACT);
    if (blob.len)
        memcpy(at + FRAME_HEAD_BYTES + json_len, blob.ptr, blob.len);
    piece->bytes.len += len;
    link->queued += len;
    link->queued_fds += fd >= 0;
    json_decref(object);
    if (!link->holding)
        frame_link_flush(link);
}

void frame_link_send(struct frame_link *link, json_t *object, str blob)
{
    frame_link_send_fd(link, object, blob, -1);
}

int frame_link_take_fd(struct frame_link *link)
{
    int fd = link->frame_fd;

    link->frame_fd = -1;
    return fd;
}

void frame_link_hold(struct frame_link *link)
{
    link->holding = true;
}

void frame_link_flush(struct frame_link *link)
{
    if (!list_empty(&link->pieces) && !link->ended)
        write_some(link);
}

size_t frame_link_queued_bytes(const struct frame_link *link)
{
    return link->queued;
}

size_t frame_link_queued_fds(const struct frame_link *link)
{
    return link->queued_fds;
}

int frame_link_leave(struct frame_link *link)
{
    bool whole = !link->in.len && !link->arrival_count && !link->queued && !link->ended &&
                 !link->deaf;
    int fd = link->fd;

    if (whole)
        link->fd = -1;
    frame_link_close(link);
    return whole ? fd : -1;
}

static void on_closed(uv_handle_t *handle)
{
    struct frame_link *link = handle->data;

    buf_done(&link->in);
    free(link);
}

void frame_link_close(struct frame_link *link)
{
    if (!link || is_closing(link))
        return;
    link->ended = true;
    uv_close((uv_handle_t *)&link->poll, on_closed);
    close_fd(&link->fd);
    while (link->arrival_count)
        close(link->arrivals[--link->arrival_count].fd);
    drop_pieces(link);
}
