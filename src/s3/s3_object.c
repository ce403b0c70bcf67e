/* Objects read and deleted; see s3_ops.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "s3/s3_intake.h"
#include "s3/s3_ops.h"
#include "s3/s3_reader.h"
#include "s3/s3_said.h"
#include "s3/s3_xml.h"

/* ---- reading ---- */

static bool is_ranged(const struct s3_call *call)
{
    return json_object_get(call->request.args, "range") != NULL;
}

static bool is_part(const struct s3_call *call)
{
    return s3_target_has(&call->target, "partNumber");
}

/* Of no bytes there is no range. */
static void put_range(struct s3_call *call, uint64_t size)
{
    const struct r2_request *request = &call->request;
    char text[80];

    if (!request->length)
        return;
    snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)request->offset,
             (unsigned long long)(request->offset + request->length - 1), (unsigned long long)size);
    s3_call_put(call, "content-range", str_from(text));
}

/* Its entity tag says so: "<md5>-<count>". */
static bool is_in_parts(const json_t *meta)
{
    str etag = member_str(meta, "etag");

    return str_find(etag, '-') < etag.len;
}

static void answer_get(struct s3_call *call)
{
    const struct r2_request *request = &call->request;
    uint64_t size = (uint64_t)member_int(call->meta, "size");
    int status;

    if (call->err.code) {
        if (is_part(call) && s3_error_of(&call->err) == S3_ERROR_INVALID_RANGE)
            s3_call_fail(call, S3_ERROR_PART_NUMBER);
        else
            s3_call_fail_err(call);
        return;
    }
    if (!request->holds) {
        status = s3_said_status(call, call->meta);
        s3_call_put_etag(call, member_str(call->meta, "etag"));
        s3_call_put_time(call, "last-modified", member_int(call->meta, "uploaded"));
        if (status == 304)
            s3_call_answer(call, status);
        else
            s3_call_fail(call, S3_ERROR_PRECONDITION);
        return;
    }
    if (is_ranged(call) && !is_part(call) && !request->length) {
        s3_call_fail(call, S3_ERROR_INVALID_RANGE);
        return;
    }
    s3_said_put(call, call->meta);
    if (is_ranged(call))
        put_range(call, size);
    if (is_part(call) && is_in_parts(call->meta))
        s3_call_put_number(call, "x-amz-mp-parts-count", request->part_count);
    s3_reader_answer(call, is_ranged(call) ? 206 : 200, request->length);
}

/* {part}, or the range of the header, which is left aside with If-Range: that is allowed, and asks
 * no second question. False after the call was answered. */
static bool read_wanted(struct s3_call *call, json_t **ret)
{
    str range = s3_call_header(call, "range"), part = s3_call_param(call, "partNumber");
    uint64_t number;

    *ret = NULL;
    if (!is_part(call)) {
        if (!s3_call_header(call, "if-range").len)
            *ret = s3_said_range(range);
        return true;
    }
    if (range.len)
        s3_call_fail_text(call, S3_ERROR_INVALID_REQUEST,
                          "Cannot specify both Range header and partNumber query parameter");
    else if (!str_to_u64(part, R2_STORE_PARTS_MAX, &number) || !number)
        s3_call_fail_text(call, S3_ERROR_ARGUMENT,
                          "Part number must be an integer between 1 and 10000, inclusive");
    else
        *ret = json_pack("{s:I}", "part", (json_int_t)number);
    return *ret != NULL;
}

/* A head is a get that reads nothing: the range and the conditions are the same. */
static void start_get(struct s3_call *call)
{
    json_t *args, *condition, *range;

    if (!read_wanted(call, &range))
        return;
    args = s3_call_args(call);
    condition = s3_said_condition(call, "");
    if (condition)
        json_object_set_new(args, "onlyIf", condition);
    if (range)
        json_object_set_new(args, "range", range);
    s3_call_run(call, "get", args, answer_get);
}

void s3_object_get(struct s3_call *call)
{
    start_get(call);
}

void s3_object_head(struct s3_call *call)
{
    start_get(call);
}

/* ---- deleting ---- */

static void answer_deleted(struct s3_call *call)
{
    if (call->err.code)
        s3_call_fail_err(call);
    else
        s3_call_answer(call, 204);
}

void s3_object_delete(struct s3_call *call)
{
    s3_call_run(call, "delete", json_pack("{s:[o]}", "keys", s3_call_json(call->target.key)),
                answer_deleted);
}

struct deletion {
    json_t *keys;
    bool is_quiet;
};

static void deletion_free(void *state)
{
    struct deletion *deletion = state;

    json_decref(deletion->keys);
    free(deletion);
}

static int on_element(void *context, str path, str text)
{
    struct deletion *deletion = context;

    if (str_equal(path, STR("Delete/Quiet"))) {
        deletion->is_quiet = str_equal_nocase(str_trim(text), STR("true"));
    } else if (str_equal(path, STR("Delete/Object/Key"))) {
        if (!text.len || json_array_size(deletion->keys) == R2_STORE_KEYS_MAX)
            return ERR_INVALID;
        json_array_append_new(deletion->keys, s3_call_json(text));
    }
    return 0;
}

static void answer_deleted_many(struct s3_call *call)
{
    const struct deletion *deletion = call->state;
    const json_t *it;
    struct buf xml;
    size_t i;
    int r;

    if (call->err.code) {
        s3_call_fail_err(call);
        return;
    }
    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_append(&xml, STR("<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    json_array_foreach(deletion->keys, i, it) {
        if (r < 0 || deletion->is_quiet)
            break;
        r = buf_append(&xml, STR("<Deleted>"));
        if (r == 0)
            r = s3_xml_element(&xml, "Key", (str){json_string_value(it), json_string_length(it)});
        if (r == 0)
            r = buf_append(&xml, STR("</Deleted>"));
    }
    if (r == 0)
        r = buf_append(&xml, STR("</DeleteResult>"));
    s3_call_answer_xml(call, 200, &xml, r);
}

static void on_keys(struct s3_call *call)
{
    struct deletion *deletion = mem_new(struct deletion);
    const struct s3_xml_reader reader = {on_element, deletion};

    deletion->keys = json_array();
    call->state = deletion;
    call->state_free = deletion_free;
    if (s3_xml_read(buf_str(&call->body), &reader) < 0 || !json_array_size(deletion->keys))
        s3_call_fail(call, S3_ERROR_MALFORMED_XML);
    else
        s3_call_run(call, "delete", json_pack("{s:O}", "keys", deletion->keys),
                    answer_deleted_many);
}

void s3_object_delete_many(struct s3_call *call)
{
    if (s3_intake_prepare(call))
        s3_intake_start(call, on_keys);
}
