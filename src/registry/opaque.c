/* Random bits, SHA-256 and HMAC of OpenSSL as texts; see opaque.h. */
#include "registry/opaque.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/buf.h"

static void append_base64url(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, value = 0;

    for (size_t i = 0; i < len; i++) {
        value = value << 8 | bytes[i];
        for (bits += 8; bits >= 6; bits -= 6)
            ASSERT(buf_append_char(out, letters[value >> (bits - 6) & 63]) == 0);
    }
    if (bits)
        ASSERT(buf_append_char(out, letters[value << (6 - bits) & 63]) == 0);
}

static char *text_of(const char *prefix, unsigned char *bytes, size_t len)
{
    struct buf out;

    buf_init(&out, OPAQUE_TEXT_MAX);
    ASSERT(buf_append(&out, str_from(prefix)) == 0);
    append_base64url(&out, bytes, len);
    OPENSSL_cleanse(bytes, len);
    return buf_take(&out, NULL);
}

char *opaque_new(const char *prefix)
{
    unsigned char bytes[OPAQUE_HASH_BYTES];

    ASSERT(RAND_bytes(bytes, sizeof bytes) == 1);
    return text_of(prefix, bytes, sizeof bytes);
}

char *opaque_derive(const char *prefix, const unsigned char key[OPAQUE_KEY_BYTES], str secret)
{
    unsigned char bytes[OPAQUE_HASH_BYTES];
    unsigned len = 0;
    struct buf text;

    buf_init(&text, 2 * OPAQUE_TEXT_MAX);
    ASSERT(secret.len <= OPAQUE_TEXT_MAX && buf_append(&text, str_from(prefix)) == 0 &&
           buf_append_char(&text, '\0') == 0 && buf_append(&text, secret) == 0);
    ASSERT(HMAC(EVP_sha256(), key, OPAQUE_KEY_BYTES, (const unsigned char *)text.ptr, text.len,
                bytes, &len) &&
           len == sizeof bytes);
    OPENSSL_cleanse(text.ptr, text.len);
    buf_done(&text);
    return text_of(prefix, bytes, sizeof bytes);
}

void opaque_hash(str secret, unsigned char ret[OPAQUE_HASH_BYTES])
{
    unsigned len = 0;

    ASSERT(EVP_Digest(secret.ptr, secret.len, ret, &len, EVP_sha256(), NULL) == 1 &&
           len == OPAQUE_HASH_BYTES);
}

bool opaque_equal(const unsigned char *a, const unsigned char *b)
{
    return CRYPTO_memcmp(a, b, OPAQUE_HASH_BYTES) == 0;
}

char *opaque_challenge(str verifier)
{
    unsigned char hash[OPAQUE_HASH_BYTES];

    opaque_hash(verifier, hash);
    return text_of("", hash, sizeof hash);
}

bool opaque_verifies(str verifier, str challenge)
{
    char *text = opaque_challenge(verifier);
    bool fits = challenge.len == OPAQUE_RANDOM_CHARS &&
                CRYPTO_memcmp(text, challenge.ptr, OPAQUE_RANDOM_CHARS) == 0;

    free(text);
    return fits;
}
