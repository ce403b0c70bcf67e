/* WebSockets on connections; see websocket_link.h.
 *
 * (1) `transport` is NULL once it ended, failed or was given up: nothing is written after that.
 * (2) on_closed is called once: `told`.
 * (3) One timer looks at all links of the process, once a second, as long as there are any. */
#include "http/websocket_link.h"

#include <stdlib.h>

#include "base/list.h"

enum { LOOK_MS = 1000 };

struct websocket_link {
    struct list link;           /* in `all` */
    uv_loop_t *loop;
    enum websocket_role role;
    struct websocket *ws;
    const struct websocket_transport *functions;
    void *transport;
    const struct websocket_link_hooks *hooks;
    void *owner;
    uint64_t heard_ms;          /* when the peer last sent a byte */
    uint64_t until_ms;          /* when patience ends; 0: it does not */
    size_t sent_bytes;          /* of messages, since nothing was queued */
    size_t counted_bytes;       /* of this link in `queued_bytes` */
    bool pinged;
    bool paused;
    bool told;
    bool clean;                 /* for a client that waits for its server to close */
    int code;
    struct buf reason;
};

static struct list all = {&all, &all};
static size_t queued_bytes; /* of all links, as last seen */

static void tell(struct websocket_link *link, bool clean, int code, str reason)
{
    if (link->told)
        return;
    link->told = true;
    link->hooks->on_closed(link->owner, clean, code, reason);
}

/* ---- the transport ---- */

static void count(struct websocket_link *link)
{
    size_t now = link->transport ? link->functions->queued(link->transport) : 0;

    queued_bytes += now - link->counted_bytes;
    link->counted_bytes = now;
    if (!now)
        link->sent_bytes = 0;
}

static void release(struct websocket_link *link, void (*how)(void *transport))
{
    void *transport = link->transport;

    link->transport = NULL;
    count(link);
    if (transport)
        how(transport);
}

static void cut(struct websocket_link *link, str why)
{
    release(link, link->functions->cut);
    tell(link, false, WEBSOCKET_ABNORMAL, why);
}

/* Hands over what the protocol has put out. */
static void flush(struct websocket_link *link)
{
    struct buf *out = websocket_output(link->ws);

    if (out->len && link->transport)
        link->functions->write(link->transport, buf_str(out));
    if (out->cap > 4096)
        buf_done(out);
    else
        buf_clear(out);
    count(link);
}

static bool is_full(const struct websocket_link *link, size_t more)
{
    return link->counted_bytes + more > WEBSOCKET_QUEUE_BYTES_MAX ||
           queued_bytes + more > WEBSOCKET_QUEUES_BYTES_MAX;
}

static void wait_at_most(struct websocket_link *link, uint64_t ms)
{
    uint64_t until_ms = uv_now(link->loop) + ms;

    if (!link->until_ms || until_ms < link->until_ms)
        link->until_ms = until_ms;
}

/* ---- the protocol's hooks ---- */

static void on_message(void *owner, bool is_text, str data)
{
    struct websocket_link *link = owner;

    link->hooks->on_message(link->owner, is_text, data);
}

/* A client leaves it to the server to close the connection (RFC 6455 7.1.1). */
static void on_closed(void *owner, bool clean, int code, str reason)
{
    struct websocket_link *link = owner;

    if (!clean) {
        tell(link, false, WEBSOCKET_ABNORMAL, reason);
    } else if (link->role != WEBSOCKET_CLIENT) {
        tell(link, true, code, reason);
    } else {
        link->clean = true;
        link->code = code;
        ASSERT(buf_append(&link->reason, reason) == 0);
        wait_at_most(link, WEBSOCKET_END_MS);
    }
}

static const struct websocket_hooks protocol_hooks = {on_message, on_closed};

/* ---- the clocks ---- */

static void look(struct websocket_link *link, uint64_t now_ms)
{
    uint64_t silent_ms = now_ms - link->heard_ms;

    count(link);
    if (link->until_ms && now_ms >= link->until_ms) {
        if (link->clean)
            tell(link, true, link->code, buf_str(&link->reason));
        cut(link, STR("the peer did not answer the Close"));
    } else if (link->paused) {
        link->heard_ms = now_ms; /* it is not heard because nobody listens */
    } else if (silent_ms >= WEBSOCKET_DEAD_MS) {
        cut(link, STR("nothing came from the peer for 90 s, not even an answer to a ping"));
    } else if (silent_ms >= WEBSOCKET_PING_MS && !link->pinged) {
        link->pinged = true;
        websocket_ping(link->ws);
        flush(link);
    }
}

static void on_look(uv_timer_t *timer)
{
    uint64_t now_ms = uv_now(timer->loop);

    LIST_EACH_SAFE(&all, it) {
        struct websocket_link *link = CONTAINER_OF(it, struct websocket_link, link);
        if (link->transport)
            look(link, now_ms);
    }
    if (list_empty(&all))
        uv_timer_stop(timer);
}

static void start_clock(uv_loop_t *loop)
{
    static uv_timer_t timer;

    if (!timer.loop) {
        ASSERT(uv_timer_init(loop, &timer) == 0);
        uv_unref((uv_handle_t *)&timer);
    }
    if (!uv_is_active((uv_handle_t *)&timer))
        uv_timer_start(&timer, on_look, LOOK_MS, LOOK_MS);
}

/* ---- life ---- */

struct websocket_link *websocket_link_new(uv_loop_t *loop, struct websocket_terms terms,
                                          const struct websocket_transport *functions,
                                          void *transport, const struct websocket_link_hooks *hooks,
                                          void *owner)
{
    struct websocket_link *link = mem_new(struct websocket_link);

    link->loop = loop;
    link->role = terms.role;
    link->ws = websocket_new(terms.role, terms.deflate, &protocol_hooks, link);
    link->functions = functions;
    link->transport = transport;
    link->hooks = hooks;
    link->owner = owner;
    link->heard_ms = uv_now(loop);
    buf_init(&link->reason, WEBSOCKET_REASON_BYTES_MAX);
    list_push(&all, &link->link);
    start_clock(loop);
    return link;
}

void websocket_link_free(struct websocket_link *link, int code)
{
    if (!link)
        return;
    link->told = true;
    websocket_close(link->ws, code, STR_NONE);
    flush(link);
    release(link, link->functions->end);
    list_remove(&link->link);
    websocket_free(link->ws);
    buf_done(&link->reason);
    free(link);
}

/* ---- what happens ---- */

/* After the protocol has looked at something new. */
static void go_on(struct websocket_link *link)
{
    flush(link);
    if (websocket_state(link->ws) == WEBSOCKET_CLOSED && !link->clean)
        release(link, link->functions->end);
    else if (is_full(link, 0))
        cut(link, STR("too much waits for the peer to read it"));
}

void websocket_link_received(struct websocket_link *link, str bytes)
{
    link->heard_ms = uv_now(link->loop);
    link->pinged = false;
    websocket_receive(link->ws, bytes);
    go_on(link);
}

void websocket_link_lost(struct websocket_link *link, str why)
{
    link->transport = NULL;
    count(link);
    if (link->clean)
        tell(link, true, link->code, buf_str(&link->reason));
    else
        tell(link, false, WEBSOCKET_ABNORMAL, why);
}

void websocket_link_send(struct websocket_link *link, bool is_text, str data)
{
    if (!link->transport || websocket_state(link->ws) != WEBSOCKET_OPEN)
        return;
    count(link);
    if (is_full(link, data.len)) {
        cut(link, STR("too much waits for the peer to read it"));
        return;
    }
    websocket_send(link->ws, is_text, data);
    link->sent_bytes += data.len;
    flush(link);
}

void websocket_link_close(struct websocket_link *link, int code, str reason)
{
    if (!link->transport || websocket_state(link->ws) != WEBSOCKET_OPEN)
        return;
    websocket_close(link->ws, code, reason);
    flush(link);
    wait_at_most(link, WEBSOCKET_CLOSE_MS);
    websocket_link_pause(link, false);
}

void websocket_link_leave(struct websocket_link *link, int code)
{
    websocket_link_close(link, code, STR_NONE);
    wait_at_most(link, WEBSOCKET_END_MS);
}

size_t websocket_link_queued(const struct websocket_link *link)
{
    size_t queued = link->transport ? link->functions->queued(link->transport) : 0;

    return queued < link->sent_bytes ? queued : link->sent_bytes;
}

void websocket_link_pause(struct websocket_link *link, bool paused)
{
    if (!link->transport || paused == link->paused)
        return;
    link->paused = paused;
    link->functions->pause(link->transport, paused);
    websocket_hold(link->ws, paused);
    if (!paused)
        go_on(link);
}
