/* Events; see event.h. */
#include "runtime/event.h"

#include <stdlib.h>

#include "runtime/meter.h"
#include "runtime/runtime.h"
#include "runtime/trace.h"
#include "runtime/version.h"
#include "runtime/worker.h"

struct event {
    json_t *id;        /* what the supervisor calls it */
    char *cron;
    json_int_t time_ms;
};

static size_t running;

static void event_free(struct event *event)
{
    json_decref(event->id);
    free(event->cron);
    free(event);
}

static void tell_done(json_t *id, enum outcome outcome, str error)
{
    json_t *frame = json_pack("{s:s, s:O, s:s}", "type", "event_done", "id", id, "outcome",
                              outcome_rows[outcome].word);

    if (error.len)
        json_object_set_new(frame, "error", runtime_text(error));
    runtime_tell(frame);
}

void event_on_frame(const json_t *frame)
{
    json_t *id = json_object_get(frame, "id");
    const char *key = json_string_value(json_object_get(frame, "worker"));
    const char *type = json_string_value(json_object_get(frame, "event"));
    const char *cron = json_string_value(json_object_get(frame, "cron"));
    struct event *event;

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
    event = mem_new(struct event);
    event->id = json_incref(id);
    event->cron = str_dup(str_from(cron ? cron : ""));
    event->time_ms = json_integer_value(json_object_get(frame, "time_ms"));
    worker_run(str_from(key), exchange_new_event(event));
}

static void account(struct exchange *x)
{
    uint64_t wall_ns = meter_now_ns() - x->start_ns;

    meter_request(&(struct meter_request){
        .key = x->worker,
        .meter = x->version ? version_meter(x->version)->meter : NULL,
        .outcome = x->outcome,
        .wall_ns = wall_ns,
    });
    if (exchange_is_watched(x))
        exchange_tell_trace(x, wall_ns,
                            json_pack("{s:s, s:I}", "cron", x->event->cron, "scheduledTime",
                                      x->event->time_ms));
}

const char *event_cron(const struct exchange *x)
{
    return x->event->cron;
}

double event_time_ms(const struct exchange *x)
{
    return (double)x->event->time_ms;
}

void event_end(struct exchange *x, str error)
{
    struct event *event = x->event;

    tell_done(event->id, x->outcome, error);
    account(x);
    x->event = NULL;
    running--;
    event_free(event);
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
