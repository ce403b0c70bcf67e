/* A bounded byte buffer; see buf.h.
 *
 * (1) len <= cap <= max + 1: the one spare byte is for buf_take's NUL. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUF_CAP_FIRST = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    if (!b)
        return;
    free(b->ptr);
    buf_init(b, b->max);
}

static void grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_CAP_FIRST;

    while (cap < need)
        cap *= 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    b->ptr = mem_resize(b->ptr, cap);
    b->cap = cap;
}

int buf_reserve(struct buf *b, size_t more)
{
    ASSERT(b->len <= b->max);
    if (more > b->max - b->len)
        return ERR_LIMIT;
    if (b->len + more > b->cap)
        grow(b, b->len + more);
    return 0;
}

int buf_append(struct buf *b, str s)
{
    int r = buf_reserve(b, s.len);

    if (r < 0)
        return r;
    if (s.len)
        memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    return 0;
}

int buf_append_char(struct buf *b, char c)
{
    return buf_append(b, (str){&c, 1});
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    int need;

    va_start(args, format);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(need >= 0);

    if ((size_t)need > b->max - b->len)
        return ERR_LIMIT;
    if (b->len + (size_t)need + 1 > b->cap)
        grow(b, b->len + (size_t)need + 1);
    va_start(args, format);
    vsnprintf(b->ptr + b->len, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
    return 0;
}

void buf_consume(struct buf *b, size_t count)
{
    ASSERT(count <= b->len);
    b->len -= count;
    if (b->len)
        memmove(b->ptr, b->ptr + count, b->len);
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    char *taken;

    if (b->len == b->cap)
        grow(b, b->len + 1);
    b->ptr[b->len] = '\0';
    taken = b->ptr;
    if (ret_len)
        *ret_len = b->len;
    buf_init(b, b->max);
    return taken;
}
