/* The indexes of the WHATWG Encoding Standard (5): from the pointer that two bytes of a multi-byte
 * encoding make to a code point.
 *
 * Owns: its tables, for the life of the process; at most 400 KB, made on first use in a few
 * milliseconds each. Thread: the loop's. Limits: none. */
#ifndef ATOLL_WEB_CHARSET_INDEX_H
#define ATOLL_WEB_CHARSET_INDEX_H

#include <stdint.h>

enum charset_index {
    CHARSET_INDEX_JIS0208,
    CHARSET_INDEX_JIS0212,
    CHARSET_INDEX_BIG5,
    CHARSET_INDEX_EUC_KR,
    CHARSET_INDEX_GB18030,
    CHARSET_INDEX_COUNT
};

/* The code point of `pointer`, or 0 when it has none. */
uint32_t charset_index_at(enum charset_index index, unsigned pointer);

/* The code point of a pointer of four bytes ("index gb18030 ranges code point"), or 0. */
uint32_t charset_index_gb_range(unsigned pointer);

#endif
