/* Cursors: a letter, and the key in hexadecimal digits; see r2_cursor.h. */
#include "bindings/r2/r2_cursor.h"

int r2_cursor_write(str last, bool is_prefix, struct buf *out)
{
    int r = buf_append_char(out, is_prefix ? 'p' : 'k');

    for (size_t i = 0; r == 0 && i < last.len; i++)
        r = buf_printf(out, "%02x", (unsigned char)last.ptr[i]);
    return r;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int r2_cursor_read(str cursor, struct buf *last, bool *ret_is_prefix)
{
    if (!(cursor.len % 2) || cursor.len > R2_CURSOR_BYTES_MAX ||
        (*cursor.ptr != 'p' && *cursor.ptr != 'k'))
        return ERR_INVALID;
    for (size_t i = 1; i < cursor.len; i += 2) {
        int high = digit(cursor.ptr[i]), low = digit(cursor.ptr[i + 1]);

        if (high < 0 || low < 0 || buf_append_char(last, (char)(high << 4 | low)) < 0)
            return ERR_INVALID;
    }
    *ret_is_prefix = *cursor.ptr == 'p';
    return 0;
}
