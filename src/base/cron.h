/* Cron expressions: five fields, as Cloudflare's triggers take them; times are UTC.
 *
 *   minute 0-59, hour 0-23, day of month 1-31, month 1-12 or JAN-DEC, day of week 1-7 or SUN-SAT
 *   (1 is Sunday)
 *   each: *, a, a-b, a-b/n, a/n, * /n, lists with ","; a range may go round its end (FRI-MON)
 *   day of month also: L (the last), L-n (n days before it), nW (the workday nearest to n, in the
 *   same month), LW (the last workday)
 *   day of week also: L (Saturday), nL (the last n of the month), n#k (the kth n)
 * When neither day is "*", either will do.
 * Owns: nothing. Thread: any. Limits: CRON_TEXT_MAX. */
#ifndef ATOLL_BASE_CRON_H
#define ATOLL_BASE_CRON_H

#include <stdint.h>

#include "base/err.h"

enum { CRON_TEXT_MAX = 256, CRON_YEARS = 40 };

struct cron {
    uint64_t minutes;        /* bit n: minute n */
    uint32_t hours, days, months;
    uint32_t weekdays;       /* bit 1 is Sunday */
    uint32_t last_days;      /* L-n: bit n */
    uint32_t last_weekdays;  /* nL: bit n */
    uint32_t near_days;      /* nW: bit n */
    uint32_t weekday_nth[8]; /* [weekday]: bit k for n#k */
    bool last_workday;       /* LW */
    bool any_day, any_weekday;
};

/* ERR_INVALID says which field and why. */
NODISCARD int cron_parse(str text, struct cron *ret, struct err *err);

/* The first time after `after_ms` that it names, in milliseconds since 1970; 0 when there is none
 * within CRON_YEARS (30 February). Cost: microseconds; tens of them for rare days. */
int64_t cron_next(const struct cron *cron, int64_t after_ms);

#endif
