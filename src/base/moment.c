/* Points in time; see moment.h. What is read is taken off the front of the text, a number of a
 * fixed count of digits at a time. */
#include "base/moment.h"

#include <stdio.h>
#include <time.h>

enum { MS_DIGITS_MAX = 15 };

#define MS_MAX INT64_C(253402300799999) /* the last of the year 9999 */

/* A number of exactly `digits` digits; false leaves the text as it was. */
static bool take_number(str *text, size_t digits, int *ret)
{
    uint64_t value;

    if (text->len < digits || !str_to_u64(str_head(*text, digits), 9999, &value))
        return false;
    *ret = (int)value;
    *text = str_skip(*text, digits);
    return true;
}

static bool take_char(str *text, char c)
{
    if (!text->len || text->ptr[0] != c)
        return false;
    *text = str_skip(*text, 1);
    return true;
}

/* Seconds since 1970 of a date and time in UTC; false when there is no such day or time. */
static bool to_seconds(struct tm tm, int64_t *ret)
{
    struct tm given = tm;

    if (tm.tm_year < 70 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
        return false;
    *ret = timegm(&tm);
    return tm.tm_mon == given.tm_mon && tm.tm_mday == given.tm_mday;
}

static bool take_date(str *text, struct tm *tm)
{
    if (!take_number(text, 4, &tm->tm_year) || !take_char(text, '-') ||
        !take_number(text, 2, &tm->tm_mon) || !take_char(text, '-') ||
        !take_number(text, 2, &tm->tm_mday))
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return true;
}

/* ".5", ".123456": milliseconds, rounded down. */
static bool take_fraction(str *text, int *ret_ms)
{
    int weight = 100, digits = 0, digit;

    *ret_ms = 0;
    if (!take_char(text, '.'))
        return true;
    for (; take_number(text, 1, &digit); weight /= 10, digits++)
        *ret_ms += digit * weight;
    return digits > 0;
}

static bool take_time(str *text, struct tm *tm, int *ret_ms)
{
    if (!take_number(text, 2, &tm->tm_hour) || !take_char(text, ':') ||
        !take_number(text, 2, &tm->tm_min))
        return false;
    return !take_char(text, ':') ||
           (take_number(text, 2, &tm->tm_sec) && take_fraction(text, ret_ms));
}

/* "Z", "+01:00" or nothing. */
static bool take_offset(str *text, int *ret_minutes)
{
    int hours, minutes, sign = 1;

    *ret_minutes = 0;
    if (!text->len || take_char(text, 'Z'))
        return true;
    if (take_char(text, '-'))
        sign = -1;
    else if (!take_char(text, '+'))
        return false;
    if (!take_number(text, 2, &hours) || !take_char(text, ':') || !take_number(text, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool parse_date(str text, int64_t *ret_ms)
{
    struct tm tm = {0};
    int ms = 0, offset = 0;
    int64_t seconds;

    if (!take_date(&text, &tm))
        return false;
    if (take_char(&text, 'T') && !(take_time(&text, &tm, &ms) && take_offset(&text, &offset)))
        return false;
    if (text.len || !to_seconds(tm, &seconds))
        return false;
    *ret_ms = (seconds - (int64_t)offset * 60) * 1000 + ms;
    return *ret_ms >= 0 && *ret_ms <= MS_MAX;
}

int moment_parse(str text, int64_t *ret_ms, struct err *err)
{
    uint64_t ms;

    if (text.len <= MS_DIGITS_MAX && str_to_u64(text, MS_MAX, &ms))
        *ret_ms = (int64_t)ms;
    else if (!parse_date(text, ret_ms))
        return err_set(err, ERR_INVALID,
                       "\"%.*s\" is no time: it is written 2026-11-21, 2026-11-21T07:30:00Z or as "
                       "milliseconds since 1970.",
                       (int)(text.len < 64 ? text.len : 64), text.ptr ? text.ptr : "");
    return 0;
}

int moment_parse_month(str text, int64_t *ret_from_ms, int64_t *ret_to_ms, struct err *err)
{
    struct tm tm = {.tm_mday = 1};
    str rest = text;
    int64_t from, to;

    if (!take_number(&rest, 4, &tm.tm_year) || !take_char(&rest, '-') ||
        !take_number(&rest, 2, &tm.tm_mon) || rest.len || tm.tm_mon < 1 || tm.tm_mon > 12 ||
        tm.tm_year < 1970)
        return err_set(err, ERR_INVALID, "\"%.*s\" is no month: it is written 2026-11.",
                       (int)(text.len < 64 ? text.len : 64), text.ptr ? text.ptr : "");
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    from = timegm(&tm);
    tm.tm_mon += 1;
    to = timegm(&tm);
    *ret_from_ms = from * 1000;
    *ret_to_ms = to * 1000;
    return 0;
}

void moment_month(int64_t ms, char *ret)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    ASSERT(gmtime_r(&seconds, &tm) && tm.tm_year <= 8099);
    strftime(ret, 8, "%Y-%m", &tm);
}

void moment_write(int64_t ms, char ret[MOMENT_BYTES])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    size_t len;

    *ret = '\0';
    if (ms < 0 || ms > MS_MAX || !gmtime_r(&seconds, &tm))
        return;
    len = strftime(ret, MOMENT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + len, MOMENT_BYTES - len, ".%03dZ", (int)(ms % 1000));
}
