/* What a client of the API sends and gets: requests over a socket, answers as JSON. */
#ifndef ATOLL_TESTS_API_CLIENT_HARNESS_H
#define ATOLL_TESTS_API_CLIENT_HARNESS_H

#include "api_harness.h"

struct harness_request {
    const char *method, *path;
    const char *token;      /* NULL: the admin's; "": none */
    const char *type;       /* Content-Type */
    str body;
    const char *headers;    /* lines, each with CRLF */
};

static inline int harness_send(const struct harness_request *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)harness.port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const char *token = request->token ? request->token : HARNESS_ADMIN;
    struct buf text;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    buf_init(&text, 8 << 20);
    cr_assert_eq(buf_printf(&text, "%s %s HTTP/1.1\r\nhost: localhost:%d\r\nconnection: close\r\n",
                            request->method, request->path, harness.port),
                 0);
    if (*token)
        cr_assert_eq(buf_printf(&text, "authorization: Bearer %s\r\n", token), 0);
    if (request->type)
        cr_assert_eq(buf_printf(&text, "content-type: %s\r\n", request->type), 0);
    if (request->headers)
        cr_assert_eq(buf_append(&text, str_from(request->headers)), 0);
    if (request->body.ptr)
        cr_assert_eq(buf_printf(&text, "content-length: %zu\r\n", request->body.len), 0);
    cr_assert_eq(buf_append(&text, STR("\r\n")), 0);
    cr_assert_eq(buf_append(&text, request->body), 0);
    for (size_t at = 0; at < text.len;) {
        ssize_t count = send(fd, text.ptr + at, text.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0)
            uv_run(&harness.loop, UV_RUN_NOWAIT);
        at += count > 0 ? (size_t)count : 0;
    }
    buf_done(&text);
    return fd;
}

/* The answer to what was sent, as text until the connection closes; returned owned. */
static inline char *harness_receive(int fd)
{
    char *text = mem_zeroed(HARNESS_TEXT_MAX);
    size_t len = 0;
    int turns = 0;

    for (;;) {
        ssize_t count = recv(fd, text + len, HARNESS_TEXT_MAX - 1 - len, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN))
            break;
        len += count > 0 ? (size_t)count : 0;
        cr_assert_lt(turns++, HARNESS_TURNS_MAX, "no answer: %s", text);
        uv_run(&harness.loop, UV_RUN_NOWAIT);
        if (count < 0)
            usleep(300);
    }
    close(fd);
    return text;
}

static inline int harness_status_of(const char *text)
{
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

static inline json_t *harness_json_of(const char *text)
{
    const char *body = strstr(text, "\r\n\r\n");
    json_error_t error;

    return body ? json_loads(body + 4, 0, &error) : NULL;
}

/* Sends it and waits; the envelope, returned owned. */
static inline json_t *harness_ask_full(const struct harness_request *request, int status)
{
    char *text = harness_receive(harness_send(request));
    json_t *json = harness_json_of(text);

    cr_expect_eq(harness_status_of(text), status, "%s %s: %s", request->method, request->path,
                 text);
    cr_assert(json, "%s %s: %s", request->method, request->path, text);
    free(text);
    return json;
}

static inline json_t *harness_ask(const char *method, const char *path, const char *body,
                                  int status)
{
    return harness_ask_full(&(struct harness_request){.method = method,
                                                      .path = path,
                                                      .type = "application/json",
                                                      .body = str_from(body)},
                            status);
}

/* result.a.b of an envelope, "0" for an entry of an array. Borrowed; NULL when it is not there. */
static inline json_t *harness_at(const json_t *envelope, const char *path)
{
    json_t *at = json_object_get(envelope, "result");
    char *copy = strdup(path), *rest = copy, *key;

    while (at && (key = strsep(&rest, ".")))
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
    free(copy);
    return at;
}

static inline const char *harness_text(const json_t *envelope, const char *path)
{
    const char *text = json_string_value(harness_at(envelope, path));

    return text ? text : "(none)";
}

static inline int harness_code(const json_t *envelope)
{
    return (int)json_integer_value(
        json_object_get(json_array_get(json_object_get(envelope, "errors"), 0), "code"));
}

static inline const char *harness_message(const json_t *envelope)
{
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(envelope, "errors"), 0), "message"));

    return text ? text : "(none)";
}

#define HARNESS_FORM_TYPE "multipart/form-data; boundary=----b"

/* An upload of metadata and the module index.js. */
static inline struct harness_request harness_upload(const char *method, const char *path,
                                                    const char *metadata, const char *code)
{
    static char body[HARNESS_TEXT_MAX];

    snprintf(
        body, sizeof body,
        "------b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n%s\r\n"
        "------b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n"
        "Content-Type: application/javascript+module\r\n\r\n%s\r\n------b--\r\n",
        metadata, code);
    return (struct harness_request){.method = method,
                                    .path = path,
                                    .type = HARNESS_FORM_TYPE,
                                    .body = str_from(body)};
}

static inline json_t *harness_deploy(const char *script, const char *metadata, const char *code,
                                     int status)
{
    char path[256];
    struct harness_request request;

    snprintf(path, sizeof path, HARNESS_SCRIPTS "/%s?excludeScript=true&bindings_inherit=strict",
             script);
    request = harness_upload("PUT", path, metadata, code);
    return harness_ask_full(&request, status);
}

#endif
