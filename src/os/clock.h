/* Clocks; what the name says last is the unit. Thread: any. */
#ifndef ATOLL_OS_CLOCK_H
#define ATOLL_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Time since some point in the past; about 25 ns to read. */
static inline uint64_t clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* CPU time this thread has used; a system call, about 200 ns. */
static inline uint64_t clock_thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* Time since 1970-01-01 UTC. */
static inline uint64_t clock_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

static inline int64_t clock_wall_ms(void)
{
    return (int64_t)(clock_wall_ns() / 1000000);
}

static inline int64_t clock_wall_s(void)
{
    return (int64_t)(clock_wall_ns() / 1000000000);
}

#endif
