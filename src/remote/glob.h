/* Patterns of file names, as module rules have them.
 *
 * Owns: nothing. Thread: any. Limits: none; the cost is that of the product of both lengths at most
 * for each star. */
#ifndef ATOLL_REMOTE_GLOB_H
#define ATOLL_REMOTE_GLOB_H

#include "base/str.h"

/* True when `path` (relative, with "/") is what `pattern` describes: "*" is any characters of one
 * name, "**" as a name of its own any number of directories, none included. All other characters
 * are themselves. */
bool glob_matches(str pattern, str path);

#endif
