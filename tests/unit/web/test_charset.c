/* web/charset: tables, converters, their differences to ICU. */
#include "web/charset.h"

#include <criterion/criterion.h>

#include "base/err.h"
#include "base/mem.h"

Test(charset, decodes_single_bytes)
{
    static const struct {
        str name;
        unsigned char byte;
        uint16_t unit;
    } rows[] = {
        {STR("windows-1252"), 'A', 'A'},       {STR("windows-1252"), 0x80, 0x20AC},
        {STR("windows-1252"), 0x81, 0x81},     {STR("windows-1255"), 0xCA, 0x05BA},
        {STR("windows-1253"), 0xAA, 0xFFFD},   {STR("windows-874"), 0xDB, 0xFFFD},
        {STR("iso-8859-16"), 0xA4, 0x20AC},    {STR("iso-8859-16"), 0xE9, 0xE9},
        {STR("koi8-u"), 0xAE, 0x45E},          {STR("iso-8859-8-i"), 0xE0, 0x5D0},
        {STR("x-mac-cyrillic"), 0xFF, 0x20AC}, {STR("x-user-defined"), 0xFF, 0xF7FF},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int single = charset_single(rows[i].name);
        uint16_t unit;
        bool whole;

        cr_assert_neq(single, CHARSET_NONE);
        whole = charset_single_decode(single, (str){(const char *)&rows[i].byte, 1}, &unit);
        cr_expect_eq(unit, rows[i].unit, "%s: %04x", rows[i].name.ptr, unit);
        cr_expect_eq(whole, rows[i].unit != CHARSET_REPLACEMENT);
    }
    cr_expect_eq(charset_single(STR("utf-8")), CHARSET_NONE);
    cr_expect_eq(charset_single(STR("")), CHARSET_NONE);
}

Test(charset, decodes_multi_bytes)
{
    static const struct {
        str name, bytes;
        int64_t len;
        uint16_t units[4];
    } rows[] = {
        {STR("shift_jis"), STR("\x82\xA0\x1A\x80"), 3, {0x3042, 0x1A, 0x80}},
        {STR("shift_jis"), STR("\x86\x49"), 2, {0xFFFD, 'I'}},
        {STR("euc-jp"), STR("\xA4\xA2"), 1, {0x3042}},
        {STR("euc-kr"), STR("\xB0\xA1"), 1, {0xAC00}},
        {STR("big5"), STR("\xA4\x40"), 1, {0x4E00}},
        {STR("gbk"), STR("\x80\xB0\xA1"), 2, {0x20AC, 0x554A}},
        {STR("gb18030"), STR("\x81\x30\x81\x30"), 1, {0x80}},
        {STR("gb18030"), STR("\xA6\xD9"), 1, {0xFE10}},
        {STR("iso-2022-jp"), STR("\x1B$B$\"\x1B(B"), 1, {0x3042}},
        {STR("gbk"), STR("\xB0"), 1, {0xFFFD}},
        {STR("gb18030"), STR("\xA2\xE3\xA8\xBC\x81\x35\xF4\x37"), 3, {0x20AC, 0x1E3F, 0xE7C7}},
        {STR("gb18030"), STR("\xE3\x32\x9A\x35"), 2, {0xDBFF, 0xDFFF}},
        {STR("gb18030"), STR("\xE3\x32\x9A\x36"), 1, {0xFFFD}},
        {STR("gb18030"), STR("\x81\x30\x81\x41"), 3, {0xFFFD, '0', 0x4E04}},
        {STR("gb18030"), STR("\x81\x30\xFF"), 3, {0xFFFD, '0', 0xFFFD}},
        {STR("gb18030"), STR("\x81\x30\x81"), 1, {0xFFFD}},
        {STR("big5"), STR("\x87\x40\xA3\xC0\x8E\x69"), 3, {0x43F0, 0x2400, 0x7BB8}},
        {STR("big5"), STR("\x88\x62\x88\xA5"), 4, {0xCA, 0x304, 0xEA, 0x30C}},
        {STR("big5"), STR("\x87\x45"), 2, {0xD85C, 0xDE67}},
        {STR("big5"), STR("\x81\x40\x81\xFF\x80"), 4, {0xFFFD, '@', 0xFFFD, 0xFFFD}},
        {STR("euc-kr"), STR("\xC9\xA1\x81\x5B"), 3, {0xFFFD, 0xFFFD, '['}},
        {STR("euc-jp"), STR("\x8F\xB0\xA1\x8E\xB1\x8F\xF3\xF3"), 3, {0x4E02, 0xFF71, 0xFFFD}},
        {STR("euc-jp"), STR("\xA4\x41\xA4\xFF"), 3, {0xFFFD, 'A', 0xFFFD}},
        {STR("shift_jis"), STR("\xB1\xF0\x40\xFA\x54\x82"), 4, {0xFF71, 0xE000, 0xFFE2, 0xFFFD}},
        {STR("iso-2022-jp"), STR("\x1B(J\\~\x1B(I1"), 3, {0xA5, 0x203E, 0xFF71}},
        {STR("iso-2022-jp"), STR("\x1B(B\x1B(Ba"), 2, {0xFFFD, 'a'}},
        {STR("iso-2022-jp"), STR("\x1B(\x0E"), 3, {0xFFFD, '(', 0xFFFD}},
        {STR("iso-2022-jp"), STR("\x1B$B$\x1B(Ba"), 2, {0xFFFD, 'a'}},
        {STR("iso-2022-jp"), STR("\x1B$"), 2, {0xFFFD, '$'}},
        {STR("gbk"), STR(""), 0, {0}},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct charset *charset = charset_new(rows[i].name, false);
        uint16_t units[32];

        cr_assert(charset);
        cr_expect_eq(charset_decode(charset, rows[i].bytes, true, units), rows[i].len, "row %zu",
                     i);
        cr_expect_arr_eq(units, rows[i].units, (size_t)rows[i].len * 2, "row %zu", i);
        charset_free(charset);
    }
    cr_expect_null(charset_new(STR("utf-8"), false));
    charset_free(NULL);
}

Test(charset, streams_and_refuses)
{
    struct charset *charset = charset_new(STR("shift_jis"), true);
    uint16_t units[32];

    cr_assert(charset);
    cr_expect_eq(charset_decode(charset, STR("\x82"), false, units), 0);
    cr_expect_eq(charset_decode(charset, STR("\xA0"), true, units), 1);
    cr_expect_eq(units[0], 0x3042);
    cr_expect_eq(charset_decode(charset, STR("\x82"), true, units), ERR_INVALID);
    cr_expect_eq(charset_decode(charset, STR("a"), true, units), 1, "it starts anew");
    charset_free(charset);
}
