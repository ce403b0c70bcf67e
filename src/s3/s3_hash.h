/* Hashes of requests: SHA-256 and HMAC at once, SHA-256, SHA-1 and MD5 of bytes that pass by.
 *
 * Owns: the state of a running one. Thread: any, one at a time. */
#ifndef ATOLL_S3_S3_HASH_H
#define ATOLL_S3_S3_HASH_H

#include "base/mem.h"
#include "base/str.h"

enum { S3_HASH_BYTES = 32, S3_HASH_HEX_BYTES = 2 * S3_HASH_BYTES + 1 };

enum s3_hash_kind { S3_HASH_MD5, S3_HASH_SHA1, S3_HASH_SHA256 };

/* SHA-256. */
void s3_hash_sha256(str bytes, unsigned char ret[S3_HASH_BYTES]);

/* HMAC-SHA-256 (RFC 2104). */
void s3_hash_hmac(str key, str bytes, unsigned char ret[S3_HASH_BYTES]);

/* Compares in time that does not depend on what is in them. */
bool s3_hash_equal(str a, str b);

struct s3_hash;

struct s3_hash *s3_hash_new(enum s3_hash_kind kind);

/* NULL is fine. */
void s3_hash_free(struct s3_hash *hash);
void s3_hash_add(struct s3_hash *hash, str bytes);

/* Writes the hash, S3_HASH_BYTES at most; returns its length. It begins anew. */
size_t s3_hash_end(struct s3_hash *hash, unsigned char ret[S3_HASH_BYTES]);

#endif
