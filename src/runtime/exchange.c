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
#include "runtime/op_request.h"
#include "runtime/runtime.h"
#include "runtime/version.h"
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
    x->sink_error = NULL;
    x->version = NULL;
    spare[spare_count++] = x;
}

struct exchange *exchange_find(int32_t id)
{
    struct exchange *x = id > 0 ? slots[id & SLOT_MASK] : NULL;

    return x && x->id == id && x->http ? x : NULL;
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

struct exchange *exchange_new(struct http_request *http, const struct http_head *head)
{
    struct exchange *x = take_slot();

    x->http = http;
    http_request_set_user(http, x);
    x->method_id = head->method_id;
    x->start_ns = runtime_options()->quiet ? 0 : clock_monotonic_ns();
    x->cpu_ns = 0;
    x->worker = "";
    x->client_gone = x->watched = false;
    x->tasks_posted = 0;
    x->pull_id = x->collect_id = x->drain_id = 0;
    x->body_length = body_length(head);
    buf_clear(&x->text);
    if (head->method_id == HTTP_OTHER)
        add(&x->text, head->method);
    x->method_len = x->text.len;
    add_url(x, head);
    add_headers(&x->text, head, http_request_client(http));
    return x;
}

str exchange_host(const struct exchange *x)
{
    str url = str_skip((str){x->text.ptr + x->method_len, x->url_len}, strlen("http://"));

    return str_head(url, str_find(url, '/'));
}

static str path_of(const struct exchange *x)
{
    str url = str_skip((str){x->text.ptr + x->method_len, x->url_len}, strlen("http://"));

    return str_skip(url, str_find(url, '/'));
}

/* ---- answers and the end ---- */

bool exchange_can_answer(const struct exchange *x)
{
    return x->http && !http_answer_started(x->http);
}

void exchange_answer(struct exchange *x, int status, str head, str body)
{
    if (!exchange_can_answer(x))
        return;
    http_answer_whole(x->http, status, head, body);
}

static void log_request(const struct exchange *x)
{
    static const char *const methods[] = {"",       "GET",     "HEAD",    "POST",  "PUT",
                                          "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    double ms = (double)(clock_monotonic_ns() - x->start_ns) / 1e6;
    str method = x->method_id == HTTP_OTHER ? (str){x->text.ptr, x->method_len}
                                            : str_from(methods[x->method_id]);
    str path = path_of(x);
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
    if (!x->http && !x->tasks_posted)
        give_slot_back(x);
}

void exchange_task_done(struct exchange *x)
{
    x->tasks_posted--;
    free_if_idle(x);
}

void exchange_over(struct exchange *x)
{
    if (!runtime_options()->quiet && runtime_log_has_room())
        log_request(x);
    x->http = NULL;
    if (x->sink.fetch)
        op_fetch_sink_drop(&x->sink);
    if (x->version)
        version_exchange_over(x->version, x);
    else
        list_remove(&x->link);
    free_if_idle(x);
}
