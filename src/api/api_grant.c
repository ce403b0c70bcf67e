/* Grants: who is logged in with what (registry/grant.h), and ending that. */
#include "api/call.h"

#include "api/oauth.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/grant.h"

enum { CODE_NO_GRANT = 1001 };

static json_t *grant_json(const json_t *row)
{
    return json_pack("{s:O, s:O, s:O?, s:{s:O, s:s}, s:O, s:O, s:o, s:o, s:o}", "id",
                     json_object_get(row, "id"), "name", json_object_get(row, "name"), "account",
                     json_object_get(row, "account"), "client", "id",
                     json_object_get(row, "client"), "name",
                     oauth_client_name(member_text(row, "client")), "token_id",
                     json_object_get(row, "token"), "scopes", json_object_get(row, "scopes"),
                     "issued_on", call_time(member_int(row, "created_ms")), "expires_on",
                     call_time(member_int(row, "expires_ms")), "last_used_on",
                     call_time(member_int(row, "used_ms")));
}

static json_t *rows_of(struct call *call)
{
    struct err err = {0};
    json_t *rows;

    if (grant_list(call_registry(call), call_param(call, "account"), &rows, &err) == 0)
        return rows;
    call_fail_err(call, 0, &err);
    return NULL;
}

static void list(struct call *call)
{
    json_t *rows = rows_of(call), *result;
    size_t i;
    const json_t *row;

    if (!rows)
        return;
    result = json_array();
    json_array_foreach(rows, i, row)
        json_array_append_new(result, grant_json(row));
    json_decref(rows);
    call_ok(call, result);
}

static void delete (struct call *call)
{
    json_t *rows = rows_of(call);
    const json_t *row = member_find(rows, "id", call_param(call, "grant"));
    struct err err = {0};

    if (!rows)
        return;
    if (!row) {
        call_fail(call, 404, CODE_NO_GRANT, "There is no login \"%s\" here.",
                  call_param(call, "grant"));
    } else if (grant_delete(call_registry(call), member_text(row, "id"), &err) < 0) {
        call_fail_err(call, 0, &err);
    } else {
        call_audit(call, member_text(row, "id"),
                   json_pack("{s:O}", "name", json_object_get(row, "name")));
        call_ok(call, json_pack("{s:O}", "id", json_object_get(row, "id")));
    }
    json_decref(rows);
}

#define OF_ACCOUNT "/accounts/:account/oauth/grants"
#define OF_SERVER "/user/oauth/grants"

const struct call_route api_grant_routes[] = {
    {"GET",    OF_ACCOUNT,           "token:read",  list,   NULL},
    {"DELETE", OF_ACCOUNT "/:grant", "token:write", delete, "login.delete"},
    {"GET",    OF_SERVER,            "token:read",  list,   NULL},
    {"DELETE", OF_SERVER "/:grant",  "token:write", delete, "login.delete"},
    {0},
};
