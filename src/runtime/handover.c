/* Connections that move between processes; see handover.h.
 *
 * Two reasons to give one away: its request is for a worker that lives elsewhere, or a turn here
 * takes so long that who has nothing to do with it would wait for it. The supervisor knows where
 * to, and passes `hand` on as `connection`.
 *
 * (1) The head is written again from the exchange's text: keeping the bytes that came would cost
 *     each request a copy. What the next process makes of it is the same text.
 * (2) While a turn runs, its isolate, its requests and their connections are left alone; no
 *     JavaScript runs, no isolate is made or freed and no request begins. */
#include "runtime/handover.h"

#include "base/member.h"
#include "runtime/page.h"
#include "runtime/runtime.h"
#include "runtime/version.h"

/* A head has a maximum, and its URL may have been written longer than it came. */
enum { HEAD_BYTES_MAX = 2 * HTTP_HEAD_BYTES_MAX + 3 * HTTP_TARGET_BYTES_MAX };

static struct {
    struct frame_link *link;
    struct http_server *server;
    bool gives_idle;
} handover;

void handover_start(struct frame_link *link, struct http_server *server, bool gives_idle)
{
    handover.link = link;
    handover.server = server;
    handover.gives_idle = gives_idle;
}

/* ---- requests ---- */

static int add_fields(struct buf *head, str lines)
{
    str own = STR("cf-connecting-ip:"); /* ours: who goes on with it adds it again */

    while (lines.len) {
        str line = str_head(lines, str_find(lines, '\n'));
        if (!str_starts(line, own) &&
            (buf_append(head, line) < 0 || buf_append(head, STR("\r\n")) < 0))
            return ERR_LIMIT;
        lines = str_skip(lines, line.len + 1);
    }
    return buf_append(head, STR("\r\n"));
}

/* The absolute form says which host it was for when that was not its Host field's to say. */
static int write_head(const struct exchange *x, struct buf *head)
{
    str text = buf_str(&x->text);
    str url = {text.ptr + x->method_len, x->url_len};
    bool plain = str_equal_nocase(exchange_header(x, STR("host")), exchange_host(x));
    str parts[] = {exchange_method(x), STR(" "), plain ? exchange_path(x) : url, STR(" "),
                   http_detach_protocol(x->http), STR("\r\n")};

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (buf_append(head, parts[i]) < 0)
            return ERR_LIMIT;
    return add_fields(head, str_skip(text, x->method_len + x->url_len));
}

static void tell_hand(const struct http_request *request, const char *worker, int fd, str bytes)
{
    json_t *frame = json_pack("{s:s, s:s*, s:i}", "type", "hand", "worker", worker, "hops",
                              (int)http_detach_hops(request) + 1);

    frame_link_send_fd(handover.link, frame, bytes, fd);
}

static void on_given(struct http_request *request, int fd, str bytes)
{
    struct exchange *x = http_request_user(request);

    x->handed = true;
    tell_hand(request, x->worker, fd, bytes);
}

void handover_give(struct exchange *x)
{
    struct buf head;

    list_remove(&x->link);
    buf_init(&head, HEAD_BYTES_MAX);
    if (x->event || http_detach_hops(x->http) >= HANDOVER_HOPS_MAX || write_head(x, &head) < 0 ||
        !http_detach_request(x->http, buf_str(&head), on_given))
        page_outcome(x, OUTCOME_INTERNAL, "This worker cannot be reached right now", STR_NONE);
    buf_done(&head);
}

void handover_on_connection(json_t *frame, str blob)
{
    int64_t hops = member_int(frame, "hops");
    int fd = frame_link_take_fd(handover.link);

    if (fd >= 0)
        http_detach_adopt(handover.server, fd, blob, hops > 0 ? (unsigned)hops : 0);
}

/* ---- long turns ---- */

static void give_idle(void *context, int fd)
{
    (void)context;
    frame_link_send_fd(handover.link, json_pack("{s:s}", "type", "hand"), STR_NONE, fd);
}

/* The worker is here: any other process that accepts will do. */
static void on_waiting_given(struct http_request *request, int fd, str bytes)
{
    struct exchange *x = http_request_user(request);

    x->handed = true;
    exchange_withdraw(x);
    tell_hand(request, NULL, fd, bytes);
}

static void give_waiting(struct exchange *x)
{
    struct buf head;
    bool gone;

    if (http_detach_hops(x->http) >= HANDOVER_HOPS_MAX)
        return;
    buf_init(&head, HEAD_BYTES_MAX);
    gone = write_head(x, &head) == 0 &&
           http_detach_request_now(x->http, buf_str(&head), on_waiting_given);
    ASSERT(gone == !x->http); /* what cannot go is served when the turn is over */
    buf_done(&head);
}

/* Requests of other isolates: answers that wait for the flush leave now, and requests that were not
 * begun with are served elsewhere. */
static void release(struct exchange *x, void *context)
{
    struct isolate *busy = context;

    if (version_isolate(x->version) == busy)
        return;
    if (http_answer_started(x->http))
        http_answer_flush(x->http);
    else if (exchange_is_waiting(x))
        give_waiting(x);
}

static void tell_slow(const struct version *v, uint64_t ns, bool stuck)
{
    if (v && version_worker_name(v)[0])
        runtime_tell(json_pack("{s:s, s:s, s:f, s:b}", "type", "slow", "worker",
                               version_worker_name(v), "ms", (double)ns / 1e6, "stuck", stuck));
}

void handover_on_long_turn(struct isolate *iso, uint64_t ns, bool runs)
{
    if (!handover.gives_idle)
        return;
    tell_slow(version_of_isolate(iso), ns, runs);
    if (!runs)
        return;
    exchange_each(release, iso);
    http_detach_idle(handover.server, give_idle, NULL);
    frame_link_flush(handover.link); /* the loop does not turn */
}
