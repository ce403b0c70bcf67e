/* Versions on trial; see version_check.h. */
#include "runtime/version_check.h"

#include <stdlib.h>

#include "base/member.h"
#include "runtime/runtime.h"
#include "runtime/version.h"
#include "runtime/worker.h"

struct check {
    json_t *id;    /* as it came */
};

static unsigned running;

static void finish(struct check *check, struct version *v, str error)
{
    const json_t *exports = v ? version_exports(v) : NULL;
    json_t *handlers = json_object_get(exports, "handlers");
    json_t *classes = json_object_get(exports, "classes");
    json_t *frame = json_pack("{s:s, s:O, s:b, s:f, s:o, s:o}", "type", "checked", "id", check->id,
                              "ok", error.len == 0, "ms", v ? version_load_ms(v) : 0, "handlers",
                              handlers ? json_incref(handlers) : json_array(), "classes",
                              classes ? json_incref(classes) : json_array());

    if (error.len)
        json_object_set_new(frame, "error", runtime_text(error));
    runtime_tell(frame);
    json_decref(check->id);
    free(check);
    running--;
}

static void on_loaded(void *context, struct version *v)
{
    finish(context, v, STR_NONE);
    version_drain(v);
}

static void on_refused(void *context, struct version *v, str error)
{
    finish(context, v, error.len ? error : STR("the script threw something without a text"));
}

/* It drains already, and is free to die. */
static void on_died(void *context, struct version *v)
{
    (void)context, (void)v;
}

void version_check_on_frame(json_t *frame, str blob)
{
    static const struct version_hooks hooks = {on_loaded, on_refused, on_died};
    const json_t *object = json_object_get(frame, "version");
    json_t *id = json_object_get(frame, "id");
    struct limits limits = limits_default();
    struct check *check = mem_new(struct check);
    struct version_source source = {
        .hooks = &hooks,
        .context = check,
        .id = member_text(object, "id"),
        .config = json_object_get(object, "config"),
        .parts = json_object_get(object, "parts"),
        .blob = blob,
        .limits = &limits,
    };
    struct version *v;

    check->id = id ? json_incref(id) : json_null();
    worker_read_limits(&limits, json_object_get(frame, "limits"));
    running++;
    if (running > VERSION_CHECKS_MAX)
        finish(check, NULL, STR("too many versions are checked at once: try again"));
    else if (version_new(&source, &v) < 0)
        finish(check, NULL, STR("the supervisor sent a version without parts"));
}
