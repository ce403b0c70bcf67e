/* Hexadecimal digits; see hex.h. */
#include "base/hex.h"

#include <sys/random.h>

#include "base/mem.h"

void hex_encode(const void *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;

    for (size_t i = 0; i < len; i++) {
        *ret++ = digits[from[i] >> 4];
        *ret++ = digits[from[i] & 15];
    }
    *ret = '\0';
}

void hex_random(char *ret, size_t digits)
{
    unsigned char bytes[HEX_RANDOM_MAX / 2];
    size_t len = digits / 2;

    ASSERT(len <= sizeof bytes && getrandom(bytes, len, 0) == (ssize_t)len);
    hex_encode(bytes, len, ret);
}
