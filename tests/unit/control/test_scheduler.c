#include "control/scheduler.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/file.h"
#include "registry/schedule.h"
#include "registry/script.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

enum { RUNS_MAX = 1024 };

static struct {
    uv_loop_t loop;
    char *directory;
    struct registry *registry;
    struct scheduler *scheduler;
    int64_t script_id;
    int64_t now_ms;        /* of the virtual clock */
    bool real;             /* it goes on by itself from now_ms */
    uint64_t real_start_ns;
    size_t count, troubles;
    struct {
        int64_t script_id, time_ms;
        char cron[32];
    } runs[RUNS_MAX];
} t;

static int64_t now_ms(void *context)
{
    (void)context;
    return t.now_ms + (t.real ? (int64_t)((clock_monotonic_ns() - t.real_start_ns) / 1000000) : 0);
}

static void run(void *context, int64_t script_id, const char *cron, int64_t time_ms)
{
    cr_assert_eq(context, &t);
    cr_assert_lt(t.count, RUNS_MAX);
    t.runs[t.count].script_id = script_id;
    t.runs[t.count].time_ms = time_ms;
    strcpy(t.runs[t.count++].cron, cron);
    if (t.real)
        uv_stop(&t.loop);
}

static void on_trouble(void *context, const char *text)
{
    (void)context;
    cr_log_info("%s", text);
    t.troubles++;
}

static void start_scheduler(void)
{
    static const struct scheduler_hooks hooks = {run, on_trouble, now_ms};

    t.scheduler = scheduler_start(&t.loop, t.registry, &hooks, &t);
}

static void stop_scheduler(void)
{
    scheduler_stop(t.scheduler);
    t.scheduler = NULL;
    uv_run(&t.loop, UV_RUN_DEFAULT);
}

/* Begins at the next full hour: schedules are made before it. */
static void start(void)
{
    struct err err;
    json_t *script;

    uv_loop_init(&t.loop);
    cr_assert_eq(file_make_temporary(&t.directory, &err), 0);
    cr_assert_eq(registry_open(t.directory, &t.registry, &err), 0, "%s", err.text);
    cr_assert_eq(script_ensure(t.registry, "default", "clock", &script, &err), 0, "%s", err.text);
    t.script_id = json_integer_value(json_object_get(script, "id"));
    json_decref(script);
    t.now_ms = ((int64_t)(clock_wall_ns() / 1000000) / HOUR + 1) * HOUR;
    start_scheduler();
}

static void stop(void)
{
    if (t.scheduler)
        stop_scheduler();
    registry_close(t.registry);
    file_remove_tree(t.directory);
    free(t.directory);
    cr_expect_eq(uv_loop_close(&t.loop), 0);
}

TestSuite(scheduler, .init = start, .fini = stop);

static void schedule(const char *crons)
{
    json_t *list = json_loads(crons, 0, NULL), *rows;
    struct err err;

    cr_assert_eq(schedule_replace(t.registry, t.script_id, list, &rows, &err), 0, "%s", err.text);
    json_decref(list);
    json_decref(rows);
    scheduler_reload(t.scheduler);
    scheduler_tick(t.scheduler);
}

static void tick_at(int64_t now)
{
    t.now_ms = now;
    scheduler_tick(t.scheduler);
}

/* The time that the registry has for the only schedule. */
static int64_t noted(void)
{
    json_t *rows;
    struct err err;
    int64_t last;

    cr_assert_eq(schedule_list(t.registry, t.script_id, &rows, &err), 0);
    last = json_integer_value(json_object_get(json_array_get(rows, 0), "last_ms"));
    json_decref(rows);
    return last;
}

Test(scheduler, runs_each_time_once)
{
    int64_t hour = t.now_ms;

    schedule("[\"*/10 * * * *\"]");
    t.count = 0; /* the full hour itself may have been due */
    for (int minute = 1; minute <= 60; minute++) {
        tick_at(hour + minute * MINUTE - 1);
        tick_at(hour + minute * MINUTE);
        tick_at(hour + minute * MINUTE + 1);
    }
    cr_assert_eq(t.count, 6);
    for (size_t i = 0; i < t.count; i++) {
        cr_expect_eq(t.runs[i].time_ms, hour + (int64_t)(i + 1) * 10 * MINUTE);
        cr_expect_eq(t.runs[i].script_id, t.script_id);
        cr_expect_str_eq(t.runs[i].cron, "*/10 * * * *");
    }
    cr_expect_eq(noted(), hour + HOUR);
    cr_expect_eq(scheduler_next_ms(t.scheduler), hour + HOUR + 10 * MINUTE);
    cr_expect_eq(t.troubles, 0);
}

Test(scheduler, forgets_what_was_taken_away)
{
    schedule("[\"* * * * *\", \"30 * * * *\"]");
    cr_expect_neq(scheduler_next_ms(t.scheduler), 0);
    t.count = 0;
    schedule("[]");
    cr_expect_eq(scheduler_next_ms(t.scheduler), 0);
    tick_at(t.now_ms + HOUR);
    cr_expect_eq(t.count, 0);
}

Test(scheduler, runs_the_last_of_missed_times)
{
    int64_t hour = t.now_ms;

    schedule("[\"*/10 * * * *\"]");
    t.count = 0;
    stop_scheduler();
    t.now_ms = hour + 35 * MINUTE;
    start_scheduler();
    uv_run(&t.loop, UV_RUN_NOWAIT);
    cr_assert_eq(t.count, 1);
    cr_expect_eq(t.runs[0].time_ms, hour + 30 * MINUTE);
    tick_at(hour + 40 * MINUTE);
    cr_assert_eq(t.count, 2);
    cr_expect_eq(t.runs[1].time_ms, hour + 40 * MINUTE);
}

Test(scheduler, leaves_out_what_is_too_late)
{
    int64_t hour = t.now_ms;

    schedule("[\"30 */4 * * *\"]");
    tick_at(scheduler_next_ms(t.scheduler));
    t.count = 0;
    hour = scheduler_next_ms(t.scheduler);
    stop_scheduler();
    t.now_ms = hour + SCHEDULER_LATE_MS + 1;
    start_scheduler();
    uv_run(&t.loop, UV_RUN_NOWAIT);
    cr_expect_eq(t.count, 0);
    cr_expect_eq(scheduler_next_ms(t.scheduler), hour + 4 * HOUR);
    stop_scheduler();
    t.now_ms = hour + SCHEDULER_LATE_MS;
    start_scheduler();
    uv_run(&t.loop, UV_RUN_NOWAIT);
    cr_assert_eq(t.count, 1);
    cr_expect_eq(t.runs[0].time_ms, hour);
}

/* The clock is set forward under a running server. */
Test(scheduler, takes_a_leap_as_missed_times)
{
    int64_t hour = t.now_ms;

    schedule("[\"*/10 * * * *\"]");
    t.count = 0;
    tick_at(hour + 5 * HOUR + 3 * MINUTE);
    cr_assert_eq(t.count, 1);
    cr_expect_eq(t.runs[0].time_ms, hour + 5 * HOUR);
    tick_at(hour - HOUR);
    cr_expect_eq(t.count, 1, "a clock set back repeats nothing");
}

Test(scheduler, does_not_repeat_after_a_restart)
{
    int64_t hour = t.now_ms;

    schedule("[\"*/10 * * * *\"]");
    tick_at(hour + 10 * MINUTE);
    t.count = 0;
    stop_scheduler();
    start_scheduler();
    uv_run(&t.loop, UV_RUN_NOWAIT);
    cr_expect_eq(t.count, 0);
    cr_expect_eq(scheduler_next_ms(t.scheduler), hour + 20 * MINUTE);
}

Test(scheduler, says_what_it_cannot_read)
{
    schedule("[\"* * * *\", \"*/10 * * * *\"]");
    cr_expect_gt(t.troubles, 0);
    t.count = 0;
    tick_at(t.now_ms + 10 * MINUTE);
    cr_expect_eq(t.count, 1);
}

Test(scheduler, never_runs_what_has_no_time)
{
    schedule("[\"0 0 30 2 *\"]");
    cr_expect_eq(scheduler_next_ms(t.scheduler), 0);
    tick_at(t.now_ms + 48 * HOUR);
    cr_expect_eq(t.count, 0);
}

/* Many schedules of one time are spread over turns of the loop, and none is left out. */
Test(scheduler, runs_many_at_once)
{
    int64_t hour = t.now_ms;
    char crons[8192] = "[";
    size_t want = 0;

    for (int script = 0; script < 4; script++) {
        char name[32];
        json_t *row;
        struct err err;

        sprintf(name, "clock-%d", script);
        cr_assert_eq(script_ensure(t.registry, "default", name, &row, &err), 0);
        t.script_id = json_integer_value(json_object_get(row, "id"));
        json_decref(row);
        strcpy(crons, "[");
        for (int i = 0; i < 90; i++)
            sprintf(crons + strlen(crons), "%s\"%d/59 * * * *\"", i ? ", " : "", i % 60);
        strcat(crons, "]");
        schedule(crons);
        want += 60;
    }
    tick_at(hour + 1);
    t.count = 0;
    t.now_ms = hour + HOUR - 1;
    for (int turn = 0; turn < 100 && t.count < want; turn++)
        uv_run(&t.loop, UV_RUN_NOWAIT), scheduler_tick(t.scheduler);
    cr_expect_eq(t.count, want, "%zu of %zu", t.count, want);
}

/* The timer itself: a minute begins in 50 ms of a clock that goes on by itself. */
Test(scheduler, timer_wakes_in_time)
{
    int64_t hour = t.now_ms;

    schedule("[\"* * * * *\"]");
    t.count = 0;
    t.now_ms = hour + 2 * MINUTE;
    scheduler_tick(t.scheduler);
    t.count = 0;
    t.now_ms = hour + 3 * MINUTE - 50;
    t.real_start_ns = clock_monotonic_ns();
    t.real = true;
    scheduler_tick(t.scheduler);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    cr_assert_eq(t.count, 1);
    cr_expect_eq(t.runs[0].time_ms, hour + 3 * MINUTE);
}
