/* Ops under js/compression.js, over web/codec.h.
 *
 *   op_compression_open(pool, format, decode)  pool: op_pool.h
 *   op_compression_write(stream, bytes)      gives it input, which is copied
 *   op_compression_read(stream, finish)      one piece of output, undefined when all is out
 *   op_compression_close(stream)             frees its memory now
 *
 * (1) A read makes at most OUT_BYTES and takes at most STEP_BYTES: what a bomb unpacks to comes in
 *     pieces, between which the isolate's limits are looked at.
 * (2) The memory of the libraries is not in the engine's heap, so the pool counts it. */
#include <stdlib.h>
#include <string.h>

#include "engine/handle.h"
#include "engine/op.h"
#include "engine/value.h"
#include "web/codec.h"
#include "web/op_pool.h"
#include "web/web.h"

enum {
    OUT_BYTES = 64 * 1024,
    STEP_BYTES = 1024 * 1024,
    POOL_BYTES_MAX = 64 * 1024 * 1024, /* libraries' memory of one isolate */
};

struct stream {
    struct handle handle;
    struct pool_share share;
    struct codec *codec;    /* NULL once closed */
    unsigned char *input;   /* owned */
    size_t input_len, input_at;
    bool is_bad;            /* the next read says so */
};

static const char stream_kind[] = "compression stream";

static void count(struct stream *stream)
{
    op_pool_count(&stream->share, stream->codec ? codec_bytes(stream->codec) : 0);
}

static void drop_input(struct stream *stream)
{
    free(stream->input);
    stream->input = NULL;
    stream->input_len = stream->input_at = 0;
}

static void stream_close(struct stream *stream)
{
    codec_free(stream->codec);
    stream->codec = NULL;
    count(stream);
    drop_input(stream);
}

static void on_stream_buried(struct handle *handle)
{
    struct stream *stream = CONTAINER_OF(handle, struct stream, handle);

    stream_close(stream);
    op_pool_leave(&stream->share);
    free(stream);
}

static struct stream *stream_of(JSContextRef ctx, JSValueRef value)
{
    struct handle *handle = handle_of(ctx, value, stream_kind);
    struct stream *stream = handle ? CONTAINER_OF(handle, struct stream, handle) : NULL;

    return stream && stream->codec ? stream : NULL;
}

/* (pool, number of the format, whether it decompresses) -> stream */
OP(op_compression_open)
{
    struct pool *pool = op_pool_of(ctx, OP_ARG(0));
    int format = (int)value_to_number(ctx, OP_ARG(1), -1);
    struct stream *stream;

    if (!pool || format < 0 || format >= CODEC_FORMATS)
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (op_pool_bytes(pool) > POOL_BYTES_MAX) {
        JSGarbageCollect(ctx); /* streams that were left unfinished may be garbage */
        return value_throw(ctx, ERR_LIMIT,
                           "too many compression streams at once: they take more than 64 MiB; "
                           "finish or cancel some first",
                           exception);
    }
    stream = mem_new(struct stream);
    stream->handle = (struct handle){.kind = stream_kind, .free = on_stream_buried};
    op_pool_join(&stream->share, pool);
    stream->codec = codec_new((enum codec_format)format, JSValueToBoolean(ctx, OP_ARG(2)));
    count(stream);
    return handle_object(ctx, &stream->handle);
}

/* (stream, bytes): all input that was given before has been read. */
OP(op_compression_write)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0));
    const void *bytes;
    size_t len;

    if (!stream || stream->input || !value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (len) {
        stream->input = mem_alloc(len);
        stream->input_len = len;
        memcpy(stream->input, bytes, len);
    }
    return JSValueMakeUndefined(ctx);
}

/* Runs the codec once into `out`. Returns 0 or ERR_INVALID. */
static int step(struct stream *stream, bool finish, unsigned char *out, size_t *ret_len)
{
    size_t left = stream->input_len - stream->input_at;
    size_t len = left < STEP_BYTES ? left : STEP_BYTES;
    const unsigned char *in = stream->input ? stream->input + stream->input_at : out;
    struct codec_io io = {in, len, out, OUT_BYTES};
    int r = codec_run(stream->codec, &io, finish && len == left);

    *ret_len = OUT_BYTES - io.out_len;
    stream->input_at += len - io.in_len;
    if (stream->input && stream->input_at == stream->input_len && *ret_len < OUT_BYTES)
        drop_input(stream);
    count(stream);
    return r;
}

static JSValueRef bad_input(JSContextRef ctx, struct stream *stream, JSValueRef *exception)
{
    const char *text = "the compressed data is not valid";

    if (codec_ended(stream->codec))
        text = "there is more data after the end of the compressed data";
    else if (!stream->input)
        text = "the compressed data ends too early";
    return value_throw(ctx, ERR_INVALID, text, exception);
}

/* (stream, finish) -> Uint8Array, which is empty when more calls are needed; undefined: the input
 * is used up and, with `finish`, the stream has ended. */
OP(op_compression_read)
{
    static unsigned char out[OUT_BYTES]; /* one thread, and emptied before this returns */
    struct stream *stream = stream_of(ctx, OP_ARG(0));
    bool finish = JSValueToBoolean(ctx, OP_ARG(1));
    size_t len;
    int r;

    if (!stream)
        return value_throw(ctx, ERR_CLOSED, NULL, exception);
    if (stream->is_bad)
        return bad_input(ctx, stream, exception);
    r = step(stream, finish, out, &len);
    if (op_pool_bytes(stream->share.pool) > 2 * (size_t)POOL_BYTES_MAX)
        return value_throw(ctx, ERR_LIMIT,
                           "the compression streams of this worker take too much "
                           "memory",
                           exception);
    if (r < 0) {
        stream->is_bad = true;
        if (!codec_ended(stream->codec) || !len)
            return bad_input(ctx, stream, exception);
    }
    if (!len && !stream->input)
        return JSValueMakeUndefined(ctx);
    return value_bytes(ctx, out, len);
}

/* (stream) */
OP(op_compression_close)
{
    struct stream *stream = stream_of(ctx, OP_ARG(0));

    if (stream)
        stream_close(stream);
    return JSValueMakeUndefined(ctx);
}

const struct op op_compression_table[] = {
    {"op_compression_open", op_compression_open},
    {"op_compression_write", op_compression_write},
    {"op_compression_read", op_compression_read},
    {"op_compression_close", op_compression_close},
    {0},
};
