/* A connection of the server that has changed its protocol: bytes both ways, HTTP no more.
 *
 *   upgrade_start ──101 written──> data* ──upgrade_end──> what is queued is written, then closed
 *                                    └──the client went, or took nothing for long──> on_gone
 *
 * Hooks are called from the loop. They must not enter JavaScript; they may call what is below.
 *
 * Owns: nothing: the server owns the connection. Thread: the loop's.
 * Limits: HTTP_WRITE_TIMEOUT_MS without the client taking a byte; the caller bounds the queue. */
#ifndef ATOLL_HTTP_UPGRADE_H
#define ATOLL_HTTP_UPGRADE_H

#include "http/server.h"

struct upgrade_hooks {
    /* Bytes came, never none; borrowed for the call. */
    void (*on_data)(void *owner, str bytes);
    /* All that was written has gone to the system. */
    void (*on_drain)(void *owner);
    /* The connection is over; the last call. Not after upgrade_end() or upgrade_cut(). */
    void (*on_gone)(void *owner);
};

struct upgrade;

/* Answers a request with 101 and takes its connection over, once the answer is written. `head` is
 * lines "name: value\r\n", with connection and upgrade, borrowed; hooks and owner are kept.
 * Returns NULL, and does nothing, when that cannot be: HTTP/1.0, a body, an answer was begun. */
struct upgrade *upgrade_start(struct http_request *request, str head,
                              const struct upgrade_hooks *hooks, void *owner);

/* Queues bytes; written at the next http_server_flush(). */
void upgrade_write(struct upgrade *upgrade, str bytes);

/* Bytes written that the system has not taken. */
size_t upgrade_queued(const struct upgrade *upgrade);

/* Stops or continues reading. */
void upgrade_pause(struct upgrade *upgrade, bool paused);

/* Writes what is queued and closes; the upgrade is not to be used any more. */
void upgrade_end(struct upgrade *upgrade);

/* Closes at once; the upgrade is not to be used any more. */
void upgrade_cut(struct upgrade *upgrade);

/* These as the transport of a WebSocket (http/websocket_link.h). */
struct websocket_transport;
extern const struct websocket_transport upgrade_transport;

#endif
