/* registry/usage: sums by minute, hour, day and worker; what becomes of old minutes. */
#include "registry_harness.h"

#include "registry/usage.h"

TestSuite(usage, .init = harness_make, .fini = harness_clean);

#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)

/* The first minute of some day. */
static const int64_t start = 20000 * DAY;

static void add(int64_t at_ms, const char *text)
{
    json_t *counters = harness_json(text);

    OK(usage_add(harness, at_ms, counters, &err));
    json_decref(counters);
}

static json_t *read_rows(const char *script, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    struct usage_query query = {"a", script, from_ms, to_ms, step_ms};
    json_t *rows;

    OK(usage_read(harness, &query, &rows, &err));
    return rows;
}

static void expect_row(json_t *rows, size_t at, int64_t from_ms, int64_t requests,
                       const char *outcomes)
{
    json_t *row = json_array_get(rows, at);

    cr_assert(row, "there is no row %zu", at);
    cr_expect_eq(number_of(row, "from_ms"), from_ms);
    cr_expect_eq(number_of(row, "requests"), requests);
    EXPECT_JSON(json_object_get(row, "outcomes"), outcomes);
}

Test(usage, is_added_up)
{
    json_t *rows;

    add(start + 5,
        "{'a/x': {'requests': 1, 'errors': 2, 'subrequests': 3, 'cpu_us': 4, 'wall_us': "
        "5, 'memory_mb_ms': 6, 'bytes_in': 7, 'bytes_out': 8, 'cold_starts': 9, "
        "'class_a': 10, 'class_b': 11, 'outcomes': {'ok': 1}}, 'b/x': {'requests': 100}}");
    add(start + MINUTE - 1, "{'a/x': {'requests': 10, 'outcomes': {'ok': 8, 'exception': 2}}}");
    add(start + MINUTE, "{'a/x': {'requests': 5, 'outcomes': {'ok': 5}}, 'a/y': {'requests': 7}}");
    harness_reopen();
    rows = read_rows("x", start, start + DAY, MINUTE);
    cr_expect_eq(json_array_size(rows), 2);
    expect_row(rows, 0, start, 11, "{'ok': 9, 'exception': 2}");
    expect_row(rows, 1, start + MINUTE, 5, "{'ok': 5}");
    json_decref(rows);
    rows = read_rows("x", start, start + DAY, 0);
    EXPECT_JSON(rows, "[{'from_ms': 1728000000000, 'requests': 16, 'errors': 2, 'subrequests': 3, "
                      "'cpu_us': 4, 'wall_us': 5, 'memory_mb_ms': 6, 'bytes_in': 7, 'bytes_out': 8,"
                      " 'cold_starts': 9, 'class_a': 10, 'class_b': 11, 'outcomes': {'ok': 14, "
                      "'exception': 2}}]");
    json_decref(rows);
    rows = read_rows(NULL, start, start + DAY, 60 * MINUTE);
    cr_expect_eq(json_array_size(rows), 1);
    expect_row(rows, 0, start, 23, "{'ok': 14, 'exception': 2}");
    json_decref(rows);
    rows = read_rows(NULL, start, start + DAY, 0);
    cr_expect_eq(json_array_size(rows), 2);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "script"), "x");
    expect_row(rows, 0, start, 16, "{'ok': 14, 'exception': 2}");
    cr_expect_str_eq(text_of(json_array_get(rows, 1), "script"), "y");
    expect_row(rows, 1, start, 7, "{}");
    json_decref(rows);
}

Test(usage, is_told_from_inclusive_to_exclusive)
{
    json_t *rows;

    for (int i = 0; i < 4; i++)
        add(start + i * MINUTE, "{'a/x': {'requests': 1}}");
    rows = read_rows("x", start + MINUTE, start + 3 * MINUTE, 0);
    expect_row(rows, 0, start + MINUTE, 2, "{}");
    json_decref(rows);
    rows = read_rows("x", start + 4 * MINUTE, start + DAY, 0);
    cr_expect_eq(json_array_size(rows), 1);
    expect_row(rows, 0, start + 4 * MINUTE, 0, "{}");
    json_decref(rows);
    rows = read_rows("x", start + 4 * MINUTE, start + DAY, MINUTE);
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
    rows = read_rows("nobody", start, start + DAY, MINUTE);
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
}

Test(usage, refuses_questions_that_cannot_be)
{
    static const struct {
        int64_t from_ms, to_ms, step_ms;
        int code;
    } rows[] = {
        {0, DAY, 1, ERR_INVALID},
        {0, DAY, -1, ERR_INVALID},
        {DAY, 0, MINUTE, ERR_INVALID},
        {-1, 0, MINUTE, ERR_INVALID},
        {0, 50001 * MINUTE, MINUTE, ERR_LIMIT},
    };
    json_t *ret;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct usage_query query = {"a", NULL, rows[i].from_ms, rows[i].to_ms, rows[i].step_ms};

        cr_expect_eq(usage_read(harness, &query, &ret, &err), rows[i].code, "%zu", i);
    }
}

Test(usage, survives_counters_that_are_none)
{
    json_t *rows;

    add(start,
        "{'no key': {'requests': 1}, '/x': {}, 'a/': {}, 'a/b/c': {}, 'a/x': {'requests': -5,"
        " 'cpu_us': 'text', 'bytes_in': 9e99, 'wall_us': 9000000000000000000, 'unknown': 1, "
        "'outcomes': [1]}, 'a/y': 5}");
    rows = read_rows("x", start, start + DAY, 0);
    expect_row(rows, 0, start, 0, "{}");
    cr_expect_eq(number_of(json_array_get(rows, 0), "wall_us"), INT64_C(1000000000000));
    cr_expect_eq(number_of(json_array_get(rows, 0), "bytes_in"), 0);
    json_decref(rows);
    rows = read_rows(NULL, start, start + DAY, 0);
    cr_expect_eq(json_array_size(rows), 2);
    json_decref(rows);
}

Test(usage, becomes_days_when_it_is_old)
{
    const int64_t later = start + (USAGE_DAYS + 1) * DAY;
    json_t *rows;

    add(start, "{'a/x': {'requests': 1, 'outcomes': {'ok': 1}}}");
    add(start + 5 * MINUTE, "{'a/x': {'requests': 2, 'outcomes': {'ok': 1, 'canceled': 1}}}");
    add(start + 9 * MINUTE, "{'a/x': {'requests': 3}, 'a/y': {'requests': 4}}");
    add(start + DAY + MINUTE, "{'a/x': {'requests': 10}}");
    rows = read_rows("x", start, start + 2 * DAY, MINUTE);
    cr_expect_eq(json_array_size(rows), 4);
    json_decref(rows);
    add(later, "{'a/x': {'requests': 100}}");
    rows = read_rows("x", start, later + DAY, DAY);
    cr_expect_eq(json_array_size(rows), 3);
    expect_row(rows, 0, start, 6, "{'ok': 2, 'canceled': 1}");
    expect_row(rows, 1, start + DAY, 10, "{}");
    expect_row(rows, 2, later, 100, "{}");
    json_decref(rows);
    rows = read_rows("x", start, start + 2 * DAY, MINUTE);
    cr_expect_eq(json_array_size(rows), 2);
    expect_row(rows, 0, start, 6, "{'ok': 2, 'canceled': 1}");
    expect_row(rows, 1, start + DAY + MINUTE, 10, "{}");
    json_decref(rows);
    add(start + 7 * MINUTE, "{'a/x': {'requests': 1}}");
    add(later + DAY, "{'a/x': {'requests': 0}}");
    rows = read_rows("x", start, start + 2 * DAY, MINUTE);
    expect_row(rows, 0, start, 7, "{'ok': 2, 'canceled': 1}");
    expect_row(rows, 1, start + DAY, 10, "{}");
    json_decref(rows);
}
