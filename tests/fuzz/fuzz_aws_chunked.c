/* s3/aws_chunked: the same events byte by byte and at once; no more data than input. */
#include "base/buf.h"
#include "s3/aws_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool run(str input, size_t step, struct buf *out)
{
    struct aws_chunked c;
    struct aws_chunked_piece piece;
    enum aws_chunked_event event = AWS_CHUNKED_MORE;

    aws_chunked_init(&c);
    while (input.len && event != AWS_CHUNKED_MALFORMED) {
        str some = str_head(input, step);

        input = str_skip(input, some.len);
        while (some.len && event != AWS_CHUNKED_MALFORMED) {
            event = aws_chunked_next(&c, &some, &piece);
            if (event == AWS_CHUNKED_DATA)
                ASSERT(buf_append(out, piece.data) == 0);
            else if (event == AWS_CHUNKED_TRAILER)
                ASSERT(buf_append(out, piece.name) == 0 && buf_append(out, piece.value) == 0);
            else if (event == AWS_CHUNKED_CHUNK)
                ASSERT(piece.signature.len == 0 || piece.signature.len == 64);
        }
    }
    return event != AWS_CHUNKED_MALFORMED && aws_chunked_is_whole(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size};
    struct buf once, bytewise;
    bool whole;

    buf_init(&once, size + 1);
    buf_init(&bytewise, size + 1);
    whole = run(input, size, &once);
    ASSERT(run(input, 1, &bytewise) == whole);
    ASSERT(str_equal(buf_str(&once), buf_str(&bytewise)));
    buf_done(&once);
    buf_done(&bytewise);
    return 0;
}
