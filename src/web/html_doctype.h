/* The name and the identifiers of a doctype (WHATWG HTML 13.2.5.53 to 68).
 *
 * Owns: nothing. Thread: any. Limits: none. */
#ifndef ATOLL_WEB_HTML_DOCTYPE_H
#define ATOLL_WEB_HTML_DOCTYPE_H

#include "base/str.h"

/* Each points into what was parsed; ptr is NULL for what is not there. */
struct html_doctype {
    str name, public_id, system_id;
};

/* Parses what stands between `<!doctype` and `>`. */
struct html_doctype html_doctype_parse(str text);

#endif
