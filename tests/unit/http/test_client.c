/* Outbound HTTP against a server of ours: one thread for each connection, answers by path. */
#include "http/client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

/* --- the server ---------------------------------------------------------------------------- */

enum { LARGE_BYTES = 8 * 1024 * 1024, REQUEST_BYTES_MAX = 16 * 1024 * 1024 };

static atomic_int connections;
static atomic_size_t large_sent;
static int port;
static const struct outbound everywhere = {.all = true};

static bool send_all(int fd, str s)
{
    while (s.len) {
        ssize_t sent = send(fd, s.ptr, s.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        s = str_skip(s, (size_t)sent);
    }
    return true;
}

static bool send_text(int fd, const char *text)
{
    return send_all(fd, str_from(text));
}

static bool ends_with(const struct buf *b, const char *end)
{
    return str_ends(buf_str(b), str_from(end));
}

/* Reads a request up to the end of its body; everything stays in `in`. */
static bool read_request(int fd, struct buf *in)
{
    size_t head = 0, body = 0;
    bool chunked = false;
    char bytes[64 * 1024];

    buf_clear(in);
    for (;;) {
        ssize_t got;

        if (head &&
            (chunked ? ends_with(in, "\r\n0\r\n\r\n") || in->len == head : in->len >= head + body))
            return true;
        got = recv(fd, bytes, head ? sizeof bytes : 1, 0);
        if (got <= 0)
            return false;
        cr_assert(buf_append(in, (str){bytes, (size_t)got}) == 0);
        if (!head && ends_with(in, "\r\n\r\n")) {
            char *text = str_dup(buf_str(in));
            char *length = strcasestr(text, "\r\ncontent-length: ");

            head = in->len;
            body = length ? strtoul(length + 18, NULL, 10) : 0;
            chunked = strcasestr(text, "\r\ntransfer-encoding: chunked") != NULL;
            if (chunked)
                head--; /* so that an empty body does not look like no body yet */
            free(text);
        }
    }
}

static bool send_sized(int fd, const char *headers, str body)
{
    struct buf out;
    bool sent;

    buf_init(&out, REQUEST_BYTES_MAX);
    cr_assert(buf_printf(&out, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", headers,
                         body.len) == 0);
    cr_assert(buf_append(&out, body) == 0);
    sent = send_all(fd, buf_str(&out));
    buf_done(&out);
    return sent;
}

/* How many bytes the body has that are zero: the test sends such, framing has none. */
static bool send_measure(int fd, str request)
{
    char text[32];
    int zeros = 0;

    for (size_t i = 0; i < request.len; i++)
        zeros += request.ptr[i] == '\0';
    snprintf(text, sizeof text, "%d", zeros);
    return send_sized(fd, "", str_from(text));
}

static bool send_large(int fd)
{
    static const char block[64 * 1024];
    char head[100];

    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE_BYTES);
    if (!send_text(fd, head))
        return false;
    for (int sent = 0; sent < LARGE_BYTES; sent += (int)sizeof block) {
        if (!send_all(fd, (str){block, sizeof block}))
            return false;
        atomic_fetch_add(&large_sent, sizeof block);
    }
    return true;
}

static bool send_many_headers(int fd, int count, int bytes)
{
    char line[2048];

    if (!send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"))
        return false;
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "X-%d: %0*d\r\n", i, bytes, i);
        if (!send_text(fd, line))
            return false;
    }
    return send_text(fd, "\r\n");
}

/* Answers the `nth` request of a connection; false: the connection is to be closed. */
static bool answer(int fd, int nth, const struct buf *in)
{
    static const struct {
        const char *path, *text;
        bool keep;
    } fixed[] = {
        {"/empty ", "HTTP/1.1 204 No Content\r\n\r\n", true},
        {"/moved ", "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n", true},
        {"/strange ", "HTTP/1.1 299 Quite  So\r\nA:b\r\nA:\t c \r\nEmpty:\r\n"
                      "Content-Length: 0\r\n\r\n", true},
        {"/noreason ", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true},
        {"/folded ", "HTTP/1.1 200 OK\r\nA: one\r\n  two\r\nContent-Length: 0\r\n\r\n", true},
        {"/chunked ", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
                      "3\r\nabc\r\n2\r\nde\r\n0\r\nT: late\r\n\r\n", true},
        {"/interim ", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nhi", true},
        {"/partial ", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", false},
        {"/badchunk ", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false},
        {"/garbage ", "220 smtp.example ready\r\n", false},
        {"/until-close ", "HTTP/1.1 200 OK\r\n\r\nto the end", false},
        {"/hangup ", "", false},
    };
    static const char gzip[] =
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05"
        "\x00\x00";
    str path = str_skip(buf_str(in), str_find(buf_str(in), ' ') + 1);

    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        if (str_starts(path, str_from(fixed[i].path)))
            return send_text(fd, fixed[i].text) && fixed[i].keep;
    if (str_starts(path, STR("/echo ")))
        return send_sized(fd, "", buf_str(in));
    if (str_starts(path, STR("/measure ")))
        return send_measure(fd, buf_str(in));
    if (str_starts(path, STR("/gzip ")))
        return send_sized(fd, "Content-Encoding: gzip\r\n", (str){gzip, sizeof gzip});
    if (str_starts(path, STR("/badgzip ")))
        return send_sized(fd, "Content-Encoding: gzip\r\n", STR("not gzip at all"));
    if (str_starts(path, STR("/large ")))
        return send_large(fd);
    if (str_starts(path, STR("/bighead ")))
        return send_many_headers(fd, 70, 1000);
    if (str_starts(path, STR("/manyheaders ")))
        return send_many_headers(fd, 600, 3);
    if (str_starts(path, STR("/flaky ")))
        return nth == 1 && send_sized(fd, "", buf_str(in));
    if (str_starts(path, STR("/silent "))) {
        sleep(3);
        return false;
    }
    return send_sized(fd, "", STR("hello"));
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    struct buf in;
    int nth = 0;

    buf_init(&in, REQUEST_BYTES_MAX);
    while (read_request(fd, &in) && answer(fd, ++nth, &in))
        continue;
    buf_done(&in);
    close(fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        atomic_fetch_add(&connections, 1);
        pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
        pthread_detach(thread);
    }
}

static void server_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    cr_assert(listen(listener, 64) == 0);
    cr_assert(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    port = ntohs(address.sin_port);
    pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener);
    pthread_detach(thread);
}

/* --- the caller ---------------------------------------------------------------------------- */

struct probe {
    struct client_request *request;
    struct buf headers;
    struct buf body;
    char reason[64];
    char text[300];
    int status;
    int heads;
    int drains;
    int dones;
    int code;
    size_t pause_at;        /* pauses when the body has this many bytes; 0: never */
    size_t cancel_at;       /* cancels; 0: never */
};

static uv_loop_t loop;
static struct client *client;

static void on_head(void *owner, int status, str reason, str headers)
{
    struct probe *probe = owner;

    cr_assert(probe->dones == 0 && probe->body.len == 0);
    probe->heads++;
    probe->status = status;
    snprintf(probe->reason, sizeof probe->reason, "%.*s", STR_ARGS(reason));
    cr_assert(buf_append(&probe->headers, headers) == 0);
}

static void on_data(void *owner, str bytes)
{
    struct probe *probe = owner;

    cr_assert(probe->heads == 1 && probe->dones == 0 && bytes.len > 0);
    cr_assert(probe->request != NULL, "a hook came after cancellation");
    cr_assert(buf_append(&probe->body, bytes) == 0);
    if (probe->pause_at && probe->body.len >= probe->pause_at)
        client_pause(probe->request);
    if (probe->cancel_at && probe->body.len >= probe->cancel_at) {
        client_cancel(probe->request);
        probe->request = NULL;
    }
}

static void on_drain(void *owner)
{
    ((struct probe *)owner)->drains++;
}

static void on_done(void *owner, int code, const char *text)
{
    struct probe *probe = owner;

    probe->dones++;
    probe->code = code;
    probe->request = NULL;
    snprintf(probe->text, sizeof probe->text, "%s", text);
}

static const struct client_hooks hooks = {on_head, on_data, on_drain, on_done};

static void setup(void)
{
    server_start();
    cr_assert(uv_loop_init(&loop) == 0);
    client = client_new(&loop, &everywhere);
}

static void teardown(void)
{
    client_free(client);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert(uv_loop_close(&loop) == 0, "the client left handles open");
}

TestSuite(client, .init = setup, .fini = teardown, .timeout = 20);

static void probe_done(struct probe *probe)
{
    buf_done(&probe->headers);
    buf_done(&probe->body);
}

static struct client_options options_of(char url[static 100], const char *path)
{
    snprintf(url, 100, "http://127.0.0.1:%d%s", port, path);
    return (struct client_options){.method = STR("GET"), .url = str_from(url), .body_length = -1};
}

static void begin(struct probe *probe, const struct client_options *options)
{
    struct err err = {0};

    buf_init(&probe->headers, CLIENT_HEAD_BYTES_MAX);
    buf_init(&probe->body, REQUEST_BYTES_MAX);
    probe->request = client_start(client, options, &hooks, probe, &err);
    cr_assert(probe->request != NULL, "%s", err.text);
}

/* One turn of the loop at a time, until `done` is true of the probe or 15 seconds have gone. */
static void turn_until(bool (*done)(struct probe *), struct probe *probe)
{
    uint64_t end = uv_hrtime() + 15ull * 1000 * 1000 * 1000;

    while (!done(probe) && uv_hrtime() < end)
        uv_run(&loop, UV_RUN_ONCE);
    cr_assert(done(probe), "nothing came");
}

static bool is_done(struct probe *probe)
{
    return probe->dones > 0;
}

static bool has_drained(struct probe *probe)
{
    return probe->drains > 0;
}

static bool has_stopped(struct probe *probe)
{
    return probe->request == NULL;
}

static bool is_full(struct probe *probe)
{
    return probe->body.len >= probe->pause_at;
}

static void turn_for_ms(uint64_t ms)
{
    uint64_t end = uv_hrtime() + ms * 1000 * 1000;

    while (uv_hrtime() < end) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

static void get(struct probe *probe, const char *path)
{
    char url[100];
    struct client_options options = options_of(url, path);

    begin(probe, &options);
    turn_until(is_done, probe);
}

static bool body_has(const struct probe *probe, const char *text)
{
    return memmem(probe->body.ptr, probe->body.len, text, strlen(text)) != NULL;
}

/* --- answers ------------------------------------------------------------------------------- */

Test(client, answers)
{
    static const struct {
        const char *path;
        int status;
        const char *reason, *headers, *body;
    } cases[] = {
        {"/hello", 200, "OK", "content-length: 5\n", "hello"},
        {"/hello#fragment", 200, "OK", "content-length: 5\n", "hello"},
        {"/empty", 204, "No Content", "", ""},
        {"/moved", 302, "Found", "location: /hello\ncontent-length: 0\n", ""},
        {"/strange", 299, "Quite  So", "a: b\na: c\nempty: \ncontent-length: 0\n", ""},
        {"/noreason", 200, "", "content-length: 0\n", ""},
        {"/folded", 200, "OK", "a: one two\ncontent-length: 0\n", ""},
        {"/chunked", 200, "OK", "transfer-encoding: chunked\ntrailer: T\n", "abcde"},
        {"/interim", 200, "OK", "a: b\ncontent-length: 2\n", "hi"},
        {"/until-close", 200, "OK", "", "to the end"},
        {"/gzip", 200, "OK", "content-encoding: gzip\ncontent-length: 25\n", "hello"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct probe probe = {0};

        get(&probe, cases[i].path);
        cr_expect_eq(probe.code, 0, "%s: %s", cases[i].path, probe.text);
        cr_expect_eq(probe.dones, 1);
        cr_expect_eq(probe.status, cases[i].status);
        cr_expect_str_eq(probe.reason, cases[i].reason);
        cr_expect(str_equal(buf_str(&probe.body), str_from(cases[i].body)), "%s: body is %.*s",
                  cases[i].path, STR_ARGS(probe.body));
        cr_expect(str_equal(buf_str(&probe.headers), str_from(cases[i].headers)),
                  "%s: headers are %.*s", cases[i].path, STR_ARGS(probe.headers));
        probe_done(&probe);
    }
}

Test(client, failures)
{
    static const struct {
        const char *path;
        int heads, code;
        const char *text;
    } cases[] = {
        {"/partial", 1, ERR_NETWORK, "bytes"},
        {"/badchunk", 1, ERR_NETWORK, "chunk"},
        {"/badgzip", 1, ERR_NETWORK, "encoding"},
        {"/garbage", 0, ERR_NETWORK, "HTTP/0.9"},
        {"/hangup", 0, ERR_NETWORK, "Empty reply"},
        {"/bighead", 0, ERR_LIMIT, "larger than 64 KiB"},
        {"/manyheaders", 0, ERR_LIMIT, "more than 512 headers"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct probe probe = {0};

        get(&probe, cases[i].path);
        cr_expect_eq(probe.heads, cases[i].heads, "%s: %d heads", cases[i].path, probe.heads);
        cr_expect_eq(probe.code, cases[i].code, "%s: code %d", cases[i].path, probe.code);
        cr_expect(strcasestr(probe.text, cases[i].text), "%s: %s", cases[i].path, probe.text);
        probe_done(&probe);
    }
}

Test(client, refused_connection)
{
    struct client_options options = {.method = STR("GET"), .url = STR("http://127.0.0.1:1/")};
    struct probe probe = {0};

    begin(&probe, &options);
    cr_assert_eq(probe.dones, 0, "a hook was called before client_start returned");
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, ERR_NETWORK);
    cr_expect_str_eq(probe.text, "connect ECONNREFUSED 127.0.0.1:1");
    probe_done(&probe);
}

Test(client, addresses_that_are_not_allowed)
{
    static const struct outbound none;
    static const char *const hosts[] = {"127.0.0.1", "localhost", "2130706433", "[::ffff:7f00:1]"};
    struct client *strict = client_new(&loop, &none);
    int before = atomic_load(&connections);

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct probe probe = {0};
        struct err err = {0};
        char url[100];
        struct client_options options = {.method = STR("GET"), .body_length = -1};

        snprintf(url, sizeof url, "http://%s:%d/", hosts[i], port);
        options.url = str_from(url);
        cr_assert(client_start(strict, &options, &hooks, &probe, &err));
        while (!probe.dones)
            uv_run(&loop, UV_RUN_ONCE);
        cr_expect_eq(probe.code, ERR_NETWORK);
        cr_expect(strstr(probe.text, " refused: loopback addresses are not allowed here"), "%s",
                  probe.text);
    }
    cr_expect_eq(atomic_load(&connections), before);
    client_free(strict);
}

Test(client, unknown_host)
{
    struct client_options options = {.method = STR("GET"), .url = STR("http://nowhere.invalid/")};
    struct probe probe = {0};

    begin(&probe, &options);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, ERR_NETWORK);
    cr_expect_str_eq(probe.text, "getaddrinfo ENOTFOUND nowhere.invalid:80");
    probe_done(&probe);
}

Test(client, silent_upstream)
{
    char url[100];
    struct client_options options = options_of(url, "/silent");
    struct probe probe = {0};

    options.idle_timeout_s = 1;
    begin(&probe, &options);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, ERR_TIMEOUT, "%s", probe.text);
    cr_expect(strstr(probe.text, "sent nothing for 1 s"), "%s", probe.text);
    probe_done(&probe);
}

/* --- requests ------------------------------------------------------------------------------ */

Test(client, refuses_bad_requests)
{
    static const struct {
        const char *method, *url, *headers;
        int code;
    } cases[] = {
        {"GET", "ftp://127.0.0.1/", "", ERR_INVALID},
        {"GET", "file:///etc/passwd", "", ERR_INVALID},
        {"GET", "", "", ERR_INVALID},
        {"", "http://127.0.0.1/", "", ERR_INVALID},
        {"GE T", "http://127.0.0.1/", "", ERR_INVALID},
        {"GET\r\nX: y", "http://127.0.0.1/", "", ERR_INVALID},
        {"GET", "http://127.0.0.1/", "a b: c\n", ERR_INVALID},
        {"GET", "http://127.0.0.1/", ": c\n", ERR_INVALID},
        {"GET", "http://127.0.0.1/", "a: b\rc: d\n", ERR_INVALID},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct client_options options = {.method = str_from(cases[i].method),
                                         .url = str_from(cases[i].url),
                                         .headers = str_from(cases[i].headers)};
        struct err err = {0};

        cr_expect(client_start(client, &options, &hooks, NULL, &err) == NULL, "case %zu", i);
        cr_expect_eq(err.code, cases[i].code, "case %zu", i);
    }
}

Test(client, refuses_large_requests)
{
    struct client_options options = {.method = STR("GET"), .url = STR("http://127.0.0.1/")};
    struct buf text;
    struct err err = {0};

    buf_init(&text, 1024 * 1024);
    for (int i = 0; i <= CLIENT_HEADERS_MAX; i++)
        cr_assert(buf_append(&text, STR("a: b\n")) == 0);
    options.headers = buf_str(&text);
    cr_expect(client_start(client, &options, &hooks, NULL, &err) == NULL);
    cr_expect_eq(err.code, ERR_LIMIT);

    buf_clear(&text);
    cr_assert(buf_append(&text, options.url) == 0);
    while (text.len <= CLIENT_URL_BYTES_MAX)
        cr_assert(buf_append_char(&text, 'a') == 0);
    options.headers = STR_NONE;
    options.url = buf_str(&text);
    cr_expect(client_start(client, &options, &hooks, NULL, &err) == NULL);
    cr_expect_eq(err.code, ERR_LIMIT);
    buf_done(&text);
}

Test(client, says_what_it_was_told)
{
    static const struct {
        const char *method, *headers;
        enum client_body kind;
        const char *body;
        const char *has[4], *lacks[4];
    } cases[] = {
        {"GET", "", CLIENT_BODY_NONE, "", {"GET /echo HTTP/1.1\r\n", "\r\nAccept: */*\r\n"},
         {"Content-Length", "Content-Type", "Expect", "User-Agent"}},
        {"GET", "accept: text/html\nx-a: 1\nX-A: 2\nEmpty: \n", CLIENT_BODY_NONE, "",
         {"\r\naccept: text/html\r\n", "\r\nx-a: 1\r\n", "\r\nX-A: 2\r\n", "\r\nEmpty:\r\n"},
         {"*/*"}},
        {"POST", "", CLIENT_BODY_NONE, "", {"POST /echo", "\r\nContent-Length: 0\r\n"},
         {"Content-Type", "Transfer-Encoding"}},
        {"POST", "content-type: a/b\n", CLIENT_BODY_BYTES, "x=y",
         {"\r\ncontent-type: a/b\r\n", "\r\nContent-Length: 3\r\n", "\r\n\r\nx=y"},
         {"Transfer-Encoding", "urlencoded", "Expect"}},
        {"PROPFIND", "", CLIENT_BODY_BYTES, "abc", {"PROPFIND /echo", "\r\n\r\nabc"}, {"POST"}},
        {"DELETE", "", CLIENT_BODY_NONE, "", {"DELETE /echo"}, {"Content-Length"}},
        {"POST", "Content-Length: 99\nTransfer-Encoding: chunked\nHost: evil\nUpgrade: h2c\n"
                 "Connection: upgrade\nTE: trailers\nKeep-Alive: 9\nExpect: 100-continue\n",
         CLIENT_BODY_BYTES, "abc", {"\r\nContent-Length: 3\r\n", "\r\nHost: 127.0.0.1:"},
         {"evil", ": 99", "chunked", "pgrade"}},
        {"GET", "x: \xe9\n", CLIENT_BODY_NONE, "", {"\r\nx: \xe9\r\n"}, {NULL}},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char url[100];
        struct client_options options = options_of(url, "/echo");
        struct probe probe = {0};

        options.method = str_from(cases[i].method);
        options.headers = str_from(cases[i].headers);
        options.body_kind = cases[i].kind;
        options.body = str_from(cases[i].body);
        begin(&probe, &options);
        turn_until(is_done, &probe);
        cr_expect_eq(probe.code, 0, "case %zu: %s", i, probe.text);
        for (size_t k = 0; k < 4 && cases[i].has[k]; k++)
            cr_expect(body_has(&probe, cases[i].has[k]), "case %zu has no \"%s\":\n%.*s", i,
                      cases[i].has[k], STR_ARGS(probe.body));
        for (size_t k = 0; k < 4 && cases[i].lacks[k]; k++)
            cr_expect(!body_has(&probe, cases[i].lacks[k]), "case %zu has \"%s\":\n%.*s", i,
                      cases[i].lacks[k], STR_ARGS(probe.body));
        probe_done(&probe);
    }
}

Test(client, head_has_no_body)
{
    char url[100];
    struct client_options options = options_of(url, "/moved");
    struct probe probe = {0};

    options.method = STR("HEAD");
    begin(&probe, &options);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, 0);
    cr_expect_eq(probe.status, 302);
    probe_done(&probe);
}

Test(client, large_body_of_bytes)
{
    char url[100];
    struct client_options options = options_of(url, "/echo");
    struct probe probe = {0};
    size_t length = 4 * 1024 * 1024;
    char *body = mem_alloc(length);

    memset(body, 'z', length);
    options.method = STR("POST");
    options.body_kind = CLIENT_BODY_BYTES;
    options.body = (str){body, length};
    begin(&probe, &options);
    memset(body, 'y', length); /* it was copied */
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, 0, "%s", probe.text);
    cr_expect(str_ends(buf_str(&probe.body), STR("zzzz")));
    cr_expect(probe.body.len > length);
    free(body);
    probe_done(&probe);
}

Test(client, stream_of_unknown_length)
{
    char url[100];
    struct client_options options = options_of(url, "/echo");
    struct probe probe = {0};

    options.method = STR("POST");
    options.body_kind = CLIENT_BODY_STREAM;
    begin(&probe, &options);
    turn_for_ms(50);
    client_send(probe.request, STR("one "));
    cr_expect_eq(client_send_queued(probe.request), 4);
    turn_until(has_drained, &probe);
    cr_expect_eq(client_send_queued(probe.request), 0);
    turn_for_ms(50);
    client_send(probe.request, STR("two"));
    client_send_end(probe.request);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, 0, "%s", probe.text);
    cr_expect(body_has(&probe, "\r\nTransfer-Encoding: chunked\r\n"));
    cr_expect(body_has(&probe, "one "));
    cr_expect(body_has(&probe, "two"));
    cr_expect_eq(probe.drains, 2);
    probe_done(&probe);
}

/* In pieces around the sizes of buffers, each after the one before has gone. */
Test(client, large_stream)
{
    static const char piece[200 * 1000];
    static const int64_t lengths[] = {-1, 40 * (int64_t)sizeof piece};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char url[100];
        struct client_options options = options_of(url, "/measure");
        struct probe probe = {0};

        options.method = STR("POST");
        options.body_kind = CLIENT_BODY_STREAM;
        options.body_length = lengths[i];
        begin(&probe, &options);
        for (int k = 0; k < 40; k++) {
            probe.drains = 0;
            client_send(probe.request, (str){piece, sizeof piece});
            turn_until(has_drained, &probe);
        }
        client_send_end(probe.request);
        turn_until(is_done, &probe);
        cr_expect_eq(probe.code, 0, "%s", probe.text);
        cr_expect(body_has(&probe, "8000000"), "%.*s", STR_ARGS(probe.body));
        probe_done(&probe);
    }
}

Test(client, stream_of_known_length)
{
    char url[100];
    struct client_options options = options_of(url, "/echo");
    struct probe probe = {0};

    options.method = STR("PUT");
    options.body_kind = CLIENT_BODY_STREAM;
    options.body_length = 6;
    begin(&probe, &options);
    turn_for_ms(20);
    client_send(probe.request, STR("abc"));
    turn_until(has_drained, &probe);
    client_send(probe.request, STR("def"));
    client_send_end(probe.request);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, 0, "%s", probe.text);
    cr_expect(body_has(&probe, "\r\nContent-Length: 6\r\n"));
    cr_expect(body_has(&probe, "\r\n\r\nabcdef"));
    probe_done(&probe);
}

Test(client, empty_stream)
{
    char url[100];
    struct client_options options = options_of(url, "/echo");
    struct probe probe = {0};

    options.method = STR("POST");
    options.body_kind = CLIENT_BODY_STREAM;
    begin(&probe, &options);
    client_send_end(probe.request);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, 0, "%s", probe.text);
    probe_done(&probe);
}

/* --- flow ---------------------------------------------------------------------------------- */

Test(client, pause_holds_the_upstream)
{
    char url[100];
    struct client_options options = options_of(url, "/large");
    struct probe probe = {.pause_at = 64 * 1024};
    size_t held;

    begin(&probe, &options);
    turn_until(is_full, &probe);
    turn_for_ms(200);
    held = probe.body.len;
    cr_expect(held < 256 * 1024, "%zu bytes came although paused", held);
    cr_expect(atomic_load(&large_sent) < LARGE_BYTES, "the upstream could send everything");

    probe.pause_at = 0;
    client_resume(probe.request);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.code, 0, "%s", probe.text);
    cr_expect_eq(probe.body.len, LARGE_BYTES);
    probe_done(&probe);
}

Test(client, paused_request_is_not_idle)
{
    char url[100];
    struct client_options options = options_of(url, "/large");
    struct probe probe = {.pause_at = 64 * 1024};

    options.idle_timeout_s = 1;
    begin(&probe, &options);
    turn_until(is_full, &probe);
    turn_for_ms(2500);
    cr_expect_eq(probe.dones, 0, "%s", probe.text);
    probe.pause_at = 0;
    client_resume(probe.request);
    turn_until(is_done, &probe);
    cr_expect_eq(probe.body.len, LARGE_BYTES);
    probe_done(&probe);
}

Test(client, cancel_at_any_time)
{
    char url[100];
    struct client_options options = options_of(url, "/large");
    struct probe at_once = {0}, in_hook = {.cancel_at = 1}, paused = {.pause_at = 1};

    begin(&at_once, &options);
    client_cancel(at_once.request);
    begin(&in_hook, &options);
    turn_until(has_stopped, &in_hook);
    begin(&paused, &options);
    turn_until(is_full, &paused);
    client_cancel(paused.request);
    turn_for_ms(50);
    cr_expect_eq(at_once.heads + at_once.dones + in_hook.dones + paused.dones, 0);
    probe_done(&at_once);
    probe_done(&in_hook);
    probe_done(&paused);
}

Test(client, free_with_requests_running)
{
    char url[100];
    struct client_options options = options_of(url, "/large");
    struct probe waiting = {0}, paused = {.pause_at = 1};

    begin(&paused, &options);
    turn_until(is_full, &paused);
    begin(&waiting, &options);
    client_free(client);
    client = NULL;
    cr_expect_eq(waiting.dones + paused.dones, 0);
    probe_done(&waiting);
    probe_done(&paused);
}

Test(client, connections_are_reused)
{
    for (int i = 0; i < 20; i++) {
        struct probe probe = {0};

        get(&probe, i % 2 ? "/hello" : "/chunked");
        cr_expect_eq(probe.code, 0);
        probe_done(&probe);
    }
    cr_expect_eq(atomic_load(&connections), 1);
}

Test(client, begins_anew_on_a_dead_connection)
{
    static const enum client_body kinds[] = {CLIENT_BODY_NONE, CLIENT_BODY_BYTES,
                                             CLIENT_BODY_STREAM};

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char url[100];
        struct client_options options = options_of(url, "/flaky");
        struct probe first = {0}, second = {0};

        get(&first, "/flaky");
        options.method = STR("POST");
        options.body_kind = kinds[i];
        options.body = STR("again");
        begin(&second, &options);
        if (kinds[i] == CLIENT_BODY_STREAM) {
            client_send(second.request, STR("again"));
            turn_until(has_drained, &second);
            client_send_end(second.request);
        }
        turn_until(is_done, &second);
        cr_expect_eq(second.code, 0, "kind %zu: %s", i, second.text);
        cr_expect(i == 0 || body_has(&second, "again"));
        probe_done(&first);
        probe_done(&second);
    }
}

Test(client, connection_logins_are_not_shared)
{
    for (int i = 0; i < 2; i++) {
        char url[100];
        struct client_options options = options_of(url, "/hello");
        struct probe probe = {0};

        options.headers = i ? STR("") : STR("Authorization: NTLM abcdef\n");
        begin(&probe, &options);
        turn_until(is_done, &probe);
        probe_done(&probe);
    }
    cr_expect_eq(atomic_load(&connections), 2);
}

Test(client, many_in_parallel)
{
    enum { MANY = 200 };
    static struct probe probes[MANY];
    char url[100];
    struct client_options options = options_of(url, "/echo");

    options.method = STR("POST");
    options.body_kind = CLIENT_BODY_BYTES;
    options.body = STR("parallel");
    for (int i = 0; i < MANY; i++)
        begin(&probes[i], &options);
    for (int i = 0; i < MANY; i++) {
        turn_until(is_done, &probes[i]);
        cr_expect_eq(probes[i].code, 0, "%s", probes[i].text);
        cr_expect(body_has(&probes[i], "parallel"));
        probe_done(&probes[i]);
    }
}
