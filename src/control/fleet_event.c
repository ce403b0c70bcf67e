/* Events of workers, and how they ended.
 *
 * An event goes where the worker's next connection would go, behind what the process is told about
 * the worker. It ends with the process's answer, or with the process. */
#include <stdlib.h>

#include "control/fleet_event.h"
#include "base/member.h"
#include "control/fleet_worker.h"

struct event {
    struct list link;
    uint64_t id;
    const struct fleet_process *process;    /* NULL: it never got that far */
    const char *error;                      /* why it is over when the timer ends, a literal */
    uv_timer_t timer;                       /* patience; none when it never got that far */
    struct fleet *fleet;
    void (*on_done)(void *arg, const json_t *done);
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void finish(struct event *event, const json_t *done)
{
    list_remove(&event->link);
    event->fleet->event_count--;
    event->on_done(event->arg, done);
    uv_close((uv_handle_t *)&event->timer, on_closed);
}

static void fail(struct event *event, const char *outcome, const char *error)
{
    json_t *done = json_pack("{s:s, s:s}", "outcome", outcome, "error", error);

    finish(event, done);
    json_decref(done);
}

static void on_timer(uv_timer_t *timer)
{
    struct event *event = timer->data;

    fail(event, "canceled", event->error);
}

static struct fleet_process *send_to_worker(struct event *event, const char *key, json_t *frame)
{
    struct fleet *fleet = event->fleet;
    struct fleet_worker *worker = fleet_worker_get(fleet, key);
    struct fleet_process *p = NULL;

    if (lane_wait_ms(&worker->lane, uv_now(fleet->loop)))
        event->error = "the worker is in quarantine";
    else if (!(p = fleet_worker_place(worker)))
        event->error = "no process could be started for it";
    if (p) {
        json_object_set_new(frame, "type", json_string("event"));
        json_object_set_new(frame, "worker", json_string(key));
        json_object_set_new(frame, "id", json_integer((json_int_t)event->id));
        process_send(p->process, json_incref(frame), STR_NONE, -1);
    }
    fleet_worker_tidy(worker);
    return p;
}

void fleet_event_start(struct fleet *fleet, const char *key, json_t *frame,
                       void (*on_done)(void *arg, const json_t *done), void *arg)
{
    struct event *event = mem_new(struct event);

    event->id = ++fleet->last_id;
    event->fleet = fleet;
    event->on_done = on_done;
    event->arg = arg;
    uv_timer_init(fleet->loop, &event->timer);
    event->timer.data = event;
    list_push(&fleet->events, &event->link);
    if (fleet->stopping)
        event->error = "the server is stopping";
    else if (fleet->event_count >= FLEET_EVENTS_MAX)
        event->error = "too many events run at once";
    else
        event->process = send_to_worker(event, key, frame);
    fleet->event_count++;
    json_decref(frame);
    if (event->process)
        event->error = "its process did not tell how it ended";
    uv_timer_start(&event->timer, on_timer, event->process ? FLEET_EVENT_MS_MAX : 0, 0);
}

void fleet_event_on_done(struct fleet_process *p, const json_t *frame)
{
    uint64_t id = (uint64_t)member_int(frame, "id");

    LIST_EACH_SAFE(&p->fleet->events, it) {
        struct event *event = CONTAINER_OF(it, struct event, link);

        if (event->id == id && event->process == p) {
            finish(event, frame);
            return;
        }
    }
}

void fleet_event_on_death(struct fleet_process *p, const char *how)
{
    LIST_EACH_SAFE(&p->fleet->events, it) {
        struct event *event = CONTAINER_OF(it, struct event, link);

        if (event->process == p)
            fail(event, "exceededResources", p->killed_for ? p->killed_for : how);
    }
}

void fleet_event_end_all(struct fleet *fleet)
{
    LIST_EACH_SAFE(&fleet->events, it)
        fail(CONTAINER_OF(it, struct event, link), "canceled", "the server is stopping");
}
