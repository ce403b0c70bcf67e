/* Encryption: AES in four modes, and RSA-OAEP. */
#include <openssl/rsa.h>

#include "web/crypto_private.h"

enum { BLOCK = 16, KW_UNIT = 8 };

/* Which of three ciphers, for keys of 128, 192 and 256 bits, this key is for. */
static const EVP_CIPHER *cipher_of(const struct crypto_key *key,
                                   const EVP_CIPHER *(*const by_size[3])(void))
{
    if (!key || !key->secret)
        return NULL;
    switch (key->secret_len) {
    case 16:
        return by_size[0]();
    case 24:
        return by_size[1]();
    case 32:
        return by_size[2]();
    default:
        return NULL;
    }
}

static const unsigned char *secret_of(const struct crypto_call *call)
{
    return (const unsigned char *)call->key->secret;
}

/* Appends what `in` becomes to the result. */
static bool update(EVP_CIPHER_CTX *ctx, str in, struct crypto_result *out)
{
    int len = 0;

    if (in.len && EVP_CipherUpdate(ctx, (unsigned char *)out->bytes + out->len, &len,
                                   crypto_bytes(in), (int)in.len) != 1)
        return false;
    out->len += (size_t)len;
    return true;
}

static bool final(EVP_CIPHER_CTX *ctx, struct crypto_result *out)
{
    int len = 0;

    if (EVP_CipherFinal_ex(ctx, (unsigned char *)out->bytes + out->len, &len) != 1)
        return false;
    out->len += (size_t)len;
    return true;
}

static bool gcm_start(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const struct crypto_call *call,
                      str tag)
{
    int encrypt = call->operation == CRYPTO_GCM_ENCRYPT, len;
    str iv = call->first, extra = call->second;

    return EVP_CipherInit_ex(ctx, cipher, NULL, NULL, NULL, encrypt) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.len, NULL) == 1 &&
           EVP_CipherInit_ex(ctx, NULL, NULL, secret_of(call), crypto_bytes(iv), encrypt) == 1 &&
           (encrypt ||
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, (void *)tag.ptr) == 1) &&
           (!extra.len ||
            EVP_CipherUpdate(ctx, NULL, &len, crypto_bytes(extra), (int)extra.len) == 1);
}

/* The tag follows the text: it is cut off before, or appended after. */
int crypto_cipher_gcm(const struct crypto_call *call, struct crypto_result *ret_result)
{
    static const EVP_CIPHER *(*const by_size[])(void) = {EVP_aes_128_gcm, EVP_aes_192_gcm,
                                                         EVP_aes_256_gcm};
    const EVP_CIPHER *cipher = cipher_of(call->key, by_size);
    bool encrypt = call->operation == CRYPTO_GCM_ENCRYPT, ok;
    size_t tag_len = call->number / 8;
    str text = call->data, tag = {0};
    EVP_CIPHER_CTX *ctx;

    if (!cipher || tag_len > BLOCK || !call->first.len || (!encrypt && text.len < tag_len))
        return ERR_INVALID;
    if (!encrypt) {
        text.len -= tag_len;
        tag = (str){text.ptr + text.len, tag_len};
    }
    crypto_call_bytes(ret_result, text.len + BLOCK + tag_len);
    ret_result->len = 0;
    ctx = EVP_CIPHER_CTX_new();
    ok = gcm_start(ctx, cipher, call, tag) && update(ctx, text, ret_result) &&
         final(ctx, ret_result) &&
         (!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)tag_len,
                                          ret_result->bytes + ret_result->len) == 1);
    ret_result->len += encrypt ? tag_len : 0;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : ERR_INVALID;
}

int crypto_cipher_cbc(const struct crypto_call *call, struct crypto_result *ret_result)
{
    static const EVP_CIPHER *(*const by_size[])(void) = {EVP_aes_128_cbc, EVP_aes_192_cbc,
                                                         EVP_aes_256_cbc};
    const EVP_CIPHER *cipher = cipher_of(call->key, by_size);
    EVP_CIPHER_CTX *ctx;
    bool ok;

    if (!cipher || call->first.len != BLOCK)
        return ERR_INVALID;
    crypto_call_bytes(ret_result, call->data.len + BLOCK);
    ret_result->len = 0;
    ctx = EVP_CIPHER_CTX_new();
    ok = EVP_CipherInit_ex(ctx, cipher, NULL, secret_of(call), crypto_bytes(call->first),
                           call->operation == CRYPTO_CBC_ENCRYPT) == 1 &&
         update(ctx, call->data, ret_result) && final(ctx, ret_result);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : ERR_INVALID;
}

/* Blocks until the counter, the last `bits` bits of `block`, is zero again; at most `max`. */
static size_t blocks_to_wrap(const unsigned char *block, unsigned bits, size_t max)
{
    size_t left = 0;

    for (unsigned bit = bits; bit-- > 0;) {
        unsigned one = block[BLOCK - 1 - bit / 8] >> (bit % 8) & 1;
        if (left > max)
            return max;
        left = left * 2 + !one;
    }
    return left < max ? left + 1 : max;
}

static void counter_zero(unsigned char *block, unsigned bits)
{
    for (unsigned bit = 0; bit < bits; bit++)
        block[BLOCK - 1 - bit / 8] &= (unsigned char)~(1u << (bit % 8));
}

/* OpenSSL counts with all 128 bits: where a shorter counter would return to zero, we begin anew. */
int crypto_cipher_ctr(const struct crypto_call *call, struct crypto_result *ret_result)
{
    static const EVP_CIPHER *(*const by_size[])(void) = {EVP_aes_128_ctr, EVP_aes_192_ctr,
                                                         EVP_aes_256_ctr};
    const EVP_CIPHER *cipher = cipher_of(call->key, by_size);
    size_t blocks = (call->data.len + BLOCK - 1) / BLOCK, cut;
    unsigned char counter[BLOCK];
    str head = call->data, tail;
    EVP_CIPHER_CTX *ctx;
    bool ok;

    if (!cipher || call->first.len != BLOCK || call->number < 1 || call->number > 128 ||
        (call->number < 32 && blocks > (size_t)1 << call->number))
        return ERR_INVALID;
    memcpy(counter, call->first.ptr, BLOCK);
    cut = blocks_to_wrap(counter, call->number, blocks) * BLOCK;
    head.len = cut < head.len ? cut : head.len;
    tail = (str){call->data.ptr + head.len, call->data.len - head.len};
    crypto_call_bytes(ret_result, call->data.len + BLOCK);
    ret_result->len = 0;
    ctx = EVP_CIPHER_CTX_new();
    ok = EVP_EncryptInit_ex(ctx, cipher, NULL, secret_of(call), counter) == 1 &&
         update(ctx, head, ret_result);
    counter_zero(counter, call->number);
    ok = ok && EVP_EncryptInit_ex(ctx, NULL, NULL, secret_of(call), counter) == 1 &&
         update(ctx, tail, ret_result);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : ERR_INVALID;
}

/* AES key wrap (RFC 3394). */
int crypto_cipher_kw(const struct crypto_call *call, struct crypto_result *ret_result)
{
    static const EVP_CIPHER *(*const by_size[])(void) = {EVP_aes_128_wrap, EVP_aes_192_wrap,
                                                         EVP_aes_256_wrap};
    const EVP_CIPHER *cipher = cipher_of(call->key, by_size);
    bool wrap = call->operation == CRYPTO_KW_WRAP, ok;
    EVP_CIPHER_CTX *ctx;

    if (!cipher || call->data.len % KW_UNIT || call->data.len < (wrap ? 2 : 3) * KW_UNIT)
        return ERR_INVALID;
    crypto_call_bytes(ret_result, call->data.len + KW_UNIT + BLOCK);
    ret_result->len = 0;
    ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ok = EVP_CipherInit_ex(ctx, cipher, NULL, secret_of(call), NULL, wrap) == 1 &&
         update(ctx, call->data, ret_result);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : ERR_INVALID;
}

static bool oaep_start(EVP_PKEY_CTX *ctx, const struct crypto_call *call, bool encrypt)
{
    const EVP_MD *md = crypto_call_hash(call->hash);
    void *label;

    if (!md || (encrypt ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1)
        return false;
    if (!call->first.len)
        return true;
    label = OPENSSL_memdup(call->first.ptr, call->first.len);
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, (int)call->first.len) == 1)
        return true;
    OPENSSL_free(label);
    return false;
}

int crypto_cipher_oaep(const struct crypto_call *call, struct crypto_result *ret_result)
{
    bool encrypt = call->operation == CRYPTO_OAEP_ENCRYPT, ok;
    EVP_PKEY_CTX *ctx;
    unsigned char *out;

    if (!call->key || !call->key->pkey)
        return ERR_INVALID;
    out = crypto_call_bytes(ret_result, (size_t)EVP_PKEY_get_size(call->key->pkey));
    ctx = EVP_PKEY_CTX_new(call->key->pkey, NULL);
    ok = ctx && oaep_start(ctx, call, encrypt) &&
         (encrypt ? EVP_PKEY_encrypt : EVP_PKEY_decrypt)(ctx, out, &ret_result->len,
                                                         crypto_bytes(call->data),
                                                         call->data.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok ? 0 : ERR_INVALID;
}
