/* Hosts; see url_host.h.
 *
 * A domain of plain ASCII is lowered and copied; ICU (UTS 46) sees only domains with non-ASCII
 * characters or "xn--" labels. Whatever comes out is then asked whether it ends in a number,
 * because "0x7f.1" is an IPv4 address and not a name. */
#include "web/url_host.h"

#include <unicode/uidna.h>
#include <unicode/utf8.h>

#include "base/err.h"
#include "base/hex.h"
#include "web/percent.h"

/* What a byte of a domain means to the parser; rows are or-ed together over the whole text. */
enum {
    UPPER = 1 << 0,
    FORBIDDEN_HOST = 1 << 1,   /* forbidden host code point */
    FORBIDDEN_DOMAIN = 1 << 2, /* forbidden domain code point, other than "%" */
    ESCAPE = 1 << 3,           /* "%" */
    WIDE = 1 << 4,             /* not ASCII */
    FORBIDDEN = FORBIDDEN_HOST | FORBIDDEN_DOMAIN,
};

static const uint8_t host_table[256] = {
    [0x00] = FORBIDDEN,
    [0x01 ... 0x08] = FORBIDDEN_DOMAIN,
    ['\t'] = FORBIDDEN,
    ['\n'] = FORBIDDEN,
    [0x0B ... 0x0C] = FORBIDDEN_DOMAIN,
    ['\r'] = FORBIDDEN,
    [0x0E ... 0x1F] = FORBIDDEN_DOMAIN,
    [' '] = FORBIDDEN,
    ['#'] = FORBIDDEN,
    ['%'] = ESCAPE,
    ['/'] = FORBIDDEN,
    [':'] = FORBIDDEN,
    ['<'] = FORBIDDEN,
    ['>'] = FORBIDDEN,
    ['?'] = FORBIDDEN,
    ['@'] = FORBIDDEN,
    ['A' ... 'Z'] = UPPER,
    ['['] = FORBIDDEN,
    ['\\'] = FORBIDDEN,
    [']'] = FORBIDDEN,
    ['^'] = FORBIDDEN,
    ['|'] = FORBIDDEN,
    [0x7F] = FORBIDDEN_DOMAIN,
    [0x80 ... 0xFF] = WIDE,
};

static unsigned classes_of(str text)
{
    unsigned classes = 0;

    for (size_t i = 0; i < text.len; i++)
        classes |= host_table[(unsigned char)text.ptr[i]];
    return classes;
}

/* ---- IPv4 ---- */

enum { IPV4_PARTS = 4 };

/* The IPv4 number parser: decimal, 0x hexadecimal, 0 octal. False when `part` is no number.
 * A number beyond 2^32 - 1 comes back as 2^32. */
static bool ipv4_number(str part, uint64_t *ret_value)
{
    uint64_t value = 0, limit = (uint64_t)1 << 32;
    int radix = 10;

    if (!part.len)
        return false;
    if (part.len >= 2 && part.ptr[0] == '0' && (part.ptr[1] | 0x20) == 'x') {
        radix = 16;
        part = str_skip(part, 2);
    } else if (part.len >= 2 && part.ptr[0] == '0') {
        radix = 8;
        part = str_skip(part, 1);
    }
    for (size_t i = 0; i < part.len; i++) {
        int digit = hex_digit(part.ptr[i]);
        if (digit < 0 || digit >= radix)
            return false;
        value = value * (uint64_t)radix + (uint64_t)digit;
        if (value > limit)
            value = limit;
    }
    *ret_value = value;
    return true;
}

static str last_label(str host)
{
    size_t start;

    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    start = host.len;
    while (start && host.ptr[start - 1] != '.')
        start--;
    return str_skip(host, start);
}

static bool ends_in_number(str host)
{
    str last = last_label(host);
    uint64_t value;

    if (!last.len || last.ptr[0] < '0' || last.ptr[0] > '9')
        return false;
    for (size_t i = 0; last.ptr[i] >= '0' && last.ptr[i] <= '9';)
        if (++i == last.len)
            return true;
    return ipv4_number(last, &value);
}

static int ipv4_parse(str host, uint32_t *ret_address)
{
    uint64_t address = 0, value;
    int parts = 0;

    if (host.ptr[host.len - 1] == '.')
        host.len--;
    for (;;) {
        size_t dot = str_find(host, '.');
        bool last = dot == host.len;

        if (parts == IPV4_PARTS || !ipv4_number(str_head(host, dot), &value))
            return ERR_INVALID;
        if (last)
            break;
        if (value > 255)
            return ERR_INVALID;
        address |= value << (24 - 8 * parts++);
        host = str_skip(host, dot + 1);
    }
    if (value >= (uint64_t)1 << (32 - 8 * parts))
        return ERR_INVALID;
    *ret_address = (uint32_t)(address | value);
    return 0;
}

static int ipv4_append(uint32_t address, struct buf *out)
{
    return buf_printf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                      address & 255);
}

/* ---- IPv6 ---- */

enum { IPV6_PIECES = 8, IPV6_NO_GAP = -1 };

struct ipv6 {
    uint16_t piece[IPV6_PIECES];
    int count; /* pieces read */
    int gap;   /* index at which "::" stood, or IPV6_NO_GAP */
};

/* The dotted tail "1.2.3.4": two pieces. */
static bool ipv6_read_ipv4(str text, struct ipv6 *ip)
{
    if (ip->count > IPV6_PIECES - 2)
        return false;
    for (int seen = 0; seen < IPV4_PARTS; seen++) {
        unsigned value = 0;
        size_t i = 0;

        if (seen) {
            if (!text.len || text.ptr[0] != '.')
                return false;
            text = str_skip(text, 1);
        }
        for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
            if (i && !value)
                return false;
            value = value * 10 + (unsigned)(text.ptr[i] - '0');
            if (value > 255)
                return false;
        }
        if (!i)
            return false;
        ip->piece[ip->count + seen / 2] =
            (uint16_t)((seen & 1 ? ip->piece[ip->count + seen / 2] << 8 : 0) | (int)value);
        text = str_skip(text, i);
    }
    ip->count += 2;
    return !text.len;
}

/* Reads pieces until the end of `text`. */
static bool ipv6_read_pieces(str text, struct ipv6 *ip)
{
    while (text.len) {
        unsigned value = 0;
        size_t i = 0;

        if (ip->count == IPV6_PIECES)
            return false;
        if (text.ptr[0] == ':') {
            if (ip->gap != IPV6_NO_GAP)
                return false;
            ip->gap = ++ip->count;
            ip->piece[ip->gap - 1] = 0;
            text = str_skip(text, 1);
            continue;
        }
        for (; i < 4 && i < text.len && hex_digit(text.ptr[i]) >= 0; i++)
            value = value << 4 | (unsigned)hex_digit(text.ptr[i]);
        if (i < text.len && text.ptr[i] == '.')
            return i && ipv6_read_ipv4(text, ip);
        if (i < text.len && text.ptr[i] != ':')
            return false;
        ip->piece[ip->count++] = (uint16_t)value;
        if (i + 1 == text.len)
            return false;
        text = str_skip(text, i + 1);
    }
    return true;
}

/* Moves the pieces after the gap to the end. */
static bool ipv6_close_gap(struct ipv6 *ip)
{
    int tail;

    if (ip->gap == IPV6_NO_GAP)
        return ip->count == IPV6_PIECES;
    tail = ip->count - ip->gap;
    for (int i = 0; i < tail; i++)
        ip->piece[IPV6_PIECES - 1 - i] = ip->piece[ip->count - 1 - i];
    for (int i = ip->gap; i < IPV6_PIECES - tail; i++)
        ip->piece[i] = 0;
    return true;
}

static int ipv6_parse(str text, struct ipv6 *ip)
{
    *ip = (struct ipv6){.gap = IPV6_NO_GAP};
    if (text.len && text.ptr[0] == ':') {
        if (text.len < 2 || text.ptr[1] != ':')
            return ERR_INVALID;
        text = str_skip(text, 1);
    }
    if (!text.len || !ipv6_read_pieces(text, ip) || !ipv6_close_gap(ip))
        return ERR_INVALID;
    return 0;
}

/* The first longest run of two or more zero pieces; its length goes to *ret_len (0: none). */
static int ipv6_zero_run(const struct ipv6 *ip, int *ret_len)
{
    int best = 0, best_len = 1;

    for (int i = 0; i < IPV6_PIECES; i++) {
        int len = 0;
        while (i + len < IPV6_PIECES && !ip->piece[i + len])
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
        i += len;
    }
    *ret_len = best_len > 1 ? best_len : 0;
    return best;
}

static int ipv6_append(const struct ipv6 *ip, struct buf *out)
{
    int run_len, run = ipv6_zero_run(ip, &run_len);
    char text[48] = "[";
    size_t n = 1;

    for (int i = 0; i < IPV6_PIECES; i++) {
        if (run_len && i == run) {
            text[n++] = ':';
            if (!i)
                text[n++] = ':';
            i += run_len - 1;
            continue;
        }
        for (int shift = 12; shift >= 0; shift -= 4)
            if (ip->piece[i] >> shift || !shift)
                text[n++] = "0123456789abcdef"[ip->piece[i] >> shift & 15];
        if (i < IPV6_PIECES - 1)
            text[n++] = ':';
    }
    text[n++] = ']';
    return buf_append(out, (str){text, n});
}

/* ---- domains ---- */

/* True when a label of `domain` starts with "xn--" in any case. */
static bool has_punycode(str domain)
{
    for (size_t i = 0; i + 4 <= domain.len; i++)
        if ((domain.ptr[i] | 0x20) == 'x' && (i == 0 || domain.ptr[i - 1] == '.') &&
            str_equal_nocase((str){domain.ptr + i, 4}, STR("xn--")))
            return true;
    return false;
}

/* UTS 46 since Unicode 15.1 refuses a punycode label that decodes to ASCII or to nothing, whose
 * encoding ends with its delimiter, and one that decodes to a punycode label (`hyphens`: ICU saw
 * "--" where that has it). */
static bool has_vain_punycode(str ascii, bool hyphens)
{
    while (ascii.len) {
        str label = str_head(ascii, str_find(ascii, '.'));
        if (str_starts(label, STR("xn--")) &&
            (label.ptr[label.len - 1] == '-' || (hyphens && str_starts(label, STR("xn--xn--")))))
            return true;
        ascii = str_skip(ascii, label.len + 1);
    }
    return false;
}

static const UIDNA *idna(void)
{
    static UIDNA *opened;
    UErrorCode status = U_ZERO_ERROR;

    if (!opened)
        opened = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                     UIDNA_NONTRANSITIONAL_TO_ASCII |
                                     UIDNA_NONTRANSITIONAL_TO_UNICODE,
                                 &status);
    ASSERT(opened);
    return opened;
}

/* Characters that Unicode 15.1 and 16 map or ignore and older tables of ICU refuse or map
 * otherwise. Newer tables agree, so nothing changes for them. */
enum { IGNORE = INT32_MIN };

static const struct {
    int32_t first, last, shift;
} remaps[] = {
    {0x04C0, 0x04C0, 0x04CF - 0x04C0},
    {0x10A0, 0x10C5, 0x2D00 - 0x10A0},
    {0x115F, 0x1160, IGNORE},
    {0x17B4, 0x17B5, IGNORE},
    {0x180E, 0x180E, IGNORE},
    {0x1E9E, 0x1E9E, 0x00DF - 0x1E9E},
    {0x206A, 0x206F, IGNORE},
    {0x2132, 0x2132, 0x214E - 0x2132},
    {0x2183, 0x2183, 0x2184 - 0x2183},
    {0x3164, 0x3164, IGNORE},
    {0xFFA0, 0xFFA0, IGNORE},
    {0x1D173, 0x1D17A, IGNORE},
    {0x2F868, 0x2F868, 0x36FC - 0x2F868},
    {0x2F874, 0x2F874, 0x5F53 - 0x2F874},
    {0x2F91F, 0x2F91F, 0x243AB - 0x2F91F},
    {0x2F95F, 0x2F95F, 0x7AEE - 0x2F95F},
    {0x2F9BF, 0x2F9BF, 0x45D7 - 0x2F9BF},
};

/* Writes `domain` with the characters of the table replaced; U+FFFD where it is malformed. */
static str domain_remap(str domain, char out[URL_HOST_IDNA_MAX * 4])
{
    int32_t at = 0, len = 0, point;
    UBool failed = false;

    while (at < (int32_t)domain.len) {
        U8_NEXT_OR_FFFD(domain.ptr, at, (int32_t)domain.len, point);
        for (size_t i = 0; i < COUNT_OF(remaps); i++)
            if (point >= remaps[i].first && point <= remaps[i].last) {
                point = remaps[i].shift == IGNORE ? IGNORE : point + remaps[i].shift;
                break;
            }
        if (point != IGNORE)
            U8_APPEND(out, len, URL_HOST_IDNA_MAX * 4, point, failed);
    }
    ASSERT(!failed);
    return (str){out, (size_t)len};
}

/* Domain to ASCII with beStrict false: lengths and hyphens are not checked. */
static int domain_to_ascii_icu(str domain, struct buf *out)
{
    enum {
        IGNORED = UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |
                  UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN |
                  UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4,
    };
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    char remapped[URL_HOST_IDNA_MAX * 4], ascii[URL_HOST_IDNA_MAX * 4];
    int32_t len;

    if (domain.len > URL_HOST_IDNA_MAX)
        return ERR_INVALID;
    domain = domain_remap(domain, remapped);
    len = uidna_nameToASCII_UTF8(idna(), domain.ptr, (int32_t)domain.len, ascii, sizeof ascii,
                                 &info, &status);
    if (U_FAILURE(status) || info.errors & ~(uint32_t)IGNORED)
        return ERR_INVALID;
    if (has_vain_punycode((str){ascii, (size_t)len}, info.errors & UIDNA_ERROR_HYPHEN_3_4))
        return ERR_INVALID;
    return buf_append(out, (str){ascii, (size_t)len});
}

/* Appends `domain` (ASCII) in lower case. */
static int domain_lower(str domain, unsigned classes, struct buf *out)
{
    int r = buf_reserve(out, domain.len);

    if (r < 0 || !(classes & UPPER))
        return r < 0 ? r : buf_append(out, domain);
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.ptr[i];
        out->ptr[out->len++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return 0;
}

/* Domain to ASCII of a domain without escapes. Appends to out. */
static int domain_to_ascii(str domain, struct buf *out)
{
    unsigned classes = classes_of(domain);
    size_t start = out->len;
    int r;

    if (!(classes & WIDE) && !has_punycode(domain))
        r = domain_lower(domain, classes, out);
    else
        r = domain_to_ascii_icu(domain, out);
    if (r < 0)
        return r;
    classes = classes_of(str_skip(buf_str(out), start));
    return out->len == start || classes & (FORBIDDEN | ESCAPE) ? ERR_INVALID : 0;
}

static int domain_parse(str text, struct buf *out)
{
    size_t start = out->len;
    uint32_t address;
    str host;
    int r;

    if (str_find(text, '%') < text.len) {
        struct buf decoded;
        buf_init(&decoded, text.len);
        if ((r = percent_decode(text, &decoded)) == 0)
            r = domain_to_ascii(buf_str(&decoded), out);
        buf_done(&decoded);
    } else {
        r = domain_to_ascii(text, out);
    }
    if (r < 0)
        return r;
    host = str_skip(buf_str(out), start);
    if (!ends_in_number(host))
        return 0;
    if ((r = ipv4_parse(host, &address)) < 0)
        return r;
    out->len = start;
    return ipv4_append(address, out);
}

int url_host_parse(str text, bool is_opaque, struct buf *out)
{
    struct ipv6 ip;

    if (text.len && text.ptr[0] == '[') {
        if (text.ptr[text.len - 1] != ']' || ipv6_parse((str){text.ptr + 1, text.len - 2}, &ip) < 0)
            return ERR_INVALID;
        return ipv6_append(&ip, out);
    }
    if (!is_opaque)
        return domain_parse(text, out);
    if (classes_of(text) & FORBIDDEN_HOST)
        return ERR_INVALID;
    return percent_encode(text, PERCENT_C0, out);
}
