/* Connections of the server: shared by server.c, conn.c and answer.c only.
 *
 * State of a connection, changed by conn_enter() alone:
 *
 *   IDLE ──first byte──> HEAD ──whole──> RUNNING ──answered, body done──> IDLE
 *                          │ refused        │ cut, or no keep-alive
 *                          └──────────────> LINGER ──written and closed──> CLOSED
 *   RUNNING ──101 written──> UPGRADED ──────^  (upgrade.h)
 *
 * (1) `server->conns[state]` lists the connections of that state, longest there first.
 * (2) conn->request is in use exactly in RUNNING.
 * (3) on_request and on_end come in pairs. */
#ifndef ATOLL_HTTP_CONN_H
#define ATOLL_HTTP_CONN_H

#include "base/list.h"
#include "http/chunked.h"
#include "http/server.h"
#include "http/kept.h"
#include "http/upgrade.h"

enum conn_state {
    CONN_IDLE, CONN_HEAD, CONN_RUNNING, CONN_LINGER, CONN_UPGRADED, CONN_CLOSED, CONN_STATES
};

enum answer_state { ANSWER_NONE, ANSWER_STREAMING, ANSWER_DONE };

struct http_request {
    void *user;
    struct buf body;
    struct chunked chunked;
    uint64_t body_left;          /* of a body with a length */
    uint64_t body_seen;
    uint64_t body_max;           /* a longer one is answered with 413 */
    uint64_t body_discarded;     /* of body_seen: what came after the answer was whole */
    enum http_framing framing;
    enum http_body_state body_state;
    bool body_wanted;
    bool body_all;               /* wanted as a whole: on_body waits for its end */
    bool wants_continue;         /* 100 is due when the body is wanted */
    bool keep_alive;
    bool is_head;
    bool is_http10;
    bool gone_told;
    enum answer_state answer;
    bool answer_chunked;
    bool answer_without_body;
    int64_t answer_left;         /* -1: no length was promised */
    uint64_t answer_bytes;       /* of its body, so far */
    int answer_status;           /* 0 before the answer */
    bool drain_due;
    struct detach *detach;       /* it is to leave for another process; NULL: it stays */
};

struct conn {
    uv_tcp_t tcp;
    struct http_server *server;
    struct list link;            /* in server->conns[state] */
    struct list dirty_link;      /* in server->dirty while `out` waits for a flush */
    enum conn_state state;
    uint64_t since_ms;           /* of the state, the last body byte or the last byte written */
    struct buf in;               /* read and not used: part of a head, pipelined requests */
    struct buf out;
    struct kept kept;            /* of the answer, behind what is in `out` */
    uv_write_t write;
    char *writing;               /* what libuv is writing, NULL when nothing */
    size_t writing_left;         /* of that, when the janitor last looked */
    bool reading;
    bool ended;                  /* the client closed its side */
    bool close_after;            /* no request after this answer */
    bool reset;                  /* close so that the client cannot take the answer for whole */
    bool unread;                 /* the client may still be sending: closing at once would reset */
    bool upgrade_paused;
    unsigned hops;               /* processes its request was given away by before it came here */
    char client[INET6_ADDRSTRLEN]; /* its address, "" until somebody asks */
    const struct upgrade_hooks *upgrade_hooks; /* of its new owner; NULL: nobody's */
    void *upgrade_owner;
    struct http_request request;
};

struct http_server {
    int listen_fd;
    int spare_fd;                /* kept for when there is no other descriptor */
    uv_poll_t listener;
    uv_timer_t janitor;
    uv_loop_t *loop;
    struct http_server_options options;
    struct list conns[CONN_STATES];
    struct list dirty;
    size_t conn_count;
    size_t conns_max;
    bool stopping;
    int handles_open;            /* of the server's own two */
    bool freed;                  /* goes with the last of them */
    char date[64];               /* "date: ...\r\n" of this second */
    size_t date_len;
    uint64_t date_ms;            /* of the loop's clock, when it was made */
};

static inline struct conn *conn_of(const struct http_request *request)
{
    return CONTAINER_OF(request, struct conn, request);
}

/* conn.c */
/* `fd` is taken, non-blocking or not. */
void conn_open(struct http_server *server, int fd);
/* A connection of which `bytes` were read elsewhere: they are used up and changed in place. */
void conn_adopt(struct http_server *server, int fd, str bytes, unsigned hops);
void conn_enter(struct conn *c, enum conn_state next);
void conn_close(struct conn *c);             /* at once */
void conn_answered(struct conn *c);          /* the answer is whole and written: what is next? */
void conn_update_reading(struct conn *c);    /* starts or stops reading, as state and buffers say */
void conn_timed_out(struct conn *c);
void conn_send_continue(struct conn *c);     /* "100 Continue", when the client waits for it */

/* answer.c */
void answer_mark_dirty(struct conn *c);
void answer_flush(struct conn *c);
/* Leaves what is in `out` to libuv, and behind it `kept`, which lives until it was written. */
void answer_write_rest(struct conn *c, str kept);
void answer_refuse(struct conn *c, int status);  /* an answer of our own, then close */
void answer_upgrade(struct conn *c, str head);   /* 101 with exactly this head */

/* detach.c */
void detach_finish(struct conn *c);              /* what was queued is written: it leaves */
void detach_drop(struct http_request *request);  /* it stays */

/* server.c */
str server_date_line(struct http_server *server);  /* "date: ...\r\n" */
/* One more is about to come: closes the one that matters least when there are too many. False when
 * all of them matter. */
NODISCARD bool server_make_room(struct http_server *server);
void server_conn_gone(struct http_server *server);

#endif
