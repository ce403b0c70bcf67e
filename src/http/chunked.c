/* The chunked decoder; see chunked.h.
 *
 * Everything but chunk data is read byte by byte by a table: a row is a state, a column a kind of
 * byte, a cell the next state; an empty cell is malformed. The table is the grammar:
 *
 *   SIZE_FIRST -> SIZE -> [BEFORE_EXT -> NAME.. -> VALUE..] -> SIZE_LF -> DATA, or TRAILER after 0
 *   DATA -> DATA_CR -> DATA_LF -> SIZE_FIRST
 *   TRAILER -> (TRAILER_NAME -> TRAILER_VALUE -> TRAILER_LF -> TRAILER)* -> END_LF -> END
 *
 * (1) FAILED is 0, so that what the table does not name fails.
 * (2) `left` is the chunk's size from SIZE_LF on, and in DATA it is more than 0. */
#include "http/chunked.h"

#include <inttypes.h>

#include "base/hex.h"
#include "http/head.h"

enum state {
    FAILED,
    SIZE_FIRST,
    SIZE,
    BEFORE_EXT,   /* white space before ';' */
    NAME_FIRST,
    NAME,
    AFTER_NAME,
    VALUE_FIRST,
    VALUE,
    QUOTED,
    ESCAPED,
    AFTER_QUOTED,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    END,
    STATE_COUNT,
};

enum kind {
    HEX,     /* a hexadecimal digit, which is a token character, too */
    TOKEN,   /* any other token character */
    BLANK,   /* SP, HTAB */
    CR,
    LF,
    SEMICOLON,
    EQUALS,
    QUOTE,
    BACKSLASH,
    COLON,
    TEXT,    /* any other visible character, and obs-text */
    CONTROL,
    KIND_COUNT,
};

static const unsigned char next_state[STATE_COUNT][KIND_COUNT] = {
    [SIZE_FIRST] = {[HEX] = SIZE},
    [SIZE] = {[HEX] = SIZE, [BLANK] = BEFORE_EXT, [SEMICOLON] = NAME_FIRST, [CR] = SIZE_LF},
    [BEFORE_EXT] = {[BLANK] = BEFORE_EXT, [SEMICOLON] = NAME_FIRST},
    [NAME_FIRST] = {[BLANK] = NAME_FIRST, [HEX] = NAME, [TOKEN] = NAME},
    [NAME] = {[HEX] = NAME, [TOKEN] = NAME, [BLANK] = AFTER_NAME, [EQUALS] = VALUE_FIRST,
              [SEMICOLON] = NAME_FIRST, [CR] = SIZE_LF},
    [AFTER_NAME] = {[BLANK] = AFTER_NAME, [EQUALS] = VALUE_FIRST, [SEMICOLON] = NAME_FIRST},
    [VALUE_FIRST] = {[BLANK] = VALUE_FIRST, [HEX] = VALUE, [TOKEN] = VALUE, [QUOTE] = QUOTED},
    [VALUE] = {[HEX] = VALUE, [TOKEN] = VALUE, [BLANK] = BEFORE_EXT, [SEMICOLON] = NAME_FIRST,
               [CR] = SIZE_LF},
    [QUOTED] = {[HEX] = QUOTED, [TOKEN] = QUOTED, [BLANK] = QUOTED, [SEMICOLON] = QUOTED,
                [EQUALS] = QUOTED, [COLON] = QUOTED, [TEXT] = QUOTED, [BACKSLASH] = ESCAPED,
                [QUOTE] = AFTER_QUOTED},
    [ESCAPED] = {[HEX] = QUOTED, [TOKEN] = QUOTED, [BLANK] = QUOTED, [SEMICOLON] = QUOTED,
                 [EQUALS] = QUOTED, [COLON] = QUOTED, [TEXT] = QUOTED, [BACKSLASH] = QUOTED,
                 [QUOTE] = QUOTED},
    [AFTER_QUOTED] = {[BLANK] = BEFORE_EXT, [SEMICOLON] = NAME_FIRST, [CR] = SIZE_LF},
    [SIZE_LF] = {[LF] = DATA},
    [DATA_CR] = {[CR] = DATA_LF},
    [DATA_LF] = {[LF] = SIZE_FIRST},
    [TRAILER] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [CR] = END_LF},
    [TRAILER_NAME] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [COLON] = TRAILER_VALUE},
    [TRAILER_VALUE] = {[HEX] = TRAILER_VALUE, [TOKEN] = TRAILER_VALUE, [BLANK] = TRAILER_VALUE,
                       [SEMICOLON] = TRAILER_VALUE, [EQUALS] = TRAILER_VALUE,
                       [QUOTE] = TRAILER_VALUE, [BACKSLASH] = TRAILER_VALUE,
                       [COLON] = TRAILER_VALUE, [TEXT] = TRAILER_VALUE, [CR] = TRAILER_LF},
    [TRAILER_LF] = {[LF] = TRAILER},
    [END_LF] = {[LF] = END},
};

/* How many bytes may be taken on the way to a state since the last one without a maximum. */
static const size_t bytes_max[STATE_COUNT] = {
    [SIZE] = CHUNKED_SIZE_DIGITS_MAX,
    [BEFORE_EXT ... AFTER_QUOTED] = CHUNKED_SIZE_LINE_BYTES_MAX,
    [TRAILER ... TRAILER_LF] = CHUNKED_TRAILER_BYTES_MAX,
};

static enum kind kind_of(char c)
{
    switch (c) {
    case '0' ... '9':
    case 'A' ... 'F':
    case 'a' ... 'f':
        return HEX;
    case ' ':
    case '\t':
        return BLANK;
    case '\r':
        return CR;
    case '\n':
        return LF;
    case ';':
        return SEMICOLON;
    case '=':
        return EQUALS;
    case '"':
        return QUOTE;
    case '\\':
        return BACKSLASH;
    case ':':
        return COLON;
    default:
        if (http_token_lower(c))
            return TOKEN;
        return (unsigned char)c < 0x20 || c == 0x7f ? CONTROL : TEXT;
    }
}

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = SIZE_FIRST};
}

/* Takes one byte that is not chunk data. */
static void step(struct chunked *c, char byte)
{
    enum state next = next_state[c->state][kind_of(byte)];

    if (next == SIZE)
        c->left = c->left << 4 | (unsigned)hex_digit(byte);
    if (next == DATA && !c->left)
        next = TRAILER;
    else if (!bytes_max[next])
        c->counted = 0;
    else if (++c->counted > bytes_max[next])
        next = FAILED;
    c->state = next;
}

static str take_data(struct chunked *c, str *input)
{
    str data = str_head(*input, c->left < input->len ? (size_t)c->left : input->len);

    *input = str_skip(*input, data.len);
    c->left -= data.len;
    if (!c->left)
        c->state = DATA_CR;
    return data;
}

/* What follows the digits of a size line, or the last chunk's, up to a state; the states without a
 * row have nothing of a chunk that is to come. */
static const char *const replays[STATE_COUNT] = {
    [SIZE] = "",
    [BEFORE_EXT] = " ",
    [NAME_FIRST] = ";",
    [NAME] = ";a",
    [AFTER_NAME] = ";a ",
    [VALUE_FIRST] = ";a=",
    [VALUE] = ";a=b",
    [QUOTED] = ";a=\"",
    [ESCAPED] = ";a=\"\\",
    [AFTER_QUOTED] = ";a=\"\"",
    [SIZE_LF] = "\r",
    [DATA] = "\r\n",
    [TRAILER] = "\r\n",
    [TRAILER_NAME] = "\r\na",
    [TRAILER_VALUE] = "\r\na:",
    [TRAILER_LF] = "\r\na:\r",
    [END_LF] = "\r\n\r",
    [END] = "\r\n\r\n",
};

/* The data is one chunk, what is to come of the current one another: their sum may be more than a
 * size can say. */
int chunked_replay(const struct chunked *c, str data, struct buf *out)
{
    const char *end = c->state == DATA_CR ? "" : c->state == DATA_LF ? "\r" : "\r\n";

    ASSERT(c->state != FAILED);
    if (data.len && (buf_printf(out, "%zx\r\n", data.len) < 0 || buf_append(out, data) < 0 ||
                     buf_append(out, str_from(end)) < 0))
        return ERR_LIMIT;
    if (!replays[c->state])
        return 0;
    return buf_printf(out, "%" PRIx64 "%s", c->left, replays[c->state]);
}

int chunked_decode(struct chunked *c, str *input, str *ret_data)
{
    while (c->state != FAILED && c->state != END) {
        if (!input->len)
            return 0;
        if (c->state == DATA) {
            *ret_data = take_data(c, input);
            return 1;
        }
        step(c, input->ptr[0]);
        *input = str_skip(*input, 1);
    }
    return c->state == END ? 2 : -400;
}
