/* Settings: those of a script (tags, logs), those of its version (bindings, compatibility), and
 * whether it answers at <script>.<domain>. */
#include "api/binding.h"
#include "api/call.h"
#include "api/form.h"
#include "api/metadata.h"
#include "api/multipart.h"
#include "api/release.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/script.h"
#include "registry/script_version.h"

/* ---- of the script ---- */

static json_t *script_settings(const json_t *script)
{
    static const char *const keys[] = {"logpush", "observability", "tags", "tail_consumers"};
    json_t *whole = shape_script(script, NULL), *settings = json_object();
    json_t *count = json_object_get(json_object_get(script, "settings"), "min_instances");

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        json_object_set(settings, keys[i], json_object_get(whole, keys[i]));
    json_object_set_new(settings, "min_instances", count ? json_incref(count) : json_integer(0));
    json_decref(whole);
    return settings;
}

static void get_script_settings(struct call *call)
{
    const json_t *script = call_script(call);

    if (script)
        call_ok(call, script_settings(script));
}

/* The call's script as it is after `changes`, borrowed; NULL after the call was answered. */
static const json_t *update(struct call *call, const json_t *changes)
{
    struct err err;
    json_t *row;

    if (script_update(call_registry(call), member_int(call_script(call), "id"), changes, &row,
                      &err) == 0) {
        call_script_changed(call, row);
        return row;
    }
    call_fail_err(call, err.code == ERR_INVALID ? BINDING_CODE_INVALID : 0, &err);
    return NULL;
}

static void on_script_settings(struct call *call, const json_t *none)
{
    (void)none;
    get_script_settings(call);
}

static void patch_script_settings(struct call *call)
{
    const json_t *body = call_json(call), *row;
    json_t *settings, *changes;
    struct err err;

    if (!body || !call_script(call))
        return;
    if (metadata_read_settings(body, &settings, &err) < 0) {
        call_fail(call, 400, BINDING_CODE_INVALID, "%s", err.text);
        return;
    }
    changes = json_pack("{s:o}", "settings", settings);
    row = update(call, changes);
    json_decref(changes);
    if (row)
        release_tell(call, member_int(row, "id"), NULL, on_script_settings);
}

/* ---- of the latest version ---- */

static json_t *settings_of(const json_t *script, const json_t *version)
{
    json_t *settings = shape_script(script, version), *value;

    value = json_object_get(version, "bindings");
    json_object_set_new(settings, "bindings", value ? json_incref(value) : json_array());
    value = json_object_get(version, "limits");
    json_object_set_new(settings, "limits", value ? json_incref(value) : json_object());
    value = json_object_get(version, "annotations");
    json_object_set_new(settings, "annotations", value ? json_incref(value) : json_object());
    json_object_del(settings, "id");
    return settings;
}

static void get_settings(struct call *call)
{
    const json_t *script = call_script(call);
    json_t *version;
    struct err err;

    if (!script)
        return;
    if (script_version_latest(call_registry(call), member_int(script, "id"), &version, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    call_ok(call, settings_of(script, version));
    json_decref(version);
}

/* The part `settings` of a form, or JSON alone; returned owned. NULL after the call was
 * answered. */
static json_t *settings_body(struct call *call)
{
    str content_type = call_header(call, "content-type");
    struct form form;
    struct err err;
    json_t *body;

    if (!multipart_is(content_type))
        return json_incref((json_t *)call_json(call));
    if (form_read(content_type, call_body(call), "settings", &form, &err) < 0) {
        call_fail(call, 400, BINDING_CODE_INVALID, "%s", err.text);
        return NULL;
    }
    body = json_incref(form.metadata);
    form_done(&form);
    return body;
}

static void on_settings(struct call *call, const json_t *script, const json_t *version)
{
    call_ok(call, settings_of(script, version));
}

static void on_settings_told(struct call *call, const json_t *none)
{
    (void)none;
    get_settings(call);
}

static void change_version(struct call *call, const struct metadata *metadata)
{
    struct release_change change = {
        .wanted = metadata->bindings,
        .fields = metadata->fields,
        .annotations = metadata->annotations,
        .triggered_by = metadata->bindings ? "secret" : "upload",
        .deploy = true,
    };

    release_derive(call, &change, on_settings);
}

static void change_settings(struct call *call, const struct metadata *metadata)
{
    json_t *changes;
    bool updated;

    if (json_object_size(metadata->settings)) {
        changes = json_pack("{s:O}", "settings", metadata->settings);
        updated = update(call, changes) != NULL;
        json_decref(changes);
        if (!updated)
            return;
    }
    if (metadata->bindings || json_object_size(metadata->fields))
        change_version(call, metadata);
    else
        release_tell(call, member_int(call_script(call), "id"), NULL, on_settings_told);
}

static void patch_settings(struct call *call)
{
    struct metadata metadata;
    struct err err;
    json_t *body;

    if (!call_script(call))
        return;
    body = settings_body(call);
    if (!body)
        return;
    if (metadata_read(body, true, &metadata, &err) < 0) {
        call_fail(call, 400, BINDING_CODE_INVALID, "%s", err.text);
    } else {
        change_settings(call, &metadata);
        metadata_done(&metadata);
    }
    json_decref(body);
}

/* ---- <script>.<domain> ---- */

static void answer_subdomain(struct call *call, const json_t *script)
{
    call_ok(call, json_pack("{s:O, s:O}", "enabled", json_object_get(script, "workers_dev"),
                            "previews_enabled", json_object_get(script, "previews")));
}

static void get_subdomain(struct call *call)
{
    const json_t *script = call_script(call);

    if (script)
        answer_subdomain(call, script);
}

static void change_subdomain(struct call *call, json_t *changes)
{
    const struct platform *platform = call_platform(call);
    const json_t *row = update(call, changes);

    json_decref(changes);
    if (!row)
        return;
    platform->routes_changed(platform->context);
    answer_subdomain(call, row);
}

/* Body: {enabled, previews_enabled}; what is left out stays. */
static void post_subdomain(struct call *call)
{
    const json_t *body = call_json(call), *script = body ? call_script(call) : NULL;
    json_t *enabled, *previews;

    if (!script)
        return;
    enabled = json_object_get(body, "enabled");
    previews = json_object_get(body, "previews_enabled");
    if ((enabled && !json_is_boolean(enabled)) || (previews && !json_is_boolean(previews))) {
        call_fail(call, 400, BINDING_CODE_INVALID,
                  "\"enabled\" and \"previews_enabled\" must be true or false.");
        return;
    }
    change_subdomain(call, json_pack("{s:O*, s:O*}", "workers_dev", enabled, "previews", previews));
}

static void delete_subdomain(struct call *call)
{
    if (call_script(call))
        change_subdomain(call, json_pack("{s:b, s:b}", "workers_dev", 0, "previews", 0));
}

#define SCRIPT "/accounts/:account/workers/scripts/:script"

const struct call_route api_setting_routes[] = {
    {"GET",    SCRIPT "/script-settings", "worker:read",  get_script_settings,   NULL},
    {"PATCH",  SCRIPT "/script-settings", "worker:write", patch_script_settings, "worker.settings"},
    {"GET",    SCRIPT "/settings",        "worker:read",  get_settings,          NULL},
    {"PATCH",  SCRIPT "/settings",        "worker:write", patch_settings,        "worker.settings"},
    {"GET",    SCRIPT "/subdomain",       "worker:read",  get_subdomain,         NULL},
    {"POST",   SCRIPT "/subdomain",       "worker:write", post_subdomain,    "worker.subdomain"},
    {"DELETE", SCRIPT "/subdomain",       "worker:write", delete_subdomain,  "worker.subdomain"},
    {0},
};
