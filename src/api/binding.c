/* Bindings checked and resolved; see binding.h.
 *
 * A table says what each type consists of. A type that is not in it belongs to a service that does
 * not exist here: refusing it at the upload is kinder than a worker that finds nothing in env. */
#include "api/binding.h"

#include <ctype.h>

#include "base/member.h"
#include "registry/script.h"
#include "registry/storage.h"

struct kind {
    const char *type;
    const char *field;    /* that it must have; NULL: none */
    bool is_json;         /* any JSON value; else a string */
    bool is_secret;       /* the field is kept beside, encrypted */
    bool is_part;         /* the field names a module; service-worker format only */
};

static const struct binding_store stores[] = {
    {"kv_namespace", "kv", "namespace_id", NULL, "KV namespace", "kv namespace create",
     false},
    {"d1", "d1", "id", "database_id", "D1 database", "d1 create", false},
    {"r2_bucket", "r2", "bucket_name", NULL, "R2 bucket", "r2 bucket create", true},
};

/* The types whose data is an account's, whatever their bindings say: a row of each is made when the
 * first is uploaded. */
static const struct shared {
    const char *type, *kind, *name;
} shared[] = {
    {"ratelimit", "ratelimit", "rate limits"},
    {"analytics_engine", "analytics", "analytics engine"},
};

static const struct kind kinds[] = {
    {"plain_text",       "text", false, false, false},
    {"json",             "json", true,  false, false},
    {"secret_text",      "text", false, true,  false},
    {"version_metadata", NULL,   false, false, false},
    {"assets",           NULL,   false, false, false},
    {"wasm_module",      "part", false, false, true},
    {"text_blob",        "part", false, false, true},
    {"data_blob",        "part", false, false, true},
    {"kv_namespace",     "namespace_id", false, false, false},
    {"d1",               "id",   false, false, false},
    {"r2_bucket",        "bucket_name", false, false, false},
    {"service",          "service", false, false, false},
    {"ratelimit",        "namespace_id", false, false, false},
    {"analytics_engine", "dataset", false, false, false},
};

/* What a binding of any type may have besides. */
static const struct more {
    const char *type, *key;
    json_type form;
} more[] = {
    {"service", "entrypoint", JSON_STRING},
    {"service", "environment", JSON_STRING},
    {"service", "props", JSON_OBJECT},
    {"ratelimit", "simple", JSON_OBJECT},
};

struct resolver {
    const struct binding_request *request;
    struct binding_set *set;
    json_t *names;      /* object: those that are taken */
    int *code;
    struct err *err;
};

static const struct kind *kind_of(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    }
    return NULL;
}

const struct binding_store *binding_store_of(const char *type)
{
    for (size_t i = 0; type && i < COUNT_OF(stores); i++)
        if (strcmp(stores[i].type, type) == 0)
            return &stores[i];
    return NULL;
}

const char *binding_store_type(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(stores); i++)
        if (strcmp(stores[i].kind, kind) == 0)
            return stores[i].type;
    for (size_t i = 0; i < COUNT_OF(shared); i++)
        if (strcmp(shared[i].kind, kind) == 0)
            return shared[i].type;
    return NULL;
}

static const struct shared *shared_of(const char *type)
{
    for (size_t i = 0; type && i < COUNT_OF(shared); i++)
        if (strcmp(shared[i].type, type) == 0)
            return &shared[i];
    return NULL;
}

char *binding_shared_store(const char *type, const char *owner)
{
    const struct shared *s = shared_of(type);
    struct buf path;

    if (!s)
        return NULL;
    buf_init(&path, BINDING_BYTES_MAX);
    ASSERT(buf_printf(&path, "%s/%s/" BINDING_SHARED_ID, owner, s->kind) == 0);
    return buf_take(&path, NULL);
}

/* ---- one binding ---- */

static int check_name(struct resolver *r, const char *name)
{
    str text = str_from(name);

    if (!text.len || text.len > BINDING_NAME_MAX)
        return err_set(r->err, ERR_INVALID, "A binding needs a name of 1 to %d bytes.",
                       BINDING_NAME_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return err_set(r->err, ERR_INVALID, "The name of a binding has a control character.");
    }
    if (strcmp(name, "__proto__") == 0)
        return err_set(r->err, ERR_INVALID, "A binding cannot be called \"__proto__\".");
    if (json_object_get(r->names, name))
        return err_set(r->err, ERR_INVALID, "There are two bindings \"%s\".", name);
    if (json_object_size(r->names) == BINDING_COUNT_MAX)
        return err_set(r->err, ERR_LIMIT, "There are more than %d bindings.", BINDING_COUNT_MAX);
    return 0;
}

static int check_part(struct resolver *r, const char *name, const char *type, const char *part)
{
    if (!r->request->is_script)
        return err_set(r->err, ERR_INVALID,
                       "The binding \"%s\" has the type \"%s\", which is for scripts in "
                       "service-worker format: a module imports such a file.",
                       name, type);
    if (r->request->modules && !member_find(r->request->modules, "name", part))
        return err_set(r->err, ERR_INVALID,
                       "The binding \"%s\" names the part \"%s\", which the form does not have.",
                       name, part);
    return 0;
}

/* The id of what a binding names, by id or by name; returned owned. */
static int find_store(struct resolver *r, const char *name, const struct binding_store *store,
                      const char *wanted, json_t **ret)
{
    const struct binding_request *request = r->request;
    json_t *row;
    int result;

    if (!request->registry) {
        *ret = json_string(wanted);
        return 0;
    }
    result = storage_get(request->registry, request->account, store->kind, wanted, &row, r->err);
    if (result == ERR_NOT_FOUND)
        return err_set(r->err, ERR_INVALID,
                       "The binding \"%s\" wants the %s \"%s\", which does not exist in the "
                       "account \"%s\". Make one with `wrangler %s NAME` or `atoll %s NAME` and "
                       "take its id, or leave the id out: the deploy then makes one.",
                       name, store->noun, wanted, request->account, store->create, store->create);
    if (result < 0)
        return result;
    *ret = json_incref(json_object_get(row, store->by_name ? "name" : "id"));
    json_decref(row);
    return 0;
}

/* Adds what belongs to the kind, and nothing else. */
static int add(struct resolver *r, const char *name, const struct kind *kind, const json_t *value)
{
    json_t *kept = json_pack("{s:s, s:s}", "name", name, "type", kind->type);

    if (kind->is_secret)
        json_object_set(r->set->secrets, name, (json_t *)value);
    else if (kind->field)
        json_object_set(kept, kind->field, (json_t *)value);
    json_object_set_new(r->names, name, json_true());
    json_array_append_new(r->set->bindings, kept);
    return 0;
}

/* Adds to the binding that was added last what `from` has besides. */
static int add_more(struct resolver *r, const struct kind *kind, const json_t *from)
{
    json_t *kept = json_array_get(r->set->bindings, json_array_size(r->set->bindings) - 1);

    for (size_t i = 0; i < COUNT_OF(more); i++) {
        json_t *value = json_object_get(from, more[i].key);

        if (strcmp(more[i].type, kind->type) != 0 || !value || json_is_null(value))
            continue;
        if (json_typeof(value) != more[i].form)
            return err_set(r->err, ERR_INVALID, "The binding \"%s\": \"%s\" must be %s.",
                           member_text(kept, "name"), more[i].key,
                           more[i].form == JSON_STRING ? "a string" : "an object");
        json_object_set(kept, more[i].key, value);
    }
    return 0;
}

/* A worker of the same account, or the one that is being uploaded. */
static int check_service(struct resolver *r, const char *name, const json_t *binding)
{
    const struct binding_request *request = r->request;
    const char *service = member_text(binding, "service");
    json_t *script = NULL;
    int result;

    if (!request->registry || (request->script && strcmp(service, request->script) == 0))
        return 0;
    result = script_find(request->registry, request->account, service, &script, r->err);
    json_decref(script);
    if (result != ERR_NOT_FOUND)
        return result;
    *r->code = BINDING_CODE_SERVICE;
    return err_set(r->err, ERR_INVALID,
                   "Service binding '%s' references Worker '%s' which was not found in the account "
                   "\"%s\". Deploy that one first; of two that are bound to each other, deploy one "
                   "without its binding first.",
                   name, service, request->account);
}

/* The row that stands for all of an account's data of this type. */
static int ensure_shared(struct resolver *r, const struct shared *s)
{
    const struct binding_request *request = r->request;
    json_t *row = NULL, *wanted;
    int result;

    if (!request->registry)
        return 0;
    result = storage_get(request->registry, request->account, s->kind, BINDING_SHARED_ID, &row,
                         r->err);
    if (result == ERR_NOT_FOUND) {
        wanted = json_pack("{s:s, s:s, s:s, s:s}", "account", request->account, "kind", s->kind,
                           "name", s->name, "id", BINDING_SHARED_ID);
        result = storage_add(request->registry, wanted, &row, r->err);
        json_decref(wanted);
    }
    if (result == 0)
        json_decref(row);
    return result;
}

/* Letters, digits and what else is given, 1 to `most` bytes. */
static bool is_word(const char *text, const char *others, size_t most)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr(others, text[i]))
            return false;
    return len >= 1 && len <= most;
}

int binding_check_ratelimit(const json_t *binding, struct err *err)
{
    const char *name = member_text_or(binding, "name", "");
    const json_t *simple = json_object_get(binding, "simple");
    int64_t limit = member_int(simple, "limit");
    int64_t period = member_int(simple, "period");

    if (!is_word(member_text(binding, "namespace_id"), "-_", BINDING_NAMESPACE_MAX))
        return err_set(err, ERR_INVALID,
                       "The rate limit \"%s\" needs \"namespace_id\", a string such as \"1001\": "
                       "those that have the same one count together.",
                       name);
    if (limit < 1 || limit > BINDING_LIMIT_MAX || (period != 10 && period != 60))
        return err_set(err, ERR_INVALID,
                       "The rate limit \"%s\" needs \"simple\": {\"limit\": 1 to %d, \"period\": "
                       "10 or 60}.",
                       name, BINDING_LIMIT_MAX);
    return 0;
}

static int check_dataset(struct resolver *r, const char *name, const char *dataset)
{
    if (is_word(dataset, "-_", BINDING_DATASET_MAX))
        return 0;
    return err_set(r->err, ERR_INVALID,
                   "The binding \"%s\" of type \"analytics_engine\" needs \"dataset\": a name of "
                   "1 to %d letters, digits, \"_\" and \"-\".",
                   name, BINDING_DATASET_MAX);
}

static int check_shared(struct resolver *r, const char *name, const json_t *binding,
                        const json_t *value)
{
    const char *type = member_text(binding, "type");
    const struct shared *s = shared_of(type);
    int result;

    if (!s)
        return 0;
    result = strcmp(type, "ratelimit") == 0 ? binding_check_ratelimit(binding, r->err)
                                            : check_dataset(r, name, json_string_value(value));
    return result < 0 ? result : ensure_shared(r, s);
}

/* What the latest version has under `old`, as `name`. Returns 1 when it is there, else 0. */
static int inherit(struct resolver *r, const char *name, const char *old)
{
    const json_t *latest = member_find(r->request->latest, "name", old), *value;
    const struct kind *kind = latest ? kind_of(member_text(latest, "type")) : NULL;

    if (!kind)
        return 0;
    value = kind->is_secret ? json_object_get(r->request->secrets, old)
                            : json_object_get(latest, kind->field ? kind->field : "");
    if (kind->field && !value)
        return 0;
    if (kind->is_part && r->request->modules &&
        !member_find(r->request->modules, "name", json_string_value(value)))
        return 0;
    add(r, name, kind, value);
    return add_more(r, kind, latest) < 0 ? 0 : 1;
}

static int add_inherited(struct resolver *r, const char *name, const json_t *binding)
{
    const char *old = member_text(binding, "old_name");

    if (inherit(r, name, old ? old : name))
        return 0;
    *r->code = BINDING_CODE_INHERIT;
    return err_set(r->err, ERR_INVALID,
                   "inherit binding '%s' is invalid: the latest version has no binding '%s' that "
                   "could be taken over. Set it: a secret with `wrangler secret put %s`, or with "
                   "--secrets-file.",
                   name, old ? old : name, name);
}

static int unknown_type(struct resolver *r, const char *name, const char *type)
{
    return err_set(r->err, ERR_INVALID,
                   "The binding \"%s\" has the type \"%s\", which does not exist here. Possible "
                   "are plain_text, json, secret_text, kv_namespace, d1, r2_bucket, service, "
                   "ratelimit, analytics_engine, assets, inherit, version_metadata, and with a "
                   "script in service-worker format wasm_module, text_blob and data_blob.",
                   name, type);
}

static int add_store(struct resolver *r, const char *name, const struct kind *kind,
                     const json_t *value)
{
    json_t *id = NULL;
    int result = find_store(r, name, binding_store_of(kind->type), json_string_value(value), &id);

    if (result < 0)
        return result;
    result = add(r, name, kind, id);
    json_decref(id);
    return result;
}

static int add_new(struct resolver *r, const char *name, const char *type, const json_t *binding)
{
    const struct kind *kind = kind_of(type);
    const struct binding_store *store = binding_store_of(type);
    const json_t *value, *latest;
    int result;

    if (!kind)
        return unknown_type(r, name, type);
    value = kind->field ? json_object_get(binding, kind->field) : NULL;
    if (!value && store && store->alias)
        value = json_object_get(binding, store->alias);
    if (!value && strcmp(type, "analytics_engine") == 0 && !r->request->by_name)
        value = json_object_get(binding, "name");
    latest = r->request->by_name && !value ? member_find(r->request->latest, "name", name) : NULL;
    if (member_is(latest, "type", type) && inherit(r, name, name))
        return 0;
    if (kind->field && (!value || (!kind->is_json && !json_is_string(value))))
        return err_set(r->err, ERR_INVALID, "The binding \"%s\" of type \"%s\" needs \"%s\"%s.",
                       name, type, kind->field, kind->is_json ? "" : ", a string");
    if (kind->is_part) {
        result = check_part(r, name, type, json_string_value(value));
        if (result < 0)
            return result;
    }
    if (store)
        return add_store(r, name, kind, value);
    if (strcmp(type, "service") == 0 && (result = check_service(r, name, binding)) < 0)
        return result;
    if ((result = check_shared(r, name, binding, value)) < 0)
        return result;
    add(r, name, kind, value);
    return add_more(r, kind, binding);
}

static int add_wanted(struct resolver *r, const json_t *binding)
{
    const char *name = member_text(binding, "name"), *type = member_text(binding, "type");
    int result;

    if (!name || !type)
        return err_set(r->err, ERR_INVALID,
                       "A binding must be an object with the strings \"name\" and \"type\".");
    result = check_name(r, name);
    if (result < 0)
        return result;
    if (strcmp(type, "inherit") == 0)
        return add_inherited(r, name, binding);
    return add_new(r, name, type, binding);
}

/* ---- all of them ---- */

static bool is_kept(const struct binding_request *request, const char *type)
{
    const json_t *it;
    size_t i;

    if (request->complete)
        return false;
    json_array_foreach(request->keep, i, it) {
        if (json_is_string(it) && strcmp(json_string_value(it), type) == 0)
            return true;
    }
    return strcmp(type, "secret_text") == 0;
}

static int add_kept(struct resolver *r)
{
    const json_t *it;
    size_t i;
    int result = 0;

    json_array_foreach(r->request->latest, i, it) {
        const char *name = member_text(it, "name"), *type = member_text(it, "type");
        if (result < 0 || !name || !type || !is_kept(r->request, type) ||
            json_object_get(r->names, name))
            continue;
        result = check_name(r, name);
        if (result == 0)
            inherit(r, name, name);
    }
    return result;
}

static int check_bytes(struct resolver *r)
{
    size_t bytes = json_dumpb(r->set->bindings, NULL, 0, JSON_COMPACT) +
                   json_dumpb(r->set->secrets, NULL, 0, JSON_COMPACT);

    if (bytes > BINDING_BYTES_MAX)
        return err_set(r->err, ERR_LIMIT, "The bindings have %zu bytes, which is more than %d.",
                       bytes, BINDING_BYTES_MAX);
    return 0;
}

static int resolve(struct resolver *r)
{
    const json_t *it;
    size_t i;
    int result = 0;

    if (r->request->wanted && !json_is_array(r->request->wanted) &&
        !json_is_null(r->request->wanted))
        return err_set(r->err, ERR_INVALID, "\"bindings\" must be an array.");
    json_array_foreach(r->request->wanted, i, it) {
        result = add_wanted(r, it);
        if (result < 0)
            return result;
    }
    result = add_kept(r);
    return result < 0 ? result : check_bytes(r);
}

int binding_resolve(const struct binding_request *request, struct binding_set *ret, int *ret_code,
                    struct err *err)
{
    struct binding_set set = {json_array(), json_object()};
    struct resolver r = {request, &set, json_object(), ret_code, err};
    int result;

    *ret_code = BINDING_CODE_INVALID;
    result = resolve(&r);
    json_decref(r.names);
    if (result < 0)
        binding_set_done(&set);
    else
        *ret = set;
    return result;
}

void binding_set_done(struct binding_set *set)
{
    json_decref(set->bindings);
    json_decref(set->secrets);
    *set = (struct binding_set){0};
}

/* ---- changes ---- */

static json_t *named(const char *name, const json_t *binding)
{
    json_t *copy = json_is_object(binding) ? json_copy((json_t *)binding) : json_object();

    json_object_set_new(copy, "name", json_string(name));
    return copy;
}

json_t *binding_merge(const json_t *latest, const json_t *changes)
{
    json_t *merged = json_array(), *value;
    const json_t *it;
    const char *name;
    size_t i;

    json_array_foreach(latest, i, it) {
        name = member_text(it, "name");
        if (!json_object_get(changes, name))
            json_array_append_new(merged, json_pack("{s:s, s:s}", "name", name, "type", "inherit"));
    }
    json_object_foreach((json_t *)changes, name, value) {
        if (!json_is_null(value))
            json_array_append_new(merged, named(name, value));
    }
    return merged;
}
