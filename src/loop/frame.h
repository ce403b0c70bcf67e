/* Frames over a stream socket: length-prefixed JSON with an optional blob behind it, and optionally
 * a descriptor. The format and the messages are told in docs/internals/link.md.
 *
 * Owns: the socket, what is read and not yet whole, what is not yet written, and the descriptors
 * that belong to either. Thread: the loop's. Limits: FRAME_JSON_MAX, FRAME_BLOB_MAX, one descriptor
 * a frame; a peer that exceeds them or sends JSON that is none ends the link. */
#ifndef ATOLL_LOOP_FRAME_H
#define ATOLL_LOOP_FRAME_H

#include <jansson.h>
#include <uv.h>

#include "base/str.h"

enum { FRAME_JSON_MAX = 1 << 20, FRAME_BLOB_MAX = 64 << 20 };

struct frame_link;

struct frame_link_hooks {
    /* A whole frame; both are borrowed for the call. */
    void (*on_frame)(void *context, json_t *object, str blob);
    /* The other side closed, died or sent rubbish; called once, the link is still to be closed. */
    void (*on_end)(void *context);
};

/* Takes the descriptor of one end of a pair of stream sockets. hooks and context are kept. Returned
 * owned. */
struct frame_link *frame_link_new(uv_loop_t *loop, int fd, const struct frame_link_hooks *hooks,
                                  void *context);

/* Queues a frame. `object` is taken; `blob` is copied. After the end of the link it is dropped.
 * Frames leave in order, written as soon as the socket takes them; no hook is called from here. */
void frame_link_send(struct frame_link *link, json_t *object, str blob);

/* The same with a descriptor, which is taken: closed once the other side has a copy, and when the
 * frame cannot be sent. */
void frame_link_send_fd(struct frame_link *link, json_t *object, str blob, int fd);

/* Inside on_frame: the descriptor that came with the frame (close-on-exec, taken by the caller), or
 * -1: none came, or this process had no room for it. One that is not taken is closed. */
int frame_link_take_fd(struct frame_link *link);

/* From now on frames are kept until frame_link_flush(), which writes them with one system call: the
 * other process is woken once, and not before the caller has done what is more urgent. */
void frame_link_hold(struct frame_link *link);

/* Writes what the socket takes, at once: also from where the loop does not turn. */
void frame_link_flush(struct frame_link *link);

/* Bytes queued and not yet taken by the socket: a producer of log lines stops when it grows. */
size_t frame_link_queued_bytes(const struct frame_link *link);

/* Descriptors among what is queued. */
size_t frame_link_queued_fds(const struct frame_link *link);

/* Closes the link and gives its descriptor to the caller, who goes on at the start of a frame in
 * both directions; -1 when a frame is half read or not sent, or the link has ended. */
int frame_link_leave(struct frame_link *link);

/* Closes the link; its memory goes when libuv has let go. NULL is fine. No hook is called after. */
void frame_link_close(struct frame_link *link);

#endif
