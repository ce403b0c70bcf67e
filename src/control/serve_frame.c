/* What the registry knows, as frames for runtimes.
 *
 * Limits of a worker, the later the stronger: base/limits.h, the configuration, the account's, what
 * its author asks for (as far as the account and the configuration let him), the operator's for
 * this worker. */
#include <stdio.h>
#include <stdlib.h>

#include "api/binding.h"
#include "base/member.h"
#include "control/serve_private.h"
#include "control/upload.h"
#include "registry/account.h"
#include "registry/deployment.h"
#include "registry/distribution.h"
#include "registry/route.h"
#include "registry/script.h"
#include "registry/script_version.h"
#include "registry/storage.h"

enum { KEPT_MAX = 128, KEY_BYTES_MAX = 160 };

/* ---- limits ---- */

/* What an author may ask for; wrangler has the same names. */
static bool is_authors(const struct limits_row *row)
{
    return strcmp(row->key, "cpu_ms") == 0 || strcmp(row->key, "subrequests") == 0;
}

static bool get_limit(const json_t *object, const struct limits_row *row, uint64_t *ret)
{
    const json_t *value = json_object_get(object, row->key);
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 0)
        return false;
    *ret = (uint64_t)number;
    if (*ret < row->least)
        *ret = row->least;
    if (*ret > row->most)
        *ret = row->most;
    return true;
}

static uint64_t effective(const struct serve_config *config, const struct limits_row *row,
                          const json_t *account, const json_t *author, const json_t *operator)
{
    uint64_t value = *limits_value((struct limits *)&config->limits, row), asked;
    bool bounded = config->limits_given[row - limits_rows];

    bounded |= get_limit(account, row, &value);
    if (is_authors(row) && get_limit(author, row, &asked) && (!bounded || asked < value))
        value = asked;
    get_limit(operator, row, &value);
    return value;
}

static json_t *limits_of(struct serve *serve, const json_t *script, const json_t *version)
{
    json_t *limits = json_object(), *account = NULL;
    struct err err;

    if (account_get(serve->registry, member_text_or(script, "account", ""), &account, &err) < 0)
        account = NULL;
    for (const struct limits_row *row = limits_rows; row->key; row++)
        json_object_set_new(limits, row->key,
                            json_integer((json_int_t)effective(
                                serve->config, row, json_object_get(account, "limits"),
                                json_object_get(version, "limits"),
                                json_object_get(json_object_get(script, "settings"), "limits"))));
    json_decref(account);
    return limits;
}

/* ---- versions ---- */

struct making {
    const json_t *script;
    const char *key;
    json_t *versions;
    struct buf *blob;
};

/* Where it is, also when a version knows it by a name, which may be another's since. Takes `row`.
 * */
static void place(json_t *binding, json_t *row)
{
    char *store = storage_store(row);

    json_object_set_new(binding, "store", json_string(store));
    free(store);
    json_decref(row);
}

/* A version may name what was deleted since: its binding then has no store. */
static int forget_deleted(struct serve *serve, const char *account, json_t *config, struct err *err)
{
    json_t *binding, *row;
    size_t i;
    int r;

    json_array_foreach(json_object_get(config, "bindings"), i, binding) {
        const struct binding_store *store = binding_store_of(member_text_or(binding, "type", ""));

        if (!store)
            continue;
        r = storage_get(serve->registry, account, store->kind, member_text_or(binding, "id", ""),
                        &row, err);
        if (r == 0)
            place(binding, row);
        else if (r == ERR_NOT_FOUND)
            json_object_del(binding, "store");
        else
            return r;
    }
    return 0;
}

static int add_config(struct serve *serve, struct making *making, const json_t *version,
                      json_t **ret, struct err *err)
{
    const char *account = member_text_or(making->script, "account", "");
    json_t *secrets = NULL, *config;
    int r = script_version_secrets(serve->registry, member_text_or(version, "id", ""), &secrets,
                                   err);

    if (r < 0)
        return r;
    config = upload_config(version, secrets, account);
    json_decref(secrets);
    if ((r = forget_deleted(serve, account, config, err)) < 0 ||
        (r = serve_site_ensure(serve, account,
                               member_text_or(json_object_get(config, "assets"), "manifest", ""),
                               err)) < 0) {
        json_decref(config);
        return r;
    }
    *ret = config;
    return 0;
}

/* Adds a version's row as it stands in a frame, and its contents to `blob`. Returns the row of the
 * registry, returned owned. */
static int add_version(struct serve *serve, struct making *making, const json_t *share,
                       json_t **ret, struct err *err)
{
    const char *id = member_text_or(share, "version_id", "");
    int64_t script_id = member_int(making->script, "id");
    json_t *version = NULL, *config = NULL, *percent = json_object_get(share, "percentage");
    int r;

    if ((r = script_version_get(serve->registry, script_id, id, &version, err)) < 0)
        return r;
    if ((r = add_config(serve, making, version, &config, err)) < 0 ||
        (r = script_version_contents(serve->registry, json_object_get(version, "parts"),
                                     making->blob, err)) < 0) {
        json_decref(config);
        json_decref(version);
        return r;
    }
    json_array_append_new(making->versions,
                          json_pack("{s:s, s:O, s:o, s:O}", "id", id, "percent", percent, "config",
                                    config, "parts", json_object_get(version, "parts")));
    *ret = version;
    return 0;
}

/* Limits are of the worker, not of a version: those that the newest deployed version asks for. */
static int make_frame(struct serve *serve, struct making *making, const json_t *deployment,
                      json_t **ret, struct err *err)
{
    const json_t *script = making->script;
    json_t *share, *version = NULL, *newest = NULL;
    size_t i;
    int r = 0;

    json_array_foreach(json_object_get(deployment, "versions"), i, share) {
        if ((r = add_version(serve, making, share, &version, err)) < 0)
            break;
        if (!newest || member_int(version, "number") > member_int(newest, "number")) {
            json_decref(newest);
            newest = json_incref(version);
        }
        json_decref(version);
    }
    if (r == 0)
        *ret = json_pack("{s:s, s:s, s:I, s:s, s:o, s:O}", "type", "worker", "worker", making->key,
                         "number", (json_int_t)member_int(script, "id"), "script",
                         member_text_or(script, "name", ""), "limits",
                         limits_of(serve, script, newest), "versions", making->versions);
    json_decref(newest);
    return r;
}

static int find_script(struct serve *serve, const char *key, json_t **ret, struct err *err)
{
    const char *slash = strchr(key, '/');
    char *account;
    int r;

    if (!slash)
        return ERR_NOT_FOUND;
    account = str_dup((str){key, (size_t)(slash - key)});
    r = script_find(serve->registry, account, slash + 1, ret, err);
    free(account);
    return r;
}

/* ---- buckets that are published ---- */

static const char bucket_mark[] = "/r2:";

char *serve_frame_bucket_key(const char *account, const char *bucket)
{
    struct buf key;
    int r;

    buf_init(&key, KEY_BYTES_MAX);
    r = buf_printf(&key, "%s%s%s", account, bucket_mark, bucket);
    if (r < 0)
        buf_clear(&key); /* of none */
    return buf_take(&key, NULL);
}

/* A client may take as long as a worker may at most. */
static json_t *bucket_limits(struct serve *serve, const char *account)
{
    json_t *script = json_pack("{s:s}", "account", account);
    json_t *limits = limits_of(serve, script, NULL);

    json_object_set_new(limits, "wall_ms", json_integer((json_int_t)limits_find("wall_ms")->most));
    json_decref(script);
    return limits;
}

/* Its version is the number of the last purge, and that of its rules of CORS: every change is one
 * of these. */
static json_t *bucket_frame(struct serve *serve, const char *key, const char *mark, struct err *err)
{
    char *account = str_dup((str){key, (size_t)(mark - key)}), id[64];
    json_t *published = NULL, *frame = NULL;

    if (distribution_published(serve->registry, account, mark + sizeof bucket_mark - 1, &published,
                               err) == 0) {
        snprintf(id, sizeof id, "%lld.%lld", (long long)member_int(published, "seq"),
                 (long long)member_int(json_object_get(published, "cors"), "number"));
        frame = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:[{s:s, s:i}]}", "type", "worker",
                          "worker", key, "number", 0, "script", mark + 1, "limits",
                          bucket_limits(serve, account), "published", published, "versions", "id",
                          id, "percent", 100);
    }
    free(account);
    return frame;
}

json_t *serve_frame_worker(void *context, const char *key, struct buf *blob)
{
    struct serve *serve = context;
    const char *mark = strstr(key, bucket_mark);
    json_t *script = NULL, *deployment = NULL, *frame = NULL;
    struct making making = {.key = key, .versions = json_array(), .blob = blob};
    struct err err = {0};
    int r;

    if (mark) {
        json_decref(making.versions);
        return bucket_frame(serve, key, mark, &err);
    }
    r = find_script(serve, key, &script, &err);
    if (r == 0)
        r = deployment_current(serve->registry, member_int(script, "id"), &deployment, &err);
    making.script = script;
    if (r == 0)
        r = make_frame(serve, &making, deployment, &frame, &err);
    json_decref(making.versions);
    json_decref(deployment);
    json_decref(script);
    if (r == 0)
        return frame;
    buf_clear(blob);
    if (r == ERR_NOT_FOUND)
        return NULL;
    journal_say(serve->journal, JOURNAL_ERROR, "worker.unreadable", "s:s, s:s", "worker", key,
                "error", err.text);
    return json_pack("{s:s, s:s, s:s, s:s}", "type", "failed", "worker", key, "title",
                     "The worker cannot be read", "detail",
                     "What the server stored of it is damaged or missing. Its operator finds more "
                     "in the server's log; deploying it again may help.");
}

json_t *serve_frame_hosts(void *context, const char *host)
{
    struct serve *serve = context;
    json_t *rows = NULL, *row, *rules = json_array();
    struct err err;
    size_t i;

    if (route_rules(serve->registry, serve->config->domain, host, &rows, &err) < 0) {
        journal_say(serve->journal, JOURNAL_ERROR, "routes.unreadable", "s:s, s:s", "host", host,
                    "error", err.text);
        return rules;
    }
    json_array_foreach(rows, i, row) {
        json_t *key = json_object_get(row, "key");

        json_array_append_new(rules, json_pack("{s:O, s:O}", "path", json_object_get(row, "path"),
                                               "worker", key ? key : json_null()));
    }
    json_decref(rows);
    return rules;
}

unsigned serve_frame_kept(const json_t *script)
{
    json_int_t count = json_integer_value(
        json_object_get(json_object_get(script, "settings"), "min_instances"));

    return count <= 0 ? 0 : count > KEPT_MAX ? KEPT_MAX : (unsigned)count;
}
