/* Zones. They are not kept: whatever name is asked for is one, so that routes can be deployed for
 * every host that somebody points at this server. */
#include "api/call.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/route.h"

static json_t *zone_json(const struct call *call, const char *name)
{
    char id[33];

    route_zone_id(name, id);
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:{s:s, s:s}}", "id", id, "name", name, "status",
                     "active", "paused", 0, "type", "full", "account", "id", call_account(call),
                     "name", call_account(call));
}

static bool is_name(const char *text)
{
    struct route_pattern pattern;
    struct err err;

    return route_pattern_parse(str_from(text), &pattern, &err) == 0 && !pattern.any_label &&
           str_equal(pattern.host, str_from(text));
}

/* The zones that the account has routes in. */
static void list_used(struct call *call)
{
    struct err err = {0};
    json_t *rows, *zones, *seen;
    size_t index;
    const json_t *row;

    if (route_list(call_registry(call), call_account(call), NULL, 0, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    zones = json_array();
    seen = json_object();
    json_array_foreach(rows, index, row) {
        const char *name = member_text(row, "zone");
        if (!name || json_object_get(seen, name))
            continue;
        json_object_set_new(seen, name, json_true());
        json_array_append_new(zones, zone_json(call, name));
    }
    json_decref(seen);
    json_decref(rows);
    call_ok(call, zones);
}

static void list(struct call *call)
{
    const char *name = call_query(call, "name");
    size_t offset, limit;
    json_t *zones;

    if (!name) {
        list_used(call);
        return;
    }
    call_page(call, &offset, &limit);
    zones = json_array();
    if (is_name(name) && offset == 0)
        json_array_append_new(zones, zone_json(call, name));
    call_ok_info(call, zones, shape_page(offset, limit, json_array_size(zones)));
}

/* A zone by its name, or by the id of one that has routes. */
static void get(struct call *call)
{
    const char *zone = call_param(call, "zone");
    struct err err = {0};
    json_t *rows;

    if (strchr(zone, '.') && is_name(zone)) {
        call_ok(call, zone_json(call, zone));
        return;
    }
    if (route_list(call_registry(call), call_account(call), zone, 0, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    if (json_array_size(rows))
        call_ok(call, zone_json(call, member_text(json_array_get(rows, 0), "zone")));
    else
        call_fail(call, 404, 7003,
                  "Zones are not kept here: ask for one by its name, "
                  "/zones/example.com or /zones?name=example.com.");
    json_decref(rows);
}

const struct call_route api_zone_routes[] = {
    {"GET", "/zones",       "route:read", list, NULL},
    {"GET", "/zones/:zone", "route:read", get,  NULL},
    {0},
};
