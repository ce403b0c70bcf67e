/* Derivation: HKDF, PBKDF2, and the agreement of two keys. */
#include "web/crypto_mac.h"
#include "web/crypto_private.h"

enum { HKDF_BLOCKS_MAX = 255, HKDF_INFO_BYTES_MAX = 65536, SALT_UNIT = 64 };

/* HKDF-Expand: each block is the HMAC of the one before, the info, and its number. */
static void expand(const struct crypto_mac *mac, str info, unsigned char *out, size_t len)
{
    unsigned char block[EVP_MAX_MD_SIZE], number = 1;
    str pieces[] = {{(char *)block, 0}, info, {(char *)&number, 1}};

    for (size_t done = 0, some; done < len; done += some, number++) {
        some = len - done < mac->len ? len - done : mac->len;
        crypto_mac_run(mac, pieces, COUNT_OF(pieces), block);
        memcpy(out + done, block, some);
        pieces[0].len = mac->len;
    }
    OPENSSL_cleanse(block, sizeof block);
}

/* RFC 5869. OpenSSL's own HKDF refuses an empty key. */
int crypto_derive_hkdf(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const EVP_MD *md = crypto_call_hash(call->hash);
    unsigned char prk[EVP_MAX_MD_SIZE];
    struct crypto_mac mac;

    if (!md || !call->key || !call->key->secret || call->second.len > HKDF_INFO_BYTES_MAX ||
        call->length > HKDF_BLOCKS_MAX * (size_t)EVP_MD_get_size(md))
        return ERR_INVALID;
    crypto_mac_init(&mac, md, call->first);
    crypto_mac_run(&mac, &(str){call->key->secret, call->key->secret_len}, 1, prk);
    crypto_mac_done(&mac);
    crypto_mac_init(&mac, md, (str){(char *)prk, (size_t)EVP_MD_get_size(md)});
    expand(&mac, call->second, crypto_call_bytes(ret_result, call->length), call->length);
    crypto_mac_done(&mac);
    OPENSSL_cleanse(prk, sizeof prk);
    return 0;
}

/* Block `number` (from 1) of RFC 8018 5.2, xored together in `sum`. False when cancelled. OpenSSL's
 * own PBKDF2 takes twice as long. */
static bool pbkdf2_block(const struct crypto_mac *mac, const struct crypto_call *call,
                         uint32_t number, unsigned char *sum)
{
    const char big_endian[] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8),
                               (char)number};
    str pieces[] = {call->first, {big_endian, sizeof big_endian}};
    unsigned char own[EVP_MAX_MD_SIZE];
    str last = {(char *)own, mac->len};

    crypto_mac_run(mac, pieces, COUNT_OF(pieces), own);
    memcpy(sum, own, mac->len);
    for (uint32_t round = 1; round < call->number; round++) {
        crypto_mac_run(mac, &last, 1, own);
        for (unsigned i = 0; i < mac->len; i++)
            sum[i] ^= own[i];
        if (call->cancelled && atomic_load_explicit(call->cancelled, memory_order_relaxed))
            return false;
    }
    return true;
}

static bool pbkdf2(const struct crypto_mac *mac, const struct crypto_call *call, unsigned char *out)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    size_t done = 0;

    for (uint32_t number = 1; done < call->length; number++) {
        size_t some = call->length - done < mac->len ? call->length - done : mac->len;
        if (!pbkdf2_block(mac, call, number, sum))
            return false;
        memcpy(out + done, sum, some);
        done += some;
    }
    OPENSSL_cleanse(sum, sizeof sum);
    return true;
}

int crypto_derive_pbkdf2(const struct crypto_call *call, struct crypto_result *ret_result)
{
    const EVP_MD *md = crypto_call_hash(call->hash);
    struct crypto_mac mac;
    uint64_t blocks;
    bool ok;

    if (!md || !call->key || !call->key->secret || !call->number)
        return ERR_INVALID;
    if (call->length > CRYPTO_PBKDF2_BYTES_MAX)
        return ERR_LIMIT;
    blocks = (call->length + (uint64_t)EVP_MD_get_size(md) - 1) / (uint64_t)EVP_MD_get_size(md);
    if (blocks * (call->number + call->first.len / SALT_UNIT) > CRYPTO_PBKDF2_ROUNDS_MAX)
        return ERR_LIMIT;
    crypto_mac_init(&mac, md, (str){call->key->secret, call->key->secret_len});
    ok = pbkdf2(&mac, call, crypto_call_bytes(ret_result, call->length));
    crypto_mac_done(&mac);
    return ok ? 0 : ERR_CLOSED;
}

/* Fails for a peer's point of small order, whose outcome would be all zeros. */
int crypto_derive_agree(const struct crypto_call *call, struct crypto_result *ret_result)
{
    EVP_PKEY_CTX *ctx;
    size_t len = 0;
    bool ok;

    if (!call->key || !call->key->pkey || !call->peer || !call->peer->pkey)
        return ERR_INVALID;
    ctx = EVP_PKEY_CTX_new(call->key->pkey, NULL);
    ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
         EVP_PKEY_derive_set_peer(ctx, call->peer->pkey) == 1 &&
         EVP_PKEY_derive(ctx, NULL, &len) == 1 &&
         EVP_PKEY_derive(ctx, crypto_call_bytes(ret_result, len), &ret_result->len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok ? 0 : ERR_INVALID;
}
