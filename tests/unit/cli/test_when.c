#include "cli/when.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#define NOW INT64_C(1795257870000)   /* 2026-11-21T10:44:30Z */

Test(when, what_people_type)
{
    static const struct {
        const char *text;
        int64_t ms;    /* -1: no time */
    } rows[] = {{"now", NOW},
                {"45s", NOW - 45000},
                {"30m", NOW - 1800000},
                {"2h", NOW - 7200000},
                {"3d", NOW - 259200000},
                {"1w", NOW - 604800000},
                {"1000000w", 0},
                {"2026-11-21", INT64_C(1795219200000)},
                {"2026-11-21T10:44:30Z", NOW},
                {"1795257870000", NOW},
                {"", -1},
                {"h", -1},
                {"2x", -1},
                {"-1h", -1},
                {"1.5h", -1},
                {"yesterday", -1},
                {"2026-13-01", -1}};
    struct err err;
    int64_t ms;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int r = when_parse(rows[i].text, NOW, &ms, &err);
        cr_expect_eq(r, rows[i].ms < 0 ? ERR_INVALID : 0, "%s", rows[i].text);
        if (r == 0)
            cr_expect_eq(ms, rows[i].ms, "%s: %ld", rows[i].text, (long)ms);
        else
            cr_expect(strstr(err.text, "2h"), "%s", err.text);
    }
}

Test(when, local_time)
{
    setenv("TZ", "UTC", 1);
    tzset();
    cr_expect_str_eq(when_local(NOW), "2026-11-21 10:44:30");
    cr_expect_str_eq(when_local(INT64_MAX), "?");
}
