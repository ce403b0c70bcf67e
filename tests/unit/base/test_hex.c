#include "base/hex.h"

#include <criterion/criterion.h>

Test(hex, digits_have_values)
{
    static const struct {
        char c;
        int value;
    } cases[] = {{'0', 0}, {'9', 9}, {'a', 10}, {'f', 15}, {'A', 10}, {'F', 15},
                 {'g', -1}, {'G', -1}, {'/', -1}, {':', -1}, {'@', -1}, {'`', -1},
                 {'\0', -1}, {' ', -1}, {0x10, -1}, {(char)0xe1, -1}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hex_digit(cases[i].c), cases[i].value, "case %zu", i);
}

Test(hex, bytes_are_two_digits_each)
{
    char text[9] = "........";

    hex_encode("", 0, text);
    cr_expect_str_eq(text, "");
    hex_encode("\x00\x0f\xf0\xff", 4, text);
    cr_expect_str_eq(text, "000ff0ff");
}

Test(hex, random_digits_differ)
{
    char one[HEX_RANDOM_MAX + 1], other[HEX_RANDOM_MAX + 1];

    hex_random(one, HEX_RANDOM_MAX);
    hex_random(other, HEX_RANDOM_MAX);
    cr_expect_eq(strspn(one, "0123456789abcdef"), HEX_RANDOM_MAX);
    cr_expect_eq(strlen(one), HEX_RANDOM_MAX);
    cr_expect_str_neq(one, other);
}
