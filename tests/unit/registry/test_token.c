/* registry/token: secrets, scopes, expiry. */
#include "registry_harness.h"

#include "registry/token.h"

TestSuite(token, .init = harness_make, .fini = harness_clean);

static int add(const char *text, const char *secret, char **ret_secret, json_t **ret)
{
    json_t *row = harness_json(text);
    int r = token_add(harness, row, secret, ret_secret, ret, &err);

    json_decref(row);
    return r;
}

#define ALL "{'name': 'admin', 'scopes': ['*:write']}"

Test(token, is_found_by_its_secret)
{
    char *secret, *path = harness_path("registry.db-wal");
    json_t *made, *row, *again;
    struct buf bytes;

    OK(add(ALL, NULL, &secret, &made));
    cr_expect(str_starts(str_from(secret), STR("atoll_")));
    cr_expect_eq(strlen(secret), 6 + 43);
    cr_expect_eq(number_of(made, "used_ms"), 0);
    cr_expect(json_is_null(json_object_get(made, "account")));
    harness_reopen();
    OK(token_find(harness, str_from(secret), &row, &err));
    cr_expect_str_eq(text_of(row, "id"), text_of(made, "id"));
    cr_expect_gt(number_of(row, "used_ms"), 0);
    OK(token_find(harness, str_from(secret), &again, &err));
    cr_expect(json_equal(row, again));
    buf_init(&bytes, 16 << 20);
    OK(file_read(path, &bytes, &err));
    cr_expect_not(memmem(bytes.ptr, bytes.len, secret, strlen(secret)));
    buf_done(&bytes);
    OK(token_delete(harness, text_of(made, "id"), &err));
    FAILS(token_delete(harness, text_of(made, "id"), &err), ERR_NOT_FOUND, "no token");
    cr_expect_eq(token_find(harness, str_from(secret), &row, &err), ERR_NOT_FOUND);
    json_decref(made);
    json_decref(row);
    json_decref(again);
    free(secret);
    free(path);
}

Test(token, is_found_by_its_id_with_what_signs)
{
    json_t *row = json_pack("{s:s, s:[s]}", "name", "s3", "scopes", "storage:read");
    json_t *made, *found, *none;
    unsigned char hash[OPAQUE_HASH_BYTES], wanted[OPAQUE_HASH_BYTES];
    int64_t before;
    char *secret;

    OK(token_add(harness, row, NULL, &secret, &made, &err));
    opaque_hash(str_from(secret), wanted);
    OK(token_find_id(harness, text_of(made, "id"), hash, &found, &err));
    cr_expect_arr_eq(hash, wanted, sizeof hash);
    cr_expect_str_eq(text_of(found, "name"), "s3");
    FAILS(token_find_id(harness, "none", hash, &none, &err), ERR_NOT_FOUND, "not valid");
    before = registry_changes(harness);
    OK(token_delete(harness, text_of(made, "id"), &err));
    cr_expect_gt(registry_changes(harness), before);
    FAILS(token_find_id(harness, text_of(made, "id"), hash, &none, &err), ERR_NOT_FOUND,
          "not valid");
    json_decref(row);
    json_decref(made);
    json_decref(found);
    free(secret);
}

Test(token, is_not_found_by_another)
{
    static char long_one[TOKEN_BYTES_MAX + 1];
    str rows[] = {STR(""),        STR("secret"),    STR("secret-12"), STR("Secret-1"),
                  STR("secret-1 "), {"secret-1", 9}, {long_one, sizeof long_one}};
    json_t *row;

    OK(add(ALL, "secret-1", NULL, &row));
    json_decref(row);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(token_find(harness, rows[i], &row, &err), ERR_NOT_FOUND, "%zu", i);
    OK(token_find(harness, STR("secret-1"), &row, &err));
    json_decref(row);
    FAILS(add(ALL, "secret-1", NULL, &row), ERR_EXISTS, "secret");
}

Test(token, expires)
{
    json_t *row;

    OK(add("{'name': 'n', 'scopes': ['*:read'], 'expires_ms': 1}", "old", NULL, &row));
    json_decref(row);
    OK(add("{'name': 'n', 'scopes': ['*:read'], 'expires_ms': 99999999999999}", "new", NULL, &row));
    json_decref(row);
    FAILS(token_find(harness, STR("old"), &row, &err), ERR_NOT_FOUND, "expired");
    OK(token_find(harness, STR("new"), &row, &err));
    json_decref(row);
}

Test(token, refuses_what_cannot_be)
{
    static const struct {
        const char *row, *secret;
        int code;
        const char *part;
    } rows[] = {
        {"{'scopes': ['*:read']}", "s", ERR_INVALID, "name"},
        {"{'name': 'n'}", "s", ERR_INVALID, "scopes"},
        {"{'name': 'n', 'scopes': []}", "s", ERR_INVALID, "scopes"},
        {"{'name': 'n', 'scopes': ['worker']}", "s", ERR_INVALID, "scope 1"},
        {"{'name': 'n', 'scopes': ['*:read', 'worker:delete']}", "s", ERR_INVALID, "scope 2"},
        {"{'name': 'n', 'scopes': ['nothing:read']}", "s", ERR_INVALID, "scope 1"},
        {"{'name': 'n', 'scopes': [1]}", "s", ERR_INVALID, "scope 1"},
        {"{'name': 'n', 'scopes': ['*:read'], 'expires_ms': 'x'}", "s", ERR_INVALID, "expires_ms"},
        {"{'name': 'n', 'scopes': ['*:read'], 'account': 1}", "s", ERR_INVALID, "account"},
        {"{'name': 'n', 'scopes': ['*:read'], 'account': 'nobody'}", "s", ERR_NOT_FOUND, "nobody"},
        {ALL, "", ERR_INVALID, "visible"},
        {ALL, "a b", ERR_INVALID, "visible"},
        {ALL, "\xC3\xA4", ERR_INVALID, "visible"},
    };
    json_t *row;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FAILS(add(rows[i].row, rows[i].secret, NULL, &row), rows[i].code, rows[i].part);
    OK(token_list(harness, NULL, &row, &err));
    cr_expect_eq(json_array_size(row), 0);
    json_decref(row);
}

Test(token, allows_what_its_scopes_say)
{
    static const struct {
        const char *row, *account, *need;
        bool is_allowed;
    } rows[] = {
        {"{'account': null, 'scopes': ['*:write']}", "a", "worker:write", true},
        {"{'account': null, 'scopes': ['*:write']}", NULL, "server:write", true},
        {"{'account': null, 'scopes': ['*:read']}", "a", "worker:read", true},
        {"{'account': null, 'scopes': ['*:read']}", "a", "worker:write", false},
        {"{'account': 'a', 'scopes': ['*:write']}", "a", "worker:write", true},
        {"{'account': 'a', 'scopes': ['*:write']}", "b", "worker:read", false},
        {"{'account': 'a', 'scopes': ['*:write']}", NULL, "server:read", false},
        {"{'account': 'a', 'scopes': ['tail:read', 'worker:write']}", "a", "worker:read", true},
        {"{'account': 'a', 'scopes': ['tail:read', 'worker:write']}", "a", "tail:write", false},
        {"{'account': 'a', 'scopes': ['worker:write']}", "a", "secret:read", false},
        {"{'account': 'a', 'scopes': ['worker:write']}", "a", "worker:everything", false},
        {"{'account': 'a', 'scopes': ['worker:write']}", "a", "", false},
        {"{'account': 'a', 'scopes': []}", "a", "worker:read", false},
        {"{}", "a", "worker:read", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *row = harness_json(rows[i].row);

        cr_expect_eq(token_allows(row, rows[i].account, rows[i].need), rows[i].is_allowed, "%zu",
                     i);
        json_decref(row);
    }
}

Test(token, is_listed_by_account_and_goes_with_it)
{
    json_t *account = harness_json("{'id': 'a'}"), *row, *rows;

    OK(account_add(harness, account, &row, &err));
    json_decref(row);
    OK(add("{'name': 'n', 'scopes': ['*:read'], 'account': 'a'}", "one", NULL, &row));
    json_decref(row);
    OK(add(ALL, "two", NULL, &row));
    json_decref(row);
    OK(token_list(harness, "a", &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "name"), "n");
    json_decref(rows);
    OK(account_delete(harness, "a", &err));
    OK(token_list(harness, NULL, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    json_decref(rows);
    json_decref(account);
}
