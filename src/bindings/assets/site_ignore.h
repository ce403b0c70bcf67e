/* .assetsignore: which files of a directory are not part of the site, in the words of .gitignore.
 *
 * Owns: its patterns. Thread: one. Limits: SITE_IGNORE_MAX patterns; what follows is not read. */
#ifndef ATOLL_BINDINGS_SITE_IGNORE_H
#define ATOLL_BINDINGS_SITE_IGNORE_H

#include <stdbool.h>

#include "base/str.h"

enum { SITE_IGNORE_MAX = 1000 };

struct site_ignore;

/* Returned owned. */
struct site_ignore *site_ignore_new(str text);

/* NULL is fine. */
void site_ignore_free(struct site_ignore *ignore);

/* True for a path ("a/b.html", relative) that is left out, by itself or with a directory above it.
 * The files .assetsignore, _headers and _redirects at the top always are. NULL: no patterns. */
bool site_ignore_has(const struct site_ignore *ignore, str path);

#endif
