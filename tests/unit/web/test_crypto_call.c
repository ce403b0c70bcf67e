/* web/crypto_call: limits, arguments that do not fit, cancelling, references. What the operations
 * compute is looked at in tests/web/crypto_*.js. */
#include "web/crypto_call.h"

#include <criterion/criterion.h>

static int run(struct crypto_call call, struct crypto_result *ret_result)
{
    return crypto_call_run(&call, ret_result);
}

Test(crypto_call, refuses_what_does_not_fit)
{
    struct crypto_key *secret = crypto_key_new_secret(STR("0123456789abcdef"));
    struct crypto_result result;

    cr_expect_eq(run((struct crypto_call){.operation = -1}, &result), ERR_INVALID);
    cr_expect_eq(run((struct crypto_call){.operation = CRYPTO_OPERATIONS}, &result), ERR_INVALID);
    for (int operation = CRYPTO_HMAC_SIGN; operation < CRYPTO_OPERATIONS; operation++) {
        bool needs_key = operation < CRYPTO_GENERATE_SECRET || operation >= CRYPTO_EXPORT_SECRET;

        /* No key; then a secret where a pair is wanted, or too little data. */
        if (needs_key)
            cr_expect_lt(run((struct crypto_call){.operation = operation}, &result), 0, "%d",
                         operation);
        if (needs_key && operation != CRYPTO_EXPORT_SECRET)
            cr_expect_lt(
                run((struct crypto_call){.operation = operation, .hash = -1, .key = secret},
                    &result),
                0, "%d", operation);
        cr_expect_null(result.bytes);
        cr_expect_null(result.key);
    }
    crypto_key_unref(secret);
}

Test(crypto_call, has_limits)
{
    struct crypto_key *secret = crypto_key_new_secret(STR("password"));
    struct crypto_call rounds = {.operation = CRYPTO_PBKDF2, .hash = 1, .key = secret};
    struct crypto_call rsa = {.operation = CRYPTO_GENERATE_RSA, .first = STR("\1\0\1")};
    struct crypto_call large = {.operation = CRYPTO_DIGEST, .hash = 1};
    struct crypto_result result;

    rounds.number = CRYPTO_PBKDF2_ROUNDS_MAX;
    rounds.length = 33;
    cr_expect_eq(run(rounds, &result), ERR_LIMIT);
    rounds.number = 1;
    rounds.length = CRYPTO_PBKDF2_BYTES_MAX + 1;
    cr_expect_eq(run(rounds, &result), ERR_LIMIT);
    rounds.number = UINT32_MAX;
    rounds.length = UINT32_MAX;
    cr_expect_eq(run(rounds, &result), ERR_LIMIT);
    rsa.number = CRYPTO_RSA_GENERATE_BITS_MAX + 1;
    cr_expect_eq(run(rsa, &result), ERR_LIMIT);
    large.data = (str){"", (size_t)CRYPTO_BYTES_MAX + 1};
    cr_expect_eq(run(large, &result), ERR_LIMIT);
    crypto_key_unref(secret);
}

Test(crypto_call, stops_looking_for_primes)
{
    atomic_bool cancelled = true;
    struct crypto_call call = {.operation = CRYPTO_GENERATE_RSA,
                               .number = CRYPTO_RSA_GENERATE_BITS_MAX,
                               .first = STR("\1\0\1"),
                               .cancelled = &cancelled};
    struct crypto_result result;

    cr_expect_eq(run(call, &result), ERR_CLOSED);
    cr_expect_null(result.key);
}

Test(crypto_call, halves_of_a_pair_live_apart)
{
    struct crypto_call call = {.operation = CRYPTO_GENERATE_CURVE, .number = CRYPTO_ED25519};
    struct crypto_result pair, bytes;

    cr_assert_eq(run(call, &pair), 0);
    cr_expect_eq(pair.outcome, CRYPTO_PAIR);
    crypto_key_unref(pair.key);
    call = (struct crypto_call){.operation = CRYPTO_EXPORT_PUBLIC, .key = pair.other};
    cr_assert_eq(run(call, &bytes), 0);
    cr_expect_eq(bytes.len, 32);
    crypto_call_result_done(&bytes);
    crypto_key_unref(pair.other);
}
