/* The listener of a login; see callback.h.
 *
 *   CALLBACK_WAITING --an answer of this attempt--> CALLBACK_DONE
 *
 * (1) `waiting` is the browser's request whose page is not answered yet; on_end clears it.
 * (2) An answer that is of another attempt changes nothing: any page of the web can send a browser
 *     here, and none of them knows the state. */
#include "remote/callback.h"

#include <stdlib.h>
#include <unistd.h>

#include "http/server.h"
#include "os/listen.h"

enum { PAGE_BYTES_MAX = 64 << 10 };

enum callback_state { CALLBACK_WAITING, CALLBACK_DONE };

struct callback {
    enum callback_state state;
    struct login_attempt attempt;
    struct http_server *server;
    struct http_request *waiting;
    uv_loop_t *loop;
    uv_prepare_t prepare;
    uv_timer_t last;
    char *code;
    struct err err;      /* of an answer that is no code */
    bool stopped;
    bool late;
    int open_handles;
};

/* ---- pages ---- */

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
            ASSERT(buf_printf(out, "&#%d;", *text) == 0);
        else
            ASSERT(buf_append_char(out, *text) == 0);
    }
}

static void answer(struct http_request *request, int status, const char *title, const char *text)
{
    static const str head = STR("content-type: text/html; charset=utf-8\r\n"
                                "content-security-policy: default-src 'none'; "
                                "style-src 'unsafe-inline'\r\n"
                                "referrer-policy: no-referrer\r\n"
                                "cache-control: no-store\r\n");
    struct buf page;

    buf_init(&page, PAGE_BYTES_MAX);
    ASSERT(buf_printf(&page,
                      "<!doctype html><html lang=en><meta charset=utf-8>"
                      "<meta name=viewport content='width=device-width'><title>atoll: %s</title>"
                      "<style>:root{color-scheme:light dark}"
                      "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh "
                      "auto;padding:0 1rem}</style><h1>%s</h1><p>",
                      title, title) == 0);
    put_escaped(&page, text);
    ASSERT(buf_append(&page, STR("</p></html>\n")) == 0);
    http_answer_whole(request, status, head, buf_str(&page));
    buf_done(&page);
}

static void answer_end(struct http_request *request, const char *error)
{
    if (error)
        answer(request, 400, "not logged in", error);
    else
        answer(request, 200, "logged in", "You can close this window and go back to the terminal.");
}

/* ---- requests ---- */

static int take(struct callback *callback, str query, struct err *err)
{
    int r;

    if (callback->state == CALLBACK_DONE)
        return err_set(err, ERR_INVALID, "This login was answered already.");
    r = login_read_callback(&callback->attempt, query, &callback->code, err);
    if (r == ERR_INVALID)
        return r;
    if (r < 0)
        callback->err = *err;
    callback->state = CALLBACK_DONE;
    return 0;
}

static void on_request(struct http_request *request, const struct http_head *head)
{
    struct callback *callback = http_request_context(request);
    size_t path = str_find(head->target, '?');
    struct err err;

    if (!str_equal(str_head(head->target, path), STR("/callback")) || head->method_id != HTTP_GET) {
        answer(request, 404, "not here", "The login comes back to /callback.");
    } else if (take(callback, str_skip(head->target, path + 1), &err) < 0) {
        answer(request, 400, "not this login", err.text);
    } else {
        callback->waiting = request;
    }
}

static void on_nothing(struct http_request *request)
{
    (void)request; /* bodies are not read, answers are given whole */
}

static void on_end(struct http_request *request)
{
    struct callback *callback = http_request_context(request);

    if (callback->waiting == request)
        callback->waiting = NULL;
}

static void on_stopped(void *context)
{
    struct callback *callback = context;

    callback->stopped = true;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct callback *callback = CONTAINER_OF(prepare, struct callback, prepare);

    if (!callback->stopped)
        http_server_flush(callback->server);
}

/* ---- life ---- */

static int start(struct callback *callback, struct err *err)
{
    static const struct http_server_hooks hooks = {
        .on_request = on_request,
        .on_body = on_nothing,
        .on_drain = on_nothing,
        .on_client_gone = on_nothing,
        .on_end = on_end,
        .on_stopped = on_stopped,
    };
    const struct http_server_options options = {.hooks = &hooks, .context = callback};
    int fd, port, r = listen_open("127.0.0.1", 0, &fd, &port, err);

    if (r < 0)
        return r;
    if (http_server_new(callback->loop, fd, options, &callback->server) < 0)
        return err_set(err, ERR_IO, "cannot listen at 127.0.0.1:%d for the browser", port);
    http_server_accept(callback->server, true);
    login_begin((unsigned)port, &callback->attempt);
    return 0;
}

int callback_open(uv_loop_t *loop, struct callback **ret, struct err *err)
{
    struct callback *callback = mem_new(struct callback);
    int r;

    callback->loop = loop;
    if ((r = start(callback, err)) < 0) {
        free(callback);
        return r;
    }
    ASSERT(uv_prepare_init(loop, &callback->prepare) == 0);
    ASSERT(uv_timer_init(loop, &callback->last) == 0);
    uv_prepare_start(&callback->prepare, on_prepare);
    callback->open_handles = 2;
    *ret = callback;
    return 0;
}

const struct login_attempt *callback_attempt(const struct callback *callback)
{
    return &callback->attempt;
}

int callback_result(const struct callback *callback, const char **ret_code, struct err *err)
{
    if (callback->state == CALLBACK_WAITING)
        return 1;
    *ret_code = callback->code;
    if (!callback->code)
        *err = callback->err;
    return callback->code ? 0 : callback->err.code;
}

int callback_offer(struct callback *callback, str text, struct err *err)
{
    size_t query = str_find(text, '?');

    return take(callback, str_trim(query < text.len ? str_skip(text, query + 1) : text), err);
}

static void on_last(uv_timer_t *timer)
{
    CONTAINER_OF(timer, struct callback, last)->late = true;
}

static void on_closed(uv_handle_t *handle)
{
    struct callback *callback = handle->data;

    callback->open_handles--;
}

static void close_handles(struct callback *callback)
{
    callback->prepare.data = callback->last.data = callback;
    uv_close((uv_handle_t *)&callback->prepare, on_closed);
    uv_close((uv_handle_t *)&callback->last, on_closed);
    while (callback->open_handles)
        uv_run(callback->loop, UV_RUN_ONCE);
}

void callback_close(struct callback *callback, const char *error)
{
    if (!callback)
        return;
    if (callback->waiting)
        answer_end(callback->waiting, error);
    http_server_stop(callback->server);
    uv_timer_start(&callback->last, on_last, CALLBACK_LAST_MS, 0);
    while (!callback->stopped && !callback->late)
        uv_run(callback->loop, UV_RUN_ONCE);
    if (callback->stopped)
        http_server_free(callback->server);
    close_handles(callback);
    free(callback->code);
    if (callback->stopped)
        free(callback);
}
