/* What was done with each bucket: counted until the supervisor is told, once a second.
 *
 *   {"type": "usage", "workers": {"<account>/r2:<bucket>": {"requests", "errors", "wall_us",
 *    "bytes_in", "bytes_out", "class_a", "class_b", "outcomes": {WORD: NUMBER}}}}
 *
 * as runtimes tell it of theirs (runtime/meter.h). What is done with the account itself, as to list
 * its buckets, is of the bucket "*". What is refused before it is known whose it is, for want of a
 * scope, or because there is no such bucket, counts for nobody.
 * Owns: the counters. Thread: the loop's. Limits: S3_METER_ROWS_MAX buckets a frame. */
#ifndef ATOLL_S3_S3_METER_H
#define ATOLL_S3_S3_METER_H

#include "s3/s3_call.h"

enum { S3_METER_ROWS_MAX = 2048 };

/* A call whose answer is whole, or will not be. */
void s3_meter_call(const struct s3_call *call);

/* The frame that is due, returned owned; NULL when nothing was done. With very many buckets it
 * tells of some: ask again. */
json_t *s3_meter_take(void);

#endif
