/* The WebSocket protocol (RFC 6455): bytes in, messages out, and the other way round.
 *
 *   OPEN ──a Close is sent──> CLOSING ──the peer's Close came──> CLOSED
 *     └──the peer's Close came, and was answered; or it broke the protocol──^
 *
 * It has no socket: what is to be sent collects in websocket_output(), for the caller to take after
 * each call. Pings are answered and the closing handshake is held here; messages are handed out
 * whole, text only when it is UTF-8.
 *
 * Owns: its buffers. Thread: any, one at a time.
 * Limits: the enum below; a peer that exceeds one is told with a Close (1009, 1002). One call of
 * websocket_receive() outputs less than it was given, and a Close. */
#ifndef ATOLL_HTTP_WEBSOCKET_H
#define ATOLL_HTTP_WEBSOCKET_H

#include "base/buf.h"

enum {
    WEBSOCKET_MESSAGE_BYTES_MAX = 1 << 20,  /* of a message that is received */
    WEBSOCKET_REASON_BYTES_MAX = 123,       /* of a Close's text (RFC 6455 5.5) */
};

/* Codes of a Close (RFC 6455 7.4.1) that are said here. */
enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_NO_CODE = 1005,     /* never sent: the peer's Close had none */
    WEBSOCKET_ABNORMAL = 1006,    /* never sent: there was no Close */
    WEBSOCKET_NOT_UTF8 = 1007,
    WEBSOCKET_TOO_BIG = 1009,
    WEBSOCKET_INTERNAL_ERROR = 1011,
    WEBSOCKET_RESTART = 1012,
};

enum websocket_role {
    WEBSOCKET_SERVER,
    WEBSOCKET_CLIENT,
    WEBSOCKET_SERVER_LENIENT,   /* takes frames without a mask, too: wrangler's tail sends one */
};

enum websocket_state { WEBSOCKET_OPEN, WEBSOCKET_CLOSING, WEBSOCKET_CLOSED };

struct websocket;

/* Called from websocket_receive(); they may call websocket_send() and websocket_close(). */
struct websocket_hooks {
    /* A whole message; `data` is borrowed for the call. */
    void (*on_message)(void *owner, bool is_text, str data);

    /* CLOSED. clean: the peer's Close came, with `code` (WEBSOCKET_NO_CODE: it had none) and
     * `reason`, borrowed. Else the peer broke the protocol: `code` is what it was told, `reason` a
     * text for a person. Once; nothing is received after it. */
    void (*on_closed)(void *owner, bool clean, int code, str reason);
};

/* deflate: the handshake agreed on compression as in websocket_deflate.h. hooks are kept, and so is
 * `owner`. Returned owned. */
struct websocket *websocket_new(enum websocket_role role, bool deflate,
                                const struct websocket_hooks *hooks, void *owner);
void websocket_free(struct websocket *ws);

enum websocket_state websocket_state(const struct websocket *ws);

/* Takes what came over the wire, in pieces as they come. After CLOSED it is ignored. */
void websocket_receive(struct websocket *ws, str bytes);

/* Held, it keeps what is received until it is let go: few bytes can be many messages, and large
 * ones. May be called from on_message(). */
void websocket_hold(struct websocket *ws, bool held);

/* Sends one message; text is UTF-8, which is the caller's duty, and so is a bound on what waits to
 * be taken. Does nothing unless OPEN. */
void websocket_send(struct websocket *ws, bool is_text, str data);

/* Begins the closing handshake; does nothing unless OPEN. code 0: a Close without one. `reason` is
 * UTF-8 of at most WEBSOCKET_REASON_BYTES_MAX, and empty without a code. */
void websocket_close(struct websocket *ws, int code, str reason);

/* Sends an empty ping; does nothing unless OPEN. */
void websocket_ping(struct websocket *ws);

/* What is to go over the wire; the caller consumes it. */
struct buf *websocket_output(struct websocket *ws);

/* True when a peer may say `code` in a Close (RFC 6455 7.4 and the registry of IANA). */
bool websocket_code_is_valid(int code);

#endif
