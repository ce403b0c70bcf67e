/* base/str: views at their edges. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

Test(str, views_c_strings)
{
    cr_expect_null(str_from(NULL).ptr);
    cr_expect_eq(str_from(NULL).len, 0);
    cr_expect_eq(str_from("").len, 0);
    cr_expect_eq(str_from("abc").len, 3);
    cr_expect_eq(STR("a\0b").len, 3);
}

Test(str, compares)
{
    static const struct {
        str a, b;
        bool equal, nocase, starts, ends;
    } cases[] = {
        {STR(""), STR(""), true, true, true, true},
        {STR("abc"), STR("abc"), true, true, true, true},
        {STR("abc"), STR("ABC"), false, true, false, false},
        {STR("abc"), STR("ab"), false, false, true, false},
        {STR("abc"), STR("bc"), false, false, false, true},
        {STR("abc"), STR(""), false, false, true, true},
        {STR("ab"), STR("abc"), false, false, false, false},
        {STR("a\0b"), STR("a\0c"), false, false, false, false},
        {STR("@[`{"), STR("`{@["), false, false, false, false},
        {STR("\xc9"), STR("\xe9"), false, false, false, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(str_equal(cases[i].a, cases[i].b), cases[i].equal, "case %zu", i);
        cr_expect_eq(str_equal_nocase(cases[i].a, cases[i].b), cases[i].nocase, "case %zu", i);
        cr_expect_eq(str_starts(cases[i].a, cases[i].b), cases[i].starts, "case %zu", i);
        cr_expect_eq(str_ends(cases[i].a, cases[i].b), cases[i].ends, "case %zu", i);
    }
    cr_expect(str_equal(STR_NONE, STR("")));
    cr_expect(str_equal_nocase(STR_NONE, STR("")));
}

Test(str, cuts)
{
    static const struct {
        size_t at;
        str head, rest;
    } cases[] = {
        {0, STR(""), STR("abc")}, {1, STR("a"), STR("bc")},       {3, STR("abc"), STR("")},
        {4, STR("abc"), STR("")}, {SIZE_MAX, STR("abc"), STR("")},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect(str_equal(str_head(STR("abc"), cases[i].at), cases[i].head), "case %zu", i);
        cr_expect(str_equal(str_skip(STR("abc"), cases[i].at), cases[i].rest), "case %zu", i);
    }
}

Test(str, finds)
{
    cr_expect_eq(str_find(STR("abcb"), 'b'), 1);
    cr_expect_eq(str_find(STR("abcb"), 'x'), 4);
    cr_expect_eq(str_find(STR("a\0b"), 'b'), 2);
    cr_expect_eq(str_find(STR_NONE, 'b'), 0);
}

Test(str, trims_spaces_and_tabs_only)
{
    static const struct {
        str in, want;
    } cases[] = {
        {STR(""), STR("")},      {STR(" \t "), STR("")},       {STR("a"), STR("a")},
        {STR(" a"), STR("a")},   {STR("a\t"), STR("a")},       {STR("\t a b \t"), STR("a b")},
        {STR("\na "), STR("\na")}, {STR(" a\0 "), STR("a\0")},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect(str_equal(str_trim(cases[i].in), cases[i].want), "case %zu", i);
}

Test(str, reads_numbers)
{
    static const struct {
        str in;
        uint64_t max;
        bool good;
        uint64_t want;
    } cases[] = {
        {STR("0"), 10, true, 0},
        {STR("10"), 10, true, 10},
        {STR("11"), 10, false, 0},
        {STR("0010"), 10, true, 10},
        {STR("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
        {STR("18446744073709551616"), UINT64_MAX, false, 0},
        {STR("18446744073709551620"), UINT64_MAX, false, 0},
        {STR("99999999999999999999"), UINT64_MAX, false, 0},
        {STR(""), 10, false, 0},
        {STR(" 1"), 10, false, 0},
        {STR("1 "), 10, false, 0},
        {STR("+1"), 10, false, 0},
        {STR("-1"), 10, false, 0},
        {STR("1a"), 10, false, 0},
        {STR("1\0"), 10, false, 0},
        {STR("/"), 10, false, 0},
        {STR(":"), 10, false, 0},
        {STR("\xb1"), 10, false, 0},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 77;

        cr_expect_eq(str_to_u64(cases[i].in, cases[i].max, &value), cases[i].good, "case %zu", i);
        cr_expect_eq(value, cases[i].good ? cases[i].want : 77, "case %zu", i);
    }
}

Test(str, copies)
{
    static const struct {
        str in;
    } cases[] = {{STR("")}, {{NULL, 0}}, {STR("abc")}, {STR("a\0b")}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *copy = str_dup(cases[i].in);

        cr_expect(str_equal((str){copy, cases[i].in.len}, cases[i].in), "case %zu", i);
        cr_expect_eq(copy[cases[i].in.len], '\0', "case %zu", i);
        free(copy);
    }
}

Test(str, finds_texts)
{
    static const struct {
        str in, part;
        size_t at;
    } cases[] = {
        {STR("abcabc"), STR("bc"), 1}, {STR("abc"), STR("abc"), 0}, {STR("abc"), STR("c"), 2},
        {STR("abc"), STR("d"), 3},     {STR("ab"), STR("abc"), 2},  {STR("abc"), STR(""), 0},
        {STR("a\0b"), STR("\0b"), 1},  {STR_NONE, STR("a"), 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(str_find_text(cases[i].in, cases[i].part), cases[i].at, "case %zu", i);
        cr_expect_eq(str_has(cases[i].in, cases[i].part), cases[i].at < cases[i].in.len, "case %zu",
                     i);
    }
}

Test(str, strips_white_space)
{
    cr_expect(str_equal(str_strip(STR(" \t\r\n\v\fa b\r\n")), STR("a b")));
    cr_expect_eq(str_strip(STR(" \n")).len, 0);
    cr_expect_eq(str_strip(STR_NONE).len, 0);
}
