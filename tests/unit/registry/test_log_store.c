/* registry/log_store: what is kept, how much of it, what is found. */
#include "registry_harness.h"

#include "registry/log_store.h"

TestSuite(log_store, .init = harness_make, .fini = harness_clean);

static void add(const char *key, const char *text)
{
    json_t *event = harness_json(text);

    log_store_add(harness, key, event);
    json_decref(event);
}

static json_t *read_rows(const struct log_store_query *query)
{
    struct log_store_query full = *query;
    json_t *rows;

    full.to_ms = full.to_ms ? full.to_ms : INT64_MAX;
    full.limit = full.limit ? full.limit : 1000;
    OK(log_store_read(harness, &full, &rows, &err));
    return rows;
}

/* The eventTimestamps of what is found, as JSON. */
static void expect_found(const struct log_store_query *query, const char *expected)
{
    json_t *rows = read_rows(query), *times = json_array(), *row;
    size_t i;

    json_array_foreach(rows, i, row)
        json_array_append(times, json_object_get(row, "eventTimestamp"));
    EXPECT_JSON(times, expected);
    json_decref(rows);
    json_decref(times);
}

static void add_some(void)
{
    add("a/x", "{'eventTimestamp': 10, 'outcome': 'ok', 'logs': [{'message': ['Hello', {'n': "
               "'World'}]}], 'exceptions': [], 'event': {'request': {'url': 'http://x/path'}}}");
    add("a/x",
        "{'eventTimestamp': 20, 'outcome': 'exception', 'logs': [], 'exceptions': [{'name': "
        "'TypeError', 'message': 'it broke'}], 'event': {'request': {'url': 'http://x/q'}}}");
    add("a/x", "{'eventTimestamp': 25, 'outcome': 'ok', 'logs': [], 'exceptions': []}");
    add("a/x", "{'eventTimestamp': 30, 'outcome': 'exceededCpu', 'logs': [], 'exceptions': []}");
    add("a/y", "{'eventTimestamp': 40, 'outcome': 'canceled'}");
    OK(log_store_flush(harness, &err));
}

Test(log_store, finds_what_was_kept)
{
    static const struct {
        struct log_store_query query;
        const char *expected;
    } rows[] = {
        {{.key = "a/x"}, "[30, 20, 10]"},
        {{.key = "a/y"}, "[40]"},
        {{.key = "a/z"}, "[]"},
        {{.key = "a/x", .limit = 2}, "[30, 20]"},
        {{.key = "a/x", .from_ms = 10, .to_ms = 30}, "[20, 10]"},
        {{.key = "a/x", .from_ms = 11, .to_ms = 20}, "[]"},
        {{.key = "a/x", .outcome = "ok"}, "[10]"},
        {{.key = "a/x", .outcome = "OK"}, "[]"},
        {{.key = "a/x", .outcome = "exceededCpu,ok"}, "[30, 10]"},
        {{.key = "a/x", .outcome = "ok,"}, "[10]"},
        {{.key = "a/x", .outcome = "exceeded"}, "[]"},
        {{.key = "a/x", .search = "hello"}, "[10]"},
        {{.key = "a/x", .search = "world"}, "[10]"},
        {{.key = "a/x", .search = "BROKE"}, "[20]"},
        {{.key = "a/x", .search = "typeerror"}, "[20]"},
        {{.key = "a/x", .search = "x/path"}, "[10]"},
        {{.key = "a/x", .search = "http"}, "[20, 10]"},
        {{.key = "a/x", .search = "message"}, "[]"},
        {{.key = "a/x", .search = ""}, "[30, 20, 10]"},
    };

    add_some();
    harness_reopen();
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_found(&rows[i].query, rows[i].expected);
}

Test(log_store, is_read_page_by_page)
{
    json_t *rows;
    char text[100];
    int64_t before = 0;
    size_t count = 0;

    for (int i = 1; i <= 250; i++) {
        snprintf(text, sizeof text,
                 "{'eventTimestamp': %d, 'outcome': 'e', 'logs': [{'message': "
                 "['%s']}]}",
                 i, i % 125 == 0 ? "rare" : "often");
        add("a/x", text);
    }
    OK(log_store_flush(harness, &err));
    expect_found(&(struct log_store_query){.key = "a/x", .search = "rare"}, "[250, 125]");
    do {
        rows = read_rows(&(struct log_store_query){.key = "a/x", .before = before, .limit = 60});
        count += json_array_size(rows);
        before = number_of(json_array_get(rows, json_array_size(rows) - 1), "id");
        json_decref(rows);
    } while (before > 1 && count < 1000);
    cr_expect_eq(count, 250);
}

Test(log_store, keeps_the_newest_bytes_of_each)
{
    json_t *rows;
    char text[1200];

    log_store_set_bytes(harness, 100000);
    add("a/y", "{'eventTimestamp': 1, 'outcome': 'e'}");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 80; i++) {
            snprintf(text, sizeof text,
                     "{'eventTimestamp': %d, 'outcome': 'e', 'logs': ['%01000d']}", round * 80 + i,
                     0);
            add("a/x", text);
        }
        OK(log_store_flush(harness, &err));
    }
    rows = read_rows(&(struct log_store_query){.key = "a/x"});
    cr_expect_gt(json_array_size(rows), 80);
    cr_expect_lt(json_array_size(rows), 100);
    cr_expect_eq(number_of(json_array_get(rows, 0), "eventTimestamp"), 239);
    json_decref(rows);
    expect_found(&(struct log_store_query){.key = "a/y"}, "[1]");
    log_store_set_bytes(harness, 1000);
    add("a/x", "{'eventTimestamp': 500, 'outcome': 'e'}");
    OK(log_store_flush(harness, &err));
    expect_found(&(struct log_store_query){.key = "a/x"}, "[500]");
}

Test(log_store, drops_what_floods_the_queue)
{
    json_t *rows;

    log_store_set_bytes(harness, 1000);
    for (int i = 0; i < 1000; i++)
        add("a/x", "{'eventTimestamp': 1, 'outcome': 'e'}");
    add("a/y", "{'eventTimestamp': 2, 'outcome': 'e'}");
    OK(log_store_flush(harness, &err));
    rows = read_rows(&(struct log_store_query){.key = "a/x"});
    cr_expect_gt(json_array_size(rows), 5);
    cr_expect_lt(json_array_size(rows), 11);
    json_decref(rows);
    expect_found(&(struct log_store_query){.key = "a/y"}, "[2]");
    add("a/x", "{'eventTimestamp': 3, 'outcome': 'e'}");
    OK(log_store_flush(harness, &err));
    expect_found(&(struct log_store_query){.key = "a/x", .limit = 1}, "[3]");
}

Test(log_store, forgets_a_worker)
{
    add_some();
    OK(log_store_delete(harness, "a/x", &err));
    OK(log_store_delete(harness, "a/z", &err));
    expect_found(&(struct log_store_query){.key = "a/x"}, "[]");
    expect_found(&(struct log_store_query){.key = "a/y"}, "[40]");
    add_some();
    expect_found(&(struct log_store_query){.key = "a/x"}, "[30, 20, 10]");
}
