/* Uploads: files, then esbuild, then a throw-away isolate; see upload.h.
 *
 *     upload_build ──> waiting ──> bundling ──> checking ──> on_done
 *                         └─cannot be written─────────────────^  (a later turn)
 *
 * (1) An upload ends in one place, finish(), which is never reached within upload_build().
 * (2) Its files are gone before it is checked: the runtime gets what esbuild made of them. */
#include "control/upload.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/binding.h"
#include "base/list.h"
#include "base/member.h"
#include "base/moment.h"
#include "control/bundle.h"
#include "control/upload_files.h"
#include "control/upload_log.h"

enum {
    CODE_SCRIPT = 10021,      /* the API's numbers: what the author did, what befell us */
    CODE_INTERNAL = 10013,
    TEXT_MAX = 64 * 1024,
};

struct upload {
    struct list link;          /* in `queue.waiting`, then in `queue.active` */
    char *account;
    uv_loop_t *loop;
    struct fleet *fleet;
    void (*check)(struct fleet *fleet, json_t *version, str blob,
                  void (*on_done)(void *arg, const json_t *checked), void *arg);
    uv_timer_t timer;
    struct upload_files files;
    json_t *frame;             /* the version as it is checked; its parts come with the bundle */
    struct bundle *bundle;     /* NULL before it is there */
    struct buf error;          /* for the client; empty: it went well */
    struct buf warnings;
    int code;
    json_t *handlers;
    double startup_ms;
    void (*on_done)(void *arg, const struct platform_build *build);
    void *arg;
};

/* Uploads take turns, so that many at once do not take the machine from those who serve, nor those
 * of one account everybody's turn. */
static struct {
    unsigned running;
    struct list waiting, active;
} queue = {0, {&queue.waiting, &queue.waiting}, {&queue.active, &queue.active}};

/* ---- bindings ---- */

json_t *upload_metadata(const json_t *version)
{
    const json_t *annotations = json_object_get(version, "annotations");
    const char *id = member_text(version, "id");
    const char *tag = member_text(annotations, "workers/tag");
    char time[MOMENT_BYTES];

    moment_write(member_int(version, "created_ms"), time);
    return json_pack("{s:s, s:s, s:s}", "id", id ? id : "", "tag", tag ? tag : "", "timestamp",
                     time);
}

/* The variable that a binding makes, returned owned; NULL: none. */
static json_t *var_of(const json_t *binding, const json_t *version, const json_t *secrets)
{
    const char *type = member_text(binding, "type");
    const char *name = member_text(binding, "name");

    if (!type || !name)
        return NULL;
    if (strcmp(type, "plain_text") == 0)
        return json_incref(json_object_get(binding, "text"));
    if (strcmp(type, "json") == 0)
        return json_incref(json_object_get(binding, "json"));
    if (strcmp(type, "secret_text") == 0)
        return json_incref(json_object_get(secrets, name));
    if (strcmp(type, "version_metadata") == 0)
        return upload_metadata(version);
    return NULL;
}

json_t *upload_store(const json_t *binding, const char *owner)
{
    const char *type = member_text(binding, "type");
    const struct binding_store *store = binding_store_of(type);
    const json_t *id = store ? json_object_get(binding, store->field) : NULL;
    char *segment;
    json_t *result;

    if (!store)
        return NULL;
    if (!json_string_length(id))
        id = json_object_get(binding, "name");
    segment = str_dup(str_from(json_string_value(id)));
    for (char *c = segment; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            *c = '_';
    result = json_pack("{s:O, s:s, s:O, s:o}", "name", json_object_get(binding, "name"), "type",
                       type, "id", id, "store",
                       json_sprintf("%s/%s/%s", owner, store->kind, segment));
    free(segment);
    return result;
}

json_t *upload_shared(const json_t *binding, const char *owner)
{
    char *store = binding_shared_store(member_text(binding, "type"), owner);
    json_t *result;

    if (!store)
        return NULL;
    result = json_copy((json_t *)binding);
    json_object_set_new(result, "store", json_string(store));
    free(store);
    return result;
}

/* A key has one slash, behind the account: a name with another leads nowhere. */
json_t *upload_service(const json_t *binding, const char *account)
{
    const char *type = member_text(binding, "type");
    const char *service = member_text(binding, "service");
    const char *environment = member_text(binding, "environment");
    bool has_environment = environment && *environment && strcmp(environment, "production") != 0;

    if (!type || strcmp(type, "service") != 0 || !service || strchr(service, '/'))
        return NULL;
    return json_pack("{s:O, s:s, s:o, s:O*, s:O*}", "name", json_object_get(binding, "name"),
                     "type", type, "worker",
                     json_sprintf("%s%s%s%s%s", account ? account : "", account ? "/" : "", service,
                                  has_environment ? "-" : "", has_environment ? environment : ""),
                     "entrypoint", json_object_get(binding, "entrypoint"), "props",
                     json_object_get(binding, "props"));
}

/* What a runtime knows of its files: where they are. NULL: there are none. */
static json_t *assets_of(const json_t *version, const char *account)
{
    const json_t *manifest = json_object_get(json_object_get(version, "assets"), "manifest");

    if (!account || !json_is_string(manifest))
        return NULL;
    return json_pack("{s:o, s:O}", "store", json_sprintf("%s/assets", account), "manifest",
                     manifest);
}

static json_t *assets_binding(const json_t *binding, json_t *assets)
{
    const char *type = member_text(binding, "type");

    if (!assets || !type || strcmp(type, "assets") != 0)
        return NULL;
    return json_pack("{s:O, s:s, s:O}", "name", json_object_get(binding, "name"), "type", type,
                     "assets", assets);
}

json_t *upload_config(const json_t *version, const json_t *secrets, const char *account)
{
    static const char *const kept[] = {"compatibility_date", "compatibility_flags"};
    json_t *config = json_object(), *vars = json_object(), *bindings = json_array();
    json_t *binding, *value, *assets = assets_of(version, account);
    size_t i;

    json_array_foreach(json_object_get(version, "bindings"), i, binding)
        if ((value = var_of(binding, version, secrets)))
            json_object_set_new(vars, member_text(binding, "name"), value);
        else if ((value = assets_binding(binding, assets)) ||
                 (account && (value = upload_service(binding, account))) ||
                 (account && (value = upload_shared(binding, account))) ||
                 (account && (value = upload_store(binding, account))))
            json_array_append_new(bindings, value);
    if (assets)
        json_object_set_new(config, "assets", assets);
    if (json_array_size(bindings))
        json_object_set(config, "bindings", bindings);
    json_decref(bindings);
    for (i = 0; i < COUNT_OF(kept); i++)
        if ((value = json_object_get(version, kept[i])) && !json_is_null(value))
            json_object_set(config, kept[i], value);
    json_object_set_new(config, "vars", vars);
    return config;
}

/* ---- the end ---- */

static void start_next(void);

static void on_closed(uv_handle_t *handle)
{
    struct upload *upload = handle->data;

    json_decref(upload->frame);
    json_decref(upload->handlers);
    bundle_free(upload->bundle);
    buf_done(&upload->error);
    buf_done(&upload->warnings);
    free(upload->account);
    free(upload);
}

/* Appends a NUL, which is not counted. */
static const char *text_of(struct buf *text)
{
    ASSERT(buf_reserve(text, 1) == 0);
    text->ptr[text->len] = 0;
    return text->ptr;
}

static void finish(struct upload *upload)
{
    struct platform_build build = {
        .ok = upload->error.len == 0,
        .code = upload->error.len ? upload->code : 0,
        .error = upload->error.len ? text_of(&upload->error) : NULL,
        .handlers = upload->handlers,
        .startup_ms = upload->startup_ms,
        .warnings = text_of(&upload->warnings),
    };

    if (build.ok) {
        build.parts = upload->bundle->parts;
        build.blob = buf_str(&upload->bundle->blob);
    }
    upload->on_done(upload->arg, &build);
    queue.running--;
    list_remove(&upload->link);
    uv_close((uv_handle_t *)&upload->timer, on_closed);
    start_next();
}

static void put(struct buf *out, str text)
{
    if (buf_append(out, str_head(text, TEXT_MAX - out->len)) < 0)
        return;
}

static void fail(struct upload *upload, int code, str text)
{
    upload->code = code;
    put(&upload->error, text.len ? text : STR("The upload failed."));
}

/* What the script threw is said as wrangler and people know it. */
static void fail_check(struct upload *upload, str error)
{
    size_t name = 0;

    while (name < error.len && isalpha((unsigned char)error.ptr[name]))
        name++;
    if (str_ends(str_head(error, name), STR("Error")) &&
        str_starts(str_skip(error, name), STR(":")))
        put(&upload->error, STR("Uncaught "));
    fail(upload, CODE_SCRIPT, error.len ? error : STR("The worker could not be started."));
}

/* ---- the steps ---- */

static void on_checked(void *arg, const json_t *checked)
{
    struct upload *upload = arg;
    const json_t *error = json_object_get(checked, "error");

    upload->handlers = json_incref(json_object_get(checked, "handlers"));
    upload->startup_ms = json_number_value(json_object_get(checked, "ms"));
    if (!json_is_true(json_object_get(checked, "ok")))
        fail_check(upload, (str){json_string_value(error), json_string_length(error)});
    finish(upload);
}

static void check(struct upload *upload)
{
    json_t *frame = upload->frame;

    upload->frame = NULL;
    json_object_set(frame, "parts", upload->bundle->parts);
    upload->check(upload->fleet, frame, buf_str(&upload->bundle->blob), on_checked, upload);
}

static void on_bundled(void *context, struct bundle *bundle)
{
    struct upload *upload = context;
    str log = str_from(bundle->log);

    upload->bundle = bundle;
    upload_files_done(&upload->files);
    if (bundle->ok) {
        upload_log_warnings(log, &upload->warnings);
        check(upload);
        return;
    }
    upload->code = CODE_SCRIPT;
    if (!upload_log_errors(log, &upload->error)) {
        if (bundle->crashed)
            fail(upload, CODE_SCRIPT,
                 STR("esbuild gave up on this worker: its code is nested too "
                     "deeply, or takes too much memory or time."));
        else
            fail(upload, CODE_INTERNAL, str_head(log, str_find(log, '\n')));
    }
    finish(upload);
}

static void on_not_started(uv_timer_t *timer)
{
    finish(timer->data);
}

static void start(struct upload *upload)
{
    queue.running++;
    list_push(&queue.active, &upload->link);
    if (upload->error.len)
        uv_timer_start(&upload->timer, on_not_started, 0, 0);
    else
        bundle_start_upload(upload->loop, upload->files.directory, upload->files.entry, on_bundled,
                            upload);
}

static bool has_its_share(const struct upload *upload)
{
    unsigned count = 0;

    LIST_EACH(&queue.active, it)
        count += strcmp(CONTAINER_OF(it, struct upload, link)->account, upload->account) == 0;
    return *upload->account && count >= UPLOAD_ACCOUNT_BUILDS_MAX;
}

static void start_next(void)
{
    LIST_EACH_SAFE(&queue.waiting, it) {
        struct upload *upload = CONTAINER_OF(it, struct upload, link);

        if (queue.running >= UPLOAD_BUILDS_MAX)
            return;
        if (has_its_share(upload))
            continue;
        list_remove(&upload->link);
        start(upload);
    }
}

void upload_build(uv_loop_t *loop, struct fleet *fleet, const struct upload_request *request)
{
    struct upload *upload = mem_new(struct upload);
    struct err err;
    int r;

    upload->loop = loop;
    upload->account = str_dup(str_from(request->account));
    upload->fleet = fleet;
    upload->check = request->check ? request->check : fleet_check;
    upload->on_done = request->on_done;
    upload->arg = request->arg;
    buf_init(&upload->error, TEXT_MAX + 1);
    buf_init(&upload->warnings, TEXT_MAX + 1);
    uv_timer_init(loop, &upload->timer);
    upload->timer.data = upload;
    upload->frame = json_pack("{s:s, s:i, s:o}", "id", "check", "percent", 100, "config",
                              upload_config(request->version, request->secrets, request->account));
    r = upload_files_write(request->version, request->modules, request->blob, &upload->files, &err);
    if (r < 0)
        fail(upload, r == ERR_INVALID ? CODE_SCRIPT : CODE_INTERNAL, str_from(err.text));
    list_push(&queue.waiting, &upload->link);
    start_next();
}
