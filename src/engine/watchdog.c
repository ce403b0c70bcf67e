/* Limits of an isolate, as a poll that runs every few milliseconds of CPU time inside a turn.
 *
 * JSC calls on_poll on the loop's thread, between two instructions of the script, once per arming:
 * the callback arms itself again, whatever it answers. It reads clocks and the resident size of
 * the process; with one loop per process, what a turn adds to it belongs to the isolate that runs.
 *
 * (1) After on_poll answered true, iso->terminated says why and no more JavaScript runs there.
 * (2) Resident size counts garbage too. Past the limit the heap is collected and measured; only
 *     what is alive counts, up to MEMORY_HARD_FACTOR times the limit, where we do not ask. */
#include "os/clock.h"
#include "os/memory.h"

#include "engine/isolate_private.h"
#include "engine/value.h"

static const double POLL_SECONDS = 0.005;
enum { MEMORY_HARD_FACTOR = 2 };

static uint64_t request_cpu_ns(struct isolate *iso)
{
    int32_t id = iso->cells[CELL_CURRENT];
    uint64_t *meter = id ? isolate_setup()->meter_of(iso, id) : NULL;

    return (meter ? *meter : 0) + clock_monotonic_ns() - iso->section_start_ns;
}

/* Thread CPU time confirms what the cheap clock suspects: time spent preempted is not charged. */
static bool over_cpu(struct isolate *iso)
{
    uint64_t limit_ns = iso->limits.cpu_ms * 1000000;

    return request_cpu_ns(iso) > limit_ns &&
           clock_thread_cpu_ns() - iso->turn_cpu_start_ns > limit_ns / 2;
}

static size_t live_bytes(struct isolate *iso)
{
    JSObjectRef stats;

    JSSynchronousGarbageCollectForDebugging(iso->ctx);
    stats = JSGetMemoryUsageStatistics(iso->ctx);
    return (size_t)value_to_number(iso->ctx, value_get(iso->ctx, stats, "heapSize"), 0);
}

static bool over_memory(struct isolate *iso)
{
    size_t rss = memory_resident_bytes(), limit = iso->limits.memory_bytes;
    size_t growth = iso->rss_growth + (rss > iso->rss_base ? rss - iso->rss_base : 0);

    if (growth <= limit || growth <= iso->rss_checked + limit / 4)
        return false;
    if (growth > MEMORY_HARD_FACTOR * limit)
        return true;
    iso->rss_checked = growth;
    return live_bytes(iso) > limit;
}

static bool on_poll(JSContextRef ctx, void *context)
{
    struct isolate *iso = context;

    (void)ctx;
    JSContextGroupSetExecutionTimeLimit(iso->group, POLL_SECONDS, on_poll, iso);
    if (!iso->in_turn)
        return false;
    if (over_cpu(iso))
        iso->terminated = ERR_CPU_LIMIT;
    else if (over_memory(iso))
        iso->terminated = ERR_MEM_LIMIT;
    return iso->terminated != 0;
}

void watchdog_arm(struct isolate *iso)
{
    JSContextGroupSetExecutionTimeLimit(iso->group, POLL_SECONDS, on_poll, iso);
}

void watchdog_turn_begins(struct isolate *iso)
{
    iso->turn_cpu_start_ns = clock_thread_cpu_ns();
    iso->rss_base = memory_resident_bytes_cached();
}

/* Only a turn long enough to have been polled is worth reading the resident size for. */
void watchdog_turn_ended(struct isolate *iso)
{
    uint64_t used_ns = clock_thread_cpu_ns() - iso->turn_cpu_start_ns;

    iso->cpu_ns += used_ns;
    if (used_ns > 1000000) {
        size_t rss = memory_resident_bytes();
        if (rss > iso->rss_base)
            iso->rss_growth += rss - iso->rss_base;
        else
            iso->rss_growth -= iso->rss_base - rss < iso->rss_growth ? iso->rss_base - rss
                                                                     : iso->rss_growth;
    }
}
