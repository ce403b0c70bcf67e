#include "control/jsonc.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
    const char *in, *want;
} blanked[] = {
    {"", ""},
    {"{}", "{}"},
    {"{} // x", "{}     "},
    {"{/* x */}", "{       }"},
    {"{/* x\ny */}", "{    \n    }"},
    {"{\"a\": \"// no\"}", "{\"a\": \"// no\"}"},
    {"{\"a\": \"\\\"/* no */\"}", "{\"a\": \"\\\"/* no */\"}"},
    {"[1,]", "[1 ]"},
    {"[1, // x\n]", "[1      \n]"},
    {"{\"a\":1,}", "{\"a\":1 }"},
    {"[1,,]", "[1,,]"},
    {"[,]", "[,]"},
    {"{\"a\":,}", "{\"a\":,}"},
    {"[\",]\",]", "[\",]\" ]"},
    {"[1/* open", "[1/* open"},
    {"/", "/"},
    {"/*", "/*"},
    {"\"open\n,}", "\"open\n }"},
    {"\"\\", "\"\\"},
};

Test(jsonc, blanks_in_place)
{
    for (size_t i = 0; i < COUNT_OF(blanked); i++) {
        char *text = strdup(blanked[i].in);

        jsonc_blank(text, strlen(text));
        cr_expect_str_eq(text, blanked[i].want, "%s gave %s", blanked[i].in, text);
        free(text);
    }
}

static const struct {
    const char *in, *error;    /* error: how the text goes on behind "f"; NULL: it parses */
} parsed[] = {
    {"{}", NULL},
    {"\xef\xbb\xbf{ // x\n\"a\": [1, 2,], }", NULL},
    {"{\"a\": 1e5, \"b\": \"\\u00e9\"}", NULL},
    {"", ":1:0: "},
    {"// only this", ":1:"},
    {"[]", ":1:1: the file must hold one object"},
    {"7", ":1:1: the file must hold one object"},
    {"{\n  \"a\" 1}", ":2:7: "},
    {"{\"a\":1,\"a\":2}", ":1:"},
    {"{} x", ":1:4: "},
    {"{/* open", ":1:"},
    {"{\"a\": \"\xff\"}", ":1:"},
};

Test(jsonc, parses_one_object)
{
    for (size_t i = 0; i < COUNT_OF(parsed); i++) {
        struct err err = {0};
        json_t *value = jsonc_parse(str_from(parsed[i].in), "f", &err);

        cr_expect_eq(!value, parsed[i].error != NULL, "%s", parsed[i].in);
        if (!value) {
            cr_expect_eq(err.code, ERR_INVALID);
            cr_expect(str_starts(str_from(err.text + 1), str_from(parsed[i].error)), "%s: %s",
                      parsed[i].in, err.text);
        }
        json_decref(value);
    }
}

Test(jsonc, has_a_maximum)
{
    size_t len = JSONC_BYTES_MAX + 1;
    char *text = malloc(len);
    struct err err;

    memset(text, ' ', len);
    memcpy(text, "{}", 2);
    cr_expect_null(jsonc_parse((str){text, len}, "f", &err));
    cr_expect_eq(err.code, ERR_LIMIT);
    json_t *value = jsonc_parse((str){text, len - 1}, "f", &err);
    cr_expect_not_null(value);
    json_decref(value);
    free(text);
}
