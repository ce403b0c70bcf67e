/* Connections handed from one process to another.
 *
 * A connection that comes is sent on in the same breath: the worker's process is found or started,
 * told about the worker when it was not, and given the connection behind that. `hops` counts how
 * often it was handed on already: a runtime gives up on one that goes round. */
#include <unistd.h>

#include "base/member.h"
#include "control/fleet_private.h"
#include "control/fleet_worker.h"

/* One that goes on with a connection on which nothing was asked yet. */
static struct fleet_process *any_accepting(struct fleet *fleet)
{
    struct fleet_process *best = NULL;

    FLEET_EACH(fleet, p)
    if (p->role == FLEET_FAST && p->accepts && !p->beat.stuck &&
        (!best || p->beat.busy < best->beat.busy))
        best = p;
    return best;
}

static struct fleet_process *target_of(struct fleet *fleet, const char *key)
{
    struct fleet_worker *worker;
    struct fleet_process *target;

    if (!key)
        return any_accepting(fleet);
    worker = fleet_worker_get(fleet, key);
    target = fleet_worker_place(worker);
    fleet_worker_tidy(worker);
    return target;
}

void fleet_connection_on_hand(struct fleet_process *p, const json_t *frame, str blob)
{
    const char *key = member_text(frame, "worker");
    struct fleet *fleet = p->fleet;
    struct fleet_process *target;
    int fd = process_take_fd(p->process);

    if (fd < 0)
        return;
    if (!fleet_guard_is_connection(fd) || (key && !fleet_guard_may_hand(p, key))) {
        close(fd);
        return;
    }
    target = target_of(fleet, key);
    if (!target && !key)
        target = p; /* nobody else accepts: it waits for the turn to end after all */
    if (!target || process_queued_bytes(target->process) > FLEET_QUEUED_BYTES_MAX ||
        process_queued_fds(target->process) >= FLEET_CONNECTIONS_MAX) {
        fleet->dropped++;
        close(fd);
        return;
    }
    fleet->handed++;
    process_send(target->process,
                 json_pack("{s:s, s:I}", "type", "connection", "hops",
                           (json_int_t)member_int(frame, "hops")),
                 blob, fd);
}
