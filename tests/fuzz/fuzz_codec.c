/* web/codec: any bytes, in any of the formats. Cut anywhere, decoding must give the same answer and
 * the same bytes; what decodes must come through encoding and decoding again. Of zstd only the
 * bytes are compared: it checks a frame's size when it sees the whole frame, and not in pieces. */
#include <stdlib.h>

#include "base/buf.h"
#include "web/codec.h"

enum { OUT_BYTES_MAX = 1 << 20, PIECE_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns 0, ERR_INVALID, or ERR_LIMIT: it unpacks to more than is of interest. */
static int run_all(enum codec_format format, bool decode, str input, size_t step, struct buf *out)
{
    struct codec *codec = codec_new(format, decode);
    static unsigned char piece[PIECE_BYTES];
    bool more = true;
    int r = 0;

    while (more && r == 0) {
        str now = str_head(input, step);
        struct codec_io io = {(const unsigned char *)now.ptr, now.len, piece, sizeof piece};
        bool finish = now.len == input.len;

        r = codec_run(codec, &io, finish);
        ASSERT(io.in_len <= now.len && io.out_len <= sizeof piece);
        input = str_skip(input, now.len - io.in_len);
        if (buf_append(out, (str){(const char *)piece, sizeof piece - io.out_len}) < 0)
            r = ERR_LIMIT;
        more = !finish || io.in_len || !io.out_len;
    }
    codec_free(codec);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum codec_format format = size ? data[0] % CODEC_FORMATS : 0;
    size_t step = size ? data[0] / CODEC_FORMATS + 1 : 1;
    str input = str_skip((str){(const char *)data, size}, 1);
    struct buf once, pieces, packed;
    int r, r_pieces;

    buf_init(&once, OUT_BYTES_MAX);
    buf_init(&pieces, OUT_BYTES_MAX);
    buf_init(&packed, 2 * OUT_BYTES_MAX);
    r = run_all(format, true, input, input.len, &once);
    r_pieces = run_all(format, true, input, step, &pieces);
    ASSERT(r == r_pieces || r == ERR_LIMIT || r_pieces == ERR_LIMIT || format == CODEC_ZSTD);
    if (r == 0 && r_pieces == 0) {
        ASSERT(str_equal(buf_str(&once), buf_str(&pieces)));
        buf_clear(&pieces);
        ASSERT(run_all(format, false, buf_str(&once), step, &packed) == 0);
        ASSERT(run_all(format, true, buf_str(&packed), step * 16, &pieces) == 0);
        ASSERT(str_equal(buf_str(&once), buf_str(&pieces)));
    }
    buf_done(&once);
    buf_done(&pieces);
    buf_done(&packed);
    return 0;
}
