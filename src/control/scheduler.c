/* Schedules and their next times; see scheduler.h.
 *
 * (1) What the list holds follows from the registry alone: the next time of a schedule is the first
 *     after the one it ran for last, or after it was made.
 * (2) The timer counts from the system's start and schedules from the wall clock, which can be set:
 *     it waits a minute at most, and looks again. */
#include "control/scheduler.h"

#include <stdlib.h>

#include "base/cron.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/schedule.h"

enum { WAIT_MS_MAX = 60 * 1000, RELOAD_MS = 50 };

struct entry {
    int64_t script_id;
    int64_t next_ms;     /* 0: never again */
    char *cron;
};

/* A run that was decided on. */
struct run {
    struct entry *entry;
    int64_t time_ms;
};

struct scheduler {
    uv_timer_t timer;
    struct registry *registry;
    struct scheduler_hooks hooks;
    void *context;
    struct entry *entries;
    size_t count;
    bool stale;          /* the registry is to be read again */
    bool running;        /* inside the hooks */
};

static int64_t now_of(const struct scheduler *s)
{
    return s->hooks.now_ms ? s->hooks.now_ms(s->context) : clock_wall_ms();
}

static void on_time(uv_timer_t *timer)
{
    scheduler_tick(timer->data);
}

static void wait_for_next(struct scheduler *s)
{
    int64_t next = scheduler_next_ms(s), now = now_of(s), wait = next - now;

    if (s->stale)
        wait = RELOAD_MS;
    else if (!next || wait > WAIT_MS_MAX)
        wait = WAIT_MS_MAX;
    uv_timer_start(&s->timer, on_time, wait > 0 ? (uint64_t)wait : 0, 0);
}

/* The first time of `cron` after `after_ms`; 0 when there is none. */
static int64_t next_of(const struct scheduler *s, const char *text, int64_t after_ms)
{
    struct cron cron;
    struct err err;

    if (cron_parse(str_from(text), &cron, &err) == 0)
        return cron_next(&cron, after_ms);
    s->hooks.on_trouble(s->context, err.text);
    return 0;
}

static void clear(struct scheduler *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->entries[i].cron);
    free(s->entries);
    s->entries = NULL;
    s->count = 0;
}

static void add(struct scheduler *s, const json_t *row, int64_t earliest_ms)
{
    const char *cron = member_text(row, "cron");
    int64_t last = member_int(row, "last_ms"), after = last ? last : member_int(row, "created_ms");

    if (!cron)
        return;
    s->entries[s->count++] = (struct entry){
        .script_id = member_int(row, "script_id"),
        .next_ms = next_of(s, cron, after > earliest_ms ? after : earliest_ms),
        .cron = str_dup(str_from(cron)),
    };
}

static void reload(struct scheduler *s)
{
    int64_t earliest = now_of(s) - SCHEDULER_LATE_MS - 1;
    json_t *rows, *row;
    struct err err;
    size_t i;

    s->stale = false;
    if (schedule_list(s->registry, 0, &rows, &err) < 0) {
        s->hooks.on_trouble(s->context, err.text);
        return;
    }
    clear(s);
    s->entries = mem_zeroed((json_array_size(rows) + 1) * sizeof *s->entries);
    json_array_foreach(rows, i, row)
        add(s, row, earliest);
    json_decref(rows);
}

/* Decides about an entry whose time has come: its last time until now, unless that is long ago. */
static bool decide(const struct scheduler *s, struct entry *entry, int64_t now, int64_t *ret_time)
{
    int64_t time = entry->next_ms, next = time;

    if (time < now - SCHEDULER_LATE_MS)
        next = next_of(s, entry->cron, now - SCHEDULER_LATE_MS - 1);
    while (next && next <= now) {
        time = next;
        next = next_of(s, entry->cron, time);
    }
    entry->next_ms = next;
    *ret_time = time;
    return time >= now - SCHEDULER_LATE_MS;
}

/* Fills `runs` with what is due. */
static size_t collect(struct scheduler *s, struct run *runs)
{
    int64_t now = now_of(s);
    size_t count = 0;

    for (size_t i = 0; i < s->count && count < SCHEDULER_BATCH; i++) {
        struct entry *entry = &s->entries[i];

        if (entry->next_ms && entry->next_ms <= now && decide(s, entry, now, &runs[count].time_ms))
            runs[count++].entry = entry;
    }
    return count;
}

/* One commit for all of them. */
static void note(struct scheduler *s, const struct run *runs, size_t count)
{
    struct err err;
    int r = registry_begin(s->registry, &err);

    if (r == 0) {
        for (size_t i = 0; i < count && r == 0; i++)
            r = schedule_ran(s->registry, runs[i].entry->script_id, runs[i].entry->cron,
                             runs[i].time_ms, &err);
        r = registry_end(s->registry, r, &err);
    }
    if (r < 0)
        s->hooks.on_trouble(s->context, err.text);
}

void scheduler_tick(struct scheduler *s)
{
    struct run runs[SCHEDULER_BATCH];
    size_t count;

    if (s->stale)
        reload(s);
    count = collect(s, runs);
    if (count)
        note(s, runs, count);
    s->running = true;
    for (size_t i = 0; i < count; i++)
        s->hooks.run(s->context, runs[i].entry->script_id, runs[i].entry->cron, runs[i].time_ms);
    s->running = false;
    wait_for_next(s);
}

struct scheduler *scheduler_start(uv_loop_t *loop, struct registry *registry,
                                  const struct scheduler_hooks *hooks, void *context)
{
    struct scheduler *s = mem_new(struct scheduler);

    s->registry = registry;
    s->hooks = *hooks;
    s->context = context;
    s->stale = true;
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    uv_timer_start(&s->timer, on_time, 0, 0);
    return s;
}

void scheduler_reload(struct scheduler *s)
{
    s->stale = true;
    if (!s->running)
        wait_for_next(s);
}

int64_t scheduler_next_ms(const struct scheduler *s)
{
    int64_t next = 0;

    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].next_ms && (!next || s->entries[i].next_ms < next))
            next = s->entries[i].next_ms;
    return next;
}

static void on_closed(uv_handle_t *handle)
{
    struct scheduler *s = handle->data;

    clear(s);
    free(s);
}

void scheduler_stop(struct scheduler *s)
{
    if (s)
        uv_close((uv_handle_t *)&s->timer, on_closed);
}
