/* Prometheus text; see collector.h: collector_metrics().
 *
 * A family is written entirely or not at all: `family_begin` remembers where it starts, and what
 * does not fit takes it back. Names and units follow Prometheus's conventions: counters end in
 * _total, times are seconds, sizes bytes. docs/metrics.md lists them. */
#include <stdio.h>
#include <sys/resource.h>

#include "control/collector_private.h"
#include "os/memory.h"

struct writer {
    struct buf *out;
    size_t start;        /* of the family */
    const char *name;
    bool full;           /* the family does not fit */
};

static void put(struct writer *w, int r)
{
    w->full |= r < 0;
}

static void family_begin(struct writer *w, const char *name, const char *type, const char *help)
{
    w->start = w->out->len;
    w->name = name;
    w->full = false;
    put(w, buf_printf(w->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type));
}

static void family_end(struct writer *w)
{
    if (w->full)
        w->out->len = w->start;
}

/* Appends a label's value. */
static void put_escaped(struct writer *w, const char *value)
{
    for (const char *c = value; *c; c++) {
        if (*c == '\n') {
            put(w, buf_append(w->out, STR("\\n")));
            continue;
        }
        if (*c == '"' || *c == '\\')
            put(w, buf_append_char(w->out, '\\'));
        put(w, buf_append_char(w->out, *c));
    }
}

/* One or two labels (names NULL: none) and a value. */
static void sample(struct writer *w, const char *const labels[static 4], double value)
{
    put(w, buf_append(w->out, str_from(w->name)));
    for (int i = 0; i < 4 && labels[i]; i += 2) {
        put(w, buf_printf(w->out, "%c%s=\"", i ? ',' : '{', labels[i]));
        put_escaped(w, labels[i + 1]);
        put(w, buf_append_char(w->out, '"'));
    }
    put(w, buf_printf(w->out, labels[0] ? "} %.15g\n" : " %.15g\n", value));
}

#define LABELS(...) ((const char *const[4]){__VA_ARGS__})

static void single(struct writer *w, const char *name, const char *type, const char *help,
                   double value)
{
    family_begin(w, name, type, help);
    sample(w, LABELS(NULL), value);
    family_end(w);
}

/* The workers that have a series of their own, and the one for the others when it has anything. */
static const struct collector_series *series_at(const struct collector *collector, size_t i)
{
    return i < collector->series_count ? collector->series[i] : &collector->rest;
}

static size_t series_count(const struct collector *collector)
{
    return collector->series_count + (collector->series_count == COLLECTOR_SERIES_MAX);
}

static void put_requests(struct writer *w, const struct collector *collector)
{
    family_begin(w, "atoll_requests_total", "counter",
                 "Requests and events that are over, by outcome.");
    for (size_t i = 0; i < series_count(collector); i++) {
        const struct collector_series *series = series_at(collector, i);

        for (size_t k = 0; k < OUTCOME_COUNT; k++)
            if (series->outcomes[k] || k == OUTCOME_OK)
                sample(w, LABELS("worker", series->key, "outcome", outcome_rows[k].word),
                       (double)series->outcomes[k]);
    }
    family_end(w);
}

static void put_errors(struct writer *w, const struct collector *collector)
{
    family_begin(w, "atoll_errors_total", "counter",
                 "Requests and events that ended with an error, by cause.");
    for (size_t k = 0; k < OUTCOME_COUNT; k++) {
        uint64_t sum = collector->rest.outcomes[k];

        for (size_t i = 0; i < collector->series_count; i++)
            sum += collector->series[i]->outcomes[k];
        if (outcome_rows[k].error)
            sample(w, LABELS("cause", outcome_rows[k].word), (double)sum);
    }
    family_end(w);
}

static void put_counters(struct writer *w, const struct collector *collector)
{
    static const struct {
        const char *name, *help;
        double scale;
    } rows[] = {
#define COLLECTOR_ROW(key, name, scale, help) {name, help, scale},
        COLLECTOR_COUNTERS(COLLECTOR_ROW)
#undef COLLECTOR_ROW
    };

    for (size_t k = 0; k < COUNT_OF(rows); k++) {
        family_begin(w, rows[k].name, "counter", rows[k].help);
        for (size_t i = 0; i < series_count(collector); i++) {
            const struct collector_series *series = series_at(collector, i);

            if (k < COLLECTOR_class_a || series->counters[k]) /* buckets alone have operations */
                sample(w, LABELS("worker", series->key),
                       (double)series->counters[k] * rows[k].scale);
        }
        family_end(w);
    }
}

static void put_histogram(struct writer *w, const char *name, const char *help,
                          const struct collector_histogram *histogram)
{
    uint64_t sum = 0;

    family_begin(w, name, "histogram", help);
    for (size_t i = 0; i < METER_BUCKETS; i++) {
        char bound[32] = "+Inf";

        if (i < METER_BUCKETS - 1)
            snprintf(bound, sizeof bound, "%g", (double)meter_bounds_us[i] * 1e-6);
        sum += histogram->counts[i];
        put(w, buf_printf(w->out, "%s_bucket{le=\"%s\"} %llu\n", name, bound,
                          (unsigned long long)sum));
    }
    put(w, buf_printf(w->out, "%s_sum %.15g\n%s_count %llu\n", name,
                      (double)histogram->sum_us * 1e-6, name, (unsigned long long)sum));
    family_end(w);
}

static void put_gauges(struct writer *w, const struct collector *collector)
{
    struct collector_process all = {0};

    for (size_t i = 0; i < collector->process_count; i++) {
        all.isolates += collector->processes[i].isolates;
        all.blanks += collector->processes[i].blanks;
        all.connections += collector->processes[i].connections;
    }
    single(w, "atoll_isolates", "gauge", "Isolates with a worker in them.", (double)all.isolates);
    single(w, "atoll_blank_isolates", "gauge", "Isolates that wait for a worker.",
           (double)all.blanks);
    single(w, "atoll_connections", "gauge", "Open client connections.", (double)all.connections);
    family_begin(w, "atoll_runtime_resident_memory_bytes", "gauge",
                 "Resident memory of each runtime process.");
    for (size_t i = 0; i < collector->process_count; i++) {
        char number[16];

        snprintf(number, sizeof number, "%d", collector->processes[i].number);
        sample(w, LABELS("process", number), (double)collector->processes[i].rss_bytes);
    }
    family_end(w);
}

static void put_lost(struct writer *w, const struct collector *collector)
{
    single(w, "atoll_unrouted_requests_total", "counter", "Requests for hosts without a worker.",
           (double)collector->unrouted);
    single(w, "atoll_log_lines_dropped_total", "counter",
           "Lines of workers' logs beyond their limit.", (double)collector->lines_dropped);
    single(w, "atoll_tail_events_dropped_total", "counter",
           "Events that were not told to tails, logs and stores.",
           (double)collector->tails_dropped);
    single(w, "atoll_usage_commit_failures_total", "counter",
           "Commits of usage that failed; what was in them is tried again.",
           (double)collector->commits_failed);
    single(w, "atoll_usage_dropped_total", "counter",
           "Workers' counters left out because too many waited for a commit.",
           (double)collector->unkept);
}

static double status_number(const json_t *status, const char *key)
{
    return json_number_value(json_object_get(status, key));
}

static void put_status(struct writer *w, const json_t *status)
{
    json_t *lanes = json_object_get(status, "lanes"), *count;
    const char *lane;

    family_begin(w, "atoll_processes", "gauge", "Runtime processes, by lane.");
    json_object_foreach(lanes, lane, count)
        sample(w, LABELS("lane", lane), json_number_value(count));
    family_end(w);
    single(w, "atoll_quarantined", "gauge", "Workers in quarantine.",
           (double)json_array_size(json_object_get(status, "quarantined")));
    single(w, "atoll_workers_known", "gauge", "Workers that some runtime was told about.",
           status_number(status, "workers_known"));
    single(w, "atoll_process_deaths_total", "counter", "Runtime processes that died.",
           status_number(status, "deaths"));
    single(w, "atoll_processes_killed_total", "counter",
           "Runtime processes that were ended because they hung.", status_number(status, "killed"));
    single(w, "atoll_connections_handed_total", "counter",
           "Connections that went from one runtime to another.", status_number(status, "handed"));
    single(w, "atoll_connections_dropped_total", "counter",
           "Connections closed because too many were on their way.",
           status_number(status, "dropped"));
}

/* The supervisor itself, under the names that all Prometheus clients use. */
static void put_supervisor(struct writer *w)
{
    struct rusage used;

    family_begin(w, "atoll_build_info", "gauge", "1; the label is the version.");
    sample(w, LABELS("version", ATOLL_VERSION), 1);
    family_end(w);
    if (getrusage(RUSAGE_SELF, &used) == 0)
        single(w, "process_cpu_seconds_total", "counter", "CPU time of the supervisor.",
               (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6);
    single(w, "process_resident_memory_bytes", "gauge", "Resident memory of the supervisor.",
           (double)memory_resident_bytes());
}

void collector_metrics(const struct collector *collector, const json_t *status, struct buf *out)
{
    struct writer w = {.out = out};

    put_requests(&w, collector);
    put_errors(&w, collector);
    put_counters(&w, collector);
    put_histogram(&w, "atoll_request_duration_seconds",
                  "From a request's head to the last byte of its answer.", &collector->latency);
    put_histogram(&w, "atoll_cold_start_duration_seconds",
                  "From the decision to load a worker to the end of its script.", &collector->cold);
    put_gauges(&w, collector);
    put_lost(&w, collector);
    put_status(&w, status);
    put_supervisor(&w);
}
