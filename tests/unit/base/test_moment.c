/* base/moment: what is a time and what is none. */
#include <criterion/criterion.h>

#include "base/moment.h"

static const struct {
    const char *text;
    int64_t ms;   /* -1: no time */
} cases[] = {
    {"0", 0},
    {"1795246200000", INT64_C(1795246200000)},
    {"253402300799999", INT64_C(253402300799999)},
    {"253402300800000", -1},
    {"1970-01-01", 0},
    {"2026-11-21", INT64_C(1795219200000)},
    {"2026-11-21T07:30Z", INT64_C(1795246200000)},
    {"2026-11-21T07:30", INT64_C(1795246200000)},
    {"2026-11-21T07:30:01Z", INT64_C(1795246201000)},
    {"2026-11-21T07:30:00.5Z", INT64_C(1795246200500)},
    {"2026-11-21T07:30:00.123456Z", INT64_C(1795246200123)},
    {"2026-11-21T08:30:00+01:00", INT64_C(1795246200000)},
    {"2026-11-20T23:30:00-08:00", INT64_C(1795246200000)},
    {"2024-02-29", INT64_C(1709164800000)},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
    {"9999-12-31T23:59:59-00:01", -1},
    {"", -1},
    {"yesterday", -1},
    {"2026-02-29", -1},
    {"2026-13-01", -1},
    {"2026-00-10", -1},
    {"2026-01-00", -1},
    {"1969-12-31", -1},
    {"1970-01-01T00:00:00+01:00", -1},
    {"2026-11-21T24:00Z", -1},
    {"2026-11-21T07:60Z", -1},
    {"2026-11-21T07:30:60Z", -1},
    {"2026-11-21T07:30:00.Z", -1},
    {"2026-11-21T07:30:00+1:00", -1},
    {"2026-11-21T07:30:00Zulu", -1},
    {"2026-11-21T", -1},
    {"2026-11", -1},
    {"-1", -1},
};

Test(moment, times)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        int64_t ms = -1;
        int r = moment_parse(str_from(cases[i].text), &ms, &err);

        cr_expect_eq(r, cases[i].ms < 0 ? ERR_INVALID : 0, "%s", cases[i].text);
        if (r == 0)
            cr_expect_eq(ms, cases[i].ms, "%s: %lld", cases[i].text, (long long)ms);
    }
}

Test(moment, months)
{
    static const char *const wrong[] = {"", "2026", "2026-13", "2026-00", "1969-12", "2026-11-01",
                                        "26-11"};
    struct err err = {0};
    int64_t from, to;
    char text[8];

    cr_assert_eq(moment_parse_month(STR("2026-12"), &from, &to, &err), 0);
    cr_expect_eq(from, INT64_C(1796083200000));
    cr_expect_eq(to, INT64_C(1798761600000));
    moment_month(from, text);
    cr_expect_str_eq(text, "2026-12");
    moment_month(from - 1, text);
    cr_expect_str_eq(text, "2026-11");
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect_eq(moment_parse_month(str_from(wrong[i]), &from, &to, &err), ERR_INVALID, "%s",
                     wrong[i]);
}

Test(moment, is_written)
{
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1795246200007, "2026-11-21T07:30:00.007Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, ""},
        {-1, ""},
        {INT64_MAX, ""},
    };

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        char text[MOMENT_BYTES];

        moment_write(times[i].ms, text);
        cr_expect_str_eq(text, times[i].text);
    }
}
