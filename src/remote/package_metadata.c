/* The metadata of an upload, and what is set beside it: what wrangler sends for a configuration.
 *
 * (1) A script in service-worker format has its imported files as bindings of the parts' names,
 *     which control/bundle_script.h counts on; text_blobs and their kin name files of their own. */
#include <stdlib.h>

#include "base/member.h"
#include "os/file.h"
#include "os/path.h"
#include "remote/package_private.h"

static const struct {
    const char *section, *binding, *type;
} blobs[] = {
    {"wasm_modules", "wasm_module", "application/wasm"},
    {"text_blobs",   "text_blob",   "text/plain"},
    {"data_blobs",   "data_blob",   "application/octet-stream"},
};

/* ---- bindings ---- */

static void add_vars(json_t *bindings, const struct package_request *request)
{
    json_t *vars = json_copy(request->config->vars), *value;
    const char *name;

    if (request->vars)
        json_object_update(vars, (json_t *)request->vars);
    json_object_foreach(vars, name, value)
        json_array_append_new(bindings, json_is_string(value)
                                            ? json_pack("{s:s, s:s, s:O}", "name", name, "type",
                                                        "plain_text", "text", value)
                                            : json_pack("{s:s, s:s, s:O}", "name", name, "type",
                                                        "json", "json", value));
    json_decref(vars);
}

/* A secret that is required and not given is to be there already. */
static int add_secrets(json_t *bindings, const struct package_request *request, struct err *err)
{
    const json_t *required = json_object_get(json_object_get(request->config->deploy, "secrets"),
                                             "required");
    json_t *value;
    const char *name;
    size_t i;

    json_object_foreach((json_t *)request->secrets, name, value)
        json_array_append_new(bindings, json_pack("{s:s, s:s, s:O}", "name", name, "type",
                                                  "secret_text", "text", value));
    json_array_foreach(required, i, value) {
        if (!json_string_length(value))
            return err_set(err, ERR_INVALID, "\"secrets.required\" must be a list of names");
        if (!json_object_get(request->secrets, json_string_value(value)))
            json_array_append_new(bindings,
                                  json_pack("{s:O, s:s}", "name", value, "type", "inherit"));
    }
    return 0;
}

static void add_part(json_t *bindings, const char *name, const char *type, const char *part)
{
    json_array_append_new(bindings,
                          json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "part", part));
}

/* What the script imports: parts behind the first one. */
static void add_imported(json_t *bindings, const struct package *package)
{
    for (size_t i = 1; i < json_array_size(package->modules); i++) {
        const json_t *module = json_array_get(package->modules, i);
        const char *name = member_text(module, "name");

        for (size_t j = 0; j < COUNT_OF(blobs); j++)
            if (member_is(module, "type", blobs[j].type))
                add_part(bindings, name, blobs[j].binding, name);
    }
}

/* One file, at `path`, as a part and a binding of that name. */
static int add_blob(struct package *package, size_t kind, const char *name, const char *path,
                    struct err *err)
{
    json_t *bindings = json_object_get(package->metadata, "bindings");
    struct buf text;
    int r;

    buf_init(&text, PACKAGE_BYTES_MAX);
    if ((r = file_read(path, &text, err)) == 0 &&
        (r = package_add(package, name, blobs[kind].type, buf_str(&text), err)) == 0)
        add_part(bindings, name, blobs[kind].binding, name);
    buf_done(&text);
    return r;
}

static int add_blobs(struct package *package, const struct config *config, struct err *err)
{
    const char *name;
    json_t *file;
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(blobs); i++)
        json_object_foreach(json_object_get(config->deploy, blobs[i].section), name, file) {
            char *path = path_join(str_from(config->root), str_from(json_string_value(file)));

            if (r == 0)
                r = add_blob(package, i, name, path, err);
            free(path);
        }
    return r;
}

static int describe_bindings(struct package *package, const struct package_request *request,
                             bool classic, struct err *err)
{
    json_t *bindings = json_array();
    int r;

    json_object_set_new(package->metadata, "bindings", bindings);
    add_vars(bindings, request);
    if ((r = add_secrets(bindings, request, err)) < 0)
        return r;
    json_array_extend(bindings, request->config->bindings);
    if (!classic)
        return 0;
    add_imported(bindings, package);
    return add_blobs(package, request->config, err);
}

/* ---- the rest ---- */

static void describe_settings(json_t *metadata, const struct config *config)
{
    static const char *const kept[] = {"limits",  "observability",  "placement",
                                       "logpush", "tail_consumers", "streaming_tail_consumers"};
    json_t *value = json_object_get(json_object_get(config->deploy, "unsafe"), "metadata");

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        json_t *own = json_object_get(config->deploy, kept[i]);
        if (own)
            json_object_set(metadata, kept[i], own);
    }
    if (json_is_object(value))
        json_object_update(metadata, value);
}

static void describe_annotations(json_t *metadata, const struct package_request *request)
{
    json_t *annotations = json_object();

    if (request->message)
        json_object_set_new(annotations, "workers/message", json_string(request->message));
    if (request->tag)
        json_object_set_new(annotations, "workers/tag", json_string(request->tag));
    if (json_object_size(annotations))
        json_object_set(metadata, "annotations", annotations);
    json_decref(annotations);
}

static void describe_triggers(struct package_triggers *triggers, const struct config *config)
{
    json_t *crons = json_object_get(json_object_get(config->deploy, "triggers"), "crons");
    json_t *workers_dev = json_object_get(config->deploy, "workers_dev");
    json_t *previews = json_object_get(config->deploy, "preview_urls");
    json_t *all = json_object_get(config->deploy, "routes"), *it;
    size_t i;

    triggers->crons = json_is_array(crons) ? json_incref(crons) : NULL;
    triggers->previews = previews ? json_is_true(previews) : -1;
    triggers->workers_dev = workers_dev ? json_is_true(workers_dev) : !json_array_size(all);
    json_array_foreach(all, i, it) {
        bool domain = json_is_true(json_object_get(it, "custom_domain"));
        json_t **list = domain ? &triggers->domains : &triggers->routes;
        json_t *row = json_object(), *value;

        json_object_set(row, domain ? "hostname" : "pattern",
                        json_is_string(it) ? it : json_object_get(it, "pattern"));
        for (size_t j = 0; j < 2; j++)
            if ((value = json_object_get(it, j ? "zone_id" : "zone_name")))
                json_object_set(row, j ? "zone_id" : "zone_name", value);
        if (!*list)
            *list = json_array();
        json_array_append_new(*list, row);
    }
}

int package_metadata_describe(struct package *package, const struct package_request *request,
                              bool classic, struct err *err)
{
    const struct config *config = request->config;
    const json_t *main_module = json_array_get(package->modules, 0);
    json_t *metadata = package->metadata = json_object();

    if (main_module)
        json_object_set(metadata, classic ? "body_part" : "main_module",
                        json_object_get(main_module, "name"));
    if (config->compatibility_date)
        json_object_set_new(metadata, "compatibility_date",
                            json_string(config->compatibility_date));
    json_object_set(metadata, "compatibility_flags", config->compatibility_flags);
    json_object_set_new(metadata, "keep_bindings",
                        request->keep_vars ||
                                json_is_true(json_object_get(config->deploy, "keep_vars"))
                            ? json_pack("[s, s, s, s]", "secret_text", "secret_key", "plain_text",
                                        "json")
                            : json_pack("[s, s]", "secret_text", "secret_key"));
    describe_settings(metadata, config);
    describe_annotations(metadata, request);
    describe_triggers(&package->triggers, config);
    package->migrations = json_incref(json_object_get(config->deploy, "migrations"));
    return describe_bindings(package, request, classic, err);
}

/* ---- migrations of Durable Objects ---- */

static json_t *step_of(const json_t *migration)
{
    json_t *step = json_copy((json_t *)migration);

    json_object_del(step, "tag");
    return step;
}

void package_metadata_migrate(struct package *package, const char *tag)
{
    size_t count = json_array_size(package->migrations), from = 0;
    json_t *steps;
    const char *last;

    if (!count)
        return;
    for (size_t i = 0; tag && i < count; i++) {
        const json_t *own = json_object_get(json_array_get(package->migrations, i), "tag");
        if (json_is_string(own) && strcmp(json_string_value(own), tag) == 0)
            from = i + 1;
    }
    if (from == count)
        return;
    steps = json_array();
    for (size_t i = from; i < count; i++)
        json_array_append_new(steps, step_of(json_array_get(package->migrations, i)));
    last = json_string_value(
        json_object_get(json_array_get(package->migrations, count - 1), "tag"));
    json_object_set_new(package->metadata, "migrations",
                        json_pack("{s:s*, s:s*, s:o}", "old_tag", tag, "new_tag", last, "steps",
                                  steps));
}
