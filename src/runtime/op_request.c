/* Requests into JavaScript and answers out of it; see op_request.h.
 *
 * (1) Every op finds its exchange by number: when the request is over there is none, and the op
 *     says so instead of touching the connection.
 * (2) A completion that waits (pull, collect, drain) is settled by a task, never from a hook of
 *     the server: JavaScript runs only in turns. */
#include "runtime/op_request.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "bindings/r2/op_r2.h"
#include "engine/hook.h"
#include "engine/value.h"
#include "runtime/event.h"
#include "runtime/op_event.h"
#include "runtime/runtime.h"
#include "runtime/version.h"

enum {
    SCRATCH_KEPT_BYTES_MAX = 1 << 20,
    ANSWER_QUEUED_BYTES_MAX = 8 << 20, /* before a further piece */
};

static struct exchange *exchange_arg(JSContextRef ctx, JSValueRef value)
{
    return exchange_find((int32_t)value_to_number(ctx, value, 0));
}

/* From here on the task may be posted again, also by the JavaScript that it runs. */
static struct exchange *begin_task(struct exchange *x, struct task *task)
{
    task->link = (struct list){NULL, NULL};
    return x;
}

/* ---- the dispatch ---- */

static void run_dispatch(struct isolate *iso, struct task *task)
{
    struct exchange *x = begin_task(CONTAINER_OF(task, struct exchange, dispatch), task);
    JSContextRef ctx = isolate_context(iso);
    str text = buf_str(&x->text);

    if (x->http && runtime_options()->dev && event_is_trigger(x)) {
        op_event_trigger(iso, x);
    } else if (x->http) {
        JSValueRef method = x->method_len ? value_latin1(ctx, str_head(text, x->method_len))
                                          : JSValueMakeNumber(ctx, x->method_id);
        JSValueRef argv[] = {JSValueMakeNumber(ctx, x->id), method,
                             value_latin1(ctx, str_skip(text, x->method_len)),
                             JSValueMakeNumber(ctx, (double)x->url_len),
                             JSValueMakeNumber(ctx, (double)x->body_length)};
        hook_call(iso, HOOK_DISPATCH, COUNT_OF(argv), argv, NULL);
    } else if (x->event) {
        event_dispatch(iso, x);
    }
    exchange_task_done(x);
}

static void drop_dispatch(struct task *task)
{
    exchange_task_done(begin_task(CONTAINER_OF(task, struct exchange, dispatch), task));
}

/* ---- the body ---- */

static void settle(struct isolate *iso, int32_t *id, JSValueRef error, JSValueRef value)
{
    int32_t settled = *id;

    *id = 0;
    hook_complete(iso, settled, error, value);
}

static JSValueRef take_bytes(JSContextRef ctx, struct buf *from)
{
    size_t len;
    char *bytes;

    if (!from->len)
        return value_bytes(ctx, NULL, 0);
    bytes = buf_take(from, &len);
    return value_bytes_take(ctx, bytes, len);
}

static enum http_body_state body_state(const struct exchange *x)
{
    return x->http ? http_body_state(x->http) : HTTP_BODY_FAILED;
}

static void body_failed(struct isolate *iso, int32_t *id)
{
    JSContextRef ctx = isolate_context(iso);

    settle(iso, id,
           value_error(ctx, ERR_CLOSED, "The request's body ended before it was complete."), NULL);
}

static void settle_pull(struct isolate *iso, struct exchange *x)
{
    if (x->http && http_body_buffer(x->http)->len)
        settle(iso, &x->pull_id, NULL, take_bytes(isolate_context(iso), http_body_buffer(x->http)));
    else if (body_state(x) == HTTP_BODY_ENDED)
        settle(iso, &x->pull_id, NULL, NULL);
    else if (body_state(x) == HTTP_BODY_FAILED)
        body_failed(iso, &x->pull_id);
    else
        http_body_want(x->http);
}

/* All of the body, which has ended: a string (WHATWG Encoding, "UTF-8 decode") or bytes. */
static JSValueRef take_whole(JSContextRef ctx, struct exchange *x, bool as_text)
{
    struct buf *body = http_body_buffer(x->http);
    JSValueRef value;
    char *text;
    size_t len;

    if (!as_text)
        return take_bytes(ctx, body);
    text = buf_take(body, &len);
    value = value_string(ctx, utf8_skip_bom((str){text, len}));
    free(text);
    return value;
}

static void settle_collect(struct isolate *iso, struct exchange *x)
{
    JSContextRef ctx = isolate_context(iso);

    if (body_state(x) == HTTP_BODY_ENDED)
        settle(iso, &x->collect_id, NULL, take_whole(ctx, x, x->collect_text));
    else if (body_state(x) == HTTP_BODY_FAILED)
        body_failed(iso, &x->collect_id);
    else if (http_body_buffer(x->http)->len >= EXCHANGE_COLLECT_MAX)
        settle(iso, &x->collect_id, value_error(ctx, ERR_LIMIT, "The body is larger than 128 MiB."),
               NULL);
    else
        http_body_want_all(x->http, EXCHANGE_COLLECT_MAX);
}

static void run_body_ready(struct isolate *iso, struct task *task)
{
    struct exchange *x = begin_task(CONTAINER_OF(task, struct exchange, body_ready), task);

    if (x->pull_id)
        settle_pull(iso, x);
    if (x->collect_id)
        settle_collect(iso, x);
    exchange_task_done(x);
}

static void drop_body_ready(struct task *task)
{
    exchange_task_done(begin_task(CONTAINER_OF(task, struct exchange, body_ready), task));
}

static JSValueRef body_over(JSContextRef ctx, JSValueRef *exception)
{
    return value_throw(ctx, ERR_CLOSED,
                       "The request is over: its body can no longer be read. Read it before the "
                       "response is sent.",
                       exception);
}

/* op_body_pull(request, completion): the next bytes, undefined at the end */
OP(op_body_pull)
{
    struct exchange *x = exchange_arg(ctx, OP_ARG(0));

    if (!x)
        return body_over(ctx, exception);
    x->pull_id = (int32_t)value_to_number(ctx, OP_ARG(1), 0);
    exchange_post(x, &x->body_ready);
    return JSValueMakeUndefined(ctx);
}

static JSValueRef collect(JSContextRef ctx, size_t argc, const JSValueRef argv[],
                          JSValueRef *exception)
{
    struct exchange *x = exchange_arg(ctx, OP_ARG(0));
    bool as_text = JSValueToBoolean(ctx, OP_ARG(1));

    if (!x)
        return body_over(ctx, exception);
    if (argc < 3)
        return body_state(x) == HTTP_BODY_ENDED ? take_whole(ctx, x, as_text)
                                                : JSValueMakeUndefined(ctx);
    x->collect_text = as_text;
    x->collect_id = (int32_t)value_to_number(ctx, OP_ARG(2), 0);
    exchange_post(x, &x->body_ready);
    return JSValueMakeUndefined(ctx);
}

/* op_body_collect(request, asText): all that is left when it is there already, else undefined;
 * op_body_collect(request, asText, completion): settled with it */
OP(op_body_collect)
{
    JSValueRef value;

    value_lock(ctx);
    value = collect(ctx, argc, argv, exception);
    value_unlock(ctx);
    return value;
}

/* ---- answers that core.js listed ---- */

/* Bytes that `units` UTF-16 code units take at the start of `text`, which is UTF-8. */
static size_t bytes_of_units(str text, size_t units)
{
    size_t at = 0;

    while (units && at < text.len) {
        unsigned char lead = (unsigned char)text.ptr[at];
        size_t len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        at += len;
        units -= len == 4 && units > 1 ? 2 : 1;
    }
    return at < text.len ? at : text.len;
}

/* Header values are bytes in JavaScript's strings (isomorphic encode): UTF-8 back to Latin-1. */
static str narrow_in_place(char *ptr, size_t len)
{
    size_t to = 0;

    for (size_t from = 0; from < len; from++) {
        unsigned char c = (unsigned char)ptr[from];
        if (c >= 0xC2 && c <= 0xC3 && from + 1 < len)
            c = (unsigned char)((c & 3) << 6 | ((unsigned char)ptr[++from] & 0x3F));
        ptr[to++] = (char)c;
    }
    return (str){ptr, to};
}

static size_t total_units(const int32_t *row, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++, row += CELL_ANSWER_ROW)
        total += (size_t)(row[2] > 0 ? row[2] : 0) + (size_t)(row[3] > 0 ? row[3] : 0);
    return total;
}

/* Takes what `units` UTF-16 code units (none when negative) are from the front of *text. */
static str take_units(str *text, int32_t units, bool ascii)
{
    size_t count = units > 0 ? (size_t)units : 0;
    str taken = str_head(*text, ascii ? count : bytes_of_units(*text, count));

    *text = str_skip(*text, taken.len);
    return taken;
}

/* An answer of the worker's, which may be longer than it is allowed. */
static void answer_whole(struct exchange *x, int status, str head, str body)
{
    if (x->version && body.len > version_limits(x->version)->response_bytes)
        exchange_fail(x, OUTCOME_RESPONSE_BYTES);
    else
        exchange_answer(x, status, head, body);
}

static void answer_rows(const int32_t *row, int count, str text)
{
    bool ascii = total_units(row, count) == text.len;

    for (int i = 0; i < count; i++, row += CELL_ANSWER_ROW) {
        struct exchange *x = exchange_find(row[0]);
        str head = take_units(&text, row[2], ascii);
        str body = take_units(&text, row[3], ascii);

        if (row[2] < 0)
            head = STR("content-type: text/plain;charset=UTF-8\r\n");
        else if (!ascii)
            head = narrow_in_place((char *)head.ptr, head.len);
        if (x)
            answer_whole(x, row[1] >= 200 && row[1] < 1000 ? row[1] : 500, head, body);
    }
}

void op_request_collect_answers(struct isolate *iso)
{
    static struct buf scratch = {.max = SIZE_MAX / 4};
    int32_t *cells = isolate_cells(iso);
    int count = cells[CELL_ANSWERS];
    JSValueRef text, thrown = NULL;

    if (!count)
        return;
    cells[CELL_ANSWERS] = 0;
    text = hook_call(iso, HOOK_FLUSH, 0, NULL, NULL);
    buf_clear(&scratch);
    if (text && value_to_buf(isolate_context(iso), text, &scratch, &thrown) == 0)
        answer_rows(&cells[CELL_ANSWER_FIRST], count, buf_str(&scratch));
    if (scratch.cap > SCRATCH_KEPT_BYTES_MAX)
        buf_done(&scratch);
}

/* ---- other answers ---- */

/* The exchange, when it is one over HTTP. */
static struct exchange *answer_arg(JSContextRef ctx, JSValueRef value)
{
    struct exchange *x = exchange_arg(ctx, value);

    return x && x->http ? x : NULL;
}

/* 500 for what is no status: a worker can replace what the built-in script waits for. */
static int status_of(JSContextRef ctx, JSValueRef value)
{
    double status = value_to_number(ctx, value, 500);

    return status >= 200 && status < 1000 ? (int)status : 500;
}

/* The head as bytes, returned owned; NULL when *exception was set. */
static char *head_arg(JSContextRef ctx, JSValueRef value, str *ret_head, JSValueRef *exception)
{
    size_t len;
    char *text = value_to_utf8(ctx, value, &len, exception);

    if (text)
        *ret_head = narrow_in_place(text, len);
    return text;
}

/* op_answer_whole(request, status, head, body): body is a string, bytes or undefined */
OP(op_answer_whole)
{
    struct exchange *x = answer_arg(ctx, OP_ARG(0));
    int status = status_of(ctx, OP_ARG(1));
    const void *bytes = NULL;
    size_t len = 0;
    char *text = NULL, *head_text;
    str head;

    if (!x || !(head_text = head_arg(ctx, OP_ARG(2), &head, exception)))
        return JSValueMakeUndefined(ctx);
    if (JSValueIsString(ctx, OP_ARG(3)))
        bytes = text = value_to_utf8(ctx, OP_ARG(3), &len, exception);
    else
        value_view(ctx, OP_ARG(3), &bytes, &len);
    answer_whole(x, status, head, (str){bytes, len});
    free(text);
    free(head_text);
    return JSValueMakeUndefined(ctx);
}

/* op_answer_start(request, status, head, length): length -1 when it is not known. True when the
 * body is to be written, false when nobody reads one. */
OP(op_answer_start)
{
    struct exchange *x = answer_arg(ctx, OP_ARG(0));
    int status = status_of(ctx, OP_ARG(1));
    char *head_text;
    bool wanted;
    str head;

    if (!x || !exchange_can_answer(x) || !(head_text = head_arg(ctx, OP_ARG(2), &head, exception)))
        return JSValueMakeBoolean(ctx, false);
    wanted = http_answer_start(x->http, status, head, (int64_t)value_to_number(ctx, OP_ARG(3), -1));
    free(head_text);
    return JSValueMakeBoolean(ctx, wanted);
}

/* Writes a piece of the answer, as far as the worker may send so much: as http_answer_write(). */
static int write_piece(struct exchange *x, str bytes)
{
    if (x->version &&
        http_answer_bytes(x->http) + bytes.len > version_limits(x->version)->response_bytes) {
        exchange_fail(x, OUTCOME_RESPONSE_BYTES);
        return ERR_CLOSED;
    }
    return http_answer_write(x->http, bytes);
}

/* op_answer_write(request, bytes): 1 room for more, 0 full, -1 nobody reads any more.
 * op_answer_write(request, completion): settled when there is room again or nobody reads. */
OP(op_answer_write)
{
    struct exchange *x = answer_arg(ctx, OP_ARG(0));
    const void *bytes;
    size_t len;
    int room;

    if (!x)
        return JSValueMakeNumber(ctx, -1);
    if (JSValueIsNumber(ctx, OP_ARG(1))) {
        x->drain_id = (int32_t)value_to_number(ctx, OP_ARG(1), 0);
        if (x->sink_error)
            exchange_post(x, &x->drained);
        return JSValueMakeUndefined(ctx);
    }
    if (!value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, "not bytes", exception);
    if (http_answer_queued(x->http) > ANSWER_QUEUED_BYTES_MAX) /* it was told to wait */
        return value_throw(ctx, ERR_LIMIT, "too much of the answer waits for the client",
                           exception);
    room = write_piece(x, (str){bytes, len});
    if (room == ERR_LIMIT)
        return value_throw(ctx, ERR_LIMIT, "The body is longer than its Content-Length.",
                           exception);
    return JSValueMakeNumber(ctx, room < 0 ? -1 : room);
}

/* ---- answers that are a fetch's body ---- */

static struct exchange *exchange_of_sink(struct op_fetch_sink *sink)
{
    return CONTAINER_OF(sink, struct exchange, sink);
}

static void on_sink_end(struct op_fetch_sink *sink, const char *error)
{
    struct exchange *x = exchange_of_sink(sink);

    if (error) {
        exchange_set_outcome(x, OUTCOME_EXCEPTION);
        x->sink_error = str_dup(str_from(error));
        if (x->http)
            http_answer_abort(x->http);
    } else if (x->http) {
        http_answer_end(x->http);
    }
    if (x->drain_id && x->version)
        exchange_post(x, &x->drained);
}

static bool on_sink_data(struct op_fetch_sink *sink, str bytes)
{
    struct exchange *x = exchange_of_sink(sink);
    int room = write_piece(x, bytes);

    if (room < 0) {
        op_fetch_sink_drop(sink);
        on_sink_end(sink, room == ERR_LIMIT ? "The body is longer than its Content-Length." : NULL);
    }
    return room > 0;
}

/* What the upstream said of its connection is not said of ours. */
static bool is_hop_by_hop(str line)
{
    static const str names[] = {STR("connection:"), STR("content-length:"), STR("keep-alive:"),
                                STR("transfer-encoding:"), STR("upgrade:")};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_starts(line, names[i]))
            return true;
    return false;
}

/* An upstream's header lines as those of an answer. */
static void pass_head(str lines, struct buf *out)
{
    while (lines.len) {
        str line = str_head(lines, str_find(lines, '\n'));

        if (!is_hop_by_hop(line)) {
            ASSERT(buf_append(out, line) == 0);
            ASSERT(buf_append(out, STR("\r\n")) == 0);
        }
        lines = str_skip(lines, line.len + 1);
    }
}

static bool pipe_start(struct exchange *x, JSContextRef ctx, size_t argc, const JSValueRef argv[],
                       JSValueRef *exception)
{
    int status = status_of(ctx, OP_ARG(1));
    int64_t length = (int64_t)value_to_number(ctx, OP_ARG(3), -1);
    struct buf passed = {.max = SIZE_MAX / 4};
    char *head_text = NULL;
    bool wanted = false;
    str head;

    if (JSValueIsNull(ctx, OP_ARG(2))) {
        pass_head(op_fetch_head_lines(ctx, OP_ARG(4)), &passed);
        wanted = http_answer_start(x->http, status, buf_str(&passed), length);
    } else if ((head_text = head_arg(ctx, OP_ARG(2), &head, exception))) {
        wanted = http_answer_start(x->http, status, head, length);
    }
    buf_done(&passed);
    free(head_text);
    return wanted;
}

/* op_answer_pipe(request, status, head, length, fetch): answers with the rest of a fetch's body,
 * which then never enters JavaScript, and without a head (null) with the fetch's own. True when it
 * goes on: a completion given to op_answer_write() is settled at its end. */
OP(op_answer_pipe)
{
    struct exchange *x;
    bool goes_on = false;

    value_lock(ctx);
    x = answer_arg(ctx, OP_ARG(0));
    if (x && exchange_can_answer(x) && pipe_start(x, ctx, argc, argv, exception)) {
        if (op_fetch_pipe(ctx, OP_ARG(4), &x->sink))
            goes_on = x->sink.fetch || x->sink_error;
        else
            http_answer_abort(x->http);
    } else {
        op_fetch_discard(ctx, OP_ARG(4));
    }
    value_unlock(ctx);
    return JSValueMakeBoolean(ctx, goes_on);
}

/* What is sent of a file is not looked at on its way: all of it has to be allowed, and promised. */
static bool answer_file(struct exchange *x, int status, str head, int64_t length,
                        struct http_kept *file)
{
    if ((length >= 0 && (uint64_t)length != file->length) ||
        (x->version && file->length > version_limits(x->version)->response_bytes))
        return false;
    http_answer_kept(x->http, status, head, file);
    return true;
}

/* op_answer_file(request, status, head, length, reader): answers with the file that an R2 reader
 * has open. False when that cannot be: it is to be read and written, as any other body. */
OP(op_answer_file)
{
    struct exchange *x = answer_arg(ctx, OP_ARG(0));
    int status = status_of(ctx, OP_ARG(1));
    int64_t length = (int64_t)value_to_number(ctx, OP_ARG(3), -1);
    struct http_kept file = {0};
    bool is_sent = false;
    char *head_text;
    str head;

    if (!x || !exchange_can_answer(x) || !(head_text = head_arg(ctx, OP_ARG(2), &head, exception)))
        return JSValueMakeBoolean(ctx, false);
    file.fd = op_r2_copy_file(ctx, OP_ARG(4), &file.from, &file.length);
    if (file.fd >= 0 && !(is_sent = answer_file(x, status, head, length, &file)))
        close(file.fd);
    free(head_text);
    return JSValueMakeBoolean(ctx, is_sent);
}

OP(op_answer_end)
{
    struct exchange *x = answer_arg(ctx, OP_ARG(0));

    if (x)
        http_answer_end(x->http);
    return JSValueMakeUndefined(ctx);
}

OP(op_answer_abort)
{
    struct exchange *x = answer_arg(ctx, OP_ARG(0));

    if (x) {
        exchange_set_outcome(x, OUTCOME_EXCEPTION);
        http_answer_abort(x->http);
    }
    return JSValueMakeUndefined(ctx);
}

static JSValueRef sink_error(struct isolate *iso, struct exchange *x)
{
    JSContextRef ctx = isolate_context(iso);

    return x->sink_error ? value_error(ctx, ERR_NETWORK, x->sink_error) : NULL;
}

static void run_drained(struct isolate *iso, struct task *task)
{
    struct exchange *x = begin_task(CONTAINER_OF(task, struct exchange, drained), task);

    if (x->drain_id && !x->sink.fetch)
        settle(iso, &x->drain_id, sink_error(iso, x), NULL);
    exchange_task_done(x);
}

static void drop_drained(struct task *task)
{
    exchange_task_done(begin_task(CONTAINER_OF(task, struct exchange, drained), task));
}

/* HOOK_ABORT's number is negative when the request is over and its client is not to be blamed. */
static void run_gone(struct isolate *iso, struct task *task)
{
    struct exchange *x = begin_task(CONTAINER_OF(task, struct exchange, gone), task);
    JSValueRef id = JSValueMakeNumber(isolate_context(iso), x->client_gone ? x->id : -x->id);

    hook_call(iso, HOOK_ABORT, 1, &id, NULL);
    exchange_task_done(x);
}

static void drop_gone(struct task *task)
{
    exchange_task_done(begin_task(CONTAINER_OF(task, struct exchange, gone), task));
}

/* op_request_watch(request): asks for a HOOK_ABORT call when the request is over, too; false when
 * it is over already. */
OP(op_request_watch)
{
    struct exchange *x = exchange_arg(ctx, OP_ARG(0));

    if (x)
        x->watched = true;
    return JSValueMakeBoolean(ctx, x != NULL);
}

void op_request_prepare(struct exchange *x)
{
    x->dispatch = (struct task){.run = run_dispatch, .drop = drop_dispatch};
    x->body_ready = (struct task){.run = run_body_ready, .drop = drop_body_ready};
    x->drained = (struct task){.run = run_drained, .drop = drop_drained};
    x->gone = (struct task){.run = run_gone, .drop = drop_gone};
    x->sink = (struct op_fetch_sink){.data = on_sink_data, .end = on_sink_end};
}

bool op_request_admit(struct exchange *x, const struct limits *limits)
{
    if (x->body_length == -1 || http_request_set_body_max(x->http, limits->request_bytes))
        return true;
    exchange_fail(x, OUTCOME_REQUEST_BYTES);
    return false;
}

void op_request_on_body(struct exchange *x)
{
    if (x->version && (x->pull_id || x->collect_id))
        exchange_post(x, &x->body_ready);
}

void op_request_on_drain(struct exchange *x)
{
    if (x->sink.fetch)
        op_fetch_sink_resume(&x->sink);
    else if (x->version && x->drain_id)
        exchange_post(x, &x->drained);
}

void op_request_on_gone(struct exchange *x)
{
    if (!x->version)
        return;
    x->client_gone = true;
    exchange_post(x, &x->gone);
}

/* What still waits is told that the request is over. */
void op_request_on_over(struct exchange *x)
{
    op_request_on_body(x);
    op_request_on_drain(x);
    if (x->version && x->watched)
        exchange_post(x, &x->gone);
}

const struct op op_request_table[] = {
    {"op_body_pull", op_body_pull},       {"op_body_collect", op_body_collect},
    {"op_answer_whole", op_answer_whole}, {"op_answer_start", op_answer_start},
    {"op_answer_write", op_answer_write}, {"op_answer_end", op_answer_end},
    {"op_answer_abort", op_answer_abort}, {"op_answer_pipe", op_answer_pipe},
    {"op_answer_file", op_answer_file},
    {"op_request_watch", op_request_watch},
    {0},
};
