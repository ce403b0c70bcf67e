/* A call's data and its answer; see call.h and call_private.h.
 *
 * What an answer may say is decided here: the envelope, that it is not to be stored, and that the
 * text of an ERR_IO, which names files of the server, goes to the operator alone. */
#include "api/call_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "base/moment.h"
#include "base/utf8.h"
#include "registry/account.h"
#include "registry/audit.h"
#include "registry/script.h"

#define JSON_HEAD                                                                                  \
    "content-type: application/json\r\ncache-control: no-store\r\n"                                \
    "x-content-type-options: nosniff\r\n"

enum {
    FAIL_TEXT_MAX = 64 << 10,
    ENVELOPE_ROOM = 256,
    CODE_INTERNAL = 10013,
    CODE_NO_SCRIPT = 10007,
};

/* ---- its life ---- */

static size_t text_bytes(const struct http_head *head)
{
    size_t bytes = head->method.len + head->target.len;

    for (size_t i = 0; i < head->header_count; i++)
        bytes += head->headers[i].name.len + head->headers[i].value.len + 3;
    return bytes;
}

static str put(char **at, str bytes)
{
    str copy = {*at, bytes.len};

    memcpy(*at, bytes.ptr ? bytes.ptr : "", bytes.len);
    *at += bytes.len;
    return copy;
}

static void copy_head(struct call *call, const struct http_head *head)
{
    char *at = call->text = mem_alloc(text_bytes(head) + 1);
    str target;
    size_t path_len;

    call->method = put(&at, head->method);
    target = put(&at, head->target);
    path_len = str_find(target, '?');
    call->path = str_head(target, path_len);
    call->query_text = str_skip(target, path_len + 1);
    call->header_lines = (str){at, 0};
    for (size_t i = 0; i < head->header_count; i++) {
        put(&at, head->headers[i].name);
        put(&at, STR(": "));
        put(&at, head->headers[i].value);
        put(&at, STR("\n"));
    }
    call->header_lines.len = (size_t)(at - call->header_lines.ptr);
}

struct call *call_new(struct api *api, struct http_request *request, const struct http_head *head)
{
    struct call *call = mem_new(struct call);
    str client = http_request_client(request);

    call->api = api;
    call->request = request;
    copy_head(call, head);
    snprintf(call->client, sizeof call->client, "%.*s", STR_ARGS(client));
    list_push(&api->calls, &call->link);
    api->call_count++;
    http_request_set_user(request, call);
    return call;
}

static void call_free(struct call *call)
{
    struct api *api = call->api;

    list_remove(&call->link);
    api->call_count--;
    api->body_bytes -= call->body_reserved;
    json_decref(call->params);
    json_decref(call->query);
    json_decref(call->token);
    json_decref(call->json);
    json_decref(call->script);
    json_decref(call->detail);
    json_decref(call->actor);
    free(call->path_below);
    free(call->account);
    free(call->target);
    free(call->body);
    free(call->text);
    free(call);
}

void call_request_over(struct call *call)
{
    call->request = NULL;
    if (call->state == CALL_READING)
        call->state = CALL_DONE;
    else
        call_flows(call);
}

void call_watch(struct call *call, void (*on_flow)(struct call *call, void *context), void *context)
{
    call->on_flow = on_flow;
    call->flow_context = context;
}

void call_flows(struct call *call)
{
    if (call->on_flow)
        call->on_flow(call, call->flow_context);
}

size_t call_reap(struct api *api)
{
    LIST_EACH_SAFE(&api->calls, link) {
        struct call *call = CONTAINER_OF(link, struct call, link);
        if (call->state == CALL_DONE && !call->request)
            call_free(call);
    }
    return api->call_count;
}

/* ---- what was asked ---- */

struct registry *call_registry(const struct call *call)
{
    return call->api->registry;
}

const struct platform *call_platform(const struct call *call)
{
    return call->api->platform;
}

const char *call_param(const struct call *call, const char *name)
{
    return member_text(call->params, name);
}

const char *call_query(const struct call *call, const char *name)
{
    return json_string_value(json_array_get(json_object_get(call->query, name), 0));
}

/* In a text of "name: value\n" lines; "" when it is missing. */
static str find_header(str lines, const char *name)
{
    str wanted = str_from(name);

    while (lines.len) {
        str line = str_head(lines, str_find(lines, '\n'));
        if (str_starts(line, wanted) && str_starts(str_skip(line, wanted.len), STR(": ")))
            return str_skip(line, wanted.len + 2);
        lines = str_skip(lines, line.len + 1);
    }
    return STR("");
}

str call_header(const struct call *call, const char *name)
{
    return find_header(call->header_lines, name);
}

str call_body(const struct call *call)
{
    return (str){call->body ? call->body : "", call->body_len};
}

const char *call_path(const struct call *call)
{
    return call->path_below;
}

const char *call_client(const struct call *call)
{
    return call->client;
}

const json_t *call_token(const struct call *call)
{
    return call->token;
}

const char *call_account(const struct call *call)
{
    return call->account;
}

const json_t *call_script(struct call *call)
{
    const char *name = call_param(call, "script");
    struct err err = {0};

    if (call->script)
        return call->script;
    ASSERT(name && call->account);
    if (script_find(call->api->registry, call->account, name, &call->script, &err) == 0)
        return call->script;
    if (err.code == ERR_NOT_FOUND || err.code == ERR_INVALID)
        call_fail(call, 404, CODE_NO_SCRIPT,
                  "The worker \"%s\" does not exist in the account "
                  "\"%s\".",
                  name, call->account);
    else
        call_fail_err(call, 0, &err);
    return NULL;
}

void call_script_changed(struct call *call, json_t *row)
{
    json_decref(call->script);
    call->script = row;
}

const json_t *call_json(struct call *call)
{
    json_error_t error;

    if (call->json)
        return call->json;
    if (!call->body_len) {
        call_fail(call, 400, 10001, "The body is empty: JSON is wanted here.");
        return NULL;
    }
    call->json = json_loadb(call->body, call->body_len, 0, &error);
    if (!call->json)
        call_fail(call, 400, 10001, "The body is not JSON: line %d, column %d: %s", error.line,
                  error.column, error.text);
    return call->json;
}

static uint64_t number_of(const struct call *call, const char *name, uint64_t normal, uint64_t max)
{
    str text = str_from(call_query(call, name));
    uint64_t value;

    if (!str_to_u64(text, UINT64_MAX, &value) || value == 0)
        return normal;
    return value < max ? value : max;
}

void call_page(const struct call *call, size_t *ret_offset, size_t *ret_limit)
{
    *ret_limit = number_of(call, "per_page", CALL_PER_PAGE, CALL_PER_PAGE_MAX);
    *ret_offset = (number_of(call, "page", 1, CALL_PAGE_MAX) - 1) * *ret_limit;
}

/* ---- the answer ---- */

void call_audit(struct call *call, const char *target, json_t *detail)
{
    if (target) {
        free(call->target);
        call->target = str_dup(str_from(target));
    }
    if (detail && call->detail) {
        json_object_update(call->detail, detail);
        json_decref(detail);
    } else if (detail) {
        call->detail = detail;
    }
}

void call_audit_as(struct call *call, const char *action, json_t *actor, const char *account)
{
    ASSERT(!call->action);
    call->action = action;
    call->is_noted_anyhow = true;
    call->actor = actor;
    free(call->account);
    call->account = account ? str_dup(str_from(account)) : NULL;
}

static json_t *audit_target(const struct call *call)
{
    const char *script = call_param(call, "script");

    if (call->target)
        return json_string(call->target);
    return script ? json_string(script) : json_null();
}

void call_tell_operator(struct call *call, const char *event, const char *text)
{
    const struct platform *platform = call->api->platform;

    if (platform->notice)
        platform->notice(platform->context,
                         json_pack("{s:s, s:s, s:s%, s:s, s:s}", "event", event, "level", "error",
                                   "method", call->method.ptr, call->method.len, "path",
                                   call->path_below ? call->path_below : "", "error", text));
}

static void write_audit(struct call *call)
{
    struct err err = {0};
    const json_t *who = call->actor ? call->actor : call->token;
    json_t *actor = json_pack("{s:O?, s:O?}", "id", json_object_get(who, "id"), "name",
                              json_object_get(who, "name"));
    json_t *row = json_pack("{s:s?, s:o, s:s, s:s, s:o, s:o}", "account", call->account, "actor",
                            actor, "address", call->client, "action", call->action, "target",
                            audit_target(call), "detail",
                            call->detail ? json_incref(call->detail) : json_object());

    if (audit_add(call->api->registry, row, &err) < 0)
        call_tell_operator(call, "audit.failed", err.text);
    json_decref(row);
}

void call_streamed(struct call *call, int status)
{
    ASSERT(call->state != CALL_DONE);
    call->state = CALL_DONE;
    if (call->action && (status < 400 || call->is_noted_anyhow))
        write_audit(call);
}

void call_bytes(struct call *call, int status, str head, str body)
{
    call_streamed(call, status);
    if (call->request)
        http_answer_whole(call->request, status, head, body);
}

struct http_request *call_request(const struct call *call)
{
    return call->request;
}

void call_upgraded(struct call *call)
{
    ASSERT(call->state != CALL_DONE);
    call->state = CALL_DONE;
}

/* `envelope` is taken. */
static void answer_json(struct call *call, int status, str head, json_t *envelope)
{
    char *text = json_dumps(envelope, JSON_COMPACT | JSON_REAL_PRECISION(15));

    ASSERT(text);
    call_bytes(call, status, head, str_from(text));
    free(text);
    json_decref(envelope);
}

void call_ok_info(struct call *call, json_t *result, json_t *info)
{
    json_t *envelope = json_pack("{s:o, s:b, s:[], s:[]}", "result", result ? result : json_null(),
                                 "success", 1, "errors", "messages");

    if (info)
        json_object_set_new(envelope, "result_info", info);
    answer_json(call, 200, STR(JSON_HEAD), envelope);
}

void call_ok(struct call *call, json_t *result)
{
    call_ok_info(call, result, NULL);
}

void call_ok_text(struct call *call, str result)
{
    struct buf text;

    buf_init(&text, result.len + ENVELOPE_ROOM);
    ASSERT(buf_append(&text, STR("{\"result\":")) == 0 &&
           buf_append(&text, result.len ? result : STR("null")) == 0 &&
           buf_append(&text, STR(",\"success\":true,\"errors\":[],\"messages\":[]}")) == 0);
    call_bytes(call, 200, STR(JSON_HEAD), buf_str(&text));
    buf_done(&text);
}

static void make_text(char *text)
{
    if (utf8_is_valid(str_from(text)))
        return;
    for (; *text; text++) {
        if (*text & 0x80)
            *text = '?';
    }
}

void call_fail(struct call *call, int status, int code, const char *format, ...)
{
    char *text = mem_alloc(FAIL_TEXT_MAX);
    va_list arguments;
    str head = STR(JSON_HEAD);

    va_start(arguments, format);
    if (vsnprintf(text, FAIL_TEXT_MAX, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    make_text(text);
    if (status == 401)
        head = STR(JSON_HEAD "www-authenticate: Bearer\r\n");
    else if (status == 429)
        head = STR(JSON_HEAD "retry-after: 60\r\n");
    else if (status == 503)
        head = STR(JSON_HEAD "retry-after: 5\r\n");
    answer_json(call, status, head,
                json_pack("{s:n, s:b, s:[{s:i, s:s}], s:[]}", "result", "success", 0, "errors",
                          "code", code, "message", text, "messages"));
    free(text);
}

static int code_of(int err_code)
{
    switch (err_code) {
    case ERR_NOT_FOUND:
        return 7003;
    case ERR_EXISTS:
        return 10008;
    case ERR_LIMIT:
        return 10027;
    case ERR_INVALID:
        return 10001;
    default:
        return CODE_INTERNAL;
    }
}

void call_fail_err(struct call *call, int code, const struct err *err)
{
    if (err_http_status(err->code) >= 500) {
        call_tell_operator(call, "api.failed", err->text);
        call_fail(call, err_http_status(err->code), CODE_INTERNAL,
                  "The server could not read or store this; its log says why. Nothing is known to "
                  "have changed: look before you try again.");
        return;
    }
    call_fail(call, err_http_status(err->code), code ? code : code_of(err->code), "%s", err->text);
}

json_t *call_time(int64_t ms)
{
    char text[MOMENT_BYTES];

    moment_write(ms, text);
    return ms && *text ? json_string(text) : json_null();
}
