/* The table of operations and what they share; see crypto_call.h. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

#include "web/crypto_private.h"

const char *const crypto_call_rsa_names[CRYPTO_PARTS_MAX] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* Fetched once: to have OpenSSL look for a digest by its name takes half as long as to use it. */
static EVP_MD *hashes[CRYPTO_HASHES];

static void fetch_hashes(void)
{
    static const char *const names[CRYPTO_HASHES] = {"SHA1", "SHA256", "SHA384", "SHA512", "MD5"};

    for (int i = 0; i < CRYPTO_HASHES; i++)
        hashes[i] = EVP_MD_fetch(NULL, names[i], NULL);
}

const EVP_MD *crypto_call_hash(int hash)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (hash < 0 || hash >= CRYPTO_HASHES)
        return NULL;
    pthread_once(&once, fetch_hashes);
    return hashes[hash];
}

const struct crypto_curve *crypto_call_curve(uint32_t kind)
{
    static const struct crypto_curve curves[] = {
        [CRYPTO_P256] = {"prime256v1", NID_X9_62_prime256v1, 32, true},
        [CRYPTO_P384] = {"secp384r1", NID_secp384r1, 48, true},
        [CRYPTO_P521] = {"secp521r1", NID_secp521r1, 66, true},
        [CRYPTO_ED25519] = {"ED25519", EVP_PKEY_ED25519, 32, false},
        [CRYPTO_X25519] = {"X25519", EVP_PKEY_X25519, 32, false},
        [CRYPTO_ED448] = {"ED448", EVP_PKEY_ED448, 57, false},
        [CRYPTO_X448] = {"X448", EVP_PKEY_X448, 56, false},
    };

    return kind < COUNT_OF(curves) ? &curves[kind] : NULL;
}

unsigned char *crypto_call_bytes(struct crypto_result *result, size_t len)
{
    result->outcome = CRYPTO_BYTES;
    result->bytes = mem_alloc(len + 1);
    result->len = len;
    return (unsigned char *)result->bytes;
}

int crypto_call_key(struct crypto_result *result, EVP_PKEY *pkey)
{
    result->outcome = CRYPTO_KEY;
    result->key = crypto_key_new_pkey(pkey);
    return pkey ? 0 : ERR_INVALID;
}

static bool fits(const struct crypto_call *call)
{
    return call->data.len <= CRYPTO_BYTES_MAX && call->first.len <= CRYPTO_BYTES_MAX &&
           call->second.len <= CRYPTO_BYTES_MAX;
}

int crypto_call_run(const struct crypto_call *call, struct crypto_result *ret_result)
{
#define CRYPTO_RUN(name, run) [name] = run,
    static int (*const runs[])(const struct crypto_call *, struct crypto_result *) = {
        CRYPTO_MAP(CRYPTO_RUN)};
#undef CRYPTO_RUN
    int r;

    *ret_result = (struct crypto_result){0};
    if (call->operation < 0 || call->operation >= CRYPTO_OPERATIONS)
        return ERR_INVALID;
    if (!fits(call))
        return ERR_LIMIT;
    r = runs[call->operation](call, ret_result);
    if (r < 0) {
        crypto_call_result_done(ret_result);
        ERR_clear_error();
    }
    return r;
}

void crypto_call_result_done(struct crypto_result *result)
{
    free(result->bytes);
    crypto_key_unref(result->key);
    crypto_key_unref(result->other);
    *result = (struct crypto_result){0};
}
