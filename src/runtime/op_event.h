/* What passes between an isolate and those who run its scheduled().
 *
 * The JavaScript side is src/web/js/scheduled.js. Thread: the loop's. */
#ifndef ATOLL_RUNTIME_OP_EVENT_H
#define ATOLL_RUNTIME_OP_EVENT_H

#include "engine/op.h"
#include "runtime/exchange.h"

extern const struct op op_event_table[];

/* Gives an event to its isolate, inside a turn. */
void op_event_dispatch(struct isolate *iso, struct exchange *x);

/* Runs scheduled() in place of the handler of a request (event_is_trigger()), inside a turn. */
void op_event_trigger(struct isolate *iso, struct exchange *x);

#endif
