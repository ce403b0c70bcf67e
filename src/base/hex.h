/* Bytes as hexadecimal digits, and back.
 *
 * Owns: nothing. Thread: any. Limits: HEX_RANDOM_MAX. */
#ifndef ATOLL_BASE_HEX_H
#define ATOLL_BASE_HEX_H

#include <stddef.h>

enum { HEX_RANDOM_MAX = 128 };    /* digits */

/* The value of a digit, of either case; -1 when it is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes 2 * len digits, small, and a NUL. */
void hex_encode(const void *bytes, size_t len, char *ret);

/* Writes an even number of digits nobody can guess, at most HEX_RANDOM_MAX, and a NUL. */
void hex_random(char *ret, size_t digits);

#endif
