/* Keys from bytes. DER is read by OpenSSL; what it gives is checked further:
 *
 * (1) A key of a Weierstrass curve is built anew from its point and its number, whatever it came
 *     in: so the point is on the curve, the number is in range and belongs to the point, and the
 *     key is exported with named curve and uncompressed point.
 * (2) An RSA key has two primes, and its numbers belong together. That its factors are prime is
 *     not checked: whoever makes a weak key for himself only hurts himself. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "web/crypto_private.h"

enum {
    RSA_BITS_MIN = 256,
    COORDINATE_BYTES_MAX = 66,
    POINT_BYTES_MAX = 1 + 2 * COORDINATE_BYTES_MAX,
};

int crypto_import_secret(const struct crypto_call *call, struct crypto_result *ret_result)
{
    ret_result->outcome = CRYPTO_KEY;
    ret_result->key = crypto_key_new_secret(call->data);
    return 0;
}

/* ---- Weierstrass curves ---- */

static EVP_PKEY *pkey_from(const char *type, int selection, OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *pkey = NULL;

    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* Is `number` in 1 .. order - 1, and its multiple of the generator `point`? */
static bool is_number_of(const EC_GROUP *group, const EC_POINT *point, const BIGNUM *number)
{
    EC_POINT *own;
    bool ok;

    if (BN_is_zero(number) || BN_is_negative(number) ||
        BN_cmp(number, EC_GROUP_get0_order(group)) >= 0)
        return false;
    own = EC_POINT_new(group);
    ok = EC_POINT_mul(group, own, number, NULL, NULL, NULL) == 1 &&
         EC_POINT_cmp(group, own, point, NULL) == 0;
    EC_POINT_free(own);
    return ok;
}

static EVP_PKEY *ec_build(const struct crypto_curve *curve, str point, const BIGNUM *number)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len) ==
            1 &&
        (!number || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1))
        pkey = pkey_from("EC", number ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* A key of the point, in any form, and of its number when there is one; NULL when they are not of
 * this curve or do not belong together. */
static EVP_PKEY *ec_new(const struct crypto_curve *curve, str octets, const BIGNUM *number)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    EC_POINT *point = EC_POINT_new(group);
    unsigned char whole[POINT_BYTES_MAX];
    EVP_PKEY *pkey = NULL;
    size_t len;

    if (octets.len > 1 &&
        EC_POINT_oct2point(group, point, crypto_bytes(octets), octets.len, NULL) == 1 &&
        EC_POINT_is_at_infinity(group, point) == 0 &&
        (!number || is_number_of(group, point, number))) {
        len = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, whole, sizeof whole,
                                 NULL);
        pkey = ec_build(curve, (str){(char *)whole, len}, number);
    }
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return pkey;
}

/* The same key after rule (1); `pkey` is taken. */
static EVP_PKEY *ec_renew(const struct crypto_curve *curve, EVP_PKEY *pkey, bool is_private)
{
    char name[32], octets[POINT_BYTES_MAX];
    int explicit = 0;
    BIGNUM *number = NULL;
    EVP_PKEY *fresh = NULL;
    size_t len;

    EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit);
    if (!explicit && EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) == 1 &&
        strcmp(name, curve->name) == 0 &&
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, (unsigned char *)octets,
                                        sizeof octets, &len) == 1 &&
        (!is_private || EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1))
        fresh = ec_new(curve, (str){octets, len}, number);
    BN_clear_free(number);
    EVP_PKEY_free(pkey);
    return fresh;
}

static EVP_PKEY *ec_from_halves(const struct crypto_curve *curve, str point, str number)
{
    BIGNUM *bn = NULL;
    EVP_PKEY *pkey;

    if (number.len && number.len != (size_t)curve->bytes)
        return NULL;
    if (number.len)
        bn = BN_bin2bn(crypto_bytes(number), (int)number.len, NULL);
    pkey = ec_new(curve, point, bn);
    BN_clear_free(bn);
    return pkey;
}

/* ---- Edwards and Montgomery curves ---- */

static EVP_PKEY *okp_from_halves(const struct crypto_curve *curve, str public, str private)
{
    unsigned char own[COORDINATE_BYTES_MAX];
    size_t len = sizeof own;
    EVP_PKEY *pkey;

    if (!private.len)
        return EVP_PKEY_new_raw_public_key(curve->nid, NULL, crypto_bytes(public), public.len);
    pkey = EVP_PKEY_new_raw_private_key(curve->nid, NULL, crypto_bytes(private), private.len);
    if (pkey && EVP_PKEY_get_raw_public_key(pkey, own, &len) == 1 && len == public.len &&
        memcmp(own, public.ptr, len) == 0)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

int crypto_import_curve(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const struct crypto_curve *curve = crypto_call_curve(call->number);

    if (!curve)
        return ERR_INVALID;
    return crypto_call_key(ret_result,
                           (curve->is_ec ? ec_from_halves : okp_from_halves)(curve, call->data,
                                                                             call->first));
}

/* ---- RSA ---- */

struct rsa {
    BIGNUM *n, *e, *d, *p, *q, *dp, *dq, *qi;
};

/* Is `value` what `exponent` is modulo `factor` - 1, and is that the inverse of e there? */
static bool is_exponent(const struct rsa *rsa, const BIGNUM *factor, const BIGNUM *value,
                        BN_CTX *ctx)
{
    BIGNUM *below = BN_CTX_get(ctx), *t = BN_CTX_get(ctx);

    return BN_sub(below, factor, BN_value_one()) == 1 && !BN_is_zero(below) &&
           BN_mod(t, rsa->d, below, ctx) == 1 && BN_cmp(t, value) == 0 &&
           BN_mod_mul(t, rsa->d, rsa->e, below, ctx) == 1 && BN_is_one(t);
}

/* JWA 6.3.2 and RFC 8017 3.2: two primes, and numbers that follow from them. */
static bool rsa_belongs_together(const struct rsa *rsa)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *t;
    bool ok;

    BN_CTX_start(ctx);
    t = BN_CTX_get(ctx);
    ok = !BN_is_zero(rsa->p) && !BN_is_zero(rsa->q) && BN_mul(t, rsa->p, rsa->q, ctx) == 1 &&
         BN_cmp(t, rsa->n) == 0 && is_exponent(rsa, rsa->p, rsa->dp, ctx) &&
         is_exponent(rsa, rsa->q, rsa->dq, ctx) &&
         BN_mod_mul(t, rsa->qi, rsa->q, rsa->p, ctx) == 1 && BN_is_one(t);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return ok;
}

static bool rsa_fits(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);

    return bits >= RSA_BITS_MIN && bits <= CRYPTO_RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) &&
           !BN_is_one(e) && BN_num_bits(e) < bits;
}

/* `pkey` (taken) when it is a sound key of this half, else NULL. */
static EVP_PKEY *rsa_checked(EVP_PKEY *pkey, bool is_private)
{
    BIGNUM *part[CRYPTO_PARTS_MAX] = {0};
    int count = is_private ? CRYPTO_PARTS_MAX : 2;
    bool ok = true;

    for (int i = 0; i < count && ok; i++)
        ok = EVP_PKEY_get_bn_param(pkey, crypto_call_rsa_names[i], &part[i]) == 1;
    if (ok) {
        struct rsa rsa = {part[0], part[1], part[2], part[3], part[4], part[5], part[6], part[7]};
        ok = rsa_fits(rsa.n, rsa.e) && (!is_private || rsa_belongs_together(&rsa));
    }
    for (int i = 0; i < count; i++)
        BN_clear_free(part[i]);
    if (ok)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

/* data: n, e, or n, e, d, p, q, dp, dq, qi as parts. */
int crypto_import_rsa(const struct crypto_call *call, struct crypto_result *ret_result)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *bn[CRYPTO_PARTS_MAX] = {0};
    str part[CRYPTO_PARTS_MAX];
    int count = crypto_parts_read(call->data, part);
    EVP_PKEY *pkey = NULL;
    bool ok = count == 2 || count == CRYPTO_PARTS_MAX;

    for (int i = 0; ok && i < count; i++) {
        ok = part[i].len <= CRYPTO_RSA_BITS_MAX / 8 + 1;
        bn[i] = ok ? BN_bin2bn(crypto_bytes(part[i]), (int)part[i].len, NULL) : NULL;
        ok = ok && bn[i] && OSSL_PARAM_BLD_push_BN(build, crypto_call_rsa_names[i], bn[i]) == 1;
    }
    if (ok)
        pkey = pkey_from("RSA", count > 2 ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, build);
    OSSL_PARAM_BLD_free(build);
    for (int i = 0; i < CRYPTO_PARTS_MAX; i++)
        BN_clear_free(bn[i]);
    return crypto_call_key(ret_result, pkey ? rsa_checked(pkey, count > 2) : NULL);
}

/* ---- DER ---- */

/* `pkey` (taken) when it is of this kind and sound, else NULL. */
static EVP_PKEY *of_kind(EVP_PKEY *pkey, uint32_t kind, bool is_private)
{
    const struct crypto_curve *curve = crypto_call_curve(kind);
    int wanted = !curve ? EVP_PKEY_RSA : curve->is_ec ? EVP_PKEY_EC : curve->nid;

    if (!pkey)
        return NULL;
    if (EVP_PKEY_get_id(pkey) != wanted) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    if (!curve)
        return rsa_checked(pkey, is_private);
    return curve->is_ec ? ec_renew(curve, pkey, is_private) : pkey;
}

int crypto_import_spki(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const unsigned char *start = crypto_bytes(call->data), *at = start;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)call->data.len);

    if (pkey && at != start + call->data.len) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return crypto_call_key(ret_result, of_kind(pkey, call->number, false));
}

int crypto_import_pkcs8(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const unsigned char *start = crypto_bytes(call->data), *at = start;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)call->data.len);
    EVP_PKEY *pkey = NULL;

    if (info && at == start + call->data.len)
        pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return crypto_call_key(ret_result, of_kind(pkey, call->number, true));
}
