/* A byte buffer that grows up to a maximum fixed at its start.
 *
 * Owns: its bytes. Thread: the one that uses it. Limits: `max` bytes; appending beyond it
 * returns ERR_LIMIT and leaves the buffer as it was. */
#ifndef ATOLL_BASE_BUF_H
#define ATOLL_BASE_BUF_H

#include <stdarg.h>

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
};

/* Prepares an empty buffer; nothing is allocated until the first byte. */
void buf_init(struct buf *b, size_t max);

/* Releases the bytes; the buffer may be used again afterwards. NULL is fine. */
void buf_done(struct buf *b);

/* Makes room for `more` bytes after len. Returns 0 or ERR_LIMIT. */
NODISCARD int buf_reserve(struct buf *b, size_t more);

/* Appends. Return 0 or ERR_LIMIT; buf_printf ASSERTs a format that can be printed. */
NODISCARD int buf_append(struct buf *b, str s);
NODISCARD int buf_append_char(struct buf *b, char c);
NODISCARD int buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Removes the first `count` bytes (at most len). */
void buf_consume(struct buf *b, size_t count);

/* Empties the buffer and keeps its memory. */
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}

/* Borrowed until the next change of the buffer. */
static inline str buf_str(const struct buf *b)
{
    return (str){b->ptr, b->len};
}

/* Moves the bytes out, NUL-terminated, returned owned: free() them. The buffer is empty after. */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
