/* s3/aws_chunked: framing, byte by byte and at once. */
#include <criterion/criterion.h>

#include "base/buf.h"
#include "s3/aws_chunked.h"

#define SIGNATURE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What came, as a text: data, "[signature or -]" for a chunk's end, "{name=value}". */
static bool run(str input, size_t step, struct buf *out)
{
    struct aws_chunked c;
    struct aws_chunked_piece piece;
    enum aws_chunked_event event = AWS_CHUNKED_MORE;

    aws_chunked_init(&c);
    buf_clear(out);
    while (input.len && event != AWS_CHUNKED_MALFORMED) {
        str some = str_head(input, step);

        input = str_skip(input, some.len);
        while (some.len && event != AWS_CHUNKED_MALFORMED) {
            event = aws_chunked_next(&c, &some, &piece);
            if (event == AWS_CHUNKED_DATA)
                cr_assert_eq(buf_append(out, piece.data), 0);
            else if (event == AWS_CHUNKED_CHUNK)
                cr_assert_eq(buf_printf(out, "[%.*s]", piece.signature.len ? 4 : 1,
                                        piece.signature.len ? piece.signature.ptr : "-"),
                             0);
            else if (event == AWS_CHUNKED_TRAILER)
                cr_assert_eq(buf_printf(out, "{%.*s=%.*s}", STR_ARGS(piece.name),
                                        STR_ARGS(piece.value)),
                             0);
        }
    }
    return event != AWS_CHUNKED_MALFORMED && aws_chunked_is_whole(&c);
}

Test(aws_chunked, reads_chunks_and_trailers)
{
    static const struct {
        str input, wanted;
    } rows[] = {
        {STR("0\r\n\r\n"), STR("[-]")},
        {STR("0\r\n"), STR("[-]")},
        {STR("3\r\nabc\r\n0\r\n\r\n"), STR("abc[-][-]")},
        {STR("a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n"),
         STR("0123456789[-]0123456789[-][-]")},
        {STR("1;chunk-signature=" SIGNATURE "\r\nx\r\n0;chunk-signature=" SIGNATURE "\r\n\r\n"),
         STR("x[0123][0123]")},
        {STR("1\r\nx\r\n0\r\nx-amz-checksum-crc32: AAAA==\r\nb:c\r\n\r\n"),
         STR("x[-][-]{x-amz-checksum-crc32=AAAA==}{b=c}")},
        {STR("0\r\na:b\n\r\nc:d\r\n\r\n"), STR("[-]{a=b}{c=d}")},
        {STR("2\r\n\r\n\r\n0\r\n\r\n"), STR("\r\n[-][-]")},
    };
    struct buf out;

    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t step = 1; step <= rows[i].input.len; step++) {
            cr_expect(run(rows[i].input, step, &out), "row %zu, step %zu", i, step);
            cr_expect(str_equal(buf_str(&out), rows[i].wanted), "row %zu, step %zu: %.*s", i, step,
                      STR_ARGS(buf_str(&out)));
        }
    buf_done(&out);
}

Test(aws_chunked, refuses_the_rest)
{
    static const str rows[] = {
        STR(""), STR("3\r\nab"), STR("3\r\nabc\r\n"), STR("0\r\na:b"), STR("0"),
        STR("\r\n"), STR("g\r\n"), STR("-1\r\n"), STR("3 \r\nabc\r\n0\r\n\r\n"),
        STR("3\r\nabcd\r\n0\r\n\r\n"), STR("3\r\nabc\n0\r\n\r\n"),
        STR("00000000000000001\r\nx\r\n0\r\n\r\n"), STR("1;other=1\r\nx\r\n0\r\n\r\n"),
        STR("1;chunk-signature=short\r\nx\r\n0\r\n\r\n"), STR("0\r\nno colon\r\n"),
        STR("0\r\n:b\r\n"),
        STR("0\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1"
            "\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\n"),
    };
    char endless[AWS_CHUNKED_LINE_BYTES_MAX + 1];
    struct buf out;

    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t step = 1; step <= rows[i].len + 1; step++)
            cr_expect_not(run(rows[i], step, &out), "row %zu, step %zu", i, step);
    memset(endless, '0', sizeof endless);
    cr_expect_not(run((str){endless, sizeof endless}, 100, &out));
    buf_done(&out);
}
