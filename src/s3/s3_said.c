/* Headers and JSON; see s3_said.h. */
#include "s3/s3_said.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "base/utf8.h"
#include "bindings/r2/r2_condition.h"
#include "os/clock.h"
#include "store/http_date.h"
#include "web/base64.h"

#define CUSTOM_PREFIX "x-amz-meta-"

enum { MS_PER_S = 1000, HEADER_BYTES_MAX = 4096 };

static const struct field {
    const char *key, *header, *param;
} fields[] = {
    {"contentType", "content-type", "response-content-type"},
    {"contentLanguage", "content-language", "response-content-language"},
    {"contentDisposition", "content-disposition", "response-content-disposition"},
    {"contentEncoding", "content-encoding", "response-content-encoding"},
    {"cacheControl", "cache-control", "response-cache-control"},
};

static bool read_time(str text, int64_t *ret_ms)
{
    int64_t seconds;

    if (!http_date_parse(text, clock_wall_s(), &seconds))
        return false;
    *ret_ms = seconds * MS_PER_S;
    return true;
}

/* ---- from a request ---- */

/* "aws-chunked" is how the body came, not how the object is coded. Appends the rest. */
static void skip_chunked(str value, struct buf *out)
{
    while (value.len) {
        size_t comma = str_find(value, ',');
        str one = str_trim(str_head(value, comma));

        if (one.len && !str_equal_nocase(one, STR("aws-chunked")))
            ASSERT(buf_printf(out, "%s%.*s", out->len ? "," : "", STR_ARGS(one)) == 0);
        value = str_skip(value, comma + 1);
    }
}

static void read_fields(const struct s3_call *call, json_t *http)
{
    str expires = s3_call_header(call, "expires");
    int64_t ms;

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        str value = s3_call_header(call, fields[i].header);
        struct buf rest;

        buf_init(&rest, HTTP_HEAD_BYTES_MAX);
        if (str_equal(str_from(fields[i].header), STR("content-encoding"))) {
            skip_chunked(value, &rest);
            value = buf_str(&rest);
        }
        if (value.len)
            json_object_set_new(http, fields[i].key, s3_call_json(value));
        buf_done(&rest);
    }
    if (expires.len && read_time(expires, &ms))
        json_object_set_new(http, "cacheExpiry", json_integer(ms));
}

static bool read_custom(const struct s3_call *call, json_t *custom)
{
    for (size_t i = 0; i < call->header_count; i++) {
        const struct http_header *header = &call->headers[i];
        str name = str_skip(header->name, sizeof CUSTOM_PREFIX - 1);
        json_t *old;

        if (!str_starts(header->name, STR(CUSTOM_PREFIX)) || !name.len)
            continue;
        if (!utf8_is_valid(header->value))
            return false;
        old = json_object_getn(custom, name.ptr, name.len);
        json_object_setn_new(custom, name.ptr, name.len,
                             old ? json_sprintf("%s,%.*s", json_string_value(old),
                                                STR_ARGS(header->value))
                                 : s3_call_json(header->value));
    }
    return true;
}

bool s3_said_read(struct s3_call *call, json_t *args)
{
    str class = s3_call_header(call, "x-amz-storage-class");
    json_t *http = json_object(), *custom = json_object();
    bool is_fine = read_custom(call, custom);

    read_fields(call, http);
    json_object_set_new(args, "http", http);
    json_object_set_new(args, "custom", custom);
    if (str_equal(class, STR("STANDARD_IA")))
        json_object_set_new(args, "storageClass", json_string("InfrequentAccess"));
    if (!is_fine)
        s3_call_fail_text(call, S3_ERROR_ARGUMENT, "A value of x-amz-meta- is no UTF-8.");
    return is_fine;
}

static json_t *etags(str text)
{
    json_t *list = json_array();

    while (text.len) {
        size_t comma = str_find(text, ',');
        str one = str_trim(str_head(text, comma));

        if (str_starts(one, STR("W/")))
            one = str_skip(one, 2);
        if (one.len >= 2 && one.ptr[0] == '"' && one.ptr[one.len - 1] == '"')
            one = str_head(str_skip(one, 1), one.len - 2);
        if (one.len)
            json_array_append_new(list, s3_call_json(one));
        text = str_skip(text, comma + 1);
    }
    return list;
}

static str prefixed(const struct s3_call *call, const char *prefix, const char *name)
{
    char whole[64];

    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    return s3_call_header(call, whole);
}

json_t *s3_said_condition(const struct s3_call *call, const char *prefix)
{
    str match = prefixed(call, prefix, "if-match"), none = prefixed(call, prefix, "if-none-match"),
        since = prefixed(call, prefix, "if-modified-since"),
        before = prefixed(call, prefix, "if-unmodified-since");
    json_t *condition = json_object();
    int64_t ms;

    if (match.len)
        json_object_set_new(condition, "etagMatches", etags(match));
    if (none.len)
        json_object_set_new(condition, "etagDoesNotMatch", etags(none));
    if (since.len && read_time(since, &ms))
        json_object_set_new(condition, "uploadedAfter", json_integer(ms));
    if (before.len && read_time(before, &ms)) /* "not behind": before the next second */
        json_object_set_new(condition, "uploadedBefore", json_integer(ms + MS_PER_S));
    if (!json_object_size(condition)) {
        json_decref(condition);
        return NULL;
    }
    json_object_set_new(condition, "secondsGranularity", json_true());
    return condition;
}

int s3_said_status(const struct s3_call *call, const json_t *meta)
{
    json_t *condition = s3_said_condition(call, "");
    int status = 304;

    json_object_del(condition, "etagDoesNotMatch");
    json_object_del(condition, "uploadedAfter");
    if (!r2_condition_holds(condition, member_str(meta, "etag"), member_int(meta, "uploaded")))
        status = 412;
    json_decref(condition);
    return status;
}

json_t *s3_said_range(str text)
{
    uint64_t first, last;
    size_t dash;
    str from, to;

    if (!str_starts(text, STR("bytes=")) || str_find(text, ',') < text.len)
        return NULL;
    text = str_skip(text, 6);
    dash = str_find(text, '-');
    from = str_trim(str_head(text, dash));
    to = str_trim(str_skip(text, dash + 1));
    if (dash == text.len)
        return NULL;
    if (!from.len)
        return str_to_u64(to, INT64_MAX, &last) ? json_pack("{s:I}", "suffix", (json_int_t)last)
                                                : NULL;
    if (!str_to_u64(from, INT64_MAX, &first))
        return NULL;
    if (!to.len)
        return json_pack("{s:I}", "offset", (json_int_t)first);
    if (!str_to_u64(to, INT64_MAX - 1, &last) || last < first)
        return NULL;
    return json_pack("{s:I, s:I}", "offset", (json_int_t)first, "length",
                     (json_int_t)last - (json_int_t)first + 1);
}

/* ---- for an answer ---- */

static bool is_ascii(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 128)
            return false;
    return true;
}

/* What is not ASCII goes as an encoded word (RFC 2047), as S3 has it. */
static void put_custom(struct s3_call *call, const char *name, str value)
{
    char header[HEADER_BYTES_MAX], coded[HEADER_BYTES_MAX] = "=?UTF-8?B?";
    size_t len = strlen(coded);

    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c == ':' || *c >= 127)
            return;
    snprintf(header, sizeof header, CUSTOM_PREFIX "%s", name);
    if (is_ascii(value) || base64_encoded_len(value.len) + len + 3 > sizeof coded) {
        s3_call_put(call, header, value);
        return;
    }
    base64_encode(value, coded + len);
    len += base64_encoded_len(value.len);
    memcpy(coded + len, "?=", 3);
    s3_call_put(call, header, str_from(coded));
}

static void put_fields(struct s3_call *call, const json_t *http)
{
    const json_t *expiry = json_object_get(http, "cacheExpiry");
    str expires = s3_call_param(call, "response-expires");
    bool has_type = false;

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        str value = s3_call_param(call, fields[i].param);

        if (!value.len)
            value = member_str(http, fields[i].key);
        if (value.len)
            s3_call_put(call, fields[i].header, value);
        has_type = has_type || (i == 0 && value.len);
    }
    if (!has_type)
        s3_call_put(call, "content-type", STR("binary/octet-stream"));
    if (expires.len)
        s3_call_put(call, "expires", expires);
    else if (expiry)
        s3_call_put_time(call, "expires", (int64_t)json_number_value(expiry));
}

void s3_said_put(struct s3_call *call, const json_t *meta)
{
    const char *name;
    json_t *value;

    s3_call_put_etag(call, member_str(meta, "etag"));
    s3_call_put_time(call, "last-modified", member_int(meta, "uploaded"));
    s3_call_put(call, "accept-ranges", STR("bytes"));
    put_fields(call, json_object_get(meta, "http"));
    if (str_equal(member_str(meta, "storageClass"), STR("InfrequentAccess")))
        s3_call_put(call, "x-amz-storage-class", STR("STANDARD_IA"));
    json_object_foreach(json_object_get(meta, "custom"), name, value)
        put_custom(call, name, (str){json_string_value(value), json_string_length(value)});
}
