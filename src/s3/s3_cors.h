/* Requests of pages of other origins: what a browser asks before them, and the rules by which their
 * answers can be read. The operations on rules are in s3_ops.h.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_S3_S3_CORS_H
#define ATOLL_S3_S3_CORS_H

#include "s3/s3_call.h"

/* Answers a preflight; calls then() for everything else, with call->cors when it has an origin. */
void s3_cors_start(struct s3_call *call, void (*then)(struct s3_call *call));

#endif
