/* Keys as bytes. Only what JavaScript found extractable gets here. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "web/crypto_private.h"

int crypto_export_secret(const struct crypto_call *call, struct crypto_result *ret_result)
{
    if (!call->key || !call->key->secret)
        return ERR_INVALID;
    memcpy(crypto_call_bytes(ret_result, call->key->secret_len), call->key->secret,
           call->key->secret_len);
    return 0;
}

static EVP_PKEY *pkey_of(const struct crypto_call *call)
{
    return call->key ? call->key->pkey : NULL;
}

/* A copy of what OpenSSL wrote, which is wiped and released. */
static int take_der(struct crypto_result *result, unsigned char *der, int len)
{
    if (len <= 0)
        return ERR_INVALID;
    memcpy(crypto_call_bytes(result, (size_t)len), der, (size_t)len);
    OPENSSL_clear_free(der, (size_t)len);
    return 0;
}

int crypto_export_spki(const struct crypto_call *call, struct crypto_result *ret_result)
{
    unsigned char *der = NULL;
    int len = pkey_of(call) ? i2d_PUBKEY(pkey_of(call), &der) : 0;

    return take_der(ret_result, der, len);
}

int crypto_export_pkcs8(const struct crypto_call *call, struct crypto_result *ret_result)
{
    PKCS8_PRIV_KEY_INFO *info = pkey_of(call) ? EVP_PKEY2PKCS8(pkey_of(call)) : NULL;
    unsigned char *der = NULL;
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;

    PKCS8_PRIV_KEY_INFO_free(info);
    return take_der(ret_result, der, len);
}

int crypto_export_public(const struct crypto_call *call, struct crypto_result *ret_result)
{
    unsigned char *out;
    size_t len;

    if (!pkey_of(call) ||
        EVP_PKEY_get_octet_string_param(pkey_of(call), OSSL_PKEY_PARAM_PUB_KEY, NULL, 0, &len) != 1)
        return ERR_INVALID;
    out = crypto_call_bytes(ret_result, len);
    return EVP_PKEY_get_octet_string_param(pkey_of(call), OSSL_PKEY_PARAM_PUB_KEY, out, len,
                                           &ret_result->len) == 1
               ? 0
               : ERR_INVALID;
}

/* A number of a Weierstrass curve is as long as its coordinates. */
static int ec_private(EVP_PKEY *pkey, struct crypto_result *result)
{
    int bytes = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
              BN_bn2binpad(number, crypto_call_bytes(result, (size_t)bytes), bytes) == bytes;

    BN_clear_free(number);
    return ok ? 0 : ERR_INVALID;
}

int crypto_export_private(const struct crypto_call *call, struct crypto_result *ret_result)
{
    EVP_PKEY *pkey = pkey_of(call);
    size_t len;

    if (!pkey)
        return ERR_INVALID;
    if (EVP_PKEY_get_id(pkey) == EVP_PKEY_EC)
        return ec_private(pkey, ret_result);
    if (EVP_PKEY_get_raw_private_key(pkey, NULL, &len) != 1)
        return ERR_INVALID;
    return EVP_PKEY_get_raw_private_key(pkey, crypto_call_bytes(ret_result, len),
                                        &ret_result->len) == 1
               ? 0
               : ERR_INVALID;
}

static void append(struct crypto_result *result, const BIGNUM *number)
{
    unsigned char *at = (unsigned char *)result->bytes + result->len;

    crypto_parts_head(at, (size_t)BN_num_bytes(number));
    result->len += CRYPTO_PARTS_HEAD + (size_t)BN_bn2bin(number, at + CRYPTO_PARTS_HEAD);
}

int crypto_export_rsa(const struct crypto_call *call, struct crypto_result *ret_result)
{
    size_t room = CRYPTO_PARTS_MAX * (CRYPTO_PARTS_HEAD + CRYPTO_RSA_BITS_MAX / 8 + 1);

    if (!pkey_of(call) || call->number > CRYPTO_PARTS_MAX)
        return ERR_INVALID;
    crypto_call_bytes(ret_result, room);
    ret_result->len = 0;
    for (uint32_t i = 0; i < call->number; i++) {
        BIGNUM *number = NULL;
        if (EVP_PKEY_get_bn_param(pkey_of(call), crypto_call_rsa_names[i], &number) != 1)
            return ERR_INVALID;
        append(ret_result, number);
        BN_clear_free(number);
    }
    return 0;
}
