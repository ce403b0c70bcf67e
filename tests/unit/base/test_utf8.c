/* web/utf8: well-formedness, cut characters. */
#include "base/utf8.h"

#include <criterion/criterion.h>

#include "base/mem.h"

Test(utf8, tells_valid_from_malformed)
{
    static const struct {
        str text;
        bool valid;
    } rows[] = {
        {STR(""), true},
        {STR("plain ascii, longer than a word"), true},
        {STR("\xC2\x80"), true},
        {STR("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80"), true},
        {STR("12345678\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), true},
        {STR("\x80"), false},
        {STR("\xC0\x80"), false},
        {STR("\xC1\xBF"), false},
        {STR("\xC2"), false},
        {STR("\xE0\x9F\x80"), false},
        {STR("\xED\xA0\x80"), false},
        {STR("\xF0\x8F\x80\x80"), false},
        {STR("\xF4\x90\x80\x80"), false},
        {STR("\xF5\x80\x80\x80"), false},
        {STR("12345678\xE2\x82"), false},
        {STR("\xE2\x82z"), false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(utf8_is_valid(rows[i].text), rows[i].valid, "row %zu", i);
}

Test(utf8, finds_the_open_tail)
{
    static const struct {
        str text;
        size_t tail;
    } rows[] = {
        {STR(""), 0},
        {STR("a"), 0},
        {STR("\xC3"), 1},
        {STR("a\xC3\xA9"), 0},
        {STR("a\xE2"), 1},
        {STR("a\xE2\x82"), 2},
        {STR("a\xE2\x82\xAC"), 0},
        {STR("\xF0"), 1},
        {STR("\xF0\x9F\x92"), 3},
        {STR("\xF0\x8F"), 0},
        {STR("\xE0\x80"), 0},
        {STR("\xED\xA0"), 0},
        {STR("\xFF"), 0},
        {STR("\x80\x80\x80\x80"), 0},
        {STR("\xC3\x80\x80"), 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(utf8_open_tail(rows[i].text), rows[i].tail, "row %zu", i);
}

Test(utf8, fits_whole_characters)
{
    static const struct {
        str text;
        size_t max, fit, units;
    } rows[] = {
        {STR(""), 0, 0, 0},
        {STR("abc"), 2, 2, 2},
        {STR("abc"), 9, 3, 3},
        {STR("a\xC3\xA9"), 2, 1, 1},
        {STR("a\xC3\xA9"), 3, 3, 2},
        {STR("\xF0\x9F\x92\xA9!"), 3, 0, 0},
        {STR("\xF0\x9F\x92\xA9!"), 4, 4, 2},
        {STR("\xF0\x9F\x92\xA9!"), 5, 5, 3},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t units;
        cr_expect_eq(utf8_fit(rows[i].text, rows[i].max, &units), rows[i].fit, "row %zu", i);
        cr_expect_eq(units, rows[i].units, "row %zu", i);
    }
}

Test(utf8, is_made_from_units)
{
    static const struct {
        uint16_t units[8];
        size_t len;
        str want;
    } rows[] = {
        {{0}, 0, STR("")},
        {{0}, 1, STR("\0")},
        {{'a', 'b', 'c', 'd', 'e'}, 5, STR("abcde")},
        {{'a', 'b', 'c', 'd', 0x7F, 0x80, 'x'}, 7, STR("abcd\x7F\xC2\x80x")},
        {{0x7FF, 0x800, 0xFFFF}, 3, STR("\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF")},
        {{0xD83D, 0xDCA9}, 2, STR("\xF0\x9F\x92\xA9")},
        {{0xD83D}, 1, STR("\xEF\xBF\xBD")},
        {{0xDCA9, 0xD83D}, 2, STR("\xEF\xBF\xBD\xEF\xBF\xBD")},
        {{0xD83D, 'a'}, 2, STR("\xEF\xBF\xBD" /* not a hexadecimal digit more */ "a")},
        {{0xDBFF, 0xDFFF}, 2, STR("\xF4\x8F\xBF\xBF")},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[32];

        cr_assert_eq(utf8_len_of_units(rows[i].units, rows[i].len), rows[i].want.len, "row %zu", i);
        utf8_from_units(rows[i].units, rows[i].len, out);
        cr_expect_arr_eq(out, rows[i].want.ptr, rows[i].want.len, "row %zu", i);
    }
}
