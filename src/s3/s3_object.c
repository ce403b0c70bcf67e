/* Objects read and deleted; see s3_ops.h. */
#include <stdio.h>
#include <stdlib.h>

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

static void put_range(struct s3_call *call, uint64_t size)
{
    const struct r2_request *request = &call->request;
    char text[80];

    snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)request->offset,
             (unsigned long long)(request->offset + request->length - 1), (unsigned long long)size);
    s3_call_put(call, "content-range", str_from(text));
}

static void answer_get(struct s3_call *call)
{
    const struct r2_request *request = &call->request;
    uint64_t size = (uint64_t)json_integer_value(json_object_get(call->meta, "size"));
    int status;

    if (call->err.code) {
        s3_call_fail_err(call);
        return;
    }
    if (!request->holds) {
        status = s3_said_status(call, call->meta);
        s3_call_put_etag(call, s3_call_text(call->meta, "etag"));
        s3_call_put_time(call, "last-modified",
                         json_integer_value(json_object_get(call->meta, "uploaded")));
        if (status == 304)
            s3_call_answer(call, status);
        else
            s3_call_fail(call, S3_ERROR_PRECONDITION);
        return;
    }
    if (is_ranged(call) && !request->length) {
        s3_call_fail(call, S3_ERROR_INVALID_RANGE);
        return;
    }
    s3_said_put(call, call->meta);
    if (is_ranged(call))
        put_range(call, size);
    s3_reader_answer(call, is_ranged(call) ? 206 : 200, request->length);
}

/* A range is left aside with If-Range, which is allowed, and asks no second question. A head is a
 * get that reads nothing: the range and the conditions are the same. */
static void start_get(struct s3_call *call)
{
    json_t *args = s3_call_args(call), *condition = s3_said_condition(call, ""), *range = NULL;

    if (!s3_call_header(call, "if-range").len)
        range = s3_said_range(s3_call_header(call, "range"));
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
