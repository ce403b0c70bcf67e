/* web/base64: both ways, and what forgiving means. */
#include "web/base64.h"

#include <criterion/criterion.h>

#include "base/err.h"
#include "base/mem.h"

static const struct {
    str bytes;
    const char *text;
} rows[] = {
    {STR(""), ""},
    {STR("f"), "Zg=="},
    {STR("fo"), "Zm8="},
    {STR("foo"), "Zm9v"},
    {STR("foob"), "Zm9vYg=="},
    {STR("fooba"), "Zm9vYmE="},
    {STR("foobar"), "Zm9vYmFy"},
    {STR("\0\xFF\xFE\xFB"), "AP/++w=="},
};

Test(base64, encodes_and_decodes)
{
    char out[64];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].text);

        cr_assert_eq(base64_encoded_len(rows[i].bytes.len), len);
        base64_encode(rows[i].bytes, out);
        cr_expect(str_equal((str){out, len}, str_from(rows[i].text)), "row %zu", i);
        cr_expect_eq(base64_decode(str_from(rows[i].text), out), (int64_t)rows[i].bytes.len);
        cr_expect(str_equal((str){out, rows[i].bytes.len}, rows[i].bytes), "row %zu", i);
    }
}

Test(base64, forgives)
{
    static const struct {
        const char *text;
        int64_t len; /* of the bytes, or ERR_INVALID */
    } cases[] = {
        {" Z g\t=\n=\f\r", 1},
        {"Zg", 1},
        {"Zm8", 2},
        {"Zh==", 1},
        {"Z", ERR_INVALID},
        {"Zg=", ERR_INVALID},
        {"Zg===", ERR_INVALID},
        {"Zm9v=", ERR_INVALID},
        {"=", ERR_INVALID},
        {"Zg==Zg==", ERR_INVALID},
        {"Zg-_", ERR_INVALID},
        {"Zg\v", ERR_INVALID},
        {"Zm9vZ", ERR_INVALID},
        {"\xC3\xA9zz", ERR_INVALID},
    };
    char out[64];

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_eq(base64_decode(str_from(cases[i].text), out), cases[i].len, "%s",
                     cases[i].text);
}
