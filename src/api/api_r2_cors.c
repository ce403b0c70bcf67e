/* The CORS rules of a bucket: .../r2/buckets/:bucket/cors. */
#include "api/api_r2.h"
#include "api/bucket.h"
#include "api/tables.h"
#include "base/member.h"
#include "bindings/r2/r2_cors.h"

enum { CODE_NO_CORS = 10059, CODE_BAD_CORS = 10040 };

static void get(struct call *call)
{
    json_t *row = stored_row(call, &api_r2_kind), *rules = bucket_cors(row);

    if (rules)
        call_ok(call, json_pack("{s:O}", "rules", rules));
    else if (row)
        call_fail(call, 404, CODE_NO_CORS, "The CORS configuration does not exist.");
    json_decref(row);
}

static void on_told(void *arg)
{
    call_ok(arg, json_object());
}

/* Answers when runtimes know. */
static void set(struct call *call, const json_t *rules)
{
    const struct bucket_place place = {call_registry(call), call_platform(call),
                                       call_account(call)};
    json_t *row = stored_row(call, &api_r2_kind);
    struct err err = {0};

    if (!row)
        return;
    call_audit(call, member_text(row, "name"), json_pack("{s:O*}", "rules", rules));
    if (bucket_set_cors(&place, member_text(row, "name"), rules, &err) < 0)
        call_fail_err(call, 0, &err);
    else
        place.platform->published(place.platform->context, place.account, member_text(row, "name"),
                                  on_told, call);
    json_decref(row);
}

static void put(struct call *call)
{
    const json_t *body = call_json(call);
    json_t *rules;
    struct err err = {0};

    if (!body)
        return;
    if (r2_cors_read(body, &rules, &err) < 0) {
        call_fail(call, 400, CODE_BAD_CORS, "The CORS rules are not valid: %s.", err.text);
        return;
    }
    set(call, rules);
    json_decref(rules);
}

static void clear(struct call *call)
{
    set(call, NULL);
}

#define CORS "/accounts/:account/r2/buckets/:bucket/cors"

const struct call_route api_r2_cors_routes[] = {
    {"GET",    CORS, "storage:read",  get,   NULL},
    {"PUT",    CORS, "storage:write", put,   "r2.cors.set"},
    {"DELETE", CORS, "storage:write", clear, "r2.cors.delete"},
    {0},
};
