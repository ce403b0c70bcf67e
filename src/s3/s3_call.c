/* Requests and their answers; see s3_call.h.
 *
 * (1) Whatever is asked of the supervisor or a store has a reference. */
#include "s3/s3_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/moment.h"
#include "bindings/r2/r2_cors.h"
#include "os/clock.h"
#include "s3/s3_intake.h"
#include "s3/s3_meter.h"
#include "s3/s3_xml.h"
#include "store/http_date.h"

enum { ERROR_TEXT_MAX = 1024, MS_PER_S = 1000 };

static unsigned count;

unsigned s3_call_count(void)
{
    return count;
}

/* ---- making one ---- */

static str copy(str text, char **at)
{
    str made = {*at, text.len};

    if (text.len)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return made;
}

static void copy_head(struct s3_call *call, const struct http_head *head)
{
    char *at = call->bytes = mem_alloc(head->bytes + head->host.len + head->method.len + 1);

    call->method = copy(head->method, &at);
    call->headers = mem_alloc((head->header_count + 1) * sizeof *call->headers);
    for (size_t i = 0; i < head->header_count; i++)
        call->headers[call->header_count++] = (struct http_header){copy(head->headers[i].name, &at),
                                                                   copy(head->headers[i].value,
                                                                        &at)};
}

/* Unlike all others of some years: random at the start of the process, then counted. */
static void make_id(char id[S3_CALL_ID_CHARS + 1])
{
    static uint64_t last;

    if (!last)
        last = clock_wall_ns() * UINT64_C(0x9E3779B97F4A7C15);
    snprintf(id, S3_CALL_ID_CHARS + 1, "%016llX", (unsigned long long)last++);
}

struct s3_call *s3_call_new(struct http_request *http, const struct http_head *head, str domain)
{
    struct s3_call *call = mem_new(struct s3_call);

    count++;
    call->http = http;
    call->refs = 1;
    call->start_ns = clock_monotonic_ns();
    call->client = str_dup(http_request_client(http));
    call->is_head = head->method_id == HTTP_HEAD;
    call->has_length = head->framing != HTTP_BODY_CHUNKED;
    call->content_length = head->framing == HTTP_BODY_LENGTH ? head->content_length : 0;
    make_id(call->id);
    copy_head(call, head);
    call->target_is_bad = s3_target_parse(&call->target, head->host, head->target, domain) < 0;
    buf_init(&call->head, S3_CALL_HEAD_BYTES_MAX);
    buf_init(&call->body, S3_CALL_XML_BYTES_MAX);
    return call;
}

struct s3_call *s3_call_ref(struct s3_call *call)
{
    call->refs++;
    return call;
}

static void end_request(struct s3_call *call)
{
    if (call->has_request)
        r2_request_done(&call->request);
    call->has_request = false;
}

void s3_call_unref(struct s3_call *call)
{
    if (--call->refs)
        return;
    count--;
    if (call->state)
        call->state_free(call->state);
    end_request(call);
    s3_intake_free(call->intake);
    r2_upload_unref(call->upload);
    r2_bucket_unref(call->bucket);
    r2_bucket_unref(call->source);
    json_decref(call->meta);
    json_decref(call->cors);
    s3_target_done(&call->target);
    buf_done(&call->head);
    buf_done(&call->body);
    explicit_bzero(call->key, sizeof call->key);
    free(call->account);
    free(call->actor);
    free(call->headers);
    free(call->bytes);
    free(call->client);
    free(call);
}

void s3_call_over(struct s3_call *call)
{
    s3_meter_call(call);
    call->http = NULL;
    s3_call_unref(call);
}

bool s3_call_is_open(const struct s3_call *call)
{
    return call->http && !http_answer_started(call->http);
}

/* ---- what it says ---- */

str s3_call_header(const struct s3_call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++)
        if (str_equal(call->headers[i].name, str_from(name)))
            return call->headers[i].value;
    return STR_NONE;
}

str s3_call_param(const struct s3_call *call, const char *name)
{
    return s3_target_param(&call->target, name);
}

struct sigv4_request s3_call_signed(const struct s3_call *call)
{
    return (struct sigv4_request){.method = call->method,
                                  .path = call->target.path,
                                  .params = call->target.params,
                                  .param_count = call->target.param_count,
                                  .headers = call->headers,
                                  .header_count = call->header_count};
}

/* ---- answers ---- */

void s3_call_put(struct s3_call *call, const char *name, str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 127)
            return;
    if (buf_printf(&call->head, "%s: %.*s\r\n", name, STR_ARGS(value)) < 0)
        return; /* a head is bounded, and this part of it is not what matters */
}

void s3_call_put_number(struct s3_call *call, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    s3_call_put(call, name, str_from(text));
}

void s3_call_put_etag(struct s3_call *call, str etag)
{
    char text[128];

    snprintf(text, sizeof text, "\"%.*s\"", STR_ARGS(etag));
    s3_call_put(call, "etag", str_from(text));
}

void s3_call_put_time(struct s3_call *call, const char *name, int64_t ms)
{
    char text[HTTP_DATE_BYTES];

    http_date_write(ms / MS_PER_S, text);
    s3_call_put(call, name, str_from(text));
}

/* What every answer has. */
static void put_common(struct s3_call *call)
{
    s3_call_put(call, "x-amz-request-id", str_from(call->id));
    if (r2_cors_add(call->cors, s3_call_header(call, "origin"), call->method, &call->head) < 0)
        return; /* as in s3_call_put() */
}

bool s3_call_start(struct s3_call *call, int status, int64_t length)
{
    put_common(call);
    return http_answer_start(call->http, status, buf_str(&call->head), length);
}

static void answer_whole(struct s3_call *call, int status, str body)
{
    if (!s3_call_is_open(call))
        return;
    put_common(call);
    http_answer_whole(call->http, status, buf_str(&call->head), body);
}

void s3_call_answer(struct s3_call *call, int status)
{
    answer_whole(call, status, STR_NONE);
}

void s3_call_answer_xml(struct s3_call *call, int status, struct buf *xml, int r)
{
    struct buf whole;

    buf_init(&whole, S3_CALL_ANSWER_BYTES_MAX + 64);
    if (r == 0)
        r = buf_append(&whole, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    if (r == 0)
        r = buf_append(&whole, buf_str(xml));
    buf_done(xml);
    if (r == 0) {
        s3_call_put(call, "content-type", STR("application/xml"));
        answer_whole(call, status, buf_str(&whole));
    } else {
        s3_call_fail(call, S3_ERROR_INTERNAL);
    }
    buf_done(&whole);
}

static void fail(struct s3_call *call, enum s3_error error, const char *text)
{
    const struct s3_error_row *row = s3_error_row(error);
    struct buf xml;
    int r;

    buf_clear(&call->head);
    if (call->is_head) {
        s3_call_answer(call, row->status);
        return;
    }
    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_append(&xml, STR("<Error>"));
    if (r == 0)
        r = s3_xml_element(&xml, "Code", str_from(row->code));
    if (r == 0)
        r = s3_xml_element(&xml, "Message", str_from(text));
    if (r == 0)
        r = s3_xml_element(&xml, "Resource", call->target_is_bad ? STR("/") : call->target.path);
    if (r == 0)
        r = s3_xml_element(&xml, "RequestId", str_from(call->id));
    if (r == 0)
        r = buf_append(&xml, STR("</Error>"));
    ASSERT(r == 0);
    s3_call_answer_xml(call, row->status, &xml, r);
}

void s3_call_fail(struct s3_call *call, enum s3_error error)
{
    fail(call, error, s3_error_row(error)->text);
}

void s3_call_fail_text(struct s3_call *call, enum s3_error error, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fail(call, error, text);
}

void s3_call_fail_err(struct s3_call *call)
{
    enum s3_error error = s3_error_of(&call->err);

    if (error == S3_ERROR_INTERNAL || error == S3_ERROR_UNAVAILABLE)
        fail(call, error, call->err.text);
    else
        s3_call_fail(call, error);
}

/* ---- the bucket ---- */

static void on_request_done(struct r2_request *request)
{
    struct s3_call *call = CONTAINER_OF(request, struct s3_call, request);

    json_decref(call->meta);
    call->meta = call->err.code ? NULL
                                : json_loadb(request->out.ptr, request->out.len,
                                             JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (s3_call_is_open(call))
        call->then(call);
    s3_call_unref(call);
}

static void prepare(struct s3_call *call, const char *word, json_t *args,
                    void (*then)(struct s3_call *call))
{
    const struct r2_request_word *found = r2_request_find(str_from(word));

    ASSERT(found);
    end_request(call);
    call->then = then;
    call->err.code = 0;
    r2_request_init(&call->request, found, args, call->is_head ? 0 : R2_REQUEST_FIRST_BYTES,
                    &call->err);
    call->request.done = on_request_done;
    call->has_request = true;
    s3_call_ref(call);
}

void s3_call_run(struct s3_call *call, const char *word, json_t *args,
                 void (*then)(struct s3_call *call))
{
    prepare(call, word, args, then);
    r2_request_start(&call->request, call->bucket);
}

void s3_call_run_upload(struct s3_call *call, const char *word, json_t *args,
                        void (*then)(struct s3_call *call))
{
    prepare(call, word, args, then);
    r2_upload_end(call->upload, &call->request);
}

/* ---- the supervisor ---- */

void s3_call_ask(struct s3_call *call, const char *what, json_t *args,
                 void (*done)(struct s3_ask *ask))
{
    call->ask = (struct s3_ask){.done = done};
    s3_call_ref(call);
    s3_ask_start(&call->ask, what, args);
}

json_t *s3_call_subject(const struct s3_call *call)
{
    return json_pack("{s:s, s:o, s:o, s:s}", "account", call->account, "name",
                     s3_call_json(call->target.bucket), "key", s3_call_json(call->sig.key_id),
                     "address", call->client);
}

bool s3_call_ask_failed(struct s3_call *call)
{
    switch (call->ask.err.code) {
    case 0:
        return false;
    case ERR_NOT_FOUND:
        s3_call_fail(call, S3_ERROR_NO_BUCKET);
        return true;
    case ERR_EXISTS:
        s3_call_fail(call, S3_ERROR_BUCKET_EXISTS);
        return true;
    case ERR_INVALID:
        s3_call_fail(call, S3_ERROR_BUCKET_NAME);
        return true;
    case ERR_LIMIT:
        s3_call_fail_text(call, S3_ERROR_INVALID_REQUEST, "%s", call->ask.err.text);
        return true;
    default:
        s3_call_fail(call, S3_ERROR_UNAVAILABLE);
        return true;
    }
}

/* ---- JSON ---- */

json_t *s3_call_json(str text)
{
    json_t *json = json_stringn(text.ptr ? text.ptr : "", text.len);

    return json ? json : json_string("");
}

json_t *s3_call_args(const struct s3_call *call)
{
    return json_pack("{s:o}", "key", s3_call_json(call->target.key));
}

str s3_call_iso(int64_t ms)
{
    static char text[MOMENT_BYTES];

    moment_write(ms, text);
    return str_from(text);
}
