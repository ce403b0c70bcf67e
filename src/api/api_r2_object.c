/* What is in an R2 bucket: objects, whole; lists of them.
 *
 * What is said about an object comes as header fields and goes out as those. Bodies are bytes as
 * they are; large ones go piece by piece (api_r2_stream.h). */
#include <stdio.h>
#include <stdlib.h>

#include "api/api_r2.h"
#include "api/api_r2_stream.h"
#include "api/tables.h"
#include "base/member.h"
#include "os/clock.h"
#include "store/http_date.h"

enum { CODE_NO_KEY = 10007, CODE_TOO_LARGE = 100100, HEAD_BYTES_MAX = 16 << 10, MS_PER_S = 1000 };

static const struct field {
    const char *header, *member;
} fields[] = {
    {"content-type", "contentType"},
    {"content-language", "contentLanguage"},
    {"content-disposition", "contentDisposition"},
    {"content-encoding", "contentEncoding"},
    {"cache-control", "cacheControl"},
};

/* Asks about the bucket of the path; `args` is taken. */
static void ask(struct call *call, const char *name, json_t *args, str bytes,
                void (*on_done)(void *call, const struct platform_stored *stored))
{
    json_t *row = stored_row(call, &api_r2_kind);

    call_audit(call, member_text(row, "name"),
               call_param(call, "key") ? json_pack("{s:s}", "key", call_param(call, "key")) : NULL);
    if (row)
        stored_ask(call, &api_r2_kind, row, &(struct stored_words){name, args, bytes}, on_done);
    else
        json_decref(args);
    json_decref(row);
}

/* True after a failure was answered. */
static bool failed(struct call *call, const struct platform_stored *stored)
{
    if (stored->code != ERR_NOT_FOUND)
        return stored_failed(call, stored, API_R2_CODE_BAD);
    call_fail(call, 404, CODE_NO_KEY, "The specified key does not exist.");
    return true;
}

static json_t *key_args(const struct call *call)
{
    return json_pack("{s:s}", "key", call_param(call, "key"));
}

/* ---- in ---- */

static json_t *http_of(const struct call *call)
{
    json_t *http = json_object();
    str expires = call_header(call, "expires");
    int64_t seconds;

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        str value = call_header(call, fields[i].header);
        if (value.len)
            json_object_set_new(http, fields[i].member, json_stringn(value.ptr, value.len));
    }
    if (http_date_parse(expires, clock_wall_s(), &seconds))
        json_object_set_new(http, "cacheExpiry", json_integer(seconds * MS_PER_S));
    return http;
}

/* An object as Cloudflare's API has it. Takes `meta`. */
static json_t *shape(json_t *meta)
{
    json_t *result = json_pack("{s:O*, s:O*, s:O*, s:o, s:O*, s:O*, s:O*, s:O*}", "key",
                               json_object_get(meta, "key"), "size", json_object_get(meta, "size"),
                               "etag", json_object_get(meta, "etag"), "last_modified",
                               call_time(member_int(meta, "uploaded")), "version",
                               json_object_get(meta, "version"), "http_metadata",
                               json_object_get(meta, "http"), "custom_metadata",
                               json_object_get(meta, "custom"), "storage_class",
                               json_object_get(meta, "storageClass"));

    json_decref(meta);
    return result;
}

static void on_put(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (!failed(call, stored))
        call_ok(call,
                shape(json_loadb(stored->result.ptr, stored->result.len, JSON_ALLOW_NUL, NULL)));
}

/* NULL after it was answered. */
static json_t *put_args(struct call *call)
{
    str class = call_header(call, "cf-r2-storage-class");
    json_t *args;

    if (class.len && !api_r2_is_class(class)) {
        call_fail(call, 400, API_R2_CODE_CLASS,
                  "The storage class must be \"Standard\" or \"InfrequentAccess\".");
        return NULL;
    }
    args = key_args(call);
    json_object_set_new(args, "http", http_of(call));
    if (class.len)
        json_object_set_new(args, "storageClass", json_stringn(class.ptr, class.len));
    return args;
}

void api_r2_object_put(struct call *call)
{
    json_t *args = put_args(call);

    if (args)
        ask(call, "put", args, call_body(call), on_put);
}

void api_r2_object_put_large(struct call *call)
{
    uint64_t length = 0;
    json_t *row, *args;

    if (!str_to_u64(call_header(call, "content-length"), API_R2_STREAM_BYTES_MAX, &length)) {
        call_fail(call, 413, CODE_TOO_LARGE,
                  "The object has more than %u GiB: a larger one goes in parts, by a worker.",
                  (unsigned)(API_R2_STREAM_BYTES_MAX >> 30));
        return;
    }
    if (!(args = put_args(call)))
        return;
    row = stored_row(call, &api_r2_kind);
    call_audit(call, member_text(row, "name"), json_pack("{s:s}", "key", call_param(call, "key")));
    if (row)
        api_r2_stream_put(call, row, args, on_put);
    else
        json_decref(args);
}

/* ---- out ---- */

/* A value with a line's end would be another field. */
static bool is_field(const char *value)
{
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == 127)
            return false;
    return true;
}

static void add_field(struct buf *head, const char *name, const char *value)
{
    size_t len = head->len;

    if (value && is_field(value) && buf_printf(head, "%s: %s\r\n", name, value) < 0)
        head->len = len;
}

static void write_head(const json_t *found, bool is_part, struct buf *head)
{
    const json_t *meta = json_object_get(found, "meta"), *http = json_object_get(meta, "http");
    json_int_t offset = member_int(found, "offset"), length = member_int(found, "length");
    char text[128];

    for (size_t i = 0; i < COUNT_OF(fields); i++)
        add_field(head, fields[i].header, member_text(http, fields[i].member));
    if (!member_text(http, "contentType"))
        add_field(head, "content-type", "application/octet-stream");
    if (!member_text(http, "cacheControl"))
        add_field(head, "cache-control", "no-store");
    add_field(head, "x-content-type-options", "nosniff");
    snprintf(text, sizeof text, "\"%s\"", member_text(meta, "etag"));
    add_field(head, "etag", text);
    snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)offset,
             (long long)(offset + length - 1), (long long)member_int(meta, "size"));
    if (is_part)
        add_field(head, "content-range", text);
}

/* The rest follows, piece by piece. */
static void stream(struct call *call, const json_t *found, int status, str head, str first)
{
    json_t *row = stored_row(call, &api_r2_kind);
    const struct api_r2_stream_get what = {
        .row = row,
        .key = call_param(call, "key"),
        .etag = member_text(json_object_get(found, "meta"), "etag"),
        .offset = (uint64_t)member_int(found, "offset"),
        .length = (uint64_t)member_int(found, "length"),
        .status = status,
        .head = head,
        .first = first,
    };

    if (row)
        api_r2_stream_get(call, &what);
    json_decref(row);
}

static void on_got(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    struct buf head;
    json_t *found;
    bool is_part;

    if (failed(call, stored))
        return;
    found = json_loadb(stored->result.ptr, stored->result.len, JSON_ALLOW_NUL, NULL);
    is_part = member_int(found, "length") != member_int(json_object_get(found, "meta"), "size");
    buf_init(&head, HEAD_BYTES_MAX);
    write_head(found, is_part, &head);
    if ((uint64_t)member_int(found, "length") > stored->bytes.len)
        stream(call, found, is_part ? 206 : 200, buf_str(&head), stored->bytes);
    else
        call_bytes(call, is_part ? 206 : 200, buf_str(&head), stored->bytes);
    buf_done(&head);
    json_decref(found);
}

/* "bytes=a-b", "bytes=a-" or "bytes=-n"; what is none of these is no range. NULL: none. */
static json_t *range_of(str text)
{
    uint64_t from, to, most = (uint64_t)INT64_MAX / 2;
    size_t at;

    if (!str_starts(text, STR("bytes=")))
        return NULL;
    text = str_skip(text, 6);
    at = str_find(text, '-');
    if (!at && str_to_u64(str_skip(text, 1), most, &to))
        return json_pack("{s:I}", "suffix", (json_int_t)to);
    if (!str_to_u64(str_head(text, at), most, &from))
        return NULL;
    if (at + 1 == text.len)
        return json_pack("{s:I}", "offset", (json_int_t)from);
    if (!str_to_u64(str_skip(text, at + 1), most, &to) || to < from)
        return NULL;
    return json_pack("{s:I, s:I}", "offset", (json_int_t)from, "length",
                     (json_int_t)to - (json_int_t)from + 1);
}

static void get(struct call *call)
{
    json_t *args = key_args(call), *range = range_of(call_header(call, "range"));

    json_object_set_new(args, "most", json_integer(API_R2_STREAM_PIECE_BYTES));
    if (range)
        json_object_set_new(args, "range", range);
    ask(call, "get", args, STR_NONE, on_got);
}

static void on_removed(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (!failed(call, stored))
        call_ok(call, json_pack("{s:s}", "key", call_param(call, "key")));
}

static void remove_object(struct call *call)
{
    json_t *args = json_pack("{s:[s]}", "keys", call_param(call, "key"));

    ask(call, "delete", args, STR_NONE, on_removed);
}

/* ---- lists ---- */

static void on_listed(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *found, *objects, *meta, *result = json_array();
    size_t i;

    if (failed(call, stored)) {
        json_decref(result);
        return;
    }
    found = json_loadb(stored->result.ptr, stored->result.len, JSON_ALLOW_NUL, NULL);
    objects = json_object_get(found, "objects");
    json_array_foreach(objects, i, meta)
        json_array_append_new(result, shape(json_incref(meta)));
    call_ok_info(call, result,
                 json_pack("{s:O*, s:O*, s:O*, s:I}", "cursor", json_object_get(found, "cursor"),
                           "is_truncated", json_object_get(found, "truncated"), "delimited",
                           json_object_get(found, "delimitedPrefixes"), "per_page",
                           (json_int_t)json_array_size(objects)));
    json_decref(found);
}

/* ?prefix, delimiter, cursor, start_after, per_page */
static void list(struct call *call)
{
    const char *per_page = call_query(call, "per_page");
    json_t *args = json_pack("{s:s*, s:s*, s:s*, s:s*}", "prefix", call_query(call, "prefix"),
                             "delimiter", call_query(call, "delimiter"), "cursor",
                             call_query(call, "cursor"), "startAfter",
                             call_query(call, "start_after"));
    uint64_t limit;

    if (per_page && !str_to_u64(str_from(per_page), 1000, &limit)) {
        call_fail(call, 400, API_R2_CODE_BAD, "\"per_page\" must be 1 to 1000, not \"%s\".",
                  per_page);
        json_decref(args);
        return;
    }
    if (per_page)
        json_object_set_new(args, "limit", json_integer((json_int_t)limit));
    ask(call, "list", args, STR_NONE, on_listed);
}

#define R2 "/accounts/:account/r2/buckets/:bucket/objects"

const struct call_route api_r2_object_routes[] = {
    {"GET",    R2,           "storage:read",  list,          NULL},
    {"PUT",    R2 "/:key*",  "storage:write", api_r2_object_put, "r2.put"},
    {"GET",    R2 "/:key*",  "storage:read",  get,           NULL},
    {"DELETE", R2 "/:key*",  "storage:write", remove_object, "r2.remove"},
    {0},
};
