/* Outbound HTTP: requests to other servers, many at once, on the loop of the process.
 *
 * One client serves all isolates of a process and keeps idle connections for reuse. HTTP/1.1, and
 * HTTP/2 where TLS negotiates it. gzip, deflate, brotli and zstd bodies arrive decoded, those of
 * other codings as they are. Redirects, cookies, proxies and caches are not its business: one
 * request, one answer.
 *
 * Hooks are called while libcurl is on the stack. They must not enter JavaScript: they append to
 * buffers and post tasks. They may call every function below.
 *
 * Owns: connections, requests, copies of all it is given. Thread: the loop's.
 * Limits: the enum below; on_done tells which one was exceeded. */
#ifndef ATOLL_HTTP_CLIENT_H
#define ATOLL_HTTP_CLIENT_H

#include <uv.h>

#include "base/err.h"
#include "base/str.h"
#include "http/outbound.h"

enum {
    CLIENT_CONNECT_TIMEOUT_MS = 15 * 1000, /* name lookup, TCP and TLS together */
    CLIENT_IDLE_TIMEOUT_S = 300,           /* no byte in either direction, unless paused by us */
    CLIENT_HEAD_BYTES_MAX = 64 * 1024,     /* of a response, interim responses included */
    CLIENT_HEADERS_MAX = 512,              /* of a request or a response */
    CLIENT_URL_BYTES_MAX = 64 * 1024,
    CLIENT_REQUESTS_MAX = 4096,            /* running at the same time in one client */
    CLIENT_IDLE_CONNECTIONS_MAX = 256,     /* kept for reuse */
    CLIENT_IDLE_CONNECTION_S = 55,         /* how long */
};

struct client;
struct client_request;

enum client_body {
    CLIENT_BODY_NONE,    /* POST and PUT still say Content-Length: 0 */
    CLIENT_BODY_BYTES,   /* all of it is in `body` */
    CLIENT_BODY_STREAM,  /* follows with client_send() and client_send_end() */
};

/* What happens to a request, in this order: head, data*, done; drain at any time. */
struct client_hooks {
    /* The final response's head. `headers` are lines "name: value\n" in the order they came,
     * names in lower case; the views are borrowed for the call. */
    void (*on_head)(void *owner, int status, str reason, str headers);

    /* A piece of the body, decoded, never empty; borrowed for the call. */
    void (*on_data)(void *owner, str bytes);

    /* Everything given to client_send() has gone to the connection. Only for streams. */
    void (*on_drain)(void *owner);

    /* The end: code 0, or ERR_NETWORK, ERR_TIMEOUT, ERR_LIMIT with a text for a person ("connect
     * ECONNREFUSED 127.0.0.1:1"). The request is freed when this returns. */
    void (*on_done)(void *owner, int code, const char *text);
};

struct client_options {
    str method;                /* a token; HEAD expects no body in the answer */
    str url;                   /* absolute, http or https, as a URL parser serializes it */
    str headers;               /* lines "name: value\n"; see client_start() */
    enum client_body body_kind;
    str body;
    int64_t body_length;       /* of a stream, in bytes; -1 when unknown (sent chunked) */
    int connect_timeout_ms;    /* 0: the default above */
    int idle_timeout_s;        /* 0: the default above */
};

/* A client on `loop` that connects only to addresses the rules (kept) allow; returned owned. The
 * environment variable ATOLL_CA_FILE, when set, names a file of certificates (PEM) trusted beside
 * the system's. */
struct client *client_new(uv_loop_t *loop, const struct outbound *rules);

/* Cancels what is running and closes all connections. The loop must run once more before it is
 * closed. Never inside a hook. NULL is fine. */
void client_free(struct client *client);

/* Starts a request; everything in `options` is copied. `owner` is handed to the hooks and kept
 * until on_done or client_cancel(). No hook is called before this returns.
 * Headers that belong to the connection (Connection, Content-Length, Host, Keep-Alive,
 * Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, Expect) are skipped: connections are
 * shared by tenants, so framing is never theirs to choose.
 * Returns NULL and fills `err`: ERR_INVALID (method, URL scheme or a header cannot be sent),
 * ERR_LIMIT (URL or headers too large, too many requests). */
struct client_request *client_start(struct client *client, const struct client_options *options,
                                    const struct client_hooks *hooks, void *owner,
                                    struct err *err);

/* Stops or continues the body. A few pieces may still arrive after a pause: what one read of the
 * connection decodes to. client_resume() may call on_data before it returns. */
void client_pause(struct client_request *request);
void client_resume(struct client_request *request);

/* Queues a piece of a streamed body (copied); on_drain follows when it has gone out. The caller
 * bounds the queue by waiting for it. Nothing may follow client_send_end(). */
void client_send(struct client_request *request, str bytes);
void client_send_end(struct client_request *request);

/* Bytes queued by client_send() and not yet taken by the connection. */
size_t client_send_queued(const struct client_request *request);

/* Ends the request without calling on_done; no hook follows. */
void client_cancel(struct client_request *request);

/* "libcurl/7.88.1 OpenSSL/3.0.17 ...". Static memory. */
const char *client_libraries(void);

#endif
