/* Secrets that clients carry and cannot read: made up, hashed, derived, compared.
 *
 * Stored is only the hash: who reads the database cannot send them. They have 256 random bits, so a
 * plain hash is enough. That of a token is what its bearer signs with in the S3 API (docs/s3.md).
 * Owns: nothing. Thread: any. Limits: OPAQUE_TEXT_MAX for what is derived. */
#ifndef ATOLL_REGISTRY_OPAQUE_H
#define ATOLL_REGISTRY_OPAQUE_H

#include <stdbool.h>

#include "base/str.h"

enum {
    OPAQUE_HASH_BYTES = 32,
    OPAQUE_KEY_BYTES = 32,
    OPAQUE_RANDOM_CHARS = 43, /* 256 bits as base64url */
    OPAQUE_TEXT_MAX = 512,
};

/* `prefix` and 256 random bits as base64url. Returned owned. */
char *opaque_new(const char *prefix);

/* `prefix` and 256 bits that only the holder of `key` can derive from `secret`: the same each time.
 * Returned owned. */
char *opaque_derive(const char *prefix, const unsigned char key[OPAQUE_KEY_BYTES], str secret);

/* SHA-256. */
void opaque_hash(str secret, unsigned char ret[OPAQUE_HASH_BYTES]);

/* Compares in time that does not depend on the contents. */
bool opaque_equal(const unsigned char *a, const unsigned char *b);

/* The base64url of a verifier's SHA-256 (RFC 7636 4.2, S256). Returned owned. */
char *opaque_challenge(str verifier);

/* True when `challenge` is the base64url of the verifier's SHA-256 (RFC 7636 4.6, S256). */
bool opaque_verifies(str verifier, str challenge);

#endif
