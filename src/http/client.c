/* Outbound HTTP on libcurl's multi interface, driven by libuv; see client.h. This file and
 * client_error.c are the only ones that know libcurl.
 *
 * libcurl asks for two things: to watch sockets (on_watch, one uv_poll each) and to be called
 * after a while (on_timeout_change, one uv_timer). Both end in drive(), which lets libcurl work
 * and then picks up the requests that finished.
 *
 *                 on_header: blank line          drive: CURLMSG_DONE
 *   REQUEST_WAITING ------------> REQUEST_BODY -------------> freed after on_done
 *        |                            |
 *        +------ client_cancel -------+---> REQUEST_CANCELLED --> freed: leave()
 *
 * (1) libcurl may not be asked to drop a request while it is on the stack: `inside` counts how
 *     often it is, and a request cancelled meanwhile waits in `cancelled` for leave().
 * (2) A request is in exactly one of the lists `running` and `cancelled`.
 * (3) After cancellation no hook of the request is called.
 * (4) A socket's memory outlives its uv_poll: it is freed by the close callback. The same holds
 *     for the client and its timer.
 * (5) A connection carries one request at a time, HTTP/2 or not. Sharing one would let a paused
 *     answer fill memory with 8 MiB of its window, and libcurl 7.88 was seen to lose bytes of a
 *     paused stream while another one uploaded.
 * (6) Watching a descriptor costs system calls, so one that is connected goes on being polled when
 *     libcurl lets go of it, until an event comes that nobody wants or it is watched again.
 *     libcurl closes one that is not connected yet without on_close_socket(): that it lets go of
 *     it, or opens another of the same number, is all that tells.
 * (7) Making an easy handle and setting it up costs as much as a small request: those of requests
 *     that ended are kept in `spare`, with what easy_set() gave them. */
#include <stdlib.h>
#include <unistd.h>

#include "http/client_private.h"
#include "http/field.h"

enum {
    RECEIVE_BUFFER_BYTES = 64 * 1024,
    SEND_BUFFER_BYTES = 64 * 1024,
    SEND_QUEUE_BYTES_MAX = 256 * 1024 * 1024,
    SEND_KEPT_BYTES_MAX = 64 * 1024,
    METHOD_BYTES_MAX = 64,
    HTTP2_USES_MAX = 500,
};

#define SET(easy, option, value) \
    ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)
#define SET_MULTI(multi, option, value) \
    ASSERT(curl_multi_setopt(multi, option, value) == CURLM_OK)

/* --- the end of a request ------------------------------------------------------------------ */

/* Takes back what one request set; see (7). */
static void easy_give_back(struct client *client, CURL *easy)
{
    if (client->spare_count == SPARE_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    SET(easy, CURLOPT_HTTPHEADER, NULL);
    SET(easy, CURLOPT_POSTFIELDS, NULL);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    SET(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
    SET(easy, CURLOPT_HTTPGET, 1L); /* and no upload, no HEAD */
    SET(easy, CURLOPT_FORBID_REUSE, 0L);
    SET(easy, CURLOPT_HTTP_CONTENT_DECODING, 1L);
    client->spare[client->spare_count++] = easy;
}

static void request_free(struct client_request *request)
{
    struct client *client = request->client;

    list_remove(&request->link);
    client->requests--;
    curl_multi_remove_handle(client->multi, request->easy);
    easy_give_back(client, request->easy);
    curl_slist_free_all(request->header_list);
    buf_done(&request->head);
    buf_done(&request->queue);
    free(request);
}

static void enter(struct client *client)
{
    client->inside++;
}

static void leave(struct client *client)
{
    struct list *link;

    ASSERT(client->inside > 0);
    if (--client->inside > 0)
        return;
    while ((link = list_pop(&client->cancelled)))
        request_free(CONTAINER_OF(link, struct client_request, link));
}

void client_cancel(struct client_request *request)
{
    struct client *client = request->client;

    /* An HTTP/2 connection would be kept, with the reset of the stream perhaps never sent. */
    SET(request->easy, CURLOPT_FORBID_REUSE, 1L);
    request->state = REQUEST_CANCELLED;
    list_remove(&request->link);
    list_push(&client->cancelled, &request->link);
    enter(client);
    leave(client);
}

static void head_end(struct client_request *request)
{
    request->state = REQUEST_BODY;
    if (!field_body_is_decoded(buf_str(&request->head)))
        SET(request->easy, CURLOPT_HTTP_CONTENT_DECODING, 0L); /* libcurl fails at unknown ones */
    request->hooks->on_head(request->owner, request->status, str_from(request->reason),
                            buf_str(&request->head));
}

static void request_finish(struct client_request *request, CURLcode result)
{
    char text[2 * CURL_ERROR_SIZE + 128] = "";
    int code = 0;

    if (request->state == REQUEST_WAITING && result == CURLE_OK)
        head_end(request); /* the connection was closed behind a header */
    if (request->state != REQUEST_CANCELLED) {
        if (result != CURLE_OK)
            code = client_error_explain(request, result, text, sizeof text);
        request->hooks->on_done(request->owner, code, text);
    }
    request_free(request);
}

/* --- the loop ------------------------------------------------------------------------------ */

static void reap(struct client *client)
{
    struct client_request *request;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        CURLcode result = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        request_finish(request, result);
    }
}

static void drive(struct client *client, curl_socket_t fd, int events)
{
    int running;

    enter(client);
    curl_multi_socket_action(client->multi, fd, events, &running);
    leave(client);
    reap(client);
}

static void on_timer(uv_timer_t *timer)
{
    drive(CONTAINER_OF(timer, struct client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *arg)
{
    struct client *client = arg;

    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* Of a kept connection that nobody uses, an event is the other side's goodbye: libcurl finds out
 * for itself when it is about to use it. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct client_socket *socket = CONTAINER_OF(poll, struct client_socket, poll);
    int action = 0;

    if (!socket->wanted) {
        socket->polled = 0;
        uv_poll_stop(poll);
        return;
    }
    if (status < 0)
        action |= CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        action |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        action |= CURL_CSELECT_OUT;
    drive(socket->client, socket->fd, action);
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_poll_t *)handle, struct client_socket, poll));
}

static void socket_close(struct client_socket *socket)
{
    struct client *client = socket->client;

    if (socket->connects)
        client->sockets[socket->fd] = NULL;
    uv_poll_stop(&socket->poll);
    uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
}

static struct client_socket *socket_new(struct client *client, curl_socket_t fd, bool connects)
{
    struct client_socket *socket = mem_new(struct client_socket);

    socket->client = client;
    socket->fd = fd;
    socket->connects = connects;
    ASSERT(uv_poll_init_socket(client->timer.loop, &socket->poll, fd) == 0);
    return socket;
}

/* The socket that on_open_socket() made, or a new one for a descriptor of libcurl's own. */
static struct client_socket *socket_of(struct client *client, curl_socket_t fd)
{
    struct client_socket *socket = fd < SOCKETS_MAX ? client->sockets[fd] : NULL;

    if (!socket)
        socket = socket_new(client, fd, false);
    curl_multi_assign(client->multi, fd, socket);
    return socket;
}

static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct client *client = arg;
    struct client_socket *socket = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE && !socket)
        return 0;
    if (!socket)
        socket = socket_of(client, fd);
    if (what == CURL_POLL_REMOVE)
        curl_multi_assign(client->multi, fd, NULL);
    if (what == CURL_POLL_REMOVE && !socket->connected) {
        socket_close(socket);
        return 0;
    }
    if (what != CURL_POLL_REMOVE && what & CURL_POLL_IN)
        events |= UV_READABLE;
    socket->connected |= socket->connects && (events & UV_READABLE);
    if (what != CURL_POLL_REMOVE && what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    socket->wanted = events;
    if (!events)
        uv_unref((uv_handle_t *)&socket->poll);
    else
        uv_ref((uv_handle_t *)&socket->poll);
    if (!events || events == socket->polled)
        return 0;
    socket->polled = events;
    ASSERT(uv_poll_start(&socket->poll, events, on_poll) == 0);
    return 0;
}

/* --- the answer ---------------------------------------------------------------------------- */

/* Makes libcurl give up; explain() tells the reason. */
static size_t refuse(struct client_request *request, int code, const char *text)
{
    request->limit_code = code;
    request->limit_text = text;
    return (size_t)-1;
}

/* "HTTP/1.1 200 OK": begins a head; an interim one before it is forgotten. */
static void head_begin(struct client_request *request, str line)
{
    str rest = str_trim(str_skip(line, str_find(line, ' ')));
    uint64_t status = 0;
    size_t length;

    str_to_u64(str_head(rest, 3), 999, &status);
    rest = str_trim(str_skip(rest, 3));
    length = rest.len < sizeof request->reason ? rest.len : sizeof request->reason - 1;
    request->status = (int)status;
    if (length)
        memcpy(request->reason, rest.ptr, length);
    request->reason[length] = '\0';
    buf_clear(&request->head);
    request->head_lines = 0;
}

/* A header, or the continuation of the one before (RFC 9112 5.2). The buffer is as large as the
 * sum of lines that on_header lets through, so it is never full. */
static void head_add(struct client_request *request, str line)
{
    struct buf *head = &request->head;
    size_t colon = str_find(line, ':');
    int r = 0;

    if ((line.ptr[0] == ' ' || line.ptr[0] == '\t') && head->len) {
        head->ptr[head->len - 1] = ' ';
        r |= buf_append(head, str_trim(line));
        r |= buf_append_char(head, '\n');
    } else if (colon > 0 && colon < line.len) {
        for (size_t i = 0; i < colon; i++)
            r |= buf_append_char(head, str_lower(line.ptr[i]));
        r |= buf_append(head, STR(": "));
        r |= buf_append(head, str_trim(str_skip(line, colon + 1)));
        r |= buf_append_char(head, '\n');
        request->head_lines++;
    }
    ASSERT(r == 0);
}

/* libcurl 7.88 resets each HTTP/2 stream that has ended already. To a server that counts resets (as
 * protection from "rapid reset") this is an attack after 1000 requests: the connection retires
 * before. Its local port stands for it, as libcurl has no number for it. */
static void http2_count(struct client_request *request)
{
    uint16_t *uses;
    long version = 0, port = 0, connects = 0;

    curl_easy_getinfo(request->easy, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_2_0)
        return;
    curl_easy_getinfo(request->easy, CURLINFO_LOCAL_PORT, &port);
    curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &connects);
    uses = &request->client->http2_uses[port & (PORTS - 1)];
    *uses = connects ? 1 : (uint16_t)(*uses + 1);
    if (*uses >= HTTP2_USES_MAX)
        SET(request->easy, CURLOPT_FORBID_REUSE, 1L);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct client_request *request = arg;
    str line = {bytes, size * count};
    size_t taken = line.len;

    if (request->state == REQUEST_CANCELLED)
        return (size_t)-1;
    if (request->state == REQUEST_BODY)
        return taken; /* trailers */
    request->head_bytes += line.len;
    if (request->head_bytes > CLIENT_HEAD_BYTES_MAX)
        return refuse(request, ERR_LIMIT, "the response's headers are larger than 64 KiB");
    if (request->head_lines >= CLIENT_HEADERS_MAX)
        return refuse(request, ERR_LIMIT, "the response has more than 512 headers");

    while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (str_starts(line, STR("HTTP/"))) {
        head_begin(request, line);
    } else if (line.len) {
        head_add(request, line);
    } else if (request->status >= 200) {
        http2_count(request);
        head_end(request);
    }
    return taken;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg)
{
    struct client_request *request = arg;

    if (request->state == REQUEST_CANCELLED)
        return (size_t)-1;
    count *= size;
    if (count)
        request->hooks->on_data(request->owner, (str){bytes, count});
    return count;
}

static void pauses_set(struct client_request *request, int pauses)
{
    if (request->state == REQUEST_CANCELLED || request->pauses == pauses)
        return;
    request->pauses = pauses;
    enter(request->client);
    curl_easy_pause(request->easy, pauses);
    leave(request->client);
}

void client_pause(struct client_request *request)
{
    pauses_set(request, request->pauses | CURLPAUSE_RECV);
}

void client_resume(struct client_request *request)
{
    pauses_set(request, request->pauses & ~CURLPAUSE_RECV);
}

/* --- the body of the request --------------------------------------------------------------- */

/* The beginning of a body is kept for on_seek() as long as it is small. */
static void queue_drop(struct client_request *request)
{
    buf_clear(&request->queue);
    request->queue_at = 0;
    request->queue_dropped = true;
}

/* A callback of ours that returns "pause" sets the pause itself, so it is only noted here. */
static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct client_request *request = arg;
    size_t length = request->queue.len - request->queue_at;

    if (request->state == REQUEST_CANCELLED)
        return CURL_READFUNC_ABORT;
    if (length == 0 && !request->queue_ended) {
        request->pauses |= CURLPAUSE_SEND;
        return CURL_READFUNC_PAUSE;
    }
    if (length > size * count)
        length = size * count;
    if (length == 0)
        return 0;
    memcpy(out, request->queue.ptr + request->queue_at, length);
    request->queue_at += length;
    if (request->queue_at == request->queue.len) {
        if (request->queue.len > SEND_KEPT_BYTES_MAX)
            queue_drop(request);
        request->hooks->on_drain(request->owner);
    }
    return length;
}

/* libcurl begins anew when a kept connection turns out to be closed by the other side. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct client_request *request = arg;

    if (request->queue_dropped || offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    request->queue_at = 0;
    return CURL_SEEKFUNC_OK;
}

void client_send(struct client_request *request, str bytes)
{
    ASSERT(!request->queue_ended);
    ASSERT(buf_append(&request->queue, bytes) == 0);
    pauses_set(request, request->pauses & ~CURLPAUSE_SEND);
}

void client_send_end(struct client_request *request)
{
    if (request->queue_ended)
        return;
    request->queue_ended = true;
    pauses_set(request, request->pauses & ~CURLPAUSE_SEND);
}

size_t client_send_queued(const struct client_request *request)
{
    return request->queue.len - request->queue_at;
}

/* --- the beginning ------------------------------------------------------------------------- */

static void header_push(struct client_request *request, const char *line)
{
    struct curl_slist *longer = curl_slist_append(request->header_list, line);

    ASSERT(longer);
    request->header_list = longer;
}

static int header_add(struct client_request *request, str line, struct err *err)
{
    str name = str_head(line, str_find(line, ':'));
    str value = str_trim(str_skip(line, name.len + 1));
    char *text;

    if (!field_is_token(name) || str_find(value, '\r') < value.len ||
        str_find(value, '\0') < value.len)
        return err_set(err, ERR_INVALID, "header \"%.*s\" cannot be sent", STR_ARGS(name));
    if (field_is_of_connection(name))
        return 0;
    if (field_logs_connection_in(name, value))
        SET(request->easy, CURLOPT_FORBID_REUSE, 1L);
    text = mem_alloc(name.len + value.len + 3);
    snprintf(text, name.len + value.len + 3, value.len ? "%.*s: %.*s" : "%.*s;", STR_ARGS(name),
             STR_ARGS(value));
    header_push(request, text);
    free(text);
    return 0;
}

static int headers_set(struct client_request *request, str headers, struct err *err)
{
    int count = 0;
    int r;

    while (headers.len) {
        str line = str_head(headers, str_find(headers, '\n'));

        if (++count > CLIENT_HEADERS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d headers", CLIENT_HEADERS_MAX);
        if ((r = header_add(request, line, err)) < 0)
            return r;
        headers = str_skip(headers, line.len + 1);
    }
    header_push(request, "Expect:"); /* no waiting for "100 Continue" */
    return 0;
}

static bool has_content_type(const struct client_request *request)
{
    for (struct curl_slist *it = request->header_list; it; it = it->next)
        if (str_equal_nocase(str_head(str_from(it->data), 13), STR("content-type:")))
            return true;
    return false;
}

/* Bytes go out as libcurl's POST, which sends them together with the head; a stream as its
 * upload. CURLOPT_CUSTOMREQUEST says the method in every case. */
static void body_set(struct client_request *request, const struct client_options *options)
{
    CURL *easy = request->easy;
    bool wants_length = str_equal(options->method, STR("POST")) ||
                        str_equal(options->method, STR("PUT"));

    if (options->body_kind == CLIENT_BODY_STREAM) {
        SET(easy, CURLOPT_UPLOAD, 1L);
        SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER_BYTES);
        SET(easy, CURLOPT_READFUNCTION, on_read);
        SET(easy, CURLOPT_READDATA, request);
        SET(easy, CURLOPT_SEEKFUNCTION, on_seek);
        SET(easy, CURLOPT_SEEKDATA, request);
        SET(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)options->body_length);
    } else if (options->body_kind == CLIENT_BODY_BYTES || wants_length) {
        str body = options->body_kind == CLIENT_BODY_BYTES ? options->body : STR("");

        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        SET(easy, CURLOPT_COPYPOSTFIELDS, body.len ? body.ptr : "");
        if (!has_content_type(request))
            header_push(request, "Content-Type:"); /* libcurl would invent one */
    } else if (str_equal(options->method, STR("HEAD"))) {
        SET(easy, CURLOPT_NOBODY, 1L);
    }
}

static int target_set(struct client_request *request, const struct client_options *options,
                      struct err *err)
{
    char *text;

    if (options->url.len > CLIENT_URL_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the URL is longer than %d bytes", CLIENT_URL_BYTES_MAX);
    if (!str_starts(options->url, STR("http://")) && !str_starts(options->url, STR("https://")))
        return err_set(err, ERR_INVALID, "only http: and https: URLs can be fetched");
    if (options->method.len > METHOD_BYTES_MAX || !field_is_token(options->method))
        return err_set(err, ERR_INVALID, "\"%.*s\" is not an HTTP method",
                       STR_ARGS(str_head(options->method, METHOD_BYTES_MAX)));

    text = str_dup(options->url);
    SET(request->easy, CURLOPT_URL, text);
    free(text);
    text = str_dup(options->method);
    SET(request->easy, CURLOPT_CUSTOMREQUEST, text);
    free(text);
    return 0;
}

/* The system's certificates are taken from its directory when there is one: they are then read one
 * by one as a chain needs them. The whole bundle would be parsed anew for each connection. */
static void trust_set(const struct client *client, CURL *easy)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (version->capath) {
        SET(easy, CURLOPT_CAPATH, version->capath);
        SET(easy, CURLOPT_CAINFO, client->ca_file);
    } else if (client->ca_file) {
        SET(easy, CURLOPT_CAINFO, client->ca_file);
    }
}

static void limits_set(struct client_request *request, const struct client_options *options)
{
    CURL *easy = request->easy;
    long connect_ms = options->connect_timeout_ms ? options->connect_timeout_ms
                                                  : CLIENT_CONNECT_TIMEOUT_MS;

    request->idle_timeout_s = options->idle_timeout_s ? options->idle_timeout_s
                                                      : CLIENT_IDLE_TIMEOUT_S;
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    SET(easy, CURLOPT_LOW_SPEED_TIME, (long)request->idle_timeout_s);
}

/* One of the same number, if there is one, was closed without a word (6); libcurl takes the two for
 * the same, so it is watched anew as the old one was. */
static void socket_opened(struct client *client, curl_socket_t fd)
{
    struct client_socket *socket = client->sockets[fd];

    if (!socket) {
        client->sockets[fd] = socket_new(client, fd, true);
        return;
    }
    uv_poll_stop(&socket->poll);
    if (socket->polled)
        ASSERT(uv_poll_start(&socket->poll, socket->polled, on_poll) == 0);
}

/* Each address that libcurl is about to connect to comes by here, whatever name led to it. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct client_request *request = arg;
    struct err err;
    int fd;

    (void)purpose;
    if (outbound_check(request->client->rules, &address->addr, &err) < 0) {
        snprintf(request->refused, sizeof request->refused, "%.*s", REFUSED_BYTES - 1, err.text);
        return CURL_SOCKET_BAD;
    }
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0 && fd < SOCKETS_MAX)
        socket_opened(request->client, fd);
    return fd;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
    struct client *client = arg;

    if (fd < SOCKETS_MAX && client->sockets[fd])
        socket_close(client->sockets[fd]);
    return close(fd);
}

/* What is the request's own to know, of a handle that easy_set() has seen. */
static void easy_bind(struct client_request *request)
{
    CURL *easy = request->easy;

    SET(easy, CURLOPT_PRIVATE, request);
    SET(easy, CURLOPT_OPENSOCKETDATA, request);
    SET(easy, CURLOPT_ERRORBUFFER, request->error);
    SET(easy, CURLOPT_HEADERDATA, request);
    SET(easy, CURLOPT_WRITEDATA, request);
}

static void easy_set(struct client *client, CURL *easy)
{
    SET(easy, CURLOPT_SHARE, client->share);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that this libcurl can decode */
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a name lookup's thread */
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    SET(easy, CURLOPT_CLOSESOCKETDATA, client);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_WRITEFUNCTION, on_write);
    SET(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(easy, CURLOPT_MAXAGE_CONN, (long)CLIENT_IDLE_CONNECTION_S);
    SET(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER_BYTES);
    trust_set(client, easy);
}

static CURL *easy_take(struct client *client)
{
    CURL *easy;

    if (client->spare_count)
        return client->spare[--client->spare_count];
    easy = curl_easy_init();
    ASSERT(easy);
    easy_set(client, easy);
    return easy;
}

struct client_request *client_start(struct client *client, const struct client_options *options,
                                    const struct client_hooks *hooks, void *owner, struct err *err)
{
    struct client_request *request;

    if (client->requests >= CLIENT_REQUESTS_MAX) {
        err_set(err, ERR_LIMIT, "more than %d requests at the same time", CLIENT_REQUESTS_MAX);
        return NULL;
    }
    request = mem_new(struct client_request);
    request->client = client;
    request->hooks = hooks;
    request->owner = owner;
    buf_init(&request->head, 2 * CLIENT_HEAD_BYTES_MAX);
    buf_init(&request->queue, SEND_QUEUE_BYTES_MAX);
    list_push(&client->running, &request->link);
    client->requests++;
    request->easy = easy_take(client);
    easy_bind(request);
    limits_set(request, options);
    if (target_set(request, options, err) < 0 || headers_set(request, options->headers, err) < 0) {
        request_free(request);
        return NULL;
    }
    body_set(request, options);
    SET(request->easy, CURLOPT_HTTPHEADER, request->header_list);
    ASSERT(curl_multi_add_handle(client->multi, request->easy) == CURLM_OK);
    return request;
}

/* --- the client ---------------------------------------------------------------------------- */

struct client *client_new(uv_loop_t *loop, const struct outbound *rules)
{
    struct client *client = mem_new(struct client);

    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    client->multi = curl_multi_init();
    client->share = curl_share_init();
    ASSERT(client->multi && client->share);
    client->ca_file = getenv("ATOLL_CA_FILE");
    client->rules = rules;
    list_init(&client->running);
    list_init(&client->cancelled);
    ASSERT(uv_timer_init(loop, &client->timer) == 0);

    curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    SET_MULTI(client->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    SET_MULTI(client->multi, CURLMOPT_SOCKETDATA, client);
    SET_MULTI(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    SET_MULTI(client->multi, CURLMOPT_TIMERDATA, client);
    SET_MULTI(client->multi, CURLMOPT_MAXCONNECTS, (long)CLIENT_IDLE_CONNECTIONS_MAX);
    SET_MULTI(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING); /* see (5) */
    return client;
}

static void on_client_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_timer_t *)handle, struct client, timer));
}

void client_free(struct client *client)
{
    if (!client)
        return;
    ASSERT(client->inside == 0);
    while (!list_empty(&client->running))
        client_cancel(CONTAINER_OF(client->running.next, struct client_request, link));
    while (client->spare_count)
        curl_easy_cleanup(client->spare[--client->spare_count]);
    curl_multi_cleanup(client->multi);
    curl_share_cleanup(client->share);
    curl_global_cleanup();
    uv_close((uv_handle_t *)&client->timer, on_client_closed);
}

const char *client_libraries(void)
{
    return curl_version();
}
