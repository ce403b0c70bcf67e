/* Checksums, with OpenSSL; see r2_digest.h. */
#include "bindings/r2/r2_digest.h"

#include <openssl/evp.h>

#include "base/hex.h"

const char *const r2_digest_names[] = {"md5", "sha1", "sha256", "sha384", "sha512"};

static EVP_MD_CTX *begin(const char *name)
{
    EVP_MD_CTX *state = EVP_MD_CTX_new();

    ASSERT(state && EVP_DigestInit_ex(state, EVP_get_digestbyname(name), NULL) == 1);
    return state;
}

static void end(EVP_MD_CTX *state, char hex[R2_DIGEST_HEX_BYTES])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len;

    ASSERT(EVP_DigestFinal_ex(state, bytes, &len) == 1);
    hex_encode(bytes, len, hex);
}

void r2_digest_init(struct r2_digest *digest, const char *name)
{
    digest->name = name;
    digest->states[0] = begin("md5");
    digest->states[1] = name && strcmp(name, "md5") != 0 ? begin(name) : NULL;
}

void r2_digest_done(struct r2_digest *digest)
{
    for (size_t i = 0; i < COUNT_OF(digest->states); i++) {
        EVP_MD_CTX_free(digest->states[i]);
        digest->states[i] = NULL;
    }
}

void r2_digest_add(struct r2_digest *digest, str bytes)
{
    for (size_t i = 0; i < COUNT_OF(digest->states); i++)
        if (digest->states[i])
            ASSERT(EVP_DigestUpdate(digest->states[i], bytes.ptr, bytes.len) == 1);
}

void r2_digest_end(struct r2_digest *digest, char md5[R2_DIGEST_HEX_BYTES],
                   char other[R2_DIGEST_HEX_BYTES])
{
    end(digest->states[0], md5);
    *other = '\0';
    if (digest->states[1])
        end(digest->states[1], other);
}

void r2_digest_of_parts(str hex, char md5[R2_DIGEST_HEX_BYTES])
{
    EVP_MD_CTX *state = begin("md5");

    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        unsigned char byte = (unsigned char)(hex_digit(hex.ptr[i]) << 4 |
                                             hex_digit(hex.ptr[i + 1]));
        ASSERT(EVP_DigestUpdate(state, &byte, 1) == 1);
    }
    end(state, md5);
    EVP_MD_CTX_free(state);
}

const char *r2_digest_title(str name)
{
    static const char *const titles[] = {"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"};

    for (size_t i = 0; i < COUNT_OF(titles); i++)
        if (str_equal(name, str_from(r2_digest_names[i])))
            return titles[i];
    return "";
}
