/* What the files of the client share; see client.c for its states and rules.
 *
 * Owns: as client.h says. Thread: the loop's. */
#ifndef ATOLL_HTTP_CLIENT_PRIVATE_H
#define ATOLL_HTTP_CLIENT_PRIVATE_H

#include <curl/curl.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "http/client.h"

enum {
    PORTS = 1 << 16,
    REFUSED_BYTES = 256,
    SOCKETS_MAX = 1 << 16,
    SPARE_MAX = 64,
};

struct client {
    uv_timer_t timer;
    CURLM *multi;
    CURLSH *share;          /* TLS sessions, so that a new connection resumes an old one's */
    const char *ca_file;    /* borrowed from the environment */
    const struct outbound *rules;
    struct list running;
    struct list cancelled;
    int requests;           /* in both lists */
    int inside;             /* libcurl frames on the stack */
    CURL *spare[SPARE_MAX];
    int spare_count;
    struct client_socket *sockets[SOCKETS_MAX];    /* those that connect, by descriptor */
    uint16_t http2_uses[PORTS];     /* of the HTTP/2 connection at that local port */
};

struct client_socket {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t fd;
    bool connects;          /* to a server; once connected it lives until on_close_socket() */
    bool connected;         /* libcurl has waited for something to read */
    int wanted;             /* events that libcurl waits for */
    int polled;             /* events that libuv looks for; see (6) */
};

enum request_state {
    REQUEST_WAITING,
    REQUEST_BODY,
    REQUEST_CANCELLED,
};

struct client_request {
    struct list link;
    struct client *client;
    const struct client_hooks *hooks;
    void *owner;
    enum request_state state;
    CURL *easy;
    struct curl_slist *header_list;
    int idle_timeout_s;
    int limit_code;             /* why a callback of ours stopped the transfer; 0: it did not */
    const char *limit_text;
    char refused[REFUSED_BYTES];    /* why an address was not connected to; "": none was refused */

    int status;
    char reason[128];
    struct buf head;            /* lines "name: value\n" so far */
    size_t head_bytes;          /* received, of all heads */
    int head_lines;

    int pauses;                 /* CURLPAUSE_RECV | CURLPAUSE_SEND */
    struct buf queue;           /* the streamed body: bytes from queue_at on are to be sent */
    size_t queue_at;
    bool queue_ended;
    bool queue_dropped;         /* what was sent is not in the queue any more */

    char error[CURL_ERROR_SIZE];
};

/* Puts libcurl's verdict on a request into our words, of at most `size` bytes with the NUL. Returns
 * a code of base/err.h. */
int client_error_explain(struct client_request *request, CURLcode result, char *text, size_t size);

#endif
