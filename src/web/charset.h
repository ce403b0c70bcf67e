/* The legacy encodings of the WHATWG Encoding Standard, decoded to UTF-16.
 *
 * Single-byte encodings are tables; multi-byte ones are converters of ICU with state.
 * Owns: nothing; a converter is the caller's. Thread: the loop's (tables are made on first use).
 * Limits: the caller's, for input; output has at most one unit per byte and two to spare. */
#ifndef ATOLL_WEB_CHARSET_H
#define ATOLL_WEB_CHARSET_H

#include "base/str.h"

enum { CHARSET_NONE = -1, CHARSET_REPLACEMENT = 0xFFFD, CHARSET_SPARE_UNITS = 8 };

/* The number of a single-byte encoding by its standard name in lower case, or CHARSET_NONE. */
int charset_single(str name);

/* Decodes `bytes` into `out`, one unit a byte. Returns false when a byte has no character; its
 * unit is then U+FFFD. */
bool charset_single_decode(int single, str bytes, uint16_t *out);

struct charset;

/* A converter for a multi-byte encoding by its standard name in lower case; NULL when there is no
 * such encoding. is_fatal: stop at malformed input. Returned owned: charset_free(). */
struct charset *charset_new(str name, bool is_fatal);
void charset_free(struct charset *charset);

/* Decodes the next `bytes`; `is_last` flushes what is pending and starts anew.
 * Returns units written to `out`, which has room for bytes.len + CHARSET_SPARE_UNITS, or
 * ERR_INVALID after malformed input when is_fatal. */
int64_t charset_decode(struct charset *charset, str bytes, bool is_last, uint16_t *out);

#endif
