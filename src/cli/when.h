/* Points in time as people type them: "1h" (an hour ago), "now", or a moment (base/moment.h).
 *
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_CLI_WHEN_H
#define ATOLL_CLI_WHEN_H

#include <stdint.h>

#include "base/err.h"

/* A number and s, m, h, d or w: so long before `now_ms`. Milliseconds since 1970 in *ret_ms;
 * ERR_INVALID with what can be written. */
NODISCARD int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms, struct err *err);

/* "2026-11-21 10:44:30" of this machine's time zone, "?" outside of the years 1970 to
 * 9999; static memory of one result. */
const char *when_local(int64_t ms);

#endif
