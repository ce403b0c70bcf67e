/* Custom domains: hosts that belong to a worker as a whole.
 *
 * wrangler asks first what a set of them would change, then puts it with leave to take away what
 * is another worker's. The registry knows them by worker, so one is changed by replacing all of its
 * worker's. */
#include "api/call.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/route.h"
#include "registry/script.h"

enum { DOMAINS_MAX = 1000, CODE_CONFLICT = 100116, CODE_NO_DOMAIN = 100115 };

static json_t *domain_json(const json_t *row)
{
    const char *zone = member_text(row, "zone");
    char id[33];

    route_zone_id(zone ? zone : member_text(row, "hostname"), id);
    return json_pack("{s:O, s:O, s:O?, s:s, s:s, s:s?, s:b, s:b}", "id", json_object_get(row, "id"),
                     "hostname", json_object_get(row, "hostname"), "service",
                     json_object_get(row, "script"), "environment", "production", "zone_id", id,
                     "zone_name", zone, "enabled", 1, "previews_enabled", 0);
}

/* {hostname, zone?} of a body's items. Returned owned; NULL with `err`. */
static json_t *read_origins(const json_t *items, struct err *err)
{
    json_t *result = json_array();
    size_t index;
    const json_t *item;
    int r = 0;

    if (!json_is_array(items))
        r = err_set(err, ERR_INVALID, "Domains are an array like [{\"hostname\": \"a.com\"}].");
    else if (json_array_size(items) > DOMAINS_MAX)
        r = err_set(err, ERR_LIMIT, "A worker has at most %d custom domains.", DOMAINS_MAX);
    json_array_foreach((json_t *)items, index, item) {
        const char *host = member_text(item, "hostname");
        const char *zone = member_text(item, "zone_name");
        if (r == 0 && !host)
            r = err_set(err, ERR_INVALID, "Domain %zu has no hostname.", index + 1);
        if (r == 0)
            json_array_append_new(result, json_pack("{s:s, s:s?}", "hostname", host, "zone",
                                                    zone ? zone : member_text(item, "zone_id")));
    }
    if (r == 0)
        return result;
    json_decref(result);
    return NULL;
}

/* ---- of a worker ---- */

/* All domains of the account; NULL after the call was answered. */
static json_t *all_domains(struct call *call)
{
    struct err err = {0};
    json_t *rows;

    if (route_list_domains(call_registry(call), call_account(call), 0, &rows, &err) == 0)
        return rows;
    call_fail_err(call, 0, &err);
    return NULL;
}

static json_t *compare(int64_t script, const json_t *wanted, const json_t *there, bool replace)
{
    json_t *added = json_array(), *removed = json_array(), *conflicting = json_array();
    size_t index;
    const json_t *item;

    json_array_foreach((json_t *)wanted, index, item) {
        const json_t *row = member_find(there, "hostname", member_text(item, "hostname"));
        if (!row)
            json_array_append(added, (json_t *)item);
        else if (member_int(row, "script_id") != script)
            json_array_append_new(conflicting, domain_json(row));
    }
    json_array_foreach((json_t *)there, index, item) {
        if (replace && member_int(item, "script_id") == script &&
            !member_find(wanted, "hostname", member_text(item, "hostname")))
            json_array_append_new(removed, domain_json(item));
    }
    return json_pack("{s:o, s:o, s:[], s:o}", "added", added, "removed", removed, "updated",
                     "conflicting", conflicting);
}

static bool is_true(const char *text)
{
    return text && strcmp(text, "true") == 0;
}

static void changeset(struct call *call)
{
    const json_t *script = call_script(call);
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};
    json_t *wanted, *there;

    if (!body)
        return;
    wanted = read_origins(body, &err);
    if (!wanted) {
        call_fail_err(call, 0, &err);
        return;
    }
    there = all_domains(call);
    if (there)
        call_ok(call, compare(member_int(script, "id"), wanted, there,
                              is_true(call_query(call, "replace_state"))));
    json_decref(there);
    json_decref(wanted);
}

/* Makes `wanted` (taken) the domains of a script. */
static void replace_domains(struct call *call, int64_t script, json_t *wanted)
{
    struct err err = {0};
    json_t *rows = NULL, *result;
    size_t index;
    const json_t *row;

    call_audit(call, NULL, json_pack("{s:O}", "domains", wanted));
    if (route_replace_domains(call_registry(call), script, wanted, &rows, &err) < 0) {
        call_fail_err(call, err.code == ERR_EXISTS ? CODE_CONFLICT : 0, &err);
        json_decref(wanted);
        return;
    }
    call_platform(call)->routes_changed(call_platform(call)->context);
    result = json_array();
    json_array_foreach(rows, index, row)
        json_array_append_new(result, domain_json(row));
    json_decref(rows);
    json_decref(wanted);
    call_ok(call, result);
}

static void put_records(struct call *call)
{
    const json_t *script = call_script(call);
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};
    json_t *wanted, *there, *plan;
    const json_t *taken;

    if (!body)
        return;
    wanted = read_origins(json_object_get(body, "origins"), &err);
    if (!wanted) {
        call_fail_err(call, 0, &err);
        return;
    }
    there = all_domains(call);
    if (!there) {
        json_decref(wanted);
        return;
    }
    plan = compare(member_int(script, "id"), wanted, there, true);
    taken = json_array_get(json_object_get(plan, "conflicting"), 0);
    if (taken && !json_is_true(json_object_get(body, "override_existing_origin"))) {
        call_fail(call, 409, CODE_CONFLICT,
                  "The domain \"%s\" belongs to the worker \"%s\"; \"override_existing_origin\" "
                  "takes it away.",
                  member_text(taken, "hostname"), member_text(taken, "service"));
        json_decref(wanted);
    } else {
        replace_domains(call, member_int(script, "id"), wanted);
    }
    json_decref(plan);
    json_decref(there);
}

/* ---- of an account ---- */

static bool is_wanted(const struct call *call, const json_t *domain)
{
    static const char *const keys[] = {"hostname", "service", "zone_id", "zone_name"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *wanted = call_query(call, keys[i]);
        const char *is = member_text(domain, keys[i]);
        if (wanted && (!is || strcmp(is, wanted) != 0))
            return false;
    }
    return true;
}

static void list(struct call *call)
{
    json_t *rows = all_domains(call);
    json_t *result;
    size_t index;
    const json_t *row;

    if (!rows)
        return;
    result = json_array();
    json_array_foreach(rows, index, row) {
        json_t *domain = domain_json(row);
        if (is_wanted(call, domain))
            json_array_append(result, domain);
        json_decref(domain);
    }
    json_decref(rows);
    call_ok(call, result);
}

/* What is among `rows` of this script, without the domain `host`, as {hostname, zone}. */
static json_t *others_of(const json_t *rows, int64_t script, const char *host)
{
    json_t *result = json_array();
    size_t index;
    const json_t *row;

    json_array_foreach((json_t *)rows, index, row) {
        if (member_int(row, "script_id") == script &&
            strcmp(member_text(row, "hostname"), host) != 0)
            json_array_append_new(result,
                                  json_pack("{s:s, s:s?}", "hostname", member_text(row, "hostname"),
                                            "zone", member_text(row, "zone")));
    }
    return result;
}

static void attach(struct call *call)
{
    const json_t *body = call_json(call);
    const char *host = member_text(body, "hostname");
    const char *service = member_text(body, "service");
    const char *zone = member_text(body, "zone_name");
    struct err err = {0};
    json_t *script, *rows, *wanted;

    if (!body)
        return;
    if (!host || !service) {
        call_fail(call, 400, 10001, "The body is {\"hostname\": HOST, \"service\": WORKER}.");
        return;
    }
    if (script_find(call_registry(call), call_account(call), service, &script, &err) < 0) {
        call_fail_err(call, 10007, &err);
        return;
    }
    rows = all_domains(call);
    if (rows) {
        wanted = others_of(rows, member_int(script, "id"), host);
        json_array_append_new(wanted, json_pack("{s:s, s:s?}", "hostname", host, "zone",
                                                zone ? zone : member_text(body, "zone_id")));
        replace_domains(call, member_int(script, "id"), wanted);
        json_decref(rows);
    }
    json_decref(script);
}

static void get(struct call *call)
{
    json_t *rows = all_domains(call);
    const json_t *row = member_find(rows, "id", call_param(call, "domain"));

    if (rows && row)
        call_ok(call, domain_json(row));
    else if (rows)
        call_fail(call, 404, CODE_NO_DOMAIN, "There is no such domain in this account.");
    json_decref(rows);
}

static void detach(struct call *call)
{
    json_t *rows = all_domains(call);
    const json_t *row = member_find(rows, "id", call_param(call, "domain"));

    if (rows && row)
        replace_domains(call, member_int(row, "script_id"),
                        others_of(rows, member_int(row, "script_id"),
                                  member_text(row, "hostname")));
    else if (rows)
        call_fail(call, 404, CODE_NO_DOMAIN, "There is no such domain in this account.");
    json_decref(rows);
}

#define OF_SCRIPT "/accounts/:account/workers/scripts/:script/domains"
#define OF_ACCOUNT "/accounts/:account/workers/domains"

const struct call_route api_domain_routes[] = {
    {"POST",   OF_SCRIPT "/changeset",   "route:read",  changeset,   NULL},
    {"PUT",    OF_SCRIPT "/records",     "route:write", put_records, "domain.replace"},
    {"GET",    OF_ACCOUNT,               "route:read",  list,        NULL},
    {"PUT",    OF_ACCOUNT,               "route:write", attach,      "domain.attach"},
    {"GET",    OF_ACCOUNT "/:domain",    "route:read",  get,         NULL},
    {"DELETE", OF_ACCOUNT "/:domain",    "route:write", detach,      "domain.detach"},
    {0},
};
