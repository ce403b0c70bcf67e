/* Copies, of objects and of ranges as parts; see s3_ops.h.
 *
 *   get of the source ── (piece read ── kept ── written)* ── put, or part
 *
 * A copy is one of bytes, in pieces: it takes no memory, and its time. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "s3/s3_ops.h"
#include "s3/s3_reader.h"
#include "s3/s3_said.h"
#include "s3/s3_xml.h"

struct copying {
    json_t *args;                   /* of the put or the part */
    json_t *range;                  /* of the source; NULL: all of it */
    struct s3_target source;
    struct s3_reader *reader;
    void (*reader_free)(void *reader);
    struct r2_upload_wait wait;
    bool is_part;
    bool replaces;                  /* x-amz-metadata-directive: REPLACE */
};

static void copying_free(void *state)
{
    struct copying *copying = state;

    if (copying->reader)
        copying->reader_free(copying->reader);
    s3_target_done(&copying->source);
    json_decref(copying->args);
    json_decref(copying->range);
    free(copying);
}

/* ---- the end ---- */

static void answer(struct s3_call *call)
{
    const struct copying *copying = call->state;
    const char *name = copying->is_part ? "CopyPartResult" : "CopyObjectResult";
    const json_t *uploaded = json_object_get(call->meta, "uploaded");
    struct buf xml;
    int r;

    if (call->err.code) {
        s3_call_fail_err(call);
        return;
    }
    if (!json_is_object(call->meta)) {
        s3_call_fail(call, S3_ERROR_PRECONDITION);
        return;
    }
    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_printf(&xml, "<%s>", name);
    if (r == 0 && !copying->is_part)
        r = s3_xml_element(&xml, "LastModified", s3_call_iso(json_integer_value(uploaded)));
    if (r == 0)
        r = buf_printf(&xml, "<ETag>&quot;%.*s&quot;</ETag></%s>",
                       STR_ARGS(member_str(call->meta, "etag")), name);
    s3_call_answer_xml(call, 200, &xml, r);
}

/* ---- pieces ---- */

static void write_piece(struct s3_call *call);

static void finish(struct s3_call *call)
{
    struct copying *copying = call->state;
    json_t *args = copying->args;

    copying->args = NULL;
    s3_call_run_upload(call, copying->is_part ? "part" : "put", args, answer);
}

static void on_read(struct s3_reader *reader)
{
    struct s3_call *call = reader->call;

    if (reader->err.code) {
        call->err = reader->err;
        s3_call_fail_err(call);
    } else {
        write_piece(call);
    }
}

static void go_on(struct s3_call *call)
{
    struct copying *copying = call->state;

    if (s3_reader_is_at_end(copying->reader))
        finish(call);
    else
        s3_reader_next(copying->reader, on_read);
}

static void on_written(struct r2_upload_wait *wait)
{
    struct copying *copying = CONTAINER_OF(wait, struct copying, wait);
    struct s3_call *call = copying->reader->call;

    if (s3_call_is_open(call)) {
        if (call->err.code)
            s3_call_fail_err(call);
        else
            go_on(call);
    }
    s3_call_unref(call);
}

static void write_piece(struct s3_call *call)
{
    struct copying *copying = call->state;

    if (r2_upload_keep(call->upload, buf_str(&copying->reader->bytes))) {
        go_on(call);
        return;
    }
    copying->wait = (struct r2_upload_wait){.done = on_written, .err = &call->err};
    s3_call_ref(call);
    r2_upload_write(call->upload, &copying->wait);
}

/* ---- the source ---- */

/* The bucket that was read from and the one that is written to change places. */
static void swap_buckets(struct s3_call *call)
{
    struct r2_bucket *bucket = call->bucket;

    call->bucket = call->source;
    call->source = bucket;
}

/* What the copy is to say of itself: the source's, unless it is replaced. */
static void take_said(struct copying *copying, const json_t *meta)
{
    static const char *const names[] = {"http", "custom", "storageClass"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!json_object_get(copying->args, names[i]))
            json_object_set(copying->args, names[i], json_object_get(meta, names[i]));
}

static void on_source(struct s3_call *call)
{
    struct copying *copying = call->state;

    swap_buckets(call);
    if (call->err.code) {
        s3_call_fail_err(call);
        return;
    }
    if (!call->request.holds) {
        s3_call_fail(call, S3_ERROR_PRECONDITION);
        return;
    }
    if (copying->range && !call->request.length) {
        s3_call_fail(call, S3_ERROR_INVALID_RANGE);
        return;
    }
    if (call->request.length > R2_STORE_SIZE_MAX) {
        s3_call_fail_text(call, S3_ERROR_INVALID_REQUEST,
                          "The specified copy source is larger than the maximum allowable size "
                          "for a copy source: copy it in parts.");
        return;
    }
    if (!copying->is_part && !copying->replaces)
        take_said(copying, call->meta);
    call->state = NULL;
    copying->reader = s3_reader_new(call);
    copying->reader_free = call->state_free;
    call->state = copying;
    call->state_free = copying_free;
    call->upload = r2_upload_new(call->bucket,
                                 r2_request_find(copying->is_part ? STR("part") : STR("put")),
                                 copying->args);
    write_piece(call);
}

static void read_source(struct s3_call *call)
{
    struct copying *copying = call->state;
    json_t *condition = s3_said_condition(call, "x-amz-copy-source-");
    json_t *args = json_pack("{s:o, s:O*}", "key", s3_call_json(copying->source.key), "range",
                             copying->range);

    if (condition)
        json_object_set_new(args, "onlyIf", condition);
    swap_buckets(call);
    s3_call_run(call, "get", args, on_source);
}

static void on_bucket(struct s3_ask *ask)
{
    struct s3_call *call = CONTAINER_OF(ask, struct s3_call, ask);

    if (s3_call_is_open(call)) {
        if (ask->result)
            call->source = r2_bucket_of(member_text(ask->result, "store"));
        if (call->source)
            read_source(call);
        else
            s3_call_fail(call, ask->result || ask->err.code == ERR_NOT_FOUND
                                   ? S3_ERROR_NO_BUCKET
                                   : S3_ERROR_UNAVAILABLE);
    }
    s3_call_unref(call);
}

/* "/bucket/key" or "bucket/key", in the target's coding. */
static bool parse_source(struct s3_call *call, struct copying *copying)
{
    str text = s3_call_header(call, "x-amz-copy-source");
    struct buf target;
    bool is_fine;

    buf_init(&target, HTTP_TARGET_BYTES_MAX);
    is_fine = (str_starts(text, STR("/")) || buf_append_char(&target, '/') == 0) &&
              buf_append(&target, text) == 0 &&
              s3_target_parse(&copying->source, STR_NONE, buf_str(&target), STR_NONE) == 0 &&
              copying->source.bucket.len && copying->source.key.len &&
              copying->source.key.len <= R2_STORE_KEY_BYTES_MAX;
    buf_done(&target);
    if (!is_fine)
        s3_call_fail_text(call, S3_ERROR_ARGUMENT,
                          "Copy Source must mention the source bucket and key: "
                          "sourcebucket/sourcekey");
    return is_fine;
}

/* copying->args are there. */
static void start(struct s3_call *call, struct copying *copying)
{
    call->state = copying;
    call->state_free = copying_free;
    if (!call->may_read) {
        s3_call_fail(call, S3_ERROR_ACCESS_DENIED);
        return;
    }
    if (!parse_source(call, copying))
        return;
    if (!copying->is_part && !copying->replaces &&
        str_equal(copying->source.bucket, call->target.bucket) &&
        str_equal(copying->source.key, call->target.key)) {
        s3_call_fail(call, S3_ERROR_COPY_SELF);
        return;
    }
    call->ask = (struct s3_ask){.done = on_bucket};
    s3_call_ref(call);
    s3_ask_start(&call->ask, "bucket",
                 json_pack("{s:s, s:o}", "account", call->account, "name",
                           s3_call_json(copying->source.bucket)));
}

/* ---- the operations ---- */

void s3_copy_object(struct s3_call *call)
{
    str directive = s3_call_header(call, "x-amz-metadata-directive");
    struct copying *copying;

    if (directive.len && !str_equal(directive, STR("COPY")) &&
        !str_equal(directive, STR("REPLACE"))) {
        s3_call_fail_text(call, S3_ERROR_ARGUMENT, "x-amz-metadata-directive is COPY or REPLACE.");
        return;
    }
    copying = mem_new(struct copying);
    copying->args = s3_call_args(call);
    copying->replaces = str_equal(directive, STR("REPLACE"));
    if (copying->replaces && !s3_said_read(call, copying->args))
        copying_free(copying);
    else
        start(call, copying);
}

void s3_copy_part(struct s3_call *call)
{
    str range = s3_call_header(call, "x-amz-copy-source-range");
    struct copying *copying;
    uint64_t number;

    if (!str_to_u64(s3_call_param(call, "partNumber"), R2_STORE_PARTS_MAX, &number) || !number) {
        s3_call_fail(call, S3_ERROR_ARGUMENT);
        return;
    }
    copying = mem_new(struct copying);
    copying->is_part = true;
    copying->args = s3_call_args(call);
    json_object_set_new(copying->args, "uploadId", s3_call_json(s3_call_param(call, "uploadId")));
    json_object_set_new(copying->args, "partNumber", json_integer((json_int_t)number));
    copying->range = s3_said_range(range);
    if (range.len && !copying->range) {
        copying_free(copying);
        s3_call_fail_text(call, S3_ERROR_ARGUMENT,
                          "The x-amz-copy-source-range value must be of the form "
                          "bytes=first-last.");
        return;
    }
    start(call, copying);
}
