/* Decoder of bodies in the chunked transfer coding (RFC 9112 7.1), fed as bytes arrive.
 *
 * Strict: exact CR LF, valid chunk extensions (ignored) and trailer fields (validated, dropped).
 * Owns: nothing. Thread: the one that uses it. Limits: the maxima below; the length of the body
 * itself is the caller's to bound. */
#ifndef ATOLL_HTTP_CHUNKED_H
#define ATOLL_HTTP_CHUNKED_H

#include "base/buf.h"
#include "base/str.h"

enum {
    CHUNKED_SIZE_DIGITS_MAX = 16,
    CHUNKED_SIZE_LINE_BYTES_MAX = 256,  /* digits and extensions of one chunk */
    CHUNKED_TRAILER_BYTES_MAX = 8192,
};

struct chunked {
    int state;           /* one of chunked.c's */
    uint64_t left;       /* of the chunk: its size while that is read, then data to come */
    size_t counted;      /* bytes of the size line or the trailer so far */
};

void chunked_init(struct chunked *c);

/* Takes bytes from the front of *input until a run of body data is found.
 * Returns 1 with *ret_data a view of it (never empty) into the input, 2 at the end of the body
 * (what is left of *input belongs to the next request), 0 when all input was taken and more is
 * needed, or -400 when the coding is malformed or over a limit; 2 and -400 are final.
 * Call it in a loop: `while ((r = chunked_decode(&c, &input, &data)) == 1) use(data);` */
NODISCARD int chunked_decode(struct chunked *c, str *input, str *ret_data);

/* Appends what brings a fresh decoder to the state of this one with `data` decoded: the same data,
 * its chunks and its extensions need not be the same. Returns 0 or ERR_LIMIT. */
NODISCARD int chunked_replay(const struct chunked *c, str data, struct buf *out);

#endif
