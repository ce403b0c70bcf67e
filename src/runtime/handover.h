/* Connections that move between processes, so that no worker is waited for by who has nothing to do
 * with it (docs/life-of-a-request.md tells the whole way).
 *
 * Owns: nothing; connections are http/server.h's, and on their way loop/frame.h's. Thread: the
 * loop's. Limits: HANDOVER_HOPS_MAX times for one request. */
#ifndef ATOLL_RUNTIME_HANDOVER_H
#define ATOLL_RUNTIME_HANDOVER_H

#include <jansson.h>

#include "http/detach.h"
#include "loop/frame.h"
#include "runtime/exchange.h"

enum { HANDOVER_HOPS_MAX = 4 };

/* Both are kept. `gives_idle`: there are other processes, which take idle connections. */
void handover_start(struct frame_link *link, struct http_server *server, bool gives_idle);

/* Gives a request's connection to the process that has its worker (x->worker), with all that was
 * read. No answer and no isolate may have begun with it. It leaves the list it is in, and is over
 * (exchange_over) when it has gone. Answers with 503 when it has been handed over too often. */
void handover_give(struct exchange *x);

/* Inside the hook of a `connection` frame: goes on with it here. */
void handover_on_connection(json_t *frame, str blob);

/* For struct isolate_setup: tells `slow`, and gives idle connections away while the turn runs. */
void handover_on_long_turn(struct isolate *iso, uint64_t ns, bool runs);

#endif
