/* registry/grant: logins, their tokens, their end. */
#include "registry_harness.h"

#include "os/clock.h"
#include "registry/account.h"
#include "registry/grant.h"
#include "registry/opaque.h"
#include "registry/registry_private.h"
#include "registry/token.h"

static json_t *proof;   /* the API token's row */

static void setup(void)
{
    json_t *row = harness_json("{'name': 'admin', 'scopes': ['*:write']}");

    harness_make();
    OK(token_add(harness, row, "the-admin", NULL, &proof, &err));
    json_decref(row);
}

static void teardown(void)
{
    json_decref(proof);
    harness_clean();
}

TestSuite(grant, .init = setup, .fini = teardown);

static int add_for(const char *account, struct grant_secrets *secrets, json_t **ret)
{
    json_t *row = json_pack("{s:O, s:s?, s:s, s:s, s:[s], s:s}", "token",
                            json_object_get(proof, "id"), "account", account, "client", "wrangler",
                            "name", "wrangler login", "scopes", "worker:write", "scope",
                            "workers:write d1:write");
    int r = grant_add(harness, row, secrets, ret, &err);

    json_decref(row);
    return r;
}

static json_t *add(struct grant_secrets *secrets)
{
    json_t *grant;

    OK(add_for("default", secrets, &grant));
    return grant;
}

static int use(const char *secret, struct grant_secrets *ret)
{
    json_t *grant;
    int r = grant_find(harness, str_from(secret), &grant, &err);

    if (r < 0)
        return r;
    r = grant_refresh(harness, grant, str_from(secret), ret, &err);
    json_decref(grant);
    return r;
}

static bool works(const char *access)
{
    json_t *row;

    if (token_find(harness, str_from(access), &row, &err) < 0)
        return false;
    json_decref(row);
    return true;
}

static size_t count(const char *account)
{
    json_t *rows;
    size_t result;

    OK(grant_list(harness, account, &rows, &err));
    result = json_array_size(rows);
    json_decref(rows);
    return result;
}

static void run(const char *sql)
{
    cr_assert_eq(sqlite3_exec(db_connection(harness->db), sql, NULL, NULL, NULL), SQLITE_OK, "%s",
                 sql);
}

Test(grant, gives_a_token_of_its_own)
{
    struct grant_secrets secrets;
    json_t *grant = add(&secrets), *token, *again, *tokens;

    cr_expect_str_eq(text_of(grant, "client"), "wrangler");
    cr_expect_str_eq(text_of(grant, "scope"), "workers:write d1:write");
    cr_expect_eq(secrets.access_ms, GRANT_ACCESS_MS);
    OK(token_find(harness, str_from(secrets.access), &token, &err));
    cr_expect_str_eq(text_of(token, "grant"), text_of(grant, "id"));
    cr_expect_str_eq(text_of(token, "account"), "default");
    cr_expect(token_allows(token, "default", "worker:write"));
    cr_expect_not(token_allows(token, "default", "token:read"));
    OK(grant_find(harness, str_from(secrets.access), &again, &err));
    cr_expect_str_eq(text_of(again, "id"), text_of(grant, "id"));
    cr_expect_gt(number_of(again, "used_ms"), 0);
    OK(token_list(harness, NULL, &tokens, &err));
    cr_expect_eq(json_array_size(tokens), 1, "tokens of logins are not in the list");
    FAILS(grant_find(harness, STR("the-admin"), &again, &err), ERR_NOT_FOUND, "login");
    json_decref(tokens);
    json_decref(again);
    json_decref(token);
    json_decref(grant);
    grant_secrets_done(&secrets);
}

Test(grant, survives_and_hides_its_secrets)
{
    struct grant_secrets secrets, next;
    char *path = harness_path("registry.db");
    struct buf bytes;

    json_decref(add(&secrets));
    harness_reopen();
    buf_init(&bytes, 16 << 20);
    OK(file_read(path, &bytes, &err));
    cr_expect_not(memmem(bytes.ptr, bytes.len, secrets.refresh, strlen(secrets.refresh)));
    cr_expect_not(memmem(bytes.ptr, bytes.len, secrets.access, strlen(secrets.access)));
    cr_expect_not(memmem(bytes.ptr, bytes.len, secrets.refresh + 14, OPAQUE_RANDOM_CHARS));
    OK(use(secrets.refresh, &next));
    buf_done(&bytes);
    free(path);
    grant_secrets_done(&secrets);
    grant_secrets_done(&next);
}

Test(grant, a_refresh_token_is_replaced)
{
    struct grant_secrets first, second, twin, third, none;

    json_decref(add(&first));
    OK(use(first.refresh, &second));
    cr_expect_str_neq(first.refresh, second.refresh);
    cr_expect_str_neq(first.access, second.access);
    cr_expect(works(first.access) && works(second.access));
    OK(use(first.refresh, &twin));
    cr_expect_str_eq(twin.refresh, second.refresh, "two commands at once get the same");
    cr_expect_str_neq(twin.access, second.access);
    OK(use(second.refresh, &third));
    FAILS(use(first.refresh, &none), ERR_DENIED, "copied");
    cr_expect_not(works(first.access) || works(third.access));
    cr_expect_eq(use(third.refresh, &none), ERR_NOT_FOUND);
    cr_expect_eq(count(NULL), 0);
    grant_secrets_done(&first);
    grant_secrets_done(&second);
    grant_secrets_done(&twin);
    grant_secrets_done(&third);
}

Test(grant, the_grace_has_an_end)
{
    struct grant_secrets first, second, none;

    json_decref(add(&first));
    OK(use(first.refresh, &second));
    run("UPDATE oauth_grant SET rotated_ms = rotated_ms - 60001");
    FAILS(use(first.refresh, &none), ERR_DENIED, "copied");
    cr_expect_not(works(second.access));
    grant_secrets_done(&first);
    grant_secrets_done(&second);
}

Test(grant, secrets_that_are_none_find_nothing)
{
    struct grant_secrets secrets, none;
    json_t *grant = add(&secrets), *found;
    size_t len = strlen(secrets.refresh);
    char *text = str_dup(str_from(secrets.refresh));

    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] == 'x' ? 'y' : 'x';
        if (i < len - OPAQUE_RANDOM_CHARS)
            cr_expect_eq(grant_find(harness, str_from(text), &found, &err), ERR_NOT_FOUND, "%zu",
                         i);
        text[i] = secrets.refresh[i];
        cr_expect_eq(grant_find(harness, (str){text, i}, &found, &err), ERR_NOT_FOUND, "%zu", i);
    }
    FAILS(grant_refresh(harness, grant, str_from(secrets.access), &none, &err), ERR_NOT_FOUND,
          "refresh");
    json_decref(grant);
    free(text);
    grant_secrets_done(&secrets);
}

Test(grant, ends_by_itself)
{
    struct grant_secrets secrets, none, unused;
    json_t *found;

    json_decref(add(&secrets));
    run("UPDATE token SET expires_ms = 1 WHERE grant_id IS NOT NULL");
    cr_expect_not(works(secrets.access));
    cr_expect_eq(count("default"), 1);
    run("UPDATE oauth_grant SET expires_ms = 1");
    cr_expect_eq(count("default"), 0);
    cr_expect_eq(use(secrets.refresh, &none), ERR_NOT_FOUND);
    cr_expect_eq(grant_find(harness, str_from(secrets.refresh), &found, &err), ERR_NOT_FOUND);
    json_decref(add(&unused));
    grant_secrets_done(&secrets);
    grant_secrets_done(&unused);
}

Test(grant, ends_with_what_it_stands_on)
{
    struct grant_secrets of_account, of_token, none;
    json_t *account, *row = harness_json("{'id': 'shop'}"), *grant;

    OK(account_add(harness, row, &account, &err));
    OK(add_for("shop", &of_account, &grant));
    json_decref(grant);
    json_decref(add(&of_token));
    cr_expect_eq(count("shop"), 1);
    cr_expect_eq(count(NULL), 2);
    OK(account_delete(harness, "shop", &err));
    cr_expect_not(works(of_account.access));
    cr_expect(works(of_token.access));
    OK(token_delete(harness, text_of(proof, "id"), &err));
    cr_expect_not(works(of_token.access));
    cr_expect_eq(use(of_token.refresh, &none), ERR_NOT_FOUND);
    FAILS(add_for(NULL, &none, &grant), ERR_NOT_FOUND, "API token");
    json_decref(row);
    json_decref(account);
    grant_secrets_done(&of_account);
    grant_secrets_done(&of_token);
}

Test(grant, lasts_no_longer_than_its_proof)
{
    struct grant_secrets secrets, next, none;
    json_t *grant;

    run("UPDATE token SET expires_ms = CAST(strftime('%s', 'now') AS INTEGER) * 1000 + 1800000");
    grant = add(&secrets);
    cr_expect_leq(secrets.access_ms, 1800000);
    cr_expect_gt(secrets.access_ms, 1700000);
    cr_expect_leq(number_of(grant, "expires_ms"), clock_wall_ms() + 1800000);
    OK(use(secrets.refresh, &next));
    cr_expect_leq(next.access_ms, 1800000);
    run("UPDATE token SET expires_ms = 1 WHERE grant_id IS NULL");
    FAILS(use(next.refresh, &none), ERR_NOT_FOUND, "API token");
    json_decref(grant);
    grant_secrets_done(&secrets);
    grant_secrets_done(&next);
}

Test(grant, is_deleted)
{
    struct grant_secrets secrets, none;
    json_t *grant = add(&secrets);

    OK(grant_delete(harness, text_of(grant, "id"), &err));
    FAILS(grant_delete(harness, text_of(grant, "id"), &err), ERR_NOT_FOUND, "no grant");
    cr_expect_not(works(secrets.access));
    cr_expect_eq(use(secrets.refresh, &none), ERR_NOT_FOUND);
    FAILS(grant_refresh(harness, grant, str_from(secrets.refresh), &none, &err), ERR_NOT_FOUND,
          "no grant");
    json_decref(grant);
    grant_secrets_done(&secrets);
}

Test(grant, has_limits)
{
    struct grant_secrets first, last = {0}, next = {0}, none;
    json_t *grant;

    json_decref(add(&first));
    run("UPDATE oauth_grant SET rotated_ms = rotated_ms - 1000");
    for (int i = 0; i < GRANT_COUNT_MAX; i++) {
        grant_secrets_done(&last);
        json_decref(add(&last));
    }
    cr_expect_eq(count(NULL), GRANT_COUNT_MAX);
    cr_expect_eq(use(first.refresh, &none), ERR_NOT_FOUND, "unused for longest");
    grant_secrets_done(&first);
    OK(use(last.refresh, &first));
    for (int i = 0; i < GRANT_ACCESS_MAX; i++) {
        grant_secrets_done(&next);
        OK(use(last.refresh, &next));
    }
    cr_expect_not(works(first.access));
    cr_expect(works(next.access));
    FAILS(add_for("nobody", &none, &grant), ERR_NOT_FOUND, "no account");
    grant_secrets_done(&first);
    grant_secrets_done(&last);
    grant_secrets_done(&next);
}
