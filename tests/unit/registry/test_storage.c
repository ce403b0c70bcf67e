/* registry/storage: rows of namespaces and databases, and the data that is to go with them. */
#include "registry_harness.h"

#include "registry/storage.h"

TestSuite(storage, .init = harness_make, .fini = harness_clean);

static int add(const char *text, json_t **ret)
{
    json_t *row = harness_json(text);
    int r = storage_add(harness, row, ret, &err);

    json_decref(row);
    return r;
}

/* Returns the id, returned owned. */
static char *added(const char *text)
{
    json_t *row;
    char *id;

    OK(add(text, &row));
    id = str_dup(str_from(text_of(row, "id")));
    json_decref(row);
    return id;
}

static size_t gone(void)
{
    json_t *rows;
    size_t rows_count;

    OK(storage_gone(harness, &rows, &err));
    rows_count = json_array_size(rows);
    json_decref(rows);
    return rows_count;
}

Test(storage, is_found_by_id_and_by_name)
{
    char *kv = added("{'account': 'default', 'kind': 'kv', 'name': 'cache'}");
    char *d1 = added("{'account': 'default', 'kind': 'd1', 'name': 'cache', 'settings': {'a': 1}}");
    json_t *row;
    char *store;

    cr_expect_eq(strlen(kv), 32);
    cr_expect_eq(strlen(d1), 36);
    harness_reopen();
    OK(storage_get(harness, "default", "d1", "cache", &row, &err));
    cr_expect_str_eq(text_of(row, "id"), d1);
    EXPECT_JSON(json_object_get(row, "settings"), "{'a': 1}");
    store = storage_store(row);
    cr_expect(str_starts(str_from(store), STR("default/d1/")));
    cr_expect(str_ends(str_from(store), str_from(d1)));
    free(store);
    json_decref(row);
    OK(storage_get(harness, "default", "kv", kv, &row, &err));
    cr_expect_str_eq(text_of(row, "name"), "cache");
    json_decref(row);
    FAILS(storage_get(harness, "default", "kv", d1, &row, &err), ERR_NOT_FOUND, d1);
    FAILS(storage_get(harness, "other", "kv", kv, &row, &err), ERR_NOT_FOUND, "other");
    free(kv);
    free(d1);
}

Test(storage, names_and_ids_are_taken_once)
{
    static const struct {
        const char *row, *words;
        int code;
    } cases[] = {
        {"{'account': 'default', 'kind': 'kv', 'name': 'a'}", "\"a\" is taken", ERR_EXISTS},
        {"{'account': 'default', 'kind': 'kv', 'name': 'b', 'id': 'one'}", "id one is taken",
         ERR_EXISTS},
        {"{'account': 'default', 'kind': 'kv', 'name': ''}", "1 to", ERR_INVALID},
        {"{'account': 'default', 'kind': 'kv'}", "1 to", ERR_INVALID},
        {"{'account': 'default', 'kind': 'kv', 'name': 'a\\u0007'}", "control", ERR_INVALID},
        {"{'account': 'default', 'kind': 'kv', 'name': 'x', 'id': '../x'}", "an id is",
         ERR_INVALID},
        {"{'account': 'default', 'kind': 'kv', 'name': 'x', 'id': ''}", "an id is", ERR_INVALID},
    };
    json_t *row;

    free(added("{'account': 'default', 'kind': 'kv', 'name': 'a', 'id': 'one'}"));
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        FAILS(add(cases[i].row, &row), cases[i].code, cases[i].words);
    free(added("{'account': 'default', 'kind': 'd1', 'name': 'a', 'id': 'one'}"));
    free(added("{'account': 'default', 'kind': 'kv', 'name': 'b', 'id': 'two'}"));
    FAILS(storage_rename(harness, "default", "kv", "two", "a", &err), ERR_EXISTS, "taken");
    FAILS(storage_rename(harness, "default", "kv", "two", "", &err), ERR_INVALID, "1 to");
    FAILS(storage_rename(harness, "default", "kv", "three", "c", &err), ERR_NOT_FOUND, "three");
    OK(storage_rename(harness, "default", "kv", "two", "c", &err));
    OK(storage_get(harness, "default", "kv", "c", &row, &err));
    json_decref(row);
}

Test(storage, is_listed_in_pages)
{
    struct storage_query query = {.account = "default", .kind = "kv", .offset = 1, .limit = 2};
    json_t *rows;
    size_t total;

    free(added("{'account': 'default', 'kind': 'kv', 'name': 'b'}"));
    free(added("{'account': 'default', 'kind': 'kv', 'name': 'a'}"));
    free(added("{'account': 'default', 'kind': 'kv', 'name': 'c'}"));
    OK(storage_list(harness, &query, &rows, &total, &err));
    cr_expect_eq(total, 3);
    cr_assert_eq(json_array_size(rows), 2);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "name"), "b");
    json_decref(rows);
    query = (struct storage_query){.account = "default", .kind = "kv", .name = "c", .limit = 9};
    OK(storage_list(harness, &query, &rows, &total, &err));
    cr_expect_eq(total, 1);
    cr_expect_eq(json_array_size(rows), 1);
    json_decref(rows);
    query.offset = 1;
    OK(storage_list(harness, &query, &rows, &total, &err));
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
}

Test(storage, is_found_by_name_whoever_has_it)
{
    json_t *row = harness_json("{'id': 'acme'}"), *rows;

    OK(account_add(harness, row, &rows, &err));
    json_decref(rows);
    json_decref(row);
    free(added("{'account': 'default', 'kind': 'r2', 'name': 'files'}"));
    free(added("{'account': 'acme', 'kind': 'r2', 'name': 'files', 'id': 'other'}"));
    free(added("{'account': 'acme', 'kind': 'r2', 'name': 'other', 'id': 'files'}"));
    free(added("{'account': 'acme', 'kind': 'kv', 'name': 'files'}"));
    OK(storage_named(harness, "r2", "files", &rows, &err));
    cr_assert_eq(json_array_size(rows), 2);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "account"), "acme");
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "id"), "other");
    cr_expect_str_eq(text_of(json_array_get(rows, 1), "account"), "default");
    json_decref(rows);
    OK(storage_named(harness, "r2", "none", &rows, &err));
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
}

Test(storage, what_is_deleted_leaves_its_data_to_be_removed)
{
    json_t *row, *rows;

    free(added("{'account': 'default', 'kind': 'kv', 'name': 'a', 'id': 'one'}"));
    OK(storage_delete(harness, "default", "kv", "one", &err));
    FAILS(storage_delete(harness, "default", "kv", "one", &err), ERR_NOT_FOUND, "one");
    harness_reopen();
    OK(storage_gone(harness, &rows, &err));
    cr_assert_eq(json_array_size(rows), 1);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "store"), "default/kv/one");
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "kind"), "kv");
    json_decref(rows);
    FAILS(add("{'account': 'default', 'kind': 'kv', 'name': 'a', 'id': 'one'}", &row), ERR_EXISTS,
          "being removed");
    OK(storage_forget(harness, "default/kv/one", &err));
    cr_expect_eq(gone(), 0);
    free(added("{'account': 'default', 'kind': 'kv', 'name': 'a', 'id': 'one'}"));
}

Test(storage, goes_with_its_account)
{
    json_t *row = harness_json("{'id': 'acme'}"), *account;

    OK(account_add(harness, row, &account, &err));
    json_decref(account);
    json_decref(row);
    free(added("{'account': 'acme', 'kind': 'd1', 'name': 'a', 'id': 'one'}"));
    free(added("{'account': 'acme', 'kind': 'kv', 'name': 'a', 'id': 'one'}"));
    OK(account_delete(harness, "acme", &err));
    cr_expect_eq(gone(), 2);
    FAILS(storage_get(harness, "acme", "kv", "one", &row, &err), ERR_NOT_FOUND, "one");
}

Test(storage, knows_who_uses_it)
{
    int64_t a = harness_script("default", "a");
    json_t *row = harness_json("{'bindings': [{'name': 'KV', 'type': 'kv_namespace', "
                               "'namespace_id': 'one'}]}"),
           *version, *ids;
    struct script_version_contents contents = {STR_NONE, STR_NONE};

    harness_script("default", "b");
    OK(script_version_add(harness, a, &(struct script_version_draft){row, NULL, &contents},
                          &version, &err));
    OK(storage_users(harness, "default", "one", &ids, &err));
    cr_assert_eq(json_array_size(ids), 1);
    cr_expect_eq(json_integer_value(json_array_get(ids, 0)), a);
    json_decref(ids);
    OK(storage_users(harness, "default", "on", &ids, &err));
    cr_expect_eq(json_array_size(ids), 0);
    json_decref(ids);
    json_decref(version);
    json_decref(row);
}
