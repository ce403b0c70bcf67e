/* Base64 (RFC 4648 4), encoding and the forgiving decoding of WHATWG Infra 8.
 *
 * Owns: nothing. Thread: any. Limits: the caller's buffers. */
#ifndef ATOLL_WEB_BASE64_H
#define ATOLL_WEB_BASE64_H

#include "base/str.h"

/* Characters that `len` bytes become, padding included. */
static inline size_t base64_encoded_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes base64_encoded_len(bytes.len) characters to `out`, without a NUL. */
void base64_encode(str bytes, char *out);

/* Decodes `text`; whitespace is skipped, padding may be missing. Writes at most
 * text.len / 4 * 3 + 2 bytes. Returns how many, or ERR_INVALID. */
int64_t base64_decode(str text, char *out);

#endif
