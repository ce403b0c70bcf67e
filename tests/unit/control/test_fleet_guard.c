/* control/fleet against a runtime process that was taken over: this program, started as `runtime`,
 * says what the test at hand wants of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/fleet.h"
#include "os/pulse.h"

enum { LINK = 3, PULSE = 5, MIB = 1 << 20, VICTIM = 77, WAIT_MS = 20 * 1000 };

/* ---- the process ---- */

static void write_all(const void *bytes, size_t len, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.align = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec iov = {(void *)bytes, len};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    memcpy(CMSG_DATA(&control.align), &fd, sizeof fd);
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    }
    while (iov.iov_len) {
        ssize_t sent = sendmsg(LINK, &message, MSG_NOSIGNAL);

        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent < 0)
            _exit(3);
        iov.iov_base = (char *)iov.iov_base + sent;
        iov.iov_len -= (size_t)sent;
        message.msg_control = NULL;
        message.msg_controllen = 0;
    }
}

static void say_fd(const char *json, int fd)
{
    uint32_t len = (uint32_t)strlen(json);
    char *frame = malloc(8 + len);

    memcpy(frame, &len, 4);
    memset(frame + 4, 0, 4);
    memcpy(frame + 8, json, len);
    write_all(frame, 8 + len, fd);
    free(frame);
}

static void say(const char *json)
{
    say_fd(json, -1);
}

static void say_log(const char *text)
{
    char json[128];

    snprintf(json, sizeof json, "{\"type\":\"log\",\"text\":\"%s\"}", text);
    say(json);
}

/* A frame whose member `key` is a text of `len` bytes. */
static void say_long(const char *type, const char *key, size_t len)
{
    char *json = malloc(len + 128);
    int head = sprintf(json, "{\"type\":\"%s\",\"%s\":\"", type, key);

    memset(json + head, 'x', len);
    strcpy(json + head + len, "\"}");
    say(json);
    free(json);
}

static const char *const types[] = {"usage", "tail", "want", "live", "evicted", "slow", "log",
                                    "refused", "hand", "event_done", "checked", "ready", "none"};

static void say_rubbish(void)
{
    static const char *const values[] = {
        "null", "true", "0", "-9223372036854775808", "9223372036854775807", "1e308", "\"\"",
        "\"a/b\"", "[]", "[[[]]]", "{}", "{\"a/b\":1}",
        "{\"a/b\":{\"requests\":[],\"outcomes\":7}}",
        "{\"counts\":{},\"sum_us\":\"x\"}", "[{\"id\":{}}]"};
    static const char *const keys[] = {"worker", "workers", "process", "event", "host", "path",
                                       "versions", "version", "ms", "stuck", "hops", "id", "level",
                                       "text", "error", "outcome", "ok"};
    char json[256];

    for (size_t t = 0; t < COUNT_OF(types); t++)
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            for (size_t v = 0; v < COUNT_OF(values); v++) {
                snprintf(json, sizeof json, "{\"type\":\"%s\",\"%s\":%s}", types[t], keys[k],
                         values[v]);
                say(json);
            }
    say("{}");
    say("{\"type\":7}");
    say("{\"type\":\"want\",\"host\":\"h\",\"path\":\"/\"}");
}

static void say_long_texts(void)
{
    static const char *const keys[] = {"worker", "host", "path", "text", "error", "event", "id"};

    for (size_t t = 0; t < COUNT_OF(types); t++)
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            say_long(types[t], keys[k], MIB - 64);
    say("{\"type\":\"want\",\"host\":\"crowded\",\"path\":\"/x\"}");
}

static void say_about_others(void)
{
    static const char usage[] = "{\"type\":\"usage\",\"workers\":{\"a/other\":{\"requests\":1},"
                                "\"a/own\":{\"requests\":1}}}";

    say(usage);
    say("{\"type\":\"tail\",\"worker\":\"a/other\",\"event\":{}}");
    say("{\"type\":\"refused\",\"worker\":\"a/other\",\"version\":\"v\"}");
    say("{\"type\":\"slow\",\"worker\":\"a/other\",\"ms\":5000}");
    say("{\"type\":\"want\",\"worker\":\"a/own\"}");
    say(usage);
    say("{\"type\":\"tail\",\"worker\":\"a/own\",\"event\":{}}");
    say("{\"type\":\"evicted\",\"worker\":\"a/own\"}");
    say("{\"type\":\"tail\",\"worker\":\"a/own\",\"event\":{}}");
}

static void hand_rubbish(void)
{
    int null = open("/dev/null", O_RDWR), listening = socket(AF_INET, SOCK_STREAM, 0), ends[2];

    if (null < 0 || listen(listening, 1) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        _exit(4);
    say("{\"type\":\"want\",\"worker\":\"a/own\"}");
    for (int i = 0; i < 2000; i++) {
        say_fd("{\"type\":\"hand\",\"worker\":\"a/own\"}", null);
        say_fd("{\"type\":\"hand\"}", listening);
        say_fd("{\"type\":\"hand\",\"worker\":\"a/none\"}", ends[0]);
        say_fd("{\"type\":\"hand\",\"hops\":\"x\"}", ends[1]);
    }
}

/* Ends within a turn that is said to be the victim's. */
static void blame_victim(void)
{
    struct pulse *pulse = mmap(NULL, sizeof *pulse, PROT_READ | PROT_WRITE, MAP_SHARED, PULSE, 0);

    if (ftruncate(PULSE, 0) == 0)
        say_log("cut");
    atomic_store(&pulse->worker, VICTIM);
    atomic_store(&pulse->turn_start_ns, 1);
    say_log("end");
    abort();
}

static void ask_much(void)
{
    char json[64];

    for (int i = 0; i < 3000; i++) {
        snprintf(json, sizeof json, "{\"type\":\"want\",\"worker\":\"a/w%d\"}", i);
        say(json);
    }
}

static void run(const char *attack)
{
    char byte;

    say("{\"type\":\"ready\"}");
    if (strcmp(attack, "rubbish") == 0)
        say_rubbish();
    else if (strcmp(attack, "long") == 0)
        say_long_texts();
    else if (strcmp(attack, "others") == 0)
        say_about_others();
    else if (strcmp(attack, "hand") == 0)
        hand_rubbish();
    else if (strcmp(attack, "blame") == 0)
        blame_victim();
    else if (strcmp(attack, "ask") == 0)
        ask_much();
    else if (strcmp(attack, "lines") == 0)
        for (int i = 0; i < 5000; i++)
            say_log("line");
    say("{\"type\":\"want\",\"host\":\"end\",\"path\":\"/\"}");
    if (strcmp(attack, "ask") == 0)
        for (;;)
            pause(); /* and reads nothing */
    while (recv(LINK, &byte, 1, MSG_PEEK) > 0 && recv(LINK, &byte, 1, 0) > 0)
        ;
    _exit(0);
}

/* Before Criterion sees the arguments. */
__attribute__((constructor)) static void be_runtime(int argc, char **argv)
{
    const char *attack = "";

    if (argc < 2 || strcmp(argv[1], "runtime") != 0)
        return;
    for (int i = 2; i + 1 < argc; i++)
        if (strcmp(argv[i], "--outbound") == 0)
            attack = argv[i + 1];
    run(attack);
}

/* ---- the fleet ---- */

static struct {
    uv_loop_t loop;
    uv_timer_t timer;
    struct fleet *fleet;
    size_t blob_bytes;
    unsigned frames, lines, tails, refused, ends, deaths, quarantines, moved;
    unsigned requests, foreign;
    bool cut, stopped;
} t;

static json_t *worker_frame(void *context, const char *key, struct buf *blob)
{
    (void)context;
    t.frames++;
    cr_assert_eq(buf_reserve(blob, t.blob_bytes + 1), 0);
    memset(blob->ptr, 'x', t.blob_bytes);
    blob->len = t.blob_bytes;
    return json_pack("{s:s, s:s, s:i, s:{s:i}, s:[]}", "type", "worker", "worker", key, "number",
                     strcmp(key, "a/victim") == 0 ? VICTIM : 1, "limits", "cpu_ms", 50, "versions");
}

static json_t *host_rules(void *context, const char *host)
{
    json_t *rules = json_array();
    char path[1000];

    (void)context;
    t.ends += strcmp(host, "end") == 0;
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = 0;
    for (int i = 0; strcmp(host, "crowded") == 0 && i < 3000; i++)
        json_array_append_new(rules, json_pack("{s:s, s:s}", "path", path, "worker", "a/b"));
    return rules;
}

static void on_usage(void *context, int process, const json_t *frame)
{
    const json_t *workers = json_object_get(frame, "workers");

    (void)context, (void)process;
    t.requests += json_object_get(workers, "a/own") != NULL;
    t.foreign += json_object_get(workers, "a/other") != NULL;
}

static void on_tail(void *context, const json_t *frame)
{
    (void)context, (void)frame;
    t.tails++;
}

static void on_log(void *context, int process, const json_t *frame)
{
    const char *text = json_string_value(json_object_get(frame, "text"));

    (void)context, (void)process;
    t.lines++;
    t.cut |= text && strcmp(text, "cut") == 0;
}

static void on_refused(void *context, const json_t *frame)
{
    (void)context, (void)frame;
    t.refused++;
}

static void on_gone(void *context, int process)
{
    (void)context, (void)process;
}

static void on_notice(void *context, json_t *notice)
{
    const char *event = json_string_value(json_object_get(notice, "event"));

    (void)context;
    t.deaths += strcmp(event, "runtime.died") == 0;
    t.quarantines += strcmp(event, "worker.quarantined") == 0;
    t.moved += strcmp(event, "worker.moved") == 0;
    json_decref(notice);
}

static void on_ready(void *context)
{
    (void)context;
}

static void on_stopped(void *context)
{
    (void)context;
    t.stopped = true;
}

static const struct fleet_hooks hooks = {worker_frame, host_rules, on_usage,  on_tail,  on_log,
                                         on_refused,   on_gone,    on_notice, on_ready, on_stopped};

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    cr_assert_fail("the fleet did not get there in time");
}

static void start(const char *attack, size_t blob_bytes)
{
    struct fleet_options options = {.fast = 1, .slow_max = 1, .outbound = attack};
    struct err err;

    t.blob_bytes = blob_bytes;
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.timer);
    uv_timer_start(&t.timer, on_timer, WAIT_MS, 0);
    options.listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(fleet_start(&t.loop, &options, &hooks, NULL, &t.fleet, &err), 0, "%s", err.text);
}

/* Until so many processes have said all they had to say and were heard. */
static void run_to_ends(unsigned count)
{
    while (t.ends < count)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static void run_to_end(void)
{
    run_to_ends(1);
}

static void stop(void)
{
    fleet_stop(t.fleet);
    fleet_stop(t.fleet);
    while (!t.stopped)
        uv_run(&t.loop, UV_RUN_ONCE);
    fleet_free(t.fleet);
    uv_close((uv_handle_t *)&t.timer, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&t.loop), 0);
}

TestSuite(fleet_guard);

Test(fleet_guard, lives_through_frames_of_wrong_types)
{
    start("rubbish", 0);
    run_to_end();
    cr_expect_eq(t.deaths, 0);
    cr_expect_eq(t.quarantines, 0);
    stop();
}

Test(fleet_guard, lives_through_texts_as_long_as_a_frame)
{
    start("long", 0);
    run_to_end();
    cr_expect_eq(t.deaths, 0);
    stop();
}

Test(fleet_guard, hears_of_workers_only_from_who_serves_them)
{
    start("others", 0);
    run_to_ends(2); /* one serves, the other is the spare */
    cr_expect_eq(t.foreign, 0);
    cr_expect_geq(t.requests, 1);
    cr_expect_geq(t.tails, 2); /* of its own, the second when it was evicted already */
    cr_expect_eq(t.refused, 0);
    cr_expect_eq(t.moved, 0);
    stop();
}

Test(fleet_guard, hands_on_nothing_but_connections)
{
    json_t *status;

    start("hand", 0);
    run_to_end();
    status = fleet_status(t.fleet, NULL);
    cr_expect_eq(json_integer_value(json_object_get(status, "handed")), 0);
    json_decref(status);
    stop();
}

Test(fleet_guard, takes_some_lines_a_second)
{
    start("lines", 0);
    run_to_end();
    cr_expect_geq(t.lines, 100);
    cr_expect_leq(t.lines, 2000);
    stop();
}

/* The spare one has its answers, which have no blobs; the one that serves reads none of its own. */
Test(fleet_guard, answers_no_faster_than_it_is_read)
{
    struct mallinfo2 memory;

    start("ask", MIB);
    while (t.frames < 3000)
        uv_run(&t.loop, UV_RUN_ONCE);
    memory = mallinfo2();
    cr_expect_leq((memory.uordblks + memory.hblkhd) / MIB, 64, "%zu MiB are waiting",
                  (memory.uordblks + memory.hblkhd) / MIB);
    stop();
}

static void on_done(void *arg)
{
    *(bool *)arg = true;
}

/* The victim is known, and was never told to the process that names it. */
Test(fleet_guard, blames_only_who_was_there)
{
    json_t *status;
    bool done = false;

    start("blame", 0);
    fleet_keep(t.fleet, "a/victim", 0);
    fleet_deployed(t.fleet, "a/victim", on_done, &done);
    fleet_trace(t.fleet, "a/victim", true);
    while (t.deaths < 2)
        uv_run(&t.loop, UV_RUN_ONCE);
    status = fleet_status(t.fleet, "a/victim");
    cr_expect(json_is_null(json_object_get(status, "quarantine")));
    cr_expect_eq(t.quarantines, 0);
    cr_expect(!t.cut, "a process could cut its pulse");
    json_decref(status);
    fleet_trace(t.fleet, "a/victim", false);
    stop();
}
