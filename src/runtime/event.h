/* Events that are no requests: scheduled(), and calls by other workers (service_call.h).
 *
 *   the frame `event` ──> worker_run() ──> dispatched ──op_event_done──> `event_done`
 *                              │ no version   │ a limit, time is up, nothing to wait for
 *                              └──────────────┴──> `event_done` with the reason
 *
 * An event travels as an exchange without a connection (`event` set, `http` NULL), so that it
 * waits, is limited, counted and traced as a request is. A page for it ends it.
 * Owns: what the frame said. Thread: the loop's.
 * Limits: EVENTS_MAX scheduled ones at once; those of its worker. */
#ifndef ATOLL_RUNTIME_EVENT_H
#define ATOLL_RUNTIME_EVENT_H

#include <jansson.h>

#include "runtime/exchange.h"

enum { EVENTS_MAX = 1024 };

/* What an event is; each is the first member of its kind's own struct. */
struct event {
    const struct event_kind *kind;
};

struct event_kind {
    void (*dispatch)(struct isolate *iso, struct exchange *x);    /* in a turn */
    /* What those who watch are shown, returned owned. */
    json_t *(*trace)(struct exchange *x);
    /* It is over, x->outcome and `error` say how: frees the event. */
    void (*end)(struct exchange *x, str error);
};

/* A frame `event`; borrowed. */
void event_on_frame(const json_t *frame);

/* What an event that is not over is for. */
const char *event_cron(const struct exchange *x);
double event_time_ms(const struct exchange *x);   /* since 1970 */

/* With --dev: true for a request that asks for a scheduled event, as with wrangler dev:
 * /__scheduled?cron=..., /cdn-cgi/handler/scheduled?cron=...&time=... */
bool event_is_trigger(const struct exchange *x);

/* Gives it to its isolate, inside a turn. */
void event_dispatch(struct isolate *iso, struct exchange *x);

/* It is over: x->outcome says how, and `error`, which is empty when it went well. A scheduled one
 * tells `event_done`. */
void event_end(struct exchange *x, str error);

#endif
