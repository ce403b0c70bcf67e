/* The request head parser; see head.h.
 *
 * One pass from left to right: each parse_ function takes its part of the input from a cursor and
 * returns 1 (taken), 0 (the input ends inside it) or a negative HTTP status.
 *
 * (1) No byte is read twice but by the scanners' tails and the fields that decide framing, host
 *     and connection, which note_header() looks at as they pass.
 * (2) Nothing is written but the lower case of field names, so that parsing the same bytes again
 *     gives the same answer; only split_absolute() moves bytes, after the head is known whole.
 * (3) A prefix of a good head gives 0: a rule that needs the rest of a line, or the other lines,
 *     is checked when they are there. */
#include "http/head.h"

#include <arpa/inet.h>
#ifdef __SSE2__
#include <emmintrin.h>

#include "base/hex.h"
#endif

struct cursor {
    char *at;
    char *end;
};

/* What the fields said that only finish() can judge. */
struct facts {
    str authority;  /* of an absolute-form target */
    bool host, length, coding, expect;
    bool close, keep_alive, upgrade_option, upgrade_field;
};

#define SAME(c) [c] = c
#define LETTER(upper) [upper] = (upper) | 0x20, [(upper) | 0x20] = (upper) | 0x20

static const char token_lower[256] = {
    SAME('!'), SAME('#'), SAME('$'), SAME('%'), SAME('&'), SAME('\''), SAME('*'), SAME('+'),
    SAME('-'), SAME('.'), SAME('^'), SAME('_'), SAME('`'), SAME('|'), SAME('~'),
    SAME('0'), SAME('1'), SAME('2'), SAME('3'), SAME('4'),
    SAME('5'), SAME('6'), SAME('7'), SAME('8'), SAME('9'),
    LETTER('A'), LETTER('B'), LETTER('C'), LETTER('D'), LETTER('E'), LETTER('F'), LETTER('G'),
    LETTER('H'), LETTER('I'), LETTER('J'), LETTER('K'), LETTER('L'), LETTER('M'), LETTER('N'),
    LETTER('O'), LETTER('P'), LETTER('Q'), LETTER('R'), LETTER('S'), LETTER('T'), LETTER('U'),
    LETTER('V'), LETTER('W'), LETTER('X'), LETTER('Y'), LETTER('Z'),
};

#undef LETTER
#undef SAME

char http_token_lower(char c)
{
    return token_lower[(unsigned char)c];
}

/* Printable ASCII but '#': a target is never sent with its fragment. Characters that RFC 3986
 * wants percent-encoded and browsers do not ("|", "[", ...) pass. */
static bool is_target_char(char c)
{
    return c > 0x20 && c < 0x7f && c != '#';
}

/* field-vchar, SP, HTAB and obs-text (RFC 9110 5.5). */
static bool is_text_char(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

static char *skip_target(char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)at);
        /* Signed: bytes >= 0x80 are negative and so below '!', too. */
        __m128i bad = _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8('!')),
                                   _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)),
                                                _mm_cmpeq_epi8(x, _mm_set1_epi8('#'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && is_target_char(*at))
        at++;
    return at;
}

static char *skip_text(char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
        __m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
        __m128i bad = _mm_or_si128(_mm_andnot_si128(tab, control),
                                   _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && is_text_char(*at))
        at++;
    return at;
}

/* Takes CR LF. */
static int parse_line_end(struct cursor *in)
{
    size_t left = (size_t)(in->end - in->at);

    if (left && in->at[0] != '\r')
        return -400;
    if (left < 2)
        return 0;
    if (in->at[1] != '\n')
        return -400;
    in->at += 2;
    return 1;
}

static int parse_empty_lines(struct cursor *in)
{
    for (int i = 0; i < HTTP_EMPTY_LINES_MAX; i++) {
        int r;

        if (in->at < in->end && *in->at != '\r')
            return 1;
        if ((r = parse_line_end(in)) <= 0)
            return r;
    }
    return 1;
}

static enum http_method method_of(str s)
{
    static const struct {
        str name;
        enum http_method id;
    } rows[] = {
        {{"GET", 3}, HTTP_GET},         {{"POST", 4}, HTTP_POST},
        {{"HEAD", 4}, HTTP_HEAD},       {{"PUT", 3}, HTTP_PUT},
        {{"OPTIONS", 7}, HTTP_OPTIONS}, {{"DELETE", 6}, HTTP_DELETE},
        {{"PATCH", 5}, HTTP_PATCH},     {{"CONNECT", 7}, HTTP_CONNECT},
        {{"TRACE", 5}, HTTP_TRACE},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_equal(s, rows[i].name))
            return rows[i].id;
    return HTTP_OTHER;
}

static int parse_method(struct cursor *in, struct http_head *ret)
{
    char *start = in->at;
    size_t len;

    while (in->at < in->end && http_token_lower(*in->at))
        in->at++;
    len = (size_t)(in->at - start);
    if (len > HTTP_METHOD_BYTES_MAX)
        return -501;
    if (in->at == in->end)
        return 0;
    if (*in->at != ' ' || !len)
        return -400;
    in->at++;
    ret->method = (str){start, len};
    ret->method_id = method_of(ret->method);
    return ret->method_id == HTTP_CONNECT ? -501 : 1;
}

static int parse_target(struct cursor *in, struct http_head *ret)
{
    char *start = in->at;
    size_t len;

    in->at = skip_target(start, in->end);
    len = (size_t)(in->at - start);
    if (len > HTTP_TARGET_BYTES_MAX)
        return -414;
    if (in->at == in->end)
        return 0;
    if (*in->at != ' ' || !len)
        return -400;
    in->at++;
    ret->target = (str){start, len};
    return 1;
}

/* Takes "HTTP/1.0" or "HTTP/1.1" and its line end; '0' in the pattern stands for any digit. */
static int parse_version(struct cursor *in, struct http_head *ret)
{
    static const char pattern[] = "HTTP/0.0";
    const char *start = in->at;

    for (const char *want = pattern; *want; want++, in->at++) {
        if (in->at == in->end)
            return 0;
        if (*want == '0' ? *in->at < '0' || *in->at > '9' : *in->at != *want)
            return -400;
    }
    if (start[5] != '1' || start[7] > '1')
        return -505;
    ret->minor_version = start[7] - '0';
    return parse_line_end(in);
}

static bool is_ipv6(str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* unreserved and sub-delims (RFC 3986 2.2, 2.3). */
static bool is_name_char(char c)
{
    static const bool others[128] = {
        ['-'] = true, ['.'] = true,  ['_'] = true, ['~'] = true, ['!'] = true,
        ['$'] = true, ['&'] = true,  ['\''] = true, ['('] = true, [')'] = true,
        ['*'] = true, ['+'] = true,  [','] = true, [';'] = true, ['='] = true,
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    };

    return !((unsigned char)c & 0x80) && others[(unsigned char)c];
}

/* Length of the reg-name or IPv4 address at the start of `s`; 0 when an escape is cut. */
static size_t reg_name_len(str s)
{
    size_t i = 0;

    for (; i < s.len; i++) {
        if (is_name_char(s.ptr[i]))
            continue;
        if (s.ptr[i] != '%')
            break;
        if (s.len - i < 3 || hex_digit(s.ptr[i + 1]) < 0 || hex_digit(s.ptr[i + 2]) < 0)
            return 0;
        i += 2;
    }
    return i;
}

/* uri-host [ ":" port ] with a host that is not empty (RFC 9110 7.2, RFC 3986 3.2.2). */
static bool host_is_valid(str s)
{
    uint64_t port;
    size_t len;

    if (!s.len || s.len > HTTP_HOST_BYTES_MAX)
        return false;
    if (s.ptr[0] == '[') {
        len = str_find(s, ']') + 1;
        if (len > s.len || !is_ipv6((str){s.ptr + 1, len - 2}))
            return false;
    } else {
        len = reg_name_len(s);
    }
    if (!len)
        return false;
    s = str_skip(s, len);
    return !s.len || (s.ptr[0] == ':' && (s.len == 1 || str_to_u64(str_skip(s, 1), 65535, &port)));
}

/* The scheme of an absolute-form target with its "://", or 0. */
static size_t scheme_len(str target)
{
    if (str_equal_nocase(str_head(target, 7), STR("http://")))
        return 7;
    if (str_equal_nocase(str_head(target, 8), STR("https://")))
        return 8;
    return 0;
}

/* Decides which form the target has (RFC 9112 3.2). */
static int check_target(const struct http_head *head, struct facts *facts)
{
    str rest;
    size_t len = 0;

    if (head->target.ptr[0] == '/')
        return 1;
    if (head->target.len == 1 && head->target.ptr[0] == '*')
        return head->method_id == HTTP_OPTIONS ? 1 : -400;
    if (!(len = scheme_len(head->target)))
        return -400;
    rest = str_skip(head->target, len);
    for (len = 0; len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?';)
        len++;
    facts->authority = str_head(rest, len);
    return host_is_valid(facts->authority) ? 1 : -400;
}

static int parse_request_line(struct cursor *in, struct http_head *ret, struct facts *facts)
{
    int r;

    if ((r = parse_method(in, ret)) <= 0)
        return r;
    if ((r = parse_target(in, ret)) <= 0)
        return r;
    if ((r = parse_version(in, ret)) <= 0)
        return r;
    return check_target(ret, facts);
}

static int parse_header(struct cursor *in, struct http_header *ret)
{
    char *name = in->at;
    char *value;
    char lower;

    for (; in->at < in->end && (lower = http_token_lower(*in->at)); in->at++)
        *in->at = lower;
    if (in->at == in->end)
        return 0;
    if (*in->at != ':' || in->at == name)
        return -400;
    ret->name = (str){name, (size_t)(in->at - name)};
    value = in->at + 1;
    in->at = skip_text(value, in->end);
    ret->value = str_trim((str){value, (size_t)(in->at - value)});
    return parse_line_end(in);
}

static int note_host(struct http_head *head, struct facts *facts, str value)
{
    if (facts->host || !host_is_valid(value))
        return -400;
    facts->host = true;
    head->host = value;
    return 1;
}

/* A second field is refused even when it says the same, and so is a list: they are how two
 * readers come to disagree on where a request ends (RFC 9112 6.3). */
static int note_content_length(struct http_head *head, struct facts *facts, str value)
{
    if (facts->length || !str_to_u64(value, HTTP_BODY_BYTES_MAX, &head->content_length))
        return -400;
    facts->length = true;
    head->framing = HTTP_BODY_LENGTH;
    return 1;
}

static int note_transfer_encoding(struct http_head *head, struct facts *facts, str value)
{
    if (facts->coding || !head->minor_version || !value.len)
        return -400;
    if (!str_equal_nocase(value, STR("chunked")))
        return -501;
    facts->coding = true;
    head->framing = HTTP_BODY_CHUNKED;
    return 1;
}

static int note_connection(struct facts *facts, str value)
{
    while (value.len) {
        size_t len = str_find(value, ',');
        str option = str_trim(str_head(value, len));

        if (str_equal_nocase(option, STR("keep-alive")))
            facts->keep_alive = true;
        else if (str_equal_nocase(option, STR("close")))
            facts->close = true;
        else if (str_equal_nocase(option, STR("upgrade")))
            facts->upgrade_option = true;
        value = str_skip(value, len + 1);
    }
    return 1;
}

static int note_expect(struct facts *facts, str value)
{
    if (!str_equal_nocase(value, STR("100-continue")))
        return -417;
    facts->expect = true;
    return 1;
}

#define IS(name, literal) (memcmp((name).ptr, literal, sizeof(literal) - 1) == 0)

static int note_header(struct http_head *head, struct facts *facts, struct http_header header)
{
    switch (header.name.len) {
    case 4:
        return IS(header.name, "host") ? note_host(head, facts, header.value) : 1;
    case 6:
        return IS(header.name, "expect") ? note_expect(facts, header.value) : 1;
    case 7:
        facts->upgrade_field |= IS(header.name, "upgrade");
        return 1;
    case 10:
        return IS(header.name, "connection") ? note_connection(facts, header.value) : 1;
    case 14:
        return IS(header.name, "content-length") ? note_content_length(head, facts, header.value)
                                                 : 1;
    case 17:
        return IS(header.name, "transfer-encoding")
                   ? note_transfer_encoding(head, facts, header.value)
                   : 1;
    default:
        return 1;
    }
}

#undef IS

/* Takes the fields and the empty line after them. */
static int parse_headers(struct cursor *in, struct http_head *ret, struct facts *facts)
{
    for (;;) {
        struct http_header *header = &ret->headers[ret->header_count];
        int r;

        if (in->at == in->end)
            return 0;
        if (*in->at == '\r')
            return parse_line_end(in);
        if (ret->header_count == HTTP_HEADERS_MAX)
            return -431;
        if ((r = parse_header(in, header)) <= 0)
            return r;
        if ((r = note_header(ret, facts, *header)) <= 0)
            return r;
        ret->header_count++;
    }
}

/* Makes host and target of "http://host/path". Without a path there is no byte for its "/": the
 * authority moves one byte to the left, over the scheme, and leaves one. */
static void split_absolute(struct http_head *head, str authority, char *bytes)
{
    size_t at = (size_t)(authority.ptr - bytes);
    size_t path_len = head->target.len - (size_t)(authority.ptr - head->target.ptr) - authority.len;
    char *path = bytes + at + authority.len;

    if (!path_len || *path != '/') {
        memmove(bytes + at - 1, bytes + at, authority.len);
        authority.ptr--;
        *--path = '/';
        path_len++;
    }
    head->host = authority;
    head->target = (str){path, path_len};
}

/* Judges what needs the whole head (RFC 9112 3.2, 6.1, 9.3; RFC 9110 7.8, 10.1.1). */
static int finish(struct http_head *head, const struct facts *facts, char *bytes)
{
    bool is_1_1 = head->minor_version == 1;

    if ((facts->length && facts->coding) || (is_1_1 && !facts->host))
        return -400;
    if (facts->authority.len)
        split_absolute(head, facts->authority, bytes);
    head->keep_alive = !facts->close && (is_1_1 || facts->keep_alive);
    head->upgrade = is_1_1 && facts->upgrade_option && facts->upgrade_field;
    head->expect_continue = is_1_1 && facts->expect &&
                            (facts->coding || (facts->length && head->content_length));
    return 1;
}

int http_head_parse(char *bytes, size_t len, struct http_head *ret)
{
    bool full = len >= HTTP_HEAD_BYTES_MAX;
    struct cursor in = {bytes, bytes + (full ? HTTP_HEAD_BYTES_MAX : len)};
    struct facts facts = {0};
    int r;

    ret->host = STR_NONE;
    ret->framing = HTTP_BODY_NONE;
    ret->content_length = 0;
    ret->header_count = 0;
    if ((r = parse_empty_lines(&in)) > 0 && (r = parse_request_line(&in, ret, &facts)) > 0)
        r = parse_headers(&in, ret, &facts);
    if (r <= 0)
        return r == 0 && full ? -431 : r;
    ret->bytes = (size_t)(in.at - bytes);
    return finish(ret, &facts, bytes);
}
