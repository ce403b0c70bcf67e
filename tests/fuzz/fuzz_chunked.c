/* http/chunked: any bytes. Cut anywhere, they must give the same answer and the same data; and so
 * must another decoder that goes on from any cut. */
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

/* The first `cut` bytes go through one decoder, and what it makes of them, with the rest, through
 * another. */
static int decode_handed_over(str input, size_t cut, struct buf *out)
{
    struct buf head, data;
    struct chunked c;
    str left = str_head(input, cut), run;
    size_t taken;
    int r;

    buf_init(&head, SIZE_MAX / 4);
    buf_init(&data, SIZE_MAX / 4);
    chunked_init(&c);
    while ((r = chunked_decode(&c, &left, &run)) == 1)
        ASSERT(buf_append(&data, run) == 0);
    if (r == 0) {
        ASSERT(chunked_replay(&c, buf_str(&data), &head) == 0);
        ASSERT(buf_append(&head, str_skip(input, cut)) == 0);
        r = decode(buf_str(&head), head.len, out, &taken);
    } else {
        ASSERT(buf_append(out, buf_str(&data)) == 0);
    }
    buf_done(&head);
    buf_done(&data);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size ? data[0] % 7 + 1 : 1;
    size_t cut = size > 1 ? data[1] : 0;
    str input = str_skip((str){(const char *)data, size}, 2);
    struct buf once, pieces, handed;
    size_t once_taken, pieces_taken;
    int r, handed_r;

    buf_init(&once, size);
    buf_init(&pieces, size);
    buf_init(&handed, size);
    r = decode(input, input.len, &once, &once_taken);
    ASSERT(r == decode(input, piece, &pieces, &pieces_taken));
    ASSERT(once_taken == pieces_taken);
    ASSERT(str_equal(buf_str(&once), buf_str(&pieces)));
    handed_r = decode_handed_over(input, cut < input.len ? cut : input.len, &handed);
    ASSERT(r == handed_r || r == -400); /* what is counted begins anew */
    ASSERT(r == -400 || str_equal(buf_str(&once), buf_str(&handed)));
    buf_done(&handed);
    buf_done(&once);
    buf_done(&pieces);
    return 0;
}
