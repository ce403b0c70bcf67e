/* Answers of the platform itself: error pages. As HTML for a browser that says it takes HTML, as
 * text for everyone else; the detail is shown in development only.
 * Thread: the loop's. */
#ifndef ATOLL_RUNTIME_PAGE_H
#define ATOLL_RUNTIME_PAGE_H

#include "runtime/exchange.h"

/* Answers with an error page. `title` says what happened in one line, `detail` (may be empty) more
 * of it: a stack, a build log. Does nothing when an answer was begun. */
void page_error(struct exchange *x, int status, const char *title, str detail);

/* The same, with more lines ("name: value\r\n") in its head. */
void page_error_with(struct exchange *x, int status, const char *title, str detail, str lines);

/* 404 for a host (borrowed) at which no worker answers, which says how one gets there; the end of
 * an event whose worker was deleted. */
void page_nobody(struct exchange *x, str host);

/* Answers with the status of an outcome, which becomes the request's. title NULL: the outcome's. */
void page_outcome(struct exchange *x, enum outcome outcome, const char *title, str detail);

/* The same, for a client that may come again after `retry_s` seconds: with Retry-After. */
void page_later(struct exchange *x, enum outcome outcome, unsigned retry_s);

/* Answers a request that a limit ended: `code` is one of the table of errors. What the request is
 * to be blamed for, its outcome, is the caller's to set. */
void page_limit(struct exchange *x, int code);

#endif
