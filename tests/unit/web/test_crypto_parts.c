/* web/crypto_parts: lengths and what follows them. */
#include "web/crypto_parts.h"

#include <criterion/criterion.h>

#include "base/err.h"

Test(crypto_parts, reads)
{
    static const struct {
        str bytes;
        int count;
        size_t last_len;
    } rows[] = {
        {STR(""), 0, 0},
        {STR("\0\0\0\0"), 1, 0},
        {STR("\1\0\0\0a"), 1, 1},
        {STR("\1\0\0\0a\2\0\0\0bc"), 2, 2},
        {STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 8, 0},
        {STR("\0"), ERR_INVALID, 0},
        {STR("\0\0\0"), ERR_INVALID, 0},
        {STR("\2\0\0\0a"), ERR_INVALID, 0},
        {STR("\1\0\0\0ab"), ERR_INVALID, 0},
        {STR("\xFF\xFF\xFF\xFFxx"), ERR_INVALID, 0},
        {STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
             "\0\0\0\0"),
         ERR_INVALID, 0},
    };
    str parts[CRYPTO_PARTS_MAX];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int count = crypto_parts_read(rows[i].bytes, parts);

        cr_expect_eq(count, rows[i].count, "row %zu: %d", i, count);
        if (count > 0)
            cr_expect_eq(parts[count - 1].len, rows[i].last_len, "row %zu", i);
    }
}

Test(crypto_parts, writes_a_head_that_it_reads)
{
    static char bytes[CRYPTO_PARTS_HEAD + 70000];
    str parts[CRYPTO_PARTS_MAX];

    crypto_parts_head((unsigned char *)bytes, 70000);
    cr_assert_eq(crypto_parts_read((str){bytes, sizeof bytes}, parts), 1);
    cr_expect_eq(parts[0].len, 70000);
    cr_expect_eq(parts[0].ptr, bytes + CRYPTO_PARTS_HEAD);
}
