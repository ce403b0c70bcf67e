/* A codec: one stream of bytes being compressed or decompressed, piece by piece.
 *
 * Formats: gzip (RFC 1952), deflate in zlib's frame (RFC 1950) and without one (RFC 1951), brotli
 * (RFC 7932), zstd (RFC 8878). Sees no JavaScript and knows no buffers of its own: input and output
 * are the caller's.
 *
 * Owns: the library's state. Thread: any, one at a time.
 * Limits: a zstd window of 8 MiB when decoding; brotli's is 16 MiB by its format. */
#ifndef ATOLL_WEB_CODEC_H
#define ATOLL_WEB_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum codec_format {
    CODEC_DEFLATE,
    CODEC_DEFLATE_RAW,
    CODEC_GZIP,
    CODEC_BROTLI,
    CODEC_ZSTD,
    CODEC_FORMATS
};

/* What codec_run() may take and where it may put; it moves the pointers and counts the lengths
 * down. Both are borrowed for the call. */
struct codec_io {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_len;
};

struct codec;

/* Returned owned. */
struct codec *codec_new(enum codec_format format, bool decode);

/* NULL is fine. */
void codec_free(struct codec *codec);

/* Works until the input is used up, the output is full or the stream has ended. `finish` says that
 * no input follows what is in `io`; repeat the call with it until the stream has ended.
 * Returns 0, or ERR_INVALID: the input is not of this format, goes on behind the stream's end, or
 * ends too early. After an error only codec_free() may follow. */
NODISCARD int codec_run(struct codec *codec, struct codec_io *io, bool finish);

/* True once the stream is complete: everything was put out. A zstd stream may go on with a further
 * frame after that. */
bool codec_ended(const struct codec *codec);

/* Bytes of memory that the library's state takes now. */
size_t codec_bytes(const struct codec *codec);

#endif
