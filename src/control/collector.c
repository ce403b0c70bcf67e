/* Usage of all runtimes, and its way into the registry; see collector.h.
 *
 * (1) A number of a frame goes two ways: into `pending`, until a commit has it, and into counters
 *     that only grow, which is what Prometheus reads.
 * (2) A frame comes from a process that runs tenants' code: numbers are taken as they are, but
 *     neither below 0 nor above COUNT_MAX, counters that nobody knows are not, and no frame makes
 *     the tables grow beyond their limits. */
#include "control/collector.h"

#include <stdlib.h>

#include "base/member.h"
#include "control/collector_private.h"
#include "os/clock.h"
#include "registry/usage.h"

#define COUNT_MAX UINT64_C(1000000000000)

/* ---- numbers of a frame ---- */

static uint64_t number_of(const json_t *object, const char *key)
{
    int64_t value = member_int(object, key);

    return value <= 0 ? 0 : (uint64_t)value < COUNT_MAX ? (uint64_t)value : COUNT_MAX;
}

/* Adds one number of `more` to that of `sum`. */
static void add_number(json_t *sum, const json_t *more, const char *key)
{
    uint64_t value = number_of(more, key), total = number_of(sum, key);

    if (!value)
        return;
    total = value < COUNT_MAX - total ? total + value : COUNT_MAX;
    json_object_set_new(sum, key, json_integer((json_int_t)total));
}

/* Adds the counters of a row that are known, and its outcomes that are. */
static void add_row(json_t *sum, const json_t *more)
{
    static const char *const keys[] = {
        "requests", "errors",
#define COLLECTOR_KEY(key, name, scale, help) #key,
        COLLECTOR_COUNTERS(COLLECTOR_KEY)
#undef COLLECTOR_KEY
    };
    const json_t *counts = json_object_get(more, "outcomes");
    json_t *outcomes = json_object_get(sum, "outcomes");

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        add_number(sum, more, keys[i]);
    if (!outcomes && json_object_size(counts))
        json_object_set_new(sum, "outcomes", outcomes = json_object());
    for (size_t i = 0; outcomes && i < OUTCOME_COUNT; i++)
        add_number(outcomes, counts, outcome_rows[i].word);
}

static struct collector_series *series_of(struct collector *collector, const char *key)
{
    struct map_node *node = map_find(&collector->map, str_from(key));
    struct collector_series *series;

    if (node)
        return CONTAINER_OF(node, struct collector_series, node);
    if (collector->series_count == COLLECTOR_SERIES_MAX)
        return &collector->rest;
    series = mem_new(struct collector_series);
    series->key = str_dup(str_from(key));
    series->node.key = str_from(series->key);
    map_add(&collector->map, &series->node);
    collector->series[collector->series_count++] = series;
    return series;
}

static void count(struct collector_series *series, const json_t *row)
{
    static const char *const keys[] = {
#define COLLECTOR_KEY(key, name, scale, help) #key,
        COLLECTOR_COUNTERS(COLLECTOR_KEY)
#undef COLLECTOR_KEY
    };
    const json_t *outcomes = json_object_get(row, "outcomes");

    for (size_t i = 0; i < COLLECTOR_COUNTER_COUNT; i++)
        series->counters[i] += number_of(row, keys[i]);
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        series->outcomes[i] += number_of(outcomes, outcome_rows[i].word);
}

static void add_worker(struct collector *collector, const char *key, const json_t *row)
{
    json_t *sum = json_object_get(collector->pending, key);

    if (!json_is_object(row))
        return;
    count(series_of(collector, key), row);
    if (!sum && json_object_size(collector->pending) >= COLLECTOR_PENDING_MAX) {
        collector->unkept++;
        return;
    }
    if (!sum) {
        sum = json_object();
        json_object_set_new(collector->pending, key, sum);
    }
    add_row(sum, row);
}

static void add_histogram(struct collector_histogram *histogram, const json_t *frame)
{
    const json_t *counts = json_object_get(frame, "counts"), *count;
    size_t i;

    json_array_foreach(counts, i, count)
        if (i < METER_BUCKETS && json_integer_value(count) > 0)
            histogram->counts[i] += (uint64_t)json_integer_value(count);
    histogram->sum_us += number_of(frame, "sum_us");
}

static void add_process(struct collector *collector, int process, const json_t *frame)
{
    size_t i = 0;

    collector->unrouted += number_of(frame, "unrouted");
    collector->lines_dropped += number_of(frame, "lines_dropped");
    collector->tails_dropped += number_of(frame, "tails_dropped");
    add_histogram(&collector->latency, json_object_get(frame, "latency"));
    add_histogram(&collector->cold, json_object_get(frame, "cold"));
    while (i < collector->process_count && collector->processes[i].number != process)
        i++;
    if (i == FLEET_PROCESSES_MAX)
        return;
    if (i == collector->process_count)
        collector->process_count++;
    collector->processes[i] = (struct collector_process){
        .number = process,
        .isolates = number_of(frame, "isolates"),
        .blanks = number_of(frame, "blanks"),
        .connections = number_of(frame, "connections"),
        .rss_bytes = number_of(frame, "rss_bytes"),
    };
}

void collector_add(struct collector *collector, int process, const json_t *frame)
{
    json_t *workers = json_object_get(frame, "workers"), *row;
    const json_t *gauges = json_object_get(frame, "process");
    const char *key;

    json_object_foreach(workers, key, row)
        add_worker(collector, key, row);
    if (json_is_object(gauges))
        add_process(collector, process, gauges);
}

void collector_forget(struct collector *collector, int process)
{
    for (size_t i = 0; i < collector->process_count; i++)
        if (collector->processes[i].number == process) {
            collector->processes[i] = collector->processes[--collector->process_count];
            return;
        }
}

/* ---- commits ---- */

static void commit(struct collector *collector)
{
    struct err err;
    int r;

    if (!json_object_size(collector->pending))
        return;
    r = usage_add(collector->registry, clock_wall_ms(), collector->pending, &err);
    if (r == 0)
        json_object_clear(collector->pending);
    else
        collector->commits_failed++;
    if (collector->troubled != (r < 0))
        collector->on_trouble(collector->context, r < 0 ? err.text : NULL);
    collector->troubled = r < 0;
}

static void on_time(uv_timer_t *timer)
{
    commit(timer->data);
}

struct collector *collector_start(uv_loop_t *loop, struct registry *registry,
                                  void (*on_trouble)(void *, const char *), void *context)
{
    struct collector *collector = mem_new(struct collector);

    collector->registry = registry;
    collector->on_trouble = on_trouble;
    collector->context = context;
    collector->pending = json_object();
    collector->rest.key = COLLECTOR_REST;
    uv_timer_init(loop, &collector->timer);
    collector->timer.data = collector;
    uv_timer_start(&collector->timer, on_time, COLLECTOR_COMMIT_MS, COLLECTOR_COMMIT_MS);
    uv_unref((uv_handle_t *)&collector->timer);
    return collector;
}

static void on_closed(uv_handle_t *handle)
{
    struct collector *collector = handle->data;

    map_done(&collector->map);
    for (size_t i = 0; i < collector->series_count; i++) {
        free(collector->series[i]->key);
        free(collector->series[i]);
    }
    json_decref(collector->pending);
    free(collector);
}

void collector_stop(struct collector *collector)
{
    if (!collector)
        return;
    commit(collector);
    uv_close((uv_handle_t *)&collector->timer, on_closed);
}
