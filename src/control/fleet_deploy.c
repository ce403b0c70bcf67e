/* A deployment on its way to those who have the worker; see fleet_private.h.
 *
 * (1) A deployment waits for those processes that were told to load it, until each said `live` or
 *     `refused`, forgot the worker or ended, for FLEET_ACK_MS_MAX at most.
 * (2) `live` of a deployment also answers for those before it: they were replaced.
 * (3) on_done is called from the loop, never from inside fleet_deploy_start(). */
#include <stdlib.h>

#include "base/member.h"
#include "control/fleet_private.h"
#include "control/fleet_worker.h"
#include "loop/frame.h"

struct deploy {
    struct list link;
    struct fleet_worker *worker;
    json_t *ids;                 /* of its versions; empty: it was deleted */
    const struct fleet_process *awaited[FLEET_PROCESSES_MAX];
    size_t awaited_count;
    uv_timer_t timer;
    void (*on_done)(void *arg);
    void *arg;
};

static void on_timer_closed(uv_handle_t *handle)
{
    struct deploy *deploy = handle->data;

    json_decref(deploy->ids);
    free(deploy);
}

/* Takes it off its worker, which may go with it. */
static void end(struct deploy *deploy)
{
    struct fleet_worker *worker = deploy->worker;

    list_remove(&deploy->link);
    uv_close((uv_handle_t *)&deploy->timer, on_timer_closed);
    deploy->on_done(deploy->arg);
    fleet_worker_tidy(worker);
}

static void on_timer(uv_timer_t *timer)
{
    end(timer->data);
}

/* Its answer comes with the loop's next turn, or as soon as the last one is heard. */
static void wait(struct deploy *deploy)
{
    uv_timer_start(&deploy->timer, on_timer, deploy->awaited_count ? FLEET_ACK_MS_MAX : 0, 0);
}

static void stop_waiting_for(struct deploy *deploy, const struct fleet_process *p)
{
    for (size_t i = 0; i < deploy->awaited_count; i++)
        if (deploy->awaited[i] == p) {
            deploy->awaited[i] = deploy->awaited[--deploy->awaited_count];
            if (!deploy->awaited_count)
                wait(deploy);
            return;
        }
}

static json_t *ids_of(const json_t *frame)
{
    json_t *ids = json_array(), *version;
    size_t i;

    json_array_foreach(json_object_get(frame, "versions"), i, version)
        json_array_append(ids, json_object_get(version, "id"));
    return ids;
}

static void send_all(struct deploy *deploy, const json_t *frame, str blob)
{
    struct fleet_worker *worker = deploy->worker;

    FLEET_TOLD(&worker->told, by_worker, told)
    {
        if (told->process->role == FLEET_LEAVING)
            continue;
        if (!told->here) {
            fleet_worker_tell(worker, told->process, false);
            continue;
        }
        fleet_worker_send(told, frame, blob, true);
        if (told->here && json_array_size(deploy->ids))
            deploy->awaited[deploy->awaited_count++] = told->process;
    }
}

void fleet_deploy_start(struct fleet *fleet, const char *key, void (*on_done)(void *arg), void *arg)
{
    struct fleet_worker *worker = fleet_worker_get(fleet, key);
    struct deploy *deploy = mem_new(struct deploy);
    enum lane lane = worker->lane.lane;
    struct buf blob;
    json_t *frame = NULL;

    deploy->worker = worker;
    deploy->on_done = on_done;
    deploy->arg = arg;
    uv_timer_init(fleet->loop, &deploy->timer);
    deploy->timer.data = deploy;
    list_push(&worker->deploys, &deploy->link);
    buf_init(&blob, (size_t)FRAME_BLOB_MAX * 2);
    if (!list_empty(&worker->told))
        frame = fleet_worker_frame(worker, &blob);
    deploy->ids = ids_of(frame);
    if (worker->lane.lane != lane)
        fleet_worker_moved(worker, "it has WebAssembly now");
    else
        send_all(deploy, frame, buf_str(&blob));
    json_decref(frame);
    buf_done(&blob);
    wait(deploy);
}

/* True when both have the same ids, in any order. */
static bool same_ids(const json_t *a, const json_t *b)
{
    json_t *id, *other;
    size_t i, j, found = 0;

    if (json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach(a, i, id)
        json_array_foreach(b, j, other)
            found += json_equal(id, other);
    return found == json_array_size(a);
}

static bool has_id(const json_t *ids, const json_t *wanted)
{
    json_t *id;
    size_t i;

    json_array_foreach(ids, i, id)
        if (json_equal(id, wanted))
            return true;
    return false;
}

static struct fleet_worker *worker_of(const struct fleet_process *p, const json_t *frame)
{
    const char *key = member_text(frame, "worker");

    return key ? fleet_worker_find(p->fleet, key) : NULL;
}

void fleet_deploy_on_live(struct fleet_process *p, const json_t *frame)
{
    struct fleet_worker *worker = worker_of(p, frame);
    const json_t *ids = json_object_get(frame, "versions");
    struct list *last = NULL;

    if (!worker)
        return;
    LIST_EACH(&worker->deploys, it)
        if (same_ids(CONTAINER_OF(it, struct deploy, link)->ids, ids))
            last = it;
    for (struct list *it = worker->deploys.next; last; it = it->next) {
        stop_waiting_for(CONTAINER_OF(it, struct deploy, link), p);
        if (it == last)
            break;
    }
}

void fleet_deploy_on_refused(struct fleet_process *p, const json_t *frame)
{
    struct fleet_worker *worker = worker_of(p, frame);
    const json_t *id = json_object_get(frame, "version");

    if (!worker)
        return;
    LIST_EACH(&worker->deploys, it) {
        struct deploy *deploy = CONTAINER_OF(it, struct deploy, link);

        if (has_id(deploy->ids, id))
            stop_waiting_for(deploy, p);
    }
}

void fleet_deploy_forget(struct fleet_worker *worker, const struct fleet_process *p)
{
    LIST_EACH(&worker->deploys, it)
        stop_waiting_for(CONTAINER_OF(it, struct deploy, link), p);
}

void fleet_deploy_end_all(struct fleet_worker *worker)
{
    LIST_EACH_SAFE(&worker->deploys, it) {
        struct deploy *deploy = CONTAINER_OF(it, struct deploy, link);

        list_remove(&deploy->link);
        uv_close((uv_handle_t *)&deploy->timer, on_timer_closed);
        deploy->on_done(deploy->arg);
    }
}
