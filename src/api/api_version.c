/* Versions: uploaded without going live, listed, looked at; and versions that differ from the
 * latest in their secrets alone. */
#include "api/binding.h"
#include "api/call.h"
#include "api/metadata.h"
#include "api/release.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/script_version.h"

static void on_added(struct call *call, const json_t *script, const json_t *version)
{
    (void)script;
    call_ok(call, shape_version(version));
}

static void add(struct call *call)
{
    release_upload(call, false, on_added);
}

static void list(struct call *call)
{
    const json_t *script = call_script(call);
    json_t *rows, *row, *items;
    size_t offset, limit, i;
    struct err err;

    if (!script)
        return;
    call_page(call, &offset, &limit);
    if (script_version_list(call_registry(call), member_int(script, "id"), offset, limit, &rows,
                            &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    items = json_array();
    json_array_foreach(rows, i, row) {
        json_array_append_new(items, shape_version(row));
    }
    call_ok_info(call, json_pack("{s:o}", "items", items),
                 shape_page(offset, limit, json_array_size(rows)));
    json_decref(rows);
}

static void get(struct call *call)
{
    const json_t *script = call_script(call);
    struct err err;
    json_t *row;

    if (!script)
        return;
    if (script_version_get(call_registry(call), member_int(script, "id"),
                           call_param(call, "version"), &row, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    call_ok(call, shape_version(row));
    json_decref(row);
}

/* Body: {env: {NAME: {type, text} or null}, annotations}. */
static void patch_latest(struct call *call)
{
    struct release_change change = {.triggered_by = "secret"};
    const json_t *body = call_json(call);
    json_t *annotations;
    struct err err = {0};

    if (!body)
        return;
    change.bindings = json_object_get(body, "env");
    if (change.bindings && !json_is_object(change.bindings)) {
        call_fail(call, 400, BINDING_CODE_INVALID, "\"env\" must be an object.");
        return;
    }
    if (metadata_read_annotations(body, &annotations, &err) < 0) {
        call_fail(call, 400, BINDING_CODE_INVALID, "%s", err.text);
        return;
    }
    change.annotations = annotations;
    release_derive(call, &change, on_added);
    json_decref(annotations);
}

#define VERSIONS "/accounts/:account/workers/scripts/:script/versions"

const struct call_route api_version_routes[] = {
    {"POST",  VERSIONS,              "worker:write", add,  "version.add"},
    {"GET",   VERSIONS,              "worker:read",  list, NULL},
    {"GET",   VERSIONS "/:version",  "worker:read",  get,  NULL},
    {"PATCH", "/accounts/:account/workers/workers/:script/versions/latest", "secret:write",
     patch_latest, "version.secret"},
    {0},
};
