/* Limits of an isolate, in three looks of different depth:
 *
 *   within a turn     on_poll, every 50 ms of CPU time: clocks and resident size
 *   after each task   watchdog_charged, when a request's meter has passed the limit
 *   once a second     on_second, when the process grew: what short turns added up to
 *
 * JSC calls on_poll on the loop's thread, between two instructions of the script, once per arming:
 * the callback arms itself again, whatever it answers.
 *
 * (1) Once iso->terminated says why, no more JavaScript runs there.
 * (2) Resident size is the process's and counts garbage too: its growth is only a reason to collect
 *     a heap and measure what is alive, between tasks. A turn that alone adds
 *     MEMORY_HARD_FACTOR times the limit is not asked.
 * (3) Who cannot have grown is not measured: growing takes CPU time, and so the isolates that used
 *     most of it since they were measured last come first, and those that used too little to reach
 *     their limit do not come at all.
 * (4) Heaps are measured in small portions: requests of all workers wait for it. */
#include "os/clock.h"
#include "os/memory.h"

#include "engine/isolate_private.h"
#include "engine/value.h"

/* JSC throws the optimised code on the stack away to make a script look at the clock: at 5 ms that
 * halves the speed of what computes, at 50 ms it cannot be measured. While an isolate is new it has
 * little such code, and nobody knows yet whether its turns are long: it is looked at sooner. At
 * 12 ms cold starts of others took 5 ms now and then. */
static const double POLL_SECONDS = 0.05, POLL_SECONDS_SOON = 0.024;
enum {
    NS_PER_MS = 1000000,
    MEMORY_HARD_FACTOR = 2,
    MEMORY_SURE_FACTOR = 4,          /* more than others grow by between two readings */
    LOOK_MS = 1000,
    MEASURE_NS_MAX = 3 * NS_PER_MS,  /* of MEASURE_MS, for heaps; one heap may take longer */
    MEASURE_MS = 100,
    GROWTH_BYTES_PER_NS = 8,         /* nothing touches new memory faster */
    GROWTH_STEP_BYTES = 16 << 20,    /* of the process, before heaps are measured */
    NEW_NS = 250 * NS_PER_MS,        /* of CPU time: an isolate is new */
    MARK_DECAY = 2,                  /* of what the process shrank, half is forgotten a second */
};

static struct {
    uv_timer_t timer, measure;
    size_t mark;        /* resident bytes up to which growth was looked at */
    uint64_t round;     /* of measuring; an isolate is measured once in each */
    bool measuring;
} look;

/* ---- CPU time ---- */

static uint64_t limit_ns(const struct isolate *iso)
{
    return iso->limits.cpu_ms * NS_PER_MS;
}

static uint64_t request_ns(struct isolate *iso)
{
    int32_t id = iso->cells[CELL_CURRENT];
    struct isolate_spent *spent = id ? isolate_setup()->meter_of(iso, id) : NULL;

    return (spent ? spent->cpu_ns : 0) + clock_monotonic_ns() - iso->section_start_ns;
}

/* Thread CPU time confirms what the cheap clock suspects: time spent preempted is not charged. */
static bool over_cpu(struct isolate *iso)
{
    return request_ns(iso) > limit_ns(iso) &&
           clock_thread_cpu_ns() - iso->turn_cpu_start_ns > limit_ns(iso) / 2;
}

/* The meter counts time by the cheap clock: what of it was the thread's is taken from the isolate's
 * whole life. */
void watchdog_charged(struct isolate *iso, uint64_t meter_ns)
{
    uint64_t cpu_ns = iso->cpu_ns + clock_thread_cpu_ns() - iso->turn_cpu_start_ns;
    uint64_t wall_ns = iso->wall_ns + iso->section_start_ns - iso->turn_start_ns;
    double share = wall_ns > cpu_ns ? (double)cpu_ns / (double)wall_ns : 1;

    if ((double)meter_ns * share > (double)limit_ns(iso))
        iso->ending = ERR_CPU_LIMIT;
}

/* ---- memory ---- */

static size_t live_bytes(struct isolate *iso)
{
    JSObjectRef stats;

    JSSynchronousGarbageCollectForDebugging(iso->ctx);
    stats = JSGetMemoryUsageStatistics(iso->ctx);
    iso->heap_bytes = (size_t)value_to_number(iso->ctx, value_get(iso->ctx, stats, "heapSize"), 0);
    return iso->heap_bytes;
}

static size_t above(size_t bytes, size_t base)
{
    return bytes > base ? bytes - base : 0;
}

/* Growth so far only asks for a measurement once the task is done: JSC does not stand a collection
 * in the middle of a script that it interrupts. The base that asks is the last size anybody read,
 * so that a turn's first allocation counts; others may have grown since, and so the base that
 * kills is this turn's own. */
static bool over_memory(struct isolate *iso)
{
    size_t rss = memory_resident_bytes(), limit = iso->limits.memory_bytes;
    size_t growth = above(rss, iso->rss_base);

    if (!iso->rss_polled)
        iso->rss_polled = rss;
    if (growth > iso->rss_measured + limit / 4) {
        iso->rss_measured = growth;
        iso->measure_due = true;
    }
    return above(rss, iso->rss_polled) > MEMORY_HARD_FACTOR * limit ||
           growth > MEMORY_SURE_FACTOR * limit;
}

void watchdog_task_ended(struct isolate *iso)
{
    iso->measure_due = false;
    if (live_bytes(iso) > iso->limits.memory_bytes)
        iso->ending = ERR_MEM_LIMIT;
    iso->section_start_ns = clock_monotonic_ns();
}

/* ---- within a turn ---- */

static void tell_long_turn(struct isolate *iso, uint64_t ns, bool runs)
{
    iso->long_told_ns = runs ? ns : 0;
    iso->long_turn_ns = clock_monotonic_ns();
    if (isolate_setup()->on_long_turn)
        isolate_setup()->on_long_turn(iso, ns, runs);
}

static bool long_turn_is_news(const struct isolate *iso, uint64_t ns)
{
    return iso->long_told_ns || (ns >= (uint64_t)ISOLATE_LONG_TURN_MS * NS_PER_MS &&
                                 iso->section_start_ns - iso->long_turn_ns >=
                                     (uint64_t)ISOLATE_LONG_TURN_TOLD_MS * NS_PER_MS);
}

/* When it has become long, and once more when it has lasted as long as the looks are apart. */
static void tell_running(struct isolate *iso, uint64_t ns)
{
    const uint64_t poll_ns = (uint64_t)(POLL_SECONDS * 1e9);

    if (!iso->long_told_ns || (iso->long_told_ns < poll_ns && ns >= poll_ns))
        tell_long_turn(iso, ns, true);
}

static void arm(struct isolate *iso, bool soon);

static bool on_poll(JSContextRef ctx, void *context)
{
    struct isolate *iso = context;

    (void)ctx;
    if (!iso->in_turn) {
        arm(iso, false);
        return false;
    }
    atomic_fetch_add_explicit(&isolate_pulse()->polls, 1, memory_order_relaxed);
    tell_running(iso, clock_thread_cpu_ns() - iso->turn_cpu_start_ns);
    if (over_cpu(iso))
        iso->terminated = ERR_CPU_LIMIT;
    else if (over_memory(iso))
        iso->terminated = ERR_MEM_LIMIT;
    arm(iso, iso->measure_due); /* what grows is looked at sooner */
    return iso->terminated != 0;
}

static void arm(struct isolate *iso, bool soon)
{
    iso->polled_soon = soon;
    JSContextGroupSetExecutionTimeLimit(iso->group, soon ? POLL_SECONDS_SOON : POLL_SECONDS,
                                        on_poll, iso);
}

void watchdog_arm(struct isolate *iso)
{
    arm(iso, true);
}

void watchdog_turn_begins(struct isolate *iso)
{
    struct pulse *pulse = isolate_pulse();

    atomic_store_explicit(&pulse->worker, iso->number, memory_order_relaxed);
    atomic_store_explicit(&pulse->turn_start_ns, iso->section_start_ns, memory_order_relaxed);
    iso->turn_cpu_start_ns = clock_thread_cpu_ns();
    iso->turn_start_ns = iso->section_start_ns;
    iso->rss_base = memory_resident_bytes_cached();
    iso->rss_polled = iso->rss_measured = 0;
}

void watchdog_turn_ended(struct isolate *iso)
{
    uint64_t ns = clock_thread_cpu_ns() - iso->turn_cpu_start_ns;

    iso->cpu_ns += ns;
    iso->wall_ns += iso->section_start_ns - iso->turn_start_ns;
    if (iso->polled_soon != (iso->cpu_ns < NEW_NS))
        arm(iso, iso->cpu_ns < NEW_NS);
    atomic_store_explicit(&isolate_pulse()->turn_start_ns, 0, memory_order_relaxed);
    if (long_turn_is_news(iso, ns))
        tell_long_turn(iso, ns, false);
}

/* ---- once a second ---- */

static uint64_t unmeasured_ns(const struct isolate *iso)
{
    bool done = iso->measured_round == look.round || iso->terminated;

    return done ? 0 : iso->cpu_ns - iso->measured_cpu_ns;
}

static bool may_have_grown(const struct isolate *iso)
{
    return unmeasured_ns(iso) > iso->limits.memory_bytes / GROWTH_BYTES_PER_NS;
}

static struct isolate *likeliest(void)
{
    struct isolate *found = NULL;

    LIST_EACH(isolate_all(), link) {
        struct isolate *iso = CONTAINER_OF(link, struct isolate, link);
        if (may_have_grown(iso) && unmeasured_ns(iso) > (found ? unmeasured_ns(found) : 0))
            found = iso;
    }
    return found;
}

static void measure(struct isolate *iso)
{
    iso->measured_round = look.round;
    iso->measured_cpu_ns = iso->cpu_ns;
    if (live_bytes(iso) > iso->limits.memory_bytes)
        isolate_terminate(iso, ERR_MEM_LIMIT);
}

/* Measures until time is up; the next time goes on with the round. */
static void measure_some(uv_timer_t *timer)
{
    uint64_t until_ns = clock_monotonic_ns() + MEASURE_NS_MAX;
    struct isolate *iso;

    while ((iso = likeliest())) {
        if (clock_monotonic_ns() > until_ns)
            return;
        measure(iso);
    }
    look.measuring = false;
    uv_timer_stop(timer);
}

static void on_second(uv_timer_t *timer)
{
    size_t rss = memory_resident_bytes();

    (void)timer;
    if (rss > look.mark + GROWTH_STEP_BYTES) {
        look.mark = rss;
        look.round++;
        look.measuring = true;
    } else {
        look.mark -= above(look.mark, rss) / MARK_DECAY;
    }
    if (look.measuring && !uv_is_active((uv_handle_t *)&look.measure))
        uv_timer_start(&look.measure, measure_some, 0, MEASURE_MS);
}

void watchdog_start(uv_loop_t *loop)
{
    ASSERT(uv_timer_init(loop, &look.timer) == 0);
    look.mark = memory_resident_bytes();
    uv_timer_start(&look.timer, on_second, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&look.timer);
    ASSERT(uv_timer_init(loop, &look.measure) == 0);
    uv_unref((uv_handle_t *)&look.measure);
}
