/* The opening handshake of a WebSocket (RFC 6455 4): what a server checks and says, what a client
 * says and checks.
 *
 * Owns: nothing. Thread: any. Limits: those of the heads that it is given. */
#ifndef ATOLL_HTTP_HANDSHAKE_H
#define ATOLL_HTTP_HANDSHAKE_H

#include "base/buf.h"

enum {
    HANDSHAKE_KEY_BYTES = 24,      /* 16 bytes as base64 */
    HANDSHAKE_ACCEPT_BYTES = 28,   /* 20 bytes as base64 */
};

/* What a client's request says; the views are into its head. */
struct handshake {
    bool upgrade;        /* Upgrade has "websocket" and Connection "upgrade" */
    bool wrong_version;  /* there is none, or it is not 13 */
    bool wrong_key;      /* there is none, several, or it is not 16 bytes as base64 */
    str key;
    str extensions;      /* the first Sec-WebSocket-Extensions; empty: none */
};

/* Reads header lines "name: value\n" (names in lower case; a CR before the LF is fine). */
void handshake_read(str lines, struct handshake *ret);

/* Sec-WebSocket-Accept for a key: HANDSHAKE_ACCEPT_BYTES characters, no NUL. */
void handshake_accept(str key, char *out);

/* A new key: HANDSHAKE_KEY_BYTES characters, no NUL. */
void handshake_make_key(char *out);

/* The value of the first header `name` (in lower case); an empty one with ptr NULL when there is
 * none. `lines` as above, names in any case. */
str handshake_header(str lines, str name);

/* True when a comma-separated list has this token, in any case. */
bool handshake_has_token(str list, str token);

/* The same with the case as it is. */
bool handshake_has_exactly(str list, str token);

#endif
