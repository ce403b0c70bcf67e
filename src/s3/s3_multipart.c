/* Uploads in parts: begun, completed, given up; see s3_ops.h. */
#include <stdlib.h>

#include "base/member.h"
#include "s3/s3_intake.h"
#include "s3/s3_ops.h"
#include "s3/s3_said.h"
#include "s3/s3_xml.h"

#define NAMESPACE "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* ---- beginning ---- */

static void answer_created(struct s3_call *call)
{
    struct buf xml;
    int r;

    if (call->err.code) {
        s3_call_fail_err(call);
        return;
    }
    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_append(&xml, STR("<InitiateMultipartUploadResult " NAMESPACE ">"));
    if (r == 0)
        r = s3_xml_element(&xml, "Bucket", call->target.bucket);
    if (r == 0)
        r = s3_xml_element(&xml, "Key", call->target.key);
    if (r == 0)
        r = s3_xml_element(&xml, "UploadId", member_str(call->meta, "uploadId"));
    if (r == 0)
        r = buf_append(&xml, STR("</InitiateMultipartUploadResult>"));
    s3_call_answer_xml(call, 200, &xml, r);
}

void s3_multipart_create(struct s3_call *call)
{
    json_t *args = s3_call_args(call);

    if (s3_said_read(call, args))
        s3_call_run(call, "create", args, answer_created);
    else
        json_decref(args);
}

/* ---- completing ---- */

struct completion {
    json_t *parts;
    json_int_t number;      /* of the part that is being read */
    json_t *etag;
    bool is_unordered;
};

static void completion_free(void *state)
{
    struct completion *completion = state;

    json_decref(completion->parts);
    json_decref(completion->etag);
    free(completion);
}

static int end_part(struct completion *completion)
{
    size_t count = json_array_size(completion->parts);
    const json_t *last = json_array_get(completion->parts, count - 1);
    json_int_t before = member_int(last, "partNumber");

    if (!completion->number || !completion->etag || count == R2_STORE_PARTS_MAX)
        return ERR_INVALID;
    completion->is_unordered |= count && completion->number <= before;
    json_array_append_new(completion->parts,
                          json_pack("{s:I, s:o}", "partNumber", completion->number, "etag",
                                    completion->etag));
    completion->etag = NULL;
    completion->number = 0;
    return 0;
}

static int on_element(void *context, str path, str text)
{
    struct completion *completion = context;
    uint64_t number;

    if (str_equal(path, STR("CompleteMultipartUpload/Part")))
        return end_part(completion);
    text = str_trim(text);
    if (str_equal(path, STR("CompleteMultipartUpload/Part/PartNumber"))) {
        if (!str_to_u64(text, R2_STORE_PARTS_MAX, &number))
            return ERR_INVALID;
        completion->number = (json_int_t)number;
    } else if (str_equal(path, STR("CompleteMultipartUpload/Part/ETag"))) {
        if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
            text = str_head(str_skip(text, 1), text.len - 2);
        json_decref(completion->etag);
        completion->etag = s3_call_json(text);
    }
    return 0;
}

static void answer_completed(struct s3_call *call)
{
    struct buf xml;
    int r;

    if (call->err.code) {
        s3_call_fail_err(call);
        return;
    }
    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_append(&xml, STR("<CompleteMultipartUploadResult " NAMESPACE ">"));
    if (r == 0)
        r = s3_xml_element(&xml, "Location", call->target.path);
    if (r == 0)
        r = s3_xml_element(&xml, "Bucket", call->target.bucket);
    if (r == 0)
        r = s3_xml_element(&xml, "Key", call->target.key);
    if (r == 0)
        r = buf_printf(&xml, "<ETag>&quot;%.*s&quot;</ETag></CompleteMultipartUploadResult>",
                       STR_ARGS(member_str(call->meta, "etag")));
    s3_call_answer_xml(call, 200, &xml, r);
}

static void on_parts(struct s3_call *call)
{
    struct completion *completion = mem_new(struct completion);
    const struct s3_xml_reader reader = {on_element, completion};
    json_t *args;

    completion->parts = json_array();
    call->state = completion;
    call->state_free = completion_free;
    if (s3_xml_read(buf_str(&call->body), &reader) < 0 || !json_array_size(completion->parts)) {
        s3_call_fail(call, S3_ERROR_MALFORMED_XML);
        return;
    }
    if (completion->is_unordered) {
        s3_call_fail(call, S3_ERROR_PART_ORDER);
        return;
    }
    args = s3_call_args(call);
    json_object_set_new(args, "uploadId", s3_call_json(s3_call_param(call, "uploadId")));
    json_object_set(args, "parts", completion->parts);
    s3_call_run(call, "complete", args, answer_completed);
}

void s3_multipart_complete(struct s3_call *call)
{
    if (s3_call_header(call, "if-match").len || s3_call_header(call, "if-none-match").len)
        s3_call_fail_text(call, S3_ERROR_NOT_IMPLEMENTED,
                          "CompleteMultipartUpload with a condition is not implemented.");
    else if (s3_intake_prepare(call))
        s3_intake_start(call, on_parts);
}

/* ---- giving up ---- */

static void answer_aborted(struct s3_call *call)
{
    if (call->err.code)
        s3_call_fail_err(call);
    else
        s3_call_answer(call, 204);
}

void s3_multipart_abort(struct s3_call *call)
{
    json_t *args = s3_call_args(call);

    json_object_set_new(args, "uploadId", s3_call_json(s3_call_param(call, "uploadId")));
    s3_call_run(call, "abort", args, answer_aborted);
}
