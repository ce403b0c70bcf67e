/* Live tails: who watches the requests of a worker, each over a WebSocket ("trace-v1").
 *
 *   NEW ──its WebSocket comes──> OPEN ──it leaves, is too slow, or its time is up──> gone
 *    └──nobody came for TAIL_CONNECT_MS─────────────────────────────────────────────^
 *
 * A tail is made by the API and answered with a URL that has a secret in it: whoever knows the URL
 * may watch, until the tail expires. The platform is told when a worker's first tail is made and
 * when its last one goes.
 * Owns: tails and their connections. Thread: the loop's.
 * Limits: the enum below. */
#ifndef ATOLL_API_API_TAIL_H
#define ATOLL_API_API_TAIL_H

#include <jansson.h>
#include <uv.h>

#include "api/platform.h"

enum {
    TAIL_PER_WORKER_MAX = 10,
    TAIL_MAX = 1000,                      /* of the server */
    TAIL_CONNECT_MS = 60 * 1000,
    TAIL_LIFE_MS = 6 * 60 * 60 * 1000,
    TAIL_QUEUE_BYTES_MAX = 2 << 20,       /* not taken by a reader: it is cut */
};

struct api_tail;

/* platform is kept. Returned owned; api_tail_stop() frees it. */
struct api_tail *api_tail_start(uv_loop_t *loop, const struct platform *platform);

/* An event of a worker (docs/internals/link.md, `tail`), for those who tail it. Borrowed. */
void api_tail_event(struct api_tail *tail, const char *key, const json_t *event);

/* The worker is gone, and so are its tails. */
void api_tail_forget(struct api_tail *tail, const char *key);

/* Says good-bye to all readers; on_stopped, once, later: its memory is gone then. */
void api_tail_stop(struct api_tail *tail, void (*on_stopped)(void *context), void *context);

#endif
