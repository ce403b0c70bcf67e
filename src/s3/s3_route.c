/* Operations and the way to them; see s3_route.h. */
#include "s3/s3_route.h"

#include "base/member.h"
#include "s3/s3_ops.h"

/* The first row that fits is it. */
static const struct s3_op ops[] = {
    {"ListBuckets", "GET", NULL, NULL, s3_bucket_list_all, S3_SERVICE,
     S3_ERROR_INTERNAL, false, true, S3_CLASS_A},

    {"GetBucketLocation", "GET", "location", NULL, s3_bucket_location, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"GetBucketVersioning", "GET", "versioning", NULL, s3_bucket_versioning, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"GetBucketAcl", "GET", "acl", NULL, s3_bucket_acl, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"GetBucketCors", "GET", "cors", NULL, s3_cors_get, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"PutBucketCors", "PUT", "cors", NULL, s3_cors_set, S3_BUCKET,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
    {"DeleteBucketCors", "DELETE", "cors", NULL, s3_cors_delete, S3_BUCKET,
     S3_ERROR_INTERNAL, true, false, S3_FREE},
    {"GetBucketEncryption", "GET", "encryption", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_ENCRYPTION, false, false, S3_CLASS_B},
    {"GetBucketLifecycleConfiguration", "GET", "lifecycle", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_LIFECYCLE, false, false, S3_CLASS_B},
    {"GetBucketPolicy", "GET", "policy", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_POLICY, false, false, S3_CLASS_B},
    {"GetBucketTagging", "GET", "tagging", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_TAGS, false, false, S3_CLASS_B},
    {"GetBucketWebsite", "GET", "website", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_WEBSITE, false, false, S3_CLASS_B},
    {"GetObjectLockConfiguration", "GET", "object-lock", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_LOCK, false, false, S3_CLASS_B},
    {"GetPublicAccessBlock", "GET", "publicAccessBlock", NULL, NULL, S3_BUCKET,
     S3_ERROR_NO_PUBLIC_BLOCK, false, false, S3_CLASS_B},
    {"ListMultipartUploads", "GET", "uploads", NULL, s3_list_uploads, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_A},
    {"ListObjectsV2", "GET", "list-type", NULL, s3_list_objects_2, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_A},
    {"ListObjects", "GET", NULL, NULL, s3_list_objects, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_A},
    {"HeadBucket", "HEAD", NULL, NULL, s3_bucket_head, S3_BUCKET,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"CreateBucket", "PUT", NULL, NULL, s3_bucket_create, S3_BUCKET,
     S3_ERROR_INTERNAL, true, true, S3_CLASS_A},
    {"DeleteBucket", "DELETE", NULL, NULL, s3_bucket_delete, S3_BUCKET,
     S3_ERROR_INTERNAL, true, false, S3_FREE},
    {"DeleteObjects", "POST", "delete", NULL, s3_object_delete_many, S3_BUCKET,
     S3_ERROR_INTERNAL, true, false, S3_FREE},

    {"ListParts", "GET", "uploadId", NULL, s3_list_parts, S3_OBJECT,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_A},
    {"GetObjectAcl", "GET", "acl", NULL, s3_bucket_acl, S3_OBJECT,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"GetObjectTagging", "GET", "tagging", NULL, s3_bucket_no_tags, S3_OBJECT,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"GetObject", "GET", NULL, NULL, s3_object_get, S3_OBJECT,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"HeadObject", "HEAD", NULL, NULL, s3_object_head, S3_OBJECT,
     S3_ERROR_INTERNAL, false, false, S3_CLASS_B},
    {"UploadPartCopy", "PUT", "uploadId", "x-amz-copy-source", s3_copy_part, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
    {"UploadPart", "PUT", "uploadId", NULL, s3_put_part, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
    {"CopyObject", "PUT", NULL, "x-amz-copy-source", s3_copy_object, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
    {"PutObject", "PUT", NULL, NULL, s3_put_object, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
    {"AbortMultipartUpload", "DELETE", "uploadId", NULL, s3_multipart_abort, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_FREE},
    {"DeleteObject", "DELETE", NULL, NULL, s3_object_delete, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_FREE},
    {"CreateMultipartUpload", "POST", "uploads", NULL, s3_multipart_create, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
    {"CompleteMultipartUpload", "POST", "uploadId", NULL, s3_multipart_complete, S3_OBJECT,
     S3_ERROR_INTERNAL, true, false, S3_CLASS_A},
};

/* What would change what a request means, and is not here. */
static const char *const unknown_params[] = {
    "accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering",
    "inventory", "legal-hold", "lifecycle", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
    "replication", "requestPayment", "restore", "retention", "select", "session", "tagging",
    "torrent", "versionId", "versioning", "versions", "website",
};
static const char *const unknown_headers[] = {
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
};

static enum s3_level level_of(const struct s3_call *call)
{
    if (call->target.key.len)
        return S3_OBJECT;
    return call->target.bucket.len ? S3_BUCKET : S3_SERVICE;
}

static bool fits(const struct s3_op *op, const struct s3_call *call)
{
    return op->level == level_of(call) && str_equal(call->method, str_from(op->method)) &&
           (!op->param || s3_target_has(&call->target, op->param)) &&
           (!op->header || s3_call_header(call, op->header).len);
}

const struct s3_op *s3_route_find(const struct s3_call *call)
{
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        if (fits(&ops[i], call))
            return &ops[i];
    return NULL;
}

/* Part of what the operation found is made of. */
static bool is_known(const struct s3_op *op, const char *param)
{
    bool has_parts = (op->param && strcmp(op->param, "uploadId") == 0) ||
                     op->run == s3_object_get || op->run == s3_object_head;

    return (op->param && strcmp(op->param, param) == 0) ||
           (has_parts && strcmp(param, "partNumber") == 0);
}

/* False after the call was answered: the request asks for something that is not here. */
static bool check_known(struct s3_call *call)
{
    for (size_t i = 0; i < COUNT_OF(unknown_params); i++) {
        const char *name = unknown_params[i];
        bool is_null = strcmp(name, "versionId") == 0 &&
                       str_equal(s3_call_param(call, name), STR("null"));

        if (!is_known(call->op, name) && !is_null && s3_target_has(&call->target, name)) {
            s3_call_fail_text(call, S3_ERROR_NOT_IMPLEMENTED,
                              "%.*s with \"%s\" is not implemented.", STR_ARGS(call->method), name);
            return false;
        }
    }
    for (size_t i = 0; i < COUNT_OF(unknown_headers); i++)
        if (s3_call_header(call, unknown_headers[i]).len) {
            s3_call_fail_text(call, S3_ERROR_NOT_IMPLEMENTED,
                              "%s with the header %s is not implemented.", call->op->name,
                              unknown_headers[i]);
            return false;
        }
    return true;
}

static void run(struct s3_call *call)
{
    call->is_counted = true;
    if (call->op->run)
        call->op->run(call);
    else
        s3_call_fail(call, call->op->error);
}

static void on_bucket(struct s3_ask *ask)
{
    struct s3_call *call = CONTAINER_OF(ask, struct s3_call, ask);

    if (s3_call_is_open(call)) {
        if (ask->result) {
            call->bucket = r2_bucket_of(member_text(ask->result, "store"));
            call->bucket_created_ms = json_integer_value(
                json_object_get(ask->result, "created_ms"));
            json_decref(call->cors);
            call->cors = json_incref(json_object_get(ask->result, "cors"));
        }
        if (call->bucket)
            run(call);
        else
            s3_call_fail(call, ask->result || ask->err.code == ERR_NOT_FOUND
                                   ? S3_ERROR_NO_BUCKET
                                   : S3_ERROR_UNAVAILABLE);
    }
    s3_call_unref(call);
}

void s3_route_run(struct s3_call *call)
{
    call->op = s3_route_find(call);
    if (!call->op) {
        s3_call_fail(call, S3_ERROR_METHOD);
        return;
    }
    if (call->op->writes ? !call->may_write : !call->may_read) {
        s3_call_fail_text(call, S3_ERROR_ACCESS_DENIED,
                          "Access Denied: this takes a token with the scope storage:%s.",
                          call->op->writes ? "write" : "read");
        return;
    }
    if (call->target.key.len > R2_STORE_KEY_BYTES_MAX) {
        s3_call_fail(call, S3_ERROR_KEY_TOO_LONG);
        return;
    }
    if (!check_known(call))
        return;
    if (call->op->alone) {
        run(call);
        return;
    }
    s3_call_ask(call, "bucket",
                json_pack("{s:s, s:o}", "account", call->account, "name",
                          s3_call_json(call->target.bucket)),
                on_bucket);
}
