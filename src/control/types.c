/* The text of worker-configuration.d.ts; see types.h.
 *
 * (1) Each environment is read twice, without and with .dev.vars: what the second reading adds or
 *     changes is a secret, whose value is nobody's business: it is a string.
 * (2) `members` maps a name to { count, types }: how many environments have the name, and the parts
 *     of its union, in the order they were found.
 * (3) A literal type is written as JSON, which is how TypeScript writes it too. */
#include "control/types.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/member.h"
#include "os/file.h"
#include "os/path.h"

/* The platform's declarations, and those of each kind of binding. */
static const char *const files[] = {"atoll.d.ts", "kv.d.ts", "d1.d.ts", "r2.d.ts", "ratelimit.d.ts",
                                    "analytics.d.ts"};
static const char *const places[] = {"types", "lib/atoll/types", "src/bindings/kv",
                                     "src/bindings/d1", "src/bindings/r2", "src/bindings/ratelimit",
                                     "src/bindings/analytics", NULL};

/* What a binding is in env. */
static const struct binding_type {
    const char *binding, *type;
} binding_types[] = {
    {"kv_namespace", "KVNamespace"},
    {"d1", "D1Database"},
    {"r2_bucket", "R2Bucket"},
    {"assets", "Fetcher"},
    {"service", "Fetcher"},
    {"ratelimit", "RateLimit"},
    {"analytics_engine", "AnalyticsEngineDataset"},
    {"version_metadata", "WorkerVersionMetadata"},
};

struct maker {
    const struct types_request *request;
    json_t *members;
    int environments; /* read so far */
    char *directory;
    struct err *err;
};

/* ---- gathering ---- */

static const char *wide_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_ARRAY:
        return "unknown[]";
    case JSON_OBJECT:
        return "Record<string, unknown>";
    default:
        return "null";
    }
}

static json_t *member_of(struct maker *maker, const char *name)
{
    json_t *member = json_object_get(maker->members, name);

    if (!member) {
        member = json_pack("{s:i, s:[]}", "count", 0, "types");
        json_object_set_new(maker->members, name, member);
    }
    return member;
}

static void add_type(struct maker *maker, const char *name, const char *type)
{
    json_t *member = member_of(maker, name), *types = json_object_get(member, "types"), *one;
    int64_t count = member_int(member, "count");
    size_t i;

    json_object_set_new(member, "count", json_integer(count + 1));
    json_array_foreach(types, i, one)
        if (strcmp(json_string_value(one), type) == 0)
            return;
    json_array_append_new(types, json_string(type));
}

static void add_value(struct maker *maker, const char *name, const json_t *value)
{
    char *text = maker->request->literal ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

    add_type(maker, name, text ? text : wide_type(value));
    free(text);
}

static void add_binding(struct maker *maker, const json_t *binding)
{
    const char *name = member_text(binding, "name");
    const char *type = member_text(binding, "type");

    for (size_t i = 0; name && type && i < COUNT_OF(binding_types); i++)
        if (strcmp(binding_types[i].binding, type) == 0)
            add_type(maker, name, binding_types[i].type);
}

static int read_one(const struct maker *maker, const char *environment, bool dev_vars,
                    struct config **ret_config)
{
    struct config_request request = {.path = maker->request->path,
                                     .environment = environment,
                                     .dev_vars = dev_vars};

    return config_read(&request, ret_config, maker->err);
}

/* Adds one environment: (1). Gives its configuration, returned owned. */
static int add_environment(struct maker *maker, const char *environment, struct config **ret_config)
{
    struct config *plain, *all;
    const char *name;
    json_t *value;
    size_t i;
    int r = read_one(maker, environment, false, &plain);

    if (r < 0)
        return r;
    if ((r = read_one(maker, environment, true, &all)) < 0) {
        config_unref(plain);
        return r;
    }
    maker->environments++;
    json_object_foreach(all->vars, name, value) {
        json_t *given = json_object_get(plain->vars, name);

        if (given && json_equal(given, value))
            add_value(maker, name, value);
        else
            add_type(maker, name, "string");
    }
    json_array_foreach(all->bindings, i, value)
        add_binding(maker, value);
    config_unref(all);
    *ret_config = plain;
    return 0;
}

static int add_all(struct maker *maker)
{
    struct config *first, *config;
    json_t *name;
    size_t i;
    int r = add_environment(maker, maker->request->environment, &first);

    if (r < 0)
        return r;
    maker->directory = str_dup(str_from(first->root));
    json_array_foreach(first->environments, i, name) {
        if (maker->request->environment)
            break;
        if ((r = add_environment(maker, json_string_value(name), &config)) < 0)
            break;
        config_unref(config);
    }
    config_unref(first);
    return r;
}

/* ---- writing ---- */

static bool is_identifier(const char *name)
{
    if (!*name || isdigit((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '$')
            return false;
    return true;
}

static int write_name(struct buf *out, const char *name)
{
    json_t *json;
    char *quoted;
    int r;

    if (is_identifier(name))
        return buf_printf(out, "    %s", name);
    json = json_string(name);
    quoted = json_dumps(json, JSON_ENCODE_ANY);
    r = buf_printf(out, "    %s", quoted);
    free(quoted);
    json_decref(json);
    return r;
}

static int write_member(const struct maker *maker, struct buf *out, const char *name,
                        const json_t *member)
{
    bool everywhere = member_int(member, "count") == maker->environments;
    json_t *types = json_object_get(member, "types"), *type;
    size_t i;
    int r = write_name(out, name);

    if (r == 0)
        r = buf_printf(out, "%s: ", everywhere ? "" : "?");
    json_array_foreach(types, i, type)
        if (r == 0)
            r = buf_printf(out, "%s%s", i ? " | " : "", json_string_value(type));
    return r < 0 ? r : buf_append(out, STR(";\n"));
}

static int write_env(const struct maker *maker, struct buf *out)
{
    const char *name;
    json_t *member;
    int r = buf_append(out, STR("// Written by `atoll types`. Run it again when the configuration "
                                "changes.\n/* eslint-disable */\n\n"
                                "declare namespace Cloudflare {\n  interface Env {\n"));

    json_object_foreach(maker->members, name, member)
        if (r == 0)
            r = write_member(maker, out, name, member);
    return r < 0 ? r : buf_append(out, STR("  }\n}\ninterface Env extends Cloudflare.Env {}\n\n"));
}

static int write_file(const char *name, struct buf *out, struct err *err)
{
    char *path = path_beside_binary(places, name);
    int r;

    if (!path)
        return err_set(err, ERR_NOT_FOUND,
                       "the platform's types are missing: %s belongs beside the binary, in "
                       "../lib/atoll/types",
                       name);
    r = file_read(path, out, err);
    free(path);
    return r;
}

static int write_platform(struct buf *out, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(files); i++) {
        if (i && buf_append_char(out, '\n') < 0)
            return ERR_LIMIT;
        r = write_file(files[i], out, err);
    }
    return r;
}

int types_make(const struct types_request *request, struct buf *out, char **ret_directory,
               struct err *err)
{
    struct maker maker = {.request = request, .members = json_object(), .err = err};
    int r = add_all(&maker);

    if (r == 0 && write_env(&maker, out) < 0)
        r = err_set(err, ERR_LIMIT, "the types would be larger than %d bytes", TYPES_BYTES_MAX);
    if (r == 0)
        r = write_platform(out, err);
    json_decref(maker.members);
    if (r < 0)
        free(maker.directory);
    else
        *ret_directory = maker.directory;
    return r;
}
