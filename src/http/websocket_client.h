/* A WebSocket to another server: the connection, the client's handshake, then a websocket_link.
 *
 *   websocket_client_open ──101──> on_open: a link, which goes on by itself
 *                            ├──another answer──> on_answer
 *                            └──no connection, no sense, too late──> on_failed
 *
 * Exactly one of the three hooks is called, from the loop, unless it is cancelled first; no hook
 * may enter JavaScript.
 *
 * Owns: the connection, until the link is released. Thread: the loop's.
 * Limits: the enum below and those of socket.h. */
#ifndef ATOLL_HTTP_WEBSOCKET_CLIENT_H
#define ATOLL_HTTP_WEBSOCKET_CLIENT_H

#include "http/outbound.h"
#include "http/websocket_link.h"

enum {
    WEBSOCKET_ANSWER_MS = 30 * 1000,           /* from the connection to the end of the answer */
    WEBSOCKET_ANSWER_HEAD_BYTES_MAX = 64 << 10,
    WEBSOCKET_ANSWER_BODY_BYTES_MAX = 1 << 20, /* of an answer but 101; the rest is cut off */
};

struct websocket_client;

struct websocket_client_hooks {
    /* The handshake is done. `link` is handed over: free it. `lines` are the answer's headers. */
    void (*on_open)(void *owner, struct websocket_link *link, str lines);
    /* The server answered with something else: status line and headers, and the body. */
    void (*on_answer)(void *owner, int status, str lines, str body);
    void (*on_failed)(void *owner, const char *text);
};

/* All is copied but the rules. */
struct websocket_client_options {
    str host;
    uint16_t port;
    bool tls;
    str head;        /* "GET /path HTTP/1.1\r\n" and header lines, without those of the handshake */
    str protocols;   /* the subprotocols that are offered, with commas; empty: none */
    bool wants_answer;             /* else another answer than 101 is a failure */
    const struct outbound *rules;
};

/* Begins. The link's hooks and `owner`, kept, are those that websocket_link_new() takes.
 * Returns NULL and fills `err`, as socket_open() does. */
struct websocket_client *websocket_client_open(uv_loop_t *loop,
                                               const struct websocket_client_options *options,
                                               const struct websocket_client_hooks *hooks,
                                               const struct websocket_link_hooks *link_hooks,
                                               void *owner, struct err *err);

/* Ends one that none of the hooks was called for; none will be. */
void websocket_client_cancel(struct websocket_client *client);

#endif
