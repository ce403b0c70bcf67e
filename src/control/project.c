/* One worker under development; see project.h.
 *
 *     a file changed ──> rebuild ──> configuration read ──> build.command ──> esbuild ──> on_built
 *                           ^                                                                │
 *                           └───────────────── changed meanwhile (dirty) <───────────────────┘
 *
 * (1) At most one build runs. (2) `good` and `config` change only when a build was good, and only
 * together: a configuration whose bundle failed is never mixed with an older bundle. */
#include "control/project.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/member.h"
#include "bindings/assets/site.h"
#include "control/bundle.h"
#include "control/custom_build.h"
#include "control/upload.h"
#include "control/watch.h"
#include "os/path.h"
#include "registry/registry.h"

enum {
    VERSION_TEXT_MAX = 32,
    HURRIED_MAX = 5,
};

struct project {
    uv_loop_t *loop;
    const struct config_request *request;
    const struct project_hooks *hooks;
    void *context;
    char *name;
    struct config *config;     /* of the good version, or of the start */
    struct config *next;       /* of the build that runs */
    struct bundle *good;       /* NULL before the first good build */
    struct custom_build *command;    /* of the build that runs: the author's own part of it, */
    struct bundle_job *job;          /* then ours; both NULL when no build runs */
    struct watch *watch;
    char *failure;
    char version[VERSION_TEXT_MAX];
    unsigned version_number;
    char id[37];               /* of the good version, as it sees it, */
    uint64_t built_ms;         /* and when it was made, since 1970 */
    bool dirty;                /* something changed while a build ran */
    unsigned hurried;          /* builds in a row that came right after the one before */
    uint64_t ended_ms;         /* loop time: of the last build */
    uint64_t changed_ms;       /* loop time */
    uint64_t build_start_ns;   /* since 1970 */
};

static void on_built(void *context, struct bundle *bundle);

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void add_watched(void *context, const char *path)
{
    watch_add(context, path);
}

/* The author's command writes some inputs itself. */
static bool is_made(const struct project *p, const char *path)
{
    struct stat st;

    return p->config->build_command && stat(path, &st) == 0 &&
           (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
                   WATCH_TICK_NS >
               p->build_start_ns;
}

static void add_input(struct project *p, const char *path)
{
    if (path && !is_made(p, path))
        watch_add(p->watch, path);
}

static void watch_inputs(struct project *p, const struct bundle *bundle)
{
    json_t *path;
    size_t i;

    if (bundle)
        json_array_foreach(bundle->inputs, i, path)
            add_input(p, json_string_value(path));
}

/* Watches what the last good build read and what the failed one tried to. */
static void watch_all(struct project *p, const struct bundle *failed)
{
    json_t *directory;
    size_t i;

    watch_begin(p->watch);
    json_array_foreach(p->config->build_watch, i, directory)
        watch_add_tree(p->watch, json_string_value(directory));
    config_each_file(p->config->root, p->request->environment, add_watched, p->watch);
    if (p->config->file)
        watch_add(p->watch, p->config->file);
    add_input(p, p->config->main);
    add_input(p, p->next ? p->next->main : NULL);
    watch_inputs(p, p->good);
    watch_inputs(p, failed);
    watch_end(p->watch, failed != NULL, p->build_start_ns);
}

static void fail(struct project *p, const char *text)
{
    free(p->failure);
    p->failure = str_dup(str_from(text));
    p->hooks->on_failed(p->context, p, p->failure);
}

static void tell_warnings(struct project *p, const struct config *config)
{
    json_t *text;
    size_t i;

    json_array_foreach(config->warnings, i, text)
        p->hooks->on_note(p->context, p, true, json_string_value(text));
}

static void on_command_done(void *context, const char *failure);

static void build(struct project *p)
{
    p->dirty = false;
    p->build_start_ns = now_ns();
    if (p->next->build_command)
        p->command = custom_build_start(p->loop, p->next, on_command_done, p);
    else
        p->job = bundle_start(p->loop, p->next, on_built, p);
}

/* The name decides the address, so it is kept for as long as the address is announced. */
static void keep_name(struct project *p)
{
    if (strcmp(p->next->name, p->name) == 0)
        return;
    p->hooks->on_note(p->context, p, true,
                      "the name has changed: start atoll again to give the worker its new one");
    free(p->next->name);
    p->next->name = str_dup(str_from(p->name));
}

static void rebuild(struct project *p)
{
    struct err err;

    if (config_read(p->request, &p->next, &err) < 0) {
        p->dirty = false;
        fail(p, err.text);
        return;
    }
    if (!json_equal(p->next->warnings, p->config->warnings))
        tell_warnings(p, p->next);
    keep_name(p);
    build(p);
}

/* A command that writes into the directories it reads would be run for ever: after some builds each
 * of which came right after the one before, the next is not made. */
static void changed(struct project *p)
{
    bool soon = p->ended_ms && uv_now(p->loop) - p->ended_ms < WATCH_DELAY_MS_MAX;

    p->hurried = soon ? p->hurried + 1 : 0;
    if (p->hurried < HURRIED_MAX || !p->config->build_command) {
        rebuild(p);
        return;
    }
    p->hurried = 0;
    p->dirty = false;
    p->hooks->on_note(p->context, p, true,
                      "build.command changes files in build.watch_dir, so that it would never end: "
                      "it is run again when something else changes");
}

static void on_change(void *context)
{
    struct project *p = context;

    p->changed_ms = uv_now(p->loop);
    if (p->command || p->job)
        p->dirty = true;
    else
        changed(p);
}

/* The directory is served as it stands: runtimes look into it for each request. NULL: none is. */
static json_t *assets_object(const struct config *config)
{
    const json_t *assets = json_object_get(config->deploy, "assets");
    const char *directory = member_text(assets, "directory");
    char *absolute, *plain;
    json_t *object;

    if (!directory)
        return NULL;
    absolute = path_join(str_from(config->root), str_from(directory));
    plain = path_absolute(str_from(absolute));
    object = json_pack("{s:s, s:O, s:b, s:b}", "directory", plain ? plain : absolute, "config",
                       assets, "script", config->main != NULL, "navigates",
                       site_navigates(config->compatibility_date, config->compatibility_flags));
    free(plain);
    free(absolute);
    return object;
}

static json_t *stored_binding(const json_t *binding, json_t *assets)
{
    json_t *shared;

    if (assets && member_is(binding, "type", "assets"))
        return json_pack("{s:O, s:s, s:O}", "name", json_object_get(binding, "name"), "type",
                         "assets", "assets", assets);
    if (member_is(binding, "type", "service"))
        return upload_service(binding, NULL);
    if ((shared = upload_shared(binding, "dev")))
        return shared;
    return upload_store(binding, "dev");
}

static json_t *config_object(const struct config *config)
{
    json_t *bindings = json_array(), *binding, *stored, *assets = assets_object(config);
    size_t i;
    json_t *object = json_pack("{s:O, s:O}", "vars", config->vars, "compatibility_flags",
                               config->compatibility_flags);

    ASSERT(object);
    if (config->compatibility_date)
        json_object_set_new(object, "compatibility_date", json_string(config->compatibility_date));
    json_array_foreach(config->bindings, i, binding)
        if ((stored = stored_binding(binding, assets)))
            json_array_append_new(bindings, stored);
    if (json_array_size(bindings))
        json_object_set(object, "bindings", bindings);
    json_decref(bindings);
    if (assets)
        json_object_set_new(object, "assets", assets);
    return object;
}

/* What a version can know of itself: here each good build is one. */
static void add_metadata(const struct project *p, json_t *object)
{
    json_t *vars = json_copy(json_object_get(object, "vars")), *binding;
    json_t *version = json_pack("{s:s, s:I}", "id", p->id, "created_ms", (json_int_t)p->built_ms);
    size_t i;

    json_array_foreach(p->config->bindings, i, binding)
        if (member_is(binding, "type", "version_metadata"))
            json_object_set_new(vars, member_text(binding, "name"), upload_metadata(version));
    json_decref(version);
    json_object_set_new(object, "vars", vars);
}

/* True when the build made what is there already. */
static bool is_same(const struct project *p, const struct bundle *bundle)
{
    json_t *old, *new;
    bool same;

    if (!p->good || p->config->cpu_ms != p->next->cpu_ms ||
        !str_equal(buf_str(&p->good->blob), buf_str(&bundle->blob)) ||
        !json_equal(p->good->parts, bundle->parts))
        return false;
    old = config_object(p->config);
    new = config_object(p->next);
    same = json_equal(old, new);
    json_decref(old);
    json_decref(new);
    return same;
}

static void take_good(struct project *p, struct bundle *bundle)
{
    bool same = is_same(p, bundle), failed_before = p->failure != NULL;

    config_unref(p->config);
    bundle_free(p->good);
    p->config = p->next;
    p->good = bundle;
    p->next = NULL;
    free(p->failure);
    p->failure = NULL;
    watch_all(p, NULL);
    if (*bundle->log)
        p->hooks->on_note(p->context, p, true, bundle->log);
    if (!same) {
        snprintf(p->version, sizeof p->version, "%u", ++p->version_number);
        registry_new_id(p->id);
        p->built_ms = now_ns() / 1000000;
        p->hooks->on_version(p->context, p);
    } else if (failed_before) {
        p->hooks->on_note(p->context, p, false, "builds again, and nothing has changed");
    }
}

/* `failed`: what was bundled, or NULL; NULL with `text` when it is the good one. */
static void end_build(struct project *p, const struct bundle *failed, const char *text)
{
    if (text) {
        watch_all(p, failed);
        config_unref(p->next);
        p->next = NULL;
        fail(p, text);
    }
    p->ended_ms = uv_now(p->loop);
    if (p->dirty)
        changed(p);
}

static void on_built(void *context, struct bundle *bundle)
{
    struct project *p = context;

    p->job = NULL;
    if (bundle->ok) {
        take_good(p, bundle);
        end_build(p, NULL, NULL);
    } else {
        end_build(p, bundle, bundle->log);
        bundle_free(bundle);
    }
}

static void on_command_done(void *context, const char *failure)
{
    struct project *p = context;

    p->command = NULL;
    if (failure)
        end_build(p, NULL, failure);
    else
        p->job = bundle_start(p->loop, p->next, on_built, p);
}

int project_open(uv_loop_t *loop, const struct config_request *request,
                 const struct project_hooks *hooks, void *context, struct project **ret_project,
                 struct err *err)
{
    struct project *p;
    struct config *config;
    int r;

    if ((r = config_read(request, &config, err)) < 0)
        return r;
    p = mem_new(struct project);
    p->loop = loop;
    p->request = request;
    p->hooks = hooks;
    p->context = context;
    p->config = config;
    p->next = config_ref(config);
    p->name = str_dup(str_from(config->name));
    p->changed_ms = uv_now(loop);
    p->watch = watch_new(loop, on_change, p);
    build(p);
    if (config->build_command)
        watch_all(p, NULL);
    tell_warnings(p, config);
    *ret_project = p;
    return 0;
}

void project_close(struct project *p)
{
    if (!p)
        return;
    custom_build_cancel(p->command);
    bundle_cancel(p->job);
    watch_close(p->watch);
    bundle_free(p->good);
    config_unref(p->config);
    config_unref(p->next);
    free(p->failure);
    free(p->name);
    free(p);
}

const char *project_name(const struct project *p)
{
    return p->name;
}

bool project_has_version(const struct project *p)
{
    return p->good != NULL;
}

const char *project_failure(const struct project *p)
{
    return p->failure;
}

int64_t project_changed_ms_ago(const struct project *p)
{
    return (int64_t)(uv_now(p->loop) - p->changed_ms);
}

json_t *project_worker_frame(const struct project *p, unsigned number, bool load, str *ret_blob)
{
    json_t *config = config_object(p->config);
    json_t *frame = json_pack(
        "{s:s, s:s, s:i, s:s, s:b, s:b, s:b, s:{s:I}, s:[{s:s, s:i, s:o, s:O}]}", "type", "worker",
        "worker", p->name, "number", (int)number, "script", p->name, "here", true, "load", load,
        "keep", false, "limits", "cpu_ms", (json_int_t)p->config->cpu_ms, "versions", "id",
        p->version, "percent", 100, "config", config, "parts", p->good->parts);

    ASSERT(frame);
    add_metadata(p, config);
    *ret_blob = buf_str(&p->good->blob);
    return frame;
}

/* A JSON string of a message, which may quote a line of a file that is not UTF-8. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value)
        return value;
    copy = str_dup(str_from(text));
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c > 127)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *project_failed_frame(const struct project *p)
{
    json_t *frame = json_pack("{s:s, s:s, s:s, s:o}", "type", "failed", "worker", p->name, "title",
                              "The worker does not build", "detail", text_value(p->failure));

    ASSERT(frame);
    return frame;
}
