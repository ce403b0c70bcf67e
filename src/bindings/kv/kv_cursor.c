/* Cursors; see kv_cursor.h. "1", for this form, and the key as base64 for URLs. */
#include "bindings/kv/kv_cursor.h"

#include "base/utf8.h"
#include "bindings/kv/kv_store.h"
#include "web/base64.h"

int kv_cursor_write(str key, struct buf *out)
{
    size_t len = base64_encoded_len(key.len), from = out->len + 1;
    int r = buf_append_char(out, '1');

    if (r == 0)
        r = buf_reserve(out, len);
    if (r < 0)
        return r;
    base64_encode(key, out->ptr + from);
    for (size_t i = from; i < from + len && out->ptr[i] != '='; i++) {
        char c = out->ptr[i];
        out->ptr[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
        out->len = i + 1;
    }
    return 0;
}

/* The alphabet of URLs made into the usual one; 0 for any other character. */
static char usual(char c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return c;
    return (char)(c == '-' ? '+' : c == '_' ? '/' : 0);
}

int kv_cursor_read(str cursor, struct buf *out)
{
    char text[KV_CURSOR_BYTES_MAX], key[KV_CURSOR_BYTES_MAX];
    int64_t len;

    if (cursor.len < 2 || cursor.len > sizeof text || cursor.ptr[0] != '1')
        return ERR_INVALID;
    cursor = str_skip(cursor, 1);
    for (size_t i = 0; i < cursor.len; i++)
        if (!(text[i] = usual(cursor.ptr[i])))
            return ERR_INVALID;
    len = base64_decode((str){text, cursor.len}, key);
    if (len <= 0 || len > KV_STORE_KEY_BYTES_MAX || !utf8_is_valid((str){key, (size_t)len}))
        return ERR_INVALID;
    return buf_append(out, (str){key, (size_t)len}) < 0 ? ERR_INVALID : 0;
}
