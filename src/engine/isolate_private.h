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
    void *owner;
    uint64_t cpu_ns;          /* of all turns */
    uint64_t turn_cpu_start_ns;
    uint64_t section_start_ns; /* monotonic: when the running task began */
    size_t rss_base;          /* resident bytes when the running turn was first looked at */
    size_t rss_growth;        /* bytes by which earlier long turns grew the process */
    size_t rss_checked;       /* growth at which the heap was last measured */
    int terminated;           /* 0, ERR_CPU_LIMIT or ERR_MEM_LIMIT */
    bool in_turn;
    int32_t cells[CELL_COUNT];
};

const struct isolate_setup *isolate_setup(void);

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
void watchdog_arm(struct isolate *iso);
void watchdog_turn_begins(struct isolate *iso);
void watchdog_turn_ended(struct isolate *iso);

/* builtin.c: evaluates core.js in a new isolate and collects the hooks. */
void builtin_start(struct isolate *iso);

#endif
