/* UTF-8 as bytes; see utf8.h. */
#include "base/utf8.h"

enum { MALFORMED = 0 };

/* How many bytes the character that starts with `lead` has, and what its second byte may be. */
static size_t length_of(unsigned char lead, unsigned char *ret_low, unsigned char *ret_high)
{
    *ret_low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *ret_high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : MALFORMED;
}

/* True when the bytes of `text`, at most those of one character, may start one of `length`. */
static bool is_start(str text, size_t length, unsigned char low, unsigned char high)
{
    for (size_t i = 1; i < text.len && i < length; i++, low = 0x80, high = 0xBF) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < low || c > high)
            return false;
    }
    return true;
}

static size_t ascii_len(str text)
{
    const uint64_t high = UINT64_MAX / 255 * 0x80;
    uint64_t word;
    size_t i = 0;

    for (; text.len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.ptr + i, sizeof word);
        if (word & high)
            break;
    }
    while (i < text.len && !(text.ptr[i] & 0x80))
        i++;
    return i;
}

bool utf8_is_valid(str text)
{
    unsigned char low, high;

    for (;;) {
        size_t length;

        text = str_skip(text, ascii_len(text));
        if (!text.len)
            return true;
        length = length_of((unsigned char)text.ptr[0], &low, &high);
        if (length == MALFORMED || length > text.len || !is_start(text, length, low, high))
            return false;
        text = str_skip(text, length);
    }
}

str utf8_skip_bom(str text)
{
    return str_starts(text, STR("\xEF\xBB\xBF")) ? str_skip(text, 3) : text;
}

size_t utf8_open_tail(str text)
{
    unsigned char low, high;

    for (size_t back = 1; back <= 3 && back <= text.len; back++) {
        str tail = str_skip(text, text.len - back);
        unsigned char lead = (unsigned char)tail.ptr[0];
        size_t length;

        if ((lead & 0xC0) == 0x80)
            continue;
        length = length_of(lead, &low, &high);
        return length > back && is_start(tail, length, low, high) ? back : 0;
    }
    return 0;
}

/* How many units at the start are ASCII, four at a time and then one by one. */
static size_t ascii_units(const uint16_t *units, size_t len)
{
    const uint64_t not_ascii = 0xFF80FF80FF80FF80;
    uint64_t four;
    size_t i = 0;

    for (; len - i >= 4; i += 4) {
        memcpy(&four, units + i, sizeof four);
        if (four & not_ascii)
            break;
    }
    while (i < len && units[i] < 0x80)
        i++;
    return i;
}

/* The code point at the start of `units`; *ret_taken says how many units it has. */
static uint32_t point_at(const uint16_t *units, size_t len, size_t *ret_taken)
{
    uint32_t unit = units[0];

    *ret_taken = 1;
    if ((unit & 0xF800) != 0xD800)
        return unit;
    if ((unit & 0xFC00) != 0xD800 || len < 2 || (units[1] & 0xFC00) != 0xDC00)
        return 0xFFFD;
    *ret_taken = 2;
    return 0x10000 + ((unit & 0x3FF) << 10 | (units[1] & 0x3FF));
}

size_t utf8_len_of_units(const uint16_t *units, size_t len)
{
    size_t bytes = 0, taken;

    for (size_t i = 0; i < len; i += taken) {
        uint32_t point = point_at(units + i, len - i, &taken);

        if (point < 0x80) {
            taken = ascii_units(units + i, len - i);
            bytes += taken;
        } else {
            bytes += point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        }
    }
    return bytes;
}

/* Narrowing is the one loop here worth vector instructions, which -O2 does not use by itself. */
__attribute__((optimize("O3"))) static char *put_ascii(const uint16_t *units, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)units[i];
    return out + len;
}

static char *put_point(uint32_t point, char *out)
{
    if (point < 0x800) {
        *out++ = (char)(0xC0 | point >> 6);
    } else if (point < 0x10000) {
        *out++ = (char)(0xE0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3F));
    } else {
        *out++ = (char)(0xF0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3F));
        *out++ = (char)(0x80 | (point >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (point & 0x3F));
    return out;
}

void utf8_from_units(const uint16_t *units, size_t len, char *out)
{
    size_t taken;

    for (size_t i = 0; i < len; i += taken) {
        uint32_t point = point_at(units + i, len - i, &taken);

        if (point < 0x80) {
            taken = ascii_units(units + i, len - i);
            out = put_ascii(units + i, taken, out);
        } else {
            out = put_point(point, out);
        }
    }
}

size_t utf8_fit(str text, size_t max, size_t *ret_units)
{
    size_t fit = text.len < max ? text.len : max, units = 0;

    while (fit && fit < text.len && (text.ptr[fit] & 0xC0) == 0x80)
        fit--;
    for (size_t i = 0; i < fit; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        units += (c & 0xC0) != 0x80;
        units += c >= 0xF0;
    }
    *ret_units = units;
    return fit;
}
