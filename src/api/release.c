/* New versions and their going live; see release.h.
 *
 * (1) What a build is tried with is resolved before it, what is stored is resolved again in the
 *     transaction: a secret that was set while a build ran is not lost.
 * (2) Everything that one release stores is one transaction; the runtimes are told after it. */
#include "api/release.h"

#include <stdlib.h>

#include "api/asset_site.h"
#include "api/binding.h"
#include "api/form.h"
#include "api/metadata.h"
#include "base/member.h"
#include "bindings/assets/site.h"
#include "registry/account.h"
#include "registry/deployment.h"
#include "registry/script.h"
#include "registry/script_version.h"

enum { CODE_NOT_LIVE = 10215, CODE_NO_VERSION = 10222, CODE_INTERNAL = 10013 };

struct release {
    struct call *call;
    release_on_live *on_live;
    struct {
        struct form form;
        struct metadata metadata;
    } upload;                       /* of an upload; empty for a change */
    bool deploy;
    bool created;                   /* the script is new */
    const char *triggered_by;
    json_t *script, *version;       /* rows, once they are stored */
};

/* What is there already: all NULL for a script that is not. */
struct base {
    json_t *script, *latest, *secrets;
};

/* ---- what is there ---- */

static void base_done(struct base *base)
{
    json_decref(base->script);
    json_decref(base->latest);
    json_decref(base->secrets);
}

/* Turns "not there" into NULL. */
static int or_none(int result, json_t **row)
{
    if (result == ERR_NOT_FOUND) {
        *row = NULL;
        return 0;
    }
    return result;
}

static int base_read(struct call *call, struct base *ret, struct err *err)
{
    struct registry *registry = call_registry(call);
    struct base base = {0};
    int result = or_none(script_find(registry, call_account(call), call_param(call, "script"),
                                     &base.script, err),
                         &base.script);

    if (result == 0 && base.script)
        result = or_none(script_version_latest(registry, member_int(base.script, "id"),
                                               &base.latest, err),
                         &base.latest);
    if (result == 0 && base.latest)
        result = script_version_secrets(registry, member_text(base.latest, "id"), &base.secrets,
                                        err);
    if (result < 0)
        base_done(&base);
    else
        *ret = base;
    return result;
}

/* ---- rows ---- */

static json_t *annotations_of(const json_t *given, const char *triggered_by)
{
    json_t *annotations = given ? json_copy((json_t *)given) : json_object();

    json_object_set_new(annotations, "workers/triggered_by", json_string(triggered_by));
    return annotations;
}

static void set_author(const struct call *call, json_t *row)
{
    const json_t *token = call_token(call);

    json_object_set_new(row, "source", json_string("wrangler"));
    json_object_set(row, "author_id", json_object_get(token, "id"));
    json_object_set(row, "author_email", json_object_get(token, "name"));
}

static int deploy(struct release *r, struct err *err)
{
    json_t *row = json_pack("{s:o, s:[{s:O, s:i}]}", "annotations",
                            annotations_of(json_object_get(r->version, "annotations"),
                                           r->triggered_by),
                            "versions", "version_id", json_object_get(r->version, "id"),
                            "percentage", 100);
    json_t *deployment;
    int result;

    set_author(r->call, row);
    result = deployment_add(call_registry(r->call), member_int(r->script, "id"), row, &deployment,
                            err);
    json_decref(row);
    if (result == 0)
        json_decref(deployment);
    return result;
}

/* ---- the end of a release ---- */

static void release_free(struct release *r)
{
    metadata_done(&r->upload.metadata);
    form_done(&r->upload.form);
    json_decref(r->script);
    json_decref(r->version);
    free(r);
}

static void on_deployed(void *arg)
{
    struct release *r = arg;

    r->on_live(r->call, r->script, r->version);
    release_free(r);
}

/* The transaction is over: tells the runtimes, or the client what was wrong. `code` is 0 for what
 * the registry said. */
static void conclude(struct release *r, int result, int code, const struct err *err)
{
    const struct platform *platform = call_platform(r->call);

    if (result < 0) {
        if (code)
            call_fail(r->call, 400, code, "%s", err->text);
        else
            call_fail_err(r->call, 0, err);
        release_free(r);
        return;
    }
    call_audit(r->call, NULL, json_pack("{s:O}", "version", json_object_get(r->version, "id")));
    if (r->created)
        platform->routes_changed(platform->context);
    if (r->deploy)
        platform->deployed(platform->context, member_int(r->script, "id"), on_deployed, r);
    else
        on_deployed(r);
}

/* ---- uploads ---- */

static int resolve_upload(const struct release *r, const struct base *base, struct binding_set *ret,
                          int *ret_code, struct err *err)
{
    const struct metadata *metadata = &r->upload.metadata;
    struct binding_request request = {
        .wanted = metadata->bindings,
        .keep = metadata->keep,
        .latest = json_object_get(base->latest, "bindings"),
        .secrets = base->secrets,
        .modules = r->upload.form.modules,
        .is_script = metadata->is_script,
        .registry = call_registry(r->call),
        .account = call_account(r->call),
        .script = call_param(r->call, "script"),
    };

    return binding_resolve(&request, ret, ret_code, err);
}

/* Appends to the row what is said of files: the site is made anew from what is there now. */
static int add_assets(const struct release *r, const struct base *base, json_t *row, int *code,
                      struct err *err)
{
    json_t *assets = NULL;
    const struct asset_site_request request = {
        .registry = call_registry(r->call),
        .account = call_account(r->call),
        .script = call_param(r->call, "script"),
        .metadata = &r->upload.metadata,
        .latest = base->latest,
    };
    int result = asset_site_make(&request, &assets, code, err);

    if (assets)
        json_object_set_new(row, "assets", assets);
    return result;
}

/* The version's row to be: what a build needs to know, and what is stored with its results. */
static json_t *row_of(const struct release *r, const struct binding_set *set)
{
    json_t *row = json_copy(r->upload.metadata.fields);

    json_object_set(row, "bindings", set->bindings);
    json_object_set(row, "settings", r->upload.metadata.own_settings);
    json_object_set_new(row, "annotations",
                        annotations_of(r->upload.metadata.annotations, r->triggered_by));
    set_author(r->call, row);
    return row;
}

static int add_uploaded(struct release *r, const struct platform_build *build, int *code,
                        struct err *err)
{
    struct script_version_contents contents = {build->blob, buf_str(&r->upload.form.blob)};
    struct binding_set set = {0};
    struct base base;
    json_t *row;
    int result = base_read(r->call, &base, err);

    if (result < 0)
        return result;
    result = resolve_upload(r, &base, &set, code, err);
    if (result < 0) {
        base_done(&base);
        return result;
    }
    row = row_of(r, &set);
    result = add_assets(r, &base, row, code, err);
    base_done(&base);
    if (result < 0)
        goto done;
    *code = 0;
    json_object_set(row, "modules", r->upload.form.modules);
    json_object_set(row, "parts", build->parts);
    json_object_set_new(row, "handlers",
                        build->handlers ? json_incref(build->handlers) : json_array());
    json_object_set_new(row, "startup_ms", json_real(build->startup_ms));
    result = script_version_add(call_registry(r->call), member_int(r->script, "id"),
                                &(struct script_version_draft){row, set.secrets, &contents},
                                &r->version, err);
done:
    json_decref(row);
    binding_set_done(&set);
    return result;
}

static int update_settings(struct release *r, struct err *err)
{
    json_t *changes, *updated = NULL;
    int result;

    if (!json_object_size(r->upload.metadata.settings))
        return 0;
    changes = json_pack("{s:O}", "settings", r->upload.metadata.settings);
    result = script_update(call_registry(r->call), member_int(r->script, "id"), changes, &updated,
                           err);
    json_decref(changes);
    json_decref(updated);
    return result;
}

static int find_script(struct release *r, struct err *err)
{
    struct registry *registry = call_registry(r->call);
    const char *account = call_account(r->call), *name = call_param(r->call, "script");
    int result = script_find(registry, account, name, &r->script, err);

    if (result != ERR_NOT_FOUND || !r->deploy)
        return result;
    r->created = true;
    return script_ensure(registry, account, name, &r->script, err);
}

static int store_upload(struct release *r, const struct platform_build *build, int *code,
                        struct err *err)
{
    int result = find_script(r, err);

    if (result == 0)
        result = add_uploaded(r, build, code, err);
    if (result == 0 && r->deploy)
        result = update_settings(r, err);
    if (result == 0 && r->deploy)
        result = deploy(r, err);
    return result;
}

/* The author hears of the author's mistakes, the operator of ours. */
static void fail_build(struct release *r, const struct platform_build *build)
{
    const char *text = build->error ? build->error : "The worker could not be built.";
    struct err err;

    if (build->code == CODE_INTERNAL) {
        err_set(&err, ERR_IO, "%s", text);
        call_fail_err(r->call, 0, &err);
    } else {
        call_fail(r->call, 400, build->code ? build->code : BINDING_CODE_INVALID, "%s", text);
    }
    release_free(r);
}

static void on_built(void *arg, const struct platform_build *build)
{
    struct release *r = arg;
    struct err err = {0};
    int result, code = 0;

    if (!build->ok) {
        fail_build(r, build);
        return;
    }
    result = registry_begin(call_registry(r->call), &err);
    if (result == 0)
        result = registry_end(call_registry(r->call), store_upload(r, build, &code, &err), &err);
    conclude(r, result, code, &err);
}

/* ---- before a build ---- */

static int check_sizes(const struct release *r, const json_t *account, const struct base *base,
                       struct err *err)
{
    uint64_t most = metadata_allowance("script_bytes", account, base->script), bytes = 0;
    const json_t *module;
    size_t i;

    json_array_foreach(r->upload.form.modules, i, module) {
        if (!member_is(module, "type", "application/source-map"))
            bytes += (uint64_t)member_int(module, "bytes");
    }
    if (bytes > most)
        return err_set(err, ERR_LIMIT,
                       "The worker's modules have %llu bytes, which is more than the %llu that it "
                       "may have (script_bytes).",
                       (unsigned long long)bytes, (unsigned long long)most);
    return metadata_check_limits(json_object_get(r->upload.metadata.fields, "limits"), account,
                                 base->script, err);
}

static int check_upload(const struct release *r, const struct base *base, struct err *err)
{
    const char *main_module = member_text(r->upload.metadata.fields, "main_module");
    json_t *account;
    int result = script_check_name(call_param(r->call, "script"), err);

    if (result < 0)
        return result;
    if (main_module && !form_module(r->upload.form.modules, main_module))
        return err_set(err, ERR_INVALID, "The form has no part \"%s\", which the metadata names.",
                       main_module);
    result = account_get(call_registry(r->call), call_account(r->call), &account, err);
    if (result < 0)
        return result;
    result = check_sizes(r, account, base, err);
    json_decref(account);
    return result;
}

/* Files alone need no script: what stands for it is never called. */
static void build_nothing(struct release *r)
{
    str script = STR(SITE_STUB_SCRIPT);
    struct platform_build build = {
        .ok = true,
        .parts = json_pack("[{s:s, s:s, s:I}]", "name", "worker.js", "kind", "script", "bytes",
                           (json_int_t)script.len),
        .blob = script,
        .warnings = "",
    };

    on_built(r, &build);
    json_decref(build.parts);
}

static int start_build(struct release *r, const struct base *base, int *code, struct err *err)
{
    const struct platform *platform = call_platform(r->call);
    struct platform_upload asked;
    struct binding_set set = {0};
    json_t *row;
    int result = check_upload(r, base, err);

    *code = BINDING_CODE_INVALID;
    if (result == 0)
        result = resolve_upload(r, base, &set, code, err);
    if (result < 0)
        return result;
    row = row_of(r, &set);
    if ((result = add_assets(r, base, row, code, err)) < 0)
        goto done;
    if (!json_object_get(r->upload.metadata.fields, "main_module")) {
        build_nothing(r);
        goto done;
    }
    asked = (struct platform_upload){.account = call_account(r->call),
                                     .version = row,
                                     .secrets = set.secrets,
                                     .modules = r->upload.form.modules,
                                     .blob = buf_str(&r->upload.form.blob)};
    platform->build(platform->context, &asked, on_built, r);
done:
    json_decref(row);
    binding_set_done(&set);
    return result;
}

static int read_upload(struct release *r, struct err *err)
{
    int result = form_read(call_header(r->call, "content-type"), call_body(r->call), "metadata",
                           &r->upload.form, err);

    return result < 0 ? result
                      : metadata_read(r->upload.form.metadata, false, &r->upload.metadata, err);
}

void release_upload(struct call *call, bool deploy, release_on_live *on_live)
{
    struct release *r = mem_new(struct release);
    struct base base = {0};
    struct err err = {0};
    int result, code = 0;

    r->call = call;
    r->on_live = on_live;
    r->deploy = deploy;
    r->triggered_by = "upload";
    if (read_upload(r, &err) < 0) {
        release_free(r);
        call_fail(call, 400, BINDING_CODE_INVALID, "%s", err.text);
        return;
    }
    if (!r->deploy && !call_script(call)) {
        release_free(r);
        return;
    }
    result = base_read(call, &base, &err);
    if (result == 0)
        result = start_build(r, &base, &code, &err);
    base_done(&base);
    if (result < 0)
        conclude(r, result, err.code == ERR_IO ? 0 : code, &err);
}

/* ---- changes ---- */

static bool is_service_worker(const json_t *version)
{
    const char *name = member_text(version, "main_module");
    const json_t *module = name ? form_module(json_object_get(version, "modules"), name) : NULL;
    str type = str_from(member_text(module, "type"));

    return type.len && !str_ends(type, STR("+module"));
}

/* The latest version answers all requests: what is made of it may do the same. */
static int check_live(const struct release *r, const struct base *base, int *code, struct err *err)
{
    json_t *deployment = NULL, *versions;
    const char *live = NULL;
    int result = or_none(deployment_current(call_registry(r->call), member_int(base->script, "id"),
                                            &deployment, err),
                         &deployment);

    if (result < 0)
        return result;
    versions = json_object_get(deployment, "versions");
    if (json_array_size(versions) == 1)
        live = member_text(json_array_get(versions, 0), "version_id");
    if (!live || strcmp(live, member_text(base->latest, "id")) != 0) {
        *code = CODE_NOT_LIVE;
        result = err_set(err, ERR_INVALID,
                         "The latest version of this worker is not deployed at 100 %%: a change "
                         "would bring its code live. Deploy it first (`wrangler versions deploy`), "
                         "or make the change as a version (`wrangler versions secret put`).");
    }
    json_decref(deployment);
    return result;
}

static json_t *changed_row(const struct release *r, const struct base *base,
                           const struct release_change *change, const struct binding_set *set)
{
    static const char *const own[] = {"id", "script_id", "number", "created_ms"};
    json_t *row = json_copy(base->latest);

    for (size_t i = 0; i < COUNT_OF(own); i++)
        json_object_del(row, own[i]);
    if (change->fields)
        json_object_update(row, (json_t *)change->fields);
    json_object_set(row, "bindings", set->bindings);
    json_object_set_new(row, "annotations",
                        annotations_of(change->annotations, change->triggered_by));
    set_author(r->call, row);
    return row;
}

static int resolve_change(const struct release *r, const struct base *base,
                          const struct release_change *change, struct binding_set *ret, int *code,
                          struct err *err)
{
    const json_t *latest = json_object_get(base->latest, "bindings");
    json_t *wanted = change->wanted ? json_incref((json_t *)change->wanted)
                                    : binding_merge(latest, change->bindings);
    struct binding_request request = {
        .wanted = wanted,
        .latest = latest,
        .secrets = base->secrets,
        .modules = json_object_get(base->latest, "modules"),
        .is_script = is_service_worker(base->latest),
        .complete = true,
        .by_name = true,
        .registry = call_registry(r->call),
        .account = call_account(r->call),
        .script = call_param(r->call, "script"),
    };
    int result = binding_resolve(&request, ret, code, err);

    json_decref(wanted);
    return result;
}

static int add_changed(struct release *r, const struct base *base,
                       const struct release_change *change, int *code, struct err *err)
{
    struct binding_set set;
    json_t *row;
    int result = resolve_change(r, base, change, &set, code, err);

    if (result < 0)
        return result;
    *code = 0;
    row = changed_row(r, base, change, &set);
    result = script_version_add(call_registry(r->call), member_int(r->script, "id"),
                                &(struct script_version_draft){row, set.secrets, NULL}, &r->version,
                                err);
    json_decref(row);
    binding_set_done(&set);
    return result;
}

static int store_change(struct release *r, const struct release_change *change, int *code,
                        struct err *err)
{
    struct base base;
    int result = base_read(r->call, &base, err);

    if (result < 0)
        return result;
    if (!base.latest) {
        *code = CODE_NO_VERSION;
        result = err_set(err, ERR_INVALID, "This worker has no version yet: deploy it first.");
    }
    if (result == 0 && change->deploy)
        result = check_live(r, &base, code, err);
    if (result == 0)
        result = add_changed(r, &base, change, code, err);
    if (result == 0 && change->deploy)
        result = deploy(r, err);
    base_done(&base);
    return result;
}

void release_derive(struct call *call, const struct release_change *change,
                    release_on_live *on_live)
{
    const json_t *script = call_script(call);
    struct err err = {0};
    struct release *r;
    int result, code = 0;

    if (!script)
        return;
    r = mem_new(struct release);
    r->call = call;
    r->on_live = on_live;
    r->deploy = change->deploy;
    r->triggered_by = change->triggered_by;
    r->script = json_incref((json_t *)script);
    result = registry_begin(call_registry(call), &err);
    if (result == 0)
        result = registry_end(call_registry(call), store_change(r, change, &code, &err), &err);
    conclude(r, result, code, &err);
}

/* ---- settings alone ---- */

struct tell {
    struct call *call;
    json_t *kept;
    void (*on_done)(struct call *call, const json_t *kept);
};

static void on_told(void *arg)
{
    struct tell *tell = arg;

    tell->on_done(tell->call, tell->kept);
    json_decref(tell->kept);
    free(tell);
}

void release_tell(struct call *call, int64_t script_id, json_t *kept,
                  void (*on_done)(struct call *call, const json_t *kept))
{
    const struct platform *platform = call_platform(call);
    struct tell *tell = mem_new(struct tell);

    *tell = (struct tell){call, kept, on_done};
    platform->deployed(platform->context, script_id, on_told, tell);
}
