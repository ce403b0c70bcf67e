/* http/detach on real sockets: a connection moves from one server to another in the middle of
 * whatever it does, and its client gets the answers it would have got. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/detach.h"
#include "os/listen.h"

enum { TURNS_MAX = 4000, TEXT_MAX = 1 << 20, BODY_MAX = 1 << 20 };

/* A server and the request it has, with its head as the room above writes it. */
struct side {
    struct http_server *server;
    struct http_request *request;
    char head[4096];
    char method[16], target[256], client[64];
    int requests, ends, gone;
    unsigned hops;
    bool early;           /* gives requests away in the hook itself */
    bool echoes;          /* answers with method, target and body */
};

static uv_loop_t loop;
static struct side from, to;
static int port;
static int moved;             /* connections that are on their way, one after the other */
static char sent_bytes[TEXT_MAX];

static void on_moved(struct http_request *request, int fd, str bytes)
{
    cr_assert_lt(bytes.len, sizeof sent_bytes);
    memcpy(sent_bytes, bytes.ptr, bytes.len);
    sent_bytes[bytes.len] = '\0';
    moved++;
    http_detach_adopt(to.server, fd, bytes, http_detach_hops(request) + 1);
}

static void give(void)
{
    cr_assert(http_detach_request(from.request, str_from(from.head), on_moved));
}

static void copy(char *to_text, size_t size, str s)
{
    snprintf(to_text, size, "%.*s", (int)s.len, s.ptr);
}

static void write_head(struct side *side, const struct http_head *head)
{
    size_t len = (size_t)snprintf(side->head, sizeof side->head, "%s %s HTTP/1.%d\r\n",
                                  side->method, side->target, head->minor_version);

    for (size_t i = 0; i < head->header_count; i++)
        len += (size_t)snprintf(side->head + len, sizeof side->head - len, "%.*s: %.*s\r\n",
                                (int)head->headers[i].name.len, head->headers[i].name.ptr,
                                (int)head->headers[i].value.len, head->headers[i].value.ptr);
    snprintf(side->head + len, sizeof side->head - len, "\r\n");
}

static void echo(struct side *side)
{
    struct http_request *r = side->request;
    char head[600];

    snprintf(head, sizeof head, "x-line: %s %s\r\n", side->method, side->target);
    http_answer_whole(r, 200, str_from(head), buf_str(http_body_buffer(r)));
}

static void on_request(struct http_request *request, const struct http_head *head)
{
    struct side *side = http_request_context(request);

    side->requests++;
    side->request = request;
    copy(side->method, sizeof side->method, head->method);
    copy(side->target, sizeof side->target, head->target);
    copy(side->client, sizeof side->client, http_request_client(request));
    write_head(side, head);
    side->hops = http_detach_hops(request);
    if (side->early)
        give();
    else if (side->echoes && http_body_state(request) == HTTP_BODY_ENDED)
        echo(side);
    else if (side->echoes)
        http_body_want_all(request, BODY_MAX);
}

static void on_body(struct http_request *request)
{
    echo(http_request_context(request));
}

static void on_nothing(struct http_request *request)
{
    (void)request;
}

static void on_gone(struct http_request *request)
{
    struct side *side = http_request_context(request);

    side->gone++;
}

static void on_end(struct http_request *request)
{
    struct side *side = http_request_context(request);

    side->ends++;
    side->request = NULL;
}

static void on_stopped(void *context)
{
    (void)context;
}

static int make_server(struct side *side)
{
    static const struct http_server_hooks hooks = {on_request, on_body, on_nothing,
                                                   on_gone,    on_end,  on_stopped};
    struct http_server_options options = {.hooks = &hooks,
                                          .context = side,
                                          .body_bytes_max = BODY_MAX};
    struct err err;
    int fd, at;

    cr_assert_eq(listen_open("127.0.0.1", 0, &fd, &at, &err), 0);
    cr_assert_eq(http_server_new(&loop, fd, options, &side->server), 0);
    return at;
}

/* libuv keeps a descriptor from the first stream on. */
static void start_streams(void)
{
    static uv_tcp_t stream;

    uv_tcp_init(&loop, &stream);
    uv_close((uv_handle_t *)&stream, NULL);
}

static void start(void)
{
    cr_assert_eq(uv_loop_init(&loop), 0);
    port = make_server(&from);
    http_server_accept(from.server, true);
    make_server(&to);
    to.echoes = true;
    start_streams();
}

TestSuite(detach, .init = start, .timeout = 20);

static void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    http_server_flush(from.server);
    http_server_flush(to.server);
}

#define TURN_UNTIL(condition)                                                                     \
    do {                                                                                           \
        for (int turns = 0; !(condition); turns++) {                                               \
            cr_assert(turns < TURNS_MAX, "waited for " #condition);                                \
            turn();                                                                                \
            usleep(500);                                                                           \
        }                                                                                          \
    } while (0)

static int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* ---- clients ---- */

static int client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *bytes)
{
    cr_assert_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

static char heard[TEXT_MAX];

static bool hear(int fd, const char *end)
{
    size_t len = strlen(heard);
    ssize_t count = recv(fd, heard + len, sizeof heard - 1 - len, MSG_DONTWAIT);

    if (count > 0)
        heard[len + (size_t)count] = '\0';
    return strstr(heard, end);
}

static void expect_answer(int fd, const char *line, const char *body)
{
    char want[600];

    snprintf(want, sizeof want, "x-line: %s\r\n", line);
    TURN_UNTIL(hear(fd, want) && hear(fd, body));
    heard[0] = '\0';
}

/* ---- requests ---- */

static const struct {
    const char *what;
    const char *first;   /* sent, and read by the first server */
    const char *rest;    /* sent when the connection has moved */
    const char *line;
    const char *body;
    bool keeps;          /* the connection takes another request */
} rows[] = {
    {"get", "GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n", "", "GET /a?b", "\r\n\r\n", true},
    {"head", "HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n", "", "HEAD /a", "\r\n\r\n", true},
    {"close", "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "", "GET /a",
     "connection: close\r\n", false},
    {"1.0", "GET /a HTTP/1.0\r\n\r\n", "", "GET /a", "connection: close\r\n", false},
    {"1.0 kept", "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", "", "GET /a",
     "connection: keep-alive\r\n", true},
    {"no body yet", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n", "hello", "POST /a",
     "\r\n\r\nhello", true},
    {"part of a body", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhe", "llo",
     "POST /a", "\r\n\r\nhello", true},
    {"a whole body", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello", "", "POST /a",
     "\r\n\r\nhello", true},
    {"no chunk yet", "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
     "5\r\nhello\r\n0\r\n\r\n", "POST /a", "\r\n\r\nhello", true},
    {"in a size line", "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1",
     "0;x=y\r\nhello hello hell\r\n0\r\n\r\n", "POST /a", "\r\n\r\nhello hello hell", true},
    {"in an extension",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=\"\\",
     "\"\"\r\nllo\r\n0\r\n\r\n", "POST /a", "\r\n\r\nhello", true},
    {"in a chunk",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n5\r\nll",
     "o w\r\n4\r\norld\r\n0\r\n\r\n", "POST /a", "\r\n\r\nhello world", true},
    {"behind a chunk",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello",
     "\r\n0\r\n\r\n", "POST /a", "\r\n\r\nhello", true},
    {"in a line end",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r",
     "\n0\r\n\r\n", "POST /a", "\r\n\r\nhello", true},
    {"between chunks",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
     "1\r\n!\r\n0\r\n\r\n", "POST /a", "\r\n\r\nhello!", true},
    {"in the last chunk",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r",
     "\n\r\n", "POST /a", "\r\n\r\nhello", true},
    {"in a trailer",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: ",
     "b\r\n\r\n", "POST /a", "\r\n\r\nhello", true},
    {"all chunks",
     "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "",
     "POST /a", "\r\n\r\nhello", true},
    {"expectation",
     "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n", "hello",
     "POST /a", "\r\n\r\nhello", true},
    {"upgrade", "GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
     "", "GET /a", "\r\n\r\n", true},
};

static void settle(void)
{
    for (int i = 0; i < 5; i++)
        turn();
}

static void move_row(size_t i, bool early)
{
    int before = count_fds(), fd = client();

    from.early = early;
    from.requests = from.ends = to.requests = to.ends = moved = 0;
    say(fd, rows[i].first);
    TURN_UNTIL(from.requests == 1);
    settle(); /* all that was sent is read */
    if (!early)
        give();
    TURN_UNTIL(moved == 1 && from.ends == 1 && to.requests == 1);
    cr_expect_eq(http_server_conn_count(from.server), 0);
    cr_expect_eq(to.hops, 1);
    cr_expect_str_eq(to.client, "127.0.0.1");
    if (rows[i].rest[0])
        say(fd, rows[i].rest);
    expect_answer(fd, rows[i].line, rows[i].body);
    if (rows[i].keeps) {
        say(fd, "GET /next HTTP/1.1\r\nhost: x\r\n\r\n");
        expect_answer(fd, "GET /next", "\r\n\r\n");
        cr_expect_eq(to.hops, 0, "the next request never moved");
    }
    close(fd);
    TURN_UNTIL(http_server_conn_count(to.server) == 0);
    settle();
    cr_expect_eq(count_fds(), before, "%s", rows[i].what);
}

Test(detach, moves_requests_that_are_read_as_far_as_they_came)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        move_row(i, false);
    cr_expect_eq(from.gone, 0, "nobody left");
    cr_expect_eq(to.gone, 0);
}

Test(detach, moves_requests_from_inside_their_hook)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        move_row(i, true);
    cr_expect_eq(from.gone, 0);
}

/* Cut at any byte: what was sent before is read here, the rest there. */
Test(detach, moves_a_chunked_body_cut_anywhere)
{
    static const char head[] = "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    static const char body[] = "2;a=\"b\\\"\" ; c=d;e\r\nhe\r\n009\r\nllo world\r\n0;x\r\n"
                               "A: b\r\nC:d\r\n\r\n";
    char first[256];

    for (size_t cut = 0; cut < sizeof body; cut++) {
        int fd = client();

        moved = from.requests = 0;
        snprintf(first, sizeof first, "%s%.*s", head, (int)cut, body);
        say(fd, first);
        TURN_UNTIL(from.requests == 1);
        settle();
        give();
        TURN_UNTIL(moved == 1);
        if (body[cut])
            say(fd, body + cut);
        expect_answer(fd, "POST /a", "\r\n\r\nhello world");
        close(fd);
    }
}

/* A sum of what came and what is to come would begin anew at 0. */
Test(detach, keeps_a_huge_chunk_huge)
{
    int fd = client();

    say(fd, "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            "5\r\nhello\r\nffffffffffffffff\r\nx");
    TURN_UNTIL(from.requests == 1);
    settle();
    give();
    TURN_UNTIL(moved == 1);
    cr_expect(strstr(sent_bytes, "\r\n\r\n6\r\nhellox\r\nfffffffffffffffe\r\n"), "%s", sent_bytes);
    close(fd);
}

Test(detach, takes_pipelined_requests_along)
{
    int fd = client();

    say(fd, "POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
            "GET /2 HTTP/1.1\r\nhost: x\r\n\r\nPOST /3 HTTP/1.1\r\nhost: x\r\n"
            "content-length: 3\r\n\r\na");
    TURN_UNTIL(from.requests == 1);
    settle();
    give();
    TURN_UNTIL(to.requests == 3);
    say(fd, "bc");
    TURN_UNTIL(hear(fd, "x-line: POST /3\r\n") && hear(fd, "\r\n\r\nabc"));
    cr_expect_lt(strstr(heard, "\r\n\r\nhello"), strstr(heard, "x-line: GET /2"));
    cr_expect_lt(strstr(heard, "x-line: GET /2"), strstr(heard, "x-line: POST /3"));
    cr_expect_eq(from.requests, 1);
    close(fd);
}

/* The answer before is larger than what the socket takes: it leaves first. */
Test(detach, lets_earlier_answers_leave_first)
{
    static char much[32 << 20];
    int fd = client();
    size_t len = 0;

    memset(much, 'm', sizeof much);
    say(fd, "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n");
    TURN_UNTIL(from.request);
    http_answer_whole(from.request, 200, STR_NONE, (str){much, sizeof much});
    from.early = true;
    settle();
    cr_expect_eq(moved, 0, "it waits for the client to read");
    for (int turns = 0; !strstr(heard, "x-line: GET /2\r\n"); turns++) {
        ssize_t count = recv(fd, much, sizeof much - 1, MSG_DONTWAIT);
        cr_assert(turns < TURNS_MAX);
        len += count > 0 ? (size_t)count : 0;
        snprintf(heard, sizeof heard, "%.*s", count > 200 ? 200 : (int)(count > 0 ? count : 0),
                 much + (count > 200 ? count - 200 : 0));
        turn();
        usleep(200);
    }
    cr_expect_gt(len, sizeof much);
    cr_expect_eq(moved, 1);
    close(fd);
}

static void on_never(struct http_request *request, int fd, str bytes)
{
    (void)request, (void)bytes;
    close(fd);
    cr_assert(false, "it is not to move");
}

Test(detach, is_too_late_once_something_was_taken)
{
    int fd = client();

    say(fd, "POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhell");
    TURN_UNTIL(from.request && http_body_buffer(from.request)->len == 4);
    buf_consume(http_body_buffer(from.request), 1);
    cr_expect_not(http_detach_request(from.request, STR("x"), on_never));
    http_answer_start(from.request, 200, STR_NONE, -1);
    cr_expect_not(http_detach_request(from.request, STR("x"), on_never));
    cr_expect_not(http_detach_request_now(from.request, STR("x"), on_never));
    close(fd);
    TURN_UNTIL(from.gone == 1);
}

Test(detach, moves_at_once_what_nothing_is_queued_for)
{
    int fd = client();

    say(fd, "GET /1 HTTP/1.1\r\nhost: x\r\n\r\n");
    TURN_UNTIL(from.request);
    cr_expect(http_detach_request_now(from.request, str_from(from.head), on_moved));
    cr_expect_eq(moved, 1);
    cr_expect_eq(from.ends, 1);
    expect_answer(fd, "GET /1", "\r\n\r\n");
    close(fd);
}

/* Its client goes while an answer before it still fills the socket. */
Test(detach, ends_without_moving_when_the_connection_breaks)
{
    static char much[32 << 20];
    struct linger at_once = {1, 0};
    int fd = client();

    say(fd, "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n");
    TURN_UNTIL(from.request);
    http_answer_start(from.request, 200, STR_NONE, sizeof much);
    http_answer_write(from.request, (str){much, sizeof much});
    http_answer_end(from.request);
    settle();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    TURN_UNTIL(http_server_conn_count(from.server) == 0);
    cr_expect_eq(from.ends, from.requests);
    cr_expect_eq(moved, 0);
}

/* ---- idle connections ---- */

static void adopt_idle(void *context, int fd)
{
    cr_expect_eq(context, &moved);
    moved++;
    http_detach_adopt(to.server, fd, STR_NONE, 0);
}

Test(detach, moves_idle_connections_and_no_others)
{
    int fresh = client(), used = client(), running = client(), half = client();

    say(used, "GET /1 HTTP/1.1\r\nhost: x\r\n\r\n");
    TURN_UNTIL(from.request);
    http_answer_whole(from.request, 200, STR("x-line: used\r\n"), STR_NONE);
    expect_answer(used, "used", "\r\n\r\n");
    say(running, "GET /2 HTTP/1.1\r\nhost: x\r\n\r\n");
    say(half, "GET /3 HT");
    TURN_UNTIL(from.request && http_server_conn_count(from.server) == 4);
    settle();
    say(used, "GET /4 HTTP/1.1\r\nhost: x\r\n\r\n"); /* in the kernel, not read here */
    cr_expect_eq(http_detach_idle(from.server, adopt_idle, &moved), 2);
    cr_expect_eq(moved, 2);
    cr_expect_eq(http_server_conn_count(from.server), 2);
    cr_expect_eq(http_server_conn_count(to.server), 2);
    expect_answer(used, "GET /4", "\r\n\r\n");
    say(fresh, "GET /5 HTTP/1.1\r\nhost: x\r\n\r\n");
    expect_answer(fresh, "GET /5", "\r\n\r\n");
    http_answer_whole(from.request, 200, STR("x-line: running\r\n"), STR_NONE);
    expect_answer(running, "running", "\r\n\r\n");
    say(half, "TP/1.1\r\nhost: x\r\n\r\n");
    TURN_UNTIL(from.request);
    cr_expect_eq(http_detach_idle(from.server, adopt_idle, &moved), 1);
    cr_expect_eq(http_detach_idle(from.server, adopt_idle, &moved), 0);
    http_answer_whole(from.request, 200, STR_NONE, STR_NONE);
    close(fresh);
    close(used);
    close(running);
    close(half);
    TURN_UNTIL(http_server_conn_count(from.server) + http_server_conn_count(to.server) == 0);
}

/* ---- adopting ---- */

static bool is_closed(int fd)
{
    char c;
    ssize_t count = recv(fd, &c, 1, MSG_DONTWAIT);

    return count == 0 || (count < 0 && errno != EAGAIN);
}

Test(detach, closes_what_comes_to_a_server_that_stops)
{
    int ends[2], before = count_fds();

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    http_server_stop(to.server);
    http_detach_adopt(to.server, ends[1], STR("GET / HTTP/1.1\r\n"), 0);
    cr_expect(is_closed(ends[0]));
    close(ends[0]);
    cr_expect_eq(count_fds(), before - 2, "and what the server listened with");
}

Test(detach, refuses_rubbish_from_elsewhere_like_any_other)
{
    int fd = client();

    TURN_UNTIL(http_server_conn_count(from.server) == 1);
    cr_expect_eq(http_detach_idle(from.server, adopt_idle, &moved), 1);
    say(fd, "rubbish\r\n\r\n");
    TURN_UNTIL(hear(fd, "HTTP/1.1 400 "));
    cr_expect_eq(to.requests, 0);
    close(fd);
}
