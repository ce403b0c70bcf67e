/* Points in time as clients write them, and as they get them.
 *
 *   2026-11-21   2026-11-21T07:30Z   2026-11-21T07:30:00.5Z   2026-11-21T07:30:00+01:00
 *   1795246200000 (milliseconds since 1970)
 *
 * Years from 1970 to 9999, UTC where no offset is given. Owns: nothing. Thread: any. */
#ifndef ATOLL_BASE_MOMENT_H
#define ATOLL_BASE_MOMENT_H

#include "base/err.h"

/* Milliseconds since 1970 in *ret_ms. ERR_INVALID says what is wanted. */
NODISCARD int moment_parse(str text, int64_t *ret_ms, struct err *err);

/* "2026-11": the first millisecond of the month, and of the one after it. */
NODISCARD int moment_parse_month(str text, int64_t *ret_from_ms, int64_t *ret_to_ms,
                                 struct err *err);

/* "2026-11" of a time, into ret[8]. */
void moment_month(int64_t ms, char *ret);

enum { MOMENT_BYTES = 32 };

/* "2026-11-21T07:30:00.000Z"; "" of a time that no calendar has. */
void moment_write(int64_t ms, char ret[MOMENT_BYTES]);

#endif
