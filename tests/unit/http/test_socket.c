/* http/socket: streams to servers of this loop, in plain; TLS is tested end to end. */
#include "http/socket.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/tls.h"

enum { LARGE_BYTES = 4 * 1024 * 1024, PIECE_BYTES = 50 * 1000 };

static uv_loop_t loop;
static const struct outbound everywhere = {.all = true};

/* --- a server that answers one connection ---------------------------------------------------- */

enum manner { ECHOES, SILENT, HANG_UP, RESET, GREET_AND_END };

struct server {
    uv_tcp_t listener;
    uv_tcp_t tcp;
    enum manner manner;
    int port;
    bool accepted;
    size_t received;
    bool ended;
    bool closed;
};

static void server_close(struct server *server)
{
    if (!server->closed)
        uv_close((uv_handle_t *)&server->tcp, NULL);
    server->closed = true;
}

static void on_server_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[64 * 1024];

    (void)handle, (void)suggested;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

struct answer {
    uv_write_t write;
    char bytes[];
};

static void on_answered(uv_write_t *write, int status)
{
    (void)status;
    free(CONTAINER_OF(write, struct answer, write));
}

static void server_say(struct server *server, const char *bytes, size_t len)
{
    struct answer *answer = mem_alloc(sizeof *answer + len);
    uv_buf_t buf = uv_buf_init(answer->bytes, (unsigned)len);

    memcpy(answer->bytes, bytes, len);
    uv_write(&answer->write, (uv_stream_t *)&server->tcp, &buf, 1, on_answered);
}

static void on_server_shut(uv_shutdown_t *request, int status)
{
    (void)status;
    free(request);
}

static void server_end(struct server *server)
{
    uv_shutdown(mem_new(uv_shutdown_t), (uv_stream_t *)&server->tcp, on_server_shut);
}

static void on_server_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct server *server = CONTAINER_OF((uv_tcp_t *)stream, struct server, tcp);

    if (len == UV_EOF) {
        server->ended = true;
        if (server->manner == ECHOES)
            server_end(server);
    } else if (len > 0) {
        server->received += (size_t)len;
        if (server->manner == ECHOES)
            server_say(server, buf->base, (size_t)len);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = CONTAINER_OF((uv_tcp_t *)listener, struct server, listener);

    cr_assert(status == 0);
    uv_tcp_init(&loop, &server->tcp);
    cr_assert(uv_accept(listener, (uv_stream_t *)&server->tcp) == 0);
    server->accepted = true;
    switch (server->manner) {
    case HANG_UP:
        server_close(server);
        break;
    case RESET:
        server->closed = true;
        uv_tcp_close_reset(&server->tcp, NULL);
        break;
    case GREET_AND_END:
        server_say(server, "hello", 5);
        server_end(server);
        uv_read_start((uv_stream_t *)&server->tcp, on_server_alloc, on_server_read);
        break;
    case ECHOES:
        uv_read_start((uv_stream_t *)&server->tcp, on_server_alloc, on_server_read);
        break;
    case SILENT:
        break;
    }
}

static void server_start(struct server *server, enum manner manner)
{
    struct sockaddr_in address;
    int len = sizeof address;

    *server = (struct server){.manner = manner};
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&loop, &server->listener);
    cr_assert(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0) == 0);
    cr_assert(uv_listen((uv_stream_t *)&server->listener, 8, on_connection) == 0);
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
}

static void server_stop(struct server *server)
{
    uv_close((uv_handle_t *)&server->listener, NULL);
    if (server->accepted)
        server_close(server);
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* --- the owner of a socket ------------------------------------------------------------------- */

struct owner {
    struct socket *socket;
    struct buf got;
    size_t ask_at;      /* pauses when that much has come; 0: never */
    bool open, ended, closed, ends_too, closes_on_data, closes_on_open;
    int drains, code;
    char text[512];
};

static void on_open(void *arg)
{
    struct owner *owner = arg;

    owner->open = true;
    if (owner->closes_on_open) {
        socket_close(owner->socket);
        owner->closed = true;
    }
}

static void on_data(void *arg, str bytes)
{
    struct owner *owner = arg;

    cr_assert(bytes.len > 0 && !owner->ended);
    cr_assert(buf_append(&owner->got, bytes) == 0);
    if (owner->ask_at && owner->got.len >= owner->ask_at)
        socket_pause(owner->socket);
    if (owner->closes_on_data) {
        socket_close(owner->socket);
        owner->closed = true;
    }
}

static void on_end(void *arg)
{
    struct owner *owner = arg;

    owner->ended = true;
    if (owner->ends_too)
        socket_end(owner->socket);
}

static void on_drain(void *arg)
{
    ((struct owner *)arg)->drains++;
}

static void on_close(void *arg, int code, const char *text)
{
    struct owner *owner = arg;

    cr_assert(!owner->closed);
    owner->closed = true;
    owner->code = code;
    snprintf(owner->text, sizeof owner->text, "%s", text);
}

static const struct socket_hooks hooks = {on_open, on_data, on_end, on_drain, on_close};

static void owner_open(struct owner *owner, const char *host, int port,
                       const struct outbound *rules)
{
    struct err err;

    buf_init(&owner->got, 2 * LARGE_BYTES);
    owner->socket = socket_open(&loop,
                                &(struct socket_options){.host = str_from(host),
                                                         .port = (uint16_t)port,
                                                         .rules = rules ? rules : &everywhere},
                                &hooks, owner, &err);
    cr_assert(owner->socket, "%s", err.text);
}

#define RUN_UNTIL(condition)              \
    do {                                  \
        while (!(condition))              \
            uv_run(&loop, UV_RUN_ONCE);   \
    } while (0)

static void setup(void)
{
    uv_loop_init(&loop);
}

static void teardown(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect(uv_loop_close(&loop) == 0, "something is still open");
}

TestSuite(socket, .init = setup, .fini = teardown, .timeout = 30);

/* --- tests ------------------------------------------------------------------------------------ */

Test(socket, speaks_both_ways_and_ends)
{
    struct server server;
    struct owner owner = {0};
    char address[32];

    server_start(&server, ECHOES);
    owner_open(&owner, "127.0.0.1", server.port, NULL);
    cr_expect_str_eq(socket_remote(owner.socket), "");
    cr_assert(socket_write(owner.socket, STR("early ")) == 0);
    cr_expect(socket_queued(owner.socket) == 6);
    RUN_UNTIL(owner.open);
    snprintf(address, sizeof address, "127.0.0.1:%d", server.port);
    cr_expect_str_eq(socket_remote(owner.socket), address);
    cr_expect(strncmp(socket_local(owner.socket), "127.0.0.1:", 10) == 0);
    cr_assert(socket_write(owner.socket, STR("late")) == 0);
    RUN_UNTIL(owner.got.len == 10);
    cr_expect(str_equal(buf_str(&owner.got), STR("early late")));
    cr_expect(owner.drains > 0 && socket_queued(owner.socket) == 0);
    cr_expect(!socket_has_ended(owner.socket));
    socket_end(owner.socket);
    socket_end(owner.socket);
    RUN_UNTIL(owner.closed);
    cr_expect(owner.ended && owner.code == 0);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(socket, sends_all_that_was_written_before_the_end)
{
    struct server server;
    struct owner owner = {0};
    char *piece = mem_zeroed(PIECE_BYTES);
    size_t sent = 0;

    server_start(&server, ECHOES);
    owner_open(&owner, "localhost", server.port, NULL);
    for (; sent < LARGE_BYTES; sent += PIECE_BYTES)
        cr_assert(socket_write(owner.socket, (str){piece, PIECE_BYTES}) == 0);
    socket_end(owner.socket);
    RUN_UNTIL(owner.closed);
    cr_expect(owner.code == 0 && owner.got.len == sent, "%zu of %zu", owner.got.len, sent);
    free(piece);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(socket, bounds_its_queue)
{
    struct server server;
    struct owner owner = {0};
    size_t half = SOCKET_QUEUE_BYTES_MAX / 2;
    char *bytes = mem_zeroed(half);

    server_start(&server, SILENT);
    owner_open(&owner, "127.0.0.1", server.port, NULL);
    cr_expect(socket_write(owner.socket, (str){bytes, half}) == 0);
    cr_expect(socket_write(owner.socket, (str){bytes, half}) == 0);
    cr_expect(socket_write(owner.socket, STR("x")) == ERR_LIMIT);
    cr_expect(socket_queued(owner.socket) == 2 * half);
    socket_close(owner.socket);
    free(bytes);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(socket, pauses_and_resumes)
{
    struct server server;
    struct owner owner = {.ask_at = 1};

    server_start(&server, GREET_AND_END);
    owner_open(&owner, "127.0.0.1", server.port, NULL);
    RUN_UNTIL(owner.got.len == 5);
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    cr_expect(!owner.ended, "the end is kept, too");
    owner.ends_too = true;
    socket_resume(owner.socket);
    RUN_UNTIL(owner.closed);
    cr_expect(owner.ended && owner.code == 0);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(socket, stays_half_open_as_long_as_its_owner_likes)
{
    struct server server;
    struct owner owner = {0};

    server_start(&server, GREET_AND_END);
    owner_open(&owner, "127.0.0.1", server.port, NULL);
    RUN_UNTIL(owner.ended);
    cr_assert(socket_write(owner.socket, STR("still here")) == 0);
    RUN_UNTIL(server.received == 10);
    cr_expect(!owner.closed);
    socket_end(owner.socket);
    RUN_UNTIL(owner.closed && server.ended);
    cr_expect(owner.code == 0);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(socket, tells_a_reset)
{
    struct server server;
    struct owner owner = {0};

    server_start(&server, RESET);
    owner_open(&owner, "127.0.0.1", server.port, NULL);
    RUN_UNTIL(owner.closed);
    cr_expect(owner.code == ERR_NETWORK);
    cr_expect(strstr(owner.text, "ECONNRESET 127.0.0.1:"), "%s", owner.text);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(socket, tells_why_it_could_not_connect)
{
    static const struct outbound none;
    struct server server;
    struct owner owners[3] = {0};
    char expected[128];

    server_start(&server, SILENT);
    uv_close((uv_handle_t *)&server.listener, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    owner_open(&owners[0], "127.0.0.1", server.port, NULL);
    owner_open(&owners[1], "no-such-host.invalid", 80, NULL);
    owner_open(&owners[2], "127.0.0.1", server.port, &none);
    RUN_UNTIL(owners[0].closed && owners[1].closed && owners[2].closed);
    snprintf(expected, sizeof expected, "connect ECONNREFUSED 127.0.0.1:%d", server.port);
    cr_expect_str_eq(owners[0].text, expected);
    cr_expect(strstr(owners[1].text, "no-such-host.invalid:80"), "%s", owners[1].text);
    snprintf(expected, sizeof expected,
             "connect to 127.0.0.1:%d: 127.0.0.1 refused: loopback addresses are not allowed here",
             server.port);
    cr_expect_str_eq(owners[2].text, expected);
    for (int i = 0; i < 3; i++)
        cr_expect(owners[i].code == ERR_NETWORK && !owners[i].open);
}

Test(socket, gives_up_a_handshake_that_takes_too_long)
{
    struct server server;
    struct owner owner = {0};
    struct err err;

    server_start(&server, SILENT);
    owner.socket = socket_open(&loop,
                               &(struct socket_options){.host = STR("127.0.0.1"),
                                                        .port = (uint16_t)server.port,
                                                        .tls = true,
                                                        .rules = &everywhere,
                                                        .connect_timeout_ms = 50},
                               &hooks, &owner, &err);
    cr_assert(owner.socket);
    RUN_UNTIL(owner.closed);
    cr_expect(owner.code == ERR_TIMEOUT && strstr(owner.text, "TLS handshake took too long"), "%s",
              owner.text);
    server_stop(&server);
}

Test(socket, tells_a_handshake_that_fails)
{
    static const enum manner manners[] = {HANG_UP, GREET_AND_END};

    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        struct server server;
        struct owner owner = {0};
        struct err err;

        server_start(&server, manners[i]);
        owner.socket = socket_open(&loop,
                                   &(struct socket_options){.host = STR("127.0.0.1"),
                                                            .port = (uint16_t)server.port,
                                                            .tls = true,
                                                            .rules = &everywhere},
                                   &hooks, &owner, &err);
        cr_assert(owner.socket);
        cr_assert(socket_write(owner.socket, STR("waits")) == 0);
        RUN_UNTIL(owner.closed);
        cr_expect(owner.code == ERR_NETWORK && !owner.open);
        cr_expect(owner.text[0]);
        server_stop(&server);
    }
}

Test(socket, closes_at_any_time_without_a_word)
{
    struct server server;
    struct owner owners[4] = {{0}, {0}, {.closes_on_open = true}, {.closes_on_data = true}};

    for (int i = 0; i < 4; i++) {
        server_start(&server, GREET_AND_END);
        owner_open(&owners[i], i == 1 ? "no-such-host.invalid" : "127.0.0.1", server.port, NULL);
        cr_assert(socket_write(owners[i].socket, STR("lost")) == 0);
        if (i < 2)
            socket_close(owners[i].socket);
        else
            RUN_UNTIL(owners[i].closed);
        buf_done(&owners[i].got);
        server_stop(&server);
        cr_expect(owners[i].code == 0 && !owners[i].text[0]);
    }
}

Test(socket, refuses_options_that_cannot_be)
{
    static char long_host[SOCKET_HOST_BYTES_MAX + 2], long_alpn[SOCKET_ALPN_BYTES_MAX + 2];
    struct err err;

    memset(long_host, 'h', sizeof long_host - 1);
    memset(long_alpn, 'a', sizeof long_alpn - 1);
    const struct socket_options cases[] = {
        {.host = STR(""), .port = 1},
        {.host = STR("h"), .port = 0},
        {.host = STR("a\0b"), .port = 1},
        {.host = str_from(long_host), .port = 1},
        {.host = STR("h"), .port = 1, .tls = true, .server_name = str_from(long_host)},
        {.host = STR("h"), .port = 1, .alpn = str_from(long_alpn)},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct socket_options options = cases[i];

        options.rules = &everywhere;
        cr_expect(!socket_open(&loop, &options, &hooks, NULL, &err), "%zu", i);
        cr_expect(err.code == ERR_INVALID && err.text[0], "%zu", i);
    }
}

Test(socket, begins_tls_only_on_an_open_stream)
{
    struct server server;
    struct owner owner = {0};

    server_start(&server, SILENT);
    owner_open(&owner, "127.0.0.1", server.port, NULL);
    cr_expect(socket_start_tls(owner.socket, STR("localhost")) == ERR_INVALID);
    RUN_UNTIL(owner.open);
    cr_expect(socket_start_tls(owner.socket, STR("localhost")) == 0);
    cr_expect(socket_start_tls(owner.socket, STR("localhost")) == ERR_INVALID);
    cr_assert(socket_write(owner.socket, STR("secret")) == 0);
    cr_expect(socket_queued(owner.socket) >= 6);
    socket_close(owner.socket);
    buf_done(&owner.got);
    server_stop(&server);
}

Test(tls, refuses_names_and_lists_that_cannot_be)
{
    static const struct {
        str name, alpn;
        bool fine;
    } cases[] = {
        {STR("example.com"), STR(""), true},       {STR("example.com."), STR("h2,http/1.1"), true},
        {STR("127.0.0.1"), STR("h2"), true},       {STR("::1"), STR(""), true},
        {STR(""), STR(""), false},                 {STR("a\0b"), STR(""), false},
        {STR("example.com"), STR(","), false},     {STR("example.com"), STR("h2,"), false},
        {STR("example.com"), STR("h2,,x"), false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct tls *tls = tls_new(cases[i].name, cases[i].alpn, &err);
        struct buf out;

        cr_assert((tls != NULL) == cases[i].fine, "%zu: %s", i, err.text);
        if (!tls)
            continue;
        buf_init(&out, 64 * 1024);
        cr_expect(tls_state(tls) == TLS_HANDSHAKE);
        cr_expect(tls_take(tls, &out) == 0 && out.len > 50, "the client speaks first");
        cr_expect(tls_feed(tls, STR("220 mail.example ready\r\n"), &err) == ERR_NETWORK);
        cr_expect(tls_state(tls) == TLS_FAILED && strstr(err.text, "TLS: "), "%s", err.text);
        buf_done(&out);
        tls_free(tls);
    }
}
