/* Live tails; see api_tail.h.
 *
 * (1) A tail whose `over` is set is in the list until the next sweep: hooks of its WebSocket may
 *     run just then, and may not free it.
 * (2) `reader` is NULL until its WebSocket comes, and `upgrade` is the connection below it, for
 *     looking at its queue.
 * (3) The timer sweeps once a second while there are tails. */
#include "api/api_tail.h"

#include <stdlib.h>

#include "api/call_private.h"
#include "api/tables.h"
#include "api/tail_filter.h"
#include "base/hex.h"
#include "base/member.h"
#include "http/handshake.h"
#include "http/upgrade.h"
#include "http/websocket_link.h"
#include "os/clock.h"

#define PROTOCOL "trace-v1"

enum { CODE_GONE = 10002, CODE_TOO_MANY = 10429 };

enum { SWEEP_MS = 1000, ID_CHARS = 32, SECRET_CHARS = 64, HEAD_BYTES_MAX = 1024 };

struct api_tail {
    const struct platform *platform;
    uv_timer_t timer;
    struct list tails;
    size_t count;
    void (*on_stopped)(void *context);   /* set: it ends, and nobody is told about tails */
    void *stop_context;
};

struct tail {
    struct list link;
    char id[ID_CHARS + 1];
    char secret[SECRET_CHARS + 1];
    char *key;
    int64_t script_id;
    uint64_t made_ms;        /* of the loop's clock */
    int64_t expires_ms;      /* since 1970 */
    struct tail_filter filter;
    struct websocket_link *reader;
    struct upgrade *upgrade;
    bool over;
};

static struct api_tail *tails_of(const struct call *call)
{
    return call->api->tail;
}

/* ---- life of one ---- */

static size_t count_of(const struct api_tail *all, const char *key)
{
    size_t count = 0;

    LIST_EACH(&all->tails, link) {
        const struct tail *tail = CONTAINER_OF(link, struct tail, link);
        count += !tail->over && strcmp(tail->key, key) == 0;
    }
    return count;
}

/* `code` is said to a reader that is still there. */
static void tail_free(struct api_tail *all, struct tail *tail, int code)
{
    list_remove(&tail->link);
    all->count--;
    tail->over = true;
    if (!all->on_stopped && !count_of(all, tail->key))
        all->platform->tailing(all->platform->context, tail->script_id, tail->key, false);
    websocket_link_free(tail->reader, code);
    tail_filter_done(&tail->filter);
    free(tail->key);
    free(tail);
}

static void sweep(uv_timer_t *timer)
{
    struct api_tail *all = CONTAINER_OF(timer, struct api_tail, timer);
    int64_t now_ms = clock_wall_ms();

    LIST_EACH_SAFE(&all->tails, link) {
        struct tail *tail = CONTAINER_OF(link, struct tail, link);
        bool unread = !tail->reader && uv_now(timer->loop) - tail->made_ms >= TAIL_CONNECT_MS;
        if (tail->over || unread || now_ms >= tail->expires_ms)
            tail_free(all, tail, WEBSOCKET_GOING_AWAY);
    }
    if (!all->count)
        uv_timer_stop(timer);
}

/* `filter` is taken. */
static struct tail *tail_new(struct api_tail *all, const json_t *script, struct tail_filter *filter)
{
    struct tail *tail = mem_new(struct tail);

    hex_random(tail->id, ID_CHARS);
    hex_random(tail->secret, SECRET_CHARS);
    tail->key = str_dup(str_from(member_text(script, "key")));
    tail->script_id = member_int(script, "id");
    tail->made_ms = uv_now(all->timer.loop);
    tail->expires_ms = clock_wall_ms() + TAIL_LIFE_MS;
    tail->filter = *filter;
    if (!count_of(all, tail->key))
        all->platform->tailing(all->platform->context, tail->script_id, tail->key, true);
    list_push(&all->tails, &tail->link);
    if (all->count++ == 0)
        uv_timer_start(&all->timer, sweep, SWEEP_MS, SWEEP_MS);
    return tail;
}

/* ---- the API's calls ---- */

static json_t *tail_json(const struct tail *tail)
{
    return json_pack("{s:s, s:o}", "id", tail->id, "expires_at", call_time(tail->expires_ms));
}

static json_t *tail_url(const struct call *call, const struct tail *tail)
{
    str host = call_header(call, "host");
    bool secure = str_equal(call_header(call, "x-forwarded-proto"), STR("https"));

    return json_sprintf("%s://%.*s/client/v4/tails/%s", secure ? "wss" : "ws", STR_ARGS(host),
                        tail->secret);
}

static void create(struct call *call)
{
    struct api_tail *all = tails_of(call);
    const json_t *script = call_script(call);
    const json_t *body = NULL;
    struct tail_filter filter;
    struct tail *tail;
    struct err err = {0};
    json_t *result;

    if (!script || (call_body(call).len && !(body = call_json(call))))
        return;
    if (all->count >= TAIL_MAX ||
        count_of(all, member_text(script, "key")) >= TAIL_PER_WORKER_MAX) {
        call_fail(call, 429, CODE_TOO_MANY,
                  "This worker is tailed %d times already, or the server %d "
                  "times: end another tail first.",
                  TAIL_PER_WORKER_MAX, TAIL_MAX);
        return;
    }
    if (tail_filter_init(&filter, body, call_client(call), &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    tail = tail_new(all, script, &filter);
    result = tail_json(tail);
    json_object_set_new(result, "url", tail_url(call, tail));
    call_ok(call, result);
}

static void list(struct call *call)
{
    const json_t *script = call_script(call);
    json_t *result;

    if (!script)
        return;
    result = json_array();
    LIST_EACH(&tails_of(call)->tails, link) {
        const struct tail *tail = CONTAINER_OF(link, struct tail, link);
        if (!tail->over && tail->script_id == member_int(script, "id"))
            json_array_append_new(result, tail_json(tail));
    }
    call_ok(call, result);
}

static void delete (struct call *call)
{
    struct api_tail *all = tails_of(call);
    const json_t *script = call_script(call);

    if (!script)
        return;
    LIST_EACH_SAFE(&all->tails, link) {
        struct tail *tail = CONTAINER_OF(link, struct tail, link);
        if (!tail->over && strcmp(tail->id, call_param(call, "tail")) == 0 &&
            tail->script_id == member_int(script, "id")) {
            tail_free(all, tail, WEBSOCKET_NORMAL);
            call_ok(call, NULL);
            return;
        }
    }
    call_fail(call, 404, CODE_GONE, "This worker has no tail \"%s\": it has ended.",
              call_param(call, "tail"));
}

/* ---- its WebSocket ---- */

static void on_message(void *owner, bool is_text, str data)
{
    (void)owner;
    (void)is_text;
    (void)data; /* wrangler says {"debug": false}; there is nothing to answer */
}

static void on_closed(void *owner, bool clean, int code, str reason)
{
    struct tail *tail = owner;

    (void)clean;
    (void)code;
    (void)reason;
    tail->over = true;
}

static const struct websocket_link_hooks reader_hooks = {on_message, on_closed};

static void on_data(void *owner, str bytes)
{
    struct tail *tail = owner;

    if (tail->reader)
        websocket_link_received(tail->reader, bytes);
}

static void on_drain(void *owner)
{
    (void)owner;
}

static void on_gone(void *owner)
{
    struct tail *tail = owner;

    if (tail->reader)
        websocket_link_lost(tail->reader, STR("the connection ended"));
    tail->over = true;
}

static const struct upgrade_hooks upgrade_hooks = {on_data, on_drain, on_gone};

/* In time that does not tell how much of it was right. */
static bool is_secret(const struct tail *tail, str given)
{
    unsigned char differs = given.len != SECRET_CHARS;

    for (size_t i = 0; i < SECRET_CHARS && i < given.len; i++)
        differs |= (unsigned char)(tail->secret[i] ^ given.ptr[i]);
    return !differs;
}

static struct tail *find_unread(struct api_tail *all, const char *secret)
{
    struct tail *found = NULL;

    LIST_EACH(&all->tails, link) {
        struct tail *tail = CONTAINER_OF(link, struct tail, link);
        if (is_secret(tail, str_from(secret)) && !tail->over && !tail->reader)
            found = tail;
    }
    return found;
}

static bool accept_reader(struct api_tail *all, struct tail *tail, struct call *call,
                          const struct handshake *asked)
{
    struct websocket_terms terms = {.role = WEBSOCKET_SERVER_LENIENT};
    char accept[HANDSHAKE_ACCEPT_BYTES];
    struct buf head;

    handshake_accept(asked->key, accept);
    buf_init(&head, HEAD_BYTES_MAX);
    ASSERT(
        buf_printf(&head,
                   "connection: upgrade\r\nupgrade: websocket\r\n"
                   "sec-websocket-accept: %.*s\r\n%s",
                   HANDSHAKE_ACCEPT_BYTES, accept,
                   handshake_has_exactly(call_header(call, "sec-websocket-protocol"), STR(PROTOCOL))
                       ? "sec-websocket-protocol: " PROTOCOL "\r\n"
                       : "") == 0);
    if (call_request(call))
        tail->upgrade = upgrade_start(call_request(call), buf_str(&head), &upgrade_hooks, tail);
    buf_done(&head);
    if (!tail->upgrade)
        return false;
    tail->reader = websocket_link_new(all->timer.loop, terms, &upgrade_transport, tail->upgrade,
                                      &reader_hooks, tail);
    return true;
}

static void open_reader(struct call *call)
{
    struct api_tail *all = tails_of(call);
    struct tail *tail = find_unread(all, call_param(call, "secret"));
    struct handshake asked;

    if (!tail) {
        call_fail(call, 404, CODE_GONE,
                  "There is no such tail, or it is being read already. Tails are "
                  "made with POST .../scripts/NAME/tails.");
        return;
    }
    handshake_read(call->header_lines, &asked);
    if (!asked.upgrade || asked.wrong_version || asked.wrong_key ||
        !accept_reader(all, tail, call, &asked)) {
        call_fail(call, 426, 10001,
                  "This address is a WebSocket (version 13, protocol " PROTOCOL
                  "), and the request is no handshake for one.");
        return;
    }
    call_upgraded(call);
}

/* ---- events ---- */

static void send_event(struct tail *tail, const json_t *event, char **text)
{
    if (upgrade_queued(tail->upgrade) > TAIL_QUEUE_BYTES_MAX) {
        upgrade_cut(tail->upgrade);
        websocket_link_lost(tail->reader, STR("too slow"));
        tail->over = true;
        return;
    }
    if (!*text)
        *text = json_dumps(event, JSON_COMPACT);
    if (*text)
        websocket_link_send(tail->reader, true, str_from(*text));
}

void api_tail_event(struct api_tail *all, const char *key, const json_t *event)
{
    char *text = NULL;

    LIST_EACH(&all->tails, link) {
        struct tail *tail = CONTAINER_OF(link, struct tail, link);
        if (tail->reader && !tail->over && strcmp(tail->key, key) == 0 &&
            tail_filter_passes(&tail->filter, event))
            send_event(tail, event, &text);
    }
    free(text);
}

void api_tail_forget(struct api_tail *all, const char *key)
{
    LIST_EACH_SAFE(&all->tails, link) {
        struct tail *tail = CONTAINER_OF(link, struct tail, link);
        if (strcmp(tail->key, key) == 0)
            tail_free(all, tail, WEBSOCKET_NORMAL);
    }
}

/* ---- life of all ---- */

struct api_tail *api_tail_start(uv_loop_t *loop, const struct platform *platform)
{
    struct api_tail *all = mem_new(struct api_tail);

    all->platform = platform;
    list_init(&all->tails);
    ASSERT(uv_timer_init(loop, &all->timer) == 0);
    return all;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct api_tail *all = CONTAINER_OF((uv_timer_t *)handle, struct api_tail, timer);
    void (*on_stopped)(void *context) = all->on_stopped;
    void *context = all->stop_context;

    free(all);
    on_stopped(context);
}

void api_tail_stop(struct api_tail *all, void (*on_stopped)(void *context), void *context)
{
    all->on_stopped = on_stopped;
    all->stop_context = context;
    LIST_EACH_SAFE(&all->tails, link)
        tail_free(all, CONTAINER_OF(link, struct tail, link), WEBSOCKET_GOING_AWAY);
    uv_close((uv_handle_t *)&all->timer, on_timer_closed);
}

#define TAILS "/accounts/:account/workers/scripts/:script/tails"

const struct call_route api_tail_routes[] = {
    {"POST",   TAILS,             "tail:read",  create,      NULL},
    {"GET",    TAILS,             "tail:read",  list,        NULL},
    {"DELETE", TAILS "/:tail",    "tail:read",  delete,      NULL},
    {"GET",    "/tails/:secret",  "",           open_reader, NULL},
    {0},
};
