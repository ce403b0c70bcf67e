/* What a request is for: bucket and key out of host and path, the parameters of its query.
 *
 *   path style:          http://host/bucket/key?a=b
 *   virtual-host style:  http://bucket.<domain>/key?a=b
 *
 * Everything is decoded; the path is also kept as it is signed. Nothing of a key is repaired:
 * "a//b" and "a/../b" are keys.
 * Owns: its bytes. Thread: any.
 * Limits: HTTP_TARGET_BYTES_MAX of target, S3_TARGET_PARAMS_MAX parameters. */
#ifndef ATOLL_S3_S3_TARGET_H
#define ATOLL_S3_S3_TARGET_H

#include "base/buf.h"

enum { S3_TARGET_PARAMS_MAX = 64 };

struct s3_param {
    str name, value;
};

struct s3_target {
    char *bytes;        /* everything below points into it */
    str path;           /* decoded, with the slash it begins with */
    str bucket;         /* "": the service itself is meant */
    str key;            /* "": the bucket is meant */
    size_t param_count;
    struct s3_param params[S3_TARGET_PARAMS_MAX];
};

/* Parses. `domain`: that of virtual hosts, without a port. Returns 0, or ERR_INVALID when the
 * target is malformed, decodes to what is no UTF-8, or has a NUL. done() is for both. */
NODISCARD int s3_target_parse(struct s3_target *target, str host, str raw, str domain);
void s3_target_done(struct s3_target *target);

/* The value of a parameter ("" when it has none), or STR_NONE when it is not there. */
str s3_target_param(const struct s3_target *target, const char *name);

/* True when the query has it. */
bool s3_target_has(const struct s3_target *target, const char *name);

/* Appends `text` with all but letters, digits, "-", ".", "_" and "~" as %XX; '/' stays when
 * `keep_slash`. Returns 0 or ERR_LIMIT. */
NODISCARD int s3_target_encode(str text, bool keep_slash, struct buf *out);

#endif
