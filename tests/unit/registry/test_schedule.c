/* registry/schedule: what stays keeps its times. */
#include "registry_harness.h"

#include "registry/schedule.h"

TestSuite(schedule, .init = harness_make, .fini = harness_clean);

static int replace(int64_t script, const char *text, json_t **ret)
{
    json_t *crons = harness_json(text);
    int r = schedule_replace(harness, script, crons, ret, &err);

    json_decref(crons);
    return r;
}

static void expect_replaced(int64_t script, const char *text, size_t count)
{
    json_t *rows;

    OK(replace(script, text, &rows));
    cr_expect_eq(json_array_size(rows), count, "%s", text);
    json_decref(rows);
}

Test(schedule, is_all_of_a_script)
{
    int64_t a = harness_script("default", "a"), b = harness_script("default", "b");
    json_t *rows;

    expect_replaced(a, "['* * * * *', '0 1 * * *', '0 1 * * *']", 2);
    expect_replaced(b, "['* * * * *']", 1);
    OK(schedule_ran(harness, a, "0 1 * * *", 12345, &err));
    expect_replaced(a, "['0 1 * * *', '0 2 * * *']", 2);
    OK(schedule_list(harness, a, &rows, &err));
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "cron"), "0 1 * * *");
    cr_expect_eq(number_of(json_array_get(rows, 0), "last_ms"), 12345);
    cr_expect_eq(number_of(json_array_get(rows, 1), "last_ms"), 0);
    json_decref(rows);
    OK(schedule_list(harness, 0, &rows, &err));
    cr_expect_eq(json_array_size(rows), 3);
    json_decref(rows);
    expect_replaced(a, "[]", 0);
    FAILS(schedule_ran(harness, a, "0 1 * * *", 1, &err), ERR_NOT_FOUND, "0 1 * * *");
}

Test(schedule, refuses_what_is_no_text)
{
    static const char *const rows[] = {"{}", "[1]", "['']", "['* * * * *', null]"};
    int64_t a = harness_script("default", "a");
    json_t *ret;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FAILS(replace(a, rows[i], &ret), ERR_INVALID, "schedule");
    FAILS(replace(a + 1, "[]", &ret), ERR_NOT_FOUND, "number");
}
