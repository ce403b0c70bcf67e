/* What the files crypto_*.c share: OpenSSL's types, results, and the runs of each family.
 *
 * A run has crypto_call_run()'s contract. Owns: nothing. Thread: any. */
#ifndef ATOLL_WEB_CRYPTO_PRIVATE_H
#define ATOLL_WEB_CRYPTO_PRIVATE_H

#include <openssl/evp.h>

#include "web/crypto_call.h"
#include "web/crypto_parts.h"

/* Declares every run of CRYPTO_MAP. */
#define CRYPTO_DECLARE(name, run) \
    int run(const struct crypto_call *call, struct crypto_result *ret_result);
CRYPTO_MAP(CRYPTO_DECLARE)
#undef CRYPTO_DECLARE

/* The digest of a call's `hash`; NULL when there is none of that number. */
const EVP_MD *crypto_call_hash(int hash);

/* Room for `len` bytes of outcome; `len` may be lowered afterwards. */
unsigned char *crypto_call_bytes(struct crypto_result *result, size_t len);

/* The outcome "a key", which is taken; returns ERR_INVALID for NULL. */
int crypto_call_key(struct crypto_result *result, EVP_PKEY *pkey);

/* OpenSSL's name and number of a kind. */
struct crypto_curve {
    const char *name;  /* what EVP_PKEY_get_group_name() or EVP_PKEY_get0_type_name() says */
    int nid;           /* a group's, or the type of key */
    int bytes;         /* of a coordinate or of a key */
    bool is_ec;        /* a Weierstrass curve, with points of two coordinates */
};

/* OpenSSL's names of the numbers of an RSA key, in the order of JWA: n, e, d, p, q, dp, dq, qi. */
extern const char *const crypto_call_rsa_names[CRYPTO_PARTS_MAX];

/* The curve of this kind; NULL for what is none. */
const struct crypto_curve *crypto_call_curve(uint32_t kind);

static inline const unsigned char *crypto_bytes(str s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

#endif
