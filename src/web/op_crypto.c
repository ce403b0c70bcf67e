/* Ops under js/crypto.js: random bytes, UUIDs, digests, comparing in constant time.
 *
 * Small requests for random bytes are served from a pool that one system call fills; what was
 * given out is wiped from it at once. A digest of a few kilobytes is made here on the spot; larger
 * ones are calls of op_crypto_run.c. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/err.h"
#include "engine/handle.h"
#include "engine/op.h"
#include "engine/value.h"
#include "web/crypto_private.h"
#include "web/web.h"

enum {
    POOL_BYTES = 4096,
    POOL_REQUEST_MAX = 512, /* larger requests go to the kernel directly */
    UUID_BYTES = 16,
    UUID_CHARS = 36,
};

static void random_from_kernel(char *out, size_t len)
{
    while (len) {
        ssize_t got = getrandom(out, len, 0);
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        }
    }
}

static void random_bytes(char *out, size_t len)
{
    static char pool[POOL_BYTES];
    static size_t used = POOL_BYTES;

    if (len > POOL_REQUEST_MAX) {
        random_from_kernel(out, len);
        return;
    }
    if (len > POOL_BYTES - used) {
        random_from_kernel(pool, sizeof pool);
        used = 0;
    }
    memcpy(out, pool + used, len);
    explicit_bzero(pool + used, len);
    used += len;
}

/* (typed array): fills it. */
OP(op_crypto_random)
{
    const void *bytes;
    size_t len;

    if (!value_view(ctx, OP_ARG(0), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (len)
        random_bytes((char *)bytes, len);
    return JSValueMakeUndefined(ctx);
}

/* () -> a random UUID (RFC 9562, version 4). */
OP(op_crypto_uuid)
{
    char bytes[UUID_BYTES], text[UUID_CHARS], *at = text;

    random_bytes(bytes, sizeof bytes);
    bytes[6] = (char)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (char)((bytes[8] & 0x3F) | 0x80);
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = "0123456789abcdef"[(unsigned char)bytes[i] >> 4];
        *at++ = "0123456789abcdef"[bytes[i] & 15];
    }
    return value_latin1(ctx, (str){text, sizeof text});
}

/* The digest of this number (crypto_call.h), or NULL. */
static const EVP_MD *digest_of(JSContextRef ctx, JSValueRef number)
{
    return crypto_call_hash((int)value_to_number(ctx, number, -1));
}

/* (digest number, bytes) -> Uint8Array */
OP(op_crypto_digest)
{
    const EVP_MD *md = digest_of(ctx, OP_ARG(0));
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned out_len = 0;
    const void *bytes;
    size_t len;

    if (!md || !value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    ASSERT(EVP_Digest(len ? bytes : "", len, out, &out_len, md, NULL) == 1);
    return value_bytes(ctx, out, out_len);
}

/* ---- a digest in pieces ---- */

static const char hash_kind[] = "hash";

struct hash {
    struct handle handle;
    EVP_MD_CTX *ctx;
};

static void on_hash_buried(struct handle *handle)
{
    struct hash *hash = CONTAINER_OF(handle, struct hash, handle);

    EVP_MD_CTX_free(hash->ctx);
    free(hash);
}

/* (digest number) -> a digest that takes pieces. */
OP(op_crypto_hash_new)
{
    const EVP_MD *md = digest_of(ctx, OP_ARG(0));
    struct hash *hash;

    if (!md)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    hash = mem_new(struct hash);
    hash->handle = (struct handle){.kind = hash_kind, .free = on_hash_buried};
    hash->ctx = EVP_MD_CTX_new();
    ASSERT(EVP_DigestInit_ex(hash->ctx, md, NULL) == 1);
    return handle_object(ctx, &hash->handle);
}

static EVP_MD_CTX *hash_of(JSContextRef ctx, JSValueRef value)
{
    struct handle *handle = handle_of(ctx, value, hash_kind);

    return handle ? CONTAINER_OF(handle, struct hash, handle)->ctx : NULL;
}

/* (hash, bytes): takes a piece. */
OP(op_crypto_hash_update)
{
    EVP_MD_CTX *hash = hash_of(ctx, OP_ARG(0));
    const void *bytes;
    size_t len;

    if (!hash || !value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (len)
        ASSERT(EVP_DigestUpdate(hash, bytes, len) == 1);
    return JSValueMakeUndefined(ctx);
}

/* (hash) -> Uint8Array, once. */
OP(op_crypto_hash_end)
{
    EVP_MD_CTX *hash = hash_of(ctx, OP_ARG(0));
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!hash || EVP_DigestFinal_ex(hash, out, &len) != 1)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    return value_bytes(ctx, out, len);
}

/* (bytes, bytes of the same length) -> are they the same? Takes the same time whatever they are. */
OP(op_crypto_equal)
{
    const void *first, *second;
    size_t first_len, second_len;

    if (!value_view(ctx, OP_ARG(0), &first, &first_len) ||
        !value_view(ctx, OP_ARG(1), &second, &second_len) || first_len != second_len)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    return JSValueMakeBoolean(ctx, !first_len || CRYPTO_memcmp(first, second, first_len) == 0);
}

const struct op op_crypto_table[] = {
    {"op_crypto_random", op_crypto_random},
    {"op_crypto_uuid", op_crypto_uuid},
    {"op_crypto_digest", op_crypto_digest},
    {"op_crypto_hash_new", op_crypto_hash_new},
    {"op_crypto_hash_update", op_crypto_hash_update},
    {"op_crypto_hash_end", op_crypto_hash_end},
    {"op_crypto_equal", op_crypto_equal},
    {0},
};
