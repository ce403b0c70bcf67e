/* Requests answered with objects of a published bucket; no script is there, no isolate is used.
 *
 * An exchange whose answer takes longer than the call holds a bucket_route until it is over.
 * Owns: routes. Thread: the loop's. Limits: those of bindings/publish. */
#ifndef ATOLL_RUNTIME_BUCKET_ROUTE_H
#define ATOLL_RUNTIME_BUCKET_ROUTE_H

#include "bindings/publish/publish_host.h"

struct exchange;

/* Answers, now or later: the host of the request is one of the set, or nobody is there. */
void bucket_route_answer(const struct publish_set *set, struct exchange *x);

/* The exchange, which has a route, is over. */
void bucket_route_over(struct exchange *x);

/* There is room for more of a long answer. */
void bucket_route_on_drain(struct exchange *x);

/* True while a route reads: the process is not to end. */
bool bucket_route_any_busy(void);

#endif
