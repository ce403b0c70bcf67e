/* JSON text of values; see d1_json.h.
 *
 * A string is copied run by run: a run ends at a byte that JSON wants escaped. Whether it is UTF-8
 * is asked once for the whole; only what is not takes the slow way, sequence by sequence. */
#include "bindings/d1/d1_json.h"

#include <math.h>
#include <stdio.h>

#include "base/utf8.h"

enum { INTEGER_DIGITS_MAX = 20 };

static const char hex_digits[] = "0123456789abcdef";

static int escape(struct buf *out, unsigned char c)
{
    char text[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};

    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        return buf_append(out, (str){text, 2});
    }
    return buf_append(out, (str){text, sizeof text});
}

static bool is_special(unsigned char c)
{
    return c < ' ' || c == '"' || c == '\\';
}

static size_t run_length(str text)
{
    size_t at = 0;

    while (at < text.len && !is_special((unsigned char)text.ptr[at]))
        at++;
    return at;
}

static int append_escaped(struct buf *out, str text)
{
    int r;

    for (;;) {
        size_t run = run_length(text);

        if ((r = buf_append(out, str_head(text, run))) < 0 || run == text.len)
            return r;
        if ((r = escape(out, (unsigned char)text.ptr[run])) < 0)
            return r;
        text = str_skip(text, run + 1);
    }
}

/* Bytes of the character that `text` begins with; 0 when it begins with none. */
static size_t character(str text)
{
    for (size_t len = 1; len <= 4 && len <= text.len; len++)
        if (utf8_is_valid(str_head(text, len)))
            return len;
    return 0;
}

static int append_repaired(struct buf *out, str text)
{
    int r = 0;

    while (text.len && r == 0) {
        size_t len = character(text);

        r = append_escaped(out, len ? str_head(text, len) : STR("\xEF\xBF\xBD"));
        text = str_skip(text, len ? len : 1);
    }
    return r;
}

int d1_json_text(struct buf *out, str text)
{
    int r = buf_append_char(out, '"');

    if (r < 0)
        return r;
    r = utf8_is_valid(text) ? append_escaped(out, text) : append_repaired(out, text);
    return r < 0 ? r : buf_append_char(out, '"');
}

int d1_json_integer(struct buf *out, int64_t value)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char text[INTEGER_DIGITS_MAX + 1], *at = text + sizeof text;

    do {
        *--at = (char)('0' + left % 10);
    } while (left /= 10);
    if (value < 0)
        *--at = '-';
    return buf_append(out, (str){at, (size_t)(text + sizeof text - at)});
}

int d1_json_real(struct buf *out, double value)
{
    if (!isfinite(value))
        return buf_append(out, STR("null"));
    if (value == floor(value) && fabs(value) < 1e15)
        return signbit(value) && value == 0 ? buf_append(out, STR("-0"))
                                            : d1_json_integer(out, (int64_t)value);
    return buf_printf(out, "%.17g", value);
}

int d1_json_blob(struct buf *out, str bytes)
{
    char *at;

    if (bytes.len > out->max / 4 || buf_reserve(out, bytes.len * 4 + 2) < 0)
        return ERR_LIMIT;
    at = out->ptr + out->len;
    *at++ = '[';
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.ptr[i];

        if (i)
            *at++ = ',';
        if (byte >= 100)
            *at++ = (char)('0' + byte / 100);
        if (byte >= 10)
            *at++ = (char)('0' + byte / 10 % 10);
        *at++ = (char)('0' + byte % 10);
    }
    *at++ = ']';
    out->len = (size_t)(at - out->ptr);
    return 0;
}
