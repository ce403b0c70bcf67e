/* web/percent: each set, decoding, the limit. */
#include "web/percent.h"

#include <criterion/criterion.h>

Test(percent, encodes_by_set)
{
    static const struct {
        enum percent_set set;
        const char *want;
    } rows[] = {
        {PERCENT_C0, "%00 \"#'<>?^`{|}~/%7F%C3%A9"},
        {PERCENT_FRAGMENT, "%00%20%22#'%3C%3E?^%60{|}~/%7F%C3%A9"},
        {PERCENT_QUERY, "%00%20%22%23'%3C%3E?^`{|}~/%7F%C3%A9"},
        {PERCENT_SPECIAL_QUERY, "%00%20%22%23%27%3C%3E?^`{|}~/%7F%C3%A9"},
        {PERCENT_PATH, "%00%20%22%23'%3C%3E%3F%5E%60%7B|%7D~/%7F%C3%A9"},
        {PERCENT_USERINFO, "%00%20%22%23'%3C%3E%3F%5E%60%7B%7C%7D~%2F%7F%C3%A9"},
        {PERCENT_FORM, "%00%20%22%23%27%3C%3E%3F%5E%60%7B%7C%7D%7E%2F%7F%C3%A9"},
    };
    static const char input[] = "\0 \"#'<>?^`{|}~/\x7F\xC3\xA9";
    struct buf out;

    buf_init(&out, 256);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        cr_expect_eq(percent_encode((str){input, sizeof input - 1}, rows[i].set, &out), 0);
        cr_expect(str_equal(buf_str(&out), str_from(rows[i].want)), "%.*s",
                  STR_ARGS(buf_str(&out)));
    }
    cr_expect_eq(percent_encode(STR_NONE, PERCENT_C0, &out), 0);
    buf_done(&out);
}

Test(percent, decodes)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"", ""},     {"a%41b", "aAb"},     {"%", "%"},
        {"%4", "%4"}, {"%4g%zz", "%4g%zz"}, {"%c3%A9%", "\xC3\xA9%"},
        {"%25", "%"}, {"%%41", "%A"},
    };
    struct buf out;

    buf_init(&out, 256);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        cr_expect_eq(percent_decode(str_from(rows[i].in), &out), 0);
        cr_expect(str_equal(buf_str(&out), str_from(rows[i].want)), "%s", rows[i].in);
    }
    buf_done(&out);
}

Test(percent, respects_the_limit)
{
    struct buf out;

    buf_init(&out, 5);
    cr_expect_eq(percent_encode(STR("ab"), PERCENT_C0, &out), ERR_LIMIT);
    cr_expect_eq(percent_decode(STR("abcdef"), &out), ERR_LIMIT);
    cr_expect_eq(out.len, 0);
    buf_done(&out);
}
