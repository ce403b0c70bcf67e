/* The body of struct isolate, for isolate.c, turn.c, watchdog.c and builtin.c only. */
#ifndef ATOLL_ENGINE_ISOLATE_PRIVATE_H
#define ATOLL_ENGINE_ISOLATE_PRIVATE_H

#include "engine/hook.h"
#include "engine/isolate.h"
#include "engine/jsc_private.h"

struct isolate {
    struct list link;         /* in the list of all isolates */
    JSContextGroupRef group;
    JSGlobalContextRef ctx;
    JSObjectRef trampoline;
    JSObjectRef hooks[HOOK_COUNT];
    struct list ready_link;   /* in the list of isolates that have tasks */
    struct list tasks;
    struct list resources;
    struct task wake;
    struct isolate_limits limits;
    struct isolate_totals totals; /* but for the CPU time of turns */
    struct isolate_spent unowned; /* by what works for no request, since unowned_ms */
    uint64_t unowned_ms;
    size_t heap_bytes;        /* alive, when it was last measured */
    int held;                 /* isolate_hold() */
    void *owner;
    uint64_t number;          /* for the pulse */
    uint64_t cpu_ns;          /* of the thread, in all turns */
    uint64_t wall_ns;         /* the same by the monotonic clock */
    uint64_t turn_cpu_start_ns;
    uint64_t turn_start_ns;    /* monotonic */
    uint64_t section_start_ns; /* monotonic: when the running task began */
    uint64_t long_turn_ns;     /* monotonic: when one was told last */
    uint64_t long_told_ns;     /* how long the running turn was then; 0: it was not told */
    bool polled_soon;          /* the next look of the watchdog */
    size_t rss_base;          /* resident bytes last read before the running turn */
    size_t rss_polled;        /* when the turn was first polled; 0 before */
    size_t rss_measured;      /* growth over rss_base at which a measurement was asked for last */
    bool measure_due;         /* of the heap, when the task is done */
    uint64_t measured_cpu_ns; /* cpu_ns when the heap was last measured between turns */
    uint64_t measured_round;
    int terminated;           /* 0, ERR_CPU_LIMIT or ERR_MEM_LIMIT */
    int32_t blamed;           /* isolate_blamed() */
    int ending;               /* what `terminated` becomes once the turn's answers are collected */
    bool in_turn;
    bool frozen_clock;
    int32_t cells[CELL_COUNT];
};

const struct isolate_setup *isolate_setup(void);

/* The setup's, or one that nobody reads. */
struct pulse *isolate_pulse(void);

/* The list of all isolates. */
struct list *isolate_all(void);

/* Ends an isolate between turns: on_terminated is called. */
void isolate_terminate(struct isolate *iso, int code);

/* The isolate that has this VM; NULL when there is none. */
struct isolate *isolate_of_group(JSContextGroupRef group);

/* turn.c: one turn; returns when tasks and microtasks are done or a limit was hit. */
void turn_run(struct isolate *iso);
void turn_prepare(struct isolate *iso);
/* Runs HOOK_WARM and throws away what it answers. */
void turn_warm(struct isolate *iso);
/* Posts a call of HOOK_WAKE; callable between turns. */
void turn_wake(struct isolate *iso);
/* Drains microtasks inside the current VM entry. */
void turn_drain(struct isolate *iso);

/* watchdog.c */
void watchdog_start(uv_loop_t *loop);
/* A task brought the meter of its request to meter_ns, which is more than the limit. */
void watchdog_charged(struct isolate *iso, uint64_t meter_ns);
void watchdog_arm(struct isolate *iso);

/* The heap is measured after a task that made the process grow. Inside a turn, with the lock. */
void watchdog_task_ended(struct isolate *iso);
void watchdog_turn_begins(struct isolate *iso);
void watchdog_turn_ended(struct isolate *iso);

/* builtin.c: evaluates core.js in a new isolate and collects the hooks. */
void builtin_start(struct isolate *iso);

#endif
