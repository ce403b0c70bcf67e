#include "base/member.h"

#include <criterion/criterion.h>

#include "base/mem.h"

static json_t *object;

static void make(void)
{
    object = json_pack("{s:s, s:s#, s:i, s:f, s:n, s:[{s:s, s:i}, i, {s:s, s:i}, {s:s, s:i}]}",
                       "text", "a", "nul", "b\0c", 3, "number", 7, "real", 1.5, "none", "rows",
                       "id", "x", "n", 1, 2, "id", "y", "n", 2, "id", "y", "n", 3);
}

static void clean(void)
{
    json_decref(object);
}

TestSuite(member, .init = make, .fini = clean);

Test(member, reads_what_is_there)
{
    cr_expect_str_eq(member_text(object, "text"), "a");
    cr_expect_str_eq(member_text_or(object, "text", "other"), "a");
    cr_expect(str_equal(member_str(object, "nul"), STR("b\0c")));
    cr_expect_eq(member_int(object, "number"), 7);
    cr_expect(member_is(object, "text", "a"));
}

Test(member, is_none_of_another_kind)
{
    static const char *const keys[] = {"number", "none", "rows", "missing"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        cr_expect_null(member_text(object, keys[i]));
        cr_expect_str_eq(member_text_or(object, keys[i], "other"), "other");
        cr_expect_eq(member_str(object, keys[i]).len, 0);
        cr_expect_not(member_is(object, keys[i], ""));
    }
    cr_expect_eq(member_int(object, "text") + member_int(object, "real"), 0);
    cr_expect_not(member_is(object, "text", NULL));
    cr_expect_null(member_text(NULL, "text"));
    cr_expect_eq(member_int(NULL, "number"), 0);
}

Test(member, finds_the_first_of_an_array)
{
    const json_t *rows = json_object_get(object, "rows");

    cr_expect_eq(member_int(member_find(rows, "id", "x"), "n"), 1);
    cr_expect_eq(member_int(member_find(rows, "id", "y"), "n"), 2);
    cr_expect_null(member_find(rows, "id", "z"));
    cr_expect_null(member_find(rows, "id", NULL));
    cr_expect_null(member_find(NULL, "id", "x"));
    cr_expect_null(member_find(object, "id", "x"));
}
