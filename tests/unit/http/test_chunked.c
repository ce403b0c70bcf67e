/* http/chunked: whole bodies, bodies in pieces of every size, malformed and oversized ones. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/chunked.h"

/* Decodes `input` in pieces of at most `piece` bytes, each a copy of its own, and appends the data
 * to `out`. Returns the last answer; *ret_taken is how many bytes were taken. */
static int decode(str input, size_t piece, struct buf *out, size_t *ret_taken)
{
    struct chunked c;
    int r = 0;

    chunked_init(&c);
    *ret_taken = 0;
    while (r == 0 && *ret_taken < input.len) {
        str part = str_head(str_skip(input, *ret_taken), piece);
        char *copy = str_dup(part);
        str left = {copy, part.len};
        str data;

        while ((r = chunked_decode(&c, &left, &data)) == 1) {
            cr_assert_gt(data.len, 0);
            cr_assert_eq(buf_append(out, data), 0);
        }
        *ret_taken += part.len - left.len;
        free(copy);
    }
    if (r) {
        str more = STR("5\r\nhello\r\n");
        str data;

        cr_expect_eq(chunked_decode(&c, &more, &data), r, "the end is final");
        cr_expect_eq(more.len, 10, "nothing is taken after the end");
    }
    return r;
}

static const struct {
    str input;
    int status;
    str data;
} cases[] = {
    {STR(""), 0, STR("")},
    {STR("0\r\n\r\n"), 2, STR("")},
    {STR("5\r\nhello\r\n0\r\n\r\n"), 2, STR("hello")},
    {STR("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), 2, STR("hello world")},
    {STR("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), 2, STR("01234567890123456789")},
    {STR("0000000000000005\r\n\r\n\r\n\0\r\n0000000000000000\r\n\r\n"), 2, STR("\r\n\r\n\0")},
    {STR("1;a\r\nx\r\n0;b=c\r\n\r\n"), 2, STR("x")},
    {STR("1 \t; a = b ; c\r\nx\r\n0\r\n\r\n"), 2, STR("x")},
    {STR("1;a=\"b;\\\"=\xe9: \\\\ \"\r\nx\r\n1;a=\"\" ;b\r\ny\r\n0\r\n\r\n"), 2, STR("xy")},
    {STR("0\r\nA: b\r\n\r\n"), 2, STR("")},
    {STR("0\r\nExpires: \t\"a; b=c\\d\"\r\nB:\r\nC:\xff\r\n\r\n"), 2, STR("")},
    {STR("5\r\nhel"), 0, STR("hel")},
    {STR("ffffffffffffffff\r\nx"), 0, STR("x")},
    /* Sizes. */
    {STR("00000000000000005\r\nhello\r\n"), -400, STR("")},
    {STR("10000000000000000\r\n"), -400, STR("")},
    {STR("1\r\nx\r\n00000000000000000\r\n\r\n"), -400, STR("x")},
    {STR("\r\n"), -400, STR("")},
    {STR(";a\r\n"), -400, STR("")},
    {STR(" 5\r\nhello\r\n"), -400, STR("")},
    {STR("5 \r\nhello\r\n"), -400, STR("")},
    {STR("-5\r\nhello\r\n"), -400, STR("")},
    {STR("+5\r\nhello\r\n"), -400, STR("")},
    {STR("0x5\r\nhello\r\n"), -400, STR("")},
    {STR("5,\r\nhello\r\n"), -400, STR("")},
    {STR("g\r\n"), -400, STR("")},
    {STR("5\0\r\nhello\r\n"), -400, STR("")},
    {STR("5 5\r\nhello\r\n"), -400, STR("")},
    /* Line ends. */
    {STR("5\nhello\n0\n\n"), -400, STR("")},
    {STR("5\rhello\r\n"), -400, STR("")},
    {STR("5\r\r\nhello\r\n"), -400, STR("")},
    {STR("5\r\nhello0\r\n\r\n"), -400, STR("hello")},
    {STR("5\r\nhello\n0\r\n\r\n"), -400, STR("hello")},
    {STR("5\r\nhello\r0\r\n\r\n"), -400, STR("hello")},
    {STR("5\r\nhello\r\n\r\n0\r\n\r\n"), -400, STR("hello")},
    {STR("5\r\nhello\r\n0\r\n\n"), -400, STR("hello")},
    {STR("5\r\nhello\r\n0\r\n\rX"), -400, STR("hello")},
    /* Extensions. */
    {STR("1;\r\nx\r\n"), -400, STR("")},
    {STR("1;;a\r\nx\r\n"), -400, STR("")},
    {STR("1;a=\r\nx\r\n"), -400, STR("")},
    {STR("1;=b\r\nx\r\n"), -400, STR("")},
    {STR("1;a b\r\nx\r\n"), -400, STR("")},
    {STR("1;a=b c\r\nx\r\n"), -400, STR("")},
    {STR("1;a \r\nx\r\n"), -400, STR("")},
    {STR("1;a=\"b\r\nx\r\n"), -400, STR("")},
    {STR("1;a=\"b\"c\r\nx\r\n"), -400, STR("")},
    {STR("1;a=b\"c\"\r\nx\r\n"), -400, STR("")},
    {STR("1;a=\"\\\n\"\r\nx\r\n"), -400, STR("")},
    {STR("1;a\nb\r\nx\r\n"), -400, STR("")},
    {STR("1;a\rb\r\nx\r\n"), -400, STR("")},
    {STR("1;a=\"\x7f\"\r\nx\r\n"), -400, STR("")},
    {STR("1;\xe9\r\nx\r\n"), -400, STR("")},
    /* Trailers. */
    {STR("0\r\nA\r\n\r\n"), -400, STR("")},
    {STR("0\r\n: b\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA : b\r\n\r\n"), -400, STR("")},
    {STR("0\r\n A: b\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA: b\r\n c\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA: b\nC: d\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA: b\rC: d\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA: \0\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA: \x7f\r\n\r\n"), -400, STR("")},
    {STR("0\r\nA\xe9: b\r\n\r\n"), -400, STR("")},
};

Test(chunked, decodes_in_pieces_of_every_size)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t piece = 1; piece <= cases[i].input.len + 1; piece++) {
            struct buf out;
            size_t taken;

            buf_init(&out, 4096);
            cr_expect_eq(decode(cases[i].input, piece, &out, &taken), cases[i].status,
                         "case %zu in pieces of %zu", i, piece);
            cr_expect(str_equal(buf_str(&out), cases[i].data), "case %zu in pieces of %zu", i,
                      piece);
            if (cases[i].status >= 0)
                cr_expect_eq(taken, cases[i].input.len, "case %zu", i);
            buf_done(&out);
        }
    }
}

Test(chunked, waits_at_every_prefix_of_a_good_body)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t len = 0; cases[i].status == 2 && len < cases[i].input.len; len++) {
            struct buf out;
            size_t taken;

            buf_init(&out, 4096);
            cr_expect_eq(decode(str_head(cases[i].input, len), len, &out, &taken), 0,
                         "case %zu, %zu bytes", i, len);
            buf_done(&out);
        }
    }
}

Test(chunked, leaves_the_next_request)
{
    struct chunked c;
    str input = STR("1\r\nx\r\n0\r\n\r\nGET /");
    str data;

    chunked_init(&c);
    cr_assert_eq(chunked_decode(&c, &input, &data), 1);
    cr_expect(str_equal(data, STR("x")));
    cr_assert_eq(chunked_decode(&c, &input, &data), 2);
    cr_expect(str_equal(input, STR("GET /")));
}

/* The answer to `start`, `count` times 'a', `end`. */
static int status_with(str start, size_t count, str end)
{
    struct buf in, out;
    size_t taken;
    int r;

    buf_init(&in, 65536);
    buf_init(&out, 65536);
    cr_assert_eq(buf_append(&in, start), 0);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(buf_append_char(&in, 'a'), 0);
    cr_assert_eq(buf_append(&in, end), 0);
    r = decode(buf_str(&in), 1000, &out, &taken);
    buf_done(&in);
    buf_done(&out);
    return r;
}

Test(chunked, bounds_extensions_and_trailers)
{
    str end = STR("\r\n\r\n");
    size_t line = CHUNKED_SIZE_LINE_BYTES_MAX - 2;  /* without "0;" */
    size_t trailer = CHUNKED_TRAILER_BYTES_MAX - 4; /* without "A:" and its line end */

    cr_expect_eq(status_with(STR("0;"), line, end), 2);
    cr_expect_eq(status_with(STR("0;"), line + 1, end), -400);
    cr_expect_eq(status_with(STR("1;b\r\nx\r\n0;"), line, end), 2);
    cr_expect_eq(status_with(STR("1;b\r\nx\r\n0;"), line + 1, STR("")), -400);
    cr_expect_eq(status_with(STR("0;a=\""), 60000, STR("")), -400);
    cr_expect_eq(status_with(STR("0\r\nA:"), trailer, end), 2);
    cr_expect_eq(status_with(STR("0\r\nA:"), trailer + 1, end), -400);
    cr_expect_eq(status_with(STR("0\r\nB:\r\nA:"), trailer - 4, end), 2);
    cr_expect_eq(status_with(STR("0\r\nB:\r\nA:"), trailer - 3, end), -400);
    cr_expect_eq(status_with(STR("0\r\n"), 60000, STR("")), -400);
    cr_expect_eq(status_with(STR("ea60\r\n"), 60000, STR("\r\n0\r\n\r\n")), 2);
}
