#include "control/suggest.h"

#include <criterion/criterion.h>

#include "base/mem.h"

static const char *const words[] = {"dev", "init", "help", "compatibility_date", NULL};

static const struct {
    const char *typed, *want;
} cases[] = {
    {"dev", "dev"}, {"dve", "dev"}, {"de", "dev"}, {"deev", "dev"}, {"inti", "init"},
    {"hlep", "help"}, {"compatability_dat", "compatibility_date"}, {"deploy", NULL}, {"x", NULL},
    {"", NULL}, {"deeev", NULL},
};

Test(suggest, nearest_word)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = suggest_word(cases[i].typed, words);

        cr_expect_str_eq(got ? got : "", cases[i].want ? cases[i].want : "", "%s", cases[i].typed);
    }
}

Test(suggest, long_words_match_nothing)
{
    char typed[SUGGEST_LEN_MAX + 2];

    memset(typed, 'a', sizeof typed - 1);
    typed[sizeof typed - 1] = '\0';
    cr_expect_null(suggest_word(typed, (const char *const[]){typed, NULL}));
    typed[SUGGEST_LEN_MAX] = '\0';
    cr_expect_not_null(suggest_word(typed, (const char *const[]){typed, NULL}));
}

Test(suggest, distance)
{
    cr_expect_eq(suggest_distance("", ""), 0);
    cr_expect_eq(suggest_distance("", "abc"), 3);
    cr_expect_eq(suggest_distance("abc", "abc"), 0);
    cr_expect_eq(suggest_distance("abc", "acb"), 1);
    cr_expect_eq(suggest_distance("kitten", "sitting"), 3);
}
