/* Dates of the analytics engine; see analytics_time.h. Days of the civil calendar are counted with
 * the year beginning in March, so that the leap day is its last. */
#include "bindings/analytics/analytics_time.h"

#include <stdio.h>

enum { DAY_S = 86400, MONTHS = 12, ERA_DAYS = 146097, EPOCH_DAYS = 719468, THURSDAY = 4 };

#define TIME_MAX INT64_C(253402300799)

struct date {
    int64_t year;
    unsigned month, day;
};

static const char *const month_names[] = {"January", "February", "March",     "April",
                                          "May",     "June",     "July",      "August",
                                          "September", "October", "November", "December"};
static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static int64_t clamp(int64_t time)
{
    return time < 0 ? 0 : time > TIME_MAX ? TIME_MAX : time;
}

static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = y / 400, in_era = y - era * 400;
    int64_t in_year = (153 * (month > 2 ? (int64_t)month - 3 : (int64_t)month + 9) + 2) / 5 + day -
                      1;

    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAYS;
}

static struct date date_of(int64_t time)
{
    int64_t days = time / DAY_S + EPOCH_DAYS, era = days / ERA_DAYS, in_era = days % ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100),
            month = (5 * in_year + 2) / 153;
    struct date date = {year + era * 400, (unsigned)(month < 10 ? month + 3 : month - 9),
                        (unsigned)(in_year - (153 * month + 2) / 5 + 1)};

    date.year += date.month <= 2;
    return date;
}

static unsigned month_length(int64_t year, unsigned month)
{
    int64_t next = month == MONTHS ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);

    return (unsigned)(next - days_of(year, month, 1));
}

/* ---- reading ---- */

bool analytics_time_unit(str name, enum analytics_unit *ret)
{
    static const char *const names[] = {"SECOND", "MINUTE", "HOUR",    "DAY",
                                        "WEEK",   "MONTH",  "QUARTER", "YEAR"};

    if (name.len > 1 && (name.ptr[name.len - 1] == 's' || name.ptr[name.len - 1] == 'S'))
        name.len--;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_nocase(name, str_from(names[i]))) {
            *ret = (enum analytics_unit)i;
            return true;
        }
    return false;
}

static bool take_number(str *text, size_t digits, char before, uint64_t most, uint64_t *ret)
{
    if (before) {
        if (!text->len || text->ptr[0] != before)
            return false;
        *text = str_skip(*text, 1);
    }
    if (text->len < digits || !str_to_u64(str_head(*text, digits), most, ret))
        return false;
    *text = str_skip(*text, digits);
    return true;
}

bool analytics_time_parse(str text, int64_t *ret)
{
    uint64_t year, month, day, hour = 0, minute = 0, second = 0;

    if (!take_number(&text, 4, 0, 9999, &year) || !take_number(&text, 2, '-', MONTHS, &month) ||
        !take_number(&text, 2, '-', 31, &day) || year < 1970 || !month || !day ||
        day > month_length((int64_t)year, (unsigned)month))
        return false;
    if (text.len &&
        (!take_number(&text, 2, text.ptr[0] == 'T' ? 'T' : ' ', 23, &hour) ||
         !take_number(&text, 2, ':', 59, &minute) || !take_number(&text, 2, ':', 59, &second)))
        return false;
    if (text.len && text.ptr[0] == '.')
        for (text = str_skip(text, 1); text.len && text.ptr[0] >= '0' && text.ptr[0] <= '9';)
            text = str_skip(text, 1);
    if (text.len && !str_equal(text, STR("Z")))
        return false;
    *ret = days_of((int64_t)year, (unsigned)month, (unsigned)day) * DAY_S +
           (int64_t)(hour * 3600 + minute * 60 + second);
    return true;
}

/* ---- reckoning ---- */

/* Seconds of a unit; 0 when that differs. */
static int64_t seconds_of(enum analytics_unit unit)
{
    static const int64_t seconds[] = {1, 60, 3600, DAY_S, 7 * DAY_S, 0, 0, 0};

    return seconds[unit];
}

static int64_t months_of(enum analytics_unit unit)
{
    return unit == ANALYTICS_YEAR ? MONTHS : unit == ANALYTICS_QUARTER ? 3 : 1;
}

static int64_t month_number(int64_t time)
{
    struct date date = date_of(time);

    return date.year * MONTHS + date.month - 1;
}

static int64_t bounded(int64_t amount)
{
    return amount > TIME_MAX ? TIME_MAX : amount < -TIME_MAX ? -TIME_MAX : amount;
}

int64_t analytics_time_add(int64_t time, int64_t amount, enum analytics_unit unit)
{
    int64_t number, length;
    struct date date;

    time = clamp(time);
    amount = bounded(amount);
    if (seconds_of(unit))
        return clamp(time + amount * seconds_of(unit));
    date = date_of(time);
    number = month_number(time) + amount * months_of(unit);
    if (number < 1970 * MONTHS)
        return 0;
    if (number >= 10000 * MONTHS)
        return TIME_MAX;
    length = month_length(number / MONTHS, (unsigned)(number % MONTHS) + 1);
    return days_of(number / MONTHS, (unsigned)(number % MONTHS) + 1,
                   date.day > length ? (unsigned)length : date.day) *
               DAY_S +
           time % DAY_S;
}

int64_t analytics_time_start(int64_t time, int64_t amount, enum analytics_unit unit)
{
    int64_t span, number;

    time = clamp(time);
    amount = amount < 1 ? 1 : bounded(amount);
    if (unit == ANALYTICS_WEEK) { /* 1970 began on a Thursday */
        span = amount * seconds_of(unit);
        return clamp(time - (time + (THURSDAY - 1) * DAY_S) % span);
    }
    if (seconds_of(unit)) {
        span = amount * seconds_of(unit);
        return time - time % span;
    }
    number = month_number(time) - 1970 * MONTHS;
    number -= number % (amount * months_of(unit));
    return days_of(1970 + number / MONTHS, (unsigned)(number % MONTHS) + 1, 1) * DAY_S;
}

static int64_t index_of(int64_t time, enum analytics_unit unit)
{
    time = clamp(time);
    if (unit == ANALYTICS_WEEK)
        return (time / DAY_S + THURSDAY - 1) / 7;
    return seconds_of(unit) ? time / seconds_of(unit) : month_number(time) / months_of(unit);
}

int64_t analytics_time_diff(int64_t from, int64_t to, enum analytics_unit unit)
{
    return index_of(to, unit) - index_of(from, unit);
}

int64_t analytics_time_part(int64_t time, char part)
{
    struct date date = date_of(time = clamp(time));

    switch (part) {
    case 'Y':
        return date.year;
    case 'Q':
        return (date.month + 2) / 3;
    case 'm':
        return date.month;
    case 'd':
        return date.day;
    case 'u':
        return (time / DAY_S + THURSDAY - 1) % 7 + 1;
    case 'j':
        return time / DAY_S - days_of(date.year, 1, 1) + 1;
    case 'H':
        return time % DAY_S / 3600;
    case 'M':
        return time % 3600 / 60;
    default:
        return time % 60;
    }
}

/* ---- writing ---- */

struct field {
    char letter;
    char part;
    unsigned char width;
    char pad;
};

static const struct field fields[] = {
    {'Y', 'Y', 4, '0'}, {'m', 'm', 2, '0'}, {'d', 'd', 2, '0'}, {'e', 'd', 2, ' '},
    {'j', 'j', 3, '0'}, {'u', 'u', 1, '0'}, {'H', 'H', 2, '0'}, {'k', 'H', 2, ' '},
    {'i', 'M', 2, '0'}, {'S', 'S', 2, '0'}, {'s', 'S', 2, '0'}, {'Q', 'Q', 1, '0'},
};

/* Those that are several others. */
static const struct {
    char letter;
    const char *format;
} shorts[] = {{'D', "%m/%d/%y"}, {'F', "%Y-%m-%d"}, {'T', "%H:%i:%S"}, {'R', "%H:%i"},
              {'r', "%I:%i %p"}, {'n', "\n"},       {'t', "\t"},       {'%', "%"}};

static int put_other(int64_t time, char letter, struct buf *out)
{
    int64_t hour = analytics_time_part(time, 'H'), month = analytics_time_part(time, 'm');

    switch (letter) {
    case 'y':
        return buf_printf(out, "%02d", (int)(analytics_time_part(time, 'Y') % 100));
    case 'w':
        return buf_printf(out, "%d", (int)(analytics_time_part(time, 'u') % 7));
    case 'a':
        return buf_append(out, str_from(day_names[analytics_time_part(time, 'u') - 1]));
    case 'b':
        return buf_append(out, str_head(str_from(month_names[month - 1]), 3));
    case 'M':
        return buf_append(out, str_from(month_names[month - 1]));
    case 'h':
    case 'I':
        return buf_printf(out, "%02d", (int)((hour + 11) % 12 + 1));
    case 'p':
        return buf_append(out, hour < 12 ? STR("AM") : STR("PM"));
    default:
        return buf_printf(out, "%%%c", letter);
    }
}

static int put(int64_t time, char letter, struct buf *out)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const struct field *f = &fields[i];

        if (f->letter == letter && f->pad == '0')
            return buf_printf(out, "%0*d", f->width, (int)analytics_time_part(time, f->part));
        if (f->letter == letter)
            return buf_printf(out, "%*d", f->width, (int)analytics_time_part(time, f->part));
    }
    for (size_t i = 0; i < COUNT_OF(shorts); i++)
        if (shorts[i].letter == letter)
            return letter == '%' ? buf_append_char(out, '%')
                                 : analytics_time_format(time, str_from(shorts[i].format), out);
    return put_other(time, letter, out);
}

int analytics_time_format(int64_t time, str format, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < format.len; i++)
        if (format.ptr[i] == '%' && i + 1 < format.len)
            r = put(time, format.ptr[++i], out);
        else
            r = buf_append_char(out, format.ptr[i]);
    return r;
}
