/* Objects and parts that come with the request; see s3_ops.h.
 *
 * (1) The store is asked only when the whole body was there and everything that was said of it
 *     holds: until then there are files that no row names. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "s3/s3_intake.h"
#include "s3/s3_ops.h"
#include "s3/s3_said.h"

static void args_free(void *state)
{
    json_decref(state);
}

/* `args` is taken. */
static void start(struct s3_call *call, const char *word, json_t *args,
                  void (*on_whole)(struct s3_call *call))
{
    call->state = args;
    call->state_free = args_free;
    if (!s3_intake_prepare(call))
        return;
    call->upload = r2_upload_new(call->bucket, r2_request_find(str_from(word)), args);
    s3_intake_start(call, on_whole);
}

static json_t *take_args(struct s3_call *call)
{
    json_t *args = call->state;

    call->state = NULL;
    return args;
}

static void put_checksum(struct s3_call *call)
{
    const struct s3_checksum_kind *kind;
    char name[64];
    str value;

    kind = s3_intake_checksum(call, &value);
    if (!kind)
        return;
    snprintf(name, sizeof name, "x-amz-checksum-%s", kind->name);
    s3_call_put(call, name, value);
    s3_call_put(call, "x-amz-checksum-type", STR("FULL_OBJECT"));
}

/* ---- an object ---- */

/* What was not to be there is, or the other way round. */
static bool failed(struct s3_call *call)
{
    if (call->err.code)
        s3_call_fail_err(call);
    else if (!json_is_object(call->meta))
        s3_call_fail(call, S3_ERROR_PRECONDITION);
    return !s3_call_is_open(call);
}

static void answer_put(struct s3_call *call)
{
    if (failed(call))
        return;
    s3_call_put_etag(call, member_str(call->meta, "etag"));
    put_checksum(call);
    s3_call_answer(call, 200);
}

static void on_object(struct s3_call *call)
{
    s3_call_run_upload(call, "put", take_args(call), answer_put);
}

void s3_put_object(struct s3_call *call)
{
    json_t *args = s3_call_args(call), *condition = s3_said_condition(call, "");

    if (condition)
        json_object_set_new(args, "onlyIf", condition);
    if (s3_said_read(call, args))
        start(call, "put", args, on_object);
    else
        json_decref(args);
}

/* ---- a part ---- */

static void answer_part(struct s3_call *call)
{
    if (failed(call))
        return;
    s3_call_put_etag(call, member_str(call->meta, "etag"));
    put_checksum(call);
    s3_call_answer(call, 200);
}

static void on_part(struct s3_call *call)
{
    s3_call_run_upload(call, "part", take_args(call), answer_part);
}

/* The upload is looked for before its bytes are taken: "parts" knows whether there is one. */
static void on_found(struct s3_call *call)
{
    if (call->err.code)
        s3_call_fail_err(call);
    else
        start(call, "part", take_args(call), on_part);
}

void s3_put_part(struct s3_call *call)
{
    str id = s3_call_param(call, "uploadId");
    json_t *args;
    uint64_t number;

    if (!str_to_u64(s3_call_param(call, "partNumber"), R2_STORE_PARTS_MAX, &number) || !number) {
        s3_call_fail_text(call, S3_ERROR_ARGUMENT,
                          "Part number must be an integer between 1 and %d, inclusive",
                          R2_STORE_PARTS_MAX);
        return;
    }
    args = s3_call_args(call);
    json_object_set_new(args, "uploadId", s3_call_json(id));
    json_object_set_new(args, "partNumber", json_integer((json_int_t)number));
    call->state = args;
    call->state_free = args_free;
    s3_call_run(call, "parts",
                json_pack("{s:o, s:o, s:i}", "key", s3_call_json(call->target.key), "uploadId",
                          s3_call_json(id), "limit", 1),
                on_found);
}
