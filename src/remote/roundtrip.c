/* Requests that are waited for; see roundtrip.h.
 *
 * The loop turns until on_done was called. A body that is worth watching goes out in pieces of
 * PIECE_BYTES, each asked for by the one before it. A loop on which somebody keeps a handle for
 * good stays where it is. */
#include "remote/roundtrip.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/client.h"

enum { PIECE_BYTES = 64 << 10, HEADERS_BYTES_MAX = 2 * CLIENT_HEAD_BYTES_MAX, LAST_TURNS = 3 };

struct roundtrip {
    uv_loop_t loop;
    struct client *client;   /* NULL before the first request */
};

struct run {
    const struct roundtrip_request *request;
    struct roundtrip_answer *answer;
    struct client_request *sent;
    struct err *err;
    uint64_t total;  /* bytes of the body */
    uint64_t handed; /* those that the client has */
    bool streams;
    bool done;
    uv_timer_t timer;
};

static const struct outbound everything = {.all = true};

struct roundtrip *roundtrip_new(void)
{
    struct roundtrip *roundtrip = mem_new(struct roundtrip);

    ASSERT(uv_loop_init(&roundtrip->loop) == 0);
    return roundtrip;
}

void roundtrip_free(struct roundtrip *roundtrip)
{
    if (!roundtrip)
        return;
    client_free(roundtrip->client);
    for (int i = 0; i < LAST_TURNS; i++)
        uv_run(&roundtrip->loop, UV_RUN_NOWAIT);
    if (uv_loop_close(&roundtrip->loop) == 0)
        free(roundtrip);
}

uv_loop_t *roundtrip_loop(struct roundtrip *roundtrip)
{
    return &roundtrip->loop;
}

static void show(struct run *run)
{
    const struct roundtrip_request *request = run->request;
    uint64_t queued = run->sent && run->streams && !run->done ? client_send_queued(run->sent) : 0;

    if (request->on_wait)
        request->on_wait(request->context, run->handed - queued, run->total);
}

static void on_head(void *owner, int status, str reason, str headers)
{
    struct run *run = owner;

    (void)reason;
    run->answer->status = status;
    ASSERT(buf_append(&run->answer->headers, headers) == 0);
}

static void on_data(void *owner, str bytes)
{
    struct run *run = owner;

    if (run->err->code)
        return;
    if (run->request->on_bytes && run->answer->status / 100 == 2) {
        run->done = run->request->on_bytes(run->request->bytes_context, bytes, run->err) != 0;
        return;
    }
    if (buf_append(&run->answer->body, bytes) == 0)
        return;
    err_set(run->err, ERR_LIMIT, "%.300s answers with more than %d MiB", run->request->url,
            ROUNDTRIP_ANSWER_BYTES_MAX >> 20);
    run->done = true;
}

/* A file that became shorter, or cannot be read, ends it: {"", 0}. */
static str read_piece(struct run *run, char piece[PIECE_BYTES])
{
    uint64_t left = run->total - run->handed;
    ssize_t got;

    if (!run->request->has_file)
        return str_head(str_skip(run->request->body, run->handed), PIECE_BYTES);
    got = pread(run->request->file, piece, left < PIECE_BYTES ? left : PIECE_BYTES,
                (off_t)run->handed);
    if (got > 0)
        return (str){piece, (size_t)got};
    err_set(run->err, ERR_IO, "the file cannot be read: %s",
            got < 0 ? strerror(errno) : "it became shorter");
    run->done = true;
    return STR_NONE;
}

static void send_piece(struct run *run)
{
    char place[PIECE_BYTES];
    str piece;

    if (run->done || run->handed == run->total)
        return;
    piece = read_piece(run, place);
    if (!piece.len)
        return;
    run->handed += piece.len;
    client_send(run->sent, piece);
    if (run->handed == run->total)
        client_send_end(run->sent);
}

static void on_drain(void *owner)
{
    struct run *run = owner;

    send_piece(run);
    show(run);
}

/* "http://127.0.0.1:8790" of a URL. */
static str origin_of(const char *url)
{
    const char *host = strstr(url, "://");
    size_t path = host ? strcspn(host + 3, "/?") : 0;

    return (str){url, host ? (size_t)(host + 3 - url) + path : strlen(url)};
}

static void on_done(void *owner, int code, const char *text)
{
    struct run *run = owner;
    str server = origin_of(run->request->url);

    run->done = true;
    run->sent = NULL;
    if (code && !run->err->code)
        err_set(run->err, code, "%.*s does not answer: %s", STR_ARGS(server), text);
}

static const struct client_hooks hooks = {
    .on_head = on_head,
    .on_data = on_data,
    .on_drain = on_drain,
    .on_done = on_done,
};

static void on_timer(uv_timer_t *timer)
{
    show(CONTAINER_OF(timer, struct run, timer));
}

static void on_closed(uv_handle_t *timer)
{
    CONTAINER_OF((uv_timer_t *)timer, struct run, timer)->request = NULL;
}

static void wait_for_end(struct roundtrip *roundtrip, struct run *run)
{
    ASSERT(uv_timer_init(&roundtrip->loop, &run->timer) == 0);
    if (run->request->on_wait)
        uv_timer_start(&run->timer, on_timer, ROUNDTRIP_WAIT_MS, ROUNDTRIP_WAIT_MS);
    if (run->streams)
        send_piece(run);
    while (!run->done)
        uv_run(&roundtrip->loop, UV_RUN_ONCE);
    if (run->sent)
        client_cancel(run->sent);
    uv_close((uv_handle_t *)&run->timer, on_closed);
    while (run->request)
        uv_run(&roundtrip->loop, UV_RUN_NOWAIT);
}

int roundtrip_run(struct roundtrip *roundtrip, const struct roundtrip_request *request,
                  struct roundtrip_answer *ret, struct err *err)
{
    uint64_t total = request->has_file ? request->file_bytes : request->body.len;
    struct run run = {.request = request, .answer = ret, .err = err, .total = total};
    struct client_options options = {
        .method = str_from(request->method),
        .url = str_from(request->url),
        .headers = request->headers,
        .body_kind = CLIENT_BODY_NONE,
        .body = request->body,
        .body_length = (int64_t)total,
        .idle_timeout_s = ROUNDTRIP_TIMEOUT_MS / 1000,
    };

    err->code = 0;
    ret->status = 0;
    buf_init(&ret->headers, HEADERS_BYTES_MAX);
    buf_init(&ret->body, ROUNDTRIP_ANSWER_BYTES_MAX);
    if (!roundtrip->client)
        roundtrip->client = client_new(&roundtrip->loop, &everything);
    run.streams = total > PIECE_BYTES || (request->has_file && total);
    if (run.streams)
        options.body_kind = CLIENT_BODY_STREAM;
    else if (request->body.ptr || request->has_file)
        options.body_kind = CLIENT_BODY_BYTES;
    run.handed = run.streams ? 0 : total;
    run.sent = client_start(roundtrip->client, &options, &hooks, &run, err);
    if (!run.sent)
        return err->code;
    wait_for_end(roundtrip, &run);
    return err->code;
}

void roundtrip_answer_done(struct roundtrip_answer *answer)
{
    buf_done(&answer->headers);
    buf_done(&answer->body);
}
