/* Gauges of the fleet, for people and for Prometheus. */
#include "base/member.h"
#include "control/fleet_private.h"
#include "control/fleet_worker.h"

#include "os/clock.h"
#include "os/proc.h"

static const char *role_name(const struct fleet_process *p)
{
    static const char *const names[FLEET_ROLES] = {"spare", "fast", "slow", "own", "check",
                                                   "leaving"};

    return p->role == FLEET_FAST && !p->accepts ? "bench" : names[p->role];
}

static json_t *process_row(const struct fleet_process *p)
{
    return json_pack("{s:i, s:i, s:s, s:b, s:b, s:I, s:f, s:I}", "process", p->number, "pid",
                     (int)process_pid(p->process), "lane", role_name(p), "ready", p->ready, "stuck",
                     p->beat.stuck, "workers", (json_int_t)p->here_count, "busy",
                     p->beat.busy / 1000.0, "rss_bytes",
                     (json_int_t)proc_resident_bytes(process_pid(p->process)));
}

/* null, or what there is to know about it. */
static json_t *quarantine_of(const struct fleet_worker *worker)
{
    uint64_t now_ms = uv_now(worker->fleet->loop);
    int64_t wall_ms = clock_wall_ms();

    int64_t calm_ms = (int64_t)(now_ms - worker->lane.death_ms);
    int64_t released_ms = wall_ms - calm_ms + LANE_RELEASE_MS, until_ms;

    if (worker->lane.lane != LANE_OWN)
        return json_null();
    until_ms = wall_ms + (int64_t)lane_wait_ms(&worker->lane, now_ms);
    return json_pack("{s:s, s:I, s:i, s:I}", "reason", worker->lane.reason, "until_ms",
                     (json_int_t)until_ms, "count", (int)worker->lane.deaths, "released_ms",
                     (json_int_t)released_ms);
}

static json_t *worker_status(const struct fleet *fleet, const char *key)
{
    const struct fleet_worker *worker = fleet_worker_find(fleet, key);
    json_t *processes = json_array();

    if (!worker)
        return json_pack("{s:s, s:n, s:i, s:o}", "lane", "fast", "quarantine", "isolates", 0,
                         "processes", processes);
    FLEET_TOLD(&worker->told, by_worker, told)
    if (told->here)
        json_array_append_new(processes, process_row(told->process));
    return json_pack("{s:s, s:o, s:I, s:o}", "lane", lane_name(worker->lane.lane), "quarantine",
                     quarantine_of(worker), "isolates", (json_int_t)json_array_size(processes),
                     "processes", processes);
}

json_t *fleet_status_of(const struct fleet *fleet, const char *key)
{
    json_t *processes, *lanes, *quarantined;

    if (key)
        return worker_status(fleet, key);
    processes = json_array();
    lanes = json_object();
    quarantined = json_array();
    FLEET_EACH(fleet, p)
    {
        const char *role = role_name(p);
        json_int_t count = member_int(lanes, role);

        json_object_set_new(lanes, role, json_integer(count + 1));
        json_array_append_new(processes, process_row(p));
    }
    LIST_EACH(&fleet->all_workers, it) {
        const struct fleet_worker *worker = CONTAINER_OF(it, struct fleet_worker, link);

        if (worker->lane.lane == LANE_OWN)
            json_array_append_new(quarantined, json_pack("{s:s, s:o}", "worker", worker->key,
                                                         "quarantine", quarantine_of(worker)));
    }
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "processes", processes, "lanes",
                     lanes, "quarantined", quarantined, "workers_known",
                     (json_int_t)fleet->workers.count, "deaths", (json_int_t)fleet->deaths,
                     "killed", (json_int_t)fleet->killed, "handed", (json_int_t)fleet->handed,
                     "dropped", (json_int_t)fleet->dropped);
}
