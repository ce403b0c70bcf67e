/* Digests, HMAC and signatures.
 *
 * A signature of ECDSA is two numbers of fixed length on the web (IEEE P1363) and DER in
 * OpenSSL. */
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "web/crypto_mac.h"
#include "web/crypto_private.h"

int crypto_sign_digest(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const EVP_MD *md = crypto_call_hash(call->hash);
    unsigned len;

    if (!md)
        return ERR_INVALID;
    len = (unsigned)EVP_MD_get_size(md);
    return EVP_Digest(crypto_bytes(call->data), call->data.len, crypto_call_bytes(ret_result, len),
                      &len, md, NULL) == 1
               ? 0
               : ERR_INVALID;
}

int crypto_sign_hmac(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const EVP_MD *md = crypto_call_hash(call->hash);
    unsigned char out[EVP_MAX_MD_SIZE];
    struct crypto_mac mac;

    if (!md || !call->key || !call->key->secret)
        return ERR_INVALID;
    crypto_mac_init(&mac, md, (str){call->key->secret, call->key->secret_len});
    crypto_mac_run(&mac, &call->data, 1, out);
    crypto_mac_done(&mac);
    if (call->operation == CRYPTO_HMAC_SIGN) {
        memcpy(crypto_call_bytes(ret_result, mac.len), out, mac.len);
        return 0;
    }
    ret_result->outcome = CRYPTO_TRUTH;
    ret_result->truth = call->first.len == mac.len &&
                        CRYPTO_memcmp(call->first.ptr, out, mac.len) == 0;
    return 0;
}

/* Sets padding and salt; what is not RSA needs nothing. */
static bool set_padding(EVP_PKEY_CTX *ctx, const struct crypto_call *call)
{
    if (call->operation == CRYPTO_PSS_SIGN || call->operation == CRYPTO_PSS_VERIFY)
        return call->number <= CRYPTO_RSA_BITS_MAX / 8 &&
               EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)call->number) == 1;
    return true;
}

static const EVP_MD *md_of(const struct crypto_call *call)
{
    bool is_eddsa = call->operation == CRYPTO_EDDSA_SIGN || call->operation == CRYPTO_EDDSA_VERIFY;

    return is_eddsa ? NULL : crypto_call_hash(call->hash);
}

static size_t ecdsa_half(const EVP_PKEY *pkey)
{
    return ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
}

static int ecdsa_to_web(EVP_PKEY *pkey, struct crypto_result *result)
{
    const unsigned char *der = (const unsigned char *)result->bytes;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)result->len);
    size_t half = ecdsa_half(pkey);
    unsigned char *out;
    bool ok;

    if (!sig)
        return ERR_INVALID;
    free(result->bytes);
    out = crypto_call_bytes(result, 2 * half);
    ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half) > 0 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half) > 0;
    ECDSA_SIG_free(sig);
    return ok ? 0 : ERR_INVALID;
}

/* DER of `web`, which OPENSSL_free() releases; its length, or 0 when it has the wrong length. */
static size_t ecdsa_from_web(const EVP_PKEY *pkey, str web, unsigned char **ret_der)
{
    size_t half = ecdsa_half(pkey);
    ECDSA_SIG *sig;
    int len = 0;

    *ret_der = NULL;
    if (web.len != 2 * half)
        return 0;
    sig = ECDSA_SIG_new();
    if (ECDSA_SIG_set0(sig, BN_bin2bn(crypto_bytes(web), (int)half, NULL),
                       BN_bin2bn(crypto_bytes(web) + half, (int)half, NULL)) == 1)
        len = i2d_ECDSA_SIG(sig, ret_der);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

int crypto_sign_make(const struct crypto_call *call, struct crypto_result *ret_result)
{
    EVP_PKEY *pkey = call->key ? call->key->pkey : NULL;
    EVP_PKEY_CTX *pkey_ctx;
    EVP_MD_CTX *ctx;
    unsigned char *out;
    bool ok;

    if (!pkey)
        return ERR_INVALID;
    out = crypto_call_bytes(ret_result, (size_t)EVP_PKEY_get_size(pkey));
    ctx = EVP_MD_CTX_new();
    ok = EVP_DigestSignInit(ctx, &pkey_ctx, md_of(call), NULL, pkey) == 1 &&
         set_padding(pkey_ctx, call) &&
         EVP_DigestSign(ctx, out, &ret_result->len, crypto_bytes(call->data), call->data.len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return ERR_INVALID;
    return call->operation == CRYPTO_ECDSA_SIGN ? ecdsa_to_web(pkey, ret_result) : 0;
}

/* Is this the encoding of a point of small order of edwards25519, whatever its sign? With such a
 * key or such an R a signature fits many messages; RFC 8032 accepts them, the standard does not. */
static bool is_small_order(const unsigned char *point)
{
    enum { POINT = 32, SIGN = 0x80 };
    /* y is 0, 1, that of a point of order 8 (two), and then p - 1, p and p + 1. */
    static const unsigned char low[][POINT] = {
        {0},
        {1},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
         0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
         0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
         0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
         0x03, 0x7a},
    };
    unsigned char y[POINT];
    int ones = 1;

    memcpy(y, point, POINT);
    y[POINT - 1] &= (unsigned char)~SIGN;
    for (size_t i = 0; i < COUNT_OF(low); i++)
        if (memcmp(y, low[i], POINT) == 0)
            return true;
    while (ones < POINT - 1 && y[ones] == 0xff)
        ones++;
    return ones == POINT - 1 && y[POINT - 1] == 0x7f && y[0] >= 0xec && y[0] <= 0xee;
}

static bool is_weak(const struct crypto_call *call)
{
    unsigned char key[32];
    size_t len = sizeof key;

    if (EVP_PKEY_get_id(call->key->pkey) != EVP_PKEY_ED25519)
        return false;
    return call->first.len < sizeof key || is_small_order(crypto_bytes(call->first)) ||
           EVP_PKEY_get_raw_public_key(call->key->pkey, key, &len) != 1 || is_small_order(key);
}

/* A signature that is none is no error: it is not the right one. */
int crypto_sign_check(const struct crypto_call *call, struct crypto_result *ret_result)
{
    EVP_PKEY *pkey = call->key ? call->key->pkey : NULL;
    const unsigned char *signature = crypto_bytes(call->first);
    size_t len = call->first.len;
    unsigned char *der = NULL;
    EVP_PKEY_CTX *pkey_ctx;
    EVP_MD_CTX *ctx;

    if (!pkey)
        return ERR_INVALID;
    ret_result->outcome = CRYPTO_TRUTH;
    if (call->operation == CRYPTO_ECDSA_VERIFY) {
        len = ecdsa_from_web(pkey, call->first, &der);
        signature = der;
        if (!len)
            return 0;
    }
    if (call->operation == CRYPTO_EDDSA_VERIFY && is_weak(call))
        return 0;
    ctx = EVP_MD_CTX_new();
    ret_result->truth = EVP_DigestVerifyInit(ctx, &pkey_ctx, md_of(call), NULL, pkey) == 1 &&
                        set_padding(pkey_ctx, call) &&
                        EVP_DigestVerify(ctx, signature, len, crypto_bytes(call->data),
                                         call->data.len) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    return 0;
}
