/* A worker as wrangler looks at it before and after a deploy, and what refers to it. */
#include "api/call.h"
#include "api/reach.h"
#include "api/shape.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/script_version.h"

/* Its latest version, returned owned; NULL when it has none. */
static json_t *latest_of(struct call *call, const json_t *script)
{
    struct err err;
    json_t *version;

    if (script_version_latest(call_registry(call), member_int(script, "id"), &version, &err) < 0)
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
                            call_time(member_int(script, "created_ms")), "modified_on",
                            call_time(member_int(script, "modified_ms")));
    call_ok(call, json_pack("{s:O, s:o, s:o, s:O, s:[O]}", "id", json_object_get(script, "name"),
                            "created_on", call_time(member_int(script, "created_ms")),
                            "modified_on", call_time(member_int(script, "modified_ms")),
                            "default_environment", environment, "environments", environment));
    json_decref(environment);
    json_decref(version);
}

/* ---- where it answers ---- */

/* Its addresses; `url` only while it answers there. */
static json_t *subdomain_of(struct call *call, const json_t *script)
{
    json_t *subdomain = json_pack("{s:O, s:O}", "enabled", json_object_get(script, "workers_dev"),
                                  "previews_enabled", json_object_get(script, "previews"));
    json_t *url = reach_own(call, script);

    if (url)
        json_object_set_new(subdomain, "url", url);
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
    json_object_set_new(worker, "updated_on", call_time(member_int(script, "modified_ms")));
    json_object_set_new(worker, "subdomain", subdomain_of(call, script));
    json_object_set_new(worker, "urls", reach_urls(call, script));
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
    {0},
};
