/* JSON with comments and trailing commas, as wrangler.jsonc is written.
 *
 * Owns: nothing. Thread: any. Limits: JSONC_BYTES_MAX bytes, JSON nested as deep as jansson takes
 * it (2048 levels). */
#ifndef ATOLL_CONTROL_JSONC_H
#define ATOLL_CONTROL_JSONC_H

#include <jansson.h>

#include "base/err.h"

enum { JSONC_BYTES_MAX = 1 << 20 };

/* Overwrites comments and trailing commas by spaces; every other byte keeps its place, and line
 * ends inside comments stay, so that positions in the result are positions in the source. */
void jsonc_blank(char *text, size_t len);

/* Parses one object. Returns it owned; NULL with `err` when the text is none: ERR_INVALID and
 * "<path>:<line>:<column>: what is wrong", or ERR_LIMIT. */
json_t *jsonc_parse(str text, const char *path, struct err *err);

#endif
