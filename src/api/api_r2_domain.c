/* Where R2 buckets are published: an address of the server's own ("managed"), which always shows
 * what is in the bucket, and hosts of the account's with a cache in front ("custom").
 *
 * Settings that Cloudflare has elsewhere or not at all stand beside its own members, in both
 * directions; which there are: bindings/publish/publish_rule.h. A change is answered when every
 * runtime that serves the bucket knows it (or did not answer for 2 s). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api_r2.h"
#include "api/tables.h"
#include "base/member.h"
#include "bindings/publish/publish_rule.h"
#include "registry/account.h"
#include "registry/distribution.h"
#include "registry/route.h"

enum { CODE_BAD = 10029, CODE_NONE = 10006, CODE_TAKEN = 10081, HOST_BYTES_MAX = 253 };

/* What a body may set and an answer shows. */
static const char *const settings_keys[] = {"prefix",         "index_document",
                                            "error_document", "not_found_handling",
                                            "headers",        "cache", "minTLS"};

/* ---- shapes ---- */

static void show_settings(json_t *shape, const json_t *row)
{
    const json_t *settings = json_object_get(row, "settings");

    for (size_t i = 0; i < COUNT_OF(settings_keys); i++) {
        json_t *value = json_object_get(settings, settings_keys[i]);
        if (value)
            json_object_set(shape, settings_keys[i], value);
    }
}

static json_t *custom_shape(const json_t *row)
{
    json_t *shape = json_pack("{s:O, s:O, s:{s:s, s:s}, s:s, s:O, s:O}", "domain",
                              json_object_get(row, "host"), "enabled",
                              json_object_get(row, "enabled"), "status", "ownership", "active",
                              "ssl", "unknown", "minTLS", "1.0", "zoneId",
                              json_object_get(row, "zone_id"), "zoneName",
                              json_object_get(row, "zone"));

    show_settings(shape, row);
    return shape;
}

static json_t *managed_shape(const json_t *bucket, const json_t *row)
{
    json_t *shape = json_pack("{s:O, s:s, s:b}", "bucketId", json_object_get(bucket, "id"),
                              "domain", row ? member_text(row, "host") : "", "enabled",
                              row && json_is_true(json_object_get(row, "enabled")));

    if (row)
        show_settings(shape, row);
    return shape;
}

/* ---- telling ---- */

struct telling {
    struct call *call;
    json_t *result;
};

static void on_told(void *arg)
{
    struct telling *telling = arg;

    call_ok(telling->call, telling->result);
    free(telling);
}

/* Answers with `result` (taken) when runtimes know. */
static void tell(struct call *call, const char *bucket, json_t *result)
{
    const struct platform *platform = call_platform(call);
    struct telling *telling = mem_new(struct telling);

    telling->call = call;
    telling->result = result;
    platform->published(platform->context, call_account(call), bucket, on_told, telling);
}

static void on_nothing(void *arg)
{
    (void)arg;
}

void api_r2_domain_gone(struct call *call, const char *bucket)
{
    const struct platform *platform = call_platform(call);

    platform->published(platform->context, call_account(call), bucket, on_nothing, NULL);
}

/* ---- settings ---- */

/* What is set (NULL: nothing) with what a body sets: null takes away. Returned owned; NULL after
 * the call was answered. */
static json_t *merge(struct call *call, const json_t *set, const json_t *body)
{
    json_t *settings = set ? json_copy((json_t *)set) : json_object();
    struct publish_rule rule;
    struct err err;
    int r;

    for (size_t i = 0; i < COUNT_OF(settings_keys); i++) {
        json_t *value = json_object_get(body, settings_keys[i]);
        if (json_is_null(value))
            json_object_del(settings, settings_keys[i]);
        else if (value)
            json_object_set(settings, settings_keys[i], value);
    }
    r = publish_rule_read(settings, &rule, &err);
    publish_rule_done(&rule);
    if (r == 0)
        return settings;
    json_decref(settings);
    call_fail(call, 400, CODE_BAD, "%s", err.text);
    return NULL;
}

static bool enabled_of(const json_t *body, bool otherwise)
{
    const json_t *enabled = json_object_get(body, "enabled");

    return json_is_boolean(enabled) ? json_is_true(enabled) : otherwise;
}

static void fail(struct call *call, const struct err *err)
{
    if (err->code == ERR_EXISTS)
        call_fail(call, 409, CODE_TAKEN, "The domain cannot be taken: %s.", err->text);
    else
        call_fail_err(call, 0, err);
}

/* Writes changes of a row; the row as it is then, returned owned, or NULL after the call was
 * answered. */
static json_t *change(struct call *call, const json_t *row, const json_t *body, bool enabled)
{
    const char *host = member_text(row, "host");
    json_t *settings = merge(call, json_object_get(row, "settings"), body), *changed = NULL;
    struct err err = {0};
    int r;

    if (!settings)
        return NULL;
    call_audit(call, host, json_pack("{s:b, s:O}", "enabled", enabled, "settings", settings));
    r = distribution_update(call_registry(call), host, enabled, settings, &err);
    json_decref(settings);
    if (r == 0)
        r = distribution_get(call_registry(call), call_account(call), host, &changed, &err);
    if (r == 0)
        return changed;
    fail(call, &err);
    return NULL;
}

/* ---- rows ---- */

/* The bucket's hosts, returned owned; NULL after the call was answered. */
static json_t *hosts_of(struct call *call, const json_t *bucket)
{
    struct err err = {0};
    json_t *rows;

    if (distribution_list(call_registry(call), call_account(call), member_text(bucket, "name"),
                          &rows, &err) == 0)
        return rows;
    fail(call, &err);
    return NULL;
}

static bool is_managed(const json_t *row)
{
    return json_is_true(json_object_get(row, "managed"));
}

/* ---- the managed address ---- */

/* pub-<32 digits>.<domain>, below the account's subdomain when it is not the first one. */
static int new_host(struct call *call, char host[HOST_BYTES_MAX + 1], struct err *err)
{
    const char *account = call_account(call);
    char label[DISTRIBUTION_LABEL_BYTES];
    json_t *row;
    int r;

    distribution_new_label(label);
    if ((r = account_get(call_registry(call), account, &row, err)) < 0)
        return r;
    if (strcmp(account, ACCOUNT_DEFAULT) == 0)
        snprintf(host, HOST_BYTES_MAX + 1, "%s.%s", label, call_platform(call)->domain);
    else
        snprintf(host, HOST_BYTES_MAX + 1, "%s.%s.%s", label, member_text(row, "subdomain"),
                 call_platform(call)->domain);
    for (char *at = host; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    json_decref(row);
    return 0;
}

/* The row of the managed address, returned owned; NULL: there is none, or the call was answered,
 * then *ret_failed. */
static json_t *managed_row(struct call *call, const json_t *bucket, bool *ret_failed)
{
    json_t *rows = hosts_of(call, bucket), *first = json_array_get(rows, 0);

    *ret_failed = !rows;
    if (first && is_managed(first))
        json_incref(first);
    else
        first = NULL;
    json_decref(rows);
    return first;
}

static void get_managed(struct call *call)
{
    json_t *bucket = stored_row(call, &api_r2_kind), *row;
    bool failed;

    if (!bucket)
        return;
    row = managed_row(call, bucket, &failed);
    if (!failed)
        call_ok(call, managed_shape(bucket, row));
    json_decref(row);
    json_decref(bucket);
}

static json_t *add_managed(struct call *call, const json_t *bucket)
{
    struct distribution_draft draft = {.account = call_account(call),
                                       .bucket = member_text(bucket, "name"),
                                       .zone = call_platform(call)->domain,
                                       .managed = true};
    char host[HOST_BYTES_MAX + 1];
    struct err err = {0};
    json_t *row;
    int r = new_host(call, host, &err);

    draft.host = host;
    if (r == 0)
        r = distribution_add(call_registry(call), &draft, &row, &err);
    if (r == 0)
        return row;
    fail(call, &err);
    return NULL;
}

/* Its host is not below what is the account's now: its subdomain or the server's domain changed. */
static bool is_stale(struct call *call, const json_t *row)
{
    const char *below = strchr(member_text(row, "host"), '.');
    char host[HOST_BYTES_MAX + 1];
    struct err err;

    return new_host(call, host, &err) == 0 && below && strcmp(below, strchr(host, '.')) != 0;
}

/* The row, taken, or NULL when it is stale, and gone. */
static json_t *renew(struct call *call, json_t *row)
{
    struct err err;

    if (!row || !is_stale(call, row) ||
        distribution_delete(call_registry(call), call_account(call), member_text(row, "host"),
                            &err) < 0)
        return row;
    json_decref(row);
    return NULL;
}

static void put_managed_row(struct call *call, const json_t *bucket, const json_t *body)
{
    bool failed;
    json_t *row = renew(call, managed_row(call, bucket, &failed)), *changed;

    if (!row && !failed)
        row = add_managed(call, bucket);
    if (!row)
        return;
    changed = change(call, row, body, enabled_of(body, true));
    if (changed)
        tell(call, member_text(bucket, "name"), managed_shape(bucket, changed));
    json_decref(changed);
    json_decref(row);
}

static void put_managed(struct call *call)
{
    const json_t *body = call_json(call);
    json_t *bucket;

    if (!body)
        return;
    if (json_object_get(body, "cache")) {
        call_fail(call, 400, CODE_BAD,
                  "The managed address has no cache: it shows what is in the bucket. A custom "
                  "domain has one.");
        return;
    }
    if (!(bucket = stored_row(call, &api_r2_kind)))
        return;
    put_managed_row(call, bucket, body);
    json_decref(bucket);
}

/* ---- custom domains ---- */

/* In small letters. False when it is no host. */
static bool read_host(const char *text, char host[HOST_BYTES_MAX + 1])
{
    struct route_pattern pattern;
    size_t len = text ? strlen(text) : 0;
    struct err err;

    if (!len || len > HOST_BYTES_MAX)
        return false;
    for (size_t i = 0; i <= len; i++)
        host[i] = (char)tolower((unsigned char)text[i]);
    return route_pattern_parse(str_from(host), &pattern, &err) == 0 && !pattern.any_label &&
           str_equal(pattern.host, str_from(host));
}

/* The name of the zone that the body means: of the host, or a name above it. */
static const char *zone_of(const json_t *body, const char *host)
{
    const char *wanted = member_text(body, "zoneId"), *named = member_text(body, "zoneName");
    char id[33];

    for (const char *name = host; name; name = strchr(name, '.') ? strchr(name, '.') + 1 : NULL) {
        route_zone_id(name, id);
        if ((wanted && (strcmp(wanted, id) == 0 || strcmp(wanted, name) == 0)) ||
            (named && strcmp(named, name) == 0))
            return name;
    }
    return host;
}

static void add_custom(struct call *call, const json_t *bucket, const json_t *body,
                       const char *host)
{
    struct distribution_draft draft = {.account = call_account(call),
                                       .bucket = member_text(bucket, "name"),
                                       .host = host,
                                       .zone = zone_of(body, host),
                                       .enabled = enabled_of(body, true)};
    json_t *settings = merge(call, NULL, body), *row;
    struct err err = {0};

    if (!settings)
        return;
    draft.settings = settings;
    call_audit(call, host, json_pack("{s:s, s:O}", "bucket", draft.bucket, "settings", settings));
    if (distribution_add(call_registry(call), &draft, &row, &err) == 0) {
        tell(call, draft.bucket, custom_shape(row));
        json_decref(row);
    } else {
        fail(call, &err);
    }
    json_decref(settings);
}

static void post_custom(struct call *call)
{
    const json_t *body = call_json(call);
    char host[HOST_BYTES_MAX + 1];
    json_t *bucket;

    if (!body)
        return;
    if (!read_host(member_text(body, "domain"), host)) {
        call_fail(call, 400, CODE_BAD, "The body is {\"domain\": HOST, \"enabled\": true}.");
        return;
    }
    if (!(bucket = stored_row(call, &api_r2_kind)))
        return;
    add_custom(call, bucket, body, host);
    json_decref(bucket);
}

static void list_custom(struct call *call)
{
    json_t *bucket = stored_row(call, &api_r2_kind), *rows, *row, *domains;
    size_t i;

    if (!bucket)
        return;
    if ((rows = hosts_of(call, bucket))) {
        domains = json_array();
        json_array_foreach(rows, i, row)
            if (!is_managed(row))
                json_array_append_new(domains, custom_shape(row));
        call_ok(call, json_pack("{s:o}", "domains", domains));
    }
    json_decref(rows);
    json_decref(bucket);
}

/* The row that the path means, returned owned; NULL after the call was answered. */
static json_t *custom_row(struct call *call)
{
    json_t *bucket = stored_row(call, &api_r2_kind), *rows, *row, *found = NULL;
    char host[HOST_BYTES_MAX + 1] = "";
    size_t i;

    if (!bucket)
        return NULL;
    if (!read_host(call_param(call, "domain"), host))
        *host = '\0';
    if ((rows = hosts_of(call, bucket))) {
        json_array_foreach(rows, i, row)
            if (!is_managed(row) && strcmp(member_text(row, "host"), host) == 0)
                found = json_incref(row);
        if (!found)
            call_fail(call, 404, CODE_NONE, "The bucket %s has no custom domain %s.",
                      member_text(bucket, "name"), call_param(call, "domain"));
    }
    json_decref(rows);
    json_decref(bucket);
    return found;
}

static void get_custom(struct call *call)
{
    json_t *row = custom_row(call);

    if (row)
        call_ok(call, custom_shape(row));
    json_decref(row);
}

static void put_custom(struct call *call)
{
    const json_t *body = call_json(call);
    json_t *row = body ? custom_row(call) : NULL, *changed;

    if (!row)
        return;
    changed = change(call, row, body,
                     enabled_of(body, json_is_true(json_object_get(row, "enabled"))));
    if (changed)
        tell(call, member_text(row, "bucket"), custom_shape(changed));
    json_decref(changed);
    json_decref(row);
}

static void delete_custom(struct call *call)
{
    json_t *row = custom_row(call);
    struct err err = {0};

    if (!row)
        return;
    call_audit(call, member_text(row, "host"), NULL);
    if (distribution_delete(call_registry(call), call_account(call), member_text(row, "host"),
                            &err) == 0)
        tell(call, member_text(row, "bucket"),
             json_pack("{s:O}", "domain", json_object_get(row, "host")));
    else
        fail(call, &err);
    json_decref(row);
}

#define DOMAINS "/accounts/:account/r2/buckets/:bucket/domains"

const struct call_route api_r2_domain_routes[] = {
    {"GET",    DOMAINS "/managed",        "storage:read",  get_managed,   NULL},
    {"PUT",    DOMAINS "/managed",        "storage:write", put_managed,   "r2.publish"},
    {"GET",    DOMAINS "/custom",         "storage:read",  list_custom,   NULL},
    {"POST",   DOMAINS "/custom",         "storage:write", post_custom,   "r2.domain.add"},
    {"GET",    DOMAINS "/custom/:domain", "storage:read",  get_custom,    NULL},
    {"PUT",    DOMAINS "/custom/:domain", "storage:write", put_custom,    "r2.domain.update"},
    {"DELETE", DOMAINS "/custom/:domain", "storage:write", delete_custom, "r2.domain.remove"},
    {0},
};
