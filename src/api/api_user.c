/* Who a token speaks for: what `wrangler whoami` asks. */
#include "api/call.h"
#include "api/tables.h"
#include "base/member.h"

static void user(struct call *call)
{
    const json_t *token = call_token(call);

    call_ok(call, json_pack("{s:O, s:O, s:s, s:b, s:[]}", "id", json_object_get(token, "id"),
                            "email", json_object_get(token, "name"), "username",
                            member_text(token, "name"), "suspended", 0, "organizations"));
}

static void verify(struct call *call)
{
    const json_t *token = call_token(call);

    call_ok(call, json_pack("{s:O, s:O, s:O?, s:O, s:s, s:o, s:{s:s, s:s}}", "id",
                            json_object_get(token, "id"), "name", json_object_get(token, "name"),
                            "account", json_object_get(token, "account"), "scopes",
                            json_object_get(token, "scopes"), "status", "active", "expires_on",
                            call_time(member_int(token, "expires_ms")), "server", "name", "atoll",
                            "version", ATOLL_VERSION));
}

const struct call_route api_user_routes[] = {
    {"GET", "/user",               NULL, user,   NULL},
    {"GET", "/user/tokens/verify", NULL, verify, NULL},
    {0},
};
