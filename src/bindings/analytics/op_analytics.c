/* The op under analytics/analytics.js.
 *
 *   op_analytics_write(dataset, point)    JSON; false: it was dropped, undefined: it throws
 *
 * It only puts the point into the sink (analytics_sink.h): nobody waits for a disk. */
#include "bindings/analytics/op_analytics.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/analytics/analytics_sink.h"
#include "bindings/bindings.h"
#include "engine/handle.h"
#include "engine/value.h"
#include "os/clock.h"

enum { POINT_BYTES_MAX = 256 << 10, POINTS_MAX = 250 };

struct binding {
    struct handle handle;
    struct analytics_sink *sink;    /* NULL: there is no place for points */
    char *dataset;
};

static const char binding_kind[] = "analytics dataset";

static void binding_free(struct handle *handle)
{
    struct binding *binding = CONTAINER_OF(handle, struct binding, handle);

    analytics_sink_unref(binding->sink);
    free(binding->dataset);
    free(binding);
}

JSObjectRef op_analytics_open(JSContextRef ctx, const json_t *json, struct err *err)
{
    struct binding *binding = mem_new(struct binding);
    const char *dataset = member_text(json, "dataset");

    (void)err;
    if (!dataset)
        dataset = member_text(json, "name");
    binding->handle.kind = binding_kind;
    binding->handle.free = binding_free;
    binding->sink = analytics_sink_of(member_text(json, "store"));
    binding->dataset = str_dup(str_from(dataset ? dataset : ""));
    return handle_object(ctx, &binding->handle);
}

OP(op_analytics_write)
{
    struct handle *handle = handle_need(ctx, OP_ARG(0), binding_kind, exception);
    struct isolate_spent *spent = isolate_spent(isolate_current());
    struct binding *binding;
    struct buf point;
    bool taken;
    int r;

    OP_NEED(handle);
    binding = CONTAINER_OF(handle, struct binding, handle);
    if (!binding->sink)
        return value_throw(ctx, ERR_NOT_FOUND,
                           "The dataset cannot be written to: this atoll has no place for what "
                           "bindings store.",
                           exception);
    if (spent->data_points >= POINTS_MAX)
        return value_throw(ctx, ERR_LIMIT,
                           "writeDataPoint(): a request can write 250 data points at most.",
                           exception);
    buf_init(&point, POINT_BYTES_MAX);
    r = value_to_buf(ctx, OP_ARG(1), &point, exception);
    taken = r == 0 && analytics_sink_add(binding->sink, str_from(binding->dataset),
                                         (uint64_t)clock_wall_s(), buf_str(&point));
    buf_done(&point);
    spent->data_points++;
    return r == ERR_SCRIPT ? JSValueMakeUndefined(ctx) : JSValueMakeBoolean(ctx, taken);
}

const struct op op_analytics_table[] = {
    {"op_analytics_write", op_analytics_write},
    {0},
};
