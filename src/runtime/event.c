/* Events; see event.h. */
#include "runtime/event.h"

#include <stdlib.h>

#include "base/member.h"
#include "runtime/meter.h"
#include "runtime/op_event.h"
#include "runtime/runtime.h"
#include "runtime/trace.h"
#include "runtime/version.h"
#include "runtime/worker.h"

struct scheduled {
    struct event event;
    json_t *id;        /* what the supervisor calls it */
    char *cron;
    json_int_t time_ms;
};

static size_t running;

static struct scheduled *scheduled_of(const struct exchange *x)
{
    return CONTAINER_OF(x->event, struct scheduled, event);
}

static void tell_done(json_t *id, enum outcome outcome, str error)
{
    json_t *frame = json_pack("{s:s, s:O, s:s}", "type", "event_done", "id", id, "outcome",
                              outcome_rows[outcome].word);

    if (error.len)
        json_object_set_new(frame, "error", runtime_text(error));
    runtime_tell(frame);
}

static json_t *scheduled_trace(struct exchange *x)
{
    const struct scheduled *event = scheduled_of(x);

    return json_pack("{s:s, s:I}", "cron", event->cron, "scheduledTime", event->time_ms);
}

static void scheduled_end(struct exchange *x, str error)
{
    struct scheduled *event = scheduled_of(x);

    tell_done(event->id, x->outcome, error);
    running--;
    json_decref(event->id);
    free(event->cron);
    free(event);
}

static const struct event_kind scheduled_kind = {op_event_dispatch, scheduled_trace, scheduled_end};

void event_on_frame(const json_t *frame)
{
    json_t *id = json_object_get(frame, "id");
    const char *key = member_text(frame, "worker");
    const char *type = member_text(frame, "event");
    const char *cron = member_text(frame, "cron");
    struct scheduled *event;

    if (!id)
        return;
    if (!key || !type || strcmp(type, "scheduled") != 0) {
        tell_done(id, OUTCOME_INTERNAL, STR("This runtime knows no such event."));
        return;
    }
    if (running >= EVENTS_MAX) {
        tell_done(id, OUTCOME_LOAD_SHED, STR("Too many events run at once."));
        return;
    }
    running++;
    event = mem_new(struct scheduled);
    event->event.kind = &scheduled_kind;
    event->id = json_incref(id);
    event->cron = str_dup(str_from(cron ? cron : ""));
    event->time_ms = member_int(frame, "time_ms");
    worker_run(str_from(key), exchange_new_event(&event->event));
}

const char *event_cron(const struct exchange *x)
{
    return scheduled_of(x)->cron;
}

double event_time_ms(const struct exchange *x)
{
    return (double)scheduled_of(x)->time_ms;
}

void event_dispatch(struct isolate *iso, struct exchange *x)
{
    x->event->kind->dispatch(iso, x);
}

static void account(struct exchange *x, json_t *trace)
{
    uint64_t wall_ns = meter_now_ns() - x->start_ns;

    if (x->spent.subrequests || x->spent.log_bytes || x->spent.tree)
        runtime_keep_spent(x->id, &x->spent);
    meter_request(&(struct meter_request){
        .key = x->held ? x->worker : NULL,
        .meter = x->version ? version_meter(x->version)->meter : NULL,
        .outcome = x->outcome,
        .wall_ns = wall_ns,
    });
    if (trace)
        exchange_tell_trace(x, wall_ns, trace);
}

void event_end(struct exchange *x, str error)
{
    json_t *trace = exchange_is_watched(x) ? x->event->kind->trace(x) : NULL;

    x->event->kind->end(x, error);
    account(x, trace);
    x->event = NULL;
    exchange_leave(x);
}

/* ---- by hand, with --dev ---- */

static const str trigger_paths[] = {STR("/__scheduled"), STR("/cdn-cgi/handler/scheduled")};

bool event_is_trigger(const struct exchange *x)
{
    str path = exchange_path(x);

    path = str_head(path, str_find(path, '?'));
    for (size_t i = 0; i < COUNT_OF(trigger_paths); i++)
        if (str_equal(path, trigger_paths[i]))
            return true;
    return false;
}
