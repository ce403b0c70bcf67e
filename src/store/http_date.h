/* Dates of HTTP (RFC 9110 5.6.7).
 *
 * Owns: nothing. Thread: any. Limits: years 1601 to 9999. */
#ifndef ATOLL_STORE_HTTP_DATE_H
#define ATOLL_STORE_HTTP_DATE_H

#include <stdint.h>

#include "base/str.h"

/* Reads any of the three forms: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
 * "Sun Nov  6 08:49:37 1994". Two digits of a year mean the one that is at most 50 years after
 * that of `now`. Gives seconds since 1970; returns false when it is no date. */
bool http_date_parse(str text, int64_t now, int64_t *ret_seconds);

enum { HTTP_DATE_BYTES = 32 };

/* The first of them; "" of a time that no calendar has. */
void http_date_write(int64_t seconds, char ret[HTTP_DATE_BYTES]);

#endif
