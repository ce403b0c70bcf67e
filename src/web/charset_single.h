/* The single-byte encodings of the WHATWG Encoding Standard, decoded to UTF-16 by table.
 *
 * Owns: its tables, for the life of the process. Thread: the loop's (tables are made on first use).
 * Limits: the caller's, for input; output has one unit per byte. */
#ifndef ATOLL_WEB_CHARSET_SINGLE_H
#define ATOLL_WEB_CHARSET_SINGLE_H

#include "base/str.h"

enum { CHARSET_NONE = -1, CHARSET_REPLACEMENT = 0xFFFD };

/* The number of a single-byte encoding by its standard name in lower case, or CHARSET_NONE. */
int charset_single(str name);

/* Decodes `bytes` into `out`, one unit a byte. Returns false when a byte has no character; its
 * unit is then U+FFFD. */
bool charset_single_decode(int single, str bytes, uint16_t *out);

#endif
