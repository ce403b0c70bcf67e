/* What is in a KV namespace: values, their metadata, lists of keys, many at once.
 *
 * Bodies with many pairs go to the runtime as they come: the supervisor does not read them. */
#include "api/api_kv.h"
#include "api/multipart.h"
#include "api/tables.h"
#include "base/member.h"

enum { CODE_NO_KEY = 10009, CODE_BAD = 10012 };

/* The arguments of a call for the path's key; taken by stored_ask(). */
static json_t *key_args(const struct call *call)
{
    return json_pack("{s:s}", "key", call_param(call, "key"));
}

/* An integer of the query, if it is given. False after the call was answered. */
static bool take_number(struct call *call, const char *name, json_t *args)
{
    const char *text = call_query(call, name);
    uint64_t value;

    if (!text)
        return true;
    if (!str_to_u64(str_from(text), INT64_MAX, &value)) {
        call_fail(call, 400, CODE_BAD, "\"%s\" must be a whole number, not \"%s\".", name, text);
        return false;
    }
    json_object_set_new(args, name, json_integer((json_int_t)value));
    return true;
}

/* Asks about the namespace of the path; `args` is taken. */
static void ask(struct call *call, const char *name, json_t *args, str bytes,
                void (*on_done)(void *call, const struct platform_stored *stored))
{
    json_t *row = stored_row(call, &api_kv_kind);

    call_audit(call, member_text(row, "name"),
               call_param(call, "key") ? json_pack("{s:s}", "key", call_param(call, "key")) : NULL);
    if (row)
        stored_ask(call, &api_kv_kind, row, &(struct stored_words){name, args, bytes}, on_done);
    else
        json_decref(args);
    json_decref(row);
}

/* ---- one value ---- */

static void on_got(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (stored->code == ERR_NOT_FOUND)
        call_fail(call, 404, CODE_NO_KEY, "get: 'key not found'");
    else if (!stored_failed(call, stored, CODE_BAD))
        call_bytes(call, 200,
                   STR("content-type: application/octet-stream\r\ncache-control: no-store\r\n"
                       "x-content-type-options: nosniff\r\n"),
                   stored->bytes);
}

static void get(struct call *call)
{
    ask(call, "get", key_args(call), STR_NONE, on_got);
}

static void on_metadata(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *result;

    if (stored->code == ERR_NOT_FOUND) {
        call_fail(call, 404, CODE_NO_KEY, "get: 'key not found'");
        return;
    }
    if (stored_failed(call, stored, CODE_BAD))
        return;
    result = json_loadb(stored->result.ptr, stored->result.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                        NULL);
    call_ok(call, json_incref(json_object_get(result, "metadata")));
    json_decref(result);
}

static void metadata(struct call *call)
{
    ask(call, "metadata", key_args(call), STR_NONE, on_metadata);
}

static void on_written(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (!stored_failed(call, stored, CODE_BAD))
        call_ok(call, NULL);
}

/* A form's part `metadata` is JSON. False after the call was answered. */
static bool take_metadata(struct call *call, const struct multipart *form, json_t *args)
{
    const struct multipart_part *part = multipart_find(form, STR("metadata"));
    json_t *value;

    if (!part || !part->bytes.len)
        return true;
    value = json_loadb(part->bytes.ptr, part->bytes.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!value)
        call_fail(call, 400, CODE_BAD, "The part \"metadata\" must be JSON.");
    else if (!json_is_null(value))
        json_object_set(args, "metadata", value);
    json_decref(value);
    return value != NULL;
}

/* {value, metadata?} as a form. `args` is taken. */
static void put_form(struct call *call, json_t *args)
{
    const struct multipart_part *part;
    struct multipart form;
    struct err err = {0};

    if (multipart_parse(call_header(call, "content-type"), call_body(call), &form, &err) < 0) {
        call_fail_err(call, CODE_BAD, &err);
        json_decref(args);
        return;
    }
    part = multipart_find(&form, STR("value"));
    if (!part) {
        call_fail(call, 400, CODE_BAD, "The form has no part \"value\".");
        json_decref(args);
    } else if (take_metadata(call, &form, args)) {
        ask(call, "put", args, part->bytes, on_written);
    } else {
        json_decref(args);
    }
    multipart_done(&form);
}

static void put(struct call *call)
{
    json_t *args = key_args(call);

    if (!take_number(call, "expiration", args) || !take_number(call, "expiration_ttl", args))
        json_decref(args);
    else if (multipart_is(call_header(call, "content-type")))
        put_form(call, args);
    else
        ask(call, "put", args, call_body(call), on_written);
}

static void remove_value(struct call *call)
{
    ask(call, "delete", key_args(call), STR_NONE, on_written);
}

/* ---- keys ---- */

static void on_listed(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *result, *keys;
    const char *cursor;

    if (stored_failed(call, stored, CODE_BAD))
        return;
    result = json_loadb(stored->result.ptr, stored->result.len, JSON_ALLOW_NUL, NULL);
    keys = json_object_get(result, "keys");
    cursor = member_text(result, "cursor");
    call_ok_info(call, json_is_array(keys) ? json_incref(keys) : json_array(),
                 json_pack("{s:I, s:s}", "count", (json_int_t)json_array_size(keys), "cursor",
                           cursor ? cursor : ""));
    json_decref(result);
}

static void list(struct call *call)
{
    const char *prefix = call_query(call, "prefix"), *cursor = call_query(call, "cursor");
    json_t *args = json_pack("{s:s*, s:s*}", "prefix", prefix, "cursor", cursor);

    if (take_number(call, "limit", args))
        ask(call, "list", args, STR_NONE, on_listed);
    else
        json_decref(args);
}

/* ---- many at once ---- */

static void on_bulk(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (!stored_failed(call, stored, CODE_BAD))
        call_ok_text(call, stored->result);
}

static void bulk_put(struct call *call)
{
    ask(call, "bulk_put", NULL, call_body(call), on_bulk);
}

static void bulk_delete(struct call *call)
{
    ask(call, "bulk_delete", NULL, call_body(call), on_bulk);
}

static void bulk_get(struct call *call)
{
    ask(call, "bulk_get", NULL, call_body(call), on_bulk);
}

#define KV "/accounts/:account/storage/kv/namespaces/:namespace"

const struct call_route api_kv_value_routes[] = {
    {"GET",    KV "/values/:key",   "storage:read",  get,          NULL},
    {"PUT",    KV "/values/:key",   "storage:write", put,          "kv.put"},
    {"DELETE", KV "/values/:key",   "storage:write", remove_value, "kv.remove"},
    {"GET",    KV "/metadata/:key", "storage:read",  metadata,     NULL},
    {"GET",    KV "/keys",          "storage:read",  list,         NULL},
    {"PUT",    KV "/bulk",          "storage:write", bulk_put,     "kv.bulk_put"},
    {"DELETE", KV "/bulk",          "storage:write", bulk_delete,  "kv.bulk_delete"},
    {"POST",   KV "/bulk/delete",   "storage:write", bulk_delete,  "kv.bulk_delete"},
    {"POST",   KV "/bulk/get",      "storage:read",  bulk_get,     NULL},
    {0},
};
