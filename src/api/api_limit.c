/* What the operator lets an account or a worker use: overrides of base/limits.h. A number is set, a
 * null goes back to the default, what is not named stays. */
#include "api/call.h"
#include "api/tables.h"
#include "base/limits.h"
#include "base/member.h"
#include "registry/account.h"
#include "registry/script.h"
#include "registry/token.h"

enum { SCRIPTS_AT_ONCE = 500 };

static bool is_operator(struct call *call)
{
    if (token_allows(call_token(call), NULL, "server:write"))
        return true;
    call_fail(call, 403, 9109,
              "Limits are changed by the operator: with the scope "
              "\"server:write\" of a token for all accounts.");
    return false;
}

static json_t *default_limits(void)
{
    json_t *result = json_object();

    for (const struct limits_row *row = limits_rows; row->key; row++)
        json_object_set_new(result, row->key, json_integer((json_int_t)row->normal));
    return result;
}

/* {overrides, account?, defaults}; overrides and account are borrowed, NULL for none. */
static json_t *limits_json(json_t *overrides, json_t *account)
{
    json_t *result = json_pack("{s:o, s:o}", "overrides",
                               overrides ? json_incref(overrides) : json_object(), "defaults",
                               default_limits());

    if (account)
        json_object_set(result, "account", account);
    return result;
}

/* ---- of an account ---- */

static void answer_account(struct call *call, int r, json_t *row, const struct err *err)
{
    if (r < 0) {
        call_fail_err(call, 0, err);
        return;
    }
    call_ok(call, limits_json(json_object_get(row, "limits"), NULL));
    json_decref(row);
}

static void get_account(struct call *call)
{
    struct err err = {0};
    json_t *row = NULL;
    int r = account_get(call_registry(call), call_account(call), &row, &err);

    answer_account(call, r, row, &err);
}

static void on_told(void *arg)
{
    (void)arg;
}

/* Every worker of the account runs under other limits now. */
static void tell_all(struct call *call)
{
    const struct platform *platform = call_platform(call);
    struct err err = {0};
    json_t *rows;
    size_t count = SCRIPTS_AT_ONCE, index;
    const json_t *row;

    for (size_t offset = 0; count == SCRIPTS_AT_ONCE; offset += count) {
        if (script_list(call_registry(call), call_account(call), offset, SCRIPTS_AT_ONCE, &rows,
                        &err) < 0)
            return;
        count = json_array_size(rows);
        json_array_foreach(rows, index, row)
            platform->deployed(platform->context, member_int(row, "id"), on_told, NULL);
        json_decref(rows);
    }
}

static void patch_account(struct call *call)
{
    const json_t *body = is_operator(call) ? call_json(call) : NULL;
    struct err err = {0};
    json_t *changes, *row = NULL;
    int r;

    if (!body)
        return;
    changes = json_pack("{s:O}", "limits", body);
    call_audit(call, NULL, json_incref(changes));
    r = account_update(call_registry(call), call_account(call), changes, &row, &err);
    json_decref(changes);
    if (r == 0)
        tell_all(call);
    answer_account(call, r, row, &err);
}

/* ---- of a worker ---- */

/* `script` is its row, as it is now. */
static void answer_script(struct call *call, const json_t *script)
{
    struct err err = {0};
    json_t *account;

    if (account_get(call_registry(call), call_account(call), &account, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    call_ok(call, limits_json(json_object_get(json_object_get(script, "settings"), "limits"),
                              json_object_get(account, "limits")));
    json_decref(account);
}

static void get_script(struct call *call)
{
    const json_t *script = call_script(call);

    if (script)
        answer_script(call, script);
}

static void on_script_told(void *arg)
{
    struct call *call = arg;
    struct err err = {0};
    json_t *row;

    if (script_find(call_registry(call), call_account(call), call_param(call, "script"), &row,
                    &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    answer_script(call, row);
    json_decref(row);
}

static void patch_script(struct call *call)
{
    const struct platform *platform = call_platform(call);
    const json_t *script = is_operator(call) ? call_script(call) : NULL;
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};
    json_t *changes, *row;
    int r;

    if (!body)
        return;
    if (json_object_get(body, "storage_bytes")) {
        call_fail(call, 400, 10001,
                  "\"storage_bytes\" bounds what an account stores: a worker has none of its own");
        return;
    }
    changes = json_pack("{s:{s:O}}", "settings", "limits", body);
    r = script_update(call_registry(call), member_int(script, "id"), changes, &row, &err);
    call_audit(call, NULL, changes);
    if (r < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    json_decref(row);
    platform->deployed(platform->context, member_int(script, "id"), on_script_told, call);
}

#define OF_ACCOUNT "/accounts/:account/workers/limits"
#define OF_SCRIPT "/accounts/:account/workers/scripts/:script/limits"

const struct call_route api_limit_routes[] = {
    {"GET",   OF_ACCOUNT, "account:read",  get_account,   NULL},
    {"PATCH", OF_ACCOUNT, "account:write", patch_account, "account.limits"},
    {"GET",   OF_SCRIPT,  "worker:read",   get_script,    NULL},
    {"PATCH", OF_SCRIPT,  "worker:write",  patch_script,  "worker.limits"},
    {0},
};
