/* web/codec: every format there and back, with buffers of every awkward size; what is not valid. */
#include "web/codec.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"

enum { INPUT_BYTES = 5000, OUT_BYTES_MAX = 1 << 20 };

/* Feeds `input` in pieces of `in_step` and takes output in pieces of `out_step`. Returns 0 or the
 * codec's error. */
static int run_all(enum codec_format format, bool decode, str input, size_t in_step,
                   size_t out_step, struct buf *out)
{
    struct codec *codec = codec_new(format, decode);
    unsigned char piece[64];
    int r = 0;

    ASSERT(out_step <= sizeof piece);
    for (bool more = true; more && r == 0;) {
        str now = str_head(input, in_step);
        struct codec_io io = {(const unsigned char *)now.ptr, now.len, piece, out_step};
        bool finish = now.len == input.len;

        r = codec_run(codec, &io, finish);
        input = str_skip(input, now.len - io.in_len);
        cr_assert_eq(buf_append(out, (str){(const char *)piece, out_step - io.out_len}), 0);
        more = !finish || io.in_len || !io.out_len;
    }
    cr_expect(r < 0 || codec_ended(codec));
    codec_free(codec);
    return r;
}

static void fill(char *bytes, size_t len)
{
    uint32_t state = 1;

    for (size_t i = 0; i < len; i++) {
        state = state * 1103515245 + 12345;
        bytes[i] = (char)(state >> 16 & 15);
    }
}

Test(codec, what_goes_in_comes_out)
{
    static const size_t steps[][2] = {{SIZE_MAX, 64}, {1, 1}, {7, 3}, {SIZE_MAX, 1}};
    static char bytes[INPUT_BYTES];
    struct buf packed, unpacked;

    fill(bytes, sizeof bytes);
    buf_init(&packed, OUT_BYTES_MAX);
    buf_init(&unpacked, OUT_BYTES_MAX);
    for (int format = 0; format < CODEC_FORMATS; format++)
        for (size_t i = 0; i < COUNT_OF(steps); i++)
            for (size_t len = 0; len <= sizeof bytes; len += sizeof bytes / 2) {
                str input = {bytes, len};

                buf_clear(&packed);
                buf_clear(&unpacked);
                cr_expect_eq(run_all(format, false, input, steps[i][0], steps[i][1], &packed), 0);
                cr_expect_eq(run_all(format, true, buf_str(&packed), steps[i][0], steps[i][1],
                                     &unpacked),
                             0);
                cr_expect(str_equal(buf_str(&unpacked), input), "format %d, %zu bytes", format,
                          len);
            }
    buf_done(&packed);
    buf_done(&unpacked);
}

Test(codec, refuses_what_is_cut_or_followed_by_more)
{
    struct buf packed, unpacked;

    buf_init(&packed, OUT_BYTES_MAX);
    buf_init(&unpacked, OUT_BYTES_MAX);
    for (int format = 0; format < CODEC_FORMATS; format++) {
        buf_clear(&packed);
        cr_assert_eq(run_all(format, false, STR("some words"), SIZE_MAX, 64, &packed), 0);
        for (size_t len = 0; len < packed.len; len++)
            cr_expect_eq(run_all(format, true, str_head(buf_str(&packed), len), SIZE_MAX, 64,
                                 &unpacked),
                         ERR_INVALID, "format %d cut to %zu", format, len);
        cr_assert_eq(buf_append(&packed, STR("\1")), 0);
        cr_expect_eq(run_all(format, true, buf_str(&packed), SIZE_MAX, 64, &unpacked), ERR_INVALID,
                     "format %d and more", format);
    }
    buf_done(&packed);
    buf_done(&unpacked);
}

Test(codec, output_comes_before_the_error_of_what_follows)
{
    static const unsigned char stored[] = {1, 1, 0, 0xFE, 0xFF, 'a', 'b'}; /* deflate-raw "a" */
    struct codec *codec = codec_new(CODEC_DEFLATE_RAW, true);
    unsigned char out[8];
    struct codec_io io = {stored, sizeof stored, out, sizeof out};

    cr_expect_eq(codec_run(codec, &io, false), ERR_INVALID);
    cr_expect(codec_ended(codec));
    cr_expect_eq(io.out_len, sizeof out - 1);
    cr_expect_eq(out[0], 'a');
    codec_free(codec);
}

Test(codec, tells_the_memory_it_takes)
{
    for (int format = 0; format < CODEC_FORMATS; format++)
        for (int decode = 0; decode < 2; decode++) {
            struct codec *codec = codec_new(format, decode);

            cr_expect_gt(codec_bytes(codec), 0);
            cr_expect_lt(codec_bytes(codec), 1 << 20, "format %d", format);
            codec_free(codec);
        }
    codec_free(NULL);
}

Test(codec, refuses_a_window_that_is_too_large)
{
    /* a zstd frame that asks for a window of 16 MiB: magic, descriptor, window */
    static const unsigned char frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0, 14 << 3, 1, 0, 0};
    struct codec *codec = codec_new(CODEC_ZSTD, true);
    unsigned char out[8];
    struct codec_io io = {frame, sizeof frame, out, sizeof out};

    cr_expect_eq(codec_run(codec, &io, true), ERR_INVALID);
    codec_free(codec);
}
