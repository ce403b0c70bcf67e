/* http/chunked: any bytes. Cut anywhere, they must give the same answer and the same data. */
#include <stdlib.h>

#include "base/buf.h"
#include "http/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(str input, size_t piece, struct buf *out, size_t *ret_taken)
{
    struct chunked c;
    int r = 0;

    chunked_init(&c);
    *ret_taken = 0;
    while (r == 0 && *ret_taken < input.len) {
        str part = str_head(str_skip(input, *ret_taken), piece);
        str left = part, run;

        while ((r = chunked_decode(&c, &left, &run)) == 1) {
            ASSERT(run.len && run.ptr >= part.ptr && run.ptr + run.len <= part.ptr + part.len);
            ASSERT(buf_append(out, run) == 0);
        }
        ASSERT(left.ptr + left.len == part.ptr + part.len);
        ASSERT(r != 0 || !left.len);
        *ret_taken += part.len - left.len;
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size ? data[0] % 7 + 1 : 1;
    str input = str_skip((str){(const char *)data, size}, 1);
    struct buf once, pieces;
    size_t once_taken, pieces_taken;

    buf_init(&once, size);
    buf_init(&pieces, size);
    ASSERT(decode(input, input.len, &once, &once_taken) ==
           decode(input, piece, &pieces, &pieces_taken));
    ASSERT(once_taken == pieces_taken);
    ASSERT(str_equal(buf_str(&once), buf_str(&pieces)));
    buf_done(&once);
    buf_done(&pieces);
    return 0;
}
