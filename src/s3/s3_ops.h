/* The operations: each takes a call that may run it, whose bucket is there when it needs one, and
 * answers it, now or later.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_S3_S3_OPS_H
#define ATOLL_S3_S3_OPS_H

#include "s3/s3_call.h"

/* ---- s3_bucket.c ---- */
void s3_bucket_list_all(struct s3_call *call);
void s3_bucket_create(struct s3_call *call);
void s3_bucket_head(struct s3_call *call);
void s3_bucket_delete(struct s3_call *call);
void s3_bucket_location(struct s3_call *call);
void s3_bucket_versioning(struct s3_call *call);
void s3_bucket_acl(struct s3_call *call);
void s3_bucket_no_tags(struct s3_call *call);

/* ---- s3_cors.c ---- */
void s3_cors_get(struct s3_call *call);
void s3_cors_set(struct s3_call *call);
void s3_cors_delete(struct s3_call *call);

/* ---- s3_list.c ---- */
void s3_list_objects(struct s3_call *call);
void s3_list_objects_2(struct s3_call *call);
void s3_list_uploads(struct s3_call *call);
void s3_list_parts(struct s3_call *call);

/* ---- s3_object.c ---- */
void s3_object_get(struct s3_call *call);
void s3_object_head(struct s3_call *call);
void s3_object_delete(struct s3_call *call);
void s3_object_delete_many(struct s3_call *call);

/* ---- s3_put.c ---- */
void s3_put_object(struct s3_call *call);
void s3_put_part(struct s3_call *call);

/* ---- s3_copy.c ---- */
void s3_copy_object(struct s3_call *call);
void s3_copy_part(struct s3_call *call);

/* ---- s3_multipart.c ---- */
void s3_multipart_create(struct s3_call *call);
void s3_multipart_complete(struct s3_call *call);
void s3_multipart_abort(struct s3_call *call);

#endif
