/* Deployments: which versions answer. */
#include "api/call.h"
#include "api/metadata.h"
#include "api/release.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/deployment.h"
#include "registry/script.h"
#include "registry/script_version.h"

enum { LOOK_BACK = 1000, CODE_INVALID = 10021, CODE_UNKNOWN = 7003 };

/* ---- reading ---- */

/* Newest first, returned owned; NULL after the call was answered. */
static json_t *read_list(struct call *call, size_t offset, size_t limit)
{
    const json_t *script = call_script(call);
    struct err err;
    json_t *rows;

    if (!script)
        return NULL;
    if (deployment_list(call_registry(call), member_int(script, "id"), offset, limit, &rows,
                        &err) == 0)
        return rows;
    call_fail_err(call, 0, &err);
    return NULL;
}

static void list(struct call *call)
{
    json_t *rows, *row, *deployments;
    size_t offset, limit, i;

    call_page(call, &offset, &limit);
    rows = read_list(call, offset, limit);
    if (!rows)
        return;
    deployments = json_array();
    json_array_foreach(rows, i, row) {
        json_array_append_new(deployments, shape_deployment(row));
    }
    call_ok_info(call, json_pack("{s:o}", "deployments", deployments),
                 shape_page(offset, limit, json_array_size(rows)));
    json_decref(rows);
}

static void get(struct call *call)
{
    const char *id = call_param(call, "deployment");
    json_t *rows = read_list(call, 0, LOOK_BACK), *row = member_find(rows, "id", id);

    if (row)
        call_ok(call, shape_deployment(row));
    else if (rows)
        call_fail(call, 404, CODE_UNKNOWN,
                  "This worker has no deployment \"%s\" among its last %d.", id, LOOK_BACK);
    json_decref(rows);
}

/* ---- what a deployment is called ---- */

static bool has_version(const json_t *deployment, const char *version)
{
    return member_find(json_object_get(deployment, "versions"), "version_id", version) != NULL;
}

/* One version that answered before and does not now: a rollback. One that never did: what wrangler
 * does after it has uploaded a version. Everything else moves a version on. */
static const char *word_for(const json_t *versions, const json_t *before)
{
    const char *only = member_text(json_array_get(versions, 0), "version_id");
    const json_t *it;
    size_t i;

    if (json_array_size(versions) != 1 || !only || has_version(json_array_get(before, 0), only))
        return "promotion";
    json_array_foreach(before, i, it) {
        if (has_version(it, only))
            return "rollback";
    }
    return "upload";
}

/* ---- making one ---- */

/* A version that takes all requests brings its own min_instances along. */
static int apply_settings(struct call *call, const json_t *versions, struct err *err)
{
    const char *only = member_text(json_array_get(versions, 0), "version_id");
    int64_t script_id = member_int(call_script(call), "id");
    json_t *version, *settings, *updated = NULL, *changes;
    int result = 0;

    if (json_array_size(versions) != 1)
        return 0;
    result = script_version_get(call_registry(call), script_id, only, &version, err);
    if (result < 0)
        return result;
    settings = json_object_get(version, "settings");
    if (settings) {
        changes = json_pack("{s:O}", "settings", settings);
        result = script_update(call_registry(call), script_id, changes, &updated, err);
        json_decref(changes);
        json_decref(updated);
    }
    json_decref(version);
    return result;
}

static json_t *row_of(struct call *call, const json_t *versions, json_t *annotations,
                      const json_t *before)
{
    const json_t *token = call_token(call);

    json_object_set_new(annotations, "workers/triggered_by",
                        json_string(word_for(versions, before)));
    return json_pack("{s:s, s:O?, s:O, s:O}", "source", "wrangler", "author_email",
                     json_object_get(token, "name"), "annotations", annotations, "versions",
                     versions);
}

static int store(struct call *call, const json_t *row, json_t **ret, struct err *err)
{
    const json_t *versions = json_object_get(row, "versions");
    int result = registry_begin(call_registry(call), err);

    if (result < 0)
        return result;
    result = deployment_add(call_registry(call), member_int(call_script(call), "id"), row, ret,
                            err);
    if (result == 0) {
        result = apply_settings(call, versions, err);
        if (result < 0)
            json_decref(*ret);
    }
    return registry_end(call_registry(call), result, err);
}

static void on_live(struct call *call, const json_t *deployment)
{
    call_ok(call, shape_deployment(deployment));
}

static void deploy(struct call *call, const json_t *versions, json_t *annotations)
{
    json_t *before = read_list(call, 0, LOOK_BACK), *row, *added;
    struct err err = {0};

    if (!before)
        return;
    row = row_of(call, versions, annotations, before);
    if (store(call, row, &added, &err) < 0) {
        call_fail_err(call, err.code == ERR_INVALID ? CODE_INVALID : 0, &err);
    } else {
        call_audit(call, NULL,
                   json_pack("{s:O, s:O}", "deployment", json_object_get(added, "id"), "versions",
                             json_object_get(added, "versions")));
        release_tell(call, member_int(call_script(call), "id"), added, on_live);
    }
    json_decref(row);
    json_decref(before);
}

/* Body: {strategy, versions: [{version_id, percentage}], annotations}. */
static void add(struct call *call)
{
    const json_t *body = call_json(call), *versions;
    json_t *annotations;
    struct err err = {0};

    if (!body)
        return;
    versions = json_object_get(body, "versions");
    if (!json_is_array(versions)) {
        call_fail(call, 400, CODE_INVALID,
                  "\"versions\" must be an array of {version_id, percentage}.");
        return;
    }
    if (metadata_read_annotations(body, &annotations, &err) < 0) {
        call_fail(call, 400, CODE_INVALID, "%s", err.text);
        return;
    }
    deploy(call, versions, annotations);
    json_decref(annotations);
}

#define DEPLOYMENTS "/accounts/:account/workers/scripts/:script/deployments"

const struct call_route api_deployment_routes[] = {
    {"POST", DEPLOYMENTS,                 "worker:write", add,  "worker.deploy"},
    {"GET",  DEPLOYMENTS,                 "worker:read",  list, NULL},
    {"GET",  DEPLOYMENTS "/:deployment",  "worker:read",  get,  NULL},
    {0},
};
