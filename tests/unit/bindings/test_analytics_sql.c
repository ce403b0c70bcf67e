/* bindings/analytics_sql and analytics_store: what a query becomes, and what comes of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/analytics/analytics_store.h"
#include "bindings/analytics/analytics_time.h"
#include "os/file.h"

enum { NOW = 1750000000, POINTS = 12 }; /* 2025-06-15 15:06:40 */

static char *directory;
static struct analytics_store *store;
static struct err err;

/* Points an hour apart, the last one now: index i0 to i2, blob1 "a" or "B", double1 0 to 11. */
static void setup(void)
{
    static const str names[] = {{"a", 1}, {"B", 1}};
    static const str indexes[] = {{"i0", 2}, {"i1", 2}, {"i2", 2}};

    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    cr_assert_eq(analytics_store_open(directory, 1 << 30, &store, &err), 0, "%s", err.text);
    cr_assert_eq(analytics_store_begin(store, &err), 0);
    for (int i = 0; i < POINTS; i++) {
        struct analytics_point point = {.dataset = STR("d"),
                                        .time_s = NOW - 3600 * (POINTS - 1 - i),
                                        .index = indexes[i % 3],
                                        .blobs = {names[i % 2], STR("it's")},
                                        .doubles = {i, i / 4.0}};
        cr_assert_eq(analytics_store_add(store, &point, &err), 0);
    }
    cr_assert_eq(analytics_store_end(store, 0, NOW, &err), 0);
}

static void teardown(void)
{
    analytics_store_close(store);
    file_remove_tree(directory);
    free(directory);
}

TestSuite(analytics_sql, .init = setup, .fini = teardown);

static char *answer(const char *sql)
{
    enum analytics_format format;
    struct buf out;

    buf_init(&out, 1 << 20);
    if (analytics_store_query(directory, str_from(sql), NOW, &out, &format, &err) < 0) {
        buf_clear(&out);
        cr_assert_eq(buf_printf(&out, "%s", err.text), 0);
    }
    return buf_take(&out, NULL);
}

static void expect(const char *select, const char *rows)
{
    char sql[2000], *text;

    snprintf(sql, sizeof sql, "%s FORMAT TabSeparated", select);
    text = answer(sql);
    cr_expect_str_eq(text, rows, "%s\n  gave %s", select, text);
    free(text);
}

Test(analytics_sql, expressions)
{
    static const char *const rows[][2] = {
        {"SELECT 1 + 2 * 3, (1 + 2) * 3, -2 * -3, 7 / 2, 7 % 4, 1 = 1, 1 != 1",
         "7\t9\t6\t3.5\t3\t1\t0\n"},
        {"SELECT 1 < 2 AND NOT 2 < 1 OR 0, 3 BETWEEN 1 AND 5, 3 NOT IN (1, 2), 'a' IN ('a')",
         "1\t1\t1\t1\n"},
        {"SELECT 'it''s', 'a\\tb', \"x\" FROM (SELECT 5 AS x)", "it's\ta\\tb\t5\n"},
        {"SELECT 'Abc' LIKE 'A%', 'Abc' LIKE 'a%', 'Abc' ILIKE 'a%', NULL IS NULL", "1\t0\t1\t1\n"},
        {"SELECT if(1 > 2, 'yes', 'no'), multiIf(0, 'a', 1, 'b', 'c'), CASE 2 WHEN 2 THEN 'two' "
         "ELSE 'x' END",
         "no\tb\ttwo\n"},
        {"SELECT intDiv(7, 2), round(2.567, 1), floor(2.9), greatest(1, 5, 3), pow(2, 10), abs(-4)",
         "3\t2.6000000000000001\t2\t5\t1024\t4\n"},
        {"SELECT length('é'), lower('ABC'), upper('abc'), substring('abcdef', 2, 3), "
         "position('hello', 'l')",
         "2\tabc\tABC\tbcd\t3\n"},
        {"SELECT startsWith('abc', 'ab'), endsWith('abc', 'bc'), 'a' || 1 || 'b', concat('a', "
         "2), empty('')",
         "1\t1\ta1b\ta2\t1\n"},
        {"SELECT toUInt32('42') + 1, toString(1.5), toFloat64('2.5'), toInt64(-3.9)",
         "43\t1.5\t2.5\t-3\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(rows[i][0], rows[i][1]);
}

Test(analytics_sql, times)
{
    static const char *const rows[][2] = {
        {"SELECT NOW(), today(), toUnixTimestamp(NOW())", "2025-06-15 "
         "15:06:40\t2025-06-15\t1750000000\n"},
        {"SELECT NOW() - INTERVAL '1' DAY, NOW() + INTERVAL 2 HOUR, INTERVAL '1' MONTH + NOW()",
         "2025-06-14 15:06:40\t2025-06-15 17:06:40\t2025-07-15 15:06:40\n"},
        {"SELECT toDateTime('2024-01-31 10:00:00') + INTERVAL '1' MONTH, toDate('2024-02-29 "
         "10:00:00')",
         "2024-02-29 10:00:00\t2024-02-29\n"},
        {"SELECT toStartOfInterval(NOW(), INTERVAL '5' MINUTE), toStartOfInterval(NOW(), "
         "INTERVAL '1' WEEK, 'Etc/UTC')",
         "2025-06-15 15:05:00\t2025-06-09 00:00:00\n"},
        {"SELECT toStartOfHour(NOW()), toStartOfDay(NOW()), toStartOfWeek(NOW()), "
         "toMonday(NOW()), toStartOfMonth(NOW())",
         "2025-06-15 15:00:00\t2025-06-15 00:00:00\t2025-06-15\t2025-06-09\t2025-06-01\n"},
        {"SELECT toYear(NOW()), toMonth(NOW()), toDayOfMonth(NOW()), toDayOfWeek(NOW()), "
         "toHour(NOW()), toYYYYMM(NOW())",
         "2025\t6\t15\t7\t15\t202506\n"},
        {"SELECT formatDateTime(NOW(), '%Y/%m/%d %H:%i:%S %a %b %%'), dateDiff('day', NOW(), "
         "toDateTime('2025-06-17 00:00:00'))",
         "2025/06/15 15:06:40 Sun Jun %\t2\n"},
        {"SELECT count() FROM d WHERE timestamp >= '2025-06-15 10:00:00' AND timestamp < NOW()",
         "5\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(rows[i][0], rows[i][1]);
}

Test(analytics_sql, aggregates)
{
    static const char *const rows[][2] = {
        {"SELECT count(), count(*), count(DISTINCT blob1), uniq(index1), SUM(_sample_interval) "
         "FROM d",
         "12\t12\t2\t3\t12\n"},
        {"SELECT sum(double1), avg(double1), min(double1), max(double1) FROM d",
         "66\t5.5\t0\t11\n"},
        {"SELECT sumIf(double1, blob1 = 'a'), countIf(double1 > 8), avgIf(double1, index1 = "
         "'i0') FROM d",
         "30\t3\t4.5\n"},
        {"SELECT argMax(blob1, double1), argMin(index1, double1) FROM d", "B\ti0\n"},
        {"SELECT quantileWeighted(0.5)(double1, _sample_interval), "
         "quantileExactWeighted(1)(double1, 1),"
         " median(double1) FROM d", "5\t11\t5\n"},
        {"SELECT topK(2)(index1), topKWeighted(1)(index1, double1) FROM d",
         "[\"i0\",\"i1\"]\t[\"i2\"]\n"},
        {"SELECT sum(double1), count() FROM d WHERE double1 > 100", "0\t0\n"},
        {"SELECT index1 AS i, count() AS n FROM d GROUP BY i HAVING n > 3 ORDER BY i DESC LIMIT "
         "2", "i2\t4\ni1\t4\n"},
        {"SELECT intDiv(toUInt32(timestamp), 21600) * 21600 AS t, sum(double1) / count() FROM d "
         "GROUP BY t ORDER BY t",
         "1749945600\t0.5\n1749967200\t4.5\n1749988800\t9.5\n"},
        {"SELECT avg(n) FROM (SELECT index1, count() AS n FROM d GROUP BY index1)", "4\n"},
        {"SELECT DISTINCT blob1 FROM d ORDER BY blob1", "B\na\n"},
        {"SELECT double1 FROM d ORDER BY double1 LIMIT 2 OFFSET 3", "3\n4\n"},
        {"SELECT double1 FROM d ORDER BY double1 LIMIT 3, 2", "3\n4\n"},
        {"SELECT lower(blob1) AS blob1, count() FROM d WHERE blob1 = 'b' GROUP BY blob1", "b\t6\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(rows[i][0], rows[i][1]);
}

Test(analytics_sql, an_answer_in_json_has_the_types_of_clickhouse)
{
    char *text = answer("SELECT count() AS n, blob1, sum(double1) s, timestamp FROM d LIMIT 1");

    cr_expect(strstr(text, "expected FROM, AS or a comma"), "%s", text);
    free(text);
    text = answer("SELECT count() AS n, sum(double1) AS s, max(timestamp) AS t, 1.5 FROM d");
    cr_expect_str_eq(
        text, "{\"meta\":[{\"name\":\"n\",\"type\":\"UInt64\"},{\"name\":\"s\",\"type\":"
              "\"Float64\"},{\"name\":\"t\",\"type\":\"DateTime\"},{\"name\":\"1.5\",\"type\":"
              "\"Float64\"}],\"data\":[{\"n\":\"12\",\"s\":66,\"t\":\"2025-06-15 15:06:40\","
              "\"1.5\":1.5}],\"rows\":1,\"rows_before_limit_at_least\":1}\n");
    free(text);
}

Test(analytics_sql, what_is_wrong_is_named)
{
    static const char *const rows[][2] = {
        {"SELECT foo(1)", "there is no function foo here, at \"foo\" in line 1"},
        {"SELECT\n  nope FROM d", "there is no column nope, at \"nope\" in line 2"},
        {"SELECT sum(1, 2) FROM d", "sum takes 1 argument"},
        {"SELECT quantileWeighted(double1, 1) FROM d", "needs its level first"},
        {"SELECT quantileWeighted(2)(double1, 1) FROM d", "this must be 0 to 1"},
        {"SELECT sum(sum(double1)) FROM d", "an aggregate (sum) within an aggregate"},
        {"SELECT INTERVAL '1' DAY", "an INTERVAL cannot be selected"},
        {"SELECT INTERVAL 'x' DAY", "INTERVAL needs a whole number"},
        {"SELECT toStartOfHour(NOW(), 'Europe/Berlin')", "no time zone here but 'Etc/UTC'"},
        {"SELECT toDateTime('yesterday')", "a text is no time"},
        {"SELECT (SELECT 1)", "a SELECT within an expression"},
        {"SELECT 1 FROM d, d", "a query reads one dataset"},
        {"SELECT 1 FORMAT CSV", "expected JSON, JSONEachRow or TabSeparated"},
        {"SELECT 1 LIMIT x", "expected a number of rows"},
        {"SELECT 1 +", "expected a value, at the end of the query"},
        {"SELECT blob1 FROM d ORDER blob1", "expected BY"},
        {"SHOW GRANTS", "expected TABLES behind SHOW"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = answer(rows[i][0]);

        cr_expect(strstr(text, rows[i][1]), "%s\n  gave %s", rows[i][0], text);
        free(text);
    }
}

Test(analytics_sql, a_query_that_takes_too_much_ends)
{
    char sql[4000] = "SELECT count() FROM d WHERE 1", *text;

    for (int i = 0; i < 60; i++)
        strcat(sql, " AND (((((((((1)))))))))");
    text = answer(sql);
    cr_expect(strstr(text, "\"12\""), "%s", text);
    free(text);
}

Test(analytics_store, old_points_go_and_so_do_those_of_a_store_that_is_too_large, .init = setup,
     .fini = teardown)
{
    struct analytics_point point = {.dataset = STR("d"), .time_s = NOW + ANALYTICS_STORE_KEEP_S};

    cr_assert_eq(analytics_store_begin(store, &err), 0);
    cr_assert_eq(analytics_store_add(store, &point, &err), 0);
    cr_assert_eq(analytics_store_end(store, 0, point.time_s, &err), 0);
    expect("SELECT count() FROM d", "2\n"); /* the one of NOW is not older yet */
    analytics_store_close(store);
    cr_assert_eq(analytics_store_open(directory, 4096, &store, &err), 0);
    cr_assert_eq(analytics_store_begin(store, &err), 0);
    cr_assert_eq(analytics_store_end(store, 0, point.time_s, &err), 0);
    expect("SELECT count() FROM d", "0\n");
}

Test(analytics_store, datasets_are_so_many_and_no_more, .init = setup, .fini = teardown)
{
    struct analytics_point point = {.time_s = NOW};
    char name[16];
    int r = 0;

    cr_assert_eq(analytics_store_begin(store, &err), 0);
    for (int i = 0; r == 0 && i <= ANALYTICS_STORE_DATASETS_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        point.dataset = str_from(name);
        r = analytics_store_add(store, &point, &err);
    }
    cr_assert_eq(r, ERR_LIMIT);
    cr_assert_str_eq(name, "n999");
    cr_assert_eq(analytics_store_end(store, 0, NOW, &err), 0);
}

Test(analytics_store, a_damaged_file_is_an_error_of_its_own, .init = setup, .fini = teardown)
{
    char path[500], *text;

    analytics_store_close(store);
    store = NULL;
    snprintf(path, sizeof path, "%s/data.db", directory);
    cr_assert_eq(file_write(path, STR("this is no database, however long one looks at it"), &err),
                 0);
    text = answer("SHOW TABLES");
    cr_expect(strstr(text, "damaged"), "%s", text);
    free(text);
    cr_assert_lt(analytics_store_open(directory, 1 << 20, &store, &err), 0);
    cr_assert(strstr(err.text, "damaged"));
}

Test(analytics_time, units_and_borders)
{
    int64_t time, leap;
    enum analytics_unit unit;

    cr_assert(analytics_time_unit(STR("Hours"), &unit) && unit == ANALYTICS_HOUR);
    cr_assert_not(analytics_time_unit(STR("fortnight"), &unit));
    cr_assert(analytics_time_parse(STR("2024-02-29T23:59:59.5Z"), &leap));
    cr_assert_not(analytics_time_parse(STR("2023-02-29"), &time));
    cr_assert_not(analytics_time_parse(STR("2024-01-01 24:00:00"), &time));
    cr_assert_not(analytics_time_parse(STR("2024-1-1"), &time));
    cr_assert_eq(analytics_time_part(leap, 'j'), 60);
    cr_assert_eq(analytics_time_diff(leap, leap + 1, ANALYTICS_MONTH), 1);
    cr_assert_eq(analytics_time_start(leap, 1, ANALYTICS_YEAR), 1704067200);
    cr_assert_eq(analytics_time_add(leap, 12, ANALYTICS_MONTH), leap + INT64_C(365) * 86400);
    cr_assert_eq(analytics_time_add(leap, INT64_MAX, ANALYTICS_YEAR), INT64_C(253402300799));
    cr_assert_eq(analytics_time_add(leap, INT64_MIN, ANALYTICS_SECOND), 0);
    for (int64_t day = 0; day < 80 * 366; day++) { /* each day is the one after the day before */
        cr_assert_eq(analytics_time_add(day * 86400, 1, ANALYTICS_DAY), (day + 1) * 86400);
        cr_assert_eq(analytics_time_part(day * 86400, 'u'), (day + 3) % 7 + 1);
    }
}
