/* HMAC by copies of two digests; see crypto_mac.h. */
#include "web/crypto_mac.h"

#include "base/mem.h"

enum { INNER = 0x36, OUTER = 0x5C, BLOCK_MAX = 128 };

/* A digest that has taken the key, padded to a block, xor `pad`. */
static EVP_MD_CTX *padded(const EVP_MD *md, str key, unsigned char pad)
{
    size_t block = (size_t)EVP_MD_get_block_size(md);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char bytes[BLOCK_MAX];

    ASSERT(block <= BLOCK_MAX && key.len <= block);
    memset(bytes, pad, block);
    for (size_t i = 0; i < key.len; i++)
        bytes[i] ^= (unsigned char)key.ptr[i];
    ASSERT(EVP_DigestInit_ex2(ctx, md, NULL) == 1 && EVP_DigestUpdate(ctx, bytes, block) == 1);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ctx;
}

void crypto_mac_init(struct crypto_mac *mac, const EVP_MD *md, str key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;

    if (key.len > (size_t)EVP_MD_get_block_size(md)) {
        ASSERT(EVP_Digest(key.ptr, key.len, digest, &len, md, NULL) == 1);
        key = (str){(char *)digest, len};
    }
    mac->inner = padded(md, key, INNER);
    mac->outer = padded(md, key, OUTER);
    mac->work = EVP_MD_CTX_new();
    mac->len = (unsigned)EVP_MD_get_size(md);
    OPENSSL_cleanse(digest, sizeof digest);
}

void crypto_mac_done(struct crypto_mac *mac)
{
    EVP_MD_CTX_free(mac->inner);
    EVP_MD_CTX_free(mac->outer);
    EVP_MD_CTX_free(mac->work);
}

void crypto_mac_run(const struct crypto_mac *mac, const str *pieces, int count, unsigned char *out)
{
    ASSERT(EVP_MD_CTX_copy_ex(mac->work, mac->inner) == 1);
    for (int i = 0; i < count; i++)
        if (pieces[i].len)
            ASSERT(EVP_DigestUpdate(mac->work, pieces[i].ptr, pieces[i].len) == 1);
    ASSERT(EVP_DigestFinal_ex(mac->work, out, NULL) == 1);
    ASSERT(EVP_MD_CTX_copy_ex(mac->work, mac->outer) == 1 &&
           EVP_DigestUpdate(mac->work, out, mac->len) == 1 &&
           EVP_DigestFinal_ex(mac->work, out, NULL) == 1);
}
