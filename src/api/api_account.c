/* Accounts: those a token may see, and for the operator the making and ending of them. */
#include "api/call.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/account.h"
#include "registry/distribution.h"
#include "registry/token.h"

static json_t *account_json(const json_t *row)
{
    return json_pack("{s:O, s:O, s:s, s:O?, s:O?, s:o, s:{s:b}}", "id", json_object_get(row, "id"),
                     "name", json_object_get(row, "name"), "type", "standard", "subdomain",
                     json_object_get(row, "subdomain"), "limits", json_object_get(row, "limits"),
                     "created_on", call_time(member_int(row, "created_ms")), "settings",
                     "enforce_twofactor", 0);
}

static json_t *membership_json(const json_t *account)
{
    return json_pack("{s:O, s:s, s:s, s:O, s:[s], s:{}}", "id", json_object_get(account, "id"),
                     "code", "", "status", "accepted", "account", account, "roles", "Administrator",
                     "permissions");
}

/* The accounts the token may see from the offset on. */
static int find_accounts(struct call *call, size_t offset, size_t limit, json_t **ret,
                         struct err *err)
{
    const char *own = member_text(call_token(call), "account");
    json_t *row;
    int r;

    if (!own)
        return account_list(call_registry(call), offset, limit, ret, err);
    *ret = json_array();
    if (offset)
        return 0;
    r = account_get(call_registry(call), own, &row, err);
    if (r < 0)
        json_decref(*ret);
    else
        json_array_append_new(*ret, row);
    return r;
}

static void list_as(struct call *call, json_t *(*make)(const json_t *account))
{
    struct err err = {0};
    size_t offset, limit, index;
    json_t *rows, *result;
    const json_t *row;

    call_page(call, &offset, &limit);
    if (find_accounts(call, offset, limit, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    result = json_array();
    json_array_foreach(rows, index, row) {
        json_t *account = account_json(row);
        json_array_append_new(result, make(account));
        json_decref(account);
    }
    json_decref(rows);
    call_ok_info(call, result, shape_page(offset, limit, json_array_size(result)));
}

static json_t *itself(const json_t *account)
{
    return json_incref((json_t *)account);
}

static void list(struct call *call)
{
    list_as(call, itself);
}

static void memberships(struct call *call)
{
    list_as(call, membership_json);
}

static void answer_account(struct call *call, int r, json_t *row, const struct err *err)
{
    if (r < 0) {
        call_fail_err(call, 0, err);
        return;
    }
    call_audit(call, member_text(row, "id"), NULL);
    call_ok(call, account_json(row));
    json_decref(row);
}

static void get(struct call *call)
{
    struct err err = {0};
    json_t *row = NULL;
    int r = account_get(call_registry(call), call_account(call), &row, &err);

    answer_account(call, r, row, &err);
}

/* The members of a body that are an account's. Returned owned. */
static json_t *members_of(const json_t *body)
{
    static const char *const keys[] = {"id", "name", "subdomain", "limits"};
    json_t *result = json_object();

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        json_t *value = json_object_get(body, keys[i]);
        if (value)
            json_object_set(result, keys[i], value);
    }
    return result;
}

static void create(struct call *call)
{
    const json_t *body = call_json(call);
    struct err err = {0};
    json_t *members, *row = NULL;
    int r;

    if (!body)
        return;
    if (!member_text(body, "name")) {
        call_fail(call, 400, 10001,
                  "The body is {\"name\": NAME, \"id\"?, \"subdomain\"?, "
                  "\"limits\"?}.");
        return;
    }
    members = members_of(body);
    r = account_add(call_registry(call), members, &row, &err);
    json_decref(members);
    answer_account(call, r, row, &err);
}

/* Only the operator changes limits, whatever an account's own token may do. */
static bool may_change(struct call *call, const json_t *members)
{
    if (!json_object_get(members, "limits") || token_allows(call_token(call), NULL, "server:write"))
        return true;
    call_fail(call, 403, 9109,
              "Limits are changed by the operator: with the scope "
              "\"server:write\" of a token for all accounts.");
    return false;
}

static void update(struct call *call)
{
    const json_t *body = call_json(call);
    struct err err = {0};
    json_t *members, *row = NULL;
    int r;

    if (!body)
        return;
    members = members_of(body);
    json_object_del(members, "id");
    if (may_change(call, members)) {
        call_audit(call, NULL, json_incref(members));
        r = account_update(call_registry(call), call_account(call), members, &row, &err);
        if (r == 0)
            call_platform(call)->routes_changed(call_platform(call)->context);
        answer_account(call, r, row, &err);
    }
    json_decref(members);
}

static void on_told(void *arg)
{
    (void)arg;
}

/* Its buckets went along, and what was published of them. */
static void tell_published(struct call *call, const json_t *rows)
{
    const struct platform *platform = call_platform(call);
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)rows, i, row)
        platform->published(platform->context, call_account(call), member_text(row, "bucket"),
                            on_told, NULL);
}

static void delete (struct call *call)
{
    const char *id = call_account(call);
    struct err err = {0};
    json_t *published;

    if (!token_allows(call_token(call), NULL, "server:write")) {
        call_fail(call, 403, 9109,
                  "Accounts are deleted by the operator: with the scope "
                  "\"server:write\" of a token for all accounts.");
        return;
    }
    call_audit(call, id, NULL);
    if (distribution_list(call_registry(call), id, NULL, &published, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    if (account_delete(call_registry(call), id, &err) < 0) {
        call_fail_err(call, 0, &err);
    } else {
        tell_published(call, published);
        call_ok(call, json_pack("{s:s}", "id", id));
    }
    json_decref(published);
}

const struct call_route api_account_routes[] = {
    {"GET",    "/accounts",          NULL,            list,        NULL},
    {"GET",    "/memberships",       NULL,            memberships, NULL},
    {"GET",    "/accounts/:account", NULL,            get,         NULL},
    {"POST",   "/accounts",          "server:write",  create,      "account.create"},
    {"PATCH",  "/accounts/:account", "account:write", update,      "account.update"},
    {"PUT",    "/accounts/:account", "account:write", update,      "account.update"},
    {"DELETE", "/accounts/:account", "account:write", delete,      "account.delete"},
    {0},
};
