/* registry/script: names, settings, lists. */
#include "registry_harness.h"

#include "registry/schedule.h"

TestSuite(script, .init = harness_make, .fini = harness_clean);

static int update(int64_t id, const char *text, json_t **ret)
{
    json_t *changes = harness_json(text);
    int r = script_update(harness, id, changes, ret, &err);

    json_decref(changes);
    return r;
}

Test(script, has_a_name_that_a_host_can_have)
{
    static const struct {
        const char *name;
        int code;
    } rows[] = {
        {"a", 0},
        {"my-worker_1", 0},
        {"_a", 0},
        {"a23456789012345678901234567890123456789012345678901234567890123", 0},
        {"a234567890123456789012345678901234567890123456789012345678901234", ERR_INVALID},
        {"", ERR_INVALID},
        {"-a", ERR_INVALID},
        {"A", ERR_INVALID},
        {"a.b", ERR_INVALID},
        {"a/b", ERR_INVALID},
        {"\xC3\xA4", ERR_INVALID},
    };
    json_t *row;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect_eq(script_ensure(harness, "default", rows[i].name, &row, &err), rows[i].code,
                     "%s", rows[i].name);
        if (rows[i].code == 0)
            json_decref(row);
    }
    FAILS(script_ensure(harness, "nobody", "a", &row, &err), ERR_NOT_FOUND, "nobody");
}

Test(script, is_made_once)
{
    json_t *row, *again;
    int64_t id;

    OK(script_ensure(harness, "default", "a", &row, &err));
    OK(script_ensure(harness, "default", "a", &again, &err));
    cr_expect(json_equal(row, again));
    cr_expect_str_eq(text_of(row, "key"), "default/a");
    cr_expect_eq(strlen(text_of(row, "tag")), 32);
    cr_expect(json_is_true(json_object_get(row, "workers_dev")));
    cr_expect(json_is_null(json_object_get(row, "migration_tag")));
    EXPECT_JSON(json_object_get(row, "settings"), "{}");
    id = number_of(row, "id");
    json_decref(row);
    json_decref(again);
    OK(script_find(harness, "default", "a", &row, &err));
    cr_expect_eq(number_of(row, "id"), id);
    json_decref(row);
    OK(script_get(harness, id, &row, &err));
    json_decref(row);
    FAILS(script_find(harness, "default", "b", &row, &err), ERR_NOT_FOUND, "\"b\"");
    FAILS(script_get(harness, id + 1, &row, &err), ERR_NOT_FOUND, "number");
}

Test(script, merges_settings_by_their_keys)
{
    int64_t id = harness_script("default", "a");
    json_t *row;

    OK(update(id, "{'settings': {'tags': ['x'], 'logpush': true, 'limits': {'cpu_ms': 9}}}", &row));
    json_decref(row);
    OK(update(id,
              "{'workers_dev': false, 'previews': true, 'migration_tag': 'v1', 'settings': "
              "{'tags': null, 'limits': {'memory_mb': 64}, 'min_instances': 2}}",
              &row));
    EXPECT_JSON(json_object_get(row, "settings"),
                "{'logpush': true, 'limits': {'cpu_ms': 9, 'memory_mb': 64}, 'min_instances': 2}");
    cr_expect(json_is_false(json_object_get(row, "workers_dev")));
    cr_expect(json_is_true(json_object_get(row, "previews")));
    cr_expect_str_eq(text_of(row, "migration_tag"), "v1");
    json_decref(row);
    OK(update(id, "{'migration_tag': null}", &row));
    cr_expect(json_is_null(json_object_get(row, "migration_tag")));
    cr_expect(json_is_true(json_object_get(row, "previews")));
    json_decref(row);
    OK(script_list_kept(harness, &row, &err));
    cr_expect_eq(json_array_size(row), 1);
    cr_expect_eq(json_integer_value(json_array_get(row, 0)), id);
    json_decref(row);
    OK(update(id, "{'settings': {'min_instances': null, 'limits': {'cpu_ms': null}}}", &row));
    EXPECT_JSON(json_object_get(row, "settings"), "{'logpush': true, 'limits': {'memory_mb': 64}}");
    json_decref(row);
    OK(script_list_kept(harness, &row, &err));
    cr_expect_eq(json_array_size(row), 0);
    json_decref(row);
}

Test(script, refuses_settings_that_cannot_be)
{
    static const struct {
        const char *changes;
        int code;
        const char *part;
    } rows[] = {
        {"{'settings': 1}", ERR_INVALID, "an object"},
        {"{'settings': {'limits': {'cpu_ms': -1}}}", ERR_INVALID, "cpu_ms"},
        {"{'settings': {'limits': []}}", ERR_INVALID, "limits"},
        {"{'settings': {'min_instances': -1}}", ERR_INVALID, "min_instances"},
        {"{'settings': {'min_instances': 1001}}", ERR_INVALID, "min_instances"},
        {"{'migration_tag': 1}", ERR_INVALID, "migration_tag"},
    };
    int64_t id = harness_script("default", "a");
    char *text;
    json_t *row;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FAILS(update(id, rows[i].changes, &row), rows[i].code, rows[i].part);
    cr_assert_gt(asprintf(&text, "{'settings': {'x': '%0*d'}}", 70000, 0), 0);
    FAILS(update(id, text, &row), ERR_LIMIT, "65536");
    FAILS(update(id + 1, "{}", &row), ERR_NOT_FOUND, "number");
    free(text);
}

Test(script, goes_with_all_that_belongs_to_it)
{
    int64_t id = harness_script("default", "a");
    json_t *crons = harness_json("['* * * * *']"), *row, *rows;
    char version[37];

    harness_version(id, "part", "module", version);
    OK(schedule_replace(harness, id, crons, &row, &err));
    json_decref(row);
    OK(script_delete(harness, id, &err));
    FAILS(script_delete(harness, id, &err), ERR_NOT_FOUND, "number");
    FAILS(script_version_get(harness, id, version, &row, &err), ERR_NOT_FOUND, "version");
    OK(schedule_list(harness, 0, &rows, &err));
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
    cr_expect_neq(harness_script("default", "a"), id);
    json_decref(crons);
}

Test(script, is_listed_by_name)
{
    json_t *rows, *row, *account = harness_json("{'id': 'other'}");

    OK(account_add(harness, account, &row, &err));
    json_decref(row);
    harness_script("other", "a");
    harness_script("default", "c");
    harness_script("default", "b");
    OK(script_list(harness, "default", 0, 10, &rows, &err));
    cr_expect_eq(json_array_size(rows), 2);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "name"), "b");
    json_decref(rows);
    OK(script_list(harness, NULL, 2, 1, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "key"), "other/a");
    json_decref(rows);
    json_decref(account);
}
