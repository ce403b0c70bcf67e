/* Cron expressions; see cron.h.
 *
 * An expression becomes sets of bits. The next time is looked for day by day, leaving out months
 * that are not in the set; within a day it is the lowest bit at or after the hour and minute. */
#include "base/cron.h"

#include <ctype.h>

enum { MINUTE_MS = 60 * 1000, DAY_MINUTES = 24 * 60, YEAR_MAX = 9999 };

enum field { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELDS };

static const struct {
    const char *name;
    unsigned least, most;
    const char *names;     /* three letters each, from `least` on; NULL: none */
    const char *takes;
} fields[FIELDS] = {
    {"minute",       0, 59, NULL, "0-59"},
    {"hour",         0, 23, NULL, "0-23"},
    {"day of month", 1, 31, NULL, "1-31, L, L-n, nW, LW"},
    {"month",        1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", "1-12, JAN-DEC"},
    {"day of week",  1, 7,  "SUNMONTUEWEDTHUFRISAT", "1-7, SUN-SAT (1 is Sunday), L, nL, n#k"},
};

/* ---- reading ---- */

/* What is left of one item of a field. */
struct reader {
    enum field field;
    str rest;
};

static bool take_char(struct reader *r, char c)
{
    if (!r->rest.len || toupper((unsigned char)r->rest.ptr[0]) != c)
        return false;
    r->rest = str_skip(r->rest, 1);
    return true;
}

static bool take_number(struct reader *r, unsigned least, unsigned most, unsigned *ret)
{
    size_t len = 0;
    uint64_t value;

    while (len < r->rest.len && isdigit((unsigned char)r->rest.ptr[len]))
        len++;
    if (len > 2 || !str_to_u64(str_head(r->rest, len), most, &value) || value < least)
        return false;
    r->rest = str_skip(r->rest, len);
    *ret = (unsigned)value;
    return true;
}

static bool take_name(struct reader *r, unsigned *ret)
{
    const char *names = fields[r->field].names;

    for (unsigned i = 0; names && r->rest.len >= 3 && names[i * 3]; i++)
        if (str_equal_nocase(str_head(r->rest, 3), (str){names + i * 3, 3})) {
            r->rest = str_skip(r->rest, 3);
            *ret = fields[r->field].least + i;
            return true;
        }
    return false;
}

/* One number or name. */
static bool take_value(struct reader *r, unsigned *ret)
{
    return take_name(r, ret) || take_number(r, fields[r->field].least, fields[r->field].most, ret);
}

/* From `from` to `to` in steps, round the end of the field when `to` is before `from`. */
static uint64_t range(enum field field, unsigned from, unsigned to, unsigned step)
{
    unsigned least = fields[field].least, size = fields[field].most - least + 1;
    unsigned length = (to + size - from) % size;
    uint64_t bits = 0;

    for (unsigned i = 0; i <= length; i += step)
        bits |= UINT64_C(1) << (least + (from - least + i) % size);
    return bits;
}

/* What follows a value or "*": "-b", "/n", both, or nothing. */
static bool take_range(struct reader *r, unsigned from, bool star, uint64_t *bits)
{
    unsigned to = from, step = 1;
    bool ranged = star;

    if (star)
        to = fields[r->field].most;
    else if (take_char(r, '-')) {
        ranged = true;
        if (!take_value(r, &to))
            return false;
    }
    if (take_char(r, '/')) {
        if (!take_number(r, 1, fields[r->field].most, &step))
            return false;
        if (!ranged)
            to = fields[r->field].most;
    }
    *bits |= range(r->field, from, to, step);
    return true;
}

/* What follows L: "W", "-n" or nothing. */
static bool take_last_day(struct reader *r, struct cron *cron)
{
    unsigned before = 0;

    if (take_char(r, 'W'))
        cron->last_workday = true;
    else if (take_char(r, '-') && !take_number(r, 1, 30, &before))
        return false;
    else
        cron->last_days |= 1u << before;
    return true;
}

static bool take_day(struct reader *r, struct cron *cron, uint64_t *bits)
{
    unsigned day;

    if (take_char(r, 'L'))
        return take_last_day(r, cron);
    if (!take_value(r, &day))
        return false;
    if (take_char(r, 'W')) {
        cron->near_days |= 1u << day;
        return true;
    }
    return take_range(r, day, false, bits);
}

static bool take_weekday(struct reader *r, struct cron *cron, uint64_t *bits)
{
    unsigned day, nth;

    if (take_char(r, 'L')) {
        *bits |= 1u << fields[FIELD_WEEKDAY].most;
        return true;
    }
    if (!take_value(r, &day))
        return false;
    if (take_char(r, 'L')) {
        cron->last_weekdays |= 1u << day;
        return true;
    }
    if (take_char(r, '#')) {
        if (!take_number(r, 1, 5, &nth))
            return false;
        cron->weekday_nth[day] |= 1u << nth;
        return true;
    }
    return take_range(r, day, false, bits);
}

/* One item of a field's list. */
static bool take_item(struct reader *r, struct cron *cron, uint64_t *bits)
{
    unsigned value;

    if (take_char(r, '*'))
        return take_range(r, fields[r->field].least, true, bits) && !r->rest.len;
    if (r->field == FIELD_DAY)
        return take_day(r, cron, bits) && !r->rest.len;
    if (r->field == FIELD_WEEKDAY)
        return take_weekday(r, cron, bits) && !r->rest.len;
    return take_value(r, &value) && take_range(r, value, false, bits) && !r->rest.len;
}

static int parse_field(enum field field, str text, struct cron *cron, struct err *err)
{
    uint64_t bits = 0;
    str rest = text;

    for (;;) {
        size_t comma = str_find(rest, ',');
        struct reader r = {field, str_head(rest, comma)};

        if (!take_item(&r, cron, &bits))
            return err_set(err, ERR_INVALID,
                           "\"%.*s\" is no %s: it takes %s, \"*\", ranges (a-b), steps (a-b/n) and "
                           "lists (a,b)",
                           STR_ARGS(text), fields[field].name, fields[field].takes);
        if (comma == rest.len)
            break;
        rest = str_skip(rest, comma + 1);
    }
    if (field == FIELD_MINUTE)
        cron->minutes = bits;
    else
        *(uint32_t *[]){NULL, &cron->hours, &cron->days, &cron->months,
                        &cron->weekdays}[field] = (uint32_t)bits;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the next field off `text`; empty when there is none. */
static str next_field(str *text)
{
    size_t len = 0;
    str found;

    *text = str_trim(*text);
    while (len < text->len && !is_blank(text->ptr[len]))
        len++;
    found = str_head(*text, len);
    *text = str_skip(*text, len);
    return found;
}

int cron_parse(str text, struct cron *ret, struct err *err)
{
    struct cron cron = {0};
    str found[FIELDS], rest = text;
    int r;

    if (text.len > CRON_TEXT_MAX)
        return err_set(err, ERR_INVALID, "a cron expression has at most %d bytes", CRON_TEXT_MAX);
    for (int i = 0; i < FIELDS; i++)
        found[i] = next_field(&rest);
    if (!found[FIELDS - 1].len || str_trim(rest).len)
        return err_set(err, ERR_INVALID,
                       "\"%.*s\" is no cron expression: it has five fields, which are minute, "
                       "hour, day of month, month and day of week",
                       STR_ARGS(text));
    for (int i = 0; i < FIELDS; i++)
        if ((r = parse_field((enum field)i, found[i], &cron, err)) < 0)
            return r;
    cron.any_day = str_equal(found[FIELD_DAY], STR("*"));
    cron.any_weekday = str_equal(found[FIELD_WEEKDAY], STR("*"));
    *ret = cron;
    return 0;
}

/* ---- the calendar ---- */

struct date {
    int64_t number;        /* days since 1970-01-01 */
    int year;
    unsigned month, day;   /* from 1 */
    unsigned length;       /* of the month, in days */
    unsigned weekday;      /* 1 is Sunday */
};

static unsigned month_length(int year, unsigned month)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return lengths[month - 1] + (month == 2 && leap);
}

/* The proleptic Gregorian calendar in years that begin in March, whose leap day is their last. */
static struct date date_of(int64_t number)
{
    int64_t shifted = number + 719468, era = shifted / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * of_year + 2) / 153;
    struct date d = {.number = number,
                     .month = month < 10 ? month + 3 : month - 9,
                     .day = of_year - (153 * month + 2) / 5 + 1,
                     .weekday = (unsigned)((number + 4) % 7) + 1};

    d.year = (int)(era * 400 + year_of_era) + (d.month <= 2);
    d.length = month_length(d.year, d.month);
    return d;
}

static void date_next(struct date *d)
{
    d->number++;
    d->weekday = d->weekday % 7 + 1;
    if (++d->day <= d->length)
        return;
    d->day = 1;
    if (++d->month > 12) {
        d->month = 1;
        d->year++;
    }
    d->length = month_length(d->year, d->month);
}

static void date_next_month(struct date *d)
{
    unsigned rest = d->length - d->day;

    d->number += rest;
    d->weekday = (d->weekday + rest - 1) % 7 + 1;
    d->day = d->length;
    date_next(d);
}

static bool is_workday(unsigned weekday)
{
    return weekday >= 2 && weekday <= 6;
}

/* True when `d` is the workday nearest to day `wanted` of its month. */
static bool is_nearest(const struct date *d, unsigned wanted)
{
    unsigned weekday = (d->weekday + 35 + wanted - d->day - 1) % 7 + 1, nearest = wanted;

    if (wanted > d->length)
        return false;
    if (weekday == 7)
        nearest = wanted == 1 ? 3 : wanted - 1;
    else if (weekday == 1)
        nearest = wanted == d->length ? wanted - 2 : wanted + 1;
    return d->day == nearest;
}

static bool is_last_workday(const struct date *d)
{
    unsigned after = d->length - d->day;

    return is_workday(d->weekday) && (after == 0 || (d->weekday == 6 && after <= 2));
}

static bool day_matches(const struct cron *cron, const struct date *d)
{
    if (cron->days >> d->day & 1 || cron->last_days >> (d->length - d->day) & 1)
        return true;
    if (cron->last_workday && is_last_workday(d))
        return true;
    for (unsigned day = 1; day <= fields[FIELD_DAY].most; day++)
        if (cron->near_days >> day & 1 && is_nearest(d, day))
            return true;
    return false;
}

static bool weekday_matches(const struct cron *cron, const struct date *d)
{
    unsigned nth = (d->day - 1) / 7 + 1;

    return cron->weekdays >> d->weekday & 1 || cron->weekday_nth[d->weekday] >> nth & 1 ||
           (cron->last_weekdays >> d->weekday & 1 && d->day + 7 > d->length);
}

static bool date_matches(const struct cron *cron, const struct date *d)
{
    if (cron->any_day)
        return cron->any_weekday || weekday_matches(cron, d);
    if (cron->any_weekday)
        return day_matches(cron, d);
    return day_matches(cron, d) || weekday_matches(cron, d);
}

/* The first minute of a day at or after `from` that is named; -1: none. */
static int minute_from(const struct cron *cron, int from)
{
    for (int hour = from / 60; hour < 24; hour++) {
        uint64_t left = hour == from / 60 ? cron->minutes >> (from % 60) << (from % 60)
                                          : cron->minutes;

        if (cron->hours >> hour & 1 && left)
            return hour * 60 + __builtin_ctzll(left);
    }
    return -1;
}

int64_t cron_next(const struct cron *cron, int64_t after_ms)
{
    int64_t first = after_ms < 0 ? 1 : after_ms / MINUTE_MS + 1;
    int from = (int)(first % DAY_MINUTES), last_year;
    struct date d;

    if (first / DAY_MINUTES > (int64_t)(YEAR_MAX - 1970) * 366)
        return 0;
    d = date_of(first / DAY_MINUTES);
    last_year = d.year + CRON_YEARS;
    while (d.year <= last_year) {
        int minute = -1;

        if (!(cron->months >> d.month & 1)) {
            date_next_month(&d);
            from = 0;
            continue;
        }
        if (date_matches(cron, &d))
            minute = minute_from(cron, from);
        if (minute >= 0)
            return (d.number * DAY_MINUTES + minute) * MINUTE_MS;
        date_next(&d);
        from = 0;
    }
    return 0;
}
