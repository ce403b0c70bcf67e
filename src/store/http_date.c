/* Dates of HTTP; see http_date.h.
 *
 * Each form is a pattern: a letter takes a number or a name of the text, everything else stands for
 * itself. The day of the week is skipped: nothing depends on it. */
#include "store/http_date.h"

#include <time.h>

enum { YEARS_AHEAD_MAX = 50, YEAR_MIN = 1601, YEAR_MAX = 9999 };

struct fields {
    int day;
    int month; /* from 0 */
    int year;
    int hour;
    int minute;
    int second;
};

static bool take_number(str *text, size_t digits, int *ret)
{
    int value = 0;

    if (text->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        char c = text->ptr[i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *ret = value;
    *text = str_skip(*text, digits);
    return true;
}

static bool take_month(str *text, int *ret)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (str_starts(*text, (str){names + 3 * i, 3})) {
            *ret = i;
            *text = str_skip(*text, 3);
            return true;
        }
    return false;
}

/* A day that may stand as " 6". */
static bool take_padded_day(str *text, int *ret)
{
    if (!text->len || *text->ptr != ' ')
        return take_number(text, 2, ret);
    *text = str_skip(*text, 1);
    return take_number(text, 1, ret);
}

static bool take(str *text, char what, struct fields *fields)
{
    switch (what) {
    case 'd':
        return take_number(text, 2, &fields->day);
    case 'e':
        return take_padded_day(text, &fields->day);
    case 'b':
        return take_month(text, &fields->month);
    case 'Y':
        return take_number(text, 4, &fields->year);
    case 'y':
        return take_number(text, 2, &fields->year);
    case 'h':
        return take_number(text, 2, &fields->hour);
    case 'm':
        return take_number(text, 2, &fields->minute);
    case 's':
        return take_number(text, 2, &fields->second);
    default:
        if (!text->len || *text->ptr != what)
            return false;
        *text = str_skip(*text, 1);
        return true;
    }
}

static bool matches(str text, const char *pattern, struct fields *fields)
{
    for (; *pattern; pattern++)
        if (!take(&text, *pattern, fields))
            return false;
    return text.len == 0;
}

/* RFC 9110 5.6.7: a year that looks more than 50 years ahead is one of the past. */
static int full_year(int two_digits, int64_t now)
{
    time_t seconds = (time_t)now;
    struct tm tm = {0};
    int this_year, year;

    gmtime_r(&seconds, &tm);
    this_year = tm.tm_year + 1900;
    year = this_year - this_year % 100 + two_digits;
    if (year > this_year + YEARS_AHEAD_MAX)
        return year - 100;
    return year + 100 <= this_year + YEARS_AHEAD_MAX ? year + 100 : year;
}

static bool to_seconds(const struct fields *fields, int64_t *ret_seconds)
{
    struct tm tm = {.tm_mday = fields->day,
                    .tm_mon = fields->month,
                    .tm_year = fields->year - 1900,
                    .tm_hour = fields->hour,
                    .tm_min = fields->minute,
                    .tm_sec = fields->second};
    struct tm normal = tm;

    if (fields->year < YEAR_MIN || fields->hour > 23 || fields->minute > 59 || fields->second > 60)
        return false;
    *ret_seconds = (int64_t)timegm(&normal);
    return normal.tm_mon == tm.tm_mon || fields->second == 60; /* no 31st of February */
}

bool http_date_parse(str text, int64_t now, int64_t *ret_seconds)
{
    size_t space = str_find(text, ' ');
    str rest = str_skip(text, space + 1);
    struct fields fields = {0};

    if (space < 3 || space == text.len)
        return false;
    if (text.ptr[space - 1] != ',')
        return matches(rest, "b e h:m:s Y", &fields) && to_seconds(&fields, ret_seconds);
    if (matches(rest, "d b Y h:m:s GMT", &fields))
        return to_seconds(&fields, ret_seconds);
    if (!matches(rest, "d-b-y h:m:s GMT", &fields))
        return false;
    fields.year = full_year(fields.year, now);
    return to_seconds(&fields, ret_seconds);
}

void http_date_write(int64_t seconds, char ret[HTTP_DATE_BYTES])
{
    time_t time = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&time, &tm) || tm.tm_year + 1900 > YEAR_MAX ||
        !strftime(ret, HTTP_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        *ret = '\0';
}
