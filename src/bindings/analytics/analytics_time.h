/* Dates of the analytics engine: seconds since 1970, UTC, as ClickHouse's functions see them.
 *
 * Owns: nothing. Thread: any. Limits: years 1970 to 9999; what is beyond is taken for the
 * nearest. */
#ifndef ATOLL_BINDINGS_ANALYTICS_TIME_H
#define ATOLL_BINDINGS_ANALYTICS_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum analytics_unit {
    ANALYTICS_SECOND,
    ANALYTICS_MINUTE,
    ANALYTICS_HOUR,
    ANALYTICS_DAY,
    ANALYTICS_WEEK,
    ANALYTICS_MONTH,
    ANALYTICS_QUARTER,
    ANALYTICS_YEAR,
};

/* "minute", "MINUTES" ...: false when it is no unit. */
bool analytics_time_unit(str name, enum analytics_unit *ret);

/* "2025-01-31", or with " 12:00:00" or "T12:00:00Z": false when it is no time. */
bool analytics_time_parse(str text, int64_t *ret);

/* The time `amount` units later; the 31st becomes the last of a shorter month. */
int64_t analytics_time_add(int64_t time, int64_t amount, enum analytics_unit unit);

/* The start of the `amount` units that `time` is in; weeks start on Monday. */
int64_t analytics_time_start(int64_t time, int64_t amount, enum analytics_unit unit);

/* How many borders of units lie between the two. */
int64_t analytics_time_diff(int64_t from, int64_t to, enum analytics_unit unit);

/* A part of a time: 'Y' year, 'Q' quarter, 'm' month, 'd' day of the month, 'u' of the week (Monday
 * is 1), 'j' of the year, 'H', 'M', 'S'. */
int64_t analytics_time_part(int64_t time, char part);

/* Appends as formatDateTime() does: %Y %y %m %d %e %j %u %w %a %b %M %H %k %h %I %i %S %s %p %D %F
 * %T %R %Q %n %t %%; others stand for themselves. Returns 0 or ERR_LIMIT. */
NODISCARD int analytics_time_format(int64_t time, str format, struct buf *out);

#endif
