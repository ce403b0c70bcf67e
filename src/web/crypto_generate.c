/* New keys. */
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "web/crypto_private.h"

enum { SECRET_BYTES_MAX = 1 << 20 };

int crypto_generate_secret(const struct crypto_call *call, struct crypto_result *ret_result)
{
    struct crypto_key *key;

    if (call->length > SECRET_BYTES_MAX)
        return ERR_LIMIT;
    key = crypto_key_new_secret((str){NULL, 0});
    key->secret = mem_resize(key->secret, call->length + 1);
    key->secret_len = call->length;
    ret_result->outcome = CRYPTO_KEY;
    ret_result->key = key;
    return RAND_priv_bytes((unsigned char *)key->secret, (int)call->length) == 1 ? 0 : ERR_INVALID;
}

/* A pair's halves are two references to one key: which half it is, JavaScript knows and checks. */
static int pair(struct crypto_result *result, EVP_PKEY *pkey)
{
    if (!pkey)
        return ERR_INVALID;
    result->outcome = CRYPTO_PAIR;
    result->key = crypto_key_new_pkey(pkey);
    EVP_PKEY_up_ref(pkey);
    result->other = crypto_key_new_pkey(pkey);
    return 0;
}

static int on_progress(EVP_PKEY_CTX *ctx)
{
    const struct crypto_call *call = EVP_PKEY_CTX_get_app_data(ctx);

    return !call->cancelled || !atomic_load(call->cancelled);
}

static bool rsa_start(EVP_PKEY_CTX *ctx, const struct crypto_call *call, BIGNUM *exponent)
{
    EVP_PKEY_CTX_set_app_data(ctx, (void *)call);
    EVP_PKEY_CTX_set_cb(ctx, on_progress);
    return EVP_PKEY_keygen_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)call->number) == 1 &&
           EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) == 1;
}

int crypto_generate_rsa(const struct crypto_call *call, struct crypto_result *ret_result)
{
    EVP_PKEY_CTX *ctx;
    EVP_PKEY *pkey = NULL;
    BIGNUM *exponent;

    if (call->number > CRYPTO_RSA_GENERATE_BITS_MAX)
        return ERR_LIMIT;
    exponent = BN_bin2bn(crypto_bytes(call->first), (int)call->first.len, NULL);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (rsa_start(ctx, call, exponent) && EVP_PKEY_generate(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    BN_free(exponent);
    if (!pkey && call->cancelled && atomic_load(call->cancelled))
        return ERR_CLOSED;
    return pair(ret_result, pkey);
}

int crypto_generate_curve(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const struct crypto_curve *curve = crypto_call_curve(call->number);

    if (!curve)
        return ERR_INVALID;
    return pair(ret_result, curve->is_ec ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve->name)
                                         : EVP_PKEY_Q_keygen(NULL, NULL, curve->name));
}
