/* Where in a configuration file a value stands: for messages about it.
 *
 * The parsers give values without positions, so the text is searched again once something is
 * wrong. TOML is searched line by line: good for how people write it, not for every spelling.
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_CONTROL_LOCATE_H
#define ATOLL_CONTROL_LOCATE_H

#include "base/str.h"

struct place {
    int line;      /* from 1; 0 when it was not found */
    int column;    /* from 1, in bytes */
};

/* A way down from the top of the file, such as env, staging, vars: `keys` ends with NULL. */
struct place locate_jsonc(str text, const char *const *keys);
struct place locate_toml(str text, const char *const *keys);

#endif
