/* Objects that are larger than a frame to a runtime can be: in and out piece by piece.
 *
 * Owns: a piece of each object on its way. Thread: the loop's. Limits: API_R2_STREAM_BYTES_MAX in;
 * a piece of API_R2_STREAM_PIECE_BYTES in memory each way. */
#ifndef ATOLL_API_API_R2_STREAM_H
#define ATOLL_API_API_R2_STREAM_H

#include "api/stored.h"

enum { API_R2_STREAM_PIECE_BYTES = 5 << 20 };

#define API_R2_STREAM_BYTES_MAX (UINT64_C(5) << 30)

/* Takes the body of a call of which only the head is read, as an upload in parts, and answers as
 * `on_put` does when it has the object's meta. Both are taken: the bucket's row, and the arguments
 * of a put. */
void api_r2_stream_put(struct call *call, json_t *row, json_t *args,
                       void (*on_put)(void *call, const struct platform_stored *stored));

/* What an answer is about. Borrowed for the call. */
struct api_r2_stream_get {
    const json_t *row;      /* the bucket's */
    const char *key;
    const char *etag;       /* it is another object when this changes: the answer is cut */
    uint64_t offset;        /* of the first byte that is wanted */
    uint64_t length;        /* more than `first` has */
    int status;
    str head;               /* as in http_answer_start() */
    str first;              /* bytes of it that are here already */
};

void api_r2_stream_get(struct call *call, const struct api_r2_stream_get *what);

#endif
