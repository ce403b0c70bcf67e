/* What passes between an isolate and the server for a request: the dispatch, the body, the answer.
 *
 * The JavaScript side is src/web/js/core.js (dispatch, short answers), incoming.js (body) and
 * answer.js (everything else). Thread: the loop's. */
#ifndef ATOLL_RUNTIME_OP_REQUEST_H
#define ATOLL_RUNTIME_OP_REQUEST_H

#include "base/limits.h"
#include "engine/op.h"
#include "runtime/exchange.h"

extern const struct op op_request_table[];

/* Fills in the tasks of a new exchange. */
void op_request_prepare(struct exchange *x);

/* Sees whether its worker takes so large a body; answers when it does not, and returns false. */
NODISCARD bool op_request_admit(struct exchange *x, const struct limits *limits);

/* Hands the answers that core.js listed in the cells to the server. Inside a turn, at its end. */
void op_request_collect_answers(struct isolate *iso);

/* Tells the exchange's isolate what happened to its connection; outside of turns. */
void op_request_on_body(struct exchange *x);
void op_request_on_drain(struct exchange *x);
void op_request_on_gone(struct exchange *x);
void op_request_on_over(struct exchange *x);

#endif
