/* Calls between workers; see service_call.h.
 *
 * (1) A version is loaded, which frees and makes isolates, outside of turns only: a call waits in
 *     `starting` until the turn that made it is over.
 * (2) What follows from one request is a tree of calls with a number, which every call of it has in
 *     its isolate_spent, also when it works on after its end. */
#include "runtime/service_call.h"

#include <stdlib.h>

#include "bindings/service/op_service.h"
#include "runtime/event.h"
#include "runtime/op_request.h"
#include "runtime/trace.h"
#include "runtime/version.h"
#include "runtime/worker.h"

enum { TREE_BITS = 14, SUBJECT_BYTES_MAX = 64 << 10, ERROR_BYTES_MAX = 4096 };
enum { SUBJECT_CALL, SUBJECT_FETCH };   /* the first number of a subject, as in service.js */

struct service_call {
    struct event event;
    struct list link;                /* in `starting`, else alone */
    struct service_link *service;    /* held */
    struct service_target target;    /* owned */
};

static struct list starting = {&starting, &starting};

/* ---- limits ---- */

/* How many calls a tree has made. A row is used again by another tree, which is then counted anew:
 * with thousands of trees at once the limit is a little higher, the depth's stays. */
static unsigned *calls_of(uint64_t tree)
{
    static struct {
        uint64_t tree;
        unsigned calls;
    } rows[1 << TREE_BITS];
    size_t at = tree & ((1 << TREE_BITS) - 1);

    if (rows[at].tree != tree) {
        rows[at].tree = tree;
        rows[at].calls = 0;
    }
    return &rows[at].calls;
}

static int admit(struct isolate *iso, struct err *err)
{
    static uint64_t last_tree;
    struct isolate_spent *spent = isolate_spent(iso);
    unsigned *calls;

    if (spent->depth >= SERVICE_CALL_DEPTH_MAX)
        return err_set(err, ERR_LIMIT,
                       "Workers called each other %d times in a chain, which is the most there may "
                       "be. Does one call itself?",
                       SERVICE_CALL_DEPTH_MAX);
    if (!spent->tree)
        spent->tree = ++last_tree;
    calls = calls_of(spent->tree);
    if (*calls >= SERVICE_CALL_TREE_MAX)
        return err_set(err, ERR_LIMIT,
                       "Too many Worker invocations: a request may lead to %d calls of other "
                       "workers.",
                       SERVICE_CALL_TREE_MAX);
    if (!isolate_subrequest(iso))
        return err_set(err, ERR_SUBREQUESTS, "%s", err_text(ERR_SUBREQUESTS));
    ++*calls;
    return 0;
}

/* ---- the event ---- */

static struct service_call *call_of(const struct exchange *x)
{
    return CONTAINER_OF(x->event, struct service_call, event);
}

static void on_dispatch(struct isolate *iso, struct exchange *x)
{
    struct service_call *call = call_of(x);

    op_service_link_attach(call->service, iso, x->id, &call->target);
}

static json_t *trace_of_fetch(const json_t *subject, int status)
{
    const char *method = json_string_value(json_array_get(subject, 2));
    const char *url = json_string_value(json_array_get(subject, 3));
    const char *headers = json_string_value(json_array_get(subject, 4));

    return trace_request_event(str_from(method ? method : "GET"), str_from(url ? url : ""),
                               str_from(headers ? headers : ""), status > 0 ? status : 500);
}

static json_t *trace_of_call(const json_t *subject)
{
    const json_t *path = json_array_get(subject, 4);
    const char *name = json_string_value(json_array_get(path, json_array_size(path) - 1));

    return json_pack("{s:s}", "rpcMethod", name ? name : "");
}

static json_t *on_trace(struct exchange *x)
{
    const struct service_link *service = call_of(x)->service;
    struct buf text;
    json_t *subject, *trace;

    buf_init(&text, SUBJECT_BYTES_MAX);
    subject = op_service_link_subject(service, &text)
                  ? json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL)
                  : NULL;
    trace = json_integer_value(json_array_get(subject, 0)) == SUBJECT_FETCH
                ? trace_of_fetch(subject, op_service_link_status(service))
                : trace_of_call(subject);
    json_decref(subject);
    buf_done(&text);
    return trace;
}

/* The caller hears of what no answer was sent for. */
static void tell_why(const struct service_call *call, str error)
{
    const char *name = strchr(call->target.worker, '/');
    struct buf why;

    buf_init(&why, ERROR_BYTES_MAX);
    if (buf_printf(&why, "The call of the worker \"%s\" failed: ",
                   name ? name + 1 : call->target.worker) == 0) {
        size_t room = ERROR_BYTES_MAX - 1 - why.len;
        ASSERT(buf_append(&why, str_head(error, error.len < room ? error.len : room)) == 0);
    }
    op_service_link_end(call->service, buf_str(&why));
    buf_done(&why);
}

static void on_end(struct exchange *x, str error)
{
    struct service_call *call = call_of(x);

    list_remove(&call->link);
    if (error.len)
        tell_why(call, error);
    else
        op_service_link_end(call->service, STR_NONE);
    op_service_link_unref(call->service);
    free((char *)call->target.worker);
    free((char *)call->target.entrypoint);
    free((char *)call->target.props);
    free(call);
}

static const struct event_kind kind = {on_dispatch, on_trace, on_end};

bool service_call_is(const struct exchange *x)
{
    return x->event && x->event->kind == &kind;
}

/* ---- the host of links ---- */

static int on_call(struct service_link *link, const struct service_target *target, struct err *err)
{
    struct isolate *iso = isolate_current();
    const struct version *caller = version_of_isolate(iso);
    const struct isolate_spent *spent;
    struct service_call *call;
    struct exchange *x;

    if (!caller || version_is_loading(caller))
        return err_set(err, ERR_UNSUPPORTED,
                       "Other workers cannot be called in the global scope, only while a request "
                       "or an event is handled.");
    if (admit(iso, err) < 0)
        return err->code;
    call = mem_new(struct service_call);
    call->event.kind = &kind;
    call->service = op_service_link_ref(link);
    call->target.worker = str_dup(
        str_from(target->worker ? target->worker : version_worker_name(caller)));
    call->target.entrypoint = str_dup(str_from(target->entrypoint));
    call->target.props = str_dup(str_from(target->props));
    x = exchange_new_event(&call->event);
    spent = isolate_spent(iso);
    x->spent.tree = spent->tree;
    x->spent.depth = spent->depth + 1;
    op_service_link_set_user(link, x);
    list_push(&starting, &call->link);
    return 0;
}

static void on_over(struct service_link *link, int status, bool gone)
{
    struct exchange *x = op_service_link_user(link);

    if (status < 0)
        exchange_set_outcome(x, OUTCOME_EXCEPTION);
    if (gone) {
        exchange_set_outcome(x, OUTCOME_CANCELED);
        op_request_on_gone(x);
    }
    event_end(x, STR_NONE);
}

void service_call_init(void)
{
    static const struct service_host host = {on_call, on_over};

    op_service_set_host(&host);
}

bool service_call_start(void)
{
    bool started = op_service_link_take_moved();
    struct list batch, *it;

    list_init(&batch);
    list_move_all(&starting, &batch);
    while ((it = list_pop(&batch))) {
        struct service_call *call = CONTAINER_OF(it, struct service_call, link);

        worker_run(str_from(call->target.worker), op_service_link_user(call->service));
        started = true;
    }
    return started;
}
