/* The sections of a configuration that make bindings, as the bindings of an upload.
 *
 * (1) One table for all: where a section's entries stand, and which member becomes which. What a
 *     server does not have, it refuses in words of its own.
 * (2) An environment repeats them; only `assets` is inherited. */
#include "api/binding.h"
#include "base/member.h"
#include "control/config_private.h"

enum { MEMBERS_MAX = 5 };
enum form { MANY, SINGLE };

struct member {
    const char *from, *to;    /* "to" NULL: the same */
};

struct section {
    const char *key, *inner;  /* "queues", "producers"; inner NULL: the section itself */
    enum form form;
    const char *type;
    const char *name;         /* the member that is the binding's name */
    struct member members[MEMBERS_MAX];
};

static const struct section sections[] = {
    {"kv_namespaces", NULL, MANY, "kv_namespace", "binding", {{"id", "namespace_id"}}},
    {"d1_databases", NULL, MANY, "d1", "binding", {{"database_id", "id"}, {"database_name", NULL}}},
    {"r2_buckets", NULL, MANY, "r2_bucket", "binding",
     {{"bucket_name", NULL}, {"jurisdiction", NULL}}},
    {"queues", "producers", MANY, "queue", "binding",
     {{"queue", "queue_name"}, {"delivery_delay", NULL}}},
    {"durable_objects", "bindings", MANY, "durable_object_namespace", "name",
     {{"class_name", NULL}, {"script_name", NULL}, {"environment", NULL}}},
    {"workflows", NULL, MANY, "workflow", "binding",
     {{"name", "workflow_name"}, {"class_name", NULL}, {"script_name", NULL}}},
    {"services", NULL, MANY, "service", "binding",
     {{"service", NULL}, {"entrypoint", NULL}, {"props", NULL}, {"environment", NULL}}},
    {"hyperdrive", NULL, MANY, "hyperdrive", "binding", {{"id", NULL}}},
    {"analytics_engine_datasets", NULL, MANY, "analytics_engine", "binding", {{"dataset", NULL}}},
    {"vectorize", NULL, MANY, "vectorize", "binding", {{"index_name", NULL}}},
    {"ratelimits", NULL, MANY, "ratelimit", "name", {{"namespace_id", NULL}, {"simple", NULL}}},
    {"send_email", NULL, MANY, "send_email", "name",
     {{"destination_address", NULL},
      {"allowed_destination_addresses", NULL},
      {"allowed_sender_addresses", NULL}}},
    {"secrets_store_secrets", NULL, MANY, "secrets_store_secret", "binding",
     {{"store_id", NULL}, {"secret_name", NULL}}},
    {"mtls_certificates", NULL, MANY, "mtls_certificate", "binding", {{"certificate_id", NULL}}},
    {"dispatch_namespaces", NULL, MANY, "dispatch_namespace", "binding",
     {{"namespace", NULL}, {"outbound", NULL}}},
    {"pipelines", NULL, MANY, "pipelines", "binding", {{"pipeline", NULL}, {"stream", NULL}}},
    {"worker_loaders", NULL, MANY, "worker_loader", "binding", {{0}}},
    {"vpc_services", NULL, MANY, "vpc_service", "binding", {{"service_id", NULL}}},
    {"vpc_networks", NULL, MANY, "vpc_network", "binding", {{"network_id", NULL}}},
    {"logfwdr", "bindings", MANY, "logfwdr", "name", {{"destination", NULL}}},
    {"ai", NULL, SINGLE, "ai", "binding", {{0}}},
    {"browser", NULL, SINGLE, "browser", "binding", {{0}}},
    {"images", NULL, SINGLE, "images", "binding", {{0}}},
    {"media", NULL, SINGLE, "media", "binding", {{0}}},
    {"stream", NULL, SINGLE, "stream", "binding", {{0}}},
    {"version_metadata", NULL, SINGLE, "version_metadata", "binding", {{0}}},
};

static json_t *find(const struct config_reader *rd, const char *key)
{
    return json_object_get(rd->section ? rd->section : rd->file->top, key);
}

/* What atoll dev would run with and a server would refuse, told with its place in the file. */
static int check(const struct config_reader *rd, const char *key, const char *inner,
                 const json_t *binding)
{
    bool is_ratelimit = member_is(binding, "type", "ratelimit");
    struct err why = {0};

    if (!is_ratelimit || binding_check_ratelimit(binding, &why) == 0)
        return 0;
    return config_complain(rd, key, inner, "\"%s%s%s\": %s", key, inner ? "." : "",
                           inner ? inner : "", why.text);
}

static int add(struct config_reader *rd, const struct section *section, const json_t *entry)
{
    json_t *binding, *value;

    if (!json_string_length(json_object_get(entry, section->name)))
        return config_complain(rd, section->key, section->inner,
                               "\"%s\": an entry needs \"%s\", the name that the worker sees in "
                               "env",
                               section->key, section->name);
    binding = json_pack("{s:O, s:s}", "name", json_object_get(entry, section->name), "type",
                        section->type);
    for (const struct member *m = section->members; m->from; m++)
        if ((value = json_object_get(entry, m->from)) && !json_is_null(value))
            json_object_set(binding, m->to ? m->to : m->from, value);
    json_array_append_new(rd->config->bindings, binding);
    return check(rd, section->key, section->inner, binding);
}

static int take(struct config_reader *rd, const struct section *section)
{
    json_t *value = find(rd, section->key), *entry;
    size_t i;
    int r = 0;

    if (value && section->inner) {
        if (!json_is_object(value))
            return config_complain(rd, section->key, NULL, "\"%s\" must be %s, but it is %s",
                                   section->key, rd->file->toml ? "a table" : "an object",
                                   config_file_kind(rd->file, value));
        value = json_object_get(value, section->inner);
    }
    if (!value || json_is_null(value))
        return 0;
    if (section->form == SINGLE)
        return add(rd, section, value);
    if (!json_is_array(value))
        return config_complain(rd, section->key, section->inner,
                               "\"%s%s%s\" must be a list, but it is %s", section->key,
                               section->inner ? "." : "", section->inner ? section->inner : "",
                               config_file_kind(rd->file, value));
    json_array_foreach(value, i, entry)
        if (r == 0)
            r = add(rd, section, entry);
    return r;
}

/* unsafe.bindings stand there as they are sent; a directory of assets may have a name in env. */
static int take_others(struct config_reader *rd)
{
    const json_t *deploy = rd->config->deploy;
    json_t *list = json_object_get(json_object_get(deploy, "unsafe"), "bindings");
    json_t *assets = json_object_get(json_object_get(deploy, "assets"), "binding"), *entry;
    size_t i;
    int r = 0;

    json_array_foreach(list, i, entry)
        if (r == 0 && (r = check(rd, "unsafe", "bindings", entry)) == 0)
            json_array_append(rd->config->bindings, entry);
    if (json_string_length(assets))
        json_array_append_new(rd->config->bindings,
                              json_pack("{s:O, s:s}", "name", assets, "type", "assets"));
    return r;
}

int config_binding_take(struct config_reader *rd)
{
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(sections) && r == 0; i++)
        r = take(rd, &sections[i]);
    return r < 0 ? r : take_others(rd);
}
