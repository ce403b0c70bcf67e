/* A live tail of a worker, watched over its WebSocket ("trace-v1"), until somebody ends it.
 *
 *   tail_open ──> OPEN ──the connection is lost──> LOST ──tail_run tries again──> OPEN
 *                  ├──the server says Close 1000: the worker is gone──> OVER
 *                  └──Ctrl-C, SIGTERM or tail_stop()──> STOPPED
 *
 * Signals end it only while it waits for events; otherwise they do what they always do.
 * Owns: the tail on the server, its connection. Thread: the loop of its remote, which runs inside
 * tail_open(), tail_run() and tail_close(). Limits: the enum below, those of http/websocket.h. */
#ifndef ATOLL_REMOTE_TAIL_H
#define ATOLL_REMOTE_TAIL_H

#include "remote/remote.h"

enum {
    TAIL_TRIES_MAX = 20,          /* to connect again, one after the other; some three minutes */
    TAIL_DELAY_MS = 250,          /* before the first; doubles */
    TAIL_DELAY_MAX_MS = 10000,
    TAIL_STABLE_MS = 30 * 1000,   /* a connection that held so long: tries are counted anew */
};

struct tail;

struct tail_hooks {
    /* An event (an object), borrowed. tail_stop() may be called. */
    void (*on_event)(void *context, struct tail *tail, const json_t *event);
    /* What happens to the connection, a line for a person. */
    void (*on_note)(void *context, const char *text);
    void *context;
};

/* Makes a tail of the worker with `filters` (an array as docs/api.md has it; borrowed) and waits
 * until it is connected. hooks are kept. Returns 0 with the tail, returned owned; or what
 * remote_call() says, or ERR_NETWORK when its WebSocket cannot be reached. */
NODISCARD int tail_open(struct remote *remote, const char *worker, json_t *filters,
                        const struct tail_hooks *hooks, struct tail **ret, struct err *err);

/* Waits for events until it is STOPPED or OVER: 0. Connects again when the connection is lost;
 * returns ERR_NETWORK when that was in vain, or what remote_call() says when there is no sense in
 * it (ERR_DENIED, ERR_NOT_FOUND). */
NODISCARD int tail_run(struct tail *tail, struct err *err);

/* From a hook: tail_run() returns. */
void tail_stop(struct tail *tail);

/* Ends it on the server, too. NULL is fine. */
void tail_close(struct tail *tail);

#endif
