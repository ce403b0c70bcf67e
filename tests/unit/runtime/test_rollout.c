/* runtime/rollout: shares, keys that stay, overrides; runtime/host_table: patterns of paths. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "runtime/host_table.h"
#include "runtime/rollout.h"

enum { KEYS = 10000 };

static struct rollout of(double first)
{
    return (struct rollout){.count = 2,
                            .ids = {STR("aaaa"), STR("bbbb")},
                            .percents = {first, 100 - first}};
}

static size_t choose(const struct rollout *rollout, const char *key, const char *overrides)
{
    return rollout_choose(rollout, STR("account/shop"), STR("shop"), str_from(key),
                          str_from(overrides));
}

static const char *key_of(int i)
{
    static char key[16];

    snprintf(key, sizeof key, "user-%d", i);
    return key;
}

Test(rollout, keys_are_shared_by_percentage)
{
    static const double percents[] = {0, 0.5, 10, 33.3, 50, 99, 100};

    for (size_t p = 0; p < COUNT_OF(percents); p++) {
        struct rollout rollout = of(percents[p]);
        int first = 0;
        for (int i = 0; i < KEYS; i++)
            first += choose(&rollout, key_of(i), NULL) == 0;
        cr_assert_float_eq(first * 100.0 / KEYS, percents[p], 2, "%d for %g", first, percents[p]);
        if (percents[p] == 0 || percents[p] == 100)
            cr_assert_eq(first, percents[p] == 0 ? 0 : KEYS);
    }
}

Test(rollout, chance_without_a_key)
{
    struct rollout rollout = of(30);
    int first = 0;

    for (int i = 0; i < KEYS; i++)
        first += choose(&rollout, NULL, NULL) == 0;
    cr_assert_float_eq(first * 100.0 / KEYS, 30, 4);
}

/* The answers are the same in every process and release: a client stays where it is. */
Test(rollout, keys_stay_for_ever)
{
    struct rollout rollout = of(50);
    char got[33] = "";

    for (int i = 0; i < 32; i++)
        got[i] = (char)('a' + choose(&rollout, key_of(i), NULL));
    cr_assert_str_eq(got, "bbaaaabbbbaabbabbabbabbabbbaabaa");
}

Test(rollout, a_growing_share_loses_no_key)
{
    struct rollout before = of(20), after = of(60);

    for (int i = 0; i < KEYS; i++)
        if (choose(&before, key_of(i), NULL) == 0)
            cr_assert_eq(choose(&after, key_of(i), NULL), 0);
}

Test(rollout, workers_divide_their_keys_differently)
{
    struct rollout rollout = of(50);
    int alike = 0;

    for (int i = 0; i < KEYS; i++) {
        str key = str_from(key_of(i));
        alike += rollout_choose(&rollout, STR("a"), STR("a"), key, STR_NONE) ==
                 rollout_choose(&rollout, STR("b"), STR("b"), key, STR_NONE);
    }
    cr_assert_float_eq(alike * 100.0 / KEYS, 50, 3);
}

Test(rollout, an_override_names_the_version)
{
    static const struct {
        const char *overrides;
        size_t want;
    } cases[] = {
        {"shop=\"bbbb\"", 1},
        {"shop=\"aaaa\"", 0},
        {" other=\"aaaa\" ,\tshop = \"bbbb\"", 1},
        {"SHOP=\"bbbb\"", 1},
        {"shop=\"cccc\"", 0},
        {"shop=\"\"", 0},
        {"shop=bbbb", 0},
        {"shop", 0},
        {"=\"bbbb\"", 0},
        {"workshop=\"bbbb\"", 0},
        {"\"", 0},
        {",,,", 0},
    };
    struct rollout rollout = of(100);

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_assert_eq(choose(&rollout, "key", cases[i].overrides), cases[i].want, "%s",
                     cases[i].overrides);
}

Test(rollout, one_version_is_always_the_one)
{
    struct rollout rollout = {.count = 1, .ids = {STR("aaaa")}, .percents = {0}};

    cr_assert_eq(choose(&rollout, "key", "shop=\"bbbb\""), 0);
    cr_assert_eq(choose(&rollout, NULL, NULL), 0);
}

Test(host_table, patterns)
{
    static const struct {
        const char *pattern, *path;
        bool want;
    } cases[] = {
        {"*", "/", true},
        {"*", "/any?thing", true},
        {"/*", "/", true},
        {"/api/*", "/api/", true},
        {"/api/*", "/api", false},
        {"/api*", "/api", true},
        {"/api*", "/apis?x", true},
        {"/api", "/api", true},
        {"/api", "/api/", false},
        {"/api", "/api?x", false},
        {"/a*b", "/a*b", true},
        {"/a*b", "/axb", false},
        {"", "/", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_assert_eq(host_table_matches(str_from(cases[i].pattern), str_from(cases[i].path)),
                     cases[i].want, "%s %s", cases[i].pattern, cases[i].path);
}
