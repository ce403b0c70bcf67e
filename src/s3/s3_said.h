/* What is said about an object: headers of requests as the store's JSON, and back as headers of
 * answers.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_S3_S3_SAID_H
#define ATOLL_S3_S3_SAID_H

#include "s3/s3_call.h"

/* Adds http, custom and storageClass to the arguments of a put or a create. False after the call
 * was answered. */
NODISCARD bool s3_said_read(struct s3_call *call, json_t *args);

/* The headers of an object; with response-content-type=... of the query in their place. */
void s3_said_put(struct s3_call *call, const json_t *meta);

/* The condition of the headers if-match ... (or, with a prefix, x-amz-copy-source-if-match ...) as
 * the store knows it. Returned owned; NULL: none. */
json_t *s3_said_condition(const struct s3_call *call, const char *prefix);

/* Which answer a get or head has whose condition does not hold: 304 or 412. */
int s3_said_status(const struct s3_call *call, const json_t *meta);

/* {offset?, length?, suffix?} of "bytes=..."; NULL when it is none, or several. Returned owned. */
json_t *s3_said_range(str text);

#endif
