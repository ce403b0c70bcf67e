/* A WebSocket on a connection: its protocol, its transport, its clocks.
 *
 *   open ──websocket_link_close()──> closing ──the peer's Close, or time is up──> closed
 *     └──the peer's Close, a broken protocol, a lost connection──────────────────^
 *
 * Keeps the connection alive with pings, ends one that is dead, and holds a bound on what waits to
 * be sent: the connection of a peer that does not read is cut. Whoever owns it gets messages and
 * one on_closed, from the loop; no hook may enter JavaScript or call websocket_link_free().
 *
 * Owns: the protocol's state; the transport, until it is closed. Thread: the loop's.
 * Limits: the enum below and those of websocket.h. */
#ifndef ATOLL_HTTP_WEBSOCKET_LINK_H
#define ATOLL_HTTP_WEBSOCKET_LINK_H

#include <uv.h>

#include "http/websocket.h"

enum {
    WEBSOCKET_QUEUE_BYTES_MAX = 16 << 20,    /* sent and not taken by the peer, of one WebSocket */
    WEBSOCKET_QUEUES_BYTES_MAX = 256 << 20,  /* the same of all of the process */
    WEBSOCKET_PING_MS = 30 * 1000,           /* without a byte from the peer, before it is asked */
    WEBSOCKET_DEAD_MS = 90 * 1000,           /* without a byte, before the connection is cut */
    WEBSOCKET_CLOSE_MS = 10 * 1000,          /* for the peer to answer our Close */
    WEBSOCKET_END_MS = 2 * 1000,             /* for a server to close after the Closes */
};

/* The connection under it: functions over `transport`. */
struct websocket_transport {
    void (*write)(void *transport, str bytes);
    size_t (*queued)(const void *transport);
    void (*pause)(void *transport, bool paused);
    void (*end)(void *transport);  /* writes what is queued and closes; it is gone for us */
    void (*cut)(void *transport);  /* closes at once; it is gone for us */
};

struct websocket_link_hooks {
    void (*on_message)(void *owner, bool is_text, str data);
    /* clean: both sides said Close; `code` and `reason` are the peer's. Else code is
     * WEBSOCKET_ABNORMAL and `reason` a text for a person. Borrowed for the call. */
    void (*on_closed)(void *owner, bool clean, int code, str reason);
};

/* What the handshake has settled; deflate as in websocket_new(). */
struct websocket_terms {
    enum websocket_role role;
    bool deflate;
};

struct websocket_link;

/* `transport` is taken: a server's upgrade, or a client's socket whose handshake is done. It is to
 * call websocket_link_received() and websocket_link_lost(). Returned owned. */
struct websocket_link *websocket_link_new(uv_loop_t *loop, struct websocket_terms terms,
                                          const struct websocket_transport *functions,
                                          void *transport, const struct websocket_link_hooks *hooks,
                                          void *owner);

/* Says Close with `code` when nobody said one, and waits for nothing. NULL is fine. */
void websocket_link_free(struct websocket_link *link, int code);

/* For the transport: bytes came; it ended or failed, and is not to be used any more. */
void websocket_link_received(struct websocket_link *link, str bytes);
void websocket_link_lost(struct websocket_link *link, str why);

/* Sends a message; does nothing unless open. When too much waits to be taken the connection is cut,
 * and on_closed is called. */
void websocket_link_send(struct websocket_link *link, bool is_text, str data);

/* Begins the closing handshake, see websocket_close(). */
void websocket_link_close(struct websocket_link *link, int code, str reason);

/* The same with less patience: the process or the version ends. */
void websocket_link_leave(struct websocket_link *link, int code);

/* Bytes of messages that the system has not taken yet. */
size_t websocket_link_queued(const struct websocket_link *link);

/* Stops or continues reading. */
void websocket_link_pause(struct websocket_link *link, bool paused);

#endif
