/* A project made into an upload; see package.h.
 *
 *     package_begin ──> esbuild runs on the loop ──> package_wait ──> package
 *
 * (1) With no_bundle esbuild runs, too: it tells the format of the main module and checks it. The
 *     files are then taken as they are. */
#include "base/member.h"
#include "remote/package_private.h"

#include <stdlib.h>

#include "control/bundle.h"
#include "os/file.h"

struct package_job {
    uv_loop_t *loop;
    struct package_request request;
    struct bundle_job *bundling;   /* NULL when it has ended */
    struct bundle *bundle;         /* NULL before it is there */
};

static const struct {
    const char *kind, *rule, *type;
} types[] = {
    {"module",  "ESModule",     "application/javascript+module"},
    {"classic", "CommonJS",     "application/javascript"},
    {"wasm",    "CompiledWasm", "application/wasm"},
    {"text",    "Text",         "text/plain"},
    {"data",    "Data",         "application/octet-stream"},
    {"map",     NULL,           "application/source-map"},
};

const char *package_type_of(const char *kind)
{
    for (size_t i = 0; kind && i < COUNT_OF(types); i++)
        if (strcmp(types[i].kind, kind) == 0 || (types[i].rule && strcmp(types[i].rule, kind) == 0))
            return types[i].type;
    return NULL;
}

int package_add(struct package *package, const char *name, const char *type, str bytes,
                struct err *err)
{
    if (buf_append(&package->blob, bytes) < 0)
        return err_set(err, ERR_LIMIT, "the modules together are larger than %d MiB",
                       PACKAGE_BYTES_MAX >> 20);
    json_array_append_new(package->modules, json_pack("{s:s, s:s, s:I}", "name", name, "type", type,
                                                      "bytes", (json_int_t)bytes.len));
    return 0;
}

size_t package_size(const struct package *package)
{
    const json_t *module;
    size_t i, size = 0;

    json_array_foreach(package->modules, i, module)
        if (!member_is(module, "type", package_type_of("map")))
            size += (size_t)member_int(module, "bytes");
    return size;
}

void package_free(struct package *package)
{
    if (!package)
        return;
    json_decref(package->metadata);
    json_decref(package->modules);
    json_decref(package->triggers.crons);
    json_decref(package->triggers.routes);
    json_decref(package->triggers.domains);
    json_decref(package->migrations);
    buf_done(&package->blob);
    free(package->log);
    free(package);
}

/* ---- bundling ---- */

static void on_bundled(void *context, struct bundle *bundle)
{
    struct package_job *job = context;

    job->bundling = NULL;
    job->bundle = bundle;
}

struct package_job *package_begin(uv_loop_t *loop, const struct package_request *request)
{
    struct package_job *job = mem_new(struct package_job);

    job->loop = loop;
    job->request = *request;
    job->bundling = bundle_start_package(loop, request->config, request->minify, on_bundled, job);
    return job;
}

static void job_free(struct package_job *job)
{
    bundle_free(job->bundle);
    free(job);
}

void package_cancel(struct package_job *job)
{
    if (!job)
        return;
    bundle_cancel(job->bundling);
    job_free(job);
}

/* ---- what came out ---- */

static bool is_set(const struct config *config, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(config->deploy, key);

    return value ? json_is_true(value) : otherwise;
}

static int take_main(struct package *package, const struct config *config, const char *type,
                     struct err *err)
{
    char *name = package_file_main(config);
    struct buf text;
    int r;

    buf_init(&text, PACKAGE_BYTES_MAX);
    if ((r = file_read(config->main, &text, err)) == 0)
        r = package_add(package, name, type, buf_str(&text), err);
    buf_done(&text);
    free(name);
    return r;
}

/* The parts that are maps, or all others. */
static int take_parts(struct package *package, const struct bundle *bundle, bool maps,
                      struct err *err)
{
    str rest = buf_str(&bundle->blob);
    const json_t *part;
    size_t i;
    int r = 0;

    json_array_foreach(bundle->parts, i, part) {
        const char *kind = member_text(part, "kind");
        size_t bytes = (size_t)member_int(part, "bytes");

        if (r == 0 && maps == (strcmp(kind, "map") == 0))
            r = package_add(package, member_text(part, "name"), package_type_of(kind),
                            str_head(rest, bytes), err);
        rest = str_skip(rest, bytes);
    }
    return r;
}

static int take_modules(struct package *package, const struct package_job *job, const char *kind,
                        struct err *err)
{
    const struct config *config = job->request.config;
    bool as_they_are = is_set(config, "no_bundle", false);
    int r;

    if (!config->main)
        return 0;
    r = as_they_are ? take_main(package, config, package_type_of(kind), err)
                    : take_parts(package, job->bundle, false, err);

    if (r == 0 && (as_they_are || is_set(config, "find_additional_modules", false)))
        r = package_file_add_all(package, config, err);
    if (r == 0 && !as_they_are && is_set(config, "upload_source_maps", true))
        r = take_parts(package, job->bundle, true, err);
    return r;
}

/* What the bundler said, without the line ends behind it. */
static int fail_bundle(str log, struct err *err)
{
    while (log.len && log.ptr[log.len - 1] == '\n')
        log.len--;
    return err_set(err, ERR_INVALID, "the worker cannot be bundled\n%.*s", STR_ARGS(log));
}

static int take_bundle(struct package_job *job, struct package **ret, struct err *err)
{
    struct package *package;
    const char *kind;
    int r;

    if (!job->bundle->ok)
        return fail_bundle(str_from(job->bundle->log), err);
    kind = member_text(json_array_get(job->bundle->parts, 0), "kind");
    kind = kind ? kind : "module";
    package = mem_new(struct package);
    package->modules = json_array();
    package->log = str_dup(str_from(job->bundle->log));
    buf_init(&package->blob, PACKAGE_BYTES_MAX);
    r = take_modules(package, job, kind, err);
    if (r == 0)
        r = package_metadata_describe(package, &job->request, strcmp(kind, "classic") == 0, err);
    if (r < 0)
        package_free(package);
    else
        *ret = package;
    return r;
}

int package_wait(struct package_job *job, struct package **ret, struct err *err)
{
    int r;

    while (!job->bundle)
        uv_run(job->loop, UV_RUN_ONCE);
    r = take_bundle(job, ret, err);
    job_free(job);
    return r;
}
