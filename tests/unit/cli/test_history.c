#include "cli/history.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/member.h"

#define A "aaaa1111-0000-4000-8000-000000000000"
#define B "aaaa2222-0000-4000-8000-000000000000"
#define C "CCCC3333-0000-4000-8000-000000000000"

/* `deployments`: each a list of version and percentage, newest first. */
static struct history made(const char *deployments)
{
    struct history history = {
        .versions = json_pack("[{s:s}, {s:s}, {s:s}]", "id", C, "id", B, "id", A),
    };
    char *copy = strdup(deployments);
    json_error_t error;

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    history.deployments = json_loads(copy, 0, &error);
    cr_assert(history.deployments, "%s", error.text);
    free(copy);
    return history;
}

#define ALONE(id) "{'versions': [{'version_id': '" id "', 'percentage': 100}]}"
#define BOTH(a, b)                                                              \
    "{'versions': [{'version_id': '" a "', 'percentage': 90}, {'version_id': '" \
    b "', 'percentage': 10}]}"

Test(history, versions_are_found)
{
    static const struct {
        const char *text, *id;    /* NULL: not found */
        int code;
    } rows[] = {
        {A, A, 0},        {"aaaa1", A, 0},  {"AAAA1111", A, 0}, {"cccc", C, 0},
        {"latest", C, 0}, {"live", B, 0},   {"aaaa", NULL, ERR_INVALID},
        {"aaa", NULL, ERR_INVALID}, {"", NULL, ERR_INVALID}, {"bbbb", NULL, ERR_NOT_FOUND},
        {A "0", NULL, ERR_NOT_FOUND},
    };
    struct history history = made("[" ALONE(B) "]");
    const json_t *found;
    struct err err;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int r = history_find(&history, rows[i].text, &found, &err);
        cr_expect_eq(r, rows[i].code, "%s: %d", rows[i].text, r);
        if (r == 0)
            cr_expect_str_eq(member_text_or(found, "id", ""), rows[i].id, "%s", rows[i].text);
    }
    history_done(&history);
}

Test(history, live_is_one_version)
{
    static const struct {
        const char *deployments;
        int code;
    } rows[] = {{"[]", ERR_NOT_FOUND},
                {"[" BOTH(A, B) "]", ERR_INVALID},
                {"[" ALONE("gone") "]", ERR_NOT_FOUND},
                {"[{'versions': 1}]", ERR_INVALID},
                {"[" ALONE(A) "]", 0}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct history history = made(rows[i].deployments);
        const json_t *found;
        struct err err;
        cr_expect_eq(history_find(&history, "live", &found, &err), rows[i].code, "%s",
                     rows[i].deployments);
        history_done(&history);
    }
}

Test(history, what_was_before)
{
    static const struct {
        const char *deployments, *id;    /* "": nothing */
    } rows[] = {
        {"[]", ""},
        {"[" ALONE(A) "]", ""},
        {"[" ALONE(A) "," ALONE(A) "]", ""},
        {"[" ALONE(A) "," ALONE(B) "]", B},
        {"[" ALONE(A) "," ALONE(A) "," ALONE(B) "," ALONE(C) "]", B},
        {"[" ALONE(A) "," BOTH(A, B) "," ALONE(C) "]", C},
        {"[" BOTH(A, B) "," ALONE(A) "," ALONE(C) "]", A},
        {"[" BOTH(A, B) "," BOTH(B, A) "]", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct history history = made(rows[i].deployments);
        cr_expect_str_eq(history_first(history_before(&history)), rows[i].id, "%s",
                         rows[i].deployments);
        history_done(&history);
    }
}

Test(history, shares)
{
    struct history history = made("[" BOTH(A, B) "," ALONE(C) "]");

    cr_expect_float_eq(history_share(&history, A), 90, 0.01);
    cr_expect_float_eq(history_share(&history, B), 10, 0.01);
    cr_expect_lt(history_share(&history, C), 0);
    history_done(&history);
    cr_expect_lt(history_share(&history, A), 0);
}

static void expect_versions(const char *deployments, const char *wanted)
{
    struct history history = made(deployments);
    char *text = history_versions_text(json_object_get(history_live(&history), "versions"));

    cr_expect_str_eq(text, wanted);
    free(text);
    history_done(&history);
}

Test(history, texts)
{
    char long_text[300], *line;

    expect_versions("[" ALONE(A) "]", "aaaa1111");
    expect_versions("[" BOTH(A, C) "]", "aaaa1111 90 % + CCCC3333 10 %");
    expect_versions("[]", "");
    cr_expect_str_eq(history_short("a\x1b[1m\n\xc2\x9b"), "a?[1m???");
    line = history_line("first\nsecond");
    cr_expect_str_eq(line, "first");
    free(line);
    line = history_line("");
    cr_expect_str_eq(line, "");
    free(line);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    line = history_line(long_text);
    cr_expect_eq(strlen(line), 204);
    cr_expect(strstr(line, "xx ..."));
    free(line);
}
