/* Answers of the platform itself: error pages. As HTML for a browser that says it takes HTML, as
 * text for everyone else; the detail is shown in development only.
 * Thread: the loop's. */
#ifndef ATOLL_RUNTIME_PAGE_H
#define ATOLL_RUNTIME_PAGE_H

#include "runtime/exchange.h"

/* Answers with an error page. `title` says what happened in one line, `detail` (may be empty) more
 * of it: a stack, a build log. Does nothing when an answer was begun. */
void page_error(struct exchange *x, int status, const char *title, str detail);

/* Answers a request that a limit ended: `code` is one of the table of errors. */
void page_limit(struct exchange *x, int code);

#endif
