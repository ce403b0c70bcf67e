/* An object's bytes on their way out, after a get: piece by piece, read on a thread.
 *
 * Owns: the source, one piece. Thread: the loop's. Limits: S3_READER_BYTES at once. */
#ifndef ATOLL_S3_S3_READER_H
#define ATOLL_S3_S3_READER_H

#include "s3/s3_call.h"

enum { S3_READER_BYTES = 256 << 10 };

struct s3_reader {
    struct storage_job job;
    struct storage_job_queue *queue;
    struct r2_source source;
    struct s3_call *call;
    struct buf bytes;                       /* the piece */
    struct err err;
    void (*done)(struct s3_reader *reader); /* it is there, or `err` */
};

/* Takes what call->request, a get that went well, has read and will read: the first piece is in
 * `bytes` at once. It becomes the call's state. Borrowed. */
struct s3_reader *s3_reader_new(struct s3_call *call);

/* True when there is no further piece. */
bool s3_reader_is_at_end(const struct s3_reader *reader);

/* Reads the next piece; one at a time. done() is not called when nobody waits for it any more. */
void s3_reader_next(struct s3_reader *reader, void (*done)(struct s3_reader *reader));

/* Answers with all of it: call->head has the lines, `length` the bytes. */
void s3_reader_answer(struct s3_call *call, int status, uint64_t length);

#endif
