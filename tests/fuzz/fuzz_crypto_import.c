/* web/crypto_import: any bytes as a key of any kind, and keys of which a few bytes were changed.
 * What is accepted must survive its own export. */
#include <stdlib.h>

#include "web/crypto_call.h"

enum { KINDS = CRYPTO_RSA + 1, FORMATS = 4, EDITED = 0x80 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int imports[FORMATS] = {CRYPTO_IMPORT_SPKI, CRYPTO_IMPORT_PKCS8, CRYPTO_IMPORT_CURVE,
                                     CRYPTO_IMPORT_RSA};
static const int exports[FORMATS] = {CRYPTO_EXPORT_SPKI, CRYPTO_EXPORT_PKCS8,
                                     CRYPTO_EXPORT_PUBLIC, CRYPTO_EXPORT_RSA};

static struct crypto_result run(int operation, struct crypto_call call)
{
    struct crypto_result result;

    call.operation = operation;
    return crypto_call_run(&call, &result) == 0 ? result : (struct crypto_result){0};
}

/* The bytes of a sound key, made once. */
static str sound(unsigned kind, unsigned format)
{
    static struct crypto_result made[KINDS], bytes[KINDS][FORMATS];
    struct crypto_call rsa = {.number = 512, .first = STR("\1\0\1")};
    struct crypto_call call = {.number = kind};

    if (!made[kind].key)
        made[kind] = kind == CRYPTO_RSA ? run(CRYPTO_GENERATE_RSA, rsa)
                                        : run(CRYPTO_GENERATE_CURVE, call);
    call.key = made[kind].key;
    call.number = 8;
    if (!bytes[kind][format].bytes)
        bytes[kind][format] = run(exports[format], call);
    return (str){bytes[kind][format].bytes, bytes[kind][format].len};
}

/* A copy of a sound key with bytes changed as pairs of place and value say. */
static str edited(unsigned kind, unsigned format, str edits)
{
    str own = sound(kind, format);
    char *copy = mem_alloc(own.len + 1);

    if (own.len)
        memcpy(copy, own.ptr, own.len);
    for (size_t i = 0; own.len && i + 2 < edits.len; i += 3) {
        size_t at = ((unsigned char)edits.ptr[i] << 8 | (unsigned char)edits.ptr[i + 1]) % own.len;
        copy[at] = edits.ptr[i + 2];
    }
    return (str){copy, own.len};
}

static void check(struct crypto_key *key, unsigned kind, unsigned format)
{
    struct crypto_call call = {.key = key, .number = format == 3 ? 2 : kind};
    struct crypto_result first = run(exports[format], call), back, second;

    if (!first.bytes)
        return; /* a public key has no pkcs8 */
    call.number = kind;
    call.data = (str){first.bytes, first.len};
    back = run(imports[format], call);
    ASSERT(back.key);
    call.key = back.key;
    call.number = format == 3 ? 2 : kind;
    second = run(exports[format], call);
    ASSERT(second.len == first.len && memcmp(second.bytes, first.bytes, first.len) == 0);
    crypto_call_result_done(&first);
    crypto_call_result_done(&back);
    crypto_call_result_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crypto_call call = {0};
    struct crypto_result result;
    unsigned kind, format;
    str rest;

    if (size < 2)
        return 0;
    kind = (data[0] & 0x3F) % KINDS;
    format = data[1] % FORMATS;
    rest = (str){(const char *)data + 2, size - 2};
    call.number = kind;
    call.data = data[0] & EDITED ? edited(kind, format, rest) : rest;
    result = run(imports[format], call);
    if (result.key)
        check(result.key, kind, format);
    crypto_call_result_done(&result);
    if (data[0] & EDITED)
        free((char *)call.data.ptr);
    return 0;
}
