/* Secrets of a worker. Each change makes a version with other bindings and deploys it; what a
 * secret says is never answered.
 *
 * Handlers that wait for the deployment read the call again when it is live: a call keeps its body
 * and its parameters until it is answered. */
#include "api/call.h"
#include "api/release.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/script_version.h"

enum { CODE_NO_SECRET = 10056, CODE_BAD_BINDING = 10021, SECRETS_AT_ONCE_MAX = 100 };

/* Bindings of the latest version that are secrets, as {name, type}. Returned owned; NULL with
 * `err`. */
static json_t *secrets_of(struct call *call, const json_t *script, struct err *err)
{
    json_t *version, *result = json_array();
    size_t index;
    const json_t *binding;
    int r = script_version_latest(call_registry(call), member_int(script, "id"), &version, err);

    if (r == ERR_NOT_FOUND)
        return result;
    if (r < 0) {
        json_decref(result);
        return NULL;
    }
    json_array_foreach(json_object_get(version, "bindings"), index, binding)
        if (member_is(binding, "type", "secret_text"))
            json_array_append_new(result,
                                  json_pack("{s:O, s:s}", "name", json_object_get(binding, "name"),
                                            "type", "secret_text"));
    json_decref(version);
    return result;
}

static void list(struct call *call)
{
    const json_t *script = call_script(call);
    struct err err = {0};
    json_t *secrets;

    if (!script)
        return;
    secrets = secrets_of(call, script, &err);
    if (secrets)
        call_ok(call, secrets);
    else
        call_fail_err(call, 0, &err);
}

/* The secret of the path's :name. Returned owned; NULL after the call was answered. */
static json_t *secret_of(struct call *call)
{
    const json_t *script = call_script(call);
    struct err err = {0};
    json_t *secrets, *found;

    if (!script)
        return NULL;
    secrets = secrets_of(call, script, &err);
    if (!secrets) {
        call_fail_err(call, 0, &err);
        return NULL;
    }
    found = json_incref(member_find(secrets, "name", call_param(call, "name")));
    json_decref(secrets);
    if (!found)
        call_fail(call, 404, CODE_NO_SECRET, "The worker \"%s\" has no secret \"%s\".",
                  member_text(script, "name"), call_param(call, "name"));
    return found;
}

static void get(struct call *call)
{
    json_t *secret = secret_of(call);

    if (secret)
        call_ok(call, secret);
}

/* ---- changes ---- */

/* `bindings` is taken. */
static void change(struct call *call, json_t *bindings, release_on_live *on_live)
{
    struct release_change change = {.bindings = bindings, .triggered_by = "secret", .deploy = true};

    release_derive(call, &change, on_live);
    json_decref(bindings);
}

static int check_secret(const char *name, const json_t *secret, struct err *err)
{
    const char *type = member_text(secret, "type");

    if (!name || !*name)
        return err_set(err, ERR_INVALID, "A secret has a name: {\"name\", \"text\", \"type\"}.");
    if (type && strcmp(type, "secret_text") != 0)
        return err_set(err, ERR_INVALID,
                       "The secret \"%.200s\" is a \"%.100s\"; only \"secret_text\" is there.",
                       name, type);
    if (!member_text(secret, "text"))
        return err_set(err, ERR_INVALID, "The secret \"%.200s\" has no \"text\".", name);
    return 0;
}

static json_t *binding_of(const json_t *secret)
{
    return json_pack("{s:s, s:O}", "type", "secret_text", "text", json_object_get(secret, "text"));
}

static void on_put(struct call *call, const json_t *script, const json_t *version)
{
    (void)script;
    (void)version;
    call_ok(call, json_pack("{s:O, s:s}", "name", json_object_get(call_json(call), "name"), "type",
                            "secret_text"));
}

static void put(struct call *call)
{
    const json_t *script = call_script(call);
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};

    if (!body)
        return;
    if (check_secret(member_text(body, "name"), body, &err) < 0) {
        call_fail_err(call, CODE_BAD_BINDING, &err);
        return;
    }
    call_audit(call, NULL, json_pack("{s:[O]}", "set", json_object_get(body, "name")));
    change(call, json_pack("{s:o}", member_text(body, "name"), binding_of(body)), on_put);
}

static void on_gone(struct call *call, const json_t *script, const json_t *version)
{
    (void)script;
    (void)version;
    call_ok(call, NULL);
}

static void delete (struct call *call)
{
    json_t *secret = secret_of(call);

    if (!secret)
        return;
    call_audit(call, NULL, json_pack("{s:[O]}", "deleted", json_object_get(secret, "name")));
    change(call, json_pack("{s:n}", member_text(secret, "name")), on_gone);
    json_decref(secret);
}

/* {A: {text, type?}, B: null} as bindings, and the names of both kinds. Returned owned. */
static json_t *read_bulk(const json_t *secrets, json_t *set, json_t *deleted, struct err *err)
{
    json_t *bindings = json_object();
    const char *name;
    const json_t *secret;
    int r = 0;

    if (!json_is_object(secrets) || !json_object_size(secrets))
        r = err_set(err, ERR_INVALID, "The body is {\"secrets\": {NAME: {\"text\"} or null}}.");
    else if (json_object_size(secrets) > SECRETS_AT_ONCE_MAX)
        r = err_set(err, ERR_LIMIT, "At most %d secrets are changed at once.", SECRETS_AT_ONCE_MAX);
    json_object_foreach((json_t *)secrets, name, secret) {
        bool goes = json_is_null(secret);
        if (r == 0 && !goes)
            r = check_secret(name, secret, err);
        if (r < 0)
            break;
        json_object_set_new(bindings, name, goes ? json_null() : binding_of(secret));
        json_array_append_new(goes ? deleted : set, json_string(name));
    }
    if (r == 0)
        return bindings;
    json_decref(bindings);
    return NULL;
}

static void on_bulk(struct call *call, const json_t *script, const json_t *version)
{
    (void)script;
    (void)version;
    call_ok(call, json_object());
}

static void patch_bulk(struct call *call)
{
    const json_t *script = call_script(call);
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};
    json_t *set, *deleted, *bindings;

    if (!body)
        return;
    set = json_array();
    deleted = json_array();
    bindings = read_bulk(json_object_get(body, "secrets"), set, deleted, &err);
    call_audit(call, NULL, json_pack("{s:o, s:o}", "set", set, "deleted", deleted));
    if (bindings)
        change(call, bindings, on_bulk);
    else
        call_fail_err(call, CODE_BAD_BINDING, &err);
}

#define SCRIPT "/accounts/:account/workers/scripts/:script"

const struct call_route api_secret_routes[] = {
    {"GET",    SCRIPT "/secrets",        "secret:read",  list,       NULL},
    {"PUT",    SCRIPT "/secrets",        "secret:write", put,        "secret.put"},
    {"GET",    SCRIPT "/secrets/:name",  "secret:read",  get,        NULL},
    {"DELETE", SCRIPT "/secrets/:name",  "secret:write", delete,     "secret.delete"},
    {"PATCH",  SCRIPT "/secrets-bulk",   "secret:write", patch_bulk, "secret.bulk"},
    {0},
};
