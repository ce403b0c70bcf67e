/* HTML pages: a template, filled with JSON.
 *
 *   {{name}}              the text of a member, escaped
 *   {{#name}}...{{/name}} once for each entry of an array, once for an object, a text or true
 *   {{^name}}...{{/name}} when it is missing, false, null or empty
 *
 * A name is looked for in the innermost entry first; {{.}} is an entry that is a text itself. The
 * end of a line right after a section's border is not printed.
 * Owns: nothing. Thread: any. Limits: TEMPLATE_DEPTH_MAX sections within each other; a template
 * that is malformed is our bug. */
#ifndef ATOLL_API_TEMPLATE_H
#define ATOLL_API_TEMPLATE_H

#include <jansson.h>

#include "base/buf.h"

enum { TEMPLATE_DEPTH_MAX = 8, TEMPLATE_BYTES_MAX = 1 << 20 };

/* Appends the page. ERR_LIMIT when `out` has no more room. */
NODISCARD int template_render(str text, const json_t *data, struct buf *out);

/* Appends a text with & < > " and ' as references. */
NODISCARD int template_escape(str text, struct buf *out);

#endif
