#include "remote/envfile.h"

#include <criterion/criterion.h>

static const struct envfile_line lines[] = {{"A", "1"}, {"B", "two words"}, {0}};

static const struct {
    const char *in, *set, *removed;
} cases[] = {
    {"", "A=1\nB='two words'\n", ""},
    {"X=1", "X=1\nA=1\nB='two words'\n", "X=1"},
    {"# c\n\nA=old\nX=1\n", "# c\n\nA=1\nX=1\nB='two words'\n", "# c\n\nX=1\n"},
    {"export A=old # c\r\nX=1\r\n", "A=1\nX=1\r\nB='two words'\n", "X=1\r\n"},
    {"A=1\nA=2\nX=3\nA=4", "A=1\nX=3\nB='two words'\n", "X=3\n"},
    {"A=\"x\ny\" # c\nX=1\n", "A=1\nX=1\nB='two words'\n", "X=1\n"},
    {"X=\"\nA=2\n\"\nB=3\n", "X=\"\nA=2\n\"\nB='two words'\nA=1\n", "X=\"\nA=2\n\"\n"},
    {"A='open\nX=1\n", "A=1\nX=1\nB='two words'\n", "X=1\n"},
    {"#A=2\nAA=3\nno line\n", "#A=2\nAA=3\nno line\nA=1\nB='two words'\n",
     "#A=2\nAA=3\nno line\n"},
    {"  A = 2\n", "A=1\nB='two words'\n", ""},
    {"\n\n", "\n\nA=1\nB='two words'\n", "\n\n"},
};

Test(envfile, changes_its_own_lines_only)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf set, removed;
        struct err err;

        buf_init(&set, ENVFILE_BYTES_MAX);
        buf_init(&removed, ENVFILE_BYTES_MAX);
        cr_assert_eq(envfile_set(str_from(cases[i].in), lines, &set, &err), 0);
        cr_assert_eq(envfile_remove(str_from(cases[i].in), lines, &removed, &err), 0);
        cr_expect(str_equal(buf_str(&set), str_from(cases[i].set)), "%s: %.*s", cases[i].in,
                  STR_ARGS(buf_str(&set)));
        cr_expect(str_equal(buf_str(&removed), str_from(cases[i].removed)), "%s: %.*s", cases[i].in,
                  STR_ARGS(buf_str(&removed)));
        buf_done(&set);
        buf_done(&removed);
    }
}

Test(envfile, quotes_what_needs_it)
{
    static const struct {
        const char *value, *want;
    } values[] = {
        {"http://127.0.0.1:8790/client/v4", "A=http://127.0.0.1:8790/client/v4\n"},
        {"a#b", "A='a#b'\n"},
        {"it's", "A=\"it's\"\n"},
        {"'\"", "A=`'\"`\n"},
        {"'\"`", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct envfile_line line[] = {{"A", values[i].value}, {0}};
        struct buf out;
        struct err err;
        int r;

        buf_init(&out, ENVFILE_BYTES_MAX);
        r = envfile_set(STR(""), line, &out, &err);
        cr_expect_eq(r, values[i].want ? 0 : ERR_INVALID);
        cr_expect(!values[i].want || str_equal(buf_str(&out), str_from(values[i].want)), "%s",
                  values[i].value);
        buf_done(&out);
    }
}

Test(envfile, has_the_buffers_maximum)
{
    struct buf out;
    struct err err;

    buf_init(&out, 3);
    cr_expect_eq(envfile_set(STR(""), lines, &out, &err), ERR_LIMIT);
    cr_expect_eq(envfile_remove(STR("X=1\n"), lines, &out, &err), ERR_LIMIT);
    buf_done(&out);
}

Test(envfile, knows_what_git_ignores)
{
    static const struct {
        const char *rules;
        bool above, want;
    } rules[] = {
        {"", false, false},       {"", true, true},          {".env\n", false, true},
        {"/.env", false, true},   {"**/.env", false, true},  {".env*\n", false, true},
        {"*.env", false, true},   {"# .env\n", false, false}, {".env.local\n", false, false},
        {".env\r\n", false, true}, {".env*\n!.env\n", false, false}, {"!.env\n", true, false},
        {"!.env\n.env", false, true}, {"env", false, false}, {"x/.env", false, false},
        {".env/", false, false},
    };

    for (size_t i = 0; i < COUNT_OF(rules); i++)
        cr_expect_eq(envfile_is_ignored(str_from(rules[i].rules), ".env", rules[i].above),
                     rules[i].want, "%s", rules[i].rules);
}
