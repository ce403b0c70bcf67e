#include "remote/encode.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(encode, fields)
{
    struct buf out;

    buf_init(&out, 100);
    cr_assert_eq(encode_field(&out, "a", STR("x y/z?&=%+\xc3\xa9")), 0);
    cr_assert_eq(encode_field(&out, "b", STR("")), 0);
    cr_expect(str_equal(buf_str(&out), STR("a=x%20y%2Fz%3F%26%3D%25%2B%C3%A9&b=")), "%.*s",
              STR_ARGS(buf_str(&out)));
    buf_done(&out);
}

Test(encode, has_the_buffers_maximum)
{
    struct buf out;

    buf_init(&out, 5);
    cr_expect_eq(encode_field(&out, "a", STR("/")), 0);
    cr_expect_eq(encode_text(&out, STR("/")), ERR_LIMIT);
    buf_done(&out);
}

Test(encode, reads_fields)
{
    static const struct {
        const char *fields, *name, *want;
    } cases[] = {
        {"a=1&b=2", "b", "2"},       {"a=1&b=2", "c", NULL},  {"", "a", NULL},
        {"a", "a", ""},              {"a=", "a", ""},         {"a=x%20y+z", "a", "x y z"},
        {"a=%", "a", "%"},           {"a=%2", "a", "%2"},     {"a=%zz", "a", "%zz"},
        {"a=%00", "a", NULL},        {"aa=1&a=2", "a", "2"},  {"a=1&a=2", "a", "1"},
        {"&&a=1", "a", "1"},         {"a=b=c", "a", "b=c"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *got = encode_read_field(str_from(cases[i].fields), cases[i].name);

        if (cases[i].want)
            cr_expect(got && strcmp(got, cases[i].want) == 0, "%s: %s", cases[i].fields, got);
        else
            cr_expect_null(got, "%s", cases[i].fields);
        free(got);
    }
}
