/* Hashes, by OpenSSL; see s3_hash.h. */
#include "s3/s3_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct s3_hash {
    EVP_MD_CTX *state;
    const EVP_MD *kind;
};

void s3_hash_sha256(str bytes, unsigned char ret[S3_HASH_BYTES])
{
    SHA256((const unsigned char *)(bytes.ptr ? bytes.ptr : ""), bytes.len, ret);
}

void s3_hash_hmac(str key, str bytes, unsigned char ret[S3_HASH_BYTES])
{
    unsigned len = S3_HASH_BYTES;

    ASSERT(HMAC(EVP_sha256(), key.ptr, (int)key.len,
                (const unsigned char *)(bytes.ptr ? bytes.ptr : ""), bytes.len, ret, &len));
}

bool s3_hash_equal(str a, str b)
{
    return a.len == b.len && (!a.len || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

struct s3_hash *s3_hash_new(enum s3_hash_kind kind)
{
    struct s3_hash *hash = mem_new(struct s3_hash);

    hash->kind = kind == S3_HASH_MD5 ? EVP_md5() : kind == S3_HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    hash->state = EVP_MD_CTX_new();
    ASSERT(hash->state && EVP_DigestInit_ex(hash->state, hash->kind, NULL) == 1);
    return hash;
}

void s3_hash_free(struct s3_hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->state);
    free(hash);
}

void s3_hash_add(struct s3_hash *hash, str bytes)
{
    ASSERT(EVP_DigestUpdate(hash->state, bytes.ptr, bytes.len) == 1);
}

size_t s3_hash_end(struct s3_hash *hash, unsigned char ret[S3_HASH_BYTES])
{
    unsigned len = 0;

    ASSERT(EVP_DigestFinal_ex(hash->state, ret, &len) == 1 && len <= S3_HASH_BYTES);
    ASSERT(EVP_DigestInit_ex(hash->state, hash->kind, NULL) == 1);
    return len;
}
