/* Whatever bytes come in, in whatever pieces, a decoder writes no more than it may, gives the same
 * text as for all bytes at once, and refuses exactly what has a U+FFFD for something malformed.
 * Input: the encoding, the size of the pieces, the bytes. */
#include <stdlib.h>

#include "base/mem.h"
#include "web/charset.h"

static const str names[] = {STR("gbk"),       STR("gb18030"), STR("big5"),  STR("euc-jp"),
                            STR("iso-2022-jp"), STR("shift_jis"), STR("euc-kr")};

static size_t decode(str name, bool is_fatal, str bytes, size_t piece, uint16_t *out)
{
    struct charset *charset = charset_new(name, is_fatal);
    size_t total = 0;

    ASSERT(charset);
    for (;;) {
        str head = str_head(bytes, piece);
        int64_t len;
        bytes = str_skip(bytes, head.len);
        len = charset_decode(charset, head, bytes.len == 0, out + total);
        if (len < 0) {
            total = SIZE_MAX;
            break;
        }
        total += (size_t)len;
        if (bytes.len == 0)
            break;
    }
    charset_free(charset);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t *whole, *pieces;
    size_t whole_len, pieces_len;
    str name, bytes;

    if (size < 2 || size > 4096)
        return 0;
    name = names[data[0] % COUNT_OF(names)];
    bytes = (str){(const char *)data + 2, size - 2};
    whole = mem_alloc((bytes.len + CHARSET_SPARE_UNITS) * sizeof *whole);
    pieces = mem_alloc((2 * bytes.len + 2 * CHARSET_SPARE_UNITS) * sizeof *pieces);
    whole_len = decode(name, false, bytes, SIZE_MAX, whole);
    pieces_len = decode(name, false, bytes, (size_t)data[1] % 7 + 1, pieces);
    ASSERT(whole_len == pieces_len);
    ASSERT(memcmp(whole, pieces, whole_len * sizeof *whole) == 0);
    if (decode(name, true, bytes, SIZE_MAX, pieces) != SIZE_MAX)
        ASSERT(memcmp(whole, pieces, whole_len * sizeof *whole) == 0);
    free(whole);
    free(pieces);
    return 0;
}
