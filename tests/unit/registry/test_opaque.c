/* registry/opaque: secrets that cannot be read. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "registry/opaque.h"

Test(opaque, is_new_each_time)
{
    char *a = opaque_new("x_"), *b = opaque_new("x_");

    cr_expect_eq(strlen(a), 2 + OPAQUE_RANDOM_CHARS);
    cr_expect_eq(strncmp(a, "x_", 2), 0);
    cr_expect_eq(strspn(a + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                 OPAQUE_RANDOM_CHARS);
    cr_expect_str_neq(a, b);
    free(a);
    free(b);
}

Test(opaque, is_derived_from_all_of_it)
{
    static const unsigned char key[OPAQUE_KEY_BYTES] = "the key of the server";
    static const unsigned char other_key[OPAQUE_KEY_BYTES] = "the key of another one";
    char *first = opaque_derive("a.", key, STR("secret"));
    char *others[] = {opaque_derive("a.", other_key, STR("secret")),
                      opaque_derive("a.", key, STR("secret2")),
                      opaque_derive("b.", key, STR("secret"))};
    char *again = opaque_derive("a.", key, STR("secret"));

    cr_expect_eq(strlen(first), 2 + OPAQUE_RANDOM_CHARS);
    cr_expect_str_eq(first, again);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        cr_expect_str_neq(first + 2, others[i] + 2, "%zu", i);
        free(others[i]);
    }
    free(first);
    free(again);
}

Test(opaque, hashes_are_compared_whole)
{
    unsigned char a[OPAQUE_HASH_BYTES], b[OPAQUE_HASH_BYTES];

    opaque_hash(STR("abc"), a);
    opaque_hash(STR("abc"), b);
    cr_expect_eq(a[0], 0xba);
    cr_expect_eq(a[31], 0xad);
    cr_expect(opaque_equal(a, b));
    b[31] ^= 1;
    cr_expect_not(opaque_equal(a, b));
}

/* RFC 7636, Appendix B. */
Test(opaque, verifiers_fit_their_challenge)
{
    str verifier = STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    str challenge = STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");

    cr_expect(opaque_verifies(verifier, challenge));
    cr_expect_not(opaque_verifies(str_head(verifier, verifier.len - 1), challenge));
    cr_expect_not(opaque_verifies(verifier, str_head(challenge, challenge.len - 1)));
    cr_expect_not(opaque_verifies(verifier, STR("")));
    cr_expect_not(opaque_verifies(challenge, verifier));
}
