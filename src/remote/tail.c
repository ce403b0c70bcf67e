/* Live tails; see tail.h.
 *
 * (1) Hooks of the WebSocket only change the state; what follows from it, calls of the API and
 *     freeing the link, is done outside of them, between turns of the loop.
 * (2) `link` is set from OPEN on until leave(); `client` exactly in CONNECTING.
 * (3) STOPPED and OVER are for good. */
#include "remote/tail.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "http/websocket_client.h"
#include "web/url.h"

#define PROTOCOL "trace-v1"

enum { HEAD_BYTES_MAX = 8 << 10, WHY_BYTES_MAX = 256, DELAY_DOUBLINGS_MAX = 10 };

enum tail_state {
    TAIL_IDLE,
    TAIL_CONNECTING,
    TAIL_OPEN,
    TAIL_LOST,
    TAIL_OVER,
    TAIL_STOPPED,
};

struct tail {
    enum tail_state state;
    struct remote *remote;
    char *worker;
    json_t *filters;
    struct tail_hooks hooks;
    char *id;                         /* on the server; NULL: none */
    struct websocket_client *client;
    struct websocket_link *link;
    char why[WHY_BYTES_MAX];          /* LOST: for a person */
    uint64_t opened_ms;
    int tries;
    bool told_junk;
    bool waited;                      /* the timer has fired */
    uv_timer_t timer;
    uv_signal_t signals[2];
    int handles;                      /* of libuv that are not closed yet */
};

static const int signal_numbers[] = {SIGINT, SIGTERM};
static const struct outbound everywhere = {.all = true};

static void note(const struct tail *tail, const char *text)
{
    tail->hooks.on_note(tail->hooks.context, text);
}

static void set_state(struct tail *tail, enum tail_state state)
{
    if (tail->state != TAIL_OVER && tail->state != TAIL_STOPPED)
        tail->state = state;
}

void tail_stop(struct tail *tail)
{
    set_state(tail, TAIL_STOPPED);
}

/* ---- the WebSocket's hooks ---- */

static void on_message(void *owner, bool is_text, str data)
{
    struct tail *tail = owner;
    json_t *event;

    (void)is_text;
    if (tail->state != TAIL_OPEN)
        return;
    event = json_loadb(data.ptr, data.len, JSON_ALLOW_NUL, NULL);
    if (json_is_object(event)) {
        tail->hooks.on_event(tail->hooks.context, tail, event);
    } else if (!tail->told_junk) {
        tail->told_junk = true;
        note(tail, "the server sent something that is no event; it is left out");
    }
    json_decref(event);
}

static void lose(struct tail *tail, str why)
{
    snprintf(tail->why, sizeof tail->why, "%.*s", STR_ARGS(str_head(why, sizeof tail->why - 1)));
    set_state(tail, TAIL_LOST);
}

static void on_closed(void *owner, bool clean, int code, str reason)
{
    struct tail *tail = owner;

    if (clean && code == WEBSOCKET_NORMAL)
        set_state(tail, TAIL_OVER);
    else if (clean)
        lose(tail, reason.len ? reason : STR("the server closed it"));
    else
        lose(tail, reason);
}

static void on_open(void *owner, struct websocket_link *link, str lines)
{
    struct tail *tail = owner;

    (void)lines;
    tail->client = NULL;
    tail->link = link;
    tail->told_junk = false;
    tail->opened_ms = uv_now(remote_loop(tail->remote));
    set_state(tail, TAIL_OPEN);
}

static void on_failed(void *owner, const char *text)
{
    struct tail *tail = owner;

    tail->client = NULL;
    lose(tail, str_from(text));
}

static const struct websocket_client_hooks client_hooks = {.on_open = on_open,
                                                           .on_failed = on_failed};
static const struct websocket_link_hooks link_hooks = {on_message, on_closed};

/* ---- waiting ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    tail_stop(handle->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct tail *tail = timer->data;

    tail->waited = true;
}

static void listen_to_signals(struct tail *tail, bool on)
{
    for (size_t i = 0; i < COUNT_OF(tail->signals); i++) {
        if (on)
            ASSERT(uv_signal_start(&tail->signals[i], on_signal, signal_numbers[i]) == 0);
        else
            uv_signal_stop(&tail->signals[i]);
    }
}

/* Until the state is another one. */
static void wait_while(struct tail *tail, enum tail_state state)
{
    listen_to_signals(tail, true);
    while (tail->state == state)
        uv_run(remote_loop(tail->remote), UV_RUN_ONCE);
    listen_to_signals(tail, false);
}

static void wait_ms(struct tail *tail, uint64_t ms)
{
    tail->waited = false;
    uv_timer_start(&tail->timer, on_timer, ms, 0);
    listen_to_signals(tail, true);
    while (!tail->waited && tail->state != TAIL_STOPPED)
        uv_run(remote_loop(tail->remote), UV_RUN_ONCE);
    listen_to_signals(tail, false);
    uv_timer_stop(&tail->timer);
}

/* ---- connecting ---- */

static int start_websocket(struct tail *tail, const struct url *url, struct err *err)
{
    bool tls = url->scheme == URL_WSS;
    str port = url_get(url, URL_PORT);
    uint64_t number = tls ? 443 : 80;
    struct buf head;
    int r = 0;

    buf_init(&head, HEAD_BYTES_MAX);
    if ((port.len && !str_to_u64(port, UINT16_MAX, &number)) ||
        buf_printf(&head, "GET %.*s%.*s HTTP/1.1\r\nhost: %.*s\r\n",
                   STR_ARGS(url_get(url, URL_PATHNAME)), STR_ARGS(url_get(url, URL_SEARCH)),
                   STR_ARGS(url_get(url, URL_HOST))) < 0) {
        r = err_set(err, ERR_INVALID, "the address of the tail that the server gave is too long");
    } else {
        struct websocket_client_options options = {.host = url_get(url, URL_HOSTNAME),
                                                   .port = (uint16_t)number,
                                                   .tls = tls,
                                                   .head = buf_str(&head),
                                                   .protocols = STR(PROTOCOL),
                                                   .rules = &everywhere};
        tail->client = websocket_client_open(remote_loop(tail->remote), &options, &client_hooks,
                                             &link_hooks, tail, err);
        r = tail->client ? 0 : err->code;
    }
    buf_done(&head);
    return r;
}

/* Opens the WebSocket and waits for it. One that was lost as soon as it was open counts as done,
 * and so does STOPPED. */
static int connect_to(struct tail *tail, const char *address, struct err *err)
{
    struct url url;
    int r = 0;

    url_init(&url);
    if (!address || url_parse(str_from(address), NULL, &url) < 0 ||
        (url.scheme != URL_WS && url.scheme != URL_WSS))
        r = err_set(err, ERR_INVALID, "the server made a tail without an address to watch it at");
    else
        r = start_websocket(tail, &url, err);
    if (r == 0) {
        set_state(tail, TAIL_CONNECTING);
        wait_while(tail, TAIL_CONNECTING);
        if (tail->state == TAIL_LOST && !tail->link)
            r = err_set(err, ERR_NETWORK, "the tail at %.*s cannot be watched: %s",
                        STR_ARGS(str_head(url_get(&url, URL_HOST), 200)), tail->why);
    }
    url_done(&url);
    return r;
}

static int begin(struct tail *tail, struct err *err)
{
    const char *id;
    json_t *made;
    int r = remote_call(tail->remote, "POST",
                        remote_path(tail->remote, "workers/scripts/%s/tails", tail->worker),
                        json_pack("{s:O}", "filters", tail->filters), &made, err);

    if (r < 0)
        return r;
    id = member_text(made, "id");
    free(tail->id);
    tail->id = id ? str_dup(str_from(id)) : NULL;
    r = connect_to(tail, member_text(made, "url"), err);
    json_decref(made);
    return r;
}

/* The connection, if there is one, is not ours any more. */
static void leave(struct tail *tail)
{
    websocket_link_free(tail->link, WEBSOCKET_NORMAL);
    tail->link = NULL;
    if (tail->client)
        websocket_client_cancel(tail->client);
    tail->client = NULL;
}

/* ---- life ---- */

int tail_open(struct remote *remote, const char *worker, json_t *filters,
              const struct tail_hooks *hooks, struct tail **ret, struct err *err)
{
    struct tail *tail = mem_new(struct tail);
    uv_loop_t *loop = remote_loop(remote);
    int r;

    tail->remote = remote;
    tail->worker = str_dup(str_from(worker));
    tail->filters = json_incref(filters);
    tail->hooks = *hooks;
    ASSERT(uv_timer_init(loop, &tail->timer) == 0);
    tail->timer.data = tail;
    for (size_t i = 0; i < COUNT_OF(tail->signals); i++) {
        ASSERT(uv_signal_init(loop, &tail->signals[i]) == 0);
        tail->signals[i].data = tail;
    }
    r = begin(tail, err);
    if (r == 0)
        *ret = tail;
    else
        tail_close(tail);
    return r;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct tail *tail = handle->data;

    tail->handles--;
}

static void close_handle(struct tail *tail, uv_handle_t *handle)
{
    tail->handles++;
    uv_close(handle, on_handle_closed);
}

void tail_close(struct tail *tail)
{
    struct err ignored;

    if (!tail)
        return;
    if (tail->id && tail->link && tail->state != TAIL_OVER &&
        remote_call(tail->remote, "DELETE",
                    remote_path(tail->remote, "workers/scripts/%s/tails/%s", tail->worker,
                                tail->id),
                    NULL, NULL, &ignored) < 0)
        note(tail, "the server could not be told that this tail ends; it will notice");
    leave(tail);
    close_handle(tail, (uv_handle_t *)&tail->timer);
    for (size_t i = 0; i < COUNT_OF(tail->signals); i++)
        close_handle(tail, (uv_handle_t *)&tail->signals[i]);
    while (tail->handles)
        uv_run(remote_loop(tail->remote), UV_RUN_ONCE);
    free(tail->id);
    free(tail->worker);
    json_decref(tail->filters);
    free(tail);
}

/* ---- what happens ---- */

/* False when there is no sense in another try. */
static bool may_pass(int code)
{
    return code != ERR_DENIED && code != ERR_NOT_FOUND;
}

static uint64_t next_delay(struct tail *tail)
{
    int doublings = tail->tries < DELAY_DOUBLINGS_MAX ? tail->tries : DELAY_DOUBLINGS_MAX;
    uint64_t ms = (uint64_t)TAIL_DELAY_MS << doublings;

    tail->tries++;
    return ms < TAIL_DELAY_MAX_MS ? ms : TAIL_DELAY_MAX_MS;
}

/* A new tail in the place of the one that was lost. */
static int try_again(struct tail *tail, struct err *err)
{
    char text[WHY_BYTES_MAX + 100];
    int r;

    if (tail->opened_ms && uv_now(remote_loop(tail->remote)) - tail->opened_ms >= TAIL_STABLE_MS)
        tail->tries = 0;
    tail->opened_ms = 0;
    snprintf(text, sizeof text, "the connection was lost (%s): trying again", tail->why);
    note(tail, text);
    do {
        if (tail->tries >= TAIL_TRIES_MAX)
            return err_set(err, ERR_NETWORK, "the connection was lost, and %d tries were in vain",
                           TAIL_TRIES_MAX);
        wait_ms(tail, next_delay(tail));
        if (tail->state == TAIL_STOPPED)
            return 0;
        tail->state = TAIL_IDLE;
        r = begin(tail, err);
        if (r < 0)
            leave(tail);
    } while (r < 0 && may_pass(r));
    if (r == 0 && tail->state == TAIL_OPEN)
        note(tail, "connected again; what happened in between is not shown");
    return r;
}

/* The server closed it as done: mostly the worker is gone. */
static void tell_end(const struct tail *tail)
{
    struct err err;
    int r = remote_get(tail->remote,
                       remote_path(tail->remote, "workers/scripts/%s/subdomain", tail->worker),
                       NULL, &err);

    note(tail, r == ERR_NOT_FOUND ? "the worker was deleted" : "the server ended this tail");
}

int tail_run(struct tail *tail, struct err *err)
{
    int r = 0;

    while (r == 0) {
        wait_while(tail, TAIL_OPEN);
        if (tail->state == TAIL_STOPPED)
            return 0;
        leave(tail);
        if (tail->state == TAIL_OVER) {
            tell_end(tail);
            return 0;
        }
        r = try_again(tail, err);
    }
    return r;
}
