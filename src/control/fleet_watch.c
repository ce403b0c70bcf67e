/* The heartbeat: what the pulses of the processes tell, looked at every few milliseconds.
 *
 * A turn of more than STUCK_MS in a process that accepts has a spare accept in its place, and moves
 * the worker to the slow lane: nobody has to wait for the turn's end to know. A process is killed
 * when its turn cannot be interrupted (the watchdog in it does not look any more), or goes on
 * beyond its worker's limit. Both are judged by the CPU time it had, so that a process which the
 * kernel does not run is not blamed; POLLS_WALL_MS_MAX ends the patience. */
#include "control/fleet_private.h"
#include "control/fleet_worker.h"

#include "os/clock.h"
#include "os/proc.h"

enum {
    STUCK_MS = 100,
    POLLS_MS = 2000,           /* without a look of the watchdog, */
    POLLS_CPU_MS = 1000,       /* of which this much was CPU time */
    POLLS_WALL_MS_MAX = 20 * 1000,
    OVER_MS = 2000,            /* beyond the worker's limit */
    LIMIT_MS_DEFAULT = 30 * 1000,
    GROWTH_PART = 4,           /* of what a process may have, from one look to the next */
    BUSY_WEIGHT = 32,          /* looks over which `busy` is an average */
    BEATS_PER_SIZE = 12,       /* resident sizes are read every so many beats, */
    BEATS_PER_AGE = 25,        /* and lanes aged */
};

/* A turn of this worker has lasted so long by now. */
static void judge(struct fleet_process *p, struct fleet_worker *worker, uint64_t turn_ms)
{
    if (worker && lane_on_turn(&worker->lane, turn_ms, uv_now(p->fleet->loop)))
        fleet_worker_moved(worker, "its turns are long");
}

/* The turn that runs has just begun to be long. */
static void become_stuck(struct fleet_process *p, uint64_t turn_ms)
{
    struct fleet *fleet = p->fleet;
    struct fleet_worker *worker = fleet_guard_culprit(p, p->beat.worker);

    p->beat.stuck = true;
    proc_set_nice(process_pid(p->process), FLEET_STUCK_NICE);
    p->beat.turn_cpu_ms = proc_main_cpu_ms(process_pid(p->process));
    if (p->role == FLEET_FAST && p->accepts) {
        fleet_process_assign(p, FLEET_FAST, false);
        fleet_notice(fleet, "runtime.stuck", "warn",
                     json_pack("{s:i, s:s?, s:I}", "process", p->number, "worker",
                               worker ? worker->key : NULL, "ms", (json_int_t)turn_ms));
        fleet_settle(fleet);
    }
    judge(p, worker, turn_ms);
}

/* True when the watchdog inside has not looked for too long. */
static bool is_deaf(struct fleet_process *p, uint64_t polls, uint64_t now_ms)
{
    struct fleet_beat *beat = &p->beat;
    uint64_t cpu_ms, silent_ms;

    if (polls != beat->polls) {
        beat->polls = polls;
        beat->polls_ms = now_ms;
        beat->polls_cpu_ms = UINT64_MAX;
        return false;
    }
    silent_ms = now_ms - beat->polls_ms;
    if (silent_ms < STUCK_MS)
        return false;
    cpu_ms = proc_main_cpu_ms(process_pid(p->process));
    if (beat->polls_cpu_ms == UINT64_MAX)
        beat->polls_cpu_ms = cpu_ms;
    return silent_ms >= POLLS_WALL_MS_MAX ||
           (silent_ms >= POLLS_MS && cpu_ms - beat->polls_cpu_ms >= POLLS_CPU_MS);
}

static bool is_over(struct fleet_process *p, uint64_t turn_ms)
{
    const struct fleet_worker *worker = fleet_guard_culprit(p, p->beat.worker);
    uint64_t limit_ms = worker && worker->cpu_ms ? worker->cpu_ms : LIMIT_MS_DEFAULT;

    return turn_ms > limit_ms + OVER_MS &&
           proc_main_cpu_ms(process_pid(p->process)) - p->beat.turn_cpu_ms > limit_ms + OVER_MS;
}

static void look_at_turn(struct fleet_process *p, uint64_t start_ns, uint64_t now_ns)
{
    const struct pulse *pulse = process_pulse(p->process);
    struct fleet_beat *beat = &p->beat;
    uint64_t turn_ms = now_ns > start_ns ? (now_ns - start_ns) / 1000000 : 0;
    uint64_t now_ms = now_ns / 1000000;

    if (start_ns != beat->turn_ns) {
        beat->turn_ns = start_ns;
        beat->polls_ms = now_ms;
        beat->polls_cpu_ms = UINT64_MAX;
        if (beat->stuck)
            fleet_process_set_nice(p);
        beat->stuck = false;
        beat->worker = atomic_load(&pulse->worker);
    }
    if (turn_ms >= STUCK_MS && !beat->stuck)
        become_stuck(p, turn_ms);
    if (!beat->stuck)
        return;
    if (is_deaf(p, atomic_load(&pulse->polls), now_ms))
        fleet_process_kill(p, "its code could not be interrupted any more");
    else if (is_over(p, turn_ms))
        fleet_process_kill(p, "its code went on beyond its CPU time limit");
    p->killed_surely = p->killed_for != NULL;
}

static void look(struct fleet_process *p, uint64_t now_ns)
{
    uint64_t start_ns = atomic_load(&process_pulse(p->process)->turn_start_ns);
    unsigned busy = start_ns ? 1000 : 0;

    p->beat.busy = (p->beat.busy * (BUSY_WEIGHT - 1) + busy) / BUSY_WEIGHT;
    if (start_ns && !p->killed_for) {
        look_at_turn(p, start_ns, now_ns);
    } else if (!start_ns) {
        p->beat.turn_ns = 0;
        if (p->beat.stuck)
            fleet_process_set_nice(p);
        p->beat.stuck = false;
    }
}

void fleet_watch_on_stuck(struct fleet_process *p)
{
    uint64_t now_ns = clock_monotonic_ns(), turn_ms;

    look(p, now_ns);
    if (!p->beat.turn_ns || p->killed_for)
        return;
    turn_ms = (now_ns - p->beat.turn_ns) / 1000000;
    if (p->beat.stuck)
        judge(p, fleet_guard_culprit(p, p->beat.worker), turn_ms);
    else
        become_stuck(p, turn_ms);
}

/* Whose memory it is cannot be told from outside, unless there is nobody else, or the turn that ran
 * all the time since the look before made the process grow. */
static void look_at_size(struct fleet_process *p)
{
    const struct pulse *pulse = process_pulse(p->process);
    size_t bytes = proc_resident_bytes(process_pid(p->process)), before = p->beat.bytes;
    size_t most = (size_t)p->fleet->options.memory_mib * 2 << 20;
    uint64_t turn_ns = atomic_load(&pulse->turn_start_ns);
    bool same_turn = turn_ns && turn_ns == p->beat.bytes_turn_ns;

    p->beat.bytes = bytes;
    p->beat.bytes_turn_ns = turn_ns;
    if (!most || bytes <= most || p->killed_for)
        return;
    p->beat.worker = atomic_load(&pulse->worker);
    fleet_process_kill(p, "its process grew beyond all memory it may have");
    p->killed_surely = p->here_count == 1 || (same_turn && bytes > before + most / GROWTH_PART);
}

void fleet_watch_on_beat(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;
    uint64_t now_ns = clock_monotonic_ns();

    fleet->beats++;
    FLEET_EACH(fleet, p)
    {
        look(p, now_ns);
        fleet_guard_on_beat(p, fleet->beats);
        if (fleet->beats % BEATS_PER_SIZE == 0)
            look_at_size(p);
    }
    if (fleet->beats % BEATS_PER_AGE == 0 && !fleet->stopping) {
        fleet_worker_age_all(fleet);
        fleet_settle(fleet);
    }
}
