/* Percent-encoding; see percent.h.
 *
 * The table is the whole knowledge: a byte's row has a bit for each set that contains it. The sets
 * nest (C0 < fragment, C0 < query < path < userinfo < form) but for "`", which query leaves out. */
#include "web/percent.h"

#include "base/hex.h"

enum {
    USERINFO_UP = PERCENT_USERINFO | PERCENT_FORM,
    PATH_UP = PERCENT_PATH | USERINFO_UP,
    QUERY_UP = PERCENT_QUERY | PERCENT_SPECIAL_QUERY | PATH_UP,
    FRAGMENT_AND_PATH_UP = PERCENT_FRAGMENT | PATH_UP,
    FRAGMENT_AND_QUERY_UP = PERCENT_FRAGMENT | QUERY_UP,
    ALL = PERCENT_C0 | FRAGMENT_AND_QUERY_UP,
};

const uint8_t percent_table[256] = {
    [0x00 ... 0x1F] = ALL,
    [0x7F ... 0xFF] = ALL,
    [' '] = FRAGMENT_AND_QUERY_UP,
    ['"'] = FRAGMENT_AND_QUERY_UP,
    ['<'] = FRAGMENT_AND_QUERY_UP,
    ['>'] = FRAGMENT_AND_QUERY_UP,
    ['`'] = FRAGMENT_AND_PATH_UP,
    ['#'] = QUERY_UP,
    ['\''] = PERCENT_SPECIAL_QUERY | PERCENT_FORM,
    ['?'] = PATH_UP,
    ['^'] = PATH_UP,
    ['{'] = PATH_UP,
    ['}'] = PATH_UP,
    ['/'] = USERINFO_UP,
    [':'] = USERINFO_UP,
    [';'] = USERINFO_UP,
    ['='] = USERINFO_UP,
    ['@'] = USERINFO_UP,
    ['['] = USERINFO_UP,
    ['\\'] = USERINFO_UP,
    [']'] = USERINFO_UP,
    ['|'] = USERINFO_UP,
    ['$'] = PERCENT_FORM,
    ['%'] = PERCENT_FORM,
    ['&'] = PERCENT_FORM,
    ['+'] = PERCENT_FORM,
    [','] = PERCENT_FORM,
    ['!'] = PERCENT_FORM,
    ['('] = PERCENT_FORM,
    [')'] = PERCENT_FORM,
    ['~'] = PERCENT_FORM,
};

static const char hex_digits[] = "0123456789ABCDEF";

bool percent_is_clean(str text, enum percent_set set)
{
    for (size_t i = 0; i < text.len; i++)
        if (percent_table[(unsigned char)text.ptr[i]] & set)
            return false;
    return true;
}

int percent_encode(str text, enum percent_set set, struct buf *out)
{
    int r = buf_reserve(out, text.len * 3);
    char *at;

    if (r < 0)
        return r;
    if (!text.len)
        return 0;
    at = out->ptr + out->len;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (percent_table[c] & set) {
            *at++ = '%';
            *at++ = hex_digits[c >> 4];
            *at++ = hex_digits[c & 15];
        } else {
            *at++ = (char)c;
        }
    }
    out->len = (size_t)(at - out->ptr);
    return 0;
}

int percent_decode(str text, struct buf *out)
{
    int r = buf_reserve(out, text.len);

    if (r < 0)
        return r;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && text.len - i > 2 && hex_digit(text.ptr[i + 1]) >= 0 &&
            hex_digit(text.ptr[i + 2]) >= 0) {
            c = (char)(hex_digit(text.ptr[i + 1]) << 4 | hex_digit(text.ptr[i + 2]));
            i += 2;
        }
        out->ptr[out->len++] = c;
    }
    return 0;
}
