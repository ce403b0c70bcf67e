/* Content types of files, by their extensions.
 *
 * Owns: nothing. Thread: any. Limits: none. */
#ifndef ATOLL_HTTP_MEDIA_TYPE_H
#define ATOLL_HTTP_MEDIA_TYPE_H

#include <stdbool.h>

#include "base/str.h"

/* "text/html; charset=utf-8" for a path that ends with ".html"; "" when nobody knows. */
const char *media_type_of(str path);

/* True when files of this Content-Type usually become smaller by compression. */
bool media_type_shrinks(str type);

#endif
