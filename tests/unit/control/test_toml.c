#include "control/toml.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
    const char *in, *want;
} cases[] = {
    {"", "{}"},
    {"a = 1\n[b]\nc = \"\xc3\xa9\"", "{\"a\":1,\"b\":{\"c\":\"\xc3\xa9\"}}"},
    {"a = [1, 2.5, true]\n[[b]]\nx = 'y'", "{\"a\":[1,2.5,true],\"b\":[{\"x\":\"y\"}]}"},
    {"a.b.c = { d = \"\"\"\nlines\n\"\"\" }", "{\"a\":{\"b\":{\"c\":{\"d\":\"lines\\n\"}}}}"},
    {"d = 2026-01-31", "{\"d\":\"2026-01-31\"}"},
};

Test(toml, becomes_json)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        json_t *value = toml_parse(str_from(cases[i].in), "f.toml", &err);
        char *text = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

        cr_expect_str_eq(text ? text : err.text, cases[i].want);
        free(text);
        json_decref(value);
    }
}

static const struct {
    str in;
    const char *error;
} bad[] = {
    {STR("a = 1\nb = \n"), "f.toml:2:"},
    {STR("a = 1\na = 2\n"), "f.toml:2:"},
    {STR("[a\n"), "f.toml:1:"},
    {STR("a = \"\0\""), "f.toml: it contains a NUL byte"},
    {STR("a = \"\xff\""), "f.toml: it is not valid UTF-8"},
};

Test(toml, says_where_it_is_wrong)
{
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};

        cr_expect_null(toml_parse(bad[i].in, "f.toml", &err));
        cr_expect_eq(err.code, ERR_INVALID);
        cr_expect(str_starts(str_from(err.text), str_from(bad[i].error)), "%s", err.text);
    }
}
