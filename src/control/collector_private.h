/* Inside of control/collector*.c only. */
#ifndef ATOLL_CONTROL_COLLECTOR_PRIVATE_H
#define ATOLL_CONTROL_COLLECTOR_PRIVATE_H

#include <jansson.h>

#include "base/map.h"
#include "control/collector.h"
#include "control/fleet.h"
#include "runtime/meter.h"

/*    key in the frame  metric, scale, help */
#define COLLECTOR_COUNTERS(X)                                                                      \
    X(subrequests,                                                                                 \
      "atoll_subrequests_total", 1, "Requests that workers made.")                                 \
    X(cpu_us,                                                                                      \
      "atoll_cpu_seconds_total", 1e-6, "CPU time of workers.")                                     \
    X(wall_us,                                                                                     \
      "atoll_wall_seconds_total", 1e-6, "Time of requests and events, added up.")                  \
    X(memory_mb_ms,                                                                                \
      "atoll_memory_byte_seconds_total", 1048.576, "Memory held, times how long it was busy.")     \
    X(bytes_in,                                                                                    \
      "atoll_received_bytes_total", 1, "Bodies of requests, WebSocket messages that came.")        \
    X(bytes_out,                                                                                   \
      "atoll_sent_bytes_total", 1, "Bodies of answers, WebSocket messages that went.")             \
    X(cold_starts,                                                                                 \
      "atoll_cold_starts_total", 1, "Loads of a worker for which a request waited.")               \
    X(class_a,                                                                                     \
      "atoll_r2_class_a_total", 1, "Operations on a bucket that write or list.")                   \
    X(class_b,                                                                                     \
      "atoll_r2_class_b_total", 1, "Operations on a bucket that read.")

enum collector_counter {
#define COLLECTOR_ENUM(key, name, scale, help) COLLECTOR_##key,
    COLLECTOR_COUNTERS(COLLECTOR_ENUM)
#undef COLLECTOR_ENUM
    COLLECTOR_COUNTER_COUNT
};

/* One worker's counters since the start. */
struct collector_series {
    struct map_node node;     /* by its key */
    char *key;
    uint64_t counters[COLLECTOR_COUNTER_COUNT];
    uint64_t outcomes[OUTCOME_COUNT];
};

struct collector_histogram {
    uint64_t counts[METER_BUCKETS];
    uint64_t sum_us;
};

/* What a process said of itself last. */
struct collector_process {
    int number;               /* -1: no process */
    uint64_t isolates, blanks, connections, rss_bytes;
};

struct collector {
    uv_timer_t timer;
    struct registry *registry;
    void (*on_trouble)(void *context, const char *text);
    void *context;
    bool troubled;
    json_t *pending;          /* what the registry does not have yet: key to counters */
    struct map map;           /* of `series` */
    struct collector_series *series[COLLECTOR_SERIES_MAX];
    size_t series_count;
    struct collector_series rest;
    struct collector_histogram latency, cold;
    uint64_t unrouted, lines_dropped, tails_dropped, commits_failed, unkept;
    struct collector_process processes[FLEET_PROCESSES_MAX];
    size_t process_count;
};

#endif
