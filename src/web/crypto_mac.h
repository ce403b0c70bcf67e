/* HMAC (RFC 2104) whose key is worked into two digests once: each message starts from copies of
 * them, which makes many short messages under one key cheap.
 *
 * Owns: the two digests; they are wiped by crypto_mac_done(). Thread: one at a time. */
#ifndef ATOLL_WEB_CRYPTO_MAC_H
#define ATOLL_WEB_CRYPTO_MAC_H

#include <openssl/evp.h>

#include "base/str.h"

struct crypto_mac {
    EVP_MD_CTX *inner;
    EVP_MD_CTX *outer;
    EVP_MD_CTX *work;
    unsigned len;      /* of what comes out */
};

/* Prepares for messages under `key`, of any length. md is one of crypto_call_hash(). */
void crypto_mac_init(struct crypto_mac *mac, const EVP_MD *md, str key);
void crypto_mac_done(struct crypto_mac *mac);

/* Writes the HMAC of the pieces, one after the other, to `out`: mac->len bytes. `out` may be where
 * a piece lies. */
void crypto_mac_run(const struct crypto_mac *mac, const str *pieces, int count,
                    unsigned char *out);

#endif
