/* The subdomain of an account, below which its workers answer. */
#include "api/call.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/account.h"

enum { CODE_TAKEN = 10031 };

static void get(struct call *call)
{
    struct err err = {0};
    json_t *row;

    if (account_get(call_registry(call), call_account(call), &row, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    call_ok(call, json_pack("{s:s}", "subdomain", member_text(row, "subdomain")));
    json_decref(row);
}

static void put(struct call *call)
{
    const json_t *body = call_json(call);
    const char *name = member_text(body, "subdomain");
    struct err err = {0};
    json_t *changes, *row;

    if (!body)
        return;
    if (!name) {
        call_fail(call, 400, 10001, "The body is {\"subdomain\": NAME}.");
        return;
    }
    changes = json_pack("{s:s}", "subdomain", name);
    call_audit(call, name, NULL);
    if (account_update(call_registry(call), call_account(call), changes, &row, &err) < 0) {
        call_fail_err(call, err.code == ERR_EXISTS ? CODE_TAKEN : 0, &err);
    } else {
        call_platform(call)->routes_changed(call_platform(call)->context);
        call_ok(call, json_pack("{s:s}", "subdomain", member_text(row, "subdomain")));
        json_decref(row);
    }
    json_decref(changes);
}

const struct call_route api_subdomain_routes[] = {
    {"GET", "/accounts/:account/workers/subdomain", "worker:read",   get, NULL},
    {"PUT", "/accounts/:account/workers/subdomain", "account:write", put, "account.subdomain"},
    {0},
};
