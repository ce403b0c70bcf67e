/* Lists of objects, uploads and parts; see s3_ops.h.
 *
 * The store's cursor is a list's NextContinuationToken. Version 1 of the list goes on behind a key
 * or a common prefix that it was told in plain text. */
#include <stdlib.h>

#include "base/member.h"
#include "bindings/r2/r2_cursor.h"
#include "s3/s3_ops.h"
#include "s3/s3_xml.h"

#define NAMESPACE "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

struct writer {
    struct buf xml;
    const struct s3_call *call;
    bool encodes;       /* encoding-type=url */
    int r;
};

/* ---- writing ---- */

static void raw(struct writer *w, const char *text)
{
    if (w->r == 0)
        w->r = buf_append(&w->xml, str_from(text));
}

static void element(struct writer *w, const char *name, str text)
{
    if (w->r == 0)
        w->r = s3_xml_element(&w->xml, name, text);
}

static void number(struct writer *w, const char *name, uint64_t value)
{
    if (w->r == 0)
        w->r = s3_xml_number(&w->xml, name, value);
}

/* A key, or a part of one. */
static void key(struct writer *w, const char *name, str text)
{
    struct buf coded;

    if (!w->encodes || w->r < 0) {
        element(w, name, text);
        return;
    }
    buf_init(&coded, 3 * HTTP_TARGET_BYTES_MAX);
    w->r = s3_target_encode(text, true, &coded);
    element(w, name, buf_str(&coded));
    buf_done(&coded);
}

/* A parameter as it came, when it did. */
static void echo(struct writer *w, const char *name, const char *param)
{
    if (s3_target_has(&w->call->target, param))
        key(w, name, s3_call_param(w->call, param));
}

static void etag(struct writer *w, str text)
{
    raw(w, "<ETag>&quot;");
    if (w->r == 0)
        w->r = s3_xml_text(&w->xml, text);
    raw(w, "&quot;</ETag>");
}

static void time_element(struct writer *w, const char *name, const json_t *ms)
{
    element(w, name, s3_call_iso(json_integer_value(ms)));
}

static void person(struct writer *w, const char *name)
{
    raw(w, "<");
    raw(w, name);
    raw(w, ">");
    element(w, "ID", str_from(w->call->account));
    element(w, "DisplayName", str_from(w->call->account));
    raw(w, "</");
    raw(w, name);
    raw(w, ">");
}

static void begin(struct writer *w, const struct s3_call *call, const char *start)
{
    *w = (struct writer){.call = call};
    buf_init(&w->xml, S3_CALL_ANSWER_BYTES_MAX);
    w->encodes = str_equal_nocase(s3_call_param(call, "encoding-type"), STR("url"));
    raw(w, start);
    element(w, call->target.key.len || s3_target_has(&call->target, "uploads") ? "Bucket" : "Name",
            call->target.bucket);
}

static void end(struct s3_call *call, struct writer *w, const char *text)
{
    if (w->encodes)
        element(w, "EncodingType", STR("url"));
    raw(w, text);
    s3_call_answer_xml(call, 200, &w->xml, w->r);
}

/* ---- how many ---- */

/* Of a parameter like max-keys. False after the call was answered. */
static bool take_limit(struct s3_call *call, const char *param, uint64_t *ret)
{
    str text = s3_call_param(call, param);

    *ret = R2_STORE_KEYS_MAX;
    if (!text.len)
        return true;
    if (!str_to_u64(text, INT32_MAX, ret)) {
        s3_call_fail_text(call, S3_ERROR_ARGUMENT, "%s must be a number from 0 to 2147483647.",
                          param);
        return false;
    }
    if (*ret > R2_STORE_KEYS_MAX)
        *ret = R2_STORE_KEYS_MAX;
    return true;
}

/* ---- objects ---- */

static void write_object(struct writer *w, const json_t *object, bool with_owner)
{
    bool rare = str_equal(member_str(object, "storageClass"), STR("InfrequentAccess"));

    raw(w, "<Contents>");
    key(w, "Key", member_str(object, "key"));
    time_element(w, "LastModified", json_object_get(object, "uploaded"));
    etag(w, member_str(object, "etag"));
    number(w, "Size", (uint64_t)member_int(object, "size"));
    if (with_owner)
        person(w, "Owner");
    element(w, "StorageClass", rare ? STR("STANDARD_IA") : STR("STANDARD"));
    raw(w, "</Contents>");
}

static size_t write_objects(struct writer *w, bool with_owner)
{
    const json_t *objects = json_object_get(w->call->meta, "objects"),
                 *prefixes = json_object_get(w->call->meta, "delimitedPrefixes"), *it;
    size_t i;

    json_array_foreach(objects, i, it)
        write_object(w, it, with_owner);
    json_array_foreach(prefixes, i, it) {
        raw(w, "<CommonPrefixes>");
        key(w, "Prefix", (str){json_string_value(it), json_string_length(it)});
        raw(w, "</CommonPrefixes>");
    }
    return json_array_size(objects) + json_array_size(prefixes);
}

static bool is_truncated(const struct s3_call *call)
{
    return json_is_true(json_object_get(call->meta, "truncated"));
}

static void write_flag(struct writer *w, bool truncated)
{
    element(w, "IsTruncated", truncated ? STR("true") : STR("false"));
}

static void answer_1(struct s3_call *call)
{
    struct writer w;
    struct buf last;
    bool is_prefix;
    uint64_t limit;

    if (call->err.code || !take_limit(call, "max-keys", &limit)) {
        if (call->err.code)
            s3_call_fail_err(call);
        return;
    }
    begin(&w, call, "<ListBucketResult " NAMESPACE ">");
    key(&w, "Prefix", s3_call_param(call, "prefix"));
    key(&w, "Marker", s3_call_param(call, "marker"));
    echo(&w, "Delimiter", "delimiter");
    number(&w, "MaxKeys", limit);
    write_flag(&w, is_truncated(call));
    buf_init(&last, R2_STORE_KEY_BYTES_MAX);
    if (is_truncated(call) && w.r == 0 &&
        (w.r = r2_cursor_read(member_str(call->meta, "cursor"), &last, &is_prefix)) == 0)
        key(&w, "NextMarker", buf_str(&last));
    buf_done(&last);
    write_objects(&w, true);
    end(call, &w, "</ListBucketResult>");
}

static void answer_2(struct s3_call *call)
{
    bool with_owner = str_equal(s3_call_param(call, "fetch-owner"), STR("true"));
    struct writer w;
    uint64_t limit;

    if (call->err.code || !take_limit(call, "max-keys", &limit)) {
        if (call->err.code)
            s3_call_fail_err(call);
        return;
    }
    begin(&w, call, "<ListBucketResult " NAMESPACE ">");
    key(&w, "Prefix", s3_call_param(call, "prefix"));
    echo(&w, "StartAfter", "start-after");
    echo(&w, "Delimiter", "delimiter");
    number(&w, "MaxKeys", limit);
    if (s3_target_has(&call->target, "continuation-token"))
        element(&w, "ContinuationToken", s3_call_param(call, "continuation-token"));
    write_flag(&w, is_truncated(call));
    if (is_truncated(call))
        element(&w, "NextContinuationToken", member_str(call->meta, "cursor"));
    number(&w, "KeyCount", write_objects(&w, with_owner));
    end(call, &w, "</ListBucketResult>");
}

static void set_text(json_t *args, const char *name, str text)
{
    if (text.len)
        json_object_set_new(args, name, s3_call_json(text));
}

/* Behind a key, or behind all of a common prefix when it is one. */
static void set_start(const struct s3_call *call, json_t *args, str after)
{
    str prefix = s3_call_param(call, "prefix"), delimiter = s3_call_param(call, "delimiter");
    struct buf cursor;

    if (!delimiter.len || after.len > R2_STORE_KEY_BYTES_MAX || !str_starts(after, prefix) ||
        after.len <= prefix.len || !str_ends(str_skip(after, prefix.len), delimiter)) {
        set_text(args, "startAfter", after);
        return;
    }
    buf_init(&cursor, R2_CURSOR_BYTES_MAX);
    if (r2_cursor_write(after, true, &cursor) == 0)
        set_text(args, "cursor", buf_str(&cursor));
    buf_done(&cursor);
}

static void list(struct s3_call *call, const char *after, void (*then)(struct s3_call *call))
{
    json_t *args = json_object();
    uint64_t limit;

    if (!take_limit(call, "max-keys", &limit)) {
        json_decref(args);
        return;
    }
    set_text(args, "prefix", s3_call_param(call, "prefix"));
    set_text(args, "delimiter", s3_call_param(call, "delimiter"));
    set_start(call, args, s3_call_param(call, after));
    if (then == answer_2)
        set_text(args, "cursor", s3_call_param(call, "continuation-token"));
    if (limit) {
        json_object_set_new(args, "limit", json_integer((json_int_t)limit));
        s3_call_run(call, "list", args, then);
        return;
    }
    json_decref(args);
    call->err.code = 0;
    then(call); /* max-keys=0: nothing is listed, and nothing follows */
}

void s3_list_objects(struct s3_call *call)
{
    list(call, "marker", answer_1);
}

void s3_list_objects_2(struct s3_call *call)
{
    if (str_equal(s3_call_param(call, "list-type"), STR("2")))
        list(call, "start-after", answer_2);
    else
        s3_call_fail_text(call, S3_ERROR_ARGUMENT, "list-type is 2.");
}

/* ---- uploads ---- */

static void write_upload(struct writer *w, const json_t *upload)
{
    raw(w, "<Upload>");
    key(w, "Key", member_str(upload, "key"));
    element(w, "UploadId", member_str(upload, "uploadId"));
    person(w, "Initiator");
    person(w, "Owner");
    element(w, "StorageClass", STR("STANDARD"));
    time_element(w, "Initiated", json_object_get(upload, "created"));
    raw(w, "</Upload>");
}

static void answer_uploads(struct s3_call *call)
{
    const json_t *uploads = json_object_get(call->meta, "uploads"), *it, *last;
    struct writer w;
    uint64_t limit;
    size_t i;

    if (call->err.code || !take_limit(call, "max-uploads", &limit)) {
        if (call->err.code)
            s3_call_fail_err(call);
        return;
    }
    begin(&w, call, "<ListMultipartUploadsResult " NAMESPACE ">");
    key(&w, "KeyMarker", s3_call_param(call, "key-marker"));
    element(&w, "UploadIdMarker", s3_call_param(call, "upload-id-marker"));
    echo(&w, "Prefix", "prefix");
    number(&w, "MaxUploads", limit);
    write_flag(&w, is_truncated(call));
    last = json_array_get(uploads, json_array_size(uploads) - 1);
    if (is_truncated(call)) {
        key(&w, "NextKeyMarker", member_str(last, "key"));
        element(&w, "NextUploadIdMarker", member_str(last, "uploadId"));
    }
    json_array_foreach(uploads, i, it)
        write_upload(&w, it);
    end(call, &w, "</ListMultipartUploadsResult>");
}

/* Without a marker of uploads, all those of the marker's key are behind. */
static void set_upload_marker(const struct s3_call *call, json_t *args)
{
    str marker = s3_call_param(call, "key-marker"), id = s3_call_param(call, "upload-id-marker");

    set_text(args, "keyMarker", marker);
    set_text(args, "uploadIdMarker", id.len || !marker.len ? id : STR("\x7f"));
}

void s3_list_uploads(struct s3_call *call)
{
    json_t *args = json_object();
    uint64_t limit;

    if (s3_call_param(call, "delimiter").len) {
        json_decref(args);
        s3_call_fail_text(call, S3_ERROR_NOT_IMPLEMENTED,
                          "ListMultipartUploads with a delimiter is not implemented.");
        return;
    }
    if (!take_limit(call, "max-uploads", &limit)) {
        json_decref(args);
        return;
    }
    set_text(args, "prefix", s3_call_param(call, "prefix"));
    set_upload_marker(call, args);
    json_object_set_new(args, "limit", json_integer((json_int_t)limit));
    s3_call_run(call, "uploads", args, answer_uploads);
}

/* ---- parts ---- */

static void answer_parts(struct s3_call *call)
{
    const json_t *parts = json_object_get(call->meta, "parts"), *it, *last;
    struct writer w;
    uint64_t limit;
    size_t i;

    if (call->err.code || !take_limit(call, "max-parts", &limit)) {
        if (call->err.code)
            s3_call_fail_err(call);
        return;
    }
    begin(&w, call, "<ListPartsResult " NAMESPACE ">");
    key(&w, "Key", call->target.key);
    element(&w, "UploadId", s3_call_param(call, "uploadId"));
    person(&w, "Initiator");
    person(&w, "Owner");
    element(&w, "StorageClass", STR("STANDARD"));
    echo(&w, "PartNumberMarker", "part-number-marker");
    last = json_array_get(parts, json_array_size(parts) - 1);
    if (is_truncated(call))
        number(&w, "NextPartNumberMarker", (uint64_t)member_int(last, "partNumber"));
    number(&w, "MaxParts", limit);
    write_flag(&w, is_truncated(call));
    json_array_foreach(parts, i, it) {
        raw(&w, "<Part>");
        number(&w, "PartNumber", (uint64_t)member_int(it, "partNumber"));
        etag(&w, member_str(it, "etag"));
        number(&w, "Size", (uint64_t)member_int(it, "size"));
        raw(&w, "</Part>");
    }
    end(call, &w, "</ListPartsResult>");
}

void s3_list_parts(struct s3_call *call)
{
    json_t *args = s3_call_args(call);
    uint64_t after = 0, limit;
    str marker = s3_call_param(call, "part-number-marker");

    if (marker.len && !str_to_u64(marker, INT32_MAX, &after)) {
        json_decref(args);
        s3_call_fail(call, S3_ERROR_ARGUMENT);
        return;
    }
    if (!take_limit(call, "max-parts", &limit)) {
        json_decref(args);
        return;
    }
    set_text(args, "uploadId", s3_call_param(call, "uploadId"));
    json_object_set_new(args, "after", json_integer((json_int_t)after));
    json_object_set_new(args, "limit", json_integer((json_int_t)limit));
    s3_call_run(call, "parts", args, answer_parts);
}
