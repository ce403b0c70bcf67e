/* Percent-encoding: the sets of WHATWG URL 1.3 as one table, encoding and decoding of bytes.
 *
 * Owns: nothing. Thread: any. Limits: those of the buffer written to. */
#ifndef ATOLL_WEB_PERCENT_H
#define ATOLL_WEB_PERCENT_H

#include "base/buf.h"
#include "base/str.h"

/* Which bytes are written as %XX. Each is one bit of percent_table. */
enum percent_set {
    PERCENT_C0 = 1 << 0,
    PERCENT_FRAGMENT = 1 << 1,
    PERCENT_QUERY = 1 << 2,
    PERCENT_SPECIAL_QUERY = 1 << 3,
    PERCENT_PATH = 1 << 4,
    PERCENT_USERINFO = 1 << 5,
    PERCENT_FORM = 1 << 6,  /* application/x-www-form-urlencoded, but for the space */
};

extern const uint8_t percent_table[256];

/* True when no byte of `text` is in `set`. */
bool percent_is_clean(str text, enum percent_set set);

/* Appends `text` with the bytes of `set` encoded; UTF-8 is encoded byte by byte.
 * Returns 0 or ERR_LIMIT. At most 3 bytes are written per byte of text. */
NODISCARD int percent_encode(str text, enum percent_set set, struct buf *out);

/* Appends `text` with each %XX as its byte; a % that is no escape stays. Returns 0 or ERR_LIMIT. */
NODISCARD int percent_decode(str text, struct buf *out);

#endif
