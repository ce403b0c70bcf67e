/* Counters of workers; see meter.h.
 *
 *   requests ──meter_request──┐
 *   isolates ──settle_use─────┴──> struct meter ──each second──> a frame `usage`
 *
 * (1) What a request adds is a handful of sums. What an isolate uses is read from its totals once a
 *     second and at its end: `told` is how far that has been counted.
 * (2) Sums are kept finer than they are told; the rest stays for the next frame, so that the frames
 *     of a process add up to what was used.
 * (3) A meter lives while an isolate works for it or something of it was not told. */
#include "runtime/meter.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/memory.h"
#include "runtime/runtime.h"

enum {
    TABLE_SIZE = 1024,
    ROWS_MAX = 2048, /* of a frame, which has 1 MiB at most */
    NS_PER_US = 1000,
    US_PER_MS = 1000,
    KIB_PER_MIB = 1024,
};

const uint64_t meter_bounds_us[METER_BUCKETS - 1] = {
    250,   500,    1000,   2500,   5000,    10000,   25000,  50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

struct histogram {
    uint64_t counts[METER_BUCKETS];
    uint64_t sum_ns;
};

struct meter {
    struct list link;          /* in its place of `table` */
    char *key;
    unsigned uses;             /* isolates that work for it */
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t cold_starts;
    uint64_t class_b;
    uint64_t subrequests;
    uint64_t bytes_in, bytes_out;
    uint64_t cpu_ns, wall_ns;
    uint64_t memory_kib_us;
};

static struct list table[TABLE_SIZE];
static struct list uses = {&uses, &uses};
static struct histogram latency, cold;
static uint64_t unrouted;
static uint64_t now_ns;
static struct meter_gauges told_gauges;
static size_t isolates, told_isolates;

/* ---- time ---- */

uint64_t meter_now_ns(void)
{
    if (!now_ns)
        now_ns = clock_monotonic_ns();
    return now_ns;
}

void meter_clock_moved(void)
{
    now_ns = 0;
}

static void histogram_add(struct histogram *histogram, uint64_t ns)
{
    uint64_t us = ns / NS_PER_US;
    int i = 0;

    while (i < METER_BUCKETS - 1 && us > meter_bounds_us[i])
        i++;
    histogram->counts[i]++;
    histogram->sum_ns += ns;
}

/* ---- meters by key ---- */

static struct list *place_of(const char *key)
{
    uint32_t hash = 2166136261u;

    if (!table[0].next)
        for (size_t i = 0; i < TABLE_SIZE; i++)
            list_init(&table[i]);
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return &table[hash % TABLE_SIZE];
}

static struct meter *meter_of(const char *key)
{
    struct list *place = place_of(key);
    struct meter *meter;

    LIST_EACH(place, link) {
        meter = CONTAINER_OF(link, struct meter, link);
        if (strcmp(meter->key, key) == 0)
            return meter;
    }
    meter = mem_new(struct meter);
    meter->key = str_dup(str_from(key));
    list_push(place, &meter->link);
    return meter;
}

static void meter_free(struct meter *meter)
{
    list_remove(&meter->link);
    free(meter->key);
    free(meter);
}

/* ---- isolates ---- */

/* Counts the memory of an isolate that is busy up to now. */
static void settle_memory(struct meter_use *use, uint64_t at_ns)
{
    uint64_t kib = isolate_heap_bytes(use->iso) / 1024;

    if (at_ns < use->busy_since_ns) /* meter_now_ns() may be a little behind */
        return;
    use->meter->memory_kib_us += (at_ns - use->busy_since_ns) / NS_PER_US * kib;
    use->busy_since_ns += (at_ns - use->busy_since_ns) / NS_PER_US * NS_PER_US;
}

static bool is_busy(const struct meter_use *use)
{
    return use->running || use->lingers;
}

static void settle_use(struct meter_use *use, uint64_t at_ns)
{
    struct isolate_totals now = isolate_totals(use->iso);
    struct meter *meter = use->meter;

    meter->cpu_ns += now.cpu_ns - use->told.cpu_ns;
    meter->subrequests += now.subrequests - use->told.subrequests;
    meter->bytes_in += now.bytes_in - use->told.bytes_in;
    meter->bytes_out += now.bytes_out - use->told.bytes_out;
    use->told = now;
    if (is_busy(use))
        settle_memory(use, at_ns);
}

void meter_use_start(struct meter_use *use, const char *key, struct isolate *iso)
{
    *use = (struct meter_use){.meter = meter_of(key), .iso = iso, .told = isolate_totals(iso)};
    use->meter->uses++;
    isolates++;
    list_push(&uses, &use->link);
}

void meter_use_end(struct meter_use *use)
{
    if (!use->meter)
        return;
    settle_use(use, clock_monotonic_ns());
    list_remove(&use->link);
    use->meter->uses--;
    isolates--;
    use->meter = NULL;
}

void meter_use_enter(struct meter_use *use)
{
    if (!is_busy(use))
        use->busy_since_ns = meter_now_ns();
    use->running++;
}

static bool is_held(const struct meter_use *use)
{
    return isolate_cells(use->iso)[CELL_WAITING] > 0 || isolate_is_held(use->iso);
}

void meter_use_leave(struct meter_use *use)
{
    if (--use->running)
        return;
    use->lingers = is_held(use);
    if (!use->lingers)
        settle_memory(use, meter_now_ns());
}

/* Begins to linger here, too: a timer that was set before may open a WebSocket. */
void meter_use_turned(struct meter_use *use)
{
    bool lingers;

    if (!use->meter || use->running || (lingers = is_held(use)) == use->lingers)
        return;
    use->lingers = lingers;
    if (lingers)
        use->busy_since_ns = clock_monotonic_ns();
    else
        settle_memory(use, clock_monotonic_ns());
}

void meter_cold(const char *key, uint64_t ns, bool waited)
{
    histogram_add(&cold, ns);
    if (waited)
        meter_of(key)->cold_starts++;
}

/* ---- requests ---- */

void meter_request(const struct meter_request *request)
{
    struct meter *meter = request->meter;

    if (request->timed)
        histogram_add(&latency, request->wall_ns);
    if (!meter && !request->key) {
        unrouted++;
        return;
    }
    if (!meter)
        meter = meter_of(request->key);
    meter->outcomes[request->outcome]++;
    meter->wall_ns += request->wall_ns;
    meter->bytes_in += request->bytes_in;
    meter->bytes_out += request->bytes_out;
    meter->class_b += request->reads_bucket;
}

/* ---- telling ---- */

static void put(json_t *object, const char *name, uint64_t value)
{
    if (value)
        json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* Tells the whole units of a sum that is kept finer; the rest stays. */
static void put_units(json_t *object, const char *name, uint64_t *sum, uint64_t unit)
{
    put(object, name, *sum / unit);
    *sum %= unit;
}

static json_t *take_outcomes(struct meter *meter, uint64_t *ret_requests, uint64_t *ret_errors)
{
    json_t *words = json_object();

    *ret_requests = *ret_errors = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        put(words, outcome_rows[i].word, meter->outcomes[i]);
        *ret_requests += meter->outcomes[i];
        if (outcome_rows[i].error)
            *ret_errors += meter->outcomes[i];
        meter->outcomes[i] = 0;
    }
    return words;
}

/* The row of a worker, returned owned; an empty object when it used nothing. */
static json_t *take_row(struct meter *meter)
{
    json_t *row = json_object(), *words;
    uint64_t requests, errors;

    words = take_outcomes(meter, &requests, &errors);
    put(row, "requests", requests);
    put(row, "errors", errors);
    put(row, "subrequests", meter->subrequests);
    put(row, "bytes_in", meter->bytes_in);
    put(row, "bytes_out", meter->bytes_out);
    put(row, "cold_starts", meter->cold_starts);
    put(row, "class_b", meter->class_b);
    put_units(row, "cpu_us", &meter->cpu_ns, NS_PER_US);
    put_units(row, "wall_us", &meter->wall_ns, NS_PER_US);
    put_units(row, "memory_mb_ms", &meter->memory_kib_us, (uint64_t)US_PER_MS * KIB_PER_MIB);
    meter->subrequests = meter->bytes_in = meter->bytes_out = meter->cold_starts = 0;
    meter->class_b = 0;
    if (requests)
        json_object_set(row, "outcomes", words);
    json_decref(words);
    return row;
}

static json_t *take_workers(void)
{
    json_t *workers = json_object();

    for (size_t i = 0; table[0].next && i < TABLE_SIZE; i++) {
        LIST_EACH_SAFE(&table[i], link) {
            struct meter *meter = CONTAINER_OF(link, struct meter, link);
            json_t *row;

            if (json_object_size(workers) == ROWS_MAX)
                return workers;
            row = take_row(meter);
            if (json_object_size(row))
                json_object_set(workers, meter->key, row);
            else if (!meter->uses)
                meter_free(meter);
            json_decref(row);
        }
    }
    return workers;
}

static void take_histogram(json_t *object, const char *name, struct histogram *histogram)
{
    json_t *counts = json_array();
    uint64_t total = 0;

    for (int i = 0; i < METER_BUCKETS; i++) {
        json_array_append_new(counts, json_integer((json_int_t)histogram->counts[i]));
        total += histogram->counts[i];
    }
    if (total)
        json_object_set_new(object, name,
                            json_pack("{s:O, s:I}", "counts", counts, "sum_us",
                                      (json_int_t)(histogram->sum_ns / NS_PER_US)));
    json_decref(counts);
    *histogram = (struct histogram){0};
}

static bool gauges_moved(const struct meter_gauges *gauges)
{
    return isolates != told_isolates || gauges->blanks != told_gauges.blanks ||
           gauges->connections != told_gauges.connections || gauges->tails_dropped;
}

json_t *meter_take(const struct meter_gauges *gauges)
{
    json_t *workers, *process = json_object();
    uint64_t at_ns = clock_monotonic_ns();
    bool moved = gauges_moved(gauges) || unrouted;

    LIST_EACH(&uses, link)
        settle_use(CONTAINER_OF(link, struct meter_use, link), at_ns);
    workers = take_workers();
    put(process, "unrouted", unrouted);
    put(process, "tails_dropped", gauges->tails_dropped);
    take_histogram(process, "latency", &latency);
    take_histogram(process, "cold", &cold);
    unrouted = 0;
    if (!moved && !json_object_size(workers) && !json_object_size(process)) {
        json_decref(workers);
        json_decref(process);
        return NULL;
    }
    told_gauges = *gauges;
    told_isolates = isolates;
    json_object_set_new(process, "isolates", json_integer((json_int_t)isolates));
    json_object_set_new(process, "blanks", json_integer((json_int_t)gauges->blanks));
    json_object_set_new(process, "connections", json_integer((json_int_t)gauges->connections));
    json_object_set_new(process, "rss_bytes", json_integer((json_int_t)memory_resident_bytes()));
    return json_pack("{s:s, s:o, s:o}", "type", "usage", "workers", workers, "process", process);
}

void meter_tell(const struct meter_gauges *now)
{
    struct meter_gauges gauges = *now;
    size_t rows;

    do {
        json_t *frame = meter_take(&gauges);
        rows = json_object_size(json_object_get(frame, "workers"));
        runtime_tell(frame);
        gauges.tails_dropped = 0;
    } while (rows == ROWS_MAX);
}
