/* The body of an answer that is not copied into its connection's buffer: bytes that somebody keeps,
 * or a part of a file, which goes to the socket by sendfile(2).
 *
 * A file's pages that are not in memory are read on a thread first: the loop waits for no disk.
 * Owns: the file; who gave bytes is told when they are not needed. Thread: the loop's.
 * Limits: KEPT_TURN_BYTES of a file at a time, then others have their turn. */
#ifndef ATOLL_HTTP_KEPT_H
#define ATOLL_HTTP_KEPT_H

#include <stdbool.h>
#include <stdint.h>

enum { KEPT_TURN_BYTES = 1 << 20 };

struct conn;
struct kept_warming;

struct kept {
    const char *bytes;              /* NULL: of `fd` */
    int fd;
    uint64_t at, left;              /* what is not with libuv or the kernel yet */
    bool is_there;                  /* from its beginning until it was released */
    void (*release)(void *owner);   /* of bytes */
    void *owner;
    struct kept_warming *warming;   /* reads from the disk */
};

/* Writes what has collected in c->out and the body behind it, as far as the socket takes it.
 * Returns true when all of it is written; else the flush is called again, or the connection is
 * closed. */
bool kept_flush(struct conn *c);

/* Lets go of it, if there is one. What is being read from the disk for it goes on by itself. */
void kept_release(struct conn *c);

#endif
