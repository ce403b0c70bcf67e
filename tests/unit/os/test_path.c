#include "os/path.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/mem.h"

static void expect(char *got, const char *want)
{
    cr_expect_str_eq(got, want);
    free(got);
}

Test(path, join)
{
    expect(path_join(STR("a"), STR("b")), "a/b");
    expect(path_join(STR("a/"), STR("b")), "a/b");
    expect(path_join(STR("/"), STR("b")), "/b");
    expect(path_join(STR("a"), STR("/b")), "/b");
    expect(path_join(STR(""), STR("b")), "b");
    expect(path_join(STR("a"), STR("")), "a/");
}

Test(path, directory)
{
    static const char *const cases[][2] = {
        {"/a/b", "/a"}, {"/a", "/"}, {"a", "."}, {"a/b/c", "a/b"}, {"", "."}, {"/", "/"},
        {"a//b", "a"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(path_directory(str_from(cases[i][0])), cases[i][1]);
}

Test(path, file_name_and_stem)
{
    static const char *const cases[][3] = {
        {"/a/b.ts", "b.ts", "b"}, {"b", "b", "b"}, {"a/.env", ".env", ".env"},
        {"x.test.js", "x.test.js", "x.test"}, {"a/", "", ""}, {"", "", ""},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect(str_equal(path_file_name(str_from(cases[i][0])), str_from(cases[i][1])));
        cr_expect(str_equal(path_stem(str_from(cases[i][0])), str_from(cases[i][2])), "%s",
                  cases[i][0]);
    }
}

Test(path, absolute)
{
    static const char *const cases[][2] = {
        {"/a/b", "/a/b"}, {"/a/./b/", "/a/b"}, {"/a/../b", "/b"}, {"/../..", "/"},
        {"//a///b", "/a/b"}, {"/", "/"}, {"/a/b/../../c/d/..", "/c"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(path_absolute(str_from(cases[i][0])), cases[i][1]);
}

Test(path, relative)
{
    static const char *const cases[][3] = {
        {"/a/b", "/a", "b"},     {"/a/b/c", "/a/x", "../b/c"}, {"/a", "/a", "."},
        {"/abc", "/ab", "../abc"}, {"/a/b", "/", "a/b"},       {"/a", "/b/c", "../../a"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(path_relative(str_from(cases[i][0]), str_from(cases[i][1])), cases[i][2]);
}

Test(path, beside_binary)
{
    static const char *const nowhere[] = {"no-such-place", NULL};

    cr_expect_null(path_beside_binary(nowhere, "no-such-file"));
}
