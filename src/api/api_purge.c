/* Purges of what distributions keep: Cloudflare's purge_cache of a zone, and the same for an
 * account.
 *
 * Zones are not kept: one stands for the hosts of the caller's account that are in it. When this
 * is answered, no runtime uses what was purged for requests that come from then on. */
#include "api/call.h"
#include "api/tables.h"
#include "base/member.h"
#include "bindings/publish/publish_rule.h"
#include "registry/distribution.h"
#include "registry/route.h"

enum { CODE_BAD = 1134, CODE_NOT_YOURS = 1102, ITEMS_MAX = 100, PATH_BYTES_MAX = 1024,
       HOST_BYTES_MAX = 253 };

/* A purge that was asked for: {host, kind, text}, in an array. */
struct plan {
    struct call *call;
    const char *zone;      /* NULL: all of the account */
    json_t *rows;          /* the account's distributions */
    json_t *purges;
    bool failed;           /* the call was answered */
};

/* ---- hosts ---- */

static bool is_in_zone(const json_t *row, const char *zone)
{
    const char *name = member_text(row, "host");
    char id[33];

    if (!zone || strcmp(member_text(row, "zone_id"), zone) == 0)
        return true;
    for (; name; name = strchr(name, '.') ? strchr(name, '.') + 1 : NULL) {
        route_zone_id(name, id);
        if (strcmp(id, zone) == 0 || strcmp(name, zone) == 0)
            return true;
    }
    return false;
}

/* The account's host, as it is written there; NULL after the call was answered. */
static const char *host_of(struct plan *plan, str text)
{
    const json_t *row;
    size_t i;

    json_array_foreach(plan->rows, i, row)
        if (str_equal_nocase(str_from(member_text(row, "host")), text) &&
            is_in_zone(row, plan->zone))
            return member_text(row, "host");
    call_fail(plan->call, 403, CODE_NOT_YOURS,
              "No bucket of the account \"%s\" is published at %.*s%s%s.", call_account(plan->call),
              STR_ARGS(str_head(text, HOST_BYTES_MAX)), plan->zone ? " in the zone " : "",
              plan->zone ? plan->zone : "");
    plan->failed = true;
    return NULL;
}

static void add(struct plan *plan, const char *host, const char *kind, str text)
{
    json_array_append_new(plan->purges, json_pack("{s:s, s:s, s:s%}", "host", host, "kind", kind,
                                                  "text", text.ptr ? text.ptr : "", text.len));
}

/* ---- what is asked for ---- */

static str skip_scheme(str url)
{
    str schemes[] = {STR("http://"), STR("https://")};

    for (size_t i = 0; i < COUNT_OF(schemes); i++)
        if (str_equal_nocase(str_head(url, schemes[i].len), schemes[i]))
            return str_skip(url, schemes[i].len);
    return url;
}

/* A URL, or the beginning of one: its host decides, its query counts for nothing. */
static void add_url(struct plan *plan, const char *kind, str url)
{
    str rest = skip_scheme(url), host, path;
    size_t slash = str_find(rest, '/');
    const char *known;
    struct buf text;

    host = str_head(rest, slash);
    host = str_head(host, str_find(host, ':'));
    path = str_skip(rest, slash);
    path = str_head(path, str_find(path, '?'));
    path = str_head(path, str_find(path, '#'));
    if (!(known = host_of(plan, host)))
        return;
    buf_init(&text, PATH_BYTES_MAX);
    if (publish_rule_path(path, &text) == 0) {
        add(plan, known, kind, buf_str(&text));
    } else {
        call_fail(plan->call, 400, CODE_BAD, "This path cannot be purged: %.*s",
                  STR_ARGS(str_head(path, HOST_BYTES_MAX)));
        plan->failed = true;
    }
    buf_done(&text);
}

static void add_file(struct plan *plan, str url)
{
    add_url(plan, "file", url);
}

static void add_prefix(struct plan *plan, str url)
{
    add_url(plan, "prefix", url);
}

static void add_host(struct plan *plan, str text)
{
    const char *host = host_of(plan, text);

    if (host)
        add(plan, host, "all", STR_NONE);
}

static void add_everything(struct plan *plan)
{
    const json_t *row;
    size_t i;

    json_array_foreach(plan->rows, i, row)
        if (is_in_zone(row, plan->zone) && !json_is_true(json_object_get(row, "managed")))
            add(plan, member_text(row, "host"), "all", STR_NONE);
}

static void add_list(struct plan *plan, const json_t *list,
                     void (*add_item)(struct plan *plan, str text))
{
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)list, i, item) {
        const json_t *url = json_is_object(item) ? json_object_get(item, "url") : item;

        if (plan->failed)
            return;
        if (json_is_string(url)) {
            add_item(plan, (str){json_string_value(url), json_string_length(url)});
            continue;
        }
        call_fail(plan->call, 400, CODE_BAD, "What is to be purged is a list of texts.");
        plan->failed = true;
    }
}

static const struct kind {
    const char *key;
    void (*add)(struct plan *plan, str text);
} kinds[] = {{"files", add_file}, {"prefixes", add_prefix}, {"hosts", add_host}};

static void read_body(struct plan *plan, const json_t *body)
{
    bool any = json_is_true(json_object_get(body, "purge_everything"));
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        count += json_array_size(json_object_get(body, kinds[i].key));
    if ((!any && !count) || count > ITEMS_MAX) {
        call_fail(plan->call, 400, CODE_BAD,
                  "The body is {\"purge_everything\": true}, or has \"files\" (URLs), \"prefixes\" "
                  "or \"hosts\", at most %d of them; there are no cache tags.",
                  ITEMS_MAX);
        plan->failed = true;
        return;
    }
    if (any)
        add_everything(plan);
    for (size_t i = 0; i < COUNT_OF(kinds) && !plan->failed; i++)
        add_list(plan, json_object_get(body, kinds[i].key), kinds[i].add);
}

/* ---- doing it ---- */

/* Their frames, in an array. */
static int note_all(struct plan *plan, json_t *frames, struct err *err)
{
    json_t *purge, *frame;
    size_t i;
    int r = 0;

    json_array_foreach(plan->purges, i, purge) {
        r = distribution_purge(call_registry(plan->call), member_text(purge, "host"),
                               member_text(purge, "kind"), member_text(purge, "text"), &frame, err);
        if (r < 0)
            return r;
        json_array_append_new(frames, frame);
    }
    return r;
}

static bool carry_out(struct plan *plan)
{
    const struct platform *platform = call_platform(plan->call);
    json_t *frames = json_array(), *frame;
    struct err err = {0};
    size_t i;
    int r = registry_begin(call_registry(plan->call), &err);

    if (r == 0)
        r = registry_end(call_registry(plan->call), note_all(plan, frames, &err), &err);
    json_array_foreach(frames, i, frame)
        if (r == 0)
            platform->purged(platform->context, json_incref(frame));
    json_decref(frames);
    if (r < 0)
        call_fail_err(plan->call, 0, &err);
    return r == 0;
}

static void purge(struct call *call)
{
    const json_t *body = call_json(call);
    struct plan plan = {.call = call, .zone = call_param(call, "zone")};
    struct err err = {0};

    if (!body)
        return;
    if (distribution_list(call_registry(call), call_account(call), NULL, &plan.rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    plan.purges = json_array();
    read_body(&plan, body);
    if (!plan.failed) {
        call_audit(call, plan.zone, json_pack("{s:O}", "purges", plan.purges));
        if (carry_out(&plan))
            call_ok(call, json_pack("{s:s}", "id", plan.zone ? plan.zone : call_account(call)));
    }
    json_decref(plan.purges);
    json_decref(plan.rows);
}

const struct call_route api_purge_routes[] = {
    {"POST", "/zones/:zone/purge_cache",        "storage:write", purge, "cache.purge"},
    {"POST", "/accounts/:account/cache/purge",  "storage:write", purge, "cache.purge"},
    {0},
};
