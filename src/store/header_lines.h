/* Header fields as text: "name: value\n" each, names in small letters.
 *
 * Owns: nothing; what is found is borrowed from the text. Thread: any. Limits: none. */
#ifndef ATOLL_STORE_HEADER_LINES_H
#define ATOLL_STORE_HEADER_LINES_H

#include "base/str.h"

/* Takes the next field off *rest. Returns false at the end, or where a line is none. */
bool header_lines_next(str *rest, str *ret_name, str *ret_value);

/* The first field of this name. Returns false when there is none. */
bool header_lines_get(str lines, str name, str *ret_value);

/* Takes the next member off a comma-separated list (RFC 9110 5.6.1), trimmed; commas inside quotes
 * do not count, empty members are skipped. Returns false at the end. */
bool header_lines_member(str *rest, str *ret_member);

/* True when a field of this name has `member`, under ASCII case folding, in its list. */
bool header_lines_lists(str lines, str name, str member);

#endif
