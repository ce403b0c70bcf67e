/* registry/account: rows, what is refused, limits. */
#include "registry_harness.h"

TestSuite(account, .init = harness_make, .fini = harness_clean);

static int add(const char *text, json_t **ret)
{
    json_t *row = harness_json(text);
    int r = account_add(harness, row, ret, &err);

    json_decref(row);
    return r;
}

static int update(const char *id, const char *text, json_t **ret)
{
    json_t *changes = harness_json(text);
    int r = account_update(harness, id, changes, ret, &err);

    json_decref(changes);
    return r;
}

Test(account, takes_what_is_valid)
{
    static const struct {
        const char *row, *id, *name, *subdomain;
    } rows[] = {
        {"{'id': 'a', 'name': 'An account'}", "a", "An account", "a"},
        {"{'id': 'Abc-1_2'}", "Abc-1_2", "Abc-1_2", "abc-1_2"},
        {"{'id': 'b', 'name': 'B', 'subdomain': 'Team'}", "b", "B", "team"},
        {"{'id': 'c23456789012345678901234567890123456789012345678901234567890123'}",
         "c23456789012345678901234567890123456789012345678901234567890123",
         "c23456789012345678901234567890123456789012345678901234567890123",
         "c23456789012345678901234567890123456789012345678901234567890123"},
    };
    json_t *row;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        OK(add(rows[i].row, &row));
        cr_expect_str_eq(text_of(row, "id"), rows[i].id);
        cr_expect_str_eq(text_of(row, "name"), rows[i].name);
        cr_expect_str_eq(text_of(row, "subdomain"), rows[i].subdomain);
        cr_expect_gt(number_of(row, "created_ms"), INT64_C(1700000000000));
        json_decref(row);
    }
    OK(add("{'name': 'made'}", &row));
    cr_expect_eq(strlen(text_of(row, "id")), 32);
    json_decref(row);
}

Test(account, refuses_what_is_not)
{
    static const struct {
        const char *row;
        int code;
        const char *part;
    } rows[] = {
        {"{'id': ''}", ERR_INVALID, "the id"},
        {"{'id': 1}", ERR_INVALID, "the id"},
        {"{'id': 'a/b'}", ERR_INVALID, "the id"},
        {"{'id': 'c234567890123456789012345678901234567890123456789012345678901234'}", ERR_INVALID,
         "63"},
        {"{'id': 'a', 'subdomain': 'a.b'}", ERR_INVALID, "subdomain"},
        {"{'id': 'a', 'name': ''}", ERR_INVALID, "name"},
        {"{'id': 'a', 'name': 1}", ERR_INVALID, "name"},
        {"{'id': 'a', 'limits': 1}", ERR_INVALID, "limits"},
        {"{'id': 'a', 'limits': {'no': 1}}", ERR_INVALID, "\"no\""},
        {"{'id': 'a', 'limits': {'cpu_ms': 0}}", ERR_INVALID, "cpu_ms"},
        {"{'id': 'a', 'limits': {'cpu_ms': 1.5}}", ERR_INVALID, "cpu_ms"},
        {"{'id': 'default'}", ERR_EXISTS, "default"},
        {"{'id': 'a', 'subdomain': 'DEFAULT'}", ERR_EXISTS, "default"},
    };
    json_t *row;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FAILS(add(rows[i].row, &row), rows[i].code, rows[i].part);
    FAILS(account_get(harness, "a", &row, &err), ERR_NOT_FOUND, "no account a");
}

Test(account, merges_changes)
{
    json_t *row;

    OK(add("{'id': 'a', 'name': 'A', 'limits': {'cpu_ms': 10, 'memory_mb': 64}}", &row));
    json_decref(row);
    OK(update("a", "{'limits': {'cpu_ms': null, 'subrequests': 5}, 'name': 'B'}", &row));
    EXPECT_JSON(json_object_get(row, "limits"), "{'memory_mb': 64, 'subrequests': 5}");
    cr_expect_str_eq(text_of(row, "name"), "B");
    cr_expect_str_eq(text_of(row, "subdomain"), "a");
    json_decref(row);
    OK(update("a", "{'subdomain': 'Other'}", &row));
    cr_expect_str_eq(text_of(row, "subdomain"), "other");
    json_decref(row);
    FAILS(update("a", "{'subdomain': 'default'}", &row), ERR_EXISTS, "another");
    FAILS(update("a", "{'subdomain': 1}", &row), ERR_INVALID, "subdomain");
    FAILS(update("a", "{'limits': {'memory_mb': 4097}}", &row), ERR_INVALID, "4096");
    FAILS(update("b", "{}", &row), ERR_NOT_FOUND, "no account b");
}

Test(account, is_deleted_without_workers)
{
    json_t *row;
    int64_t script;

    OK(add("{'id': 'a'}", &row));
    json_decref(row);
    script = harness_script("a", "worker");
    FAILS(account_delete(harness, "a", &err), ERR_EXISTS, "has workers");
    OK(script_delete(harness, script, &err));
    OK(account_delete(harness, "a", &err));
    FAILS(account_delete(harness, "a", &err), ERR_NOT_FOUND, "no account a");
    FAILS(account_delete(harness, "default", &err), ERR_INVALID, "stays");
}

Test(account, is_listed_in_the_order_of_making)
{
    json_t *row, *rows;

    OK(add("{'id': 'z'}", &row));
    json_decref(row);
    OK(add("{'id': 'a'}", &row));
    json_decref(row);
    OK(account_list(harness, 1, 10, &rows, &err));
    cr_expect_eq(json_array_size(rows), 2);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "id"), "z");
    json_decref(rows);
    OK(account_list(harness, 0, 1, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "id"), "default");
    json_decref(rows);
}
