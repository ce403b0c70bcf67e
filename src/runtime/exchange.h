/* An exchange: one request that is being served, from its head to the last byte of its answer.
 *
 *   waiting (for its worker to be loaded) ──> given to an isolate ──> answered ──> over
 *
 * Its number (`id`) is what JavaScript knows of it; a number is not used again for a long time, so
 * a late answer finds nothing.
 *
 * Owns: the copied text of the request. Thread: the loop's.
 * Limits: EXCHANGE_COLLECT_MAX bytes for a body taken as a whole. */
#ifndef ATOLL_RUNTIME_EXCHANGE_H
#define ATOLL_RUNTIME_EXCHANGE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/list.h"
#include "engine/isolate.h"
#include "http/server.h"
#include "runtime/outcome.h"
#include "web/op_fetch.h"

enum { EXCHANGE_COLLECT_MAX = 128 << 20 };

struct asset_route;
struct bucket_route;
struct event;
struct trace;
struct version;
struct worker;

struct exchange {
    int32_t id;
    struct list link;              /* in its worker's waiting or its version's running list */
    struct http_request *http;     /* NULL once the connection let go of it */
    struct event *event;           /* of what is no request; NULL when it is over */
    const char *worker;            /* the key of its worker, borrowed; "" when none is known */
    struct worker *held;           /* its worker, until it is over; NULL when none is known */
    bool counted;                  /* among the requests the worker has at once */
    struct version *version;       /* that serves it; NULL while it waits */
    unsigned chosen;               /* which version of its worker is to: index + 1; 0: none yet */
    struct asset_route *asset;     /* of a file on its way to the client; NULL: none is */
    struct bucket_route *bucket;   /* of an object of a published bucket; NULL: none is */
    struct task dispatch;          /* gives it to the isolate */
    struct task body_ready;        /* a pull or collect that can be answered */
    struct task drained;           /* room again for a streamed answer */
    struct task gone;              /* the client went away */
    unsigned tasks_posted;         /* of these four, not run yet: the memory stays until then */
    enum http_method method_id;
    size_t method_len;             /* of text: the method, when method_id is HTTP_OTHER */
    size_t url_len;                /* of text, behind the method */
    struct buf text;               /* method, url, lines "name: value\n" */
    int64_t body_length;           /* -1 none, -2 unknown, else bytes */
    int32_t pull_id;               /* completion that waits for the next bytes; 0 none */
    int32_t collect_id;            /* completion that waits for all of it */
    bool collect_text;             /* and wants it as a string */
    int32_t drain_id;              /* completion that waits for room in the answer, or its end */
    struct op_fetch_sink sink;     /* takes a fetch's body for the answer */
    char *sink_error;              /* why that body ended early; NULL: it did not */
    struct isolate_spent spent;
    uint64_t start_ns;             /* by meter_now_ns() */
    enum outcome outcome;          /* the first that was found */
    struct trace *trace;           /* its lines and exceptions; NULL: none so far */
    bool reads_bucket;             /* answered with what a published bucket was read for */
    bool handed;                   /* to another process, which answers it */
    bool client_gone;              /* HOOK_ABORT is to say so */
    bool watched;                  /* JavaScript keeps something until the request is over */
};

/* Takes over a request whose head is whole; `head` is borrowed. Never NULL. */
struct exchange *exchange_new(struct http_request *http, const struct http_head *head);

/* One for an event (kept until event_end()), which has no connection. Never NULL. */
struct exchange *exchange_new_event(struct event *event);

/* The exchange with this number; NULL when it is over. */
struct exchange *exchange_find(int32_t id);

/* Posts one of the exchange's tasks to its version's isolate, unless it is posted already. */
void exchange_post(struct exchange *x, struct task *task);

/* A posted task ran or was dropped; frees the exchange when it was the last thing to wait for. */
void exchange_task_done(struct exchange *x);

/* The connection let go of the request: tells the log, frees what nothing waits for. */
void exchange_over(struct exchange *x);

/* ---- for event.c ---- */

/* True when those who watch its worker are to be told of it; tells them, `event` is taken. */
bool exchange_is_watched(const struct exchange *x);
void exchange_tell_trace(struct exchange *x, uint64_t wall_ns, json_t *event);

/* Leaves its version and its worker, and frees what nothing waits for. */
void exchange_leave(struct exchange *x);

/* Answers. All of them do nothing when an answer was begun already or nobody is there to read. */
void exchange_answer(struct exchange *x, int status, str head, str body);
bool exchange_can_answer(const struct exchange *x);

/* Ends it: a page when it can be answered, else the answer is cut. */
void exchange_fail(struct exchange *x, enum outcome outcome);

/* Says how it ended, unless that was said before. */
void exchange_set_outcome(struct exchange *x, enum outcome outcome);

/* Ends those that take longer than their worker may (`wall_ms`). Outside of turns, now and then. */
void exchange_end_late(void);

/* Finds the host of the request as "name" or "name:port"; empty when it sent none. */
str exchange_host(const struct exchange *x);

/* Calls `each` for every request that was given to an isolate; it may end that one. */
void exchange_each(void (*each)(struct exchange *x, void *context), void *context);

/* True while the isolate has not begun with it; exchange_withdraw() then takes it back. */
bool exchange_is_waiting(const struct exchange *x);
void exchange_withdraw(struct exchange *x);

str exchange_method(const struct exchange *x);

/* Its path with the query. */
str exchange_path(const struct exchange *x);

/* The value of its first header of this name, which is in lower case; empty when there is none. */
str exchange_header(const struct exchange *x, str name);

#endif
