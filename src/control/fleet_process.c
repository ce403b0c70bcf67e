/* One process of the fleet: its life and its frames.
 *
 *   start ──> SPARE ──> FAST | SLOW | OWN | CHECK ──> LEAVING
 *               └─────────────(may die at any point)─────> gone
 *
 * What a process was told is forgotten with it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/member.h"
#include "control/fleet_event.h"
#include "control/fleet_private.h"
#include "control/fleet_store.h"
#include "control/fleet_worker.h"
#include "loop/frame.h"
#include "os/cgroup.h"
#include "os/proc.h"

enum {
    /* A third of a fast process's weight, as nice 5 gives: with a tenth (10) a request of 200 ms
     * took more than 8 s while other processes kept the cores busy. */
    GROUP_SLOW_WEIGHT = 33,    /* of 100 */
    GROUP_PIDS = 512,          /* threads of a runtime */
    GROUP_BYTES = 32,
};

/* ---- frames ---- */

static void on_ready(struct fleet_process *p, const json_t *frame)
{
    struct fleet *fleet = p->fleet;

    (void)frame;
    p->ready = true;
    if (fleet->quota)
        process_send(p->process, json_incref(fleet->quota), STR_NONE, -1);
    if (fleet->announced || !fleet_accepting(fleet))
        return;
    fleet->announced = true;
    fleet->hooks->on_ready(fleet->context);
}

static void answer_want(struct fleet_process *p, const char *key, bool load, bool lend)
{
    struct fleet_worker *worker = fleet_worker_get(p->fleet, key);

    if (lend)
        fleet_worker_lend(worker, p);
    fleet_worker_tell(worker, p, load);
    fleet_worker_tidy(worker);
}

/* As the runtime matches them: "*" at the pattern's end stands for anything. */
static bool matches(str pattern, str path)
{
    if (str_ends(pattern, STR("*")))
        return str_starts(path, str_head(pattern, pattern.len - 1));
    return str_equal(pattern, path);
}

/* `rules` is taken. Those that go beyond a frame are left out, the least specific ones first. */
static void send_hosts(struct fleet_process *p, const char *host, json_t *rules)
{
    json_t *frame = json_pack("{s:s, s:s, s:o}", "type", "hosts", "host", host, "rules", rules);
    size_t count = json_array_size(rules), all = count;

    while (count && json_dumpb(frame, NULL, 0, JSON_COMPACT) > FRAME_JSON_MAX)
        for (size_t left = count / 8 + 1; left--;)
            json_array_remove(rules, --count);
    if (count < all)
        fleet_notice(p->fleet, "routes.too_many", "error",
                     json_pack("{s:s, s:I}", "host", host, "left_out", (json_int_t)(all - count)));
    process_send(p->process, frame, STR_NONE, -1);
}

/* The worker that a host's first request is for, unless the process has it, and the host's rules.
 * In this order the request is not held up by a further question, and the worker loads at once. */
static void answer_host(struct fleet_process *p, const char *host, const char *path)
{
    struct fleet *fleet = p->fleet;
    json_t *rules = fleet->hooks->host_rules(fleet->context, host), *rule;
    const char *key = NULL;
    struct fleet_worker *worker;
    size_t i;

    json_array_foreach(rules, i, rule)
        if (matches(str_from(member_text_or(rule, "path", "")), str_from(path))) {
            key = member_text(rule, "worker");
            break;
        }
    worker = key ? fleet_worker_find(fleet, key) : NULL;
    if (key && !(worker && fleet_worker_told(worker, p)))
        answer_want(p, key, true, false);
    send_hosts(p, host, rules);
}

void fleet_process_answer(struct fleet_process *p, const json_t *want)
{
    const char *key = member_text(want, "worker");

    if (key)
        answer_want(p, key, false, json_is_true(json_object_get(want, "lend")));
    else
        answer_host(p, member_text_or(want, "host", ""), member_text_or(want, "path", ""));
}

static void on_want(struct fleet_process *p, const json_t *frame)
{
    if (p->role != FLEET_CHECK)
        fleet_guard_want(p, frame);
}

static void on_evicted(struct fleet_process *p, const json_t *frame)
{
    struct fleet_worker *worker = fleet_worker_find(p->fleet, member_text_or(frame, "worker", ""));
    struct fleet_told *told = worker ? fleet_worker_told(worker, p) : NULL;

    if (!told)
        return;
    fleet_worker_untell(told);
    fleet_worker_tidy(worker);
}

static void on_slow(struct fleet_process *p, const json_t *frame)
{
    struct fleet *fleet = p->fleet;
    const char *key = fleet_guard_key(p, frame);
    struct fleet_worker *worker = key ? fleet_worker_find(fleet, key) : NULL;
    double ms = json_number_value(json_object_get(frame, "ms"));

    if (json_is_true(json_object_get(frame, "stuck")))
        fleet_watch_on_stuck(p);
    else if (worker && ms > 0 && ms < 1e9 &&
             lane_on_turn(&worker->lane, (uint64_t)ms, uv_now(fleet->loop)))
        fleet_worker_moved(worker, "its turns are long");
}

static void on_usage(struct fleet_process *p, const json_t *frame)
{
    fleet_guard_filter_usage(p, (json_t *)frame);
    p->fleet->hooks->on_usage(p->fleet->context, p->number, frame);
}

static void on_tail(struct fleet_process *p, const json_t *frame)
{
    if (fleet_guard_key(p, frame))
        p->fleet->hooks->on_tail(p->fleet->context, frame);
}

static void on_log(struct fleet_process *p, const json_t *frame)
{
    if (fleet_guard_takes_line(p))
        p->fleet->hooks->on_log(p->fleet->context, p->number, frame);
}

static void on_refused(struct fleet_process *p, const json_t *frame)
{
    if (!fleet_guard_key(p, frame) || !fleet_guard_takes_line(p))
        return;
    fleet_deploy_on_refused(p, frame);
    p->fleet->hooks->on_refused(p->fleet->context, frame);
}

static void on_frame(void *context, json_t *frame, str blob)
{
    static const struct {
        const char *type;
        void (*on)(struct fleet_process *p, const json_t *frame);
    } types[] = {{"usage", on_usage},
                 {"tail", on_tail},
                 {"want", on_want},
                 {"live", fleet_deploy_on_live},
                 {"evicted", on_evicted},
                 {"slow", on_slow},
                 {"log", on_log},
                 {"refused", on_refused},
                 {"event_done", fleet_event_on_done},
                 {"checked", fleet_check_on_checked},
                 {"ready", on_ready}};
    const char *type = member_text_or(frame, "type", "");
    struct fleet_process *p = context;

    if (strcmp(type, "hand") == 0) {
        fleet_connection_on_hand(p, frame, blob);
        return;
    }
    if (strcmp(type, "stored") == 0) {
        fleet_store_on_stored(p, frame, blob);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(types[i].type, type) == 0)
            types[i].on(p, frame);
}

/* ---- what the kernel holds it to ---- */

static void name_group(const struct fleet_process *p, char name[GROUP_BYTES])
{
    snprintf(name, GROUP_BYTES, "runtime-%d", p->number);
}

/* A control group of its own, where there is a directory for them. It is told once when that cannot
 * be: the resident-size watch and nice values stand in. */
static void group(struct fleet_process *p)
{
    const struct fleet_options *options = &p->fleet->options;
    bool slow = p->role == FLEET_SLOW || p->role == FLEET_OWN || p->role == FLEET_CHECK;
    const struct cgroup_limits limits = {.memory_bytes = options->memory_mib << 21,
                                         .pids = GROUP_PIDS,
                                         .cpu_weight = slow ? GROUP_SLOW_WEIGHT : 0};
    char name[GROUP_BYTES];
    struct err err;

    if (!options->cgroup || p->fleet->no_groups)
        return;
    name_group(p, name);
    if (cgroup_make(options->cgroup, name, &limits, NULL, &err) == 0 &&
        cgroup_enter(options->cgroup, name, process_pid(p->process), &err) != ERR_IO)
        return;
    p->fleet->no_groups = true;
    fleet_notice(p->fleet, "cgroup.unusable", "warn", json_pack("{s:s}", "error", err.text));
}

static void ungroup(const struct fleet_process *p)
{
    char name[GROUP_BYTES];

    name_group(p, name);
    if (p->fleet->options.cgroup)
        cgroup_remove(p->fleet->options.cgroup, name);
}

/* ---- life ---- */

/* The worker whose turn it was, when the end looks like its doing. */
static void blame(struct fleet_process *p, const struct process_end *end)
{
    const struct pulse *pulse = process_pulse(p->process);
    bool outside = end->signal == SIGKILL || end->signal == SIGTERM || end->signal == SIGINT;

    if (p->checks)
        return;
    if (p->killed_for)
        fleet_worker_blame(p, p->killed_surely ? p->beat.worker : atomic_load(&pulse->worker),
                           p->killed_for, p->killed_surely);
    else if (!end->told && atomic_load(&pulse->turn_start_ns) && (end->signal || end->status))
        fleet_worker_blame(p, atomic_load(&pulse->worker), end->how, !outside);
}

static void tell_death(struct fleet_process *p, const struct process_end *end)
{
    struct fleet *fleet = p->fleet;

    if (end->told && !p->killed_for)
        return;
    fleet->deaths++;
    fleet_notice(fleet, "runtime.died", "error",
                 json_pack("{s:i, s:i, s:s, s:s*}", "process", p->number, "pid",
                           (int)process_pid(p->process), "how", end->how, "killed_because",
                           p->killed_for));
}

void fleet_process_drop(struct fleet_process *p)
{
    FLEET_TOLD(&p->told, by_process, told)
    {
        struct fleet_worker *worker = told->worker;

        fleet_worker_untell(told);
        fleet_worker_tidy(worker);
    }
    ungroup(p);
    fleet_guard_done(p);
    p->fleet->hooks->on_gone(p->fleet->context, p->number);
    process_free(p->process);
    list_remove(&p->link);
    p->fleet->process_count--;
    free(p);
}

static void on_end(void *context, const struct process_end *end)
{
    struct fleet_process *p = context;
    struct fleet *fleet = p->fleet;
    bool early = !end->told && uv_now(fleet->loop) - p->started_ms < FLEET_EARLY_MS;

    p->role = FLEET_LEAVING;
    p->accepts = false;
    tell_death(p, end);
    blame(p, end); /* while it is known whose turn it was */
    fleet_event_on_death(p, end->how);
    fleet_store_on_death(p, end->how);
    fleet_check_on_death(p, end->how);
    fleet_process_drop(p);
    fleet_lost(fleet, early);
}

static const struct process_hooks process_hooks = {on_frame, on_end};

static void add_to_fleet(struct fleet *fleet, struct fleet_process *p)
{
    p->fleet = fleet;
    p->number = ++fleet->last_number;
    p->started_ms = p->unused_ms = uv_now(fleet->loop);
    p->beat.polls_cpu_ms = UINT64_MAX;
    list_init(&p->told);
    fleet_guard_init(p);
    list_push(&fleet->processes, &p->link);
    fleet->process_count++;
}

int fleet_process_start(struct fleet *fleet, struct fleet_process **ret, struct err *err)
{
    const struct fleet_options *options = &fleet->options;
    struct fleet_process *p = mem_new(struct fleet_process);
    struct process_options with = {.listen_fd = options->listen_fd,
                                   .quiet = true,
                                   .cache = options->cache,
                                   .cache_bytes = options->cache_bytes,
                                   .storage = options->storage,
                                   .outbound = options->outbound,
                                   .memory_mib = options->memory_mib,
                                   .idle_ms = options->idle_ms,
                                   .sandbox_user = options->sandbox_user,
                                   .bare = true};
    int r = process_start(fleet->loop, &with, &process_hooks, p, &p->process, err);

    if (r < 0) {
        free(p);
        return r;
    }
    add_to_fleet(fleet, p);
    group(p);
    *ret = p;
    return 0;
}

void fleet_process_adopt(struct fleet *fleet, pid_t pid, int link_fd)
{
    struct fleet_process *p = mem_new(struct fleet_process);

    p->role = FLEET_LEAVING;
    p->adopted = true;
    p->process = process_adopt(fleet->loop, pid, link_fd, &process_hooks, p);
    add_to_fleet(fleet, p);
}

void fleet_process_set_nice(struct fleet_process *p)
{
    bool slow = p->role == FLEET_SLOW || p->role == FLEET_OWN;

    proc_set_nice(process_pid(p->process), slow ? FLEET_SLOW_NICE : 0);
}

void fleet_process_assign(struct fleet_process *p, enum fleet_role role, bool accepts)
{
    static const char *const lanes[FLEET_ROLES] = {[FLEET_FAST] = "fast",
                                                   [FLEET_SLOW] = "slow",
                                                   [FLEET_OWN] = "own"};

    ASSERT(p->role == FLEET_SPARE || p->role == role);
    if (p->role != role) {
        p->role = role;
        fleet_process_set_nice(p);
        group(p);
    }
    p->checks = role == FLEET_CHECK;
    p->accepts = accepts;
    p->unused_ms = p->here_count ? 0 : uv_now(p->fleet->loop);
    if (lanes[role])
        process_send(p->process,
                     json_pack("{s:s, s:s, s:b}", "type", "role", "lane", lanes[role], "accept",
                               accepts),
                     STR_NONE, -1);
}

void fleet_process_kill(struct fleet_process *p, const char *reason)
{
    if (p->killed_for)
        return;
    p->killed_for = reason;
    p->fleet->killed++;
    process_kill(p->process);
}

void fleet_process_stop(struct fleet_process *p)
{
    p->role = FLEET_LEAVING;
    p->accepts = false;
    process_stop(p->process);
}
