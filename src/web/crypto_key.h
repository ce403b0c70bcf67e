/* The material of a CryptoKey: the bytes of a secret, or an OpenSSL key.
 *
 * Owns: the material; it is wiped when the last reference goes. Thread: references are counted on
 * the loop's thread, where a key is made and let go; a job on another thread only reads.
 * Limits: none of its own; secrets are as large as what was imported. */
#ifndef ATOLL_WEB_CRYPTO_KEY_H
#define ATOLL_WEB_CRYPTO_KEY_H

#include "base/str.h"

struct evp_pkey_st;

struct crypto_key {
    unsigned refs;
    char *secret;              /* NULL for a key of two halves */
    size_t secret_len;
    struct evp_pkey_st *pkey;  /* NULL for a secret */
};

/* A key with a copy of the bytes, returned owned. */
struct crypto_key *crypto_key_new_secret(str bytes);

/* A key around `pkey`, which is taken; NULL for NULL. Returned owned. */
struct crypto_key *crypto_key_new_pkey(struct evp_pkey_st *pkey);

/* One more reference; NULL is fine. Returns `key`. */
struct crypto_key *crypto_key_ref(struct crypto_key *key);

/* One reference less; wipes and frees with the last. NULL is fine. */
void crypto_key_unref(struct crypto_key *key);

#endif
