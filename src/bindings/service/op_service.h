/* Service bindings: links between isolates, and the ops under service/service.js.
 *
 * A link has two ends, the caller's and the callee's, each in one isolate. A message is a text and
 * some blobs, copied out of one VM and into the other in a task of the isolate that gets it: no
 * value of one isolate is ever seen by another.
 *
 *   op_service_call ──> host->call ──> (the host finds an isolate) ──> op_service_link_attach
 *        messages both ways
 *   op_service_close, op_service_link_end, an isolate that goes ──> the other end is told, once
 *
 * Owns: links, their messages. Thread: the loop's. Limits: the enum below. */
#ifndef ATOLL_BINDINGS_OP_SERVICE_H
#define ATOLL_BINDINGS_OP_SERVICE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/isolate.h"
#include "engine/op.h"

enum {
    SERVICE_LINKS_MAX = 8192,              /* in a process */
    SERVICE_LINKS_OF_ISOLATE_MAX = 2048,   /* that one has begun */
    SERVICE_MESSAGE_BYTES_MAX = 32 << 20,
    SERVICE_INBOX_BYTES_MAX = 64 << 20,    /* that wait for one end */
};

struct service_link;

/* Who is called. Borrowed for a call. */
struct service_target {
    const char *worker;        /* its key; NULL: the caller's own */
    const char *entrypoint;    /* "": the default export */
    const char *props;         /* JSON text of an object; "": none */
};

/* What the runtime does for links. */
struct service_host {
    /* Begins a call for what runs now: later the callee's end is attached, or the link ended.
     * Returns 0, or an error with a text for the tenant. In a turn. */
    int (*call)(struct service_link *link, const struct service_target *target, struct err *err);
    /* The callee has said the last word, `status` being that of its Response (0: none), or the
     * caller has let go (`gone`: before it had its answer). The host forgets the link. Perhaps in a
     * turn. */
    void (*over)(struct service_link *link, int status, bool gone);
};

void op_service_set_host(const struct service_host *host);   /* kept */

struct service_link *op_service_link_ref(struct service_link *link);
void op_service_link_unref(struct service_link *link);

/* The callee's isolate is there, and works under this number: messages are given to it from now
 * on, beginning with HOOK_SERVE. In a turn of that isolate. */
void op_service_link_attach(struct service_link *link, struct isolate *iso, int32_t request,
                            const struct service_target *target);

/* The host forgets the link. With `why` the callee is gone, or was never there: both ends are over,
 * and the caller hears why. */
void op_service_link_end(struct service_link *link, str why);

/* For the host. */
void op_service_link_set_user(struct service_link *link, void *user);   /* borrowed */
void *op_service_link_user(const struct service_link *link);
int op_service_link_status(const struct service_link *link);

/* The first message's text, which says what is called; false when it is too long for `out`. */
bool op_service_link_subject(const struct service_link *link, struct buf *out);

/* True once after messages were posted: isolates have tasks. */
bool op_service_link_take_moved(void);

/* `open` of a kind of bindings. */
JSObjectRef op_service_open(JSContextRef ctx, const json_t *binding, struct err *err);

#endif
