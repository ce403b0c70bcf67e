/* What a worker may use, in one table: defaults, what the operator may raise them to, and words.
 *
 * The keys are those of `limits` in a worker's configuration, of an account's and a worker's
 * overrides, and of the frame `worker`. docs/limits.md lists the same.
 * Owns: nothing. Thread: any. Limits: are its purpose. */
#ifndef ATOLL_BASE_LIMITS_H
#define ATOLL_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/*    key            default      least  most         what it bounds */
#define LIMITS_MAP(X)                                                                              \
    X(cpu_ms,         30000,         1,  300000,      "CPU time of a request, ms")                 \
    X(wall_ms,        900000,        1,  86400000,    "time of a request, ms")                     \
    X(startup_cpu_ms, 1000,          1,  10000,       "CPU time of the script's start, ms")        \
    X(memory_mb,      128,           8,  4096,        "memory of an isolate, MiB")                 \
    X(subrequests,    1000,          0,  1000000,     "requests to others, of a request")          \
    X(request_bytes,  104857600,     0,  1073741824,  "body of a request, bytes")                  \
    X(response_bytes, 1099511627776, 0,  1099511627776, "body of an answer, bytes")                \
    X(script_bytes,   10485760,      1,  67108864,    "all modules of a version, bytes")           \
    X(log_bytes,      262144,        0,  16777216,    "log lines of a request, bytes")             \
    X(concurrency,    1000,          1,  16384,       "requests at once in a process")             \
    X(storage_bytes,  1152921504606846976, 0, 1152921504606846976, "what an account stores, bytes")

struct limits {
#define LIMITS_FIELD(key, normal, least, most, text) uint64_t key;
    LIMITS_MAP(LIMITS_FIELD)
#undef LIMITS_FIELD
};

struct limits_row {
    const char *key;
    size_t offset;      /* in struct limits */
    uint64_t normal, least, most;
    const char *text;
};

/* The table; ends with a key of NULL. */
extern const struct limits_row limits_rows[];

struct limits limits_default(void);

/* The value of a row in `limits`. */
uint64_t *limits_value(struct limits *limits, const struct limits_row *row);

/* The row of a key; NULL when there is none. */
const struct limits_row *limits_find(const char *key);

#endif
