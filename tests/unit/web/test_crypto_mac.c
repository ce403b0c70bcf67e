/* web/crypto_mac: keys around the length of a block, messages in pieces. */
#include "web/crypto_mac.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/mem.h"

static void check(size_t key_len, const char *expected)
{
    char key[256], text[65] = "";
    str pieces[] = {STR(""), STR("a"), STR("bc")};
    unsigned char out[EVP_MAX_MD_SIZE];
    struct crypto_mac mac;

    memset(key, 0xAA, sizeof key);
    crypto_mac_init(&mac, EVP_sha256(), (str){key, key_len});
    cr_assert_eq(mac.len, 32);
    for (int twice = 0; twice < 2; twice++) {
        crypto_mac_run(&mac, pieces, COUNT_OF(pieces), out);
        for (unsigned i = 0; i < mac.len; i++)
            sprintf(text + 2 * i, "%02x", out[i]);
        cr_expect_str_eq(text, expected, "a key of %zu bytes", key_len);
    }
    crypto_mac_done(&mac);
}

Test(crypto_mac, is_hmac)
{
    static const struct {
        size_t key_len;
        const char *expected;
    } rows[] = {
        {0, "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351"},
        {63, "d266bf8e63e138ddff6fb42d7c769f06a54470bffdc77a7b6defaff051708922"},
        {64, "2f8cff867f2668ca93d3c5b03ba9f816746742eda349b3bc4bb35aa27816754c"},
        {65, "102ebc7ceb9dff09e5a77413a3cd67382908ece255487006eb0e1e1b801f9ce6"},
        {131, "c21770e7a294fd85f9e8ad80b2d1e9cccb25d496015f8708e641358120f46976"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(rows[i].key_len, rows[i].expected);
}
