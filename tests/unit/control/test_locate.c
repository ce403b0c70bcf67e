#include "control/locate.h"

#include <criterion/criterion.h>

#include "base/mem.h"

static const char jsonc[] = "{ // \"b\": 0\n"
                            "  \"a\": [{\"b\": 1}, \"}\"], /* \"b\": */\n"
                            "  \"b\": {\"c\": \"x\",\n"
                            "        \"d\": {\"e\": 2}}}\n";
static const char toml[] = "a = 1 # b = 2\n"
                           "  b.c = 3\n"
                           "[x] # comment\n"
                           "a = 4\n"
                           "[ x . \"y\" ]\n"
                           "a=5\n";

static const struct {
    const char *keys[4];
    struct place place;
} in_jsonc[] = {
    {{"a"}, {2, 8}}, {{"b"}, {3, 8}}, {{"b", "c"}, {3, 14}}, {{"b", "d", "e"}, {4, 20}},
    {{"c"}, {0, 0}}, {{"a", "b"}, {0, 0}}, {{"b", "x"}, {0, 0}}, {{NULL}, {1, 1}},
}, in_toml[] = {
    {{"a"}, {1, 1}}, {{"b", "c"}, {2, 3}}, {{"x"}, {3, 1}}, {{"x", "a"}, {4, 1}},
    {{"x", "y"}, {5, 1}}, {{"x", "y", "a"}, {6, 1}}, {{"y"}, {0, 0}},
};

Test(locate, finds_values_in_jsonc)
{
    for (size_t i = 0; i < COUNT_OF(in_jsonc); i++) {
        struct place place = locate_jsonc(str_from(jsonc), in_jsonc[i].keys);

        cr_expect_eq(place.line, in_jsonc[i].place.line, "case %zu: line %d", i, place.line);
        cr_expect_eq(place.column, in_jsonc[i].place.column, "case %zu: column %d", i,
                     place.column);
    }
}

Test(locate, finds_keys_in_toml)
{
    for (size_t i = 0; i < COUNT_OF(in_toml); i++) {
        struct place place = locate_toml(str_from(toml), in_toml[i].keys);

        cr_expect_eq(place.line, in_toml[i].place.line, "case %zu: line %d", i, place.line);
        cr_expect_eq(place.column, in_toml[i].place.column, "case %zu: column %d", i, place.column);
    }
}

Test(locate, takes_broken_texts)
{
    static const char *const texts[] = {"", "{", "{\"a", "{\"a\"", "{\"a\":", "[", "{\"a\":\"\\"};
    const char *keys[] = {"a", "b", NULL};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        cr_expect_eq(locate_jsonc(str_from(texts[i]), keys).line, 0);
        cr_expect_eq(locate_toml(str_from(texts[i]), keys).line, 0);
    }
}
