/* Connections of the server that leave for another process, and those that come from one.
 *
 *   here:  http_detach_request ──earlier answers are written──> on_detached ──> on_end
 *   there: http_detach_adopt ──> on_request, as if all of it had come there
 *
 * What goes is the descriptor and the bytes that bring a fresh connection to the same point: the
 * head of the request that runs, what was read of its body, what was read behind it. Unread bytes
 * stay in the kernel and need no one's care. The client sees nothing of it.
 *
 * Owns: nothing beside the server. Thread: the loop's. Limits: those of the server. */
#ifndef ATOLL_HTTP_DETACH_H
#define ATOLL_HTTP_DETACH_H

#include "http/server.h"

/* Gives away the connection of a request: at a later flush, once what is queued for the client is
 * written; when it breaks before that, there is only on_end. `head` (borrowed) is the request's
 * head up to and with its empty line; framing fields must be as they came. on_detached is told of
 * it: `fd` is taken by it, `bytes` are what to go on with, borrowed; on_end follows, without
 * on_client_gone.
 * Returns false, and does nothing, when it is too late: something of the body was taken, or it was
 * answered. */
NODISCARD bool http_detach_request(struct http_request *request, str head,
                                   void (*on_detached)(struct http_request *request, int fd,
                                                       str bytes));

/* The same at once, for who cannot wait for a flush. Returns false, too, when something is queued
 * for the client. */
NODISCARD bool http_detach_request_now(struct http_request *request, str head,
                                       void (*on_detached)(struct http_request *request, int fd,
                                                           str bytes));

/* Gives away all connections with no request in progress and nothing buffered: `each` takes the
 * descriptor. Calls no hook of the server. Returns how many. */
size_t http_detach_idle(struct http_server *server, void (*each)(void *context, int fd),
                        void *context);

/* Goes on with a connection (`fd` is taken) of which `bytes` (borrowed) were read already. It is
 * closed when there is no room for it, or the server is stopping. `hops` is for
 * http_detach_hops(). */
void http_detach_adopt(struct http_server *server, int fd, str bytes, unsigned hops);

/* "HTTP/1.1" or "HTTP/1.0": what the head has to say. */
str http_detach_protocol(const struct http_request *request);

/* How often this request was given away: what it was adopted with, 0 for any other. */
unsigned http_detach_hops(const struct http_request *request);

#endif
