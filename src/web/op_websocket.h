/* WebSockets of isolates, for those who know requests and versions.
 *
 * Owns: nothing that is not its isolate's. Thread: the loop's.
 * Limits: WEBSOCKETS_OF_ISOLATE_MAX open ones; a message's CPU time is limited like a request's. */
#ifndef ATOLL_WEB_OP_WEBSOCKET_H
#define ATOLL_WEB_OP_WEBSOCKET_H

#include <JavaScriptCore/JavaScript.h>

#include "engine/isolate.h"
#include "http/server.h"

enum { WEBSOCKETS_OF_ISOLATE_MAX = 4096 };

/* Answers `request` with 101 and `head` (lines, with connection and upgrade; deflate: they agree on
 * compression) and gives the native WebSocket of its connection; inside a turn of its isolate.
 * Undefined when the connection cannot be taken over (see upgrade_start()). Throws ERR_LIMIT when
 * there are too many. */
JSValueRef op_websocket_accept(JSContextRef ctx, struct http_request *request, str head,
                               bool deflate, JSValueRef *exception);

/* Says Close with `code` to the peers of an isolate's WebSockets, of all isolates when it is NULL,
 * and does not wait long for their answers. */
void op_websocket_leave(struct isolate *iso, int code);

/* What was a string of characters up to U+00FF, back to one byte each, in place (isomorphic encode,
 * WHATWG Infra): header values. */
str op_websocket_narrow(char *utf8, size_t len);

/* What was used for the last message of the WebSocket that CELL_CURRENT calls `id`, which is
 * negative; NULL when there is none. */
struct isolate_spent *op_websocket_meter(const struct isolate *iso, int32_t id);

#endif
