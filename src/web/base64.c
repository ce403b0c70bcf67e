/* Base64; see base64.h. */
#include "web/base64.h"

#include "base/err.h"

enum { OTHER = 64, SPACE = 65, PAD = 66 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(str bytes, char *out)
{
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    size_t i = 0;

    for (; i + 2 < bytes.len; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = alphabet[bits >> 6 & 63];
        *out++ = alphabet[bits & 63];
    }
    if (i < bytes.len) {
        bool two = bytes.len - i == 2;
        uint32_t bits = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = two ? alphabet[bits >> 6 & 63] : '=';
        *out++ = '=';
    }
}

/* What a character is: its six bits, SPACE, PAD or OTHER. */
static int sextet(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r')
        return SPACE;
    return c == '=' ? PAD : OTHER;
}

int64_t base64_decode(str text, char *out)
{
    static uint8_t table[256];
    uint32_t bits = 0;
    size_t count = 0, pads = 0;
    char *start = out;

    if (!table[0])
        for (int c = 0; c < 256; c++)
            table[c] = (uint8_t)sextet((unsigned char)c);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t value = table[(unsigned char)text.ptr[i]];
        if (value < OTHER && !pads) {
            bits = bits << 6 | value;
            if (++count % 4 == 0) {
                *out++ = (char)(bits >> 16);
                *out++ = (char)(bits >> 8);
                *out++ = (char)bits;
            }
        } else if (value == PAD) {
            pads++;
        } else if (value != SPACE) {
            return ERR_INVALID;
        }
    }
    if (count % 4 == 1 || (pads && (pads > 2 || (count + pads) % 4 != 0)))
        return ERR_INVALID;
    if (count % 4 >= 2)
        *out++ = (char)(count % 4 == 2 ? bits >> 4 : bits >> 10);
    if (count % 4 == 3)
        *out++ = (char)(bits >> 2);
    return out - start;
}
