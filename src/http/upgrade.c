/* Upgraded connections; see upgrade.h. A struct upgrade is the connection itself, seen by its new
 * owner: until the 101 is written it still is in RUNNING, and what comes waits in conn->in. */
#include "http/upgrade.h"

#include "http/conn.h"
#include "http/websocket_link.h"

static struct conn *conn_of_upgrade(const struct upgrade *upgrade)
{
    return (struct conn *)upgrade;
}

struct upgrade *upgrade_start(struct http_request *request, str head,
                              const struct upgrade_hooks *hooks, void *owner)
{
    struct conn *c = conn_of(request);

    if (request->is_http10 || request->framing != HTTP_BODY_NONE ||
        request->answer != ANSWER_NONE || c->ended)
        return NULL;
    c->upgrade_hooks = hooks;
    c->upgrade_owner = owner;
    answer_upgrade(c, head);
    return (struct upgrade *)c;
}

void upgrade_write(struct upgrade *upgrade, str bytes)
{
    struct conn *c = conn_of_upgrade(upgrade);

    ASSERT(buf_append(&c->out, bytes) == 0); /* the owner has a bound of its own */
    answer_mark_dirty(c);
}

size_t upgrade_queued(const struct upgrade *upgrade)
{
    const struct conn *c = conn_of_upgrade(upgrade);

    return c->out.len + uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

void upgrade_pause(struct upgrade *upgrade, bool paused)
{
    struct conn *c = conn_of_upgrade(upgrade);

    c->upgrade_paused = paused;
    conn_update_reading(c);
}

static struct conn *disown(struct upgrade *upgrade)
{
    struct conn *c = conn_of_upgrade(upgrade);

    c->upgrade_hooks = NULL;
    return c;
}

void upgrade_end(struct upgrade *upgrade)
{
    struct conn *c = disown(upgrade);

    c->close_after = c->unread = true;
    if (c->state != CONN_UPGRADED)
        return; /* the 101 is not written yet: it closes after that */
    conn_enter(c, CONN_LINGER);
    answer_mark_dirty(c);
    conn_update_reading(c);
}

void upgrade_cut(struct upgrade *upgrade)
{
    conn_close(disown(upgrade));
}

/* ---- under a WebSocket ---- */

static void transport_write(void *upgrade, str bytes)
{
    upgrade_write(upgrade, bytes);
}

static size_t transport_queued(const void *upgrade)
{
    return upgrade_queued(upgrade);
}

static void transport_pause(void *upgrade, bool paused)
{
    upgrade_pause(upgrade, paused);
}

static void transport_end(void *upgrade)
{
    upgrade_end(upgrade);
}

static void transport_cut(void *upgrade)
{
    upgrade_cut(upgrade);
}

const struct websocket_transport upgrade_transport = {
    transport_write, transport_queued, transport_pause, transport_end, transport_cut};
