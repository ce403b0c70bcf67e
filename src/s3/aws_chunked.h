/* Decoder of the content coding aws-chunked, fed as bytes arrive.
 *
 *   10000;chunk-signature=<64 digits>\r\n <65536 bytes> \r\n ... 0;chunk-signature=...\r\n
 *   x-amz-checksum-crc32:<base64>\r\n x-amz-trailer-signature:<64 digits>\r\n \r\n
 *
 * Signatures and trailers are optional here: the caller knows what is due. The end of the bytes is
 * that of the request's body.
 * Owns: what it has of a line. Thread: any, one at a time. Limits: below.
 * Source: "Transferring Payload in Multiple Chunks" of the Amazon S3 API reference. */
#ifndef ATOLL_S3_AWS_CHUNKED_H
#define ATOLL_S3_AWS_CHUNKED_H

#include "base/mem.h"
#include "base/str.h"

enum { AWS_CHUNKED_LINE_BYTES_MAX = 512, AWS_CHUNKED_TRAILERS_MAX = 16 };

enum aws_chunked_event {
    AWS_CHUNKED_MORE,       /* all bytes were taken */
    AWS_CHUNKED_DATA,       /* a run of data */
    AWS_CHUNKED_CHUNK,      /* a chunk has ended, an empty one also: its signature */
    AWS_CHUNKED_TRAILER,    /* a line of the trailer */
    AWS_CHUNKED_MALFORMED,  /* final */
};

struct aws_chunked {
    int state;
    uint64_t left;                          /* of a chunk's data */
    uint64_t size;                          /* of the chunk */
    unsigned trailers;
    size_t line_len;
    char line[AWS_CHUNKED_LINE_BYTES_MAX];
    size_t signature_len;
    char signature[64];
};

struct aws_chunked_piece {
    str data;                   /* a view into the input */
    str signature;              /* "" when the chunk has none */
    str name, value;            /* of a trailer's line; valid until the next call */
};

void aws_chunked_init(struct aws_chunked *c);

/* Takes bytes from the front of *input up to the next event. */
enum aws_chunked_event aws_chunked_next(struct aws_chunked *c, str *input,
                                        struct aws_chunked_piece *ret);

/* True when the bytes may end here: the last chunk and whole lines of the trailer have come. */
bool aws_chunked_is_whole(const struct aws_chunked *c);

#endif
