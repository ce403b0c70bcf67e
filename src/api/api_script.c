/* Scripts: uploaded, listed, read back, deleted. */
#include <stdio.h>

#include "api/binding.h"
#include "api/call_private.h"
#include "api/reach.h"
#include "api/release.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/deployment.h"
#include "registry/log_store.h"
#include "registry/registry.h"
#include "registry/script.h"
#include "registry/script_version.h"

enum { CONTENT_BYTES_MAX = API_BODY_BYTES_MAX + (4 << 20), HEAD_BYTES_MAX = 8 << 10 };

/* ---- upload ---- */

/* The version's id is what wrangler prints after a deploy; `subdomain` and `urls` spare a client
 * the question where the worker answers. */
static void on_live(struct call *call, const json_t *script, const json_t *version)
{
    json_t *result = shape_script(script, version);

    json_object_set(result, "deployment_id", json_object_get(version, "id"));
    json_object_set(result, "startup_time_ms", json_object_get(version, "startup_ms"));
    json_object_set(result, "main_module", json_object_get(version, "main_module"));
    json_object_set_new(result, "subdomain",
                        json_pack("{s:O, s:O}", "enabled", json_object_get(script, "workers_dev"),
                                  "previews_enabled", json_object_get(script, "previews")));
    json_object_set_new(result, "urls", reach_urls(call, script));
    call_ok(call, result);
}

static void upload(struct call *call)
{
    release_upload(call, true, on_live);
}

/* ---- list ---- */

/* ?live=true: what is live of each, and where it answers. */
static void add_live(struct call *call, const json_t *row, json_t *shown)
{
    json_t *deployment, *versions = NULL;
    struct err ignored;

    if (deployment_current(call_registry(call), member_int(row, "id"), &deployment, &ignored) ==
        0) {
        versions = json_incref(json_object_get(deployment, "versions"));
        json_decref(deployment);
    }
    json_object_set_new(shown, "live", versions ? versions : json_array());
    json_object_set_new(shown, "urls", reach_urls(call, row));
}

static void list(struct call *call)
{
    const char *live = call_query(call, "live");
    json_t *rows, *row, *result;
    size_t offset, limit, i;
    struct err err;

    call_page(call, &offset, &limit);
    if (script_list(call_registry(call), call_account(call), offset, limit, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    result = json_array();
    json_array_foreach(rows, i, row) {
        json_array_append_new(result, shape_script(row, NULL));
        if (live && strcmp(live, "true") == 0)
            add_live(call, row, json_array_get(result, i));
    }
    call_ok_info(call, result, shape_page(offset, limit, json_array_size(rows)));
    json_decref(rows);
}

/* ---- contents ---- */

/* Names as in multipart.h: what a quoted string cannot hold is escaped. */
static int put_name(struct buf *out, const char *name)
{
    int result = 0;

    for (; *name && result == 0; name++) {
        if (*name == '"' || *name == '\r' || *name == '\n')
            result = buf_printf(out, "%%%02X", (unsigned)*name);
        else
            result = buf_append_char(out, *name);
    }
    return result;
}

static int put_module(struct buf *out, const char *boundary, const json_t *module, str bytes)
{
    const char *name = member_text(module, "name");

    if (buf_printf(out, "--%s\r\nContent-Disposition: form-data; name=\"", boundary) < 0 ||
        put_name(out, name) < 0 || buf_append(out, STR("\"; filename=\"")) < 0 ||
        put_name(out, name) < 0 ||
        buf_printf(out, "\"\r\nContent-Type: %s\r\n\r\n", member_text(module, "type")) < 0 ||
        buf_append(out, bytes) < 0)
        return ERR_LIMIT;
    return buf_append(out, STR("\r\n"));
}

static int put_form(struct buf *out, const char *boundary, const json_t *modules, str contents)
{
    const json_t *module;
    size_t i;

    json_array_foreach(modules, i, module) {
        size_t bytes = (size_t)member_int(module, "bytes");
        if (put_module(out, boundary, module, str_head(contents, bytes)) < 0)
            return ERR_LIMIT;
        contents = str_skip(contents, bytes);
    }
    return buf_printf(out, "--%s--\r\n", boundary);
}

/* The main module is named in a header of its own, as the form has no metadata. */
static void answer_form(struct call *call, const json_t *version, str contents)
{
    const char *main_module = member_text(version, "main_module");
    char boundary[37];
    struct buf body, head;

    registry_new_id(boundary);
    buf_init(&body, CONTENT_BYTES_MAX);
    buf_init(&head, HEAD_BYTES_MAX);
    if (put_form(&body, boundary, json_object_get(version, "modules"), contents) < 0 ||
        buf_printf(&head,
                   "content-type: multipart/form-data; boundary=%s\r\ncache-control: no-store\r\n"
                   "cf-entrypoint: ",
                   boundary) < 0 ||
        put_name(&head, main_module ? main_module : "") < 0 || buf_append(&head, STR("\r\n")) < 0)
        call_fail(call, 413, 10027, "The worker's modules are too large for one answer.");
    else
        call_bytes(call, 200, buf_str(&head), buf_str(&body));
    buf_done(&body);
    buf_done(&head);
}

static void content(struct call *call)
{
    const json_t *script = call_script(call);
    json_t *version = NULL;
    struct buf contents;
    struct err err;

    if (!script)
        return;
    buf_init(&contents, CONTENT_BYTES_MAX);
    if (script_version_latest(call_registry(call), member_int(script, "id"), &version, &err) < 0 ||
        script_version_contents(call_registry(call), json_object_get(version, "modules"), &contents,
                                &err) < 0)
        call_fail_err(call, 0, &err);
    else
        answer_form(call, version, buf_str(&contents));
    buf_done(&contents);
    json_decref(version);
}

/* ---- delete ---- */

static void delete (struct call *call)
{
    const struct platform *platform = call_platform(call);
    const json_t *script = call_script(call);
    struct err err;
    const char *key;
    int64_t id;

    if (!script)
        return;
    id = member_int(script, "id");
    key = member_text(script, "key");
    if (script_delete(call_registry(call), id, &err) < 0 ||
        log_store_delete(call_registry(call), key, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    platform->deleted(platform->context, id, key);
    platform->routes_changed(platform->context);
    platform->schedules_changed(platform->context);
    if (call->api->tail)
        api_tail_forget(call->api->tail, key);
    call_ok(call, json_pack("{s:O}", "id", json_object_get(script, "name")));
}

#define SCRIPTS "/accounts/:account/workers/scripts"

const struct call_route api_script_routes[] = {
    {"GET",    SCRIPTS,                            "worker:read",  list,    NULL},
    {"PUT",    SCRIPTS "/:script",                 "worker:write", upload,  "worker.deploy"},
    {"GET",    SCRIPTS "/:script",                 "worker:read",  content, NULL},
    {"GET",    SCRIPTS "/:script/content",         "worker:read",  content, NULL},
    {"GET",    SCRIPTS "/:script/content/v2",      "worker:read",  content, NULL},
    {"DELETE", SCRIPTS "/:script",                 "worker:write", delete,  "worker.delete"},
    {"DELETE", "/accounts/:account/workers/services/:script", "worker:write", delete,
     "worker.delete"},
    {0},
};
