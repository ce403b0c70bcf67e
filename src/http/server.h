/* The HTTP/1.1 server: connections in, requests out, answers back (RFC 9112).
 *
 * A connection carries one request at a time; what a client pipelines behind it waits in the
 * connection's buffer. A request is answered whole, or started, written and ended; its body is
 * taken in pieces as it arrives, or as a whole. Only large pieces of a streamed answer are written
 * to a socket before http_server_flush().
 *
 * Owns: the listening socket and all connections. Thread: the loop's.
 * Limits: HTTP_* below; exceeding one closes that connection, after an answer where one is due. */
#ifndef ATOLL_HTTP_SERVER_H
#define ATOLL_HTTP_SERVER_H

#include <uv.h>

#include "base/buf.h"
#include "http/head.h"

enum {
    HTTP_CONNS_MAX = 16384,
    HTTP_BODY_BUFFER_BYTES = 256 << 10,  /* of a body, before reading pauses */
    HTTP_OUT_BUFFER_BYTES = 256 << 10,   /* of an answer, before http_answer_write says full */
    HTTP_PIPELINE_BYTES_MAX = 64 << 10,  /* behind a request that is being served */
    HTTP_DISCARD_BYTES_MAX = 1 << 20,    /* of a body nobody read, to keep the connection */
    HTTP_HEAD_TIMEOUT_MS = 10000,        /* from a head's first byte to its last */
    HTTP_IDLE_TIMEOUT_MS = 75000,        /* between requests */
    HTTP_STOP_IDLE_TIMEOUT_MS = 1000,    /* for a first request to a server that stops */
    HTTP_BODY_TIMEOUT_MS = 30000,        /* without a byte of a body that is waited for */
    HTTP_WRITE_TIMEOUT_MS = 30000,       /* without the client taking a byte */
    HTTP_LINGER_TIMEOUT_MS = 2000,       /* after the last answer, for the client to read it */
};

struct http_server;
struct http_request;

struct http_server_hooks {
    /* A request whose head is whole. `head` is borrowed for the call. */
    void (*on_request)(struct http_request *request, const struct http_head *head);
    /* More of the body is there, or it ended or failed; asked for with http_body_want(). */
    void (*on_body)(struct http_request *request);
    /* An answer that http_answer_write called full may go on. */
    void (*on_drain)(struct http_request *request);
    /* The client closed its side; an answer may still reach it. */
    void (*on_client_gone)(struct http_request *request);
    /* The request is over and its memory goes: called once for each on_request. */
    void (*on_end)(struct http_request *request);
    /* After http_server_stop(): no connection is left. */
    void (*on_stopped)(void *context);
};

struct http_server_options {
    const struct http_server_hooks *hooks; /* kept */
    void *context;
    uint64_t body_bytes_max;               /* a longer one is answered with 413 */
};

/* A server for a listening socket (the descriptor is taken), which accepts nothing yet. Returned
 * owned; ERR_IO when the descriptor cannot be listened on. */
NODISCARD int http_server_new(uv_loop_t *loop, int listen_fd, struct http_server_options options,
                              struct http_server **ret_server);

/* Begins or ceases to accept connections. Those that come meanwhile wait in the socket, or go to
 * another process that has it. */
void http_server_accept(struct http_server *server, bool on);

/* Closes the listening socket and idle connections; requests that run are finished, then
 * on_stopped is called. Calling it again does nothing. */
void http_server_stop(struct http_server *server);

/* Lets go of a server that has stopped: in on_stopped or later, with the loop still to turn. NULL
 * is fine. */
void http_server_free(struct http_server *server);

/* Writes what has been answered since the last call: one system call per connection. */
void http_server_flush(struct http_server *server);

size_t http_server_conn_count(const struct http_server *server);

/* A place for the owner's pointer. */
void http_request_set_user(struct http_request *request, void *user);
void *http_request_user(const struct http_request *request);

/* The context of the server's options. */
void *http_request_context(const struct http_request *request);

/* The client's address as text, an IPv4 one without the prefix it has on a socket for both; "" when
 * it is gone. Borrowed until the request ends. The first call of a connection is a system call. */
str http_request_client(struct http_request *request);

/* ---- the body ---- */

enum http_body_state {
    HTTP_BODY_MORE,   /* more may come */
    HTTP_BODY_ENDED,  /* all of it is in the buffer or was taken */
    HTTP_BODY_FAILED, /* malformed, too long or the client went: what comes is lost */
};

enum http_body_state http_body_state(const struct http_request *request);

/* Lets the body be at most this long, when that is less than the server's maximum. Returns false
 * when it is known to be longer: answer with 413. */
NODISCARD bool http_request_set_body_max(struct http_request *request, uint64_t bytes_max);

/* How much of it has come so far. */
uint64_t http_request_body_bytes(const struct http_request *request);

/* What has arrived and was not taken. The caller may consume or take it; http_body_want() then
 * lets reading go on. Borrowed until the request ends. */
struct buf *http_body_buffer(struct http_request *request);

/* Asks for an on_body call when there is something new; sends 100 Continue when the client waits
 * for it. */
void http_body_want(struct http_request *request);

/* The same for a body that is wanted as a whole, in one allocation: the buffer takes up to `max`
 * bytes, and on_body is called when the body has ended or failed, or is longer than that. */
void http_body_want_all(struct http_request *request, size_t max);

/* ---- the answer ---- */

/* `head` is lines "name: value\r\n", without content-length, connection and transfer-encoding,
 * which are ours; date is added when it is missing. All are borrowed for the call.
 * An answer to HEAD, and one with status 204 or 304, has its body left out. */
void http_answer_whole(struct http_request *request, int status, str head, str body);

/* A body that is not copied: a part of a file, which is taken and closed; or bytes, kept until
 * release() is called, once: they were written, or will not be. Perhaps before http_answer_kept()
 * returns. */
struct http_kept {
    const char *bytes;              /* NULL: of `fd` */
    int fd;
    uint64_t from, length;
    void (*release)(void *owner);   /* of bytes */
    void *owner;
};

/* As http_answer_whole(). A file that turns out to be shorter ends the connection. */
void http_answer_kept(struct http_request *request, int status, str head,
                      const struct http_kept *body);

/* length: bytes that will be written, or -1 (chunked, or until the end of the connection).
 * Returns false when this answer has no body (HEAD, 204, 304): it is whole then. */
bool http_answer_start(struct http_request *request, int status, str head, int64_t length);

/* Returns 1 when there is room for more, 0 when full (on_drain follows), ERR_CLOSED when nobody
 * reads any more, ERR_LIMIT when it is more than `length` promised. */
int http_answer_write(struct http_request *request, str bytes);
void http_answer_end(struct http_request *request);

/* Gives up: the connection is cut, so that the client sees the answer is not whole. */
void http_answer_abort(struct http_request *request);

/* Writes what there is of the answer now, as http_server_flush() will. Does nothing when the next
 * request was pipelined behind this one: none begins in this call. */
void http_answer_flush(struct http_request *request);

/* The status of the answer, whoever gave it; 0 before. */
int http_answer_status(const struct http_request *request);

/* True once http_answer_whole or http_answer_start was called. */
bool http_answer_started(const struct http_request *request);

/* True once nothing will be added to it: it is whole, ended, or was given up. */
bool http_answer_ended(const struct http_request *request);

/* Bytes that wait for the client to take them. */
size_t http_answer_queued(const struct http_request *request);

/* How much of its body was written so far. */
uint64_t http_answer_bytes(const struct http_request *request);

#endif
