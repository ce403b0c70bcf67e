/* Routes: of a zone, one by one, and of a worker, as a whole. */
#include "api/call.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/route.h"
#include "registry/script.h"

enum { ROUTES_MAX = 1000, CODE_EXISTS = 10020, CODE_BAD_PATTERN = 10022 };

static json_t *route_json(const json_t *row)
{
    json_t *script = json_object_get(row, "script");

    return json_pack("{s:O, s:O, s:O?, s:O?}", "id", json_object_get(row, "id"), "pattern",
                     json_object_get(row, "pattern"), "script", script, "zone_name",
                     json_object_get(row, "zone"));
}

static json_t *routes_json(json_t *rows)
{
    json_t *result = json_array();
    size_t index;
    const json_t *row;

    json_array_foreach(rows, index, row)
        json_array_append_new(result, route_json(row));
    json_decref(rows);
    return result;
}

static void routes_changed(const struct call *call)
{
    call_platform(call)->routes_changed(call_platform(call)->context);
}

/* ---- of a zone ---- */

static void list_zone(struct call *call)
{
    struct err err = {0};
    json_t *rows;

    if (route_list(call_registry(call), call_account(call), call_param(call, "zone"), 0, &rows,
                   &err) < 0)
        call_fail_err(call, 0, &err);
    else
        call_ok(call, routes_json(rows));
}

/* {pattern, script?} of the body: the script's id, 0 for none. */
static int read_script(struct call *call, const json_t *body, int64_t *ret, struct err *err)
{
    const char *name = member_text(body, "script");
    json_t *script;
    int r;

    *ret = 0;
    if (!member_text(body, "pattern"))
        return err_set(err, ERR_INVALID,
                       "The body is {\"pattern\": \"example.com/*\", \"script\": NAME}.");
    if (!name)
        return 0;
    if ((r = script_find(call_registry(call), call_account(call), name, &script, err)) < 0)
        return r;
    *ret = member_int(script, "id");
    json_decref(script);
    return 0;
}

static int code_for(const struct err *err)
{
    if (err->code == ERR_EXISTS)
        return CODE_EXISTS;
    return err->code == ERR_INVALID ? CODE_BAD_PATTERN : 0;
}

/* Answers with a route (taken), or with what went wrong. */
static void answer_route(struct call *call, int r, json_t *row, const struct err *err)
{
    if (r < 0) {
        call_fail_err(call, code_for(err), err);
        return;
    }
    call_audit(call, member_text(row, "pattern"),
               json_pack("{s:O?}", "script", json_object_get(row, "script")));
    routes_changed(call);
    call_ok(call, route_json(row));
    json_decref(row);
}

static void create(struct call *call)
{
    const json_t *body = call_json(call);
    struct err err = {0};
    int64_t script;
    json_t *row = NULL;
    int r;

    if (!body)
        return;
    r = read_script(call, body, &script, &err);
    if (r == 0)
        r = route_add(call_registry(call),
                      &(struct route_draft){call_account(call), member_text(body, "pattern"),
                                            call_param(call, "zone"), script},
                      &row, &err);
    answer_route(call, r, row, &err);
}

static void get(struct call *call)
{
    struct err err = {0};
    json_t *row;

    if (route_get(call_registry(call), call_account(call), call_param(call, "route"), &row, &err) <
        0) {
        call_fail_err(call, 0, &err);
        return;
    }
    call_ok(call, route_json(row));
    json_decref(row);
}

static void update(struct call *call)
{
    const json_t *body = call_json(call);
    struct err err = {0};
    int64_t script;
    json_t *changes, *row = NULL;
    int r;

    if (!body)
        return;
    r = read_script(call, body, &script, &err);
    if (r == 0) {
        changes = json_pack("{s:O, s:s, s:I}", "pattern", json_object_get(body, "pattern"), "zone",
                            call_param(call, "zone"), "script_id", (json_int_t)script);
        r = route_update(call_registry(call), call_account(call), call_param(call, "route"),
                         changes, &row, &err);
        json_decref(changes);
    }
    answer_route(call, r, row, &err);
}

static void delete (struct call *call)
{
    const char *id = call_param(call, "route");
    struct err err = {0};

    call_audit(call, id, NULL);
    if (route_delete(call_registry(call), call_account(call), id, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    routes_changed(call);
    call_ok(call, json_pack("{s:s}", "id", id));
}

/* ---- of a worker ---- */

static void list_script(struct call *call)
{
    const json_t *script = call_script(call);
    struct err err = {0};
    json_t *rows;

    if (!script)
        return;
    if (route_list(call_registry(call), call_account(call), NULL, member_int(script, "id"), &rows,
                   &err) < 0)
        call_fail_err(call, 0, &err);
    else
        call_ok(call, routes_json(rows));
}

/* {pattern, zone} of what was sent: an array of patterns, or of {pattern, zone_name?, zone_id?}.
 * Returned owned; NULL with `err`. */
static json_t *read_patterns(const json_t *body, struct err *err)
{
    json_t *result = json_array();
    size_t index;
    const json_t *item;
    int r = 0;

    if (!json_is_array(body))
        r = err_set(err, ERR_INVALID, "The body is an array like [{\"pattern\": \"a.com/*\"}].");
    else if (json_array_size(body) > ROUTES_MAX)
        r = err_set(err, ERR_LIMIT, "A worker has at most %d routes.", ROUTES_MAX);
    json_array_foreach((json_t *)body, index, item) {
        const char *text = json_is_string(item) ? json_string_value(item)
                                                : member_text(item, "pattern");
        const char *zone = member_text(item, "zone_name");
        if (r == 0 && !text)
            r = err_set(err, ERR_INVALID, "Route %zu has no pattern.", index + 1);
        if (r == 0)
            json_array_append_new(result, json_pack("{s:s, s:s?}", "pattern", text, "zone",
                                                    zone ? zone : member_text(item, "zone_id")));
    }
    if (r == 0)
        return result;
    json_decref(result);
    return NULL;
}

static void replace(struct call *call)
{
    const json_t *script = call_script(call);
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};
    json_t *patterns, *rows;

    if (!body)
        return;
    patterns = read_patterns(body, &err);
    if (!patterns) {
        call_fail_err(call, code_for(&err), &err);
        return;
    }
    call_audit(call, NULL, json_pack("{s:O}", "routes", patterns));
    if (route_replace(call_registry(call), member_int(script, "id"), patterns, &rows, &err) < 0) {
        call_fail_err(call, code_for(&err), &err);
    } else {
        routes_changed(call);
        call_ok(call, routes_json(rows));
    }
    json_decref(patterns);
}

#define ZONE_ROUTES "/zones/:zone/workers/routes"
#define SCRIPT_ROUTES "/accounts/:account/workers/scripts/:script/routes"

const struct call_route api_route_routes[] = {
    {"GET",    ZONE_ROUTES,            "route:read",  list_zone,   NULL},
    {"POST",   ZONE_ROUTES,            "route:write", create,      "route.create"},
    {"GET",    ZONE_ROUTES "/:route",  "route:read",  get,         NULL},
    {"PUT",    ZONE_ROUTES "/:route",  "route:write", update,      "route.update"},
    {"DELETE", ZONE_ROUTES "/:route",  "route:write", delete,      "route.delete"},
    {"GET",    SCRIPT_ROUTES,          "route:read",  list_script, NULL},
    {"PUT",    SCRIPT_ROUTES,          "route:write", replace,     "route.replace"},
    {0},
};
