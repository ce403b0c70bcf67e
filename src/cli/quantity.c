/* Amounts as a person reads them; see quantity.h. */
#include "cli/quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { DIGITS = 4 };

static char *next_result(void)
{
    static char results[QUANTITY_RESULTS][QUANTITY_TEXT_MAX];
    static size_t next;

    return results[next++ % QUANTITY_RESULTS];
}

const char *quantity_count(int64_t count)
{
    char digits[24], *out = next_result();
    int len = snprintf(digits, sizeof digits, "%" PRIu64,
                       count < 0 ? -(uint64_t)count : (uint64_t)count);
    char *at = out;

    if (count < 0)
        *at++ = '-';
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

/* One digit after the point, but for what has three before it or none behind. */
static const char *with_unit(double value, const char *unit)
{
    char *out = next_result();
    double shown = value < 99.95 ? round(value * 10) / 10 : round(value);

    snprintf(out, QUANTITY_TEXT_MAX, shown == floor(shown) ? "%.0f %s" : "%.1f %s", shown, unit);
    return out;
}

const char *quantity_bytes(int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;

    for (; fabs(value) >= 999.5 && unit + 1 < COUNT_OF(units); unit++)
        value /= 1000;
    return with_unit(value, units[unit]);
}

static const char *two_units(double seconds, int64_t of_first, const char *first, int64_t of_second,
                             const char *second)
{
    char *out = next_result();
    int64_t whole = (int64_t)seconds;
    int64_t rest = whole % of_first / of_second;

    if (rest)
        snprintf(out, QUANTITY_TEXT_MAX, "%s %s %" PRId64 " %s", quantity_count(whole / of_first),
                 first, rest, second);
    else
        snprintf(out, QUANTITY_TEXT_MAX, "%s %s", quantity_count(whole / of_first), first);
    return out;
}

const char *quantity_duration(double ms)
{
    double seconds = ms / 1000;

    if (ms < 999.5)
        return with_unit(ms, "ms");
    if (seconds < 59.95)
        return with_unit(seconds, "s");
    seconds = fmin(round(seconds), 1e15);
    if (seconds < 3600)
        return two_units(seconds, 60, "min", 1, "s");
    if (seconds < 86400)
        return two_units(seconds, 3600, "h", 60, "min");
    return two_units(seconds, 86400, "d", 3600, "h");
}

const char *quantity_decimal(double value)
{
    char *out;
    int digits = value ? DIGITS - 1 - (int)floor(log10(fabs(value))) : 0;

    if (digits <= 0)
        return quantity_count((int64_t)llround(fmax(fmin(value, 9e18), -9e18)));
    out = next_result();
    snprintf(out, QUANTITY_TEXT_MAX, "%.*f", digits < 12 ? digits : 12, value);
    for (char *end = out + strlen(out) - 1; *end == '0' || *end == '.'; end--) {
        bool point = *end == '.';
        *end = '\0';
        if (point)
            break;
    }
    return *out ? out : "0";
}

const char *quantity_share(double percentage)
{
    char *out = next_result();

    snprintf(out, QUANTITY_TEXT_MAX, "%s %%", quantity_decimal(percentage));
    return out;
}

const char *quantity_of(size_t count, const char *noun)
{
    char *out = next_result();

    snprintf(out, QUANTITY_TEXT_MAX, "%s %.24s%s", quantity_count((int64_t)count), noun,
             count == 1 ? "" : "s");
    return out;
}
