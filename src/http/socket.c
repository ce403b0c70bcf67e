/* An outbound stream; see socket.h.
 *
 *                  first address    connected        handshake done
 *   SOCKET_LOOKUP -> SOCKET_CONNECT -> SOCKET_HANDSHAKE -> SOCKET_OPEN
 *                     ^  | failed      (only with TLS)  <-    |
 *                     +--+ next one              socket_start_tls
 *
 *   any of them --stream_over--> SOCKET_OVER --on_close--> SOCKET_CLOSED --> freed
 *   any of them --socket_close----------------------------> SOCKET_CLOSED --> freed
 *
 * (1) What libuv works on (a lookup, a wire) has memory of its own, which its callback frees; its
 *     `socket` is NULL once the socket has let go of it. The socket itself is freed by the close
 *     callback of its timer, so it outlives every frame of a hook that closes it.
 * (2) Hooks may close the socket or end it: each is followed by a look at the state.
 * (3) on_close is called by the timer only: never within a function of the owner's.
 * (4) The timer is the connect timeout in the first three states and otherwise "soon": what could
 *     not be told at once.
 * (5) A wire has one write at a time; what is written meanwhile collects in `out`. */
#include "http/socket.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/tls.h"

enum {
    READ_BYTES = 64 * 1024,
    PLAIN_BYTES = 16 * 1024,
    KEEPALIVE_S = 60,
    REASON_BYTES = 256,
    /* TLS adds a little to each piece; the bound of what a caller writes is checked before. */
    OUT_BYTES_MAX = 2 * SOCKET_QUEUE_BYTES_MAX,
};

enum socket_state {
    SOCKET_LOOKUP,
    SOCKET_CONNECT,
    SOCKET_HANDSHAKE,
    SOCKET_OPEN,
    SOCKET_OVER,
    SOCKET_CLOSED,
};

/* The two directions: what comes, and what is written. */
enum in_state { IN_FLOWING, IN_ENDED, IN_TOLD };
enum out_state { OUT_FLOWING, OUT_ENDING, OUT_NOTIFIED, OUT_SHUTTING, OUT_SHUT };

struct lookup {
    uv_getaddrinfo_t request;
    struct socket *socket;
};

struct wire {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    char *writing;          /* what libuv is writing; NULL: nothing */
    size_t writing_bytes;
    struct socket *socket;
};

struct socket {
    uv_timer_t timer;
    const struct socket_hooks *hooks;
    void *owner;
    enum socket_state state;
    enum in_state in;
    enum out_state out_state;
    bool paused;
    bool drain_due;
    const struct outbound *rules;
    char host[SOCKET_HOST_BYTES_MAX + 1];
    uint16_t port;
    char alpn[SOCKET_ALPN_BYTES_MAX + 1];
    char server_name[SOCKET_HOST_BYTES_MAX + 1];
    int connect_timeout_ms;
    uint64_t deadline_ms;

    struct lookup *lookup;
    struct addrinfo *addresses; /* of the lookup, freed when one is connected */
    struct addrinfo *next;      /* to be tried after this one */
    struct wire *wire;
    struct tls *tls;            /* NULL: plain */
    struct buf waiting;         /* plain, until the handshake is done */
    struct buf out;             /* for the wire */
    char remote[SOCKET_ADDRESS_BYTES_MAX];
    char local[SOCKET_ADDRESS_BYTES_MAX];

    int code;                   /* for on_close */
    char reason[2 * REASON_BYTES];
};

static int open_count;

static void pump(struct socket *socket);
static void try_next(struct socket *socket);

/* ---- the end ---- */

static void on_wire_closed(uv_handle_t *handle)
{
    struct wire *wire = CONTAINER_OF((uv_tcp_t *)handle, struct wire, tcp);

    free(wire->writing);
    free(wire);
}

static void drop_wire(struct socket *socket)
{
    if (!socket->wire)
        return;
    socket->wire->socket = NULL;
    uv_close((uv_handle_t *)&socket->wire->tcp, on_wire_closed);
    socket->wire = NULL;
}

/* Lets go of all that could call back. */
static void let_go(struct socket *socket)
{
    drop_wire(socket);
    if (socket->lookup) {
        socket->lookup->socket = NULL;
        uv_cancel((uv_req_t *)&socket->lookup->request);
        socket->lookup = NULL;
    }
    if (socket->addresses)
        uv_freeaddrinfo(socket->addresses);
    socket->addresses = socket->next = NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct socket *socket = CONTAINER_OF((uv_timer_t *)handle, struct socket, timer);

    tls_free(socket->tls);
    buf_done(&socket->waiting);
    buf_done(&socket->out);
    open_count--;
    free(socket);
}

void socket_close(struct socket *socket)
{
    ASSERT(socket->state != SOCKET_CLOSED);
    let_go(socket);
    socket->state = SOCKET_CLOSED;
    uv_close((uv_handle_t *)&socket->timer, on_timer_closed);
}

static bool is_over(const struct socket *socket)
{
    return socket->state >= SOCKET_OVER;
}

static void on_timer(uv_timer_t *timer);

/* Has on_timer called in the next turn of the loop: (3), (4). */
static void soon(struct socket *socket)
{
    uv_timer_start(&socket->timer, on_timer, 0, 0);
}

/* The stream is over; on_close follows. `what` goes before the address: "connect ECONNREFUSED". */
static void stream_over(struct socket *socket, int code, const char *what, bool with_target)
{
    if (is_over(socket))
        return;
    let_go(socket);
    socket->state = SOCKET_OVER;
    socket->code = code;
    if (with_target)
        snprintf(socket->reason, sizeof socket->reason, "%.255s %s:%u", what, socket->host,
                 (unsigned)socket->port);
    else
        snprintf(socket->reason, sizeof socket->reason, "%.511s", what);
    soon(socket);
}

static void stream_failed(struct socket *socket, const char *verb, int status)
{
    char what[REASON_BYTES];

    snprintf(what, sizeof what, "%s %s", verb, uv_err_name(status));
    stream_over(socket, status == UV_ETIMEDOUT ? ERR_TIMEOUT : ERR_NETWORK, what, true);
}

static void tls_failed(struct socket *socket, const struct err *err)
{
    char what[REASON_BYTES];

    snprintf(what, sizeof what, "%.240s:", err->text);
    stream_over(socket, err->code, what, true);
}

static void over_when_both_ended(struct socket *socket)
{
    if (socket->in == IN_TOLD && socket->out_state == OUT_SHUT)
        stream_over(socket, 0, "", false);
}

/* ---- writing ---- */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct socket *socket = CONTAINER_OF(request, struct wire, shutdown)->socket;

    if (!socket)
        return;
    if (status < 0 && status != UV_ENOTCONN) {
        stream_failed(socket, "shutdown", status);
        return;
    }
    socket->out_state = OUT_SHUT;
    socket->hooks->on_drain(socket->owner);
    over_when_both_ended(socket);
}

static void on_written(uv_write_t *request, int status)
{
    struct wire *wire = CONTAINER_OF(request, struct wire, write);
    struct socket *socket = wire->socket;

    free(wire->writing);
    wire->writing = NULL;
    wire->writing_bytes = 0;
    if (!socket)
        return;
    if (status < 0)
        stream_failed(socket, "write", status);
    else
        pump(socket);
}

static void write_out(struct socket *socket)
{
    struct wire *wire = socket->wire;
    size_t len;
    char *bytes = buf_take(&socket->out, &len);
    uv_buf_t piece = uv_buf_init(bytes, (unsigned)len);
    int r;

    wire->writing = bytes;
    wire->writing_bytes = len;
    r = uv_write(&wire->write, (uv_stream_t *)&wire->tcp, &piece, 1, on_written);
    if (r == 0)
        return;
    wire->writing = NULL;
    free(bytes);
    stream_failed(socket, "write", r);
}

/* The queue is empty: ends this direction when that was asked for. */
static void end_out(struct socket *socket)
{
    struct wire *wire = socket->wire;
    int r;

    if (socket->out_state == OUT_ENDING && socket->tls) {
        socket->out_state = OUT_NOTIFIED;
        tls_end(socket->tls);
        pump(socket);
        return;
    }
    if (socket->out_state != OUT_ENDING && socket->out_state != OUT_NOTIFIED)
        return;
    socket->out_state = OUT_SHUTTING;
    r = uv_shutdown(&wire->shutdown, (uv_stream_t *)&wire->tcp, on_shutdown);
    if (r < 0)
        stream_failed(socket, "shutdown", r);
}

/* Sends what waits, tells of the empty queue, ends. */
static void pump(struct socket *socket)
{
    if (!socket->wire || socket->state < SOCKET_HANDSHAKE)
        return;
    if (socket->tls && tls_take(socket->tls, &socket->out) < 0) {
        stream_over(socket, ERR_LIMIT, "too much is queued for", true);
        return;
    }
    if (socket->wire->writing)
        return;
    if (socket->out.len) {
        write_out(socket);
        return;
    }
    if (socket->state != SOCKET_OPEN)
        return;
    if (socket->drain_due && !socket->waiting.len) {
        socket->drain_due = false;
        socket->hooks->on_drain(socket->owner);
    }
    if (socket->state == SOCKET_OPEN && !socket->out.len && !socket->wire->writing)
        end_out(socket);
}

/* Puts bytes on their way through TLS when there is one. */
static int queue_bytes(struct socket *socket, str bytes)
{
    struct err err;
    int r = 0;

    if (socket->state < SOCKET_OPEN)
        return buf_append(&socket->waiting, bytes);
    if (!socket->tls)
        return buf_append(&socket->out, bytes);
    if (tls_write(socket->tls, bytes, &err) < 0)
        tls_failed(socket, &err);
    else
        r = tls_take(socket->tls, &socket->out);
    return r;
}

size_t socket_queued(const struct socket *socket)
{
    return socket->waiting.len + socket->out.len + (socket->wire ? socket->wire->writing_bytes : 0);
}

int socket_write(struct socket *socket, str bytes)
{
    int r;

    ASSERT(socket->out_state == OUT_FLOWING);
    if (is_over(socket) || !bytes.len)
        return 0;
    if (socket_queued(socket) + bytes.len > SOCKET_QUEUE_BYTES_MAX)
        return ERR_LIMIT;
    r = queue_bytes(socket, bytes);
    if (r == 0) {
        socket->drain_due = true;
        if (socket->state == SOCKET_OPEN && !socket->wire->writing)
            write_out(socket);
    }
    return r;
}

void socket_end(struct socket *socket)
{
    if (socket->out_state != OUT_FLOWING || is_over(socket))
        return;
    socket->out_state = OUT_ENDING;
    if (socket->state == SOCKET_OPEN && !socket->out.len && !socket->wire->writing)
        end_out(socket);
}

bool socket_has_ended(const struct socket *socket)
{
    return socket->out_state == OUT_SHUT;
}

/* ---- reading ---- */

static void tell_end(struct socket *socket)
{
    socket->in = IN_TOLD;
    socket->hooks->on_end(socket->owner);
    if (!is_over(socket))
        over_when_both_ended(socket);
}

/* Hands out what TLS has decrypted; at its end, or the wire's, the end. */
static void deliver(struct socket *socket)
{
    char plain[PLAIN_BYTES];
    struct err err;
    int length;

    while (socket->state == SOCKET_OPEN && !socket->paused && socket->in != IN_TOLD) {
        length = socket->tls ? tls_read(socket->tls, plain, sizeof plain, &err) : 0;
        if (length > 0) {
            socket->hooks->on_data(socket->owner, (str){plain, (size_t)length});
            continue;
        }
        if (length < 0) {
            pump(socket);
            tls_failed(socket, &err);
        } else if (socket->in == IN_ENDED || (socket->tls && tls_state(socket->tls) == TLS_ENDED)) {
            tell_end(socket);
        }
        return;
    }
}

static void start_timer(struct socket *socket);

/* The stream is as it was asked for. */
static void stream_open(struct socket *socket)
{
    uv_timer_stop(&socket->timer);
    socket->state = SOCKET_OPEN;
    if (socket->waiting.len) {
        size_t len;
        char *bytes = buf_take(&socket->waiting, &len);
        int r = queue_bytes(socket, (str){bytes, len});

        free(bytes);
        if (r < 0)
            stream_over(socket, ERR_LIMIT, "too much is queued for", true);
    }
    if (is_over(socket))
        return;
    socket->hooks->on_open(socket->owner);
    if (is_over(socket))
        return;
    if (socket->paused)
        uv_read_stop((uv_stream_t *)&socket->wire->tcp);
    pump(socket);
}

static void feed_tls(struct socket *socket, str bytes)
{
    struct err err;
    int r = tls_feed(socket->tls, bytes, &err);

    pump(socket);
    if (is_over(socket))
        return;
    if (r < 0) {
        tls_failed(socket, &err);
        return;
    }
    if (socket->state == SOCKET_HANDSHAKE && tls_state(socket->tls) == TLS_OPEN)
        stream_open(socket);
    deliver(socket);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[READ_BYTES];

    (void)handle, (void)suggested;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
    struct socket *socket = CONTAINER_OF((uv_tcp_t *)stream, struct wire, tcp)->socket;

    if (!socket || length == 0 || is_over(socket))
        return;
    if (length == UV_EOF && socket->state == SOCKET_HANDSHAKE) {
        stream_over(socket, ERR_NETWORK, "the TLS handshake was cut off by", true);
    } else if (length == UV_EOF) {
        if (socket->in == IN_FLOWING)
            socket->in = IN_ENDED;
        uv_read_stop(stream);
        deliver(socket);
    } else if (length < 0) {
        stream_failed(socket, "read", (int)length);
    } else if (socket->tls) {
        feed_tls(socket, (str){buf->base, (size_t)length});
    } else {
        socket->hooks->on_data(socket->owner, (str){buf->base, (size_t)length});
    }
}

static void read_start(struct socket *socket)
{
    int r = uv_read_start((uv_stream_t *)&socket->wire->tcp, on_alloc, on_read);

    if (r < 0 && r != UV_EALREADY)
        stream_failed(socket, "read", r);
}

void socket_pause(struct socket *socket)
{
    socket->paused = true;
    if (socket->state == SOCKET_OPEN)
        uv_read_stop((uv_stream_t *)&socket->wire->tcp);
}

void socket_resume(struct socket *socket)
{
    if (!socket->paused)
        return;
    socket->paused = false;
    if (socket->state != SOCKET_OPEN || socket->in == IN_TOLD)
        return;
    if (socket->in == IN_FLOWING)
        read_start(socket);
    soon(socket);
}

/* ---- connecting ---- */

static void address_text(const struct sockaddr *address, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;

    if (address->sa_family == AF_INET6) {
        uv_ip6_name(in6, text, sizeof text);
        snprintf(out, size, "[%s]:%u", text, ntohs(in6->sin6_port));
    } else {
        uv_ip4_name(in4, text, sizeof text);
        snprintf(out, size, "%s:%u", text, ntohs(in4->sin_port));
    }
}

static void take_addresses(struct socket *socket)
{
    struct sockaddr_storage address;
    int length = sizeof address;

    if (uv_tcp_getpeername(&socket->wire->tcp, (struct sockaddr *)&address, &length) == 0)
        address_text((struct sockaddr *)&address, socket->remote, sizeof socket->remote);
    length = sizeof address;
    if (uv_tcp_getsockname(&socket->wire->tcp, (struct sockaddr *)&address, &length) == 0)
        address_text((struct sockaddr *)&address, socket->local, sizeof socket->local);
}

static int begin_tls(struct socket *socket, str name, str alpn, struct err *err)
{
    struct tls *tls = tls_new(name, alpn, err);

    if (!tls)
        return err->code;
    socket->tls = tls;
    socket->state = SOCKET_HANDSHAKE;
    return 0;
}

static void connected(struct socket *socket)
{
    struct err err;

    uv_freeaddrinfo(socket->addresses);
    socket->addresses = socket->next = NULL;
    take_addresses(socket);
    uv_tcp_nodelay(&socket->wire->tcp, 1);
    uv_tcp_keepalive(&socket->wire->tcp, 1, KEEPALIVE_S);
    if (!socket->server_name[0]) {
        stream_open(socket);
        if (socket->state == SOCKET_OPEN && !socket->paused)
            read_start(socket);
        return;
    }
    if (begin_tls(socket, str_from(socket->server_name), str_from(socket->alpn), &err) < 0) {
        tls_failed(socket, &err);
        return;
    }
    start_timer(socket);
    pump(socket);
    if (!is_over(socket))
        read_start(socket);
}

static void on_connect(uv_connect_t *request, int status)
{
    struct wire *wire = CONTAINER_OF(request, struct wire, connect);
    struct socket *socket = wire->socket;

    if (!socket)
        return;
    if (status == 0) {
        connected(socket);
        return;
    }
    drop_wire(socket);
    socket->code = status;
    try_next(socket);
}

static int connect_to(struct socket *socket, const struct addrinfo *address)
{
    struct wire *wire = mem_new(struct wire);
    int r;

    ASSERT(uv_tcp_init(socket->timer.loop, &wire->tcp) == 0);
    wire->socket = socket;
    socket->wire = wire;
    r = uv_tcp_connect(&wire->connect, &wire->tcp, address->ai_addr, on_connect);
    if (r < 0)
        drop_wire(socket);
    return r;
}

/* Tries the next address that the rules allow. Meanwhile `code` is what libuv said of the last one
 * that was tried, and `reason` why one was not. */
static void try_next(struct socket *socket)
{
    socket->state = SOCKET_CONNECT;
    while (socket->next) {
        const struct addrinfo *address = socket->next;
        struct err err;

        socket->next = address->ai_next;
        if (outbound_check(socket->rules, address->ai_addr, &err) < 0) {
            snprintf(socket->reason, sizeof socket->reason, "connect to %s:%u: %.240s",
                     socket->host, (unsigned)socket->port, err.text);
            continue;
        }
        socket->code = connect_to(socket, address);
        if (socket->code == 0) {
            start_timer(socket);
            return;
        }
    }
    if (socket->code) {
        stream_failed(socket, "connect", socket->code);
    } else {
        char reason[sizeof socket->reason];

        snprintf(reason, sizeof reason, "%s", socket->reason);
        stream_over(socket, ERR_NETWORK, reason, false);
    }
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct lookup *lookup = CONTAINER_OF(request, struct lookup, request);
    struct socket *socket = lookup->socket;

    free(lookup);
    if (!socket) {
        uv_freeaddrinfo(addresses);
        return;
    }
    socket->lookup = NULL;
    if (status < 0) {
        stream_over(socket, ERR_NETWORK,
                    status == UV_EAI_AGAIN ? "getaddrinfo EAI_AGAIN" : "getaddrinfo ENOTFOUND",
                    true);
        return;
    }
    socket->addresses = socket->next = addresses;
    try_next(socket);
}

static int lookup_start(struct socket *socket)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    struct lookup *lookup = mem_new(struct lookup);
    int r;

    snprintf(port, sizeof port, "%u", (unsigned)socket->port);
    lookup->socket = socket;
    r = uv_getaddrinfo(socket->timer.loop, &lookup->request, on_lookup, socket->host, port, &hints);
    if (r < 0)
        free(lookup);
    else
        socket->lookup = lookup;
    return r;
}

/* ---- the timer ---- */

/* Arms the timeout: of all that is left, or of this address's share when others wait. */
static void start_timer(struct socket *socket)
{
    uint64_t now_ms = uv_now(socket->timer.loop);
    uint64_t left_ms = socket->deadline_ms > now_ms ? socket->deadline_ms - now_ms : 0;
    unsigned shares = 1;

    if (socket->state == SOCKET_CONNECT)
        for (const struct addrinfo *it = socket->next; it; it = it->ai_next)
            shares++;
    uv_timer_start(&socket->timer, on_timer, left_ms / shares, 0);
}

static void set_deadline(struct socket *socket)
{
    uv_update_time(socket->timer.loop);
    socket->deadline_ms = uv_now(socket->timer.loop) + (uint64_t)socket->connect_timeout_ms;
}

static void on_timer(uv_timer_t *timer)
{
    struct socket *socket = CONTAINER_OF(timer, struct socket, timer);

    switch (socket->state) {
    case SOCKET_OVER:
        socket->hooks->on_close(socket->owner, socket->code, socket->reason);
        socket_close(socket);
        break;
    case SOCKET_OPEN:
        deliver(socket);
        break;
    case SOCKET_CONNECT:
        drop_wire(socket);
        socket->code = UV_ETIMEDOUT;
        try_next(socket);
        break;
    case SOCKET_LOOKUP:
        stream_over(socket, ERR_TIMEOUT, "getaddrinfo ETIMEDOUT", true);
        break;
    case SOCKET_HANDSHAKE:
        stream_over(socket, ERR_TIMEOUT, "the TLS handshake took too long with", true);
        break;
    case SOCKET_CLOSED:
        break;
    }
}

/* ---- the beginning ---- */

static str without_brackets(str host)
{
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return (str){host.ptr + 1, host.len - 2};
    return host;
}

static bool copy_text(char *out, size_t size, str text)
{
    if (text.len >= size || str_find(text, '\0') < text.len)
        return false;
    snprintf(out, size, "%.*s", STR_ARGS(text));
    return true;
}

/* Checks and copies what was asked for. */
static int take_options(struct socket *socket, const struct socket_options *options,
                        struct err *err)
{
    str host = without_brackets(options->host);
    str name = options->server_name.len ? options->server_name : host;

    if (!host.len || !copy_text(socket->host, sizeof socket->host, host))
        return err_set(err, ERR_INVALID, "the host must have 1 to %d characters",
                       SOCKET_HOST_BYTES_MAX);
    if (!options->port)
        return err_set(err, ERR_INVALID, "the port must be between 1 and 65535");
    if (options->tls && !copy_text(socket->server_name, sizeof socket->server_name, name))
        return err_set(err, ERR_INVALID, "the server name must have at most %d characters",
                       SOCKET_HOST_BYTES_MAX);
    if (!copy_text(socket->alpn, sizeof socket->alpn, options->alpn))
        return err_set(err, ERR_INVALID, "the list of protocols is too long");
    socket->port = options->port;
    socket->rules = options->rules;
    socket->connect_timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms
                                                             : SOCKET_CONNECT_TIMEOUT_MS;
    return 0;
}

struct socket *socket_open(uv_loop_t *loop, const struct socket_options *options,
                           const struct socket_hooks *hooks, void *owner, struct err *err)
{
    struct socket *socket;

    if (open_count >= SOCKET_SOCKETS_MAX) {
        err_set(err, ERR_LIMIT, "more than %d sockets at the same time", SOCKET_SOCKETS_MAX);
        return NULL;
    }
    socket = mem_new(struct socket);
    if (take_options(socket, options, err) < 0) {
        free(socket);
        return NULL;
    }
    open_count++;
    socket->hooks = hooks;
    socket->owner = owner;
    buf_init(&socket->waiting, SOCKET_QUEUE_BYTES_MAX);
    buf_init(&socket->out, OUT_BYTES_MAX);
    ASSERT(uv_timer_init(loop, &socket->timer) == 0);
    set_deadline(socket);
    start_timer(socket);
    if (lookup_start(socket) < 0)
        stream_over(socket, ERR_NETWORK, "getaddrinfo ENOTFOUND", true);
    return socket;
}

int socket_start_tls(struct socket *socket, str server_name)
{
    str name = server_name.len ? without_brackets(server_name) : str_from(socket->host);
    struct err err;
    int r;

    if (socket->state != SOCKET_OPEN || socket->out_state != OUT_FLOWING ||
        socket->in != IN_FLOWING || socket->tls)
        return ERR_INVALID;
    r = begin_tls(socket, name, STR_NONE, &err);
    if (r < 0)
        return r;
    set_deadline(socket);
    start_timer(socket);
    if (socket->paused)
        read_start(socket);
    pump(socket);
    return 0;
}

const char *socket_remote(const struct socket *socket)
{
    return socket->remote;
}

const char *socket_local(const struct socket *socket)
{
    return socket->local;
}
