/* Links and ops of service bindings; see op_service.h.
 *
 *   op_service_call(binding, text, ...blobs)         the number of the caller's end
 *   op_service_call_own(entrypoint, props, text, ...blobs)
 *   op_service_send(end, last, status, text, ...blobs)   `last`: this end has nothing more to say
 *   op_service_close(end)
 *
 * (1) An op finds an end by number, and only in the isolate that the end is in.
 * (2) An end holds its link from its attaching until it is closed or its isolate goes; so do the
 *     host, as long as the call runs, and a task that is posted.
 * (3) Messages that wait for an end are given to it before it hears that the other end is gone. */
#include "bindings/service/op_service.h"

#include <stdlib.h>

#include "base/member.h"
#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/value.h"

enum { CALLER, CALLEE, BLOBS_MAX = 4096, MESSAGES_PER_TASK = 64, GENERATIONS = 1 << 16 };
enum { STATUS_SWITCHING = 101 };
enum end_state { END_NEW, END_OPEN, END_CLOSED };

struct blob {
    void *bytes;
    size_t len;
};

struct message {
    struct list link;
    JSStringRef text;
    size_t bytes;          /* of all of it */
    size_t blob_count;
    struct blob blobs[];
};

struct end {
    struct service_link *link;
    enum end_state state;
    struct isolate *iso;         /* while it is open */
    struct resource resource;    /* of that */
    struct task deliver;
    struct list inbox;
    size_t inbox_bytes;
    int32_t number;
    int32_t request;             /* works for it */
    bool holds;                  /* its isolate, which nothing else may need */
};

struct service_link {
    unsigned refs;
    size_t slot;
    struct end ends[2];
    void *user;                  /* the host's; NULL: it has forgotten the link */
    JSStringRef subject;
    char *why;                   /* the callee is gone; NULL: nothing special */
    bool ended;                  /* by the host: both ends are over */
    int status;
};

struct service {
    struct handle handle;
    struct service_target target;
};

static const char service_kind[] = "service";
static const struct service_host *host;
static struct service_link *slots[SERVICE_LINKS_MAX];
static uint16_t generations[SERVICE_LINKS_MAX];
static size_t spare[SERVICE_LINKS_MAX], spare_count, slot_count;
static bool moved;

void op_service_set_host(const struct service_host *kept)
{
    host = kept;
}

/* ---- links ---- */

static struct end *other_of(struct end *end)
{
    return &end->link->ends[end == &end->link->ends[CALLER] ? CALLEE : CALLER];
}

static void run_deliver(struct isolate *iso, struct task *task);
static void drop_deliver(struct task *task);
static void on_isolate_gone(struct resource *resource);

/* Looked at when there are many: how many an isolate has begun. */
static size_t begun_by(const struct isolate *iso)
{
    size_t count = 0;

    for (size_t i = 0; i < slot_count; i++)
        count += slots[i] && slots[i]->ends[CALLER].iso == iso;
    return count;
}

/* NULL when there are too many. */
static struct service_link *link_new(const struct isolate *iso)
{
    struct service_link *link;
    size_t slot, used = slot_count - spare_count;

    if (used == SERVICE_LINKS_MAX ||
        (used >= SERVICE_LINKS_OF_ISOLATE_MAX && begun_by(iso) >= SERVICE_LINKS_OF_ISOLATE_MAX))
        return NULL;
    slot = spare_count ? spare[--spare_count] : slot_count++;
    link = slots[slot] = mem_new(struct service_link);
    link->slot = slot;
    generations[slot] = (uint16_t)(generations[slot] % (GENERATIONS / 2 - 1) + 1);
    for (int i = CALLER; i <= CALLEE; i++) {
        struct end *end = &link->ends[i];

        end->link = link;
        list_init(&end->inbox);
        list_init(&end->resource.link);
        end->resource.close = on_isolate_gone;
        end->deliver = (struct task){.run = run_deliver, .drop = drop_deliver};
        end->number = (int32_t)((unsigned)generations[slot] << 16 | (unsigned)slot << 1 |
                                (unsigned)i);
    }
    return link;
}

static void message_free(struct message *message)
{
    for (size_t i = 0; i < message->blob_count; i++)
        free(message->blobs[i].bytes);
    JSStringRelease(message->text);
    free(message);
}

static void empty(struct end *end)
{
    struct list *it;

    while ((it = list_pop(&end->inbox)))
        message_free(CONTAINER_OF(it, struct message, link));
    end->inbox_bytes = 0;
}

struct service_link *op_service_link_ref(struct service_link *link)
{
    link->refs++;
    return link;
}

void op_service_link_unref(struct service_link *link)
{
    if (!link || --link->refs)
        return;
    empty(&link->ends[CALLER]);
    empty(&link->ends[CALLEE]);
    if (link->subject)
        JSStringRelease(link->subject);
    slots[link->slot] = NULL;
    spare[spare_count++] = link->slot;
    free(link->why);
    free(link);
}

void op_service_link_set_user(struct service_link *link, void *user)
{
    link->user = user;
}

void *op_service_link_user(const struct service_link *link)
{
    return link->user;
}

int op_service_link_status(const struct service_link *link)
{
    return link->status;
}

bool op_service_link_subject(const struct service_link *link, struct buf *out)
{
    size_t room = link->subject ? JSStringGetMaximumUTF8CStringSize(link->subject) : 0;

    if (!room || buf_reserve(out, room) < 0)
        return false;
    out->len += JSStringGetUTF8CString(link->subject, out->ptr + out->len, room) - 1;
    return true;
}

bool op_service_link_take_moved(void)
{
    bool was = moved;

    moved = false;
    return was;
}

/* ---- ends ---- */

static void post(struct end *end)
{
    if (end->state != END_OPEN || end->deliver.link.next)
        return;
    op_service_link_ref(end->link);
    isolate_post(end->iso, &end->deliver);
    moved = true;
}

static void end_open(struct end *end, struct isolate *iso, int32_t request)
{
    op_service_link_ref(end->link);
    end->state = END_OPEN;
    end->iso = iso;
    end->request = request;
    isolate_add_resource(iso, &end->resource);
}

/* It hears of nothing any more. True when it was open. */
static bool end_shut(struct end *end)
{
    bool was_open = end->state == END_OPEN;

    end->state = END_CLOSED;
    empty(end);
    if (!was_open)
        return false;
    isolate_remove_resource(&end->resource);
    if (end->holds)
        isolate_hold(end->iso, -1);
    end->holds = false;
    end->iso = NULL;
    return true;
}

static void tell_host(struct service_link *link, bool gone)
{
    if (link->user)
        host->over(link, link->status, gone);
}

/* This end has said its last word. */
static void end_close(struct end *end)
{
    struct service_link *link = op_service_link_ref(end->link);
    bool is_caller = end == &link->ends[CALLER];

    if (end_shut(end)) {
        post(other_of(end));
        tell_host(link, is_caller && link->ends[CALLEE].state != END_CLOSED && !link->status);
        op_service_link_unref(link);
    }
    op_service_link_unref(link);
}

static void on_isolate_gone(struct resource *resource)
{
    struct end *end = CONTAINER_OF(resource, struct end, resource);
    struct service_link *link = end->link;

    /* Of what is still a call the host says why. */
    if (end == &link->ends[CALLEE] && !link->user && !link->why && isolate_is_terminated(end->iso))
        link->why = str_dup(STR("The other worker ran into a limit."));
    end_close(end);
}

static struct end *end_of(JSContextRef ctx, JSValueRef value)
{
    int32_t number = (int32_t)value_to_number(ctx, value, 0);
    size_t slot = ((uint32_t)number & 0xFFFF) >> 1;
    struct service_link *link = number > 0 && slot < slot_count ? slots[slot] : NULL;
    struct end *end = link ? &link->ends[number & 1] : NULL;

    return end && end->number == number && end->state == END_OPEN && end->iso == isolate_current()
               ? end
               : NULL;
}

/* ---- messages ---- */

static size_t blob_bytes(JSContextRef ctx, size_t count, const JSValueRef blobs[])
{
    const void *bytes;
    size_t total = 0, len;

    for (size_t i = 0; i < count; i++)
        if (value_view(ctx, blobs[i], &bytes, &len))
            total += len;
    return total;
}

/* NULL when *exception was set. */
static struct message *message_new(JSContextRef ctx, JSValueRef value, size_t count,
                                   const JSValueRef blobs[], JSValueRef *exception)
{
    struct message *message;
    JSStringRef text = JSValueToStringCopy(ctx, value, exception);
    size_t bytes, len;

    if (!text)
        return NULL;
    bytes = JSStringGetLength(text) + blob_bytes(ctx, count, blobs);
    if (count > BLOBS_MAX || bytes > SERVICE_MESSAGE_BYTES_MAX) {
        JSStringRelease(text);
        value_throw(ctx, ERR_LIMIT,
                    "What is sent to the other worker at once is larger than 32 MiB. Send a "
                    "ReadableStream instead.",
                    exception);
        return NULL;
    }
    message = mem_zeroed(sizeof *message + count * sizeof message->blobs[0]);
    message->text = text;
    message->bytes = bytes;
    message->blob_count = count;
    for (size_t i = 0; i < count; i++) {
        const void *from;

        if (!value_view(ctx, blobs[i], &from, &len))
            continue;
        message->blobs[i].bytes = mem_zeroed(len + 1);
        message->blobs[i].len = len;
        memcpy(message->blobs[i].bytes, from, len);
    }
    return message;
}

static int put(struct end *to, struct message *message)
{
    if (to->state == END_CLOSED) {
        message_free(message);
        return 0;
    }
    if (to->inbox_bytes + message->bytes > SERVICE_INBOX_BYTES_MAX) {
        message_free(message);
        return ERR_LIMIT;
    }
    to->inbox_bytes += message->bytes;
    list_push(&to->inbox, &message->link);
    post(to);
    return 0;
}

static JSValueRef full(JSContextRef ctx, JSValueRef *exception)
{
    return value_throw(ctx, ERR_LIMIT,
                       "More than 64 MiB wait for the other worker, which does not read them.",
                       exception);
}

static JSValueRef why_of(JSContextRef ctx, const struct end *end)
{
    const char *why = end->link->why;

    return why && end == &end->link->ends[CALLER] ? value_string(ctx, str_from(why))
                                                  : JSValueMakeUndefined(ctx);
}

/* HOOK_SERVICE: (end, over, why, text, ...blobs); without a text there is nothing but the end. */
static void give(struct isolate *iso, struct end *end, struct message *message, bool over)
{
    JSContextRef ctx = isolate_context(iso);
    size_t count = message ? message->blob_count : 0;
    JSValueRef few[8],
        *argv = count + 4 > COUNT_OF(few) ? mem_zeroed((count + 4) * sizeof *argv) : few;

    argv[0] = JSValueMakeNumber(ctx, end->number);
    argv[1] = JSValueMakeBoolean(ctx, over);
    argv[2] = over ? why_of(ctx, end) : JSValueMakeUndefined(ctx);
    argv[3] = message ? JSValueMakeString(ctx, message->text) : JSValueMakeUndefined(ctx);
    for (size_t i = 0; i < count; i++) {
        argv[4 + i] = value_bytes_take(ctx, message->blobs[i].bytes, message->blobs[i].len);
        message->blobs[i].bytes = NULL;
    }
    hook_call(iso, HOOK_SERVICE, count + 4, argv, NULL);
    if (argv != few)
        free(argv);
}

static bool is_over(struct end *end)
{
    return end->link->ended || other_of(end)->state == END_CLOSED;
}

static void deliver_some(struct isolate *iso, struct end *end)
{
    for (int i = 0; i < MESSAGES_PER_TASK && end->state == END_OPEN; i++) {
        struct list *it = list_pop(&end->inbox);
        struct message *message = it ? CONTAINER_OF(it, struct message, link) : NULL;
        bool over = is_over(end) && list_empty(&end->inbox);

        if (!message && !over)
            return;
        isolate_cells(iso)[CELL_CURRENT] = end->request;
        if (message)
            end->inbox_bytes -= message->bytes;
        give(iso, end, message, over);
        if (message)
            message_free(message);
        if (over)
            end_close(end);
        if (isolate_is_terminated(iso))
            return;
    }
}

static void run_deliver(struct isolate *iso, struct task *task)
{
    struct end *end = CONTAINER_OF(task, struct end, deliver);
    struct service_link *link = end->link;

    task->link = (struct list){NULL, NULL};
    deliver_some(iso, end);
    if (end->state == END_OPEN && (!list_empty(&end->inbox) || is_over(end)))
        post(end);
    op_service_link_unref(link);
}

static void drop_deliver(struct task *task)
{
    struct end *end = CONTAINER_OF(task, struct end, deliver);

    task->link = (struct list){NULL, NULL};
    op_service_link_unref(end->link);
}

/* ---- for the host ---- */

void op_service_link_attach(struct service_link *link, struct isolate *iso, int32_t request,
                            const struct service_target *target)
{
    struct end *end = &link->ends[CALLEE];
    JSContextRef ctx = isolate_context(iso);

    if (end->state != END_NEW)
        return;
    end_open(end, iso, request);
    isolate_cells(iso)[CELL_CURRENT] = request;
    JSValueRef argv[] = {JSValueMakeNumber(ctx, end->number), JSValueMakeNumber(ctx, request),
                         value_string(ctx, str_from(target->entrypoint)),
                         value_string(ctx, str_from(target->props))};
    hook_call(iso, HOOK_SERVE, COUNT_OF(argv), argv, NULL);
    post(end);
}

void op_service_link_end(struct service_link *link, str why)
{
    struct end *callee = &link->ends[CALLEE];

    link->user = NULL;
    if (!why.len)
        return;
    if (!link->why)
        link->why = str_dup(why);
    link->ended = true;
    if (callee->state == END_NEW)
        end_shut(callee);
    post(callee);
    post(&link->ends[CALLER]);
}

/* ---- the binding ---- */

static void service_free(struct handle *handle)
{
    struct service *service = CONTAINER_OF(handle, struct service, handle);

    free((char *)service->target.worker);
    free((char *)service->target.entrypoint);
    free((char *)service->target.props);
    free(service);
}

JSObjectRef op_service_open(JSContextRef ctx, const json_t *binding, struct err *err)
{
    const char *worker = member_text(binding, "worker");
    const char *entrypoint = member_text(binding, "entrypoint");
    const json_t *props = json_object_get(binding, "props");
    struct service *service;

    if (!worker) {
        err_set(err, ERR_INVALID, "it names no worker");
        return NULL;
    }
    service = mem_new(struct service);
    service->handle.kind = service_kind;
    service->handle.free = service_free;
    service->target.worker = str_dup(str_from(worker));
    service->target.entrypoint = str_dup(str_from(entrypoint ? entrypoint : ""));
    service->target.props = json_is_object(props) ? json_dumps(props, JSON_COMPACT)
                                                  : str_dup(STR_NONE);
    return handle_object(ctx, &service->handle);
}

/* ---- ops ---- */

/* Calls `target` with a first message. The number of this end; undefined when *exception was
 * set. */
static JSValueRef call(JSContextRef ctx, const struct service_target *target,
                       struct message *message, JSValueRef *exception)
{
    struct isolate *iso = isolate_current();
    struct err err = {0};
    struct service_link *link = link_new(iso);
    struct end *end;
    JSValueRef number = NULL;

    if (!link) {
        message_free(message);
        return value_throw(ctx, ERR_LIMIT, "Too many calls between workers run at once.",
                           exception);
    }
    end = &link->ends[CALLER];
    end_open(end, iso, isolate_cells(iso)[CELL_CURRENT]);
    op_service_link_ref(link);
    link->subject = JSStringRetain(message->text);
    if (put(&link->ends[CALLEE], message) == 0 && host->call(link, target, &err) == 0) {
        number = JSValueMakeNumber(ctx, end->number);
    } else {
        link->user = NULL;
        end_close(end);
        number = value_throw(ctx, err.code, err.text, exception);
    }
    op_service_link_unref(link);
    return number;
}

OP(op_service_call)
{
    struct handle *handle = handle_of(ctx, OP_ARG(0), service_kind);
    struct message *message = NULL;
    JSValueRef number = JSValueMakeUndefined(ctx);

    if (!handle)
        return value_throw(ctx, ERR_INVALID, "Illegal invocation", exception);
    value_lock(ctx);
    if ((message = message_new(ctx, OP_ARG(1), argc > 2 ? argc - 2 : 0, argv + 2, exception)))
        number = call(ctx, &CONTAINER_OF(handle, struct service, handle)->target, message,
                      exception);
    value_unlock(ctx);
    return number;
}

OP(op_service_call_own)
{
    size_t len;
    char *entrypoint = value_to_utf8(ctx, OP_ARG(0), &len, exception);
    char *props = entrypoint ? value_to_utf8(ctx, OP_ARG(1), &len, exception) : NULL;
    struct message *message = NULL;
    JSValueRef number = JSValueMakeUndefined(ctx);

    if (props)
        message = message_new(ctx, OP_ARG(2), argc > 3 ? argc - 3 : 0, argv + 3, exception);
    if (message)
        number = call(ctx, &(struct service_target){NULL, entrypoint, props}, message, exception);
    free(entrypoint);
    free(props);
    return number;
}

/* An exception stays one, whatever follows. With a WebSocket the call is over, as a request is, and
 * the link goes on. */
static void note_status(struct end *end, int status)
{
    struct service_link *link = end->link;

    if (status && link->status >= 0)
        link->status = status;
    if (status != STATUS_SWITCHING || end != &link->ends[CALLEE] || end->holds)
        return;
    end->holds = true;
    isolate_hold(end->iso, 1);
    tell_host(link, false);
}

/* The end, when somebody is at the other one. */
static struct end *is_read(JSContextRef ctx, JSValueRef number)
{
    struct end *end = end_of(ctx, number);

    return end && other_of(end)->state != END_CLOSED ? end : NULL;
}

/* True when there is somebody to read it. */
OP(op_service_send)
{
    bool last = JSValueToBoolean(ctx, OP_ARG(1));
    int status = (int)value_to_number(ctx, OP_ARG(2), 0);
    struct message *message = NULL;
    struct end *end;

    if (!is_read(ctx, OP_ARG(0)))
        return JSValueMakeBoolean(ctx, false);
    value_lock(ctx);
    message = message_new(ctx, OP_ARG(3), argc > 4 ? argc - 4 : 0, argv + 4, exception);
    if (message && !(end = is_read(ctx, OP_ARG(0)))) { /* its text may have been a call */
        message_free(message);
        value_unlock(ctx);
        return JSValueMakeBoolean(ctx, false);
    }
    if (message && put(other_of(end), message) < 0) {
        full(ctx, exception);
        message = NULL;
    }
    value_unlock(ctx);
    if (!message)
        return JSValueMakeUndefined(ctx);
    note_status(end, status);
    if (last)
        end_close(end);
    return JSValueMakeBoolean(ctx, true);
}

OP(op_service_close)
{
    struct end *end = end_of(ctx, OP_ARG(0));

    if (end)
        end_close(end);
    return JSValueMakeUndefined(ctx);
}

const struct op op_service_table[] = {
    {"op_service_call", op_service_call},
    {"op_service_call_own", op_service_call_own},
    {"op_service_send", op_service_send},
    {"op_service_close", op_service_close},
    {0},
};
