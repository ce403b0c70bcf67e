/* store/cache_rule: what RFC 9111 lets a shared cache store, for how long, and for whom. */
#include <criterion/criterion.h>

#include "store/cache_rule.h"
#include "store/header_lines.h"
#include "store/http_date.h"

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct {
    const char *text;
    int64_t seconds; /* -1: no date */
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", NOW},
    {"Sunday, 06-Nov-94 08:49:37 GMT", NOW},
    {"Sun Nov  6 08:49:37 1994", NOW},
    {"Wed Nov 16 08:49:37 1994", NOW + 864000},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Sunday, 06-Nov-44 08:49:37 GMT", 2362034977}, /* 50 years ahead */
    {"Sunday, 06-Nov-45 08:49:37 GMT", -762189023}, /* 51: the past */
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    {"Wed, 30 Feb 2022 00:00:00 GMT", -1},
    {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
    {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 nov 1994 08:49:37 GMT", -1},
    {"0", -1},
    {"-1", -1},
    {"", -1},
    {"Sun,", -1},
    {"Sun, ", -1},
};

Test(cache_rule, reads_dates)
{
    for (size_t i = 0; i < COUNT_OF(dates); i++) {
        int64_t seconds = -1;
        bool ok = http_date_parse(str_from(dates[i].text), NOW, &seconds);

        cr_expect_eq(ok ? seconds : -1, dates[i].seconds, "%s: %lld", dates[i].text,
                     (long long)seconds);
    }
}

Test(cache_rule, writes_dates)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } times[] = {
        {NOW, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {253402300800, ""},
        {INT64_MAX, ""},
    };

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        char text[HTTP_DATE_BYTES];

        http_date_write(times[i].seconds, text);
        cr_expect_str_eq(text, times[i].text);
    }
}

/* fresh: seconds it is fresh; 0: it is not stored. */
static const struct {
    int status;
    const char *request, *response;
    int64_t fresh, age;
} lives[] = {
    {200, "", "", 7200, 0},
    {301, "", "", 7200, 0},
    {302, "", "", 1200, 0},
    {404, "", "", 180, 0},
    {500, "", "", 0, 0},
    {500, "", "cache-control: max-age=5\n", 5, 0},
    {206, "", "cache-control: max-age=5\n", 0, 0},
    {304, "", "cache-control: max-age=5\n", 0, 0},
    {101, "", "cache-control: max-age=5\n", 0, 0},
    {200, "", "cache-control: max-age=60\n", 60, 0},
    {200, "", "cache-control: MAX-AGE=60\n", 60, 0},
    {200, "", "cache-control: max-age=\"60\"\n", 60, 0},
    {200, "", "cache-control: max-age=60, max-age=5\n", 60, 0},
    {200, "", "cache-control: public\ncache-control: max-age=60\n", 60, 0},
    {200, "", "cache-control: max-age=60, s-maxage=9\n", 9, 0},
    {200, "", "cache-control: max-age=60, s-maxage=0\n", 0, 0},
    {200, "", "cache-control: max-age=0\n", 0, 0},
    {200, "", "cache-control: max-age=-1\n", 0, 0},
    {200, "", "cache-control: max-age=a\n", 0, 0},
    {200, "", "cache-control: max-age\n", 0, 0},
    {200, "", "cache-control: max-age=99999999999999999999\n", INT64_C(1) << 31, 0},
    {200, "", "cache-control: no-store, max-age=60\n", 0, 0},
    {200, "", "cache-control: a=\"no-store\", max-age=60\n", 60, 0},
    {200, "", "cache-control: a=\"x, no-store\", max-age=60\n", 60, 0},
    {200, "", "cache-control: no-cache\n", 0, 0},
    {200, "", "cache-control: no-cache=\"x-a\", max-age=9\n", 9, 0},
    {200, "", "cache-control: private\n", 0, 0},
    {200, "", "cache-control: private=\"x-a\", max-age=9\n", 9, 0},
    {200, "", "cache-control: ,, max-age=9 ,\n", 9, 0},
    {200, "", "expires: Sun, 06 Nov 1994 08:50:37 GMT\n", 60, 0},
    {200, "", "expires: Sun, 06 Nov 1994 08:49:37 GMT\n", 0, 0},
    {200, "", "expires: 0\n", 0, 0},
    {200, "", "expires: 0\ncache-control: max-age=5\n", 5, 0},
    {200, "", "expires: Sun, 06 Nov 1994 08:50:37 GMT\ncache-control: max-age=5\n", 5, 0},
    {200, "", "age: 10\ncache-control: max-age=60\n", 50, 10},
    {200, "", "age: 60\ncache-control: max-age=60\n", 0, 0},
    {200, "", "age: x\ncache-control: max-age=60\n", 60, 0},
    {200, "", "date: Sun, 06 Nov 1994 08:49:27 GMT\ncache-control: max-age=60\n", 50, 10},
    {200, "", "date: Sun, 06 Nov 1994 08:49:27 GMT\nage: 5\ncache-control: max-age=60\n", 50, 10},
    {200, "", "date: Sun, 06 Nov 1994 08:59:27 GMT\ncache-control: max-age=60\n", 60, 0},
    {200, "", "set-cookie: a=b\ncache-control: max-age=60\n", 0, 0},
    {200, "", "set-cookie: a=b\ncache-control: max-age=60, private=Set-Cookie\n", 60, 0},
    {200, "", "set-cookie: a=b\ncache-control: private=\"x, set-cookie\", max-age=60\n", 60, 0},
    {200, "", "set-cookie: a=b\ncache-control: private=\"x\", max-age=60\n", 0, 0},
    {200, "authorization: a\n", "cache-control: max-age=60\n", 0, 0},
    {200, "authorization: a\n", "cache-control: max-age=60, public\n", 60, 0},
    {200, "authorization: a\n", "cache-control: max-age=60, must-revalidate\n", 60, 0},
    {200, "authorization: a\n", "cache-control: s-maxage=60\n", 60, 0},
};

Test(cache_rule, decides_what_is_stored_and_for_how_long)
{
    for (size_t i = 0; i < COUNT_OF(lives); i++) {
        struct cache_rule_input input = {lives[i].status, str_from(lives[i].request),
                                         str_from(lives[i].response), NOW};
        struct cache_rule_life life = {0};
        const char *why = cache_rule_refusal(&input, &life);

        cr_expect_eq(why ? 0 : life.fresh, lives[i].fresh, "%d %s: %lld (%s)", lives[i].status,
                     lives[i].response, (long long)life.fresh, why ? why : "stored");
        cr_expect_eq(why ? 0 : life.age, lives[i].age, "%s", lives[i].response);
    }
}

Test(cache_rule, strips_what_is_not_for_all)
{
    struct buf out;

    buf_init(&out, 1000);
    cr_assert_eq(cache_rule_strip(STR("a: 1\nage: 5\nconnection: x-hop\nx-hop: 2\nset-cookie: c\n"
                                      "x-p: 3\ncontent-length: 9\ntransfer-encoding: chunked\n"
                                      "cache-control: private=\"set-cookie, X-P\"\n"),
                                  &out),
                 0);
    cr_expect(str_equal(buf_str(&out), STR("a: 1\ncache-control: private=\"set-cookie, X-P\"\n")),
              "%.*s", STR_ARGS(buf_str(&out)));
    buf_done(&out);
}

static const struct {
    const char *response, *one, *other;
    bool same;
} variants[] = {
    {"", "accept: a\n", "accept: b\n", true},
    {"vary: accept\n", "accept: a\n", "accept: b\n", false},
    {"vary: accept\n", "accept: a\n", "", false},
    {"vary: accept\n", "accept: a,b\n", "accept: a\naccept:  b\n", true},
    {"vary: Accept\n", "accept: a\nx: 1\n", "accept: a\nx: 2\n", true},
    {"vary: a, x\n", "x: 1\n", "x: 2\n", false},
    {"vary: a\nvary: x\n", "x: 1\n", "x: 2\n", false},
    {"vary: accept-encoding\n", "accept-encoding: br\n", "", true},
    {"vary: accept-encoding\ncontent-encoding: br\n", "accept-encoding: br\n", "", false},
};

Test(cache_rule, chooses_by_the_fields_of_vary)
{
    for (size_t i = 0; i < COUNT_OF(variants); i++) {
        struct buf one, other;

        buf_init(&one, 1000);
        buf_init(&other, 1000);
        cr_assert_eq(cache_rule_variant(str_from(variants[i].response), str_from(variants[i].one),
                                        &one),
                     0);
        cr_assert_eq(cache_rule_variant(str_from(variants[i].response), str_from(variants[i].other),
                                        &other),
                     0);
        cr_expect_eq(str_equal(buf_str(&one), buf_str(&other)), variants[i].same, "row %zu", i);
        buf_done(&one);
        buf_done(&other);
    }
}

Test(cache_rule, knows_vary_of_everything)
{
    cr_expect(cache_rule_varies_always(STR("vary: *\n")));
    cr_expect(cache_rule_varies_always(STR("vary: a\nvary: b, *\n")));
    cr_expect(!cache_rule_varies_always(STR("vary: a\nx: *\n")));
    cr_expect(!cache_rule_varies_always(STR("")));
}

Test(cache_rule, has_a_maximum_of_varying_fields)
{
    char vary[512] = "vary: a";
    struct buf out;

    for (int i = 0; i < CACHE_RULE_VARY_MAX; i++)
        strcat(vary, ", a");
    strcat(vary, "\n");
    buf_init(&out, 4096);
    cr_expect_eq(cache_rule_variant(str_from(vary), STR(""), &out), ERR_LIMIT);
    buf_done(&out);
}
