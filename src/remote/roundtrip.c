/* Requests that are waited for; see roundtrip.h.
 *
 * The loop turns until on_done was called. A body that is worth watching goes out in pieces of
 * PIECE_BYTES, each asked for by the one before it. A loop on which somebody keeps a handle for
 * good stays where it is. */
#include "remote/roundtrip.h"

#include <stdlib.h>

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
    size_t handed;   /* bytes of the body that the client has */
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
    size_t queued = run->sent && run->streams && !run->done ? client_send_queued(run->sent) : 0;

    if (request->on_wait)
        request->on_wait(request->context, run->handed - queued, request->body.len);
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

    if (run->err->code || buf_append(&run->answer->body, bytes) == 0)
        return;
    err_set(run->err, ERR_LIMIT, "%.300s answers with more than %d MiB", run->request->url,
            ROUNDTRIP_ANSWER_BYTES_MAX >> 20);
    run->done = true;
}

static void send_piece(struct run *run)
{
    str piece = str_head(str_skip(run->request->body, run->handed), PIECE_BYTES);

    if (!piece.len)
        return;
    run->handed += piece.len;
    client_send(run->sent, piece);
    if (run->handed == run->request->body.len)
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
    struct run run = {.request = request, .answer = ret, .err = err};
    struct client_options options = {
        .method = str_from(request->method),
        .url = str_from(request->url),
        .headers = request->headers,
        .body_kind = CLIENT_BODY_NONE,
        .body = request->body,
        .body_length = (int64_t)request->body.len,
        .idle_timeout_s = ROUNDTRIP_TIMEOUT_MS / 1000,
    };

    err->code = 0;
    ret->status = 0;
    buf_init(&ret->headers, HEADERS_BYTES_MAX);
    buf_init(&ret->body, ROUNDTRIP_ANSWER_BYTES_MAX);
    if (!roundtrip->client)
        roundtrip->client = client_new(&roundtrip->loop, &everything);
    run.streams = request->body.len > PIECE_BYTES;
    if (run.streams)
        options.body_kind = CLIENT_BODY_STREAM;
    else if (request->body.ptr)
        options.body_kind = CLIENT_BODY_BYTES;
    run.handed = run.streams ? 0 : request->body.len;
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
