/* Compression of WebSocket messages: permessage-deflate (RFC 7692), for a server.
 *
 * Neither side takes its context over: each message is compressed by itself, and no connection
 * keeps a window.
 *
 * Owns: one compressor and one decompressor for the process. Thread: the loop's.
 * Limits: those of the buffers that it is given. */
#ifndef ATOLL_HTTP_WEBSOCKET_DEFLATE_H
#define ATOLL_HTTP_WEBSOCKET_DEFLATE_H

#include "base/buf.h"

enum { WEBSOCKET_DEFLATE_BYTES_MIN = 1024 };  /* shorter messages are sent as they are */

/* What Sec-WebSocket-Extensions says when an offer is accepted. */
#define WEBSOCKET_DEFLATE_ANSWER \
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* True when one of the offers in a client's Sec-WebSocket-Extensions can be accepted so. */
bool websocket_deflate_accepts(str offers);

/* Appends the payload of a compressed message. Returns 0, or ERR_LIMIT when `out` is full. */
NODISCARD int websocket_deflate_pack(str bytes, struct buf *out);

/* Appends what a compressed message says. Returns 0, ERR_LIMIT when that is more than fits `out`,
 * or ERR_INVALID when it is no DEFLATE data. */
NODISCARD int websocket_deflate_unpack(str payload, struct buf *out);

#endif
