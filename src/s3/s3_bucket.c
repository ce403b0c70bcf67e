/* Operations on buckets; see s3_ops.h. */
#include <stdlib.h>

#include "base/member.h"
#include "s3/s3_ops.h"
#include "s3/s3_xml.h"

#define NAMESPACE "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* Owner: the account. */
static int write_owner(struct buf *xml, const struct s3_call *call)
{
    int r = buf_append(xml, STR("<Owner>"));

    if (r == 0)
        r = s3_xml_element(xml, "ID", str_from(call->account));
    if (r == 0)
        r = s3_xml_element(xml, "DisplayName", str_from(call->account));
    return r < 0 ? r : buf_append(xml, STR("</Owner>"));
}

/* ---- the service ---- */

static int write_buckets(struct buf *xml, const struct s3_call *call)
{
    const json_t *row;
    size_t i;
    int r = buf_append(xml, STR("<ListAllMyBucketsResult " NAMESPACE ">"));

    if (r == 0)
        r = write_owner(xml, call);
    if (r == 0)
        r = buf_append(xml, STR("<Buckets>"));
    json_array_foreach(call->ask.result, i, row) {
        if (r == 0)
            r = buf_append(xml, STR("<Bucket>"));
        if (r == 0)
            r = s3_xml_element(xml, "Name", member_str(row, "name"));
        if (r == 0)
            r = s3_xml_element(xml, "CreationDate", s3_call_iso(member_int(row, "created_ms")));
        if (r == 0)
            r = buf_append(xml, STR("</Bucket>"));
    }
    return r < 0 ? r : buf_append(xml, STR("</Buckets></ListAllMyBucketsResult>"));
}

static void on_list(struct s3_ask *asked)
{
    struct s3_call *call = CONTAINER_OF(asked, struct s3_call, ask);
    struct buf xml;

    if (s3_call_is_open(call) && !s3_call_ask_failed(call)) {
        buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
        s3_call_answer_xml(call, 200, &xml, write_buckets(&xml, call));
    }
    s3_call_unref(call);
}

void s3_bucket_list_all(struct s3_call *call)
{
    s3_call_ask(call, "buckets", s3_call_subject(call), on_list);
}

/* ---- made and deleted ---- */

static void on_created(struct s3_ask *asked)
{
    struct s3_call *call = CONTAINER_OF(asked, struct s3_call, ask);
    struct buf location;

    if (s3_call_is_open(call) && !s3_call_ask_failed(call)) {
        buf_init(&location, HTTP_TARGET_BYTES_MAX);
        if (buf_printf(&location, "/%.*s", STR_ARGS(call->target.bucket)) == 0)
            s3_call_put(call, "location", buf_str(&location));
        buf_done(&location);
        s3_call_answer(call, 200);
    }
    s3_call_unref(call);
}

/* There is one location: what the body says of it is not read. */
void s3_bucket_create(struct s3_call *call)
{
    s3_call_ask(call, "create", s3_call_subject(call), on_created);
}

static void on_deleted(struct s3_ask *asked)
{
    struct s3_call *call = CONTAINER_OF(asked, struct s3_call, ask);

    if (s3_call_is_open(call) && !s3_call_ask_failed(call))
        s3_call_answer(call, 204);
    s3_call_unref(call);
}

static void on_sealed(struct s3_call *call)
{
    if (call->err.code)
        s3_call_fail_err(call);
    else if (member_int(call->meta, "objects"))
        s3_call_fail(call, S3_ERROR_BUCKET_NOT_EMPTY);
    else
        s3_call_ask(call, "delete", s3_call_subject(call), on_deleted);
}

void s3_bucket_delete(struct s3_call *call)
{
    s3_call_run(call, "seal", json_object(), on_sealed);
}

/* ---- what is said of one ---- */

void s3_bucket_head(struct s3_call *call)
{
    s3_call_put(call, "x-amz-bucket-region", STR("auto"));
    s3_call_answer(call, 200);
}

static void answer_text(struct s3_call *call, str text)
{
    struct buf xml;

    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    s3_call_answer_xml(call, 200, &xml, buf_append(&xml, text));
}

void s3_bucket_location(struct s3_call *call)
{
    answer_text(call, STR("<LocationConstraint " NAMESPACE ">auto</LocationConstraint>"));
}

void s3_bucket_versioning(struct s3_call *call)
{
    answer_text(call, STR("<VersioningConfiguration " NAMESPACE "/>"));
}

/* Of an object: none, and clients that copy ask. */
void s3_bucket_no_tags(struct s3_call *call)
{
    answer_text(call, STR("<Tagging " NAMESPACE "><TagSet/></Tagging>"));
}

/* Everything is the account's, and nobody else's. */
void s3_bucket_acl(struct s3_call *call)
{
    struct buf xml;
    int r;

    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_append(&xml, STR("<AccessControlPolicy " NAMESPACE ">"));
    if (r == 0)
        r = write_owner(&xml, call);
    if (r == 0)
        r = buf_append(&xml, STR("<AccessControlList><Grant><Grantee "
                                 "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                                 "xsi:type=\"CanonicalUser\">"));
    if (r == 0)
        r = s3_xml_element(&xml, "ID", str_from(call->account));
    if (r == 0)
        r = s3_xml_element(&xml, "DisplayName", str_from(call->account));
    if (r == 0)
        r = buf_append(&xml, STR("</Grantee><Permission>FULL_CONTROL</Permission></Grant>"
                                 "</AccessControlList></AccessControlPolicy>"));
    s3_call_answer_xml(call, 200, &xml, r);
}
