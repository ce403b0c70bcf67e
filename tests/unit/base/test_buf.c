/* base/buf: growth up to the maximum, and not a byte further. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "base/buf.h"

Test(buf, allocates_nothing_before_the_first_byte)
{
    struct buf b;

    buf_init(&b, 10);
    cr_expect_null(b.ptr);
    cr_expect_eq(buf_append(&b, STR("")), 0);
    cr_expect_eq(buf_append(&b, STR_NONE), 0);
    cr_expect_eq(b.len, 0);
    buf_done(&b);
    buf_done(NULL);
}

Test(buf, fills_to_its_maximum)
{
    static const size_t maxima[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 1000};

    for (size_t i = 0; i < COUNT_OF(maxima); i++) {
        struct buf b;
        size_t len;
        char *bytes;

        buf_init(&b, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            cr_expect_eq(buf_append_char(&b, (char)n), 0, "maximum %zu", maxima[i]);
        cr_expect_eq(buf_append_char(&b, 'x'), ERR_LIMIT);
        cr_expect_eq(buf_append(&b, STR("xy")), ERR_LIMIT);
        cr_expect_eq(buf_printf(&b, "x"), ERR_LIMIT);
        cr_expect_eq(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
        cr_expect_eq(buf_append(&b, STR("")), 0);
        cr_expect_eq(b.len, maxima[i]);
        bytes = buf_take(&b, &len);
        cr_expect_eq(len, maxima[i]);
        for (size_t n = 0; n < len; n++)
            cr_expect_eq(bytes[n], (char)n);
        cr_expect_eq(bytes[len], '\0');
        free(bytes);
        buf_done(&b);
    }
}

Test(buf, is_as_it_was_after_a_refusal)
{
    struct buf b;

    buf_init(&b, 4);
    cr_expect_eq(buf_append(&b, STR("abc")), 0);
    cr_expect_eq(buf_append(&b, STR("de")), ERR_LIMIT);
    cr_expect_eq(buf_printf(&b, "%d", 12), ERR_LIMIT);
    cr_expect(str_equal(buf_str(&b), STR("abc")));
    cr_expect_eq(buf_printf(&b, "%c", 'd'), 0);
    cr_expect(str_equal(buf_str(&b), STR("abcd")));
    buf_done(&b);
    cr_expect_eq(b.len, 0);
    cr_expect_eq(buf_append(&b, STR("wxyz")), 0);
    cr_expect_eq(buf_append_char(&b, 'x'), ERR_LIMIT);
    buf_done(&b);
}

Test(buf, prints_what_does_not_fit_the_first_guess)
{
    struct buf b;

    buf_init(&b, 10000);
    for (int i = 0; i < 50; i++)
        cr_expect_eq(buf_printf(&b, "%0100d", i), 0);
    cr_expect_eq(b.len, 5000);
    cr_expect(str_ends(buf_str(&b), STR("0049")));
    buf_done(&b);
}

Test(buf, reserves_without_changing_what_is_there)
{
    struct buf b;

    buf_init(&b, 100);
    cr_expect_eq(buf_append(&b, STR("ab")), 0);
    cr_expect_eq(buf_reserve(&b, 99), ERR_LIMIT);
    cr_expect_eq(buf_reserve(&b, 98), 0);
    cr_expect_geq(b.cap, 100);
    cr_expect(str_equal(buf_str(&b), STR("ab")));
    buf_done(&b);
}

Test(buf, consumes_from_the_front)
{
    static const struct {
        size_t count;
        str left;
    } cases[] = {{0, STR("abcd")}, {1, STR("bcd")}, {3, STR("d")}, {4, STR("")}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;

        buf_init(&b, 10);
        cr_expect_eq(buf_append(&b, STR("abcd")), 0);
        buf_consume(&b, cases[i].count);
        cr_expect(str_equal(buf_str(&b), cases[i].left), "case %zu", i);
        buf_done(&b);
    }
}

Test(buf, does_not_consume_more_than_it_has, .signal = SIGABRT)
{
    struct buf b;

    buf_init(&b, 10);
    buf_consume(&b, 1);
}

Test(buf, keeps_its_memory_when_cleared)
{
    struct buf b;
    char *before;

    buf_init(&b, 10);
    cr_expect_eq(buf_append(&b, STR("abcd")), 0);
    before = b.ptr;
    buf_clear(&b);
    cr_expect_eq(b.len, 0);
    cr_expect_eq(b.ptr, before);
    buf_done(&b);
}

Test(buf, is_empty_after_a_take)
{
    struct buf b;
    char *bytes;

    buf_init(&b, 10);
    bytes = buf_take(&b, NULL);
    cr_expect_str_eq(bytes, "");
    free(bytes);
    cr_expect_eq(buf_append(&b, STR("a\0b")), 0);
    bytes = buf_take(&b, NULL);
    cr_expect_eq(memcmp(bytes, "a\0b", 4), 0);
    free(bytes);
    cr_expect_null(b.ptr);
    cr_expect_eq(b.max, 10);
}
