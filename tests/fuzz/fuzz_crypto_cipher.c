/* web/crypto_cipher: what is encrypted is decrypted again, whatever the parameters, and any bytes
 * can be decrypted without harm. */
#include <stdlib.h>

#include "web/crypto_call.h"

enum { HEAD = 4, BLOCK = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    int encrypt, decrypt;
    size_t iv_len;
} modes[] = {
    {CRYPTO_GCM_ENCRYPT, CRYPTO_GCM_DECRYPT, 12},
    {CRYPTO_CBC_ENCRYPT, CRYPTO_CBC_DECRYPT, BLOCK},
    {CRYPTO_CTR, CRYPTO_CTR, BLOCK},
    {CRYPTO_KW_WRAP, CRYPTO_KW_UNWRAP, 0},
};

static int run(struct crypto_call call, int operation, str data, struct crypto_result *ret_result)
{
    call.operation = operation;
    call.data = data;
    return crypto_call_run(&call, ret_result);
}

static void check_round_trip(struct crypto_call call, size_t mode, str text)
{
    struct crypto_result sealed, open;

    if (run(call, modes[mode].encrypt, text, &sealed) < 0)
        return;
    ASSERT(run(call, modes[mode].decrypt, (str){sealed.bytes, sealed.len}, &open) == 0);
    ASSERT(open.len == text.len && (!text.len || memcmp(open.bytes, text.ptr, text.len) == 0));
    crypto_call_result_done(&sealed);
    crypto_call_result_done(&open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char key_bytes[40]; /* of its sizes, one is no key's */
    struct crypto_call call = {0};
    struct crypto_result result;
    size_t mode;
    str rest;

    if (size < HEAD + BLOCK)
        return 0;
    rest = (str){(const char *)data + HEAD, size - HEAD};
    mode = data[0] % COUNT_OF(modes);
    call.number = data[1];
    call.first = str_head(rest, modes[mode].iv_len);
    call.second = str_head(rest, data[3] % BLOCK);
    call.key = crypto_key_new_secret((str){key_bytes, 16 + 8 * (data[2] % 4)});
    rest = str_skip(rest, modes[mode].iv_len);
    check_round_trip(call, mode, rest);
    if (run(call, modes[mode].decrypt, rest, &result) == 0)
        ASSERT(result.len <= rest.len);
    crypto_call_result_done(&result);
    crypto_key_unref(call.key);
    return 0;
}
