/* An outbound stream: TCP to a host and port, with or without TLS, on the loop of the process.
 *
 * Names are looked up without blocking, each address that the rules allow is tried in turn, and
 * hooks tell what happens. TLS verifies the other side against the system's certificates (and the
 * file that ATOLL_CA_FILE names) and can begin at once or on the open stream (STARTTLS).
 *
 * Hooks are called from the loop, never from within a function below, and must not enter
 * JavaScript: they append to buffers and post tasks. They may call every function below.
 *
 * Owns: the connection, copies of all it is given. Thread: the loop's.
 * Limits: the enum below; on_close tells which one was exceeded. */
#ifndef ATOLL_HTTP_SOCKET_H
#define ATOLL_HTTP_SOCKET_H

#include <uv.h>

#include "base/err.h"
#include "base/str.h"
#include "http/outbound.h"

enum {
    SOCKET_CONNECT_TIMEOUT_MS = 15 * 1000,      /* name lookup, TCP and TLS together */
    SOCKET_QUEUE_BYTES_MAX = 64 * 1024 * 1024,  /* written and not yet taken by the system */
    SOCKET_HOST_BYTES_MAX = 253,
    SOCKET_ALPN_BYTES_MAX = 255,
    SOCKET_SOCKETS_MAX = 4096,                  /* open at the same time in one process */
    SOCKET_ADDRESS_BYTES_MAX = 64,              /* of "[address]:port", NUL included */
};

struct socket;

/* What happens to a socket: open, (data* end), close; drain at any time after open. */
struct socket_hooks {
    /* Connected; with TLS: the other side is verified too. Once more when what
     * socket_start_tls() began is done. */
    void (*on_open)(void *owner);

    /* Bytes came, never none; borrowed for the call. */
    void (*on_data)(void *owner, str bytes);

    /* The other side has sent all it will (TLS: close_notify, or the end of TCP). Writing may go
     * on: an owner that does not want a half-open stream calls socket_end() here. */
    void (*on_end)(void *owner);

    /* All that was written has gone to the system; after socket_end(): the end has, too. */
    void (*on_drain)(void *owner);

    /* The end: code 0 when both sides have ended, else ERR_NETWORK, ERR_TIMEOUT or ERR_LIMIT with
     * a text for a person ("connect ECONNREFUSED 127.0.0.1:1"). The socket is freed when this
     * returns. */
    void (*on_close)(void *owner, int code, const char *text);
};

struct socket_options {
    str host;                       /* a name or an address, an IPv6 one with or without brackets */
    uint16_t port;                  /* 1 to 65535 */
    bool tls;                       /* at once */
    str server_name;                /* whose certificate is expected; empty: `host` */
    str alpn;                       /* "h2,http/1.1": protocols offered in TLS; empty: none */
    const struct outbound *rules;   /* which addresses may be reached; kept */
    int connect_timeout_ms;         /* 0: the default above */
};

/* Starts to connect; everything in `options` but the rules is copied. `owner` is handed to the
 * hooks; both are kept until on_close or socket_close(). Reading begins with the connection.
 * Returns NULL and fills `err`: ERR_INVALID (host, port, ALPN list), ERR_LIMIT (too many). */
struct socket *socket_open(uv_loop_t *loop, const struct socket_options *options,
                           const struct socket_hooks *hooks, void *owner, struct err *err);

/* Queues bytes (copied); before the connection is there they wait for it. on_drain follows when
 * all have gone out; the caller bounds the queue by waiting for it.
 * Returns 0, or ERR_LIMIT when the queue is full: nothing of them is queued then. Not after
 * socket_end(). */
NODISCARD int socket_write(struct socket *socket, str bytes);

/* Bytes written and not yet taken by the system. */
size_t socket_queued(const struct socket *socket);

/* Nothing more will be written: ends this direction when the queue is empty (TLS close_notify,
 * then FIN). Calling it again does nothing. */
void socket_end(struct socket *socket);

/* True once what socket_end() asked for has been done. */
bool socket_has_ended(const struct socket *socket);

/* Stops or continues reading. No on_data comes between the two; what was read is kept. */
void socket_pause(struct socket *socket);
void socket_resume(struct socket *socket);

/* Speaks TLS on the open stream from here on: what was written before goes out in plain, what is
 * written after waits for the handshake. `server_name` as in the options. The connect timeout
 * counts anew. Returns 0, ERR_INVALID (not open, ended, TLS already, or a name that cannot be) or
 * ERR_LIMIT. */
NODISCARD int socket_start_tls(struct socket *socket, str server_name);

/* "1.2.3.4:80" or "[::1]:80", borrowed from the socket; "" before on_open. */
const char *socket_remote(const struct socket *socket);
const char *socket_local(const struct socket *socket);

/* Closes at once, without on_close; what is queued is lost. No hook follows. */
void socket_close(struct socket *socket);

#endif
