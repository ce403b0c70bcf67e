/* Parts with a length in front; see crypto_parts.h. */
#include "web/crypto_parts.h"

#include "base/err.h"

int crypto_parts_read(str bytes, str ret_parts[CRYPTO_PARTS_MAX])
{
    int count = 0;

    while (bytes.len) {
        const unsigned char *head = (const unsigned char *)bytes.ptr;
        size_t len;

        if (count == CRYPTO_PARTS_MAX || bytes.len < CRYPTO_PARTS_HEAD)
            return ERR_INVALID;
        len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        if (len > bytes.len - CRYPTO_PARTS_HEAD)
            return ERR_INVALID;
        ret_parts[count++] = (str){bytes.ptr + CRYPTO_PARTS_HEAD, len};
        bytes.ptr += CRYPTO_PARTS_HEAD + len;
        bytes.len -= CRYPTO_PARTS_HEAD + len;
    }
    return count;
}

void crypto_parts_head(unsigned char *at, size_t len)
{
    for (int i = 0; i < CRYPTO_PARTS_HEAD; i++)
        at[i] = (unsigned char)(len >> (8 * i));
}
