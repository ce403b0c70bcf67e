/* Runs scheduled() when its time has come.
 *
 * Every schedule of the registry has its next time; one timer waits for the first of them. A run is
 * noted in the registry before it is started. Of the times a schedule missed (the server was down,
 * the machine slept, the clock was set) the last one is run, when it is not older than
 * SCHEDULER_LATE_MS: docs/cron.md.
 * Owns: the timer, the list. Thread: the loop's. Limits: SCHEDULER_BATCH runs in one turn of the
 * loop, the others in the next ones. */
#ifndef ATOLL_CONTROL_SCHEDULER_H
#define ATOLL_CONTROL_SCHEDULER_H

#include <uv.h>

#include "registry/registry.h"

enum { SCHEDULER_LATE_MS = 60 * 60 * 1000, SCHEDULER_BATCH = 256 };

struct scheduler;

struct scheduler_hooks {
    /* Starts an event; how it ends is not the scheduler's business. `cron` is borrowed. */
    void (*run)(void *context, int64_t script_id, const char *cron, int64_t time_ms);
    /* The registry could not be read or written, for the journal. Runs go on. */
    void (*on_trouble)(void *context, const char *text);
    /* Milliseconds since 1970; NULL: the system's clock. */
    int64_t (*now_ms)(void *context);
};

/* `hooks` are copied. Returned owned. */
struct scheduler *scheduler_start(uv_loop_t *loop, struct registry *registry,
                                  const struct scheduler_hooks *hooks, void *context);

/* Schedules changed in the registry: they are read again in a moment, once for many calls. */
void scheduler_reload(struct scheduler *scheduler);

/* Runs what is due, and waits for what comes next. The timer does this by itself. */
void scheduler_tick(struct scheduler *scheduler);

/* The next time of all, 0 when nothing is scheduled. */
int64_t scheduler_next_ms(const struct scheduler *scheduler);

/* NULL is fine. Its memory is gone when the loop has run once more. */
void scheduler_stop(struct scheduler *scheduler);

#endif
