/* aws-chunked; see aws_chunked.h.
 *
 *     SIZE ──line──> DATA ──all of it──> DATA_END ──\r\n──> SIZE
 *       └──line of size 0──> TRAILER ──line──> TRAILER
 */
#include "s3/aws_chunked.h"

#include "base/hex.h"

enum state { SIZE, DATA, DATA_CR, DATA_LF, TRAILER, BROKEN };
enum { SIZE_DIGITS_MAX = 16 };

void aws_chunked_init(struct aws_chunked *c)
{
    *c = (struct aws_chunked){.state = SIZE};
}

static enum aws_chunked_event broken(struct aws_chunked *c)
{
    c->state = BROKEN;
    return AWS_CHUNKED_MALFORMED;
}

/* Collects a line. Returns 1 when it is whole (without its end), 0 when it is not, -1 when it is
 * too long. */
static int take_line(struct aws_chunked *c, str *input, str *ret)
{
    while (input->len) {
        char byte = *input->ptr;

        *input = str_skip(*input, 1);
        if (byte == '\n') {
            *ret = (str){c->line, c->line_len};
            if (ret->len && ret->ptr[ret->len - 1] == '\r')
                ret->len--;
            c->line_len = 0;
            return 1;
        }
        if (c->line_len == sizeof c->line)
            return -1;
        c->line[c->line_len++] = byte;
    }
    return 0;
}

static bool read_size(struct aws_chunked *c, str text)
{
    c->size = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.ptr[i]);

        if (digit < 0 || i == SIZE_DIGITS_MAX)
            return false;
        c->size = c->size << 4 | (uint64_t)digit;
    }
    return text.len > 0;
}

/* "10000;chunk-signature=..." */
static bool read_head(struct aws_chunked *c, str line)
{
    static const char key[] = "chunk-signature=";
    size_t semicolon = str_find(line, ';');
    str extension = str_skip(line, semicolon + 1);

    c->signature_len = 0;
    if (str_starts(extension, STR("chunk-signature="))) {
        extension = str_skip(extension, sizeof key - 1);
        if (extension.len != sizeof c->signature)
            return false;
        memcpy(c->signature, extension.ptr, extension.len);
        c->signature_len = extension.len;
    } else if (extension.len) {
        return false;
    }
    return read_size(c, str_head(line, semicolon));
}

static enum aws_chunked_event end_chunk(struct aws_chunked *c, struct aws_chunked_piece *ret)
{
    ret->signature = (str){c->signature, c->signature_len};
    return AWS_CHUNKED_CHUNK;
}

/* AWS_CHUNKED_MORE: nothing to tell yet. */
static enum aws_chunked_event on_size_line(struct aws_chunked *c, str line,
                                           struct aws_chunked_piece *ret)
{
    if (!read_head(c, line))
        return broken(c);
    c->left = c->size;
    c->state = c->size ? DATA : TRAILER;
    return c->size ? AWS_CHUNKED_MORE : end_chunk(c, ret);
}

static enum aws_chunked_event on_trailer_line(struct aws_chunked *c, str line,
                                              struct aws_chunked_piece *ret)
{
    size_t colon = str_find(line, ':');

    if (!line.len)
        return AWS_CHUNKED_MORE;
    if (!colon || colon == line.len || ++c->trailers > AWS_CHUNKED_TRAILERS_MAX)
        return broken(c);
    ret->name = str_head(line, colon);
    ret->value = str_trim(str_skip(line, colon + 1));
    return AWS_CHUNKED_TRAILER;
}

static enum aws_chunked_event take_data(struct aws_chunked *c, str *input,
                                        struct aws_chunked_piece *ret)
{
    size_t len = c->left < input->len ? (size_t)c->left : input->len;

    ret->data = str_head(*input, len);
    *input = str_skip(*input, len);
    c->left -= len;
    if (!c->left)
        c->state = DATA_CR;
    return AWS_CHUNKED_DATA;
}

static enum aws_chunked_event step(struct aws_chunked *c, str *input, struct aws_chunked_piece *ret)
{
    str line;
    int r;

    switch (c->state) {
    case DATA:
        return take_data(c, input, ret);
    case DATA_CR:
    case DATA_LF:
        if (*input->ptr != (c->state == DATA_CR ? '\r' : '\n'))
            return broken(c);
        *input = str_skip(*input, 1);
        c->state = c->state == DATA_CR ? DATA_LF : SIZE;
        return c->state == SIZE ? end_chunk(c, ret) : AWS_CHUNKED_MORE;
    case SIZE:
    case TRAILER:
        r = take_line(c, input, &line);
        if (r < 0)
            return broken(c);
        if (r == 0)
            return AWS_CHUNKED_MORE;
        return c->state == SIZE ? on_size_line(c, line, ret) : on_trailer_line(c, line, ret);
    default:
        return AWS_CHUNKED_MALFORMED;
    }
}

enum aws_chunked_event aws_chunked_next(struct aws_chunked *c, str *input,
                                        struct aws_chunked_piece *ret)
{
    enum aws_chunked_event event = c->state == BROKEN ? AWS_CHUNKED_MALFORMED : AWS_CHUNKED_MORE;

    *ret = (struct aws_chunked_piece){0};
    while (input->len && event == AWS_CHUNKED_MORE)
        event = step(c, input, ret);
    return event;
}

bool aws_chunked_is_whole(const struct aws_chunked *c)
{
    return c->state == TRAILER && !c->line_len;
}
