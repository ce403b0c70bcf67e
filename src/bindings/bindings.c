/* The kinds of bindings, and where their stores are; see bindings.h. */
#include "bindings/bindings.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/analytics/analytics_call.h"
#include "bindings/analytics/analytics_sink.h"
#include "bindings/analytics/op_analytics.h"
#include "bindings/assets/op_assets.h"
#include "bindings/d1/d1_call.h"
#include "bindings/d1/op_d1.h"
#include "bindings/kv/kv_call.h"
#include "bindings/kv/op_kv.h"
#include "bindings/quota.h"
#include "bindings/r2/op_r2.h"
#include "bindings/r2/r2_call.h"
#include "bindings/ratelimit/op_ratelimit.h"
#include "bindings/ratelimit/ratelimit_call.h"
#include "bindings/service/op_service.h"
#include "bindings/storage_job.h"
#include "engine/value.h"
#include "os/path.h"

enum { STORE_BYTES_MAX = 512 };

static const char *directory; /* of the stores */

const struct binding_kind bindings_kinds[] = {
    {"assets", "assets", op_assets_open, NULL},
    {"kv_namespace", "kv", op_kv_open, kv_call_run},
    {"d1", "d1", op_d1_open, d1_call_run},
    {"r2_bucket", "r2", op_r2_open, r2_call_run},
    {"ratelimit", "ratelimit", op_ratelimit_open, ratelimit_call_run},
    {"analytics_engine", "analytics", op_analytics_open, analytics_call_run},
    {"service", "service", op_service_open, NULL},
    {0},
};

const struct binding_kind *bindings_find(const char *type)
{
    for (const struct binding_kind *kind = bindings_kinds; type && kind->type; kind++)
        if (strcmp(kind->type, type) == 0)
            return kind;
    return NULL;
}

void bindings_start(uv_loop_t *loop, const char *storage_directory)
{
    directory = storage_directory;
    quota_start(storage_directory);
    storage_job_start(loop);
}

bool bindings_flush(void)
{
    return analytics_sink_flush();
}

/* A file name that is neither hidden nor a way up. */
static bool is_plain(str segment)
{
    if (!segment.len || segment.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < segment.len; i++)
        if ((unsigned char)segment.ptr[i] <= ' ' || segment.ptr[i] == '\\' || segment.ptr[i] == 127)
            return false;
    return true;
}

static bool is_store(str store)
{
    size_t at;

    if (store.len > STORE_BYTES_MAX)
        return false;
    for (; (at = str_find(store, '/')) < store.len; store = str_skip(store, at + 1))
        if (!is_plain(str_head(store, at)))
            return false;
    return is_plain(store);
}

char *bindings_store_path(const char *store)
{
    if (!directory || !is_store(str_from(store)))
        return NULL;
    return path_join(str_from(directory), str_from(store));
}

static JSObjectRef open_one(JSContextRef ctx, const json_t *binding,
                            const struct binding_kind **ret_kind, struct err *err)
{
    const char *type = member_text(binding, "type");
    const struct binding_kind *kind = bindings_find(type);

    if (!kind) {
        err_set(err, ERR_UNSUPPORTED, "this atoll has no bindings of type %s", type ? type : "?");
        return NULL;
    }
    *ret_kind = kind;
    return kind->open(ctx, binding, err);
}

JSObjectRef bindings_list(JSContextRef ctx, const json_t *bindings, struct err *err)
{
    JSObjectRef list = JSObjectMakeArray(ctx, 0, NULL, NULL), object;
    const struct binding_kind *kind;
    json_t *binding;
    size_t i;
    unsigned at = 0;

    json_array_foreach(bindings, i, binding) {
        str name = str_from(member_text(binding, "name"));
        struct err why = {0};

        if (!(object = open_one(ctx, binding, &kind, &why))) {
            err_set(err, why.code, "The binding %.*s cannot be made: %.3000s", STR_ARGS(name),
                    why.text);
            return NULL;
        }
        JSObjectSetPropertyAtIndex(ctx, list, at++, value_string(ctx, name), NULL);
        JSObjectSetPropertyAtIndex(ctx, list, at++, value_string(ctx, str_from(kind->module)),
                                   NULL);
        JSObjectSetPropertyAtIndex(ctx, list, at++, object, NULL);
    }
    return list;
}
