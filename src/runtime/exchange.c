/* Exchanges and their numbers; see exchange.h.
 *
 * (1) slots[id & SLOT_MASK] is the exchange with that number; the bits above count how often the
 *     slot was used, so that a number comes back only after GENERATIONS uses of its slot.
 * (2) An exchange's memory stays in its slot and is used again: the hot path allocates nothing.
 * (3) A slot is given back when the connection has let go (http == NULL) and no task is posted. */
#include "runtime/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "runtime/asset_route.h"
#include "runtime/bucket_route.h"
#include "runtime/event.h"
#include "runtime/meter.h"
#include "runtime/op_request.h"
#include "runtime/page.h"
#include "runtime/runtime.h"
#include "runtime/trace.h"
#include "runtime/version.h"
#include "runtime/worker.h"
#include "web/url.h"

enum {
    SLOT_BITS = 15,
    SLOTS = 1 << SLOT_BITS,  /* more than connections: a posted task keeps one a little longer */
    SLOT_MASK = SLOTS - 1,
    GENERATIONS = 1 << 16,
    TEXT_BYTES_MAX = 2 * (HTTP_HEAD_BYTES_MAX + 3 * HTTP_TARGET_BYTES_MAX),
    TEXT_KEPT_BYTES_MAX = 4096,
};

static struct exchange *slots[SLOTS];
static struct exchange *spare[SLOTS];
static size_t spare_count, slot_count;

static struct exchange *take_slot(void)
{
    struct exchange *x;

    if (spare_count) {
        x = spare[--spare_count];
    } else {
        ASSERT(slot_count < SLOTS);
        x = slots[slot_count] = mem_new(struct exchange);
        x->id = (int32_t)slot_count++;
        buf_init(&x->text, TEXT_BYTES_MAX);
        list_init(&x->link);
        op_request_prepare(x);
    }
    x->id = (int32_t)((((uint32_t)x->id >> SLOT_BITS) + 1) % GENERATIONS << SLOT_BITS |
                      ((uint32_t)x->id & SLOT_MASK));
    if (x->id < (1 << SLOT_BITS))
        x->id |= 1 << SLOT_BITS; /* 0 is no number */
    return x;
}

static void give_slot_back(struct exchange *x)
{
    list_remove(&x->link);
    if (x->text.cap > TEXT_KEPT_BYTES_MAX)
        buf_done(&x->text);
    free(x->sink_error);
    trace_free(x->trace);
    x->sink_error = NULL;
    x->trace = NULL;
    x->version = NULL;
    spare[spare_count++] = x;
}

struct exchange *exchange_find(int32_t id)
{
    struct exchange *x = id > 0 ? slots[id & SLOT_MASK] : NULL;

    return x && x->id == id && (x->http || x->event) ? x : NULL;
}

/* ---- the text ---- */

static void add(struct buf *text, str s)
{
    ASSERT(buf_append(text, s) == 0); /* a head has a maximum, and so has what it becomes */
}

/* True when joining scheme, host and target gives what the URL parser would serialize. */
static bool is_plain(str target)
{
    static const unsigned char odd[256] = {
        ['"'] = 1, ['<'] = 1, ['>'] = 1, ['\''] = 1, ['`'] = 1, ['{'] = 1, ['}'] = 1,
        ['\\'] = 1, ['^'] = 1, ['|'] = 1, ['.'] = 1, ['%'] = 1, ['#'] = 1,
    };

    if (!target.len || target.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.ptr[i];
        if (c <= ' ' || c >= 0x7F || odd[c])
            return false;
    }
    return true;
}

/* The last host that was checked, and its serialization: clients of a server say the same one. */
static struct {
    char sent[HTTP_HOST_BYTES_MAX];
    size_t sent_len;
    struct buf origin;
} known = {.origin = {.max = URL_HREF_MAX}};

/* "http://host:port" without a default port, lower-cased; "http://localhost" for no valid host. */
static str origin_of(str host)
{
    static struct url url;
    struct buf input;

    if (known.origin.len && str_equal((str){known.sent, known.sent_len}, host))
        return buf_str(&known.origin);
    url_init(&url);
    buf_init(&input, HTTP_HOST_BYTES_MAX + 16);
    buf_clear(&known.origin);
    add(&input, STR("http://"));
    add(&input, host.len ? host : STR("localhost"));
    if (url_parse(buf_str(&input), NULL, &url) == 0) {
        add(&known.origin, STR("http://"));
        add(&known.origin, url_get(&url, URL_HOST));
    } else {
        add(&known.origin, STR("http://localhost"));
    }
    ASSERT(host.len <= sizeof known.sent); /* the parser's limit */
    known.sent_len = host.len;
    memcpy(known.sent, host.ptr ? host.ptr : "", known.sent_len);
    url_done(&url);
    buf_done(&input);
    return buf_str(&known.origin);
}

static void add_url(struct exchange *x, const struct http_head *head)
{
    str origin = origin_of(head->host);
    size_t start = x->text.len;
    static struct url url;
    struct buf input;

    if (is_plain(head->target)) {
        add(&x->text, origin);
        add(&x->text, head->target);
        x->url_len = x->text.len - start;
        return;
    }
    url_init(&url);
    buf_init(&input, TEXT_BYTES_MAX);
    add(&input, origin);
    add(&input, head->target.len && head->target.ptr[0] == '/' ? head->target : STR("/"));
    if (url_parse(buf_str(&input), NULL, &url) == 0)
        add(&x->text, url_get(&url, URL_HREF));
    else
        add(&x->text, buf_str(&input));
    x->url_len = x->text.len - start;
    url_done(&url);
    buf_done(&input);
}

static void add_header(struct buf *text, str name, str value)
{
    add(text, name);
    add(text, STR(": "));
    add(text, value);
    add(text, STR("\n"));
}

/* The client's address goes where Cloudflare puts it; what the client says there itself is dropped,
 * so that workers can rely on it. */
static void add_headers(struct buf *text, const struct http_head *head, str client)
{
    str name = STR("cf-connecting-ip");

    for (size_t i = 0; i < head->header_count; i++)
        if (!str_equal(head->headers[i].name, name))
            add_header(text, head->headers[i].name, head->headers[i].value);
    if (client.len)
        add_header(text, name, client);
}

static int64_t body_length(const struct http_head *head)
{
    if (head->framing == HTTP_BODY_CHUNKED)
        return -2;
    if (head->framing == HTTP_BODY_LENGTH && head->content_length > 0)
        return (int64_t)head->content_length;
    return -1;
}

static struct exchange *begin(void)
{
    struct exchange *x = take_slot();

    x->start_ns = meter_now_ns();
    x->spent = (struct isolate_spent){0};
    x->outcome = OUTCOME_OK;
    x->worker = "";
    x->held = NULL;
    x->client_gone = x->watched = x->counted = x->handed = x->reads_bucket = false;
    x->tasks_posted = 0;
    x->chosen = 0;
    x->asset = NULL;
    x->bucket = NULL;
    x->pull_id = x->collect_id = x->drain_id = 0;
    buf_clear(&x->text);
    return x;
}

struct exchange *exchange_new(struct http_request *http, const struct http_head *head)
{
    struct exchange *x = begin();

    x->http = http;
    http_request_set_user(http, x);
    x->method_id = head->method_id;
    x->body_length = body_length(head);
    if (head->method_id == HTTP_OTHER)
        add(&x->text, head->method);
    x->method_len = x->text.len;
    add_url(x, head);
    add_headers(&x->text, head, http_request_client(http));
    return x;
}

struct exchange *exchange_new_event(struct event *event)
{
    struct exchange *x = begin();

    x->event = event;
    x->body_length = -1;
    x->method_len = x->url_len = 0;
    return x;
}

str exchange_host(const struct exchange *x)
{
    str url = str_skip((str){x->text.ptr + x->method_len, x->url_len}, strlen("http://"));

    return str_head(url, str_find(url, '/'));
}

str exchange_path(const struct exchange *x)
{
    str url = str_skip((str){x->text.ptr + x->method_len, x->url_len}, strlen("http://"));

    return str_skip(url, str_find(url, '/'));
}

str exchange_header(const struct exchange *x, str name)
{
    str headers = str_skip(buf_str(&x->text), x->method_len + x->url_len);

    while (headers.len) {
        str line = str_head(headers, str_find(headers, '\n'));
        if (line.len > name.len && line.ptr[name.len] == ':' && str_starts(line, name))
            return str_skip(line, name.len + 2);
        headers = str_skip(headers, line.len + 1);
    }
    return STR_NONE;
}

/* ---- answers and the end ---- */

bool exchange_can_answer(const struct exchange *x)
{
    return x->event || (x->http && !http_answer_started(x->http));
}

void exchange_answer(struct exchange *x, int status, str head, str body)
{
    if (!exchange_can_answer(x) || !x->http)
        return;
    http_answer_whole(x->http, status, head, body);
}

void exchange_set_outcome(struct exchange *x, enum outcome outcome)
{
    if (x->outcome == OUTCOME_OK)
        x->outcome = outcome;
}

void exchange_fail(struct exchange *x, enum outcome outcome)
{
    exchange_set_outcome(x, outcome);
    if (exchange_can_answer(x))
        page_outcome(x, outcome, NULL, STR_NONE);
    else if (x->http)
        http_answer_abort(x->http);
}

str exchange_method(const struct exchange *x)
{
    static const char *const methods[] = {"",       "GET",     "HEAD",    "POST",  "PUT",
                                          "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

    return x->method_id == HTTP_OTHER ? (str){x->text.ptr, x->method_len}
                                      : str_from(methods[x->method_id]);
}

static void log_request(const struct exchange *x)
{
    double ms = (double)(clock_monotonic_ns() - x->start_ns) / 1e6;
    str method = exchange_method(x);
    str path = exchange_path(x);
    runtime_tell(json_pack("{s:s, s:s, s:s%, s:s%, s:i, s:f}", "type", "request", "worker",
                           x->worker, "method", method.ptr, method.len, "path", path.ptr, path.len,
                           "status", http_answer_status(x->http), "ms", ms));
}

void exchange_post(struct exchange *x, struct task *task)
{
    if (task->link.next) /* posted already */
        return;
    x->tasks_posted++;
    isolate_post(version_isolate(x->version), task);
}

static void free_if_idle(struct exchange *x)
{
    if (!x->http && !x->event && !x->tasks_posted)
        give_slot_back(x);
}

void exchange_task_done(struct exchange *x)
{
    x->tasks_posted--;
    free_if_idle(x);
}

/* What became of it when nothing else has said so: the client's doing. */
static enum outcome outcome_of_client(const struct exchange *x)
{
    int status = http_answer_status(x->http);

    if (!http_answer_ended(x->http))
        return http_answer_started(x->http) ? OUTCOME_DISCONNECTED : OUTCOME_CANCELED;
    if (x->body_length == -1 || http_body_state(x->http) != HTTP_BODY_FAILED)
        return OUTCOME_OK;
    return status == 413                    ? OUTCOME_REQUEST_BYTES
           : status == 400 || status == 408 ? OUTCOME_CANCELED
                                            : OUTCOME_OK;
}

void exchange_tell_trace(struct exchange *x, uint64_t wall_ns, json_t *event)
{
    trace_tell(x->trace, &(struct trace_subject){
                             .key = x->worker,
                             .script = x->held ? worker_script_name(x->held) : "",
                             .version_id = x->version ? version_id(x->version) : "",
                             .outcome = x->outcome,
                             .cpu_ns = x->spent.cpu_ns,
                             .wall_ns = wall_ns,
                             .event = event,
                         });
    x->trace = NULL;
}

static json_t *trace_event(const struct exchange *x)
{
    str text = str_skip(buf_str(&x->text), x->method_len);

    return trace_request_event(exchange_method(x), str_head(text, x->url_len),
                               str_skip(text, x->url_len), http_answer_status(x->http));
}

bool exchange_is_watched(const struct exchange *x)
{
    return x->held && !runtime_options()->dev &&
           (x->trace || outcome_rows[x->outcome].error || worker_is_traced(x->held));
}

static void account(struct exchange *x)
{
    uint64_t wall_ns = meter_now_ns() - x->start_ns;

    exchange_set_outcome(x, outcome_of_client(x));
    if (x->spent.subrequests || x->spent.log_bytes || x->spent.tree)
        runtime_keep_spent(x->id, &x->spent);
    meter_request(&(struct meter_request){
        .key = x->held ? x->worker : NULL,
        .meter = x->version ? version_meter(x->version)->meter : NULL,
        .outcome = x->outcome,
        .reads_bucket = x->reads_bucket,
        .timed = http_answer_status(x->http) != 101,
        .wall_ns = wall_ns,
        .bytes_in = http_request_body_bytes(x->http),
        .bytes_out = http_answer_bytes(x->http),
    });
    if (exchange_is_watched(x))
        exchange_tell_trace(x, wall_ns, trace_event(x));
}

void exchange_each(void (*each)(struct exchange *x, void *context), void *context)
{
    for (size_t i = 0; i < slot_count; i++)
        if (slots[i]->http && slots[i]->version)
            each(slots[i], context);
}

bool exchange_is_waiting(const struct exchange *x)
{
    return x->dispatch.link.next != NULL;
}

void exchange_withdraw(struct exchange *x)
{
    list_remove(&x->dispatch.link);
    x->dispatch.link = (struct list){NULL, NULL};
    x->tasks_posted--;
}

void exchange_end_late(void)
{
    uint64_t now_ns = meter_now_ns();

    for (size_t i = 0; i < slot_count; i++) {
        struct exchange *x = slots[i];
        if (x->held && (x->event || (x->http && !http_answer_ended(x->http))) &&
            (now_ns - x->start_ns) / 1000000 >= worker_limits(x->held)->wall_ms)
            exchange_fail(x, OUTCOME_WALL_TIME);
    }
}

void exchange_over(struct exchange *x)
{
    if (!x->handed) {
        account(x);
        if (!runtime_options()->quiet && runtime_log_has_room())
            log_request(x);
    }
    x->http = NULL;
    if (x->asset)
        asset_route_over(x);
    if (x->bucket)
        bucket_route_over(x);
    if (x->sink.fetch)
        op_fetch_sink_drop(&x->sink);
    exchange_leave(x);
}

void exchange_leave(struct exchange *x)
{
    if (x->version)
        version_exchange_over(x->version, x);
    else
        list_remove(&x->link);
    worker_exchange_over(x);
    free_if_idle(x);
}
