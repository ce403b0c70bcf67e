/* UTF-8 as bytes: is it well-formed, is the end of a chunk in the middle of a character.
 *
 * Owns: nothing. Thread: any. Limits: none. WHATWG Encoding 8.1.1 says what is well-formed. */
#ifndef ATOLL_BASE_UTF8_H
#define ATOLL_BASE_UTF8_H

#include "base/str.h"

/* True when `text` has no malformed sequence. About a nanosecond for eight ASCII bytes. */
bool utf8_is_valid(str text);

/* How many bytes at the end of `text` begin a character that more bytes may complete: 0 to 3. */
size_t utf8_open_tail(str text);

/* `text` without the byte order mark it may begin with. */
str utf8_skip_bom(str text);

/* How many bytes `len` UTF-16 units become as UTF-8; a lone surrogate becomes U+FFFD. */
size_t utf8_len_of_units(const uint16_t *units, size_t len);

/* Writes them, utf8_len_of_units() bytes, to `out`. About a nanosecond for four ASCII units. */
void utf8_from_units(const uint16_t *units, size_t len, char *out);

/* The longest prefix of well-formed `text` that has at most `max` bytes and cuts no character;
 * *ret_units is its length as UTF-16. */
size_t utf8_fit(str text, size_t max, size_t *ret_units);

#endif
