/* The multi-byte legacy encodings of the WHATWG Encoding Standard (10 to 13), decoded to UTF-16.
 *
 * Owns: nothing; a decoder is the caller's. Thread: the loop's (see charset_index.h).
 * Limits: the caller's, for input; output has at most one unit per byte and a few to spare. */
#ifndef ATOLL_WEB_CHARSET_H
#define ATOLL_WEB_CHARSET_H

#include "base/str.h"
#include "web/charset_single.h"

enum { CHARSET_SPARE_UNITS = 8 };

struct charset;

/* A decoder for a multi-byte encoding by its standard name in lower case; NULL when there is no
 * such encoding. is_fatal: stop at malformed input. Returned owned: charset_free(). */
struct charset *charset_new(str name, bool is_fatal);
void charset_free(struct charset *charset);

/* Decodes the next `bytes`; `is_last` flushes what is pending and starts anew.
 * Returns units written to `out`, which has room for bytes.len + CHARSET_SPARE_UNITS, or
 * ERR_INVALID after malformed input when is_fatal; the decoder then starts anew. */
int64_t charset_decode(struct charset *charset, str bytes, bool is_last, uint16_t *out);

#endif
