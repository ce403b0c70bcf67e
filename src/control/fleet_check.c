/* Versions tried in a process that serves nobody.
 *
 * One at a time, so that a process that dies of it tells which one it was. What an earlier one left
 * behind may be the reason, too: it is tried again in a process that has tried nothing. The process
 * is taken from the spares with the first check and ends when it had none for a while.
 *
 * How long a start takes is counted in CPU time: on a busy machine it may wait for its turn. One
 * that uses none waits for something that will not come. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "control/fleet_private.h"
#include "loop/frame.h"
#include "os/proc.h"

enum {
    CHECK_CPU_MS_MAX = 1000,
    CHECK_MS_MAX = 60 * 1000,
    CHECK_LOOK_MS = 5 * 1000, /* between looks at the process */
};

struct check {
    struct list link;
    uint64_t id;
    json_t *version;
    char *blob;
    size_t blob_len;
    bool again;          /* it was tried in a process that had tried others before */
    void (*on_done)(void *arg, const json_t *checked);
    void *arg;
};

static struct check *first_of(const struct fleet *fleet)
{
    return list_empty(&fleet->checks) ? NULL : CONTAINER_OF(fleet->checks.next, struct check, link);
}

static void release(struct check *check)
{
    json_decref(check->version);
    free(check->blob);
    free(check);
}

static void run_next(struct fleet *fleet);

/* Ends the first one; the next one runs. */
static void finish_first(struct fleet *fleet, const json_t *checked)
{
    struct check *check = first_of(fleet);

    uv_timer_stop(&fleet->check_timer);
    list_remove(&check->link);
    fleet->check_count--;
    fleet->check_runs = false;
    check->on_done(check->arg, checked);
    release(check);
    run_next(fleet);
}

static void fail_first(struct fleet *fleet, const char *text)
{
    json_t *checked = json_pack("{s:b, s:s}", "ok", 0, "error", text);

    finish_first(fleet, checked);
    json_decref(checked);
}

static struct fleet_process *checker(struct fleet *fleet)
{
    FLEET_EACH(fleet, p)
    if (p->role == FLEET_CHECK && !p->killed_for)
        return p;
    return fleet_take(fleet, FLEET_CHECK);
}

static uint64_t cpu_ms(const struct fleet_process *p)
{
    return proc_main_cpu_ms(process_pid(p->process));
}

/* The runtime ends a start that takes CHECK_CPU_MS_MAX; where it cannot, its process is ended. */
static bool is_stuck(struct fleet *fleet, const struct fleet_process *p)
{
    uint64_t before = fleet->check_cpu_ms;

    fleet->check_cpu_ms = cpu_ms(p);
    return fleet->check_cpu_ms == before ||
           fleet->check_cpu_ms - fleet->check_start_cpu_ms > 2 * CHECK_CPU_MS_MAX ||
           uv_now(fleet->loop) - fleet->check_start_ms > CHECK_MS_MAX;
}

/* The timer starts the first one when no process could be had, and looks at it while it runs. */
void fleet_check_on_timer(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    if (fleet->stopping && !fleet->process_count) {
        fleet_check_end_all(fleet);
        return;
    }
    if (!fleet->check_runs) {
        run_next(fleet);
        return;
    }
    uv_timer_start(&fleet->check_timer, fleet_check_on_timer, CHECK_LOOK_MS, 0);
    FLEET_EACH(fleet, p)
    if (p->role == FLEET_CHECK && !p->killed_for && is_stuck(fleet, p))
        fleet_process_kill(p, "its start did not come to an end");
}

static void run_next(struct fleet *fleet)
{
    enum { NO_PROCESS_MS = 100, FRAME_ROOM = 1024 };
    struct check *check = first_of(fleet);
    struct fleet_process *p;

    if (!check || fleet->check_runs || fleet->stopping)
        return;
    if (json_dumpb(check->version, NULL, 0, JSON_COMPACT) > FRAME_JSON_MAX - FRAME_ROOM ||
        check->blob_len > FRAME_BLOB_MAX) {
        fail_first(fleet, "Its modules or its variables together are larger than a runtime takes.");
        return;
    }
    p = checker(fleet);
    if (!p) {
        uv_timer_start(&fleet->check_timer, fleet_check_on_timer, NO_PROCESS_MS, 0);
        return;
    }
    fleet->check_runs = true;
    p->unused_ms = uv_now(fleet->loop);
    p->tried++;
    process_send(p->process,
                 json_pack("{s:s, s:I, s:O, s:{s:i}}", "type", "check", "id", (json_int_t)check->id,
                           "version", check->version, "limits", "cpu_ms", CHECK_CPU_MS_MAX),
                 (str){check->blob, check->blob_len}, -1);
    fleet->check_start_ms = uv_now(fleet->loop);
    fleet->check_start_cpu_ms = fleet->check_cpu_ms = cpu_ms(p);
    uv_timer_start(&fleet->check_timer, fleet_check_on_timer, CHECK_LOOK_MS, 0);
}

void fleet_check_add(struct fleet *fleet, json_t *version, str blob,
                     void (*on_done)(void *arg, const json_t *checked), void *arg)
{
    struct check *check = mem_new(struct check);

    check->id = ++fleet->last_id;
    check->version = version;
    check->blob = str_dup(blob);
    check->blob_len = blob.len;
    check->on_done = on_done;
    check->arg = arg;
    list_push(&fleet->checks, &check->link);
    fleet->check_count++;
    /* The answer comes from the loop, also when there is no process. */
    if (!fleet->check_runs)
        uv_timer_start(&fleet->check_timer, fleet_check_on_timer, 0, 0);
}

void fleet_check_on_checked(struct fleet_process *p, const json_t *frame)
{
    struct fleet *fleet = p->fleet;
    struct check *check = first_of(fleet);

    if (p->role != FLEET_CHECK || !check || !fleet->check_runs ||
        (uint64_t)member_int(frame, "id") != check->id)
        return;
    p->unused_ms = uv_now(fleet->loop);
    finish_first(fleet, frame);
}

void fleet_check_on_death(struct fleet_process *p, const char *how)
{
    struct check *check = first_of(p->fleet);
    char text[256];

    if (!p->checks || !p->fleet->check_runs)
        return;
    if (p->tried > 1 && !check->again) {
        check->again = true;
        p->fleet->check_runs = false;
        run_next(p->fleet);
        return;
    }
    snprintf(text, sizeof text, "The script's start brought down the process that tried it: %s",
             p->killed_for ? p->killed_for : how);
    fail_first(p->fleet, text);
}

void fleet_check_end_all(struct fleet *fleet)
{
    while (first_of(fleet))
        fail_first(fleet, "The server is stopping.");
}
