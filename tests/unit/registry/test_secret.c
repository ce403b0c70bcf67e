/* registry/secret: what opens, and what must not. */
#include "registry/secret.h"

#include <criterion/criterion.h>
#include <string.h>

static const unsigned char key[SECRET_KEY_BYTES] = {1, 2, 3}, other[SECRET_KEY_BYTES] = {1, 2, 4};
static struct err err;

static int open_sealed(const unsigned char *with, str place, str sealed, str expected)
{
    struct buf out;
    int r;

    buf_init(&out, SECRET_TEXT_MAX + SECRET_SEAL_BYTES);
    r = secret_open(with, place, sealed, &out, &err);
    if (r == 0)
        cr_expect(str_equal(buf_str(&out), expected));
    else
        cr_expect_eq(out.len, 0);
    buf_done(&out);
    return r;
}

Test(secret, opens_where_it_was_sealed)
{
    static char large[SECRET_TEXT_MAX + 1];
    str rows[] = {STR(""), STR("x"), {"a\0b", 3}, {large, SECRET_TEXT_MAX}};
    struct buf a, b;

    memset(large, 'x', sizeof large);
    buf_init(&a, 2 * SECRET_TEXT_MAX);
    buf_init(&b, 2 * SECRET_TEXT_MAX);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&a);
        buf_clear(&b);
        cr_assert_eq(secret_seal(key, STR("place"), rows[i], &a, &err), 0);
        cr_assert_eq(secret_seal(key, STR("place"), rows[i], &b, &err), 0);
        cr_expect_eq(a.len, rows[i].len + SECRET_SEAL_BYTES);
        cr_expect_not(str_equal(buf_str(&a), buf_str(&b)));
        cr_expect_eq(open_sealed(key, STR("place"), buf_str(&a), rows[i]), 0);
    }
    cr_expect_eq(secret_seal(key, STR("p"), (str){large, sizeof large}, &a, &err), ERR_LIMIT);
    buf_done(&a);
    buf_done(&b);
}

Test(secret, opens_nowhere_else)
{
    struct buf sealed;

    buf_init(&sealed, 1000);
    cr_assert_eq(secret_seal(key, STR("place"), STR("text"), &sealed, &err), 0);
    cr_expect_eq(open_sealed(other, STR("place"), buf_str(&sealed), STR("")), ERR_INVALID);
    cr_expect_eq(open_sealed(key, STR("Place"), buf_str(&sealed), STR("")), ERR_INVALID);
    cr_expect_eq(open_sealed(key, STR(""), buf_str(&sealed), STR("")), ERR_INVALID);
    for (size_t len = 0; len < sealed.len; len++)
        cr_expect_eq(open_sealed(key, STR("place"), str_head(buf_str(&sealed), len), STR("")),
                     ERR_INVALID);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.ptr[i] ^= 1;
        cr_expect_eq(open_sealed(key, STR("place"), buf_str(&sealed), STR("")), ERR_INVALID);
        sealed.ptr[i] ^= 1;
    }
    cr_expect_eq(open_sealed(key, STR("place"), buf_str(&sealed), STR("text")), 0);
    buf_done(&sealed);
}
