/* TOML 1.0 to JSON, by the reader of npm's smol-toml inside our own engine.
 *
 * Owns: nothing. Thread: any one. Limits: TOML_BYTES_MAX. Cost: see engine/oneshot.h. */
#ifndef ATOLL_CONTROL_TOML_H
#define ATOLL_CONTROL_TOML_H

#include <jansson.h>

#include "base/err.h"

enum { TOML_BYTES_MAX = 1 << 20 };

/* Returns the table as an object, returned owned; dates become strings. NULL with `err` when the
 * text is not TOML: ERR_INVALID and "<path>:<line>:<column>: what is wrong". */
json_t *toml_parse(str text, const char *path, struct err *err);

#endif
