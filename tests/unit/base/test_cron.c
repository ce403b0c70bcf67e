#include "base/cron.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t time_from(const char *text)
{
    struct tm parts = {0};

    cr_assert_not_null(strptime(text, "%Y-%m-%d %H:%M:%S", &parts), "%s", text);
    return (int64_t)timegm(&parts) * 1000;
}

static const char *text_of(int64_t ms)
{
    static char text[32];
    time_t seconds = (time_t)(ms / 1000);

    strftime(text, sizeof text, "%Y-%m-%d %H:%M", gmtime(&seconds));
    return ms ? text : "never";
}

/* 2026-11-21 is a Saturday. */
static const struct {
    const char *cron, *after, *want[4];
} nexts[] = {
    {"* * * * *", "2026-11-21 07:45:00", {"2026-11-21 07:46", "2026-11-21 07:47"}},
    {"* * * * *", "2026-11-21 07:45:59", {"2026-11-21 07:46"}},
    {"* * * * *", "2026-12-31 23:59:59", {"2027-01-01 00:00"}},
    {"*/30 * * * *", "2026-11-21 07:45:00", {"2026-11-21 08:00", "2026-11-21 08:30"}},
    {"*/25 * * * *", "2026-11-21 07:45:00", {"2026-11-21 07:50", "2026-11-21 08:00"}},
    {"5/20 * * * *", "2026-11-21 07:45:00", {"2026-11-21 08:05", "2026-11-21 08:25"}},
    {"10-20/5 8,9 * * *", "2026-11-21 08:15:00",
     {"2026-11-21 08:20", "2026-11-21 09:10", "2026-11-21 09:15"}},
    {"\t45  17 * * *  ", "2026-11-21 17:45:00", {"2026-11-22 17:45"}},
    {"0 22-2/2 * * *", "2026-11-21 21:00:00",
     {"2026-11-21 22:00", "2026-11-22 00:00", "2026-11-22 02:00", "2026-11-22 22:00"}},
    {"0 0 1 * *", "2026-11-21 00:00:00", {"2026-12-01 00:00", "2027-01-01 00:00"}},
    {"0 0 31 * *", "2026-11-21 00:00:00", {"2026-12-31 00:00", "2027-01-31 00:00",
                                           "2027-03-31 00:00"}},
    {"0 0 29 2 *", "2026-11-21 00:00:00", {"2028-02-29 00:00", "2032-02-29 00:00"}},
    {"0 0 29 FEB *", "2096-02-29 00:00:00", {"2104-02-29 00:00"}},
    {"0 0 30 2 *", "2026-11-21 00:00:00", {"never"}},
    {"0 0 31 4,6,9,11 *", "2026-11-21 00:00:00", {"never"}},
    {"0 0 * jan,Jul *", "2026-11-21 00:00:00", {"2027-01-01 00:00", "2027-01-02 00:00"}},
    {"0 0 1 NOV-FEB *", "2026-11-21 00:00:00",
     {"2026-12-01 00:00", "2027-01-01 00:00", "2027-02-01 00:00", "2027-11-01 00:00"}},
    /* days of the week */
    {"0 12 * * 1", "2026-11-21 07:45:00", {"2026-11-22 12:00", "2026-11-29 12:00"}},
    {"0 12 * * SAT", "2026-11-21 07:45:00", {"2026-11-21 12:00", "2026-11-28 12:00"}},
    {"0 12 * * 7", "2026-11-21 12:00:00", {"2026-11-28 12:00"}},
    {"0 12 * * L", "2026-11-21 12:00:00", {"2026-11-28 12:00"}},
    {"0 0 * * MON-FRI", "2026-11-20 00:00:00", {"2026-11-23 00:00", "2026-11-24 00:00"}},
    {"0 0 * * fri-mon", "2026-11-20 00:00:00",
     {"2026-11-21 00:00", "2026-11-22 00:00", "2026-11-23 00:00", "2026-11-27 00:00"}},
    {"0 0 * * 2-6/2", "2026-11-20 00:00:00", {"2026-11-23 00:00", "2026-11-25 00:00"}},
    /* either day */
    {"0 0 1 * MON", "2026-11-21 00:00:00",
     {"2026-11-23 00:00", "2026-11-30 00:00", "2026-12-01 00:00", "2026-12-07 00:00"}},
    {"0 0 */10 * MON", "2026-11-21 00:00:00",
     {"2026-11-23 00:00", "2026-11-30 00:00", "2026-12-01 00:00", "2026-12-07 00:00"}},
    {"0 0 30 2 SUN", "2026-11-21 00:00:00", {"2027-02-07 00:00"}},
    /* the last days */
    {"59 23 L * *", "2026-11-21 00:00:00",
     {"2026-11-30 23:59", "2026-12-31 23:59", "2027-01-31 23:59", "2027-02-28 23:59"}},
    {"0 0 L 2 *", "2027-03-01 00:00:00", {"2028-02-29 00:00", "2029-02-28 00:00"}},
    {"0 0 L-3 * *", "2026-11-21 00:00:00", {"2026-11-27 00:00", "2026-12-28 00:00"}},
    {"0 0 L-30 * *", "2026-11-21 00:00:00", {"2026-12-01 00:00", "2027-01-01 00:00",
                                             "2027-03-01 00:00"}},
    {"0 0 1,L * *", "2026-11-21 00:00:00", {"2026-11-30 00:00", "2026-12-01 00:00"}},
    /* workdays: 1 August 2026 is a Saturday, 31 May 2026 a Sunday, 1 November 2026 a Sunday */
    {"0 0 LW * *", "2026-05-01 00:00:00", {"2026-05-29 00:00", "2026-06-30 00:00"}},
    {"0 0 LW 2 *", "2026-01-01 00:00:00", {"2026-02-27 00:00", "2027-02-26 00:00"}},
    {"0 0 1W * *", "2026-07-15 00:00:00", {"2026-08-03 00:00", "2026-09-01 00:00"}},
    {"0 0 1W 11 *", "2026-07-15 00:00:00", {"2026-11-02 00:00"}},
    {"0 0 15W * *", "2026-08-01 00:00:00", {"2026-08-14 00:00", "2026-09-15 00:00"}},
    {"0 0 15W 11 *", "2026-08-01 00:00:00", {"2026-11-16 00:00"}},
    {"0 0 31W * *", "2026-05-01 00:00:00", {"2026-05-29 00:00", "2026-07-31 00:00"}},
    {"0 0 30W 2 *", "2026-05-01 00:00:00", {"never"}},
    {"0 0 29W 2 *", "2026-05-01 00:00:00", {"2028-02-29 00:00", "2032-02-27 00:00"}},
    /* weekdays of the month: November 2026 has five Sundays and Mondays */
    {"0 0 * * 6L", "2026-11-21 00:00:00", {"2026-11-27 00:00", "2026-12-25 00:00"}},
    {"0 0 * * monL", "2026-11-21 00:00:00", {"2026-11-30 00:00", "2026-12-28 00:00"}},
    {"0 0 * * 2#1", "2026-11-21 00:00:00", {"2026-12-07 00:00", "2027-01-04 00:00"}},
    {"0 0 * * SUN#5", "2026-11-21 00:00:00", {"2026-11-29 00:00", "2027-01-31 00:00",
                                              "2027-05-30 00:00"}},
    {"0 0 * * 5#5", "2026-11-21 00:00:00", {"2026-12-31 00:00", "2027-04-29 00:00"}},
    {"0 0 * 2 MON#5", "2026-11-21 00:00:00", {"2044-02-29 00:00"}},
    {"0 0 * * FRI#2,SUNL", "2026-11-21 00:00:00", {"2026-11-29 00:00", "2026-12-11 00:00"}},
    {"* * * * *", "9999-12-31 00:00:00", {"9999-12-31 00:01"}},
};

Test(cron, names_times)
{
    for (size_t i = 0; i < COUNT_OF(nexts); i++) {
        int64_t now = time_from(nexts[i].after);
        struct cron cron;
        struct err err;

        cr_assert_eq(cron_parse(str_from(nexts[i].cron), &cron, &err), 0, "%s", err.text);
        for (size_t k = 0; k < 4 && nexts[i].want[k]; k++) {
            now = cron_next(&cron, now);
            cr_expect_str_eq(text_of(now), nexts[i].want[k], "%s after %s: %s, not %s",
                             nexts[i].cron, nexts[i].after, text_of(now), nexts[i].want[k]);
        }
    }
}

Test(cron, has_bounds)
{
    struct cron cron;
    struct err err;

    cr_assert_eq(cron_parse(STR("0 0 1 1 *"), &cron, &err), 0);
    cr_expect_eq(cron_next(&cron, -1), time_from("1971-01-01 00:00:00"));
    cr_expect_eq(cron_next(&cron, INT64_MIN), time_from("1971-01-01 00:00:00"));
    cr_expect_eq(cron_next(&cron, INT64_MAX), 0);
}

static const struct {
    const char *cron, *error;
} wrong[] = {
    {"", "five fields"},
    {"* * * *", "five fields"},
    {"* * * * * *", "five fields"},
    {"@daily", "five fields"},
    {"60 * * * *", "\"60\" is no minute"},
    {"-1 * * * *", "is no minute"},
    {"001 * * * *", "is no minute"},
    {"* 24 * * *", "is no hour"},
    {"* * 0 * *", "is no day of month"},
    {"* * 32 * *", "is no day of month"},
    {"* * * 0 *", "is no month"},
    {"* * * 13 *", "is no month"},
    {"* * * JANUARY *", "is no month"},
    {"* * * MON *", "is no month"},
    {"* * * * 0", "\"0\" is no day of week: it takes 1-7, SUN-SAT (1 is Sunday)"},
    {"* * * * 8", "is no day of week"},
    {"* * * * JAN", "is no day of week"},
    {"*/0 * * * *", "is no minute"},
    {"*/ * * * *", "is no minute"},
    {"*/60 * * * *", "is no minute"},
    {"1- * * * *", "is no minute"},
    {"-5 * * * *", "is no minute"},
    {"1-2-3 * * * *", "is no minute"},
    {"1,,2 * * * *", "is no minute"},
    {",1 * * * *", "is no minute"},
    {"1, * * * *", "is no minute"},
    {"*5 * * * *", "is no minute"},
    {"** * * * *", "is no minute"},
    {"? * * * *", "is no minute"},
    {"L * * * *", "is no minute"},
    {"* * W * *", "is no day of month"},
    {"* * WL * *", "is no day of month"},
    {"* * L-0 * *", "is no day of month"},
    {"* * L-31 * *", "is no day of month"},
    {"* * L-  * *", "is no day of month"},
    {"* * 1-5W * *", "is no day of month"},
    {"* * 15#2 * *", "is no day of month"},
    {"* * * * 2#0", "is no day of week"},
    {"* * * * 2#6", "is no day of week"},
    {"* * * * 2#", "is no day of week"},
    {"* * * * 2-3L", "is no day of week"},
    {"* * * * 2W", "is no day of week"},
    {"* * * * LW", "is no day of week"},
};

Test(cron, refuses_what_it_cannot_read)
{
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct cron cron;
        struct err err = {0};

        cr_expect_eq(cron_parse(str_from(wrong[i].cron), &cron, &err), ERR_INVALID, "%s",
                     wrong[i].cron);
        cr_expect(strstr(err.text, wrong[i].error), "%s: %s", wrong[i].cron, err.text);
    }
}

Test(cron, text_has_a_maximum)
{
    char text[CRON_TEXT_MAX + 1];
    struct cron cron;
    struct err err;

    memset(text, ' ', sizeof text);
    memcpy(text, "* * * * *", 9);
    cr_expect_eq(cron_parse((str){text, CRON_TEXT_MAX}, &cron, &err), 0);
    cr_expect_eq(cron_parse((str){text, CRON_TEXT_MAX + 1}, &cron, &err), ERR_INVALID);
}

/* ---- against a slow reference: every minute, asked of the C library's calendar ---- */

/* One item of a list and what it means, said twice: as text and as a question about a time. */
struct item {
    char text[16];
    int kind, a, b, step;
};

enum { ANY, VALUE, RANGE, LAST, LAST_BEFORE, NEAR, LAST_WORK, LAST_OF, NTH };

static const int least[] = {0, 0, 1, 1, 1}, most[] = {59, 23, 31, 12, 7};

static int pick(int from, int to)
{
    return from + rand() % (to - from + 1);
}

static void make_item(int field, struct item *item)
{
    item->kind = pick(ANY, field == 2 ? LAST_WORK : RANGE);
    if (field == 4 && rand() % 2)
        item->kind = pick(LAST_OF, NTH);
    item->a = pick(least[field], most[field]);
    item->b = pick(least[field], most[field]);
    item->step = pick(1, most[field]);
    switch (item->kind) {
    case ANY:
        sprintf(item->text, "*/%d", item->step);
        break;
    case VALUE:
        sprintf(item->text, "%d", item->a);
        break;
    case RANGE:
        sprintf(item->text, "%d-%d/%d", item->a, item->b, item->step);
        break;
    case LAST:
        sprintf(item->text, "L");
        break;
    case LAST_BEFORE:
        sprintf(item->text, "L-%d", item->b = pick(1, 30));
        break;
    case NEAR:
        sprintf(item->text, "%dW", item->a);
        break;
    case LAST_WORK:
        sprintf(item->text, "LW");
        break;
    case LAST_OF:
        sprintf(item->text, "%dL", item->a);
        break;
    case NTH:
        sprintf(item->text, "%d#%d", item->a, item->b = pick(1, 5));
        break;
    }
}

static struct tm day_after(const struct tm *t, int days)
{
    struct tm parts = {.tm_year = t->tm_year, .tm_mon = t->tm_mon, .tm_mday = t->tm_mday + days};

    timegm(&parts);
    return parts;
}

static bool works(const struct tm *t)
{
    return t->tm_wday >= 1 && t->tm_wday <= 5;
}

/* The nearest workday: a Saturday's is Friday, a Sunday's is Monday, unless that is another month;
 * then it is the nearest on the other side. */
static bool is_near(const struct tm *t, int wanted)
{
    static const int order[] = {0, -1, 1, -2, 2};
    struct tm day = day_after(t, wanted - t->tm_mday);

    if (day.tm_mon != t->tm_mon)
        return false;
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        struct tm other = day_after(&day, order[i]);

        if (other.tm_mon == t->tm_mon && works(&other))
            return other.tm_mday == t->tm_mday;
    }
    return false;
}

static bool in_range(int field, const struct item *item, int value)
{
    int at = item->kind == ANY ? least[field] : item->a;
    int end = item->kind == ANY ? most[field] : item->b;

    for (int i = 0;; i++) {
        if (at == value && i % item->step == 0)
            return true;
        if (at == end)
            return false;
        at = at == most[field] ? least[field] : at + 1;
    }
}

static bool item_names(int field, const struct item *item, const struct tm *t)
{
    int value = (int[]){t->tm_min, t->tm_hour, t->tm_mday, t->tm_mon + 1, t->tm_wday + 1}[field];

    switch (item->kind) {
    case ANY:
    case RANGE:
        return in_range(field, item, value);
    case VALUE:
        return value == item->a;
    case LAST:
        return day_after(t, 1).tm_mon != t->tm_mon;
    case LAST_BEFORE:
        return day_after(t, item->b).tm_mon == t->tm_mon &&
               day_after(t, item->b + 1).tm_mon != t->tm_mon;
    case NEAR:
        return is_near(t, item->a);
    case LAST_WORK:
        if (!works(t))
            return false;
        for (int i = 1; i <= 3; i++) {
            struct tm later = day_after(t, i);

            if (later.tm_mon == t->tm_mon && works(&later))
                return false;
        }
        return day_after(t, 3).tm_mon != t->tm_mon;
    case LAST_OF:
        return value == item->a && day_after(t, 7).tm_mon != t->tm_mon;
    default:
        return value == item->a && (t->tm_mday + 6) / 7 == item->b;
    }
}

struct reference {
    struct item items[5][2];
    int counts[5];    /* 0: "*" */
};

static bool field_names(const struct reference *ref, int field, const struct tm *t)
{
    for (int i = 0; i < ref->counts[field]; i++)
        if (item_names(field, &ref->items[field][i], t))
            return true;
    return !ref->counts[field];
}

static bool reference_names(const struct reference *ref, const struct tm *t)
{
    bool day = field_names(ref, 2, t), weekday = field_names(ref, 4, t);

    return field_names(ref, 0, t) && field_names(ref, 1, t) && field_names(ref, 3, t) &&
           (ref->counts[2] && ref->counts[4] ? day || weekday : day && weekday);
}

static void make_expression(struct reference *ref, char *text)
{
    *text = 0;
    for (int field = 0; field < 5; field++) {
        ref->counts[field] = rand() % 3;
        if (!ref->counts[field])
            strcat(text, "*");
        for (int i = 0; i < ref->counts[field]; i++) {
            make_item(field, &ref->items[field][i]);
            strcat(strcat(text, i ? "," : ""), ref->items[field][i].text);
        }
        strcat(text, field < 4 ? " " : "");
    }
}

/* The first match within 800 days, whole days skipped where the day does not match; 0: none. */
static int64_t reference_next(const struct reference *ref, int64_t after_ms)
{
    time_t at = (time_t)(after_ms / 60000 * 60 + 60), end = at + (time_t)800 * 86400;

    while (at < end) {
        struct tm t;
        struct reference days = *ref;

        gmtime_r(&at, &t);
        days.counts[0] = days.counts[1] = 0;
        if (reference_names(ref, &t))
            return (int64_t)at * 1000;
        at += reference_names(&days, &t) ? 60 : 86400 - at % 86400;
    }
    return 0;
}

Test(cron, agrees_with_a_slow_reference)
{
    int64_t start = time_from("2023-01-01 00:00:00");

    srand(20261121);
    for (int round = 0; round < 3000; round++) {
        struct reference ref;
        char text[CRON_TEXT_MAX];
        struct cron cron;
        struct err err;
        int64_t after = start + (int64_t)(rand() % (6 * 365 * 1440)) * 60000 + rand() % 60000;
        int64_t want, got;

        make_expression(&ref, text);
        cr_assert_eq(cron_parse(str_from(text), &cron, &err), 0, "%s: %s", text, err.text);
        want = reference_next(&ref, after);
        got = cron_next(&cron, after);
        if (!want)
            cr_expect(got == 0 || got >= after + INT64_C(800) * 86400000, "%s: %s", text,
                      text_of(got));
        else
            cr_expect_eq(got, want, "%s after %lld: %s", text, (long long)after, text_of(got));
    }
}
