/* Points in time as people type them; see when.h. */
#include "cli/when.h"

#include <time.h>

#include "base/moment.h"

#define MS_MAX INT64_C(253402300799999) /* the last of the year 9999 */

static const struct unit {
    char letter;
    int64_t ms;
} units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};

/* The length of "90m" in milliseconds; 0 when it is none. */
static int64_t span_ms(str text)
{
    uint64_t number;

    if (text.len < 2)
        return 0;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (text.ptr[text.len - 1] == units[i].letter &&
            str_to_u64(str_head(text, text.len - 1), 1000000, &number))
            return (int64_t)number * units[i].ms;
    return 0;
}

int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms, struct err *err)
{
    int64_t span = span_ms(str_from(text));
    struct err why;

    if (span || str_equal(str_from(text), STR("now"))) {
        *ret_ms = now_ms > span ? now_ms - span : 0;
        return 0;
    }
    if (moment_parse(str_from(text), ret_ms, &why) == 0)
        return 0;
    return err_set(err, ERR_INVALID,
                   "\"%.64s\" is no time: it is written 30m, 2h or 3d (so long ago), 2026-11-21 or "
                   "2026-11-21T07:30:00Z",
                   text);
}

const char *when_local(int64_t ms)
{
    static char text[32];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (ms < 0 || ms > MS_MAX || !localtime_r(&seconds, &tm) ||
        !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
        return "?";
    return text;
}
