/* http/server at the level of its hooks: pairs, room, refusals of the caller, and what time ends.
 * What clients see of it is in tests/e2e/http.test.mjs. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"
#include "os/listen.h"

enum { TURNS_MAX = 4000, TEXT_MAX = 1 << 16, BODY_MAX = 1 << 20 };

/* The clock of the loop, moved forward: the janitor then sees time that did not pass. */
static uint64_t skipped_ms;

uint64_t uv_now(const uv_loop_t *loop)
{
    return loop->time + skipped_ms;
}

static struct {
    uv_loop_t loop;
    struct http_server *server;
    int port;
    struct http_request *request;   /* the last one */
    void (*on_request)(struct http_request *request);
    int requests, ends, gone, drains, bodies;
    bool stopped;
} s;

static void on_request(struct http_request *request, const struct http_head *head)
{
    (void)head;
    s.requests++;
    s.request = request;
    cr_expect_not(http_answer_started(request));
    cr_expect_eq(http_answer_status(request), 0);
    if (s.on_request)
        s.on_request(request);
}

static void on_body(struct http_request *request)
{
    (void)request;
    s.bodies++;
}

static void on_drain(struct http_request *request)
{
    (void)request;
    s.drains++;
}

static void on_gone(struct http_request *request)
{
    (void)request;
    s.gone++;
}

static void on_end(struct http_request *request)
{
    s.ends++;
    if (s.request == request)
        s.request = NULL;
}

static void on_stopped(void *context)
{
    cr_expect_eq(context, &s);
    s.stopped = true;
}

static void start(void)
{
    static const struct http_server_hooks hooks = {on_request, on_body, on_drain,
                                                   on_gone,    on_end,  on_stopped};
    struct err err;
    int fd;

    cr_assert_eq(uv_loop_init(&s.loop), 0);
    cr_assert_eq(listen_open("127.0.0.1", 0, &fd, &s.port, &err), 0);
    cr_assert_eq(http_server_new(&s.loop, fd,
                                 (struct http_server_options){.hooks = &hooks,
                                                              .context = &s,
                                                              .body_bytes_max = BODY_MAX},
                                 &s.server),
                 0);
    http_server_accept(s.server, true);
}

TestSuite(server, .init = start, .timeout = 20);

static void turn(void)
{
    uv_run(&s.loop, UV_RUN_NOWAIT);
    http_server_flush(s.server);
}

#define TURN_UNTIL(condition)                                                                     \
    do {                                                                                           \
        int turns = 0;                                                                             \
        while (!(condition)) {                                                                     \
            cr_assert(turns++ < TURNS_MAX, "waited for " #condition);                              \
            turn();                                                                                \
            usleep(1000);                                                                          \
        }                                                                                          \
    } while (0)

/* ---- clients ---- */

static int client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)s.port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int client_that_sent(const char *bytes)
{
    int fd = client();

    cr_assert_eq(send(fd, bytes, strlen(bytes), 0), (ssize_t)strlen(bytes));
    return fd;
}

/* What has arrived for the client is appended to `text`; returns true at the end. */
static bool receive(int fd, char *text)
{
    size_t len = strlen(text);
    ssize_t count = recv(fd, text + len, TEXT_MAX - 1 - len, MSG_DONTWAIT);

    if (count > 0)
        text[len + (size_t)count] = '\0';
    return count == 0 || (count < 0 && errno != EAGAIN);
}

static const char get[] = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
static const char post[] = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello";

static void answer_at_once(struct http_request *request)
{
    http_answer_whole(request, 200, STR("x-a: b\r\n"), STR("hi"));
}

/* ---- hooks ---- */

Test(server, answers_all_that_was_pipelined_in_one_flush)
{
    static char text[TEXT_MAX];
    char bytes[100 * sizeof get] = "";
    int fd, answers = 0;

    for (int i = 0; i < 100; i++)
        strcat(bytes, get);
    s.on_request = answer_at_once;
    fd = client_that_sent(bytes);
    TURN_UNTIL(s.requests > 0);
    cr_expect_eq(s.requests, 100);
    TURN_UNTIL(s.ends == 100);
    shutdown(fd, SHUT_WR);
    TURN_UNTIL(receive(fd, text));
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 200 OK\r\nx-a: b\r\n")); at++)
        answers++;
    cr_expect_eq(answers, 100);
    close(fd);
    TURN_UNTIL(http_server_conn_count(s.server) == 0);
    cr_expect_eq(s.gone, 0, "nobody left in the middle");
}

Test(server, pairs_requests_with_ends_when_clients_go)
{
    struct linger at_once = {1, 0};
    int closing = client_that_sent(get), resetting = client_that_sent(post);

    TURN_UNTIL(s.requests == 2);
    setsockopt(resetting, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(resetting);
    TURN_UNTIL(s.ends == 1);
    cr_expect_eq(s.gone, 1, "a reset is told before the end");
    close(closing);
    TURN_UNTIL(s.gone == 2);
    cr_expect_eq(s.ends, 1, "the answer may still reach one who only closed its side");
}

static void start_long(struct http_request *request)
{
    cr_expect(http_answer_start(request, 200, STR_NONE, 10));
}

Test(server, holds_the_caller_to_the_length)
{
    int fd = client_that_sent(get);

    s.on_request = start_long;
    TURN_UNTIL(s.requests == 1);
    cr_expect_eq(http_answer_status(s.request), 200);
    cr_expect_eq(http_answer_write(s.request, STR("12345")), 1);
    cr_expect_eq(http_answer_write(s.request, STR("678901")), ERR_LIMIT);
    cr_expect_eq(http_answer_write(s.request, STR("67890")), 1);
    cr_expect_eq(http_answer_write(s.request, STR("1")), ERR_LIMIT);
    http_answer_end(s.request);
    cr_expect_eq(http_answer_write(s.request, STR("1")), ERR_CLOSED);
    TURN_UNTIL(s.ends == 1);
    close(fd);
}

static void start_head(struct http_request *request)
{
    cr_expect_not(http_answer_start(request, 200, STR_NONE, -1));
    cr_expect_eq(http_answer_write(request, STR("1")), ERR_CLOSED);
    http_answer_end(request);
}

Test(server, wants_no_body_for_a_head_request)
{
    static char text[TEXT_MAX];
    int fd = client_that_sent("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");

    s.on_request = start_head;
    TURN_UNTIL(s.ends == 1);
    receive(fd, text);
    cr_expect(strstr(text, "transfer-encoding: chunked\r\n"));
    cr_expect_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    close(fd);
}

static void start_stream(struct http_request *request)
{
    http_answer_start(request, 200, STR_NONE, -1);
}

Test(server, says_full_and_then_drained)
{
    static char piece[HTTP_OUT_BUFFER_BYTES], text[TEXT_MAX];
    int fd = client_that_sent(get), full = 0;

    s.on_request = start_stream;
    TURN_UNTIL(s.requests == 1);
    for (int i = 0; i < 64 && !full; i++) /* what the socket takes does not count */
        full = http_answer_write(s.request, (str){piece, sizeof piece}) == 0;
    cr_expect(full, "a full buffer is told");
    http_server_flush(s.server);
    for (int turns = 0; !s.drains; turns++) {
        cr_assert(turns < TURNS_MAX);
        text[0] = '\0';
        receive(fd, text);
        turn();
    }
    cr_expect_eq(http_answer_write(s.request, STR("more")), 1);
    http_answer_abort(s.request);
    close(fd);
    TURN_UNTIL(s.ends == 1);
}

Test(server, accepts_only_when_told)
{
    int first = client(), second;

    TURN_UNTIL(http_server_conn_count(s.server) == 1);
    http_server_accept(s.server, false);
    http_server_accept(s.server, false);
    second = client_that_sent(get); /* waits in the socket */
    for (int i = 0; i < 100; i++)
        turn();
    cr_expect_eq(http_server_conn_count(s.server), 1, "those that are there stay");
    http_server_accept(s.server, true);
    http_server_accept(s.server, true);
    TURN_UNTIL(s.requests == 1);
    close(first);
    close(second);
}

/* ---- too many ---- */

enum { FEW = 40 };

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = count;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void start_small(void)
{
    limit_descriptors((rlim_t)2 * FEW); /* half of them are for connections */
    start();
    limit_descriptors(1024);
}

TestSuite(server_small, .init = start_small, .timeout = 20);

static bool is_closed(int fd)
{
    char c;
    ssize_t count = recv(fd, &c, 1, MSG_DONTWAIT);

    return count == 0 || (count < 0 && errno != EAGAIN);
}

Test(server_small, makes_room_for_who_has_something_to_ask)
{
    int idle[2 * FEW], busy;

    busy = client_that_sent(get);
    TURN_UNTIL(s.requests == 1);
    for (int i = 0; i < 2 * FEW; i++) {
        idle[i] = client();
        TURN_UNTIL(http_server_conn_count(s.server) == (size_t)(i + 2 < FEW ? i + 2 : FEW));
    }
    TURN_UNTIL(is_closed(idle[FEW]));
    cr_expect(is_closed(idle[0]), "the longest idle go");
    cr_expect_not(is_closed(idle[2 * FEW - 1]), "the last comers stay");
    cr_expect_eq(s.ends, 0, "who is served stays");
    close(busy);
}

Test(server_small, refuses_when_all_are_served)
{
    int late;

    for (int i = 0; i < FEW; i++)
        client_that_sent(get);
    TURN_UNTIL(s.requests == FEW);
    late = client_that_sent(get);
    TURN_UNTIL(is_closed(late));
    cr_expect_eq(s.requests, FEW);
    cr_expect_eq(s.ends, 0);
    http_answer_whole(s.request, 200, STR_NONE, STR_NONE);
    TURN_UNTIL(s.ends == 1);
    client_that_sent(get);
    TURN_UNTIL(s.requests == FEW + 1);
}

Test(server, takes_connections_off_the_socket_without_descriptors_for_them)
{
    int clients[FEW], after;

    http_server_accept(s.server, false);
    for (int i = 0; i < FEW; i++)
        clients[i] = client();
    after = socket(AF_INET, SOCK_STREAM, 0);
    limit_descriptors((rlim_t)after + 1);
    http_server_accept(s.server, true);
    for (int i = 0; i < FEW; i++)
        TURN_UNTIL(is_closed(clients[i]));
    limit_descriptors(1024);
    close(after);
    client_that_sent(get);
    TURN_UNTIL(s.requests == 1);
}

Test(server, stops_when_the_last_request_is_answered)
{
    int idle = client(), running = client_that_sent(get);

    TURN_UNTIL(http_server_conn_count(s.server) == 2 && s.request);
    http_server_stop(s.server);
    http_server_stop(s.server);
    TURN_UNTIL(http_server_conn_count(s.server) == 1);
    cr_expect_not(s.stopped);
    answer_at_once(s.request);
    TURN_UNTIL(s.stopped);
    http_server_free(s.server);
    uv_run(&s.loop, UV_RUN_DEFAULT); /* no handle keeps it */
    cr_expect_eq(uv_loop_close(&s.loop), 0);
    close(idle);
    close(running);
}

/* ---- time ---- */

static void expect_end(int fd, const char *want)
{
    static char text[TEXT_MAX];

    text[0] = '\0';
    TURN_UNTIL(receive(fd, text));
    cr_expect(strncmp(text, want, strlen(want)) == 0, "%s", text);
    close(fd);
}

Test(server, refuses_a_head_that_takes_too_long)
{
    int fd = client_that_sent("GET / HTTP/1.1\r\nhost");

    for (int i = 0; i < 100; i++)
        turn(); /* the bytes are read: no hook tells of it */
    skipped_ms = HTTP_HEAD_TIMEOUT_MS + 1;
    expect_end(fd, "HTTP/1.1 408 ");
    cr_expect_eq(s.requests, 0);
}

Test(server, closes_what_is_idle_for_long)
{
    int fd = client();

    TURN_UNTIL(http_server_conn_count(s.server) == 1);
    skipped_ms = HTTP_IDLE_TIMEOUT_MS + 1;
    expect_end(fd, "");
    cr_expect_eq(http_server_conn_count(s.server), 0);
}

Test(server, refuses_a_body_that_is_wanted_and_does_not_come)
{
    int fd = client_that_sent(post);

    TURN_UNTIL(s.requests == 1);
    http_body_want(s.request);
    skipped_ms = HTTP_BODY_TIMEOUT_MS + 1;
    expect_end(fd, "HTTP/1.1 408 ");
    cr_expect_eq(s.ends, 1);
}

/* Two looks of the janitor pass by. */
static void wait_for_janitor(void)
{
    for (int i = 0; i < 2200; i++) {
        turn();
        usleep(1000);
    }
}

Test(server, gives_the_worker_its_time)
{
    int reading = client_that_sent(post), waiting = client_that_sent(get);

    TURN_UNTIL(s.requests == 2);
    skipped_ms = 10 * HTTP_BODY_TIMEOUT_MS;
    wait_for_janitor();
    cr_expect_eq(s.ends, 0, "neither waits for its client");
    close(reading);
    close(waiting);
}

static void answer_much(struct http_request *request)
{
    static char much[32 << 20];

    http_answer_whole(request, 200, STR_NONE, (str){much, sizeof much});
}

Test(server, bears_a_slow_reader_but_not_one_that_reads_nothing)
{
    static char text[TEXT_MAX];
    int slow, stuck;

    s.on_request = answer_much;
    slow = client_that_sent(get);
    stuck = client_that_sent(get);
    TURN_UNTIL(s.requests == 2);
    for (int turns = 0; s.ends == 0; turns++) {
        cr_assert(turns < TURNS_MAX);
        if (turns == 1200)
            skipped_ms = HTTP_WRITE_TIMEOUT_MS + 1;
        recv(slow, text, 8192, MSG_DONTWAIT);
        turn();
        usleep(1000);
    }
    cr_expect_eq(http_server_conn_count(s.server), 1, "the slow one goes on");
    close(slow);
    close(stuck);
}
