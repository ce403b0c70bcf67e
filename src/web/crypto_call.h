/* A cryptographic operation: what goes in, what comes out.
 *
 * All of SubtleCrypto below its checks is one of these calls. A call touches nothing but its
 * arguments, so it may run on any thread; JavaScript decides which one (js/crypto_call.js).
 *
 * Owns: a result owns its bytes and keys. Thread: any.
 * Limits: CRYPTO_BYTES_MAX of data, CRYPTO_RSA_BITS_MAX, CRYPTO_PBKDF2_ROUNDS_MAX. */
#ifndef ATOLL_WEB_CRYPTO_CALL_H
#define ATOLL_WEB_CRYPTO_CALL_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/str.h"
#include "web/crypto_key.h"

enum {
    CRYPTO_HASHES = 5,
    CRYPTO_BYTES_MAX = 1 << 30,
    CRYPTO_RSA_BITS_MAX = 16384,
    CRYPTO_RSA_GENERATE_BITS_MAX = 8192,
    CRYPTO_PBKDF2_ROUNDS_MAX = 10000000, /* iterations and 64 bytes of salt, for each block */
    CRYPTO_PBKDF2_BYTES_MAX = 1 << 20,
};

/* In the order of OPERATIONS in js/crypto_call.js. */
#define CRYPTO_MAP(X)                                                                      \
    X(CRYPTO_DIGEST, crypto_sign_digest)             /* hash, data */                      \
    X(CRYPTO_HMAC_SIGN, crypto_sign_hmac)            /* hash, key, data */                 \
    X(CRYPTO_HMAC_VERIFY, crypto_sign_hmac)          /* the same; first: signature */      \
    X(CRYPTO_PKCS1_SIGN, crypto_sign_make)           /* hash, key, data */                 \
    X(CRYPTO_PKCS1_VERIFY, crypto_sign_check)        /* the same; first: signature */      \
    X(CRYPTO_PSS_SIGN, crypto_sign_make)             /* hash, key, data, number: salt */   \
    X(CRYPTO_PSS_VERIFY, crypto_sign_check)          /* the same; first: signature */      \
    X(CRYPTO_ECDSA_SIGN, crypto_sign_make)           /* hash, key, data */                 \
    X(CRYPTO_ECDSA_VERIFY, crypto_sign_check)        /* the same; first: signature */      \
    X(CRYPTO_EDDSA_SIGN, crypto_sign_make)           /* key, data */                       \
    X(CRYPTO_EDDSA_VERIFY, crypto_sign_check)        /* the same; first: signature */      \
    X(CRYPTO_GCM_ENCRYPT, crypto_cipher_gcm)         /* key, data, number: bits of tag, */ \
    X(CRYPTO_GCM_DECRYPT, crypto_cipher_gcm)         /* first: iv, second: extra data */   \
    X(CRYPTO_CBC_ENCRYPT, crypto_cipher_cbc)         /* key, data, first: iv */            \
    X(CRYPTO_CBC_DECRYPT, crypto_cipher_cbc)                                               \
    X(CRYPTO_CTR, crypto_cipher_ctr)                 /* ... first: counter, number: bits */ \
    X(CRYPTO_KW_WRAP, crypto_cipher_kw)              /* key, data */                       \
    X(CRYPTO_KW_UNWRAP, crypto_cipher_kw)                                                  \
    X(CRYPTO_OAEP_ENCRYPT, crypto_cipher_oaep)       /* hash, key, data, first: label */   \
    X(CRYPTO_OAEP_DECRYPT, crypto_cipher_oaep)                                             \
    X(CRYPTO_HKDF, crypto_derive_hkdf)               /* hash, key, first: salt, */         \
                                                     /* second: info, length: bytes */     \
    X(CRYPTO_PBKDF2, crypto_derive_pbkdf2)           /* ... number: iterations */          \
    X(CRYPTO_AGREE, crypto_derive_agree)             /* key, peer */                       \
    X(CRYPTO_GENERATE_SECRET, crypto_generate_secret) /* length: bytes */                  \
    X(CRYPTO_GENERATE_RSA, crypto_generate_rsa)      /* number: bits, first: exponent */   \
    X(CRYPTO_GENERATE_CURVE, crypto_generate_curve)  /* number: curve */                   \
    X(CRYPTO_IMPORT_SECRET, crypto_import_secret)    /* data */                            \
    X(CRYPTO_IMPORT_SPKI, crypto_import_spki)        /* data, number: kind */              \
    X(CRYPTO_IMPORT_PKCS8, crypto_import_pkcs8)                                            \
    X(CRYPTO_IMPORT_CURVE, crypto_import_curve)      /* number: curve, data: public, */    \
                                                     /* first: private, may be empty */    \
    X(CRYPTO_IMPORT_RSA, crypto_import_rsa)          /* data: parts, see crypto_parts_* */ \
    X(CRYPTO_EXPORT_SECRET, crypto_export_secret)    /* key */                             \
    X(CRYPTO_EXPORT_SPKI, crypto_export_spki)                                              \
    X(CRYPTO_EXPORT_PKCS8, crypto_export_pkcs8)                                            \
    X(CRYPTO_EXPORT_PUBLIC, crypto_export_public)    /* a curve's point */                 \
    X(CRYPTO_EXPORT_PRIVATE, crypto_export_private)  /* a curve's number */                \
    X(CRYPTO_EXPORT_RSA, crypto_export_rsa)          /* parts; number: how many, 2 or 8 */
#define CRYPTO_ENUM(name, run) name,
enum crypto_operation { CRYPTO_MAP(CRYPTO_ENUM) CRYPTO_OPERATIONS };
#undef CRYPTO_ENUM

/* Kinds of keys with two halves; all but the last are curves. In the order of KINDS in
 * js/crypto_call.js. */
enum crypto_kind {
    CRYPTO_P256,
    CRYPTO_P384,
    CRYPTO_P521,
    CRYPTO_ED25519,
    CRYPTO_X25519,
    CRYPTO_ED448,
    CRYPTO_X448,
    CRYPTO_RSA,
};

/* Everything is borrowed for the call. */
struct crypto_call {
    int operation;                /* enum crypto_operation */
    int hash;                     /* 0 SHA-1, 1 SHA-256, 2 SHA-384, 3 SHA-512, 4 MD5 */
    uint32_t number;
    uint32_t length;
    struct crypto_key *key;
    struct crypto_key *peer;
    str data;
    str first;
    str second;
    const atomic_bool *cancelled; /* NULL: never; what takes long looks at it */
};

enum crypto_outcome { CRYPTO_BYTES, CRYPTO_TRUTH, CRYPTO_KEY, CRYPTO_PAIR };

struct crypto_result {
    enum crypto_outcome outcome;
    char *bytes;
    size_t len;
    bool truth;
    struct crypto_key *key;     /* of a pair: the private half */
    struct crypto_key *other;   /* of a pair: the public half */
};

/* Runs the call. Returns 0 and fills ret_result, or ERR_INVALID (the arguments do not fit, a key or
 * text is damaged), ERR_LIMIT (too much), ERR_CLOSED (cancelled). */
NODISCARD int crypto_call_run(const struct crypto_call *call, struct crypto_result *ret_result);

/* Releases what was not taken out of it. */
void crypto_call_result_done(struct crypto_result *result);

#endif
