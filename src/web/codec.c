/* zlib, brotli and zstd behind one face.
 *
 * Each library wants pointers and lengths in its own shape, and tells differently that a stream has
 * ended; a row of `kinds` has the three verbs for each of the six ways. A `run` makes one call of
 * its library and returns ENDED, MORE or ERR_INVALID.
 *
 * (1) `run` is not called again after ENDED, but for zstd, where frames may follow each other.
 * (2) Memory is counted where it is taken: the libraries allocate while they run, and how much
 *     depends on the input. */
#include "web/codec.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

enum {
    ZLIB_LEVEL = 6,
    ZLIB_MEMORY_LEVEL = 8,
    ZLIB_WINDOW_BITS = 15,
    ZLIB_GZIP = 16,          /* added to the window's bits */
    BROTLI_QUALITY = 5,      /* what a server can afford on the fly */
    BROTLI_WINDOW_BITS = 20,
    ZSTD_LEVEL = 3,
    ZSTD_WINDOW_BITS_MAX = 23, /* RFC 9659 */
};

enum step { MORE, ENDED };

struct kind {
    void (*start)(struct codec *codec);
    int (*run)(struct codec *codec, struct codec_io *io, bool finish);
    void (*end)(struct codec *codec);
};

struct codec {
    const struct kind *kind;
    enum codec_format format;
    bool decodes;
    bool ended;
    size_t bytes; /* taken with count_alloc() */
    union {
        z_stream zlib;
        BrotliEncoderState *brotli_encoder;
        BrotliDecoderState *brotli_decoder;
        ZSTD_CStream *zstd_encoder;
        ZSTD_DStream *zstd_decoder;
    };
};

/* --- memory that counts: each piece knows its size ------------------------------------------- */

union head {
    size_t bytes;
    max_align_t align;
};

static void *count_alloc(void *opaque, size_t bytes)
{
    struct codec *codec = opaque;
    union head *head = mem_alloc(sizeof *head + bytes);

    head->bytes = bytes;
    codec->bytes += bytes;
    return head + 1;
}

static void count_free(void *opaque, void *memory)
{
    struct codec *codec = opaque;
    union head *head = memory;

    if (!head)
        return;
    head--;
    codec->bytes -= head->bytes;
    free(head);
}

/* --- zlib ------------------------------------------------------------------------------------ */

static void *zlib_alloc(void *opaque, unsigned items, unsigned size)
{
    return count_alloc(opaque, (size_t)items * size);
}

static int zlib_bits(const struct codec *codec)
{
    switch (codec->format) {
    case CODEC_GZIP:
        return ZLIB_WINDOW_BITS + ZLIB_GZIP;
    case CODEC_DEFLATE_RAW:
        return -ZLIB_WINDOW_BITS;
    default:
        return ZLIB_WINDOW_BITS;
    }
}

static void zlib_start(struct codec *codec)
{
    z_stream *zlib = &codec->zlib;
    int r;

    *zlib = (z_stream){.zalloc = zlib_alloc, .zfree = count_free, .opaque = codec};
    if (codec->decodes)
        r = inflateInit2(zlib, zlib_bits(codec));
    else
        r = deflateInit2(zlib, ZLIB_LEVEL, Z_DEFLATED, zlib_bits(codec), ZLIB_MEMORY_LEVEL,
                         Z_DEFAULT_STRATEGY);
    ASSERT(r == Z_OK);
}

static unsigned at_most_uint(size_t len)
{
    return len < UINT_MAX ? (unsigned)len : UINT_MAX;
}

static int zlib_run(struct codec *codec, struct codec_io *io, bool finish)
{
    z_stream *zlib = &codec->zlib;
    unsigned in_len = at_most_uint(io->in_len), out_len = at_most_uint(io->out_len);
    int r;

    zlib->next_in = (unsigned char *)io->in;
    zlib->avail_in = in_len;
    zlib->next_out = io->out;
    zlib->avail_out = out_len;
    if (codec->decodes)
        r = inflate(zlib, Z_NO_FLUSH);
    else
        r = deflate(zlib, finish && in_len == io->in_len ? Z_FINISH : Z_NO_FLUSH);
    io->in += in_len - zlib->avail_in;
    io->in_len -= in_len - zlib->avail_in;
    io->out += out_len - zlib->avail_out;
    io->out_len -= out_len - zlib->avail_out;
    if (r == Z_STREAM_END)
        return ENDED;
    return r == Z_OK || r == Z_BUF_ERROR ? MORE : ERR_INVALID;
}

static void zlib_end(struct codec *codec)
{
    if (codec->decodes)
        inflateEnd(&codec->zlib);
    else
        deflateEnd(&codec->zlib);
}

/* --- brotli ---------------------------------------------------------------------------------- */

static void brotli_encoder_start(struct codec *codec)
{
    BrotliEncoderState *state = BrotliEncoderCreateInstance(count_alloc, count_free, codec);

    ASSERT(state);
    BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, BROTLI_QUALITY);
    BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, BROTLI_WINDOW_BITS);
    codec->brotli_encoder = state;
}

static int brotli_encoder_run(struct codec *codec, struct codec_io *io, bool finish)
{
    BrotliEncoderState *state = codec->brotli_encoder;
    BrotliEncoderOperation op = finish ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS;

    ASSERT(
        BrotliEncoderCompressStream(state, op, &io->in_len, &io->in, &io->out_len, &io->out, NULL));
    return BrotliEncoderIsFinished(state) ? ENDED : MORE;
}

static void brotli_encoder_end(struct codec *codec)
{
    BrotliEncoderDestroyInstance(codec->brotli_encoder);
}

static void brotli_decoder_start(struct codec *codec)
{
    codec->brotli_decoder = BrotliDecoderCreateInstance(count_alloc, count_free, codec);
    ASSERT(codec->brotli_decoder);
}

static int brotli_decoder_run(struct codec *codec, struct codec_io *io, bool finish)
{
    BrotliDecoderResult result = BrotliDecoderDecompressStream(codec->brotli_decoder, &io->in_len,
                                                               &io->in, &io->out_len, &io->out,
                                                               NULL);

    (void)finish;
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return ERR_INVALID;
    return result == BROTLI_DECODER_RESULT_SUCCESS ? ENDED : MORE;
}

static void brotli_decoder_end(struct codec *codec)
{
    BrotliDecoderDestroyInstance(codec->brotli_decoder);
}

/* --- zstd ------------------------------------------------------------------------------------ */

static void zstd_encoder_start(struct codec *codec)
{
    codec->zstd_encoder = ZSTD_createCStream();
    ASSERT(codec->zstd_encoder);
    ZSTD_CCtx_setParameter(codec->zstd_encoder, ZSTD_c_compressionLevel, ZSTD_LEVEL);
}

static int zstd_encoder_run(struct codec *codec, struct codec_io *io, bool finish)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    size_t left = ZSTD_compressStream2(codec->zstd_encoder, &out, &in,
                                       finish ? ZSTD_e_end : ZSTD_e_continue);

    ASSERT(!ZSTD_isError(left));
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_len -= out.pos;
    return finish && left == 0 ? ENDED : MORE;
}

static void zstd_encoder_end(struct codec *codec)
{
    ZSTD_freeCStream(codec->zstd_encoder);
}

static void zstd_decoder_start(struct codec *codec)
{
    codec->zstd_decoder = ZSTD_createDStream();
    ASSERT(codec->zstd_decoder);
    ZSTD_DCtx_setParameter(codec->zstd_decoder, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS_MAX);
}

static int zstd_decoder_run(struct codec *codec, struct codec_io *io, bool finish)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    size_t left = ZSTD_decompressStream(codec->zstd_decoder, &out, &in);

    (void)finish;
    if (ZSTD_isError(left))
        return ERR_INVALID;
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_len -= out.pos;
    return left == 0 ? ENDED : MORE;
}

static void zstd_decoder_end(struct codec *codec)
{
    ZSTD_freeDStream(codec->zstd_decoder);
}

/* --- the face -------------------------------------------------------------------------------- */

static const struct kind *kind_of(enum codec_format format, bool decode)
{
    static const struct kind zlib = {zlib_start, zlib_run, zlib_end};
    static const struct kind brotli[] = {
        {brotli_encoder_start, brotli_encoder_run, brotli_encoder_end},
        {brotli_decoder_start, brotli_decoder_run, brotli_decoder_end}};
    static const struct kind zstd[] = {{zstd_encoder_start, zstd_encoder_run, zstd_encoder_end},
                                       {zstd_decoder_start, zstd_decoder_run, zstd_decoder_end}};

    if (format == CODEC_BROTLI)
        return &brotli[decode];
    return format == CODEC_ZSTD ? &zstd[decode] : &zlib;
}

struct codec *codec_new(enum codec_format format, bool decode)
{
    struct codec *codec = mem_new(struct codec);

    codec->kind = kind_of(format, decode);
    codec->format = format;
    codec->decodes = decode;
    codec->kind->start(codec);
    return codec;
}

void codec_free(struct codec *codec)
{
    if (!codec)
        return;
    codec->kind->end(codec);
    free(codec);
}

static bool goes_on(const struct codec *codec, const struct codec_io *io)
{
    return !codec->ended || (io->in_len && codec->format == CODEC_ZSTD && codec->decodes);
}

int codec_run(struct codec *codec, struct codec_io *io, bool finish)
{
    while (goes_on(codec, io) && io->out_len) {
        size_t in_len = io->in_len, out_len = io->out_len;
        int r = codec->kind->run(codec, io, finish);

        if (r < 0)
            return r;
        codec->ended = r == ENDED;
        if (io->in_len == in_len && io->out_len == out_len)
            break;
    }
    if (codec->ended)
        return io->in_len && !goes_on(codec, io) ? ERR_INVALID : 0;
    return codec->decodes && finish && !io->in_len && io->out_len ? ERR_INVALID : 0;
}

bool codec_ended(const struct codec *codec)
{
    return codec->ended;
}

size_t codec_bytes(const struct codec *codec)
{
    if (codec->format == CODEC_ZSTD)
        return codec->decodes ? ZSTD_sizeof_DStream(codec->zstd_decoder)
                              : ZSTD_sizeof_CStream(codec->zstd_encoder);
    return codec->bytes;
}
