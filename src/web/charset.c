/* Decoders of the multi-byte encodings; see charset.h. Each is the standard's state machine, fed
 * one byte at a time.
 *
 * (1) A step reads one byte, or END at the end of the input, and puts out at most one character or
 *     one error, but for four of Big5's that are two characters.
 * (2) What the standard calls restoring bytes puts them back in front of the input. Only bytes that
 *     are pending are put back, so output never exceeds the bytes taken in by more than
 *     CHARSET_SPARE_UNITS. */
#include "web/charset.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "web/charset_index.h"

enum { END = -1, BACK_MAX = 3 };

/* States of ISO-2022-JP. */
enum iso_state {
    ISO_ASCII,
    ISO_ROMAN,
    ISO_KATAKANA,
    ISO_LEAD,
    ISO_TRAIL,
    ISO_ESCAPE_START,
    ISO_ESCAPE
};

struct charset {
    void (*step)(struct charset *, int byte);
    bool is_fatal;
    bool is_jis0212;      /* EUC-JP: 0x8F has been read */
    bool has_escaped;     /* ISO-2022-JP: nothing was put out since the last escape sequence */
    enum iso_state state; /* ISO-2022-JP */
    enum iso_state output_state;
    int lead, second, third; /* bytes that are pending, 0 for none; GB18030 has up to three */
    int back[BACK_MAX];      /* bytes put back, the first to be read last */
    int back_count;
    uint16_t *to;
    bool is_malformed;
};

static void put(struct charset *charset, uint32_t point)
{
    if (point > 0xFFFF) {
        *charset->to++ = (uint16_t)(0xD7C0 + (point >> 10));
        *charset->to++ = (uint16_t)(0xDC00 + (point & 0x3FF));
    } else {
        *charset->to++ = (uint16_t)point;
    }
}

static void refuse(struct charset *charset)
{
    charset->is_malformed = true;
    put(charset, CHARSET_REPLACEMENT);
}

/* To be read again: the last byte given comes first. */
static void restore(struct charset *charset, int byte)
{
    ASSERT(charset->back_count < BACK_MAX);
    charset->back[charset->back_count++] = byte;
}

static bool within(int byte, int first, int last)
{
    return byte >= first && byte <= last;
}

/* After two bytes: their character, or an error that leaves an ASCII byte for itself. */
static void put_found(struct charset *charset, uint32_t point, int byte)
{
    if (point) {
        put(charset, point);
        return;
    }
    refuse(charset);
    if (within(byte, 0, 0x7F))
        restore(charset, byte);
}

static int take_lead(struct charset *charset)
{
    int lead = charset->lead;

    charset->lead = 0;
    return lead;
}

/* A byte when nothing is pending: ASCII, or a lead byte from `first` to `last`. */
static void begin(struct charset *charset, int byte, int first, int last)
{
    if (within(byte, 0, 0x7F))
        put(charset, (uint32_t)byte);
    else if (within(byte, first, last))
        charset->lead = byte;
    else if (byte != END)
        refuse(charset);
}

/* Big5's two pointers of pairs: a letter and a combining accent. */
static bool put_accented(struct charset *charset, unsigned pointer)
{
    bool is_upper = pointer == 1133 || pointer == 1135;

    if (!is_upper && pointer != 1164 && pointer != 1166)
        return false;
    put(charset, is_upper ? 0xCA : 0xEA);
    put(charset, pointer == 1133 || pointer == 1164 ? 0x304 : 0x30C);
    return true;
}

static void step_big5(struct charset *charset, int byte)
{
    int lead = take_lead(charset);
    unsigned pointer = 0;
    uint32_t point = 0;

    if (!lead) {
        begin(charset, byte, 0x81, 0xFE);
        return;
    }
    if (within(byte, 0x40, 0x7E) || within(byte, 0xA1, 0xFE)) {
        pointer = (unsigned)((lead - 0x81) * 157 + byte - (byte < 0x7F ? 0x40 : 0x62));
        if (put_accented(charset, pointer))
            return;
        point = charset_index_at(CHARSET_INDEX_BIG5, pointer);
    }
    put_found(charset, point, byte);
}

static void step_euc_kr(struct charset *charset, int byte)
{
    int lead = take_lead(charset);
    uint32_t point = 0;

    if (!lead) {
        begin(charset, byte, 0x81, 0xFE);
        return;
    }
    if (within(byte, 0x41, 0xFE))
        point = charset_index_at(CHARSET_INDEX_EUC_KR,
                                 (unsigned)((lead - 0x81) * 190 + byte - 0x41));
    put_found(charset, point, byte);
}

static void step_euc_jp(struct charset *charset, int byte)
{
    int lead = take_lead(charset);
    bool is_jis0212 = charset->is_jis0212;
    uint32_t point = 0;

    charset->is_jis0212 = false;
    if (!lead) {
        if (byte == 0x8E || byte == 0x8F)
            charset->lead = byte;
        else
            begin(charset, byte, 0xA1, 0xFE);
        return;
    }
    if (lead == 0x8F && within(byte, 0xA1, 0xFE)) {
        charset->is_jis0212 = true;
        charset->lead = byte;
        return;
    }
    if (lead == 0x8E && within(byte, 0xA1, 0xDF))
        point = (uint32_t)(0xFF61 - 0xA1 + byte);
    else if (within(lead, 0xA1, 0xFE) && within(byte, 0xA1, 0xFE))
        point = charset_index_at(is_jis0212 ? CHARSET_INDEX_JIS0212 : CHARSET_INDEX_JIS0208,
                                 (unsigned)((lead - 0xA1) * 94 + byte - 0xA1));
    put_found(charset, point, byte);
}

static void step_shift_jis(struct charset *charset, int byte)
{
    int lead = take_lead(charset);
    unsigned pointer;
    uint32_t point = 0;

    if (!lead) {
        if (byte == 0x80)
            put(charset, 0x80);
        else if (within(byte, 0xA1, 0xDF))
            put(charset, (uint32_t)(0xFF61 - 0xA1 + byte));
        else if (within(byte, 0x81, 0x9F))
            charset->lead = byte;
        else
            begin(charset, byte, 0xE0, 0xFC);
        return;
    }
    if (within(byte, 0x40, 0x7E) || within(byte, 0x80, 0xFC)) {
        pointer = (unsigned)((lead - (lead < 0xA0 ? 0x81 : 0xC1)) * 188 + byte -
                             (byte < 0x7F ? 0x40 : 0x41));
        point = pointer >= 8836 && pointer <= 10715 /* what users define */
                    ? 0xE000 - 8836 + pointer
                    : charset_index_at(CHARSET_INDEX_JIS0208, pointer);
    }
    put_found(charset, point, byte);
}

/* GB18030 with four bytes, of which one or two more than the lead are there. */
static void step_gb_four(struct charset *charset, int byte)
{
    int lead = charset->lead, second = charset->second, third = charset->third;
    uint32_t point = 0;

    if (byte != END && !third && within(byte, 0x81, 0xFE)) {
        charset->third = byte;
        return;
    }
    charset->lead = charset->second = charset->third = 0;
    if (third && within(byte, 0x30, 0x39)) {
        point = charset_index_gb_range((unsigned)((lead - 0x81) * 12600 + (second - 0x30) * 1260 +
                                                  (third - 0x81) * 10 + byte - 0x30));
        put_found(charset, point, END);
        return;
    }
    refuse(charset);
    if (byte == END)
        return;
    restore(charset, byte);
    if (third)
        restore(charset, third);
    restore(charset, second);
}

static void step_gb18030(struct charset *charset, int byte)
{
    uint32_t point = 0;
    int lead;

    if (charset->second) {
        step_gb_four(charset, byte);
        return;
    }
    if (charset->lead && within(byte, 0x30, 0x39)) {
        charset->second = byte;
        return;
    }
    lead = take_lead(charset);
    if (!lead) {
        if (byte == 0x80)
            put(charset, 0x20AC);
        else
            begin(charset, byte, 0x81, 0xFE);
        return;
    }
    if (within(byte, 0x40, 0x7E) || within(byte, 0x80, 0xFE))
        point = charset_index_at(CHARSET_INDEX_GB18030, (unsigned)((lead - 0x81) * 190 + byte -
                                                                   (byte < 0x7F ? 0x40 : 0x41)));
    put_found(charset, point, byte);
}

/* ---- ISO-2022-JP: escape sequences change the state ---- */

static void iso_escape(struct charset *charset, int byte)
{
    int lead = take_lead(charset);
    int sequence = lead << 8 | (byte == END ? 0 : byte);
    bool was_escaped = charset->has_escaped, is_known = true;

    switch (sequence) {
    case 0x2842:
        charset->output_state = ISO_ASCII;
        break;
    case 0x284A:
        charset->output_state = ISO_ROMAN;
        break;
    case 0x2849:
        charset->output_state = ISO_KATAKANA;
        break;
    case 0x2440:
    case 0x2442:
        charset->output_state = ISO_LEAD;
        break;
    default:
        is_known = false;
    }
    charset->state = charset->output_state;
    charset->has_escaped = is_known;
    if (is_known && !was_escaped)
        return;
    refuse(charset);
    if (is_known)
        return;
    if (byte != END)
        restore(charset, byte);
    restore(charset, lead);
}

static void iso_escape_start(struct charset *charset, int byte)
{
    if (byte == 0x24 || byte == 0x28) {
        charset->lead = byte;
        charset->state = ISO_ESCAPE;
        return;
    }
    charset->has_escaped = false;
    charset->state = charset->output_state;
    refuse(charset);
    if (byte != END)
        restore(charset, byte);
}

/* A byte that stands for itself or for one of another alphabet; 0 for one that may not be here.
 * U+0000 is told apart by `byte`. */
static uint32_t iso_single(enum iso_state state, int byte)
{
    if (state == ISO_KATAKANA)
        return within(byte, 0x21, 0x5F) ? (uint32_t)(0xFF61 - 0x21 + byte) : 0;
    if (byte > 0x7F || byte == 0x0E || byte == 0x0F)
        return 0;
    if (state == ISO_ROMAN && byte == 0x5C)
        return 0xA5;
    return state == ISO_ROMAN && byte == 0x7E ? 0x203E : (uint32_t)byte;
}

static void iso_trail(struct charset *charset, int byte)
{
    int lead = take_lead(charset);
    uint32_t point = 0;

    charset->state = byte == 0x1B ? ISO_ESCAPE_START : ISO_LEAD;
    if (within(byte, 0x21, 0x7E))
        point = charset_index_at(CHARSET_INDEX_JIS0208,
                                 (unsigned)((lead - 0x21) * 94 + byte - 0x21));
    put_found(charset, point, END);
}

static void step_iso_2022_jp(struct charset *charset, int byte)
{
    uint32_t point;

    if (charset->state == ISO_ESCAPE) {
        iso_escape(charset, byte);
        return;
    }
    if (charset->state == ISO_ESCAPE_START) {
        iso_escape_start(charset, byte);
        return;
    }
    if (charset->state == ISO_TRAIL) {
        iso_trail(charset, byte);
        return;
    }
    if (byte == 0x1B) {
        charset->state = ISO_ESCAPE_START;
        return;
    }
    if (byte == END)
        return;
    charset->has_escaped = false;
    if (charset->state == ISO_LEAD && within(byte, 0x21, 0x7E)) {
        charset->lead = byte;
        charset->state = ISO_TRAIL;
        return;
    }
    point = charset->state == ISO_LEAD ? 0 : iso_single(charset->state, byte);
    if (point || (byte == 0 && charset->state <= ISO_ROMAN))
        put(charset, point);
    else
        refuse(charset);
}

/* ---- the decoder ---- */

static const struct {
    str name;
    void (*step)(struct charset *, int byte);
} decoders[] = {
    {STR("gbk"), step_gb18030},       {STR("gb18030"), step_gb18030},
    {STR("big5"), step_big5},         {STR("euc-jp"), step_euc_jp},
    {STR("iso-2022-jp"), step_iso_2022_jp}, {STR("shift_jis"), step_shift_jis},
    {STR("euc-kr"), step_euc_kr},
};

struct charset *charset_new(str name, bool is_fatal)
{
    for (size_t i = 0; i < COUNT_OF(decoders); i++)
        if (str_equal(decoders[i].name, name)) {
            struct charset *charset = mem_new(struct charset);
            charset->step = decoders[i].step;
            charset->is_fatal = is_fatal;
            return charset;
        }
    return NULL;
}

void charset_free(struct charset *charset)
{
    free(charset);
}

static void start_anew(struct charset *charset)
{
    *charset = (struct charset){.step = charset->step, .is_fatal = charset->is_fatal};
}

static bool is_open(const struct charset *charset)
{
    return charset->lead || charset->state > ISO_LEAD || charset->back_count;
}

/* Reads `byte` and then what it put back. */
static void feed(struct charset *charset, int byte)
{
    charset->step(charset, byte);
    while (charset->back_count)
        charset->step(charset, charset->back[--charset->back_count]);
}

int64_t charset_decode(struct charset *charset, str bytes, bool is_last, uint16_t *out)
{
    charset->to = out;
    for (size_t i = 0; i < bytes.len; i++) {
        feed(charset, (unsigned char)bytes.ptr[i]);
        if (charset->is_malformed && charset->is_fatal) {
            start_anew(charset);
            return ERR_INVALID;
        }
    }
    while (is_last && is_open(charset))
        feed(charset, END);
    ASSERT((size_t)(charset->to - out) <= bytes.len + CHARSET_SPARE_UNITS);
    if (is_last) {
        bool is_refused = charset->is_malformed && charset->is_fatal;
        int64_t len = charset->to - out;
        start_anew(charset);
        return is_refused ? ERR_INVALID : len;
    }
    return charset->to - out;
}
