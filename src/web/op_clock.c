/* Ops under js/time_origin.js and js/timers.js. */
#include "engine/isolate.h"
#include "engine/op.h"
#include "os/clock.h"
#include "web/web.h"

/* HR-Time 4: isolates of several tenants share a process, so time is told no finer than this. */
enum { CLOCK_GRAIN_NS = 100000, NS_PER_MS = 1000000 };

static JSValueRef milliseconds(JSContextRef ctx, uint64_t ns)
{
    return JSValueMakeNumber(ctx, (double)(ns - ns % CLOCK_GRAIN_NS) / NS_PER_MS);
}

/* () -> milliseconds since some point in the past; never goes back. */
OP(op_clock_monotonic)
{
    return milliseconds(ctx, isolate_now_ns(isolate_current()));
}

/* () -> milliseconds since 1970, with a fraction. */
OP(op_clock_wall)
{
    uint64_t behind_ns = clock_monotonic_ns() - isolate_now_ns(isolate_current());

    return milliseconds(ctx, clock_wall_ns() - behind_ns);
}

const struct op op_clock_table[] = {
    {"op_clock_monotonic", op_clock_monotonic},
    {"op_clock_wall", op_clock_wall},
    {0},
};
