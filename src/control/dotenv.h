/* Files of NAME=value lines, as .dev.vars is written.
 *
 * Owns: nothing. Thread: any. Limits: DOTENV_BYTES_MAX. */
#ifndef ATOLL_CONTROL_DOTENV_H
#define ATOLL_CONTROL_DOTENV_H

#include <jansson.h>

#include "base/err.h"

enum { DOTENV_BYTES_MAX = 256 * 1024 };

/* Sets one string in `into` for each line of `text`; later lines win. Values may stand in single,
 * double or back quotes and then span lines; \n and \r are escapes in double quotes; without
 * quotes a value ends at " #". A leading "export " is dropped, empty lines and comments are.
 * Returns 0, or ERR_INVALID with "<path>:<line>: what is wrong". */
NODISCARD int dotenv_parse(str text, const char *path, json_t *into, struct err *err);

#endif
