/* Several numbers in one run of bytes: what JavaScript hands over as the parts of an RSA key.
 *
 * Each part is a length (4 bytes, little endian) and that many bytes.
 * Owns: nothing. Thread: any. Limits: CRYPTO_PARTS_MAX parts. */
#ifndef ATOLL_WEB_CRYPTO_PARTS_H
#define ATOLL_WEB_CRYPTO_PARTS_H

#include "base/str.h"

enum { CRYPTO_PARTS_MAX = 8, CRYPTO_PARTS_HEAD = 4 };

/* Cuts `bytes` up; the parts are borrowed from it. Returns how many, or ERR_INVALID when a length
 * points beyond the end or there are too many. */
int crypto_parts_read(str bytes, str ret_parts[CRYPTO_PARTS_MAX]);

/* Writes the length of a part to `at`, CRYPTO_PARTS_HEAD bytes. */
void crypto_parts_head(unsigned char *at, size_t len);

#endif
