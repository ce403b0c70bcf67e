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

#include "base/buf.h"
#include "base/list.h"
#include "engine/isolate.h"
#include "http/server.h"
#include "web/op_fetch.h"

enum { EXCHANGE_COLLECT_MAX = 128 << 20 };

struct version;

struct exchange {
    int32_t id;
    struct list link;              /* in its worker's waiting or its version's running list */
    struct http_request *http;     /* NULL once the connection let go of it */
    const char *worker;            /* the name of its worker, borrowed; "" when none is known */
    struct version *version;       /* that serves it; NULL while it waits */
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
    uint64_t cpu_ns;
    uint64_t start_ns;             /* 0 when nobody asks how long it took */
    bool client_gone;              /* HOOK_ABORT is to say so */
    bool watched;                  /* JavaScript keeps something until the request is over */
};

/* Takes over a request whose head is whole; `head` is borrowed. Never NULL. */
struct exchange *exchange_new(struct http_request *http, const struct http_head *head);

/* The exchange with this number; NULL when it is over. */
struct exchange *exchange_find(int32_t id);

/* Posts one of the exchange's tasks to its version's isolate, unless it is posted already. */
void exchange_post(struct exchange *x, struct task *task);

/* A posted task ran or was dropped; frees the exchange when it was the last thing to wait for. */
void exchange_task_done(struct exchange *x);

/* The connection let go of the request: tells the log, frees what nothing waits for. */
void exchange_over(struct exchange *x);

/* Answers. All of them do nothing when an answer was begun already or nobody is there to read. */
void exchange_answer(struct exchange *x, int status, str head, str body);
bool exchange_can_answer(const struct exchange *x);

/* Finds the host of the request as "name" or "name:port"; empty when it sent none. */
str exchange_host(const struct exchange *x);

#endif
