/* runtime/handover: two real runtime processes and this one between them, as the supervisor is.
 * Connections go from one to the other with whatever they carry, and a turn that takes long holds
 * up nobody but its own worker. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/frame.h"
#include "os/listen.h"
#include "os/pulse.h"
#include "runtime/runtime.h"

enum { TURNS_MAX = 15000, TEXT_MAX = 1 << 20, PROCESSES = 2 };

/* One runtime process; its number is its index. */
struct process {
    pid_t pid;
    struct frame_link *link;
    struct pulse *pulse;
    bool ready;
    int hands, idle_hands, given; /* frames `hand`, of these without a worker, `connection` */
    int stuck, slow;              /* frames `slow` while it runs, and after */
    uint64_t polls_when_stuck, worker_when_stuck, turn_when_stuck;
};

static uv_loop_t loop;
static struct process processes[PROCESSES];
static int listen_fd, port;
/* Who gets the next connection: of a worker by its name, or idle. -1: it is closed. */
static int process_of_a, process_of_b, process_of_idle;

/* ---- the supervisor ---- */

static int destination(const char *worker)
{
    if (!worker)
        return process_of_idle;
    return strcmp(worker, "a") == 0 ? process_of_a : process_of_b;
}

static void on_hand(struct process *from, json_t *frame, str blob)
{
    const char *worker = json_string_value(json_object_get(frame, "worker"));
    struct process *to = &processes[destination(worker)];
    int fd = frame_link_take_fd(from->link);

    cr_assert_geq(fd, 0);
    from->hands++;
    from->idle_hands += !worker;
    to->given++;
    frame_link_send_fd(to->link,
                       json_pack("{s:s, s:O*}", "type", "connection", "hops",
                                 json_object_get(frame, "hops")),
                       blob, fd);
}

static void on_slow(struct process *from, const json_t *frame)
{
    cr_expect_gt(json_number_value(json_object_get(frame, "ms")), 9);
    if (!json_is_true(json_object_get(frame, "stuck"))) {
        from->slow++;
        return;
    }
    from->stuck++;
    from->polls_when_stuck = from->pulse->polls;
    from->worker_when_stuck = from->pulse->worker;
    from->turn_when_stuck = from->pulse->turn_start_ns;
}

static void on_frame(void *context, json_t *frame, str blob)
{
    struct process *from = context;
    const char *type = json_string_value(json_object_get(frame, "type"));

    if (strcmp(type, "ready") == 0)
        from->ready = true;
    else if (strcmp(type, "hand") == 0)
        on_hand(from, frame, blob);
    else if (strcmp(type, "slow") == 0)
        on_slow(from, frame);
}

static void on_link_end(void *context)
{
    (void)context;
}

static void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    usleep(1000);
}

#define TURN_UNTIL(condition)                                                                     \
    do {                                                                                           \
        for (int turns = 0; !(condition); turns++) {                                               \
            cr_assert(turns < TURNS_MAX, "waited for " #condition);                                \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

static void tell(int to, json_t *frame, str blob)
{
    cr_assert(frame);
    frame_link_send(processes[to].link, frame, blob);
}

static void start_process(int index)
{
    static const struct frame_link_hooks hooks = {on_frame, on_link_end};
    struct process *p = &processes[index];
    int ends[2], pulse_fd = pulse_new(&p->pulse);

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    p->pid = fork();
    if (p->pid == 0) {
        struct runtime_options options = {.link_fd = ends[1],
                                          .listen_fd = listen_fd,
                                          .pulse_fd = pulse_fd,
                                          .quiet = true};
        close(ends[0]);
        _exit(runtime_main(&options));
    }
    close(ends[1]);
    close(pulse_fd);
    p->link = frame_link_new(&loop, ends[0], &hooks, p);
}

static void start(void)
{
    struct err err;
    json_t *rules;

    cr_assert_eq(listen_open("127.0.0.1", 0, &listen_fd, &port, &err), 0);
    cr_assert_eq(uv_loop_init(&loop), 0);
    for (int i = 0; i < PROCESSES; i++)
        start_process(i);
    rules = json_pack("[{s:s, s:s}, {s:s, s:s}]", "path", "/a*", "worker", "a", "path", "*",
                      "worker", "b");
    for (int i = 0; i < PROCESSES; i++) {
        TURN_UNTIL(processes[i].ready);
        tell(i, json_pack("{s:s, s:s, s:O}", "type", "hosts", "host", "*", "rules", rules),
             STR_NONE);
    }
    json_decref(rules);
    tell(0, json_pack("{s:s, s:s, s:b}", "type", "role", "lane", "fast", "accept", true), STR_NONE);
}

static void stop(void)
{
    int status;

    for (int i = 0; i < PROCESSES; i++)
        tell(i, json_pack("{s:s}", "type", "stop"), STR_NONE);
    for (int i = 0; i < PROCESSES; i++) {
        if (!processes[i].pid)
            continue;
        TURN_UNTIL(waitpid(processes[i].pid, &status, WNOHANG) == processes[i].pid);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
    }
}

/* It computes for ever: it would not hear that it is to stop. */
static void end_at_once(int index)
{
    kill(processes[index].pid, SIGKILL);
    waitpid(processes[index].pid, NULL, 0);
    processes[index].pid = 0;
}

TestSuite(handover, .init = start, .fini = stop, .timeout = 60);

/* Answers with its process and name, method, path, the client's address and the body; at "/a/busy"
 * it computes first, at "/a/forever" it does nothing else. */
static const char module[] =
    "(async (main) => { main({ default: { async fetch(request, env) {"
    "  const { pathname } = new URL(request.url);"
    "  const rounds = { '/a/forever': Infinity, '/a/busy': 3e8 }[pathname] ?? 0;"
    "  for (let i = 0; i < rounds; i++) if (i % 7 === 7) return;"
    "  const body = await request.text();"
    "  return new Response(`<${env.WHO} ${request.method} ${pathname} "
    "${request.headers.get('cf-connecting-ip')} ${body}>`);"
    "} } }); })";

static void tell_worker(int to, const char *key, int number)
{
    char who[16];

    snprintf(who, sizeof who, "%s%d", key, to);
    tell(to,
         json_pack("{s:s, s:s, s:i, s:s, s:b, s:b, s:{}, s:[{s:s, s:i, s:{s:{s:s}, s:[]}, "
                   "s:[{s:s, s:s, s:i}]}]}",
                   "type", "worker", "worker", key, "number", number, "script", key, "here", 1,
                   "load", 1, "limits", "versions", "id", "v1", "percent", 100, "config", "vars",
                   "WHO", who, "compatibility_flags", "parts", "name", "worker.js", "kind",
                   "script", "bytes", (int)strlen(module)),
         str_from(module));
}

static void tell_away(int to, const char *key)
{
    tell(to,
         json_pack("{s:s, s:s, s:i, s:s, s:b, s:[]}", "type", "worker", "worker", key, "number", 9,
                   "script", key, "here", 0, "versions"),
         STR_NONE);
}

/* ---- clients ---- */

static char heard[TEXT_MAX];

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

static bool hear(int fd, const char *text)
{
    size_t len = strlen(heard);
    ssize_t count = recv(fd, heard + len, sizeof heard - 1 - len, MSG_DONTWAIT);

    if (count > 0)
        heard[len + (size_t)count] = '\0';
    return strstr(heard, text);
}

static void expect_answer(int fd, const char *text)
{
    for (int turns = 0; !hear(fd, text); turns++) {
        cr_assert(turns < TURNS_MAX, "waited for %s, got %s", text, heard);
        turn();
    }
    heard[0] = '\0';
}

static void get(int fd, const char *path)
{
    char bytes[256];

    snprintf(bytes, sizeof bytes, "GET %s HTTP/1.1\r\nhost: x\r\n\r\n", path);
    say(fd, bytes);
}

static bool has_arrived(int fd)
{
    char c;

    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* ---- a worker that is elsewhere ---- */

Test(handover, gives_requests_to_the_process_that_has_their_worker)
{
    int fd = client();

    process_of_a = 0;
    process_of_b = 1;
    tell_worker(0, "a", 1);
    tell_away(0, "b");
    tell_worker(1, "b", 2);
    tell_away(1, "a");
    say(fd, "POST /b?1 HTTP/1.1\r\nhost: x\r\ncf-connecting-ip: 1.2.3.4\r\n"
            "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n wo");
    TURN_UNTIL(processes[0].hands == 1);
    say(fd, "rld\r\n0\r\n\r\n");
    expect_answer(fd, "<b1 POST /b 127.0.0.1 hello world>");
    get(fd, "/b2");
    expect_answer(fd, "<b1 GET /b2 127.0.0.1 >");
    cr_expect_eq(processes[0].hands, 1, "the connection stays there");
    get(fd, "/a");
    expect_answer(fd, "<a0 GET /a 127.0.0.1 >");
    cr_expect_eq(processes[1].hands, 1);
    say(fd, "GET /a1 HTTP/1.1\r\nhost: x\r\n\r\nGET /b3 HTTP/1.1\r\nhost: x\r\n\r\n"
            "POST /a2 HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody");
    expect_answer(fd, "<a0 POST /a2 127.0.0.1 body>");
    cr_expect_eq(processes[0].hands, 2);
    cr_expect_eq(processes[1].hands, 2);
    close(fd);
}

/* Those that wait to be told where their worker is. */
Test(handover, gives_requests_that_waited)
{
    int fds[20];

    process_of_b = 1;
    tell_worker(1, "b", 2);
    for (int i = 0; i < 20; i++) {
        fds[i] = client();
        say(fds[i], "POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbo");
    }
    for (int i = 0; i < 50; i++)
        turn();
    tell_away(0, "b");
    for (int i = 0; i < 20; i++) {
        say(fds[i], "dy");
        expect_answer(fds[i], "<b1 POST /b 127.0.0.1 body>");
        close(fds[i]);
    }
    cr_expect_eq(processes[0].hands, 20);
}

Test(handover, ends_a_loop_of_processes_that_have_no_such_worker)
{
    int fd = client();

    tell_away(0, "b");
    tell_away(1, "b");
    tell_worker(0, "a", 1);
    process_of_b = 1;
    get(fd, "/b");
    TURN_UNTIL(processes[0].hands == 1);
    process_of_b = 0;
    TURN_UNTIL(processes[1].hands == 1);
    process_of_b = 1;
    TURN_UNTIL(processes[0].hands == 2);
    process_of_b = 0;
    expect_answer(fd, "HTTP/1.1 503 ");
    cr_expect_eq(processes[0].hands + processes[1].hands, 4);
    get(fd, "/a");
    expect_answer(fd, "<a0 GET /a 127.0.0.1 >");
    close(fd);
}

/* ---- a turn that takes long ---- */

static void start_neighbours(void)
{
    process_of_idle = 1;
    tell_worker(0, "a", 77);
    tell_worker(0, "b", 2);
    tell_worker(1, "b", 2);
}

Test(handover, gives_idle_connections_away_while_a_turn_takes_long)
{
    int busy = client(), idle[20], fresh = client();

    start_neighbours();
    for (int i = 0; i < 20; i++) {
        idle[i] = client();
        get(idle[i], "/b");
        expect_answer(idle[i], "<b0 GET /b 127.0.0.1 >");
    }
    get(busy, "/a/forever");
    TURN_UNTIL(processes[0].stuck == 1);
    for (int i = 0; i < 20; i++) {
        get(idle[i], "/b/again");
        expect_answer(idle[i], "<b1 GET /b/again 127.0.0.1 >");
    }
    get(fresh, "/b");
    expect_answer(fresh, "<b1 GET /b 127.0.0.1 >");
    cr_expect_not(has_arrived(busy), "it still computes");
    cr_expect_eq(processes[0].idle_hands, 21);
    end_at_once(0);
}

Test(handover, tells_that_a_turn_takes_long_and_that_it_is_over)
{
    int busy = client();

    start_neighbours();
    get(busy, "/a/busy");
    TURN_UNTIL(processes[0].stuck >= 1);
    cr_expect_eq(processes[0].worker_when_stuck, 77);
    cr_expect_gt(processes[0].polls_when_stuck, 0);
    cr_expect_gt(processes[0].turn_when_stuck, 0);
    expect_answer(busy, "<a0 GET /a/busy 127.0.0.1 >");
    TURN_UNTIL(processes[0].slow >= 1);
    cr_expect_leq(processes[0].stuck, 2, "when it begins to be long, and at 50 ms");
    TURN_UNTIL(processes[0].pulse->turn_start_ns == 0);
    cr_expect_gt(processes[0].pulse->loops, 0);
    get(busy, "/a");
    expect_answer(busy, "<a0 GET /a 127.0.0.1 >");
    close(busy);
}

/* All are read in one poll: some come before the one that takes long, and are answered; the others
 * wait behind it. */
Test(handover, gives_requests_away_that_wait_behind_a_turn)
{
    int busy, others[20];

    start_neighbours();
    for (int i = 0; i < 10; i++)
        others[i] = client();
    busy = client();
    for (int i = 10; i < 20; i++)
        others[i] = client();
    get(busy, "/a");
    expect_answer(busy, "<a0 ");
    kill(processes[0].pid, SIGSTOP);
    for (int i = 0; i < 20; i++)
        say(others[i], i % 2 ? "GET /b HTTP/1.1\r\nhost: x\r\n\r\n"
                             : "POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody");
    get(busy, "/a/forever");
    kill(processes[0].pid, SIGCONT);
    TURN_UNTIL(processes[0].stuck == 1);
    for (int i = 0; i < 20; i++)
        expect_answer(others[i], i % 2 ? " GET /b 127.0.0.1 >" : " POST /b 127.0.0.1 body>");
    cr_expect_not(has_arrived(busy), "it still computes");
    for (int i = 0; i < 20; i++) {
        get(others[i], "/b/again");
        expect_answer(others[i], "<b1 GET /b/again 127.0.0.1 >");
    }
    cr_expect_not(has_arrived(busy), "it still computes");
    end_at_once(0);
}
