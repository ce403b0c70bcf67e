/* The runtime processes of a server; see fleet.h.
 *
 * (1) fleet_settle() is the only place that decides how many processes there are. It runs after
 *     everything that changes that: a death, a stuck process, one that has no work any more.
 * (2) A process may be given work before it is ready: frames wait in its link.
 * (3) What was stuck goes on serving what it has, on the bench, and is the first to accept
 *     again. */
#include "control/fleet.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/member.h"
#include "control/fleet_event.h"
#include "control/fleet_private.h"
#include "control/fleet_store.h"
#include "control/fleet_worker.h"

enum {
    BEAT_MS = 20,
    START_DELAY_MS_MIN = 50,
    START_DELAY_MS_MAX = 5000,
    UNUSED_MS = 5 * 1000,    /* then a slow process, or one too many, ends */
};

void fleet_notice(struct fleet *fleet, const char *event, const char *level, json_t *fields)
{
    json_t *notice = fields ? fields : json_object();

    json_object_set_new(notice, "event", json_string(event));
    json_object_set_new(notice, "level", json_string(level));
    fleet->hooks->on_notice(fleet->context, notice);
}

/* ---- how many there are ---- */

static bool is_on_bench(const struct fleet_process *p)
{
    return p->role == FLEET_FAST && !p->accepts && !p->beat.stuck;
}

static unsigned count_accepting(const struct fleet *fleet)
{
    unsigned count = 0;

    FLEET_EACH(fleet, p)
    count += p->role == FLEET_FAST && p->accepts;
    return count;
}

/* The best of those that wait for work: ready ones first. */
static struct fleet_process *find_waiting(struct fleet *fleet, enum fleet_role role)
{
    struct fleet_process *best = NULL;

    FLEET_EACH(fleet, p)
    {
        if (role == FLEET_FAST && is_on_bench(p))
            return p;
        if (p->role == FLEET_SPARE && (!best || (p->ready && !best->ready)))
            best = p;
    }
    return best;
}

static uint64_t start_delay_ms(const struct fleet *fleet)
{
    uint64_t delay = START_DELAY_MS_MIN;

    for (unsigned i = 1; i < fleet->starts_failed && delay < START_DELAY_MS_MAX; i++)
        delay *= 2;
    return delay < START_DELAY_MS_MAX ? delay : START_DELAY_MS_MAX;
}

static void on_again(uv_timer_t *timer)
{
    fleet_settle(timer->data);
}

/* The next start has to wait, the longer the more of them went wrong in short time. */
static void wait_for_start(struct fleet *fleet)
{
    uint64_t now_ms = uv_now(fleet->loop);

    if (now_ms - fleet->failed_ms > 2 * START_DELAY_MS_MAX)
        fleet->starts_failed = 0;
    fleet->failed_ms = now_ms;
    fleet->starts_failed++;
    uv_timer_start(&fleet->again, on_again, start_delay_ms(fleet), 0);
}

/* A new process; NULL when it cannot be, and another attempt is under way. */
static struct fleet_process *start_process(struct fleet *fleet)
{
    struct fleet_process *p;
    struct err err;

    if (fleet->process_count >= FLEET_PROCESSES_MAX || uv_is_active((uv_handle_t *)&fleet->again))
        return NULL;
    if (fleet_process_start(fleet, &p, &err) == 0)
        return p;
    fleet_notice(fleet, "runtime.not_started", "error", json_pack("{s:s}", "error", err.text));
    wait_for_start(fleet);
    return NULL;
}

struct fleet_process *fleet_take(struct fleet *fleet, enum fleet_role role)
{
    struct fleet_process *p;

    if (fleet->stopping)
        return NULL;
    p = find_waiting(fleet, role);
    if (!p)
        p = start_process(fleet);
    if (p)
        fleet_process_assign(p, role, role == FLEET_FAST);
    fleet_settle(fleet);
    return p;
}

/* Lets the last ones that accept, beyond the wanted number, only finish what they have. */
static void bench_too_many(struct fleet *fleet)
{
    unsigned accepting = count_accepting(fleet);

    for (struct list *at = fleet->processes.prev;
         at != &fleet->processes && accepting > fleet->options.fast; at = at->prev) {
        struct fleet_process *p = CONTAINER_OF(at, struct fleet_process, link);

        if (p->role != FLEET_FAST || !p->accepts)
            continue;
        fleet_process_assign(p, FLEET_FAST, false);
        accepting--;
    }
}

static bool is_unused(const struct fleet *fleet, const struct fleet_process *p)
{
    bool may_go = is_on_bench(p) || p->role == FLEET_SLOW || p->role == FLEET_OWN ||
                  (p->role == FLEET_CHECK && !fleet->check_runs);

    return may_go && p->unused_ms && uv_now(fleet->loop) - p->unused_ms >= UNUSED_MS;
}

static void end_unused(struct fleet *fleet)
{
    FLEET_EACH(fleet, p)
    if (is_unused(fleet, p))
        fleet_process_stop(p);
}

static bool has_spare(const struct fleet *fleet)
{
    FLEET_EACH(fleet, p)
    if (p->role == FLEET_SPARE)
        return true;
    return false;
}

void fleet_settle(struct fleet *fleet)
{
    struct fleet_process *p;

    if (fleet->stopping || fleet->settling)
        return;
    fleet->settling = true;
    bench_too_many(fleet);
    while (count_accepting(fleet) < fleet->options.fast) {
        if (!(p = find_waiting(fleet, FLEET_FAST)) && !(p = start_process(fleet)))
            break;
        fleet_process_assign(p, FLEET_FAST, true);
    }
    end_unused(fleet);
    if (!has_spare(fleet))
        (void)start_process(fleet);
    fleet_worker_keep_all(fleet);
    fleet->settling = false;
}

static void finish(struct fleet *fleet)
{
    uv_timer_stop(&fleet->beat);
    fleet_check_end_all(fleet);
    fleet_event_end_all(fleet);
    fleet_store_end_all(fleet);
    fleet->hooks->on_stopped(fleet->context);
}

void fleet_lost(struct fleet *fleet, bool early)
{
    if (fleet->stopping) {
        if (!fleet->process_count)
            finish(fleet);
        return;
    }
    if (early)
        wait_for_start(fleet);
    fleet_settle(fleet);
}

/* ---- what fleet.h promises ---- */

static void take_options(struct fleet *fleet, const struct fleet_options *options)
{
    fleet->options = *options;
    if (fleet->options.fast < 1)
        fleet->options.fast = 1;
    if (fleet->options.fast > FLEET_PROCESSES_MAX / 2)
        fleet->options.fast = FLEET_PROCESSES_MAX / 2;
    if (fleet->options.slow_max < 1)
        fleet->options.slow_max = 1;
    if (fleet->options.slow_max > FLEET_PROCESSES_MAX / 4)
        fleet->options.slow_max = FLEET_PROCESSES_MAX / 4;
}

static void init_timer(struct fleet *fleet, uv_timer_t *timer)
{
    uv_timer_init(fleet->loop, timer);
    timer->data = fleet;
    fleet->handles++;
}

int fleet_start(uv_loop_t *loop, const struct fleet_options *options,
                const struct fleet_hooks *hooks, void *context, struct fleet **ret, struct err *err)
{
    struct fleet *fleet = mem_new(struct fleet);
    struct fleet_process *first;
    int r;

    fleet->loop = loop;
    fleet->hooks = hooks;
    fleet->context = context;
    list_init(&fleet->processes);
    list_init(&fleet->checks);
    list_init(&fleet->events);
    list_init(&fleet->stores);
    fleet->store_blamed = json_object();
    list_init(&fleet->all_workers);
    take_options(fleet, options);
    r = fleet_process_start(fleet, &first, err);
    if (r < 0) {
        free(fleet);
        return r;
    }
    init_timer(fleet, &fleet->beat);
    init_timer(fleet, &fleet->again);
    init_timer(fleet, &fleet->check_timer);
    uv_timer_start(&fleet->beat, fleet_watch_on_beat, BEAT_MS, BEAT_MS);
    *ret = fleet;
    fleet_settle(fleet);
    return 0;
}

void fleet_deployed(struct fleet *fleet, const char *key, void (*on_done)(void *arg), void *arg)
{
    fleet_deploy_start(fleet, key, on_done, arg);
}

static void on_refreshed(void *arg)
{
    (void)arg;
}

void fleet_refresh(struct fleet *fleet)
{
    LIST_EACH_SAFE(&fleet->all_workers, it)
        fleet_deploy_start(fleet, CONTAINER_OF(it, struct fleet_worker, link)->key, on_refreshed,
                           NULL);
}

void fleet_keep(struct fleet *fleet, const char *key, unsigned count)
{
    struct fleet_worker *worker = count ? fleet_worker_get(fleet, key)
                                        : fleet_worker_find(fleet, key);

    if (!worker)
        return;
    fleet_worker_keep(worker, count);
    fleet_worker_keep_all(fleet);
    fleet_worker_tidy(worker);
}

void fleet_forget_hosts(struct fleet *fleet)
{
    FLEET_EACH(fleet, p)
    if (p->role != FLEET_LEAVING)
        process_send(p->process, json_pack("{s:s}", "type", "forget"), STR_NONE, -1);
}

void fleet_purge(struct fleet *fleet, json_t *purge)
{
    json_int_t seq = member_int(purge, "seq");

    FLEET_EACH(fleet, p)
    {
        process_announce_purge(p->process, (uint64_t)seq);
        process_send(p->process, json_incref(purge), STR_NONE, -1);
    }
    json_decref(purge);
}

void fleet_quota(struct fleet *fleet, json_t *quota)
{
    json_decref(fleet->quota);
    fleet->quota = quota;
    FLEET_EACH(fleet, p)
    process_send(p->process, json_incref(quota), STR_NONE, -1);
}

void fleet_trace(struct fleet *fleet, const char *key, bool on)
{
    struct fleet_worker *worker = on ? fleet_worker_get(fleet, key) : fleet_worker_find(fleet, key);

    if (!worker)
        return;
    worker->trace = on;
    FLEET_TOLD(&worker->told, by_worker, told)
    process_send(told->process->process,
                 json_pack("{s:s, s:s, s:b}", "type", "trace", "worker", key, "on", on), STR_NONE,
                 -1);
    fleet_worker_tidy(worker);
}

void fleet_check(struct fleet *fleet, json_t *version, str blob,
                 void (*on_done)(void *arg, const json_t *checked), void *arg)
{
    fleet_check_add(fleet, version, blob, on_done, arg);
}

void fleet_event(struct fleet *fleet, const char *key, json_t *event,
                 void (*on_done)(void *arg, const json_t *done), void *arg)
{
    fleet_event_start(fleet, key, event, on_done, arg);
}

void fleet_store(struct fleet *fleet, const struct platform_store *request,
                 void (*on_done)(void *arg, const struct platform_stored *stored), void *arg)
{
    fleet_store_start(fleet, request, on_done, arg);
}

bool fleet_release(struct fleet *fleet, const char *key)
{
    struct fleet_worker *worker = fleet_worker_find(fleet, key);

    if (!worker || !lane_release(&worker->lane, uv_now(fleet->loop)))
        return false;
    fleet_worker_moved(worker, "an operator released it");
    return true;
}

unsigned fleet_accepting(const struct fleet *fleet)
{
    unsigned count = 0;

    FLEET_EACH(fleet, p)
    count += p->role == FLEET_FAST && p->accepts && p->ready && !p->beat.stuck;
    return count;
}

json_t *fleet_status(const struct fleet *fleet, const char *key)
{
    return fleet_status_of(fleet, key);
}

void fleet_set(struct fleet *fleet, const struct fleet_options *options)
{
    take_options(fleet, options);
    FLEET_EACH(fleet, p)
    if (p->role != FLEET_LEAVING)
        process_send(p->process,
                     json_pack("{s:s, s:I, s:I}", "type", "set", "memory_mib",
                               (json_int_t)options->memory_mib, "idle_ms",
                               (json_int_t)options->idle_ms),
                     STR_NONE, -1);
    fleet_settle(fleet);
}

void fleet_stop(struct fleet *fleet)
{
    bool again = fleet->stopping;

    fleet->stopping = true;
    uv_timer_stop(&fleet->again);
    FLEET_EACH(fleet, p)
    {
        if (again || p->role == FLEET_CHECK)
            process_kill(p->process);
        else
            fleet_process_stop(p);
    }
    if (!fleet->process_count && !again)
        finish(fleet);
}

void fleet_leave(struct fleet *fleet, struct buf *out)
{
    ASSERT(fleet->stopping);
    if (!fleet->process_count)
        return;
    FLEET_EACH(fleet, p)
    {
        pid_t pid = process_pid(p->process);
        int fd = process_leave(p->process);

        if (fd >= 0 && buf_printf(out, "%d:%d ", (int)pid, fd) < 0)
            close(fd);
        fleet_process_drop(p);
    }
    finish(fleet);
}

void fleet_adopt(struct fleet *fleet, pid_t pid, int link_fd)
{
    if (fleet->process_count < FLEET_PROCESSES_MAX)
        fleet_process_adopt(fleet, pid, link_fd);
    else
        close(link_fd);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct fleet *fleet = handle->data;

    if (--fleet->handles == 0)
        free(fleet);
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    ASSERT(fleet->stopping && !fleet->process_count);
    fleet_check_end_all(fleet);
    fleet_event_end_all(fleet);
    fleet_store_end_all(fleet);
    json_decref(fleet->store_blamed);
    json_decref(fleet->quota);
    fleet_worker_forget_all(fleet);
    uv_close((uv_handle_t *)&fleet->beat, on_timer_closed);
    uv_close((uv_handle_t *)&fleet->again, on_timer_closed);
    uv_close((uv_handle_t *)&fleet->check_timer, on_timer_closed);
}
