/* UTF-8 as bytes; see utf8.h. */
#include "web/utf8.h"

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
