/* A worker as wrangler looks at it before and after a deploy, and what refers to it. */
#include <stdlib.h>

#include "api/call.h"
#include "api/row.h"
#include "api/shape.h"
#include "api/tables.h"
#include "registry/account.h"
#include "registry/script_version.h"

enum { URL_BYTES_MAX = 1024 };

/* Its latest version, returned owned; NULL when it has none. */
static json_t *latest_of(struct call *call, const json_t *script)
{
    struct err err;
    json_t *version;

    if (script_version_latest(call_registry(call), row_int(script, "id"), &version, &err) < 0)
        return NULL;
    return version;
}

static void get_service(struct call *call)
{
    const json_t *script = call_script(call);
    json_t *version, *environment;

    if (!script)
        return;
    version = latest_of(call, script);
    environment = json_pack("{s:s, s:o, s:o, s:o}", "environment", "production", "script",
                            shape_script(script, version), "created_on",
                            call_time(row_int(script, "created_ms")), "modified_on",
                            call_time(row_int(script, "modified_ms")));
    call_ok(call, json_pack("{s:O, s:o, s:o, s:O, s:[O]}", "id", json_object_get(script, "name"),
                            "created_on", call_time(row_int(script, "created_ms")), "modified_on",
                            call_time(row_int(script, "modified_ms")), "default_environment",
                            environment, "environments", environment));
    json_decref(environment);
    json_decref(version);
}

/* ---- where it answers ---- */

/* public_url with the worker's host in the place of its own: "http://hello.localhost:8787". */
static json_t *url_of(const struct platform *platform, const json_t *script, const char *subdomain)
{
    str url = str_from(platform->public_url), scheme = str_head(url, str_find(url, ':')), port;
    bool own_label = strcmp(row_text(script, "account"), ACCOUNT_DEFAULT) != 0;
    struct buf text;
    json_t *json = NULL;

    port = str_skip(url, scheme.len + 3);
    port = str_head(port, str_find(port, '/'));
    if (port.len && port.ptr[0] == '[')
        port = str_skip(port, str_find(port, ']'));
    port = str_skip(port, str_find(port, ':'));
    buf_init(&text, URL_BYTES_MAX);
    if (buf_printf(&text, "%.*s://%s%s%s.%s%.*s", STR_ARGS(scheme), row_text(script, "name"),
                   own_label ? "." : "", own_label ? subdomain : "", platform->domain,
                   STR_ARGS(port)) == 0)
        json = json_stringn(text.ptr, text.len);
    buf_done(&text);
    return json ? json : json_null();
}

/* Its addresses; `url` only while it answers there. */
static json_t *subdomain_of(struct call *call, const json_t *script)
{
    json_t *subdomain = json_pack("{s:O, s:O}", "enabled", json_object_get(script, "workers_dev"),
                                  "previews_enabled", json_object_get(script, "previews"));
    struct err err;
    json_t *account;

    if (!json_is_true(json_object_get(script, "workers_dev")) ||
        account_get(call_registry(call), call_account(call), &account, &err) < 0)
        return subdomain;
    json_object_set_new(subdomain, "url",
                        url_of(call_platform(call), script, row_text(account, "subdomain")));
    json_decref(account);
    return subdomain;
}

static void get_worker(struct call *call)
{
    const json_t *script = call_script(call);
    json_t *worker;

    if (!script)
        return;
    worker = shape_script(script, NULL);
    json_object_set(worker, "id", json_object_get(script, "tag"));
    json_object_set(worker, "name", json_object_get(script, "name"));
    json_object_set_new(worker, "updated_on", call_time(row_int(script, "modified_ms")));
    json_object_set_new(worker, "subdomain", subdomain_of(call, script));
    call_ok(call, worker);
}

/* ---- what refers to it: nothing can, as long as there are no bindings between workers ---- */

static void get_references(struct call *call)
{
    if (call_script(call))
        call_ok(call, json_pack("{s:{s:[], s:[]}, s:[], s:[]}", "services", "incoming", "outgoing",
                                "durable_objects", "dispatch_outbounds"));
}

static void get_nothing(struct call *call)
{
    call_ok(call, json_array());
}

#define WORKERS "/accounts/:account/workers"

const struct call_route api_service_routes[] = {
    {"GET", WORKERS "/services/:script",           "worker:read", get_service,    NULL},
    {"GET", WORKERS "/workers/:script",            "worker:read", get_worker,     NULL},
    {"GET", WORKERS "/scripts/:script/references", "worker:read", get_references, NULL},
    {"GET", WORKERS "/tails/by-consumer/:script",  "worker:read", get_nothing,    NULL},
    {"GET", WORKERS "/durable_objects/namespaces", "worker:read", get_nothing,    NULL},
    {"GET", "/accounts/:account/storage/kv/namespaces", "worker:read", get_nothing, NULL},
    {0},
};
