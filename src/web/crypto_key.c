/* Key material; see crypto_key.h. OpenSSL wipes the private numbers of its keys itself. */
#include "web/crypto_key.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/mem.h"

struct crypto_key *crypto_key_new_secret(str bytes)
{
    struct crypto_key *key = mem_new(struct crypto_key);

    key->refs = 1;
    key->secret = mem_alloc(bytes.len + 1);
    key->secret_len = bytes.len;
    if (bytes.len)
        memcpy(key->secret, bytes.ptr, bytes.len);
    return key;
}

struct crypto_key *crypto_key_new_pkey(struct evp_pkey_st *pkey)
{
    struct crypto_key *key;

    if (!pkey)
        return NULL;
    key = mem_new(struct crypto_key);
    key->refs = 1;
    key->pkey = pkey;
    return key;
}

struct crypto_key *crypto_key_ref(struct crypto_key *key)
{
    if (key)
        key->refs++;
    return key;
}

void crypto_key_unref(struct crypto_key *key)
{
    if (!key || --key->refs > 0)
        return;
    if (key->secret)
        OPENSSL_cleanse(key->secret, key->secret_len);
    free(key->secret);
    EVP_PKEY_free(key->pkey);
    free(key);
}
