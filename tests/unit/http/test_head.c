/* http/head: good heads with what they say, hostile heads with the status that refuses them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/head.h"

static struct http_head head;

/* Parses a copy that ends where its memory ends, so that a sanitizer sees a byte read too many.
 * The views in `head` point into *ret_copy, which the caller frees. */
static int parse_copy(str bytes, char **ret_copy)
{
    char *copy = mem_alloc(bytes.len);

    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    *ret_copy = copy;
    return http_head_parse(copy, bytes.len, &head);
}

static int status_of(str bytes)
{
    char *copy;
    int r = parse_copy(bytes, &copy);

    free(copy);
    return r;
}

static int status_of_buf(struct buf *b)
{
    int r = status_of(buf_str(b));

    buf_done(b);
    return r;
}

static const struct {
    str bytes;
    enum http_method method_id;
    str target, host;
    enum http_framing framing;
    uint64_t length;
    bool keep_alive, expect_continue, upgrade;
    size_t header_count;
} goods[] = {
#define H "Host: a\r\n"
    {STR("GET / HTTP/1.1\r\n" H "\r\n"), HTTP_GET, STR("/"), STR("a"), HTTP_BODY_NONE, 0, true,
     false, false, 1},
    {STR("\r\nGET /x?y=%20|[] HTTP/1.1\r\n" H "\r\n"), HTTP_GET, STR("/x?y=%20|[]"), STR("a"),
     HTTP_BODY_NONE, 0, true, false, false, 1},
    {STR("\r\n\r\nHEAD // HTTP/1.1\r\n" H "\r\n"), HTTP_HEAD, STR("//"), STR("a"),
     HTTP_BODY_NONE, 0, true, false, false, 1},
    {STR("GET / HTTP/1.0\r\n\r\n"), HTTP_GET, STR("/"), STR(""), HTTP_BODY_NONE, 0, false, false,
     false, 0},
    {STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), HTTP_GET, STR("/"), STR(""),
     HTTP_BODY_NONE, 0, true, false, false, 1},
    {STR("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), HTTP_GET, STR("/"), STR(""),
     HTTP_BODY_NONE, 0, false, false, false, 1},
    {STR("GET / HTTP/1.1\r\n" H "Connection: x,,  CLOSE\t\r\n\r\n"), HTTP_GET, STR("/"), STR("a"),
     HTTP_BODY_NONE, 0, false, false, false, 2},
    {STR("GET / HTTP/1.1\r\n" H "Connection: x\r\nConnection: close\r\n\r\n"), HTTP_GET, STR("/"),
     STR("a"), HTTP_BODY_NONE, 0, false, false, false, 3},
    {STR("GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n"), HTTP_GET, STR("/"), STR("a"),
     HTTP_BODY_NONE, 0, true, false, false, 2},
    {STR("GET /ws HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"),
     HTTP_GET, STR("/ws"), STR("a"), HTTP_BODY_NONE, 0, true, false, true, 3},
    {STR("GET /ws HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n"), HTTP_GET, STR("/ws"), STR("a"),
     HTTP_BODY_NONE, 0, true, false, false, 2},
    {STR("GET /ws HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), HTTP_GET,
     STR("/ws"), STR(""), HTTP_BODY_NONE, 0, false, false, false, 2},
    {STR("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), HTTP_POST, STR("/"), STR("a"),
     HTTP_BODY_LENGTH, 0, true, false, false, 2},
    {STR("PUT / HTTP/1.1\r\n" H "CONTENT-LENGTH:9007199254740992 \r\n\r\n"), HTTP_PUT, STR("/"),
     STR("a"), HTTP_BODY_LENGTH, UINT64_C(1) << 53, true, false, false, 2},
    {STR("PATCH / HTTP/1.1\r\n" H "Transfer-Encoding:\tChunked\r\n\r\n"), HTTP_PATCH, STR("/"),
     STR("a"), HTTP_BODY_CHUNKED, 0, true, false, false, 2},
    {STR("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"), HTTP_POST,
     STR("/"), STR("a"), HTTP_BODY_LENGTH, 5, true, true, false, 3},
    {STR("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n"), HTTP_POST,
     STR("/"), STR("a"), HTTP_BODY_LENGTH, 0, true, false, false, 3},
    {STR("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"), HTTP_POST,
     STR("/"), STR(""), HTTP_BODY_LENGTH, 5, false, false, false, 2},
    {STR("OPTIONS * HTTP/1.1\r\n" H "\r\n"), HTTP_OPTIONS, STR("*"), STR("a"), HTTP_BODY_NONE, 0,
     true, false, false, 1},
    {STR("get / HTTP/1.1\r\n" H "\r\n"), HTTP_OTHER, STR("/"), STR("a"), HTTP_BODY_NONE, 0, true,
     false, false, 1},
    {STR("M-SEARCH / HTTP/1.1\r\n" H "\r\n"), HTTP_OTHER, STR("/"), STR("a"), HTTP_BODY_NONE, 0,
     true, false, false, 1},
    {STR("DELETE / HTTP/1.1\r\n" H "Empty:\r\nEmpty: \t \r\n\r\n"), HTTP_DELETE, STR("/"),
     STR("a"), HTTP_BODY_NONE, 0, true, false, false, 3},
    {STR("TRACE / HTTP/1.1\r\n" H "X: caf\xc3\xa9 \xff\t!\r\n\r\n"), HTTP_TRACE, STR("/"),
     STR("a"), HTTP_BODY_NONE, 0, true, false, false, 2},
    {STR("GET http://b.c:81/d?e HTTP/1.1\r\n" H "\r\n"), HTTP_GET, STR("/d?e"), STR("b.c:81"),
     HTTP_BODY_NONE, 0, true, false, false, 1},
    {STR("GET HTTPS://b HTTP/1.1\r\n" H "\r\n"), HTTP_GET, STR("/"), STR("b"), HTTP_BODY_NONE, 0,
     true, false, false, 1},
    {STR("GET http://b?q=/ HTTP/1.1\r\n" H "\r\n"), HTTP_GET, STR("/?q=/"), STR("b"),
     HTTP_BODY_NONE, 0, true, false, false, 1},
#undef H
#define GOOD_HOST(host)                                                                         \
    {STR("GET / HTTP/1.1\r\nhost: " host "\r\n\r\n"), HTTP_GET, STR("/"), STR(host),            \
     HTTP_BODY_NONE, 0, true, false, false, 1}
    GOOD_HOST("Example.COM:8080"),
    GOOD_HOST("127.0.0.1:0"),
    GOOD_HOST("a:"),
    GOOD_HOST("a:65535"),
    GOOD_HOST("[::1]"),
    GOOD_HOST("[2001:db8::7]:443"),
    GOOD_HOST("[::ffff:1.2.3.4]"),
    GOOD_HOST("x_y-z.~!$&'()*+,;="),
    GOOD_HOST("a%2Fb"),
#undef GOOD_HOST
};

Test(head, says_what_a_good_head_says)
{
    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        char *copy;

        cr_expect_eq(parse_copy(goods[i].bytes, &copy), 1, "good %zu", i);
        cr_expect_eq(head.bytes, goods[i].bytes.len, "good %zu", i);
        cr_expect_eq(head.method_id, goods[i].method_id, "good %zu", i);
        cr_expect(str_equal(head.target, goods[i].target), "good %zu", i);
        cr_expect(str_equal(head.host, goods[i].host), "good %zu", i);
        cr_expect_eq(head.framing, goods[i].framing, "good %zu", i);
        cr_expect_eq(head.content_length, goods[i].length, "good %zu", i);
        cr_expect_eq(head.keep_alive, goods[i].keep_alive, "good %zu", i);
        cr_expect_eq(head.expect_continue, goods[i].expect_continue, "good %zu", i);
        cr_expect_eq(head.upgrade, goods[i].upgrade, "good %zu", i);
        cr_expect_eq(head.header_count, goods[i].header_count, "good %zu", i);
        free(copy);
    }
}

Test(head, waits_at_every_prefix_of_a_good_head)
{
    for (size_t i = 0; i < COUNT_OF(goods); i++)
        for (size_t len = 0; len < goods[i].bytes.len; len++)
            cr_expect_eq(status_of(str_head(goods[i].bytes, len)), 0, "good %zu, %zu bytes", i,
                         len);
}

/* A server parses again in the same memory when more has come. */
Test(head, gives_the_same_answer_after_partial_parses_in_place)
{
    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        char *copy = str_dup(goods[i].bytes);

        for (size_t len = 0; len < goods[i].bytes.len; len++)
            cr_expect_eq(http_head_parse(copy, len, &head), 0, "good %zu, %zu bytes", i, len);
        cr_expect_eq(http_head_parse(copy, goods[i].bytes.len, &head), 1, "good %zu", i);
        cr_expect(str_equal(head.target, goods[i].target), "good %zu", i);
        cr_expect(str_equal(head.host, goods[i].host), "good %zu", i);
        free(copy);
    }
}

Test(head, leaves_what_follows_alone)
{
    char *copy;

    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        struct buf b;

        buf_init(&b, HTTP_HEAD_BYTES_MAX);
        cr_assert_eq(buf_append(&b, goods[i].bytes), 0);
        cr_assert_eq(buf_append(&b, STR("\0\r\nGET")), 0);
        cr_expect_eq(parse_copy(buf_str(&b), &copy), 1, "good %zu", i);
        cr_expect_eq(head.bytes, goods[i].bytes.len, "good %zu", i);
        free(copy);
        buf_done(&b);
    }
}

Test(head, lowers_names_and_trims_values)
{
    char *copy;

    cr_assert_eq(parse_copy(STR("GET / HTTP/1.1\r\nHOST:a\r\nX-AZ_9!:  \tv W\t \r\nE:\r\n\r\n"),
                            &copy),
                 1);
    cr_expect(str_equal(head.headers[0].name, STR("host")));
    cr_expect(str_equal(head.headers[1].name, STR("x-az_9!")));
    cr_expect(str_equal(head.headers[1].value, STR("v W")));
    cr_expect(str_equal(head.headers[2].value, STR("")));
    cr_expect(str_equal(head.method, STR("GET")));
    cr_expect_eq(head.minor_version, 1);
    free(copy);
}

/* A request line before good fields; fields after a good request line and Host. */
#define REQUEST(line, status) {STR(line "\r\nHost: a\r\n\r\n"), status}
#define FIELD(lines, status) {STR("POST / HTTP/1.1\r\nHost: a\r\n" lines "\r\n\r\n"), status}
#define HOST(value) {STR("GET / HTTP/1.1\r\nHost: " value "\r\n\r\n"), -400}
#define BOTH(first, second) FIELD(first "\r\n" second, -400)

static const struct {
    str bytes;
    int status;
} hostiles[] = {
    /* Request line. */
    REQUEST("GET  / HTTP/1.1", -400),
    REQUEST("GET /  HTTP/1.1", -400),
    REQUEST("GET / HTTP/1.1 ", -400),
    REQUEST(" GET / HTTP/1.1", -400),
    REQUEST("GET\t/ HTTP/1.1", -400),
    REQUEST("GET /\tHTTP/1.1", -400),
    REQUEST("GET /", -400),
    REQUEST("GET", -400),
    REQUEST("GET HTTP/1.1", -400),
    REQUEST("G(T / HTTP/1.1", -400),
    REQUEST("G\xc3\x89T / HTTP/1.1", -400),
    REQUEST("GET: / HTTP/1.1", -400),
    REQUEST("GET / HTTP/1.1\r\nX", -400),
    REQUEST("GET /\0 HTTP/1.1", -400),
    REQUEST("GET /\x7f HTTP/1.1", -400),
    REQUEST("GET /caf\xc3\xa9 HTTP/1.1", -400),
    REQUEST("GET /a#b HTTP/1.1", -400),
    REQUEST("GET /a\rb HTTP/1.1", -400),
    REQUEST("GET /a\nb HTTP/1.1", -400),
    REQUEST("GET /a b HTTP/1.1", -400),
    REQUEST("GET path HTTP/1.1", -400),
    REQUEST("GET ?q HTTP/1.1", -400),
    REQUEST("GET * HTTP/1.1", -400),
    REQUEST("OPTIONS *x HTTP/1.1", -400),
    REQUEST("GET a:80 HTTP/1.1", -400),
    REQUEST("CONNECT a:80 HTTP/1.1", -501),
    REQUEST("GET ftp://a/ HTTP/1.1", -400),
    REQUEST("GET http:/a/ HTTP/1.1", -400),
    REQUEST("GET http:// HTTP/1.1", -400),
    REQUEST("GET http:///x HTTP/1.1", -400),
    REQUEST("GET http://:80/ HTTP/1.1", -400),
    REQUEST("GET http://u@a/ HTTP/1.1", -400),
    REQUEST("GET http://u:p@a/ HTTP/1.1", -400),
    REQUEST("GET http://a:b/ HTTP/1.1", -400),
    REQUEST("GET http://a\\b/ HTTP/1.1", -400),
    REQUEST("GET http://[::1/ HTTP/1.1", -400),
    REQUEST("GET / http/1.1", -400),
    REQUEST("GET / HTTP/1", -400),
    REQUEST("GET / HTTP/1.", -400),
    REQUEST("GET / HTTP/1.x", -400),
    REQUEST("GET / HTTP/11.1", -400),
    REQUEST("GET / HTTP/1.10", -400),
    REQUEST("GET / HTTP 1.1", -400),
    REQUEST("GET / HTTPS/1.1", -400),
    REQUEST("GET / HTTP/1.2", -505),
    REQUEST("GET / HTTP/0.9", -505),
    REQUEST("GET / HTTP/2.0", -505),
    REQUEST("PRI * HTTP/2.0", -505),
    REQUEST("\r\n\r\n\r\nGET / HTTP/1.1", -400),
    REQUEST("\nGET / HTTP/1.1", -400),
    REQUEST("\rGET / HTTP/1.1", -400),
    REQUEST("\r\n GET / HTTP/1.1", -400),
    {STR("GET / HTTP/1.1\nHost: a\n\n"), -400},
    {STR("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"), -400},
    {STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), -400},
    /* Lines of fields. */
    FIELD("X: a\n", -400),
    FIELD("X: a\r", -400),
    FIELD("X: a\rY: b", -400),
    FIELD("X: a\nY: b", -400),
    FIELD("X: a\r\n b", -400),
    FIELD("X: a\r\n\tb", -400),
    FIELD(" X: a", -400),
    FIELD("\tX: a", -400),
    FIELD("X : a", -400),
    FIELD("X\t: a", -400),
    FIELD("X", -400),
    FIELD("X a", -400),
    FIELD(": a", -400),
    FIELD("X\0: a", -400),
    FIELD("X: a\0b", -400),
    FIELD("X: a\x0b", -400),
    FIELD("X: \x7f", -400),
    FIELD("X\xe9: a", -400),
    FIELD("X(: a", -400),
    FIELD("X\"Y: a", -400),
    FIELD("X/Y: a", -400),
    FIELD("\nX: a", -400),
    {STR("GET / HTTP/1.1\r\nHost: a\r\n\n"), -400},
    {STR("GET / HTTP/1.1\r\nHost: a\r\n\rX"), -400},
    {STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), -400},
    {STR("GET / HTTP/1.1\r\n\r\nHost: a\r\n\r\n"), -400},
    /* Host. */
    {STR("GET / HTTP/1.1\r\n\r\n"), -400},
    {STR("GET http://a/ HTTP/1.1\r\n\r\n"), -400},
    {STR("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), -400},
    {STR("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"), -400},
    {STR("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), -400},
    {STR("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), -400},
    HOST(""), HOST(" "), HOST("a b"), HOST("a, b"), HOST("a/b"), HOST("a\\b"), HOST("u@a"),
    HOST("a?"), HOST("a#"), HOST("http://a"), HOST(":80"), HOST("a:b"), HOST("a:80:80"),
    HOST("a:-1"), HOST("a:65536"), HOST("a: 80"), HOST("a:18446744073709551617"), HOST("a%"),
    HOST("a%2"), HOST("a%zz"), HOST("[]"), HOST("[::1"), HOST("::1"), HOST("[::1]x"),
    HOST("[::1]:x"), HOST("[::g]"), HOST("[1.2.3.4]"), HOST("[fe80::1%25eth0]"), HOST("[v1.a]"),
    HOST("[1:2:3:4:5:6:7:8:9]"), HOST("[::1\0]"), HOST("caf\xc3\xa9"), HOST("a<"), HOST("a\"b"),
    /* Framing. */
    FIELD("Content-Length: ", -400),
    FIELD("Content-Length: +5", -400),
    FIELD("Content-Length: -5", -400),
    FIELD("Content-Length: 5,5", -400),
    FIELD("Content-Length: 5, 5", -400),
    FIELD("Content-Length: 5 5", -400),
    FIELD("Content-Length: 0x5", -400),
    FIELD("Content-Length: 5.0", -400),
    FIELD("Content-Length: 5e1", -400),
    FIELD("Content-Length: \"5\"", -400),
    FIELD("Content-Length: 9007199254740993", -400),
    FIELD("Content-Length: 18446744073709551616", -400),
    FIELD("Content-Length: 18446744073709551621", -400),
    FIELD("Content-Length: 99999999999999999999999999999999", -400),
    FIELD("Content-Length : 5", -400),
    BOTH("Content-Length: 5", "Content-Length: 5"),
    BOTH("Content-Length: 5", "Content-Length: 6"),
    BOTH("Content-Length: 0", "content-length: 0"),
    BOTH("Content-Length: 5", "Transfer-Encoding: chunked"),
    BOTH("Transfer-Encoding: chunked", "Content-Length: 5"),
    BOTH("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    BOTH("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    BOTH("Transfer-Encoding: chunked", "X: a\r\n Transfer-Encoding: x"),
    FIELD("Transfer-Encoding: ", -400),
    FIELD("Transfer-Encoding: chunked\x0b", -400),
    FIELD("Transfer-Encoding: \0chunked", -400),
    FIELD("Transfer-Encoding : chunked", -400),
    FIELD("Transfer-Encoding:\r\n chunked", -400),
    FIELD("Transfer-Encoding: identity", -501),
    FIELD("Transfer-Encoding: gzip", -501),
    FIELD("Transfer-Encoding: gzip, chunked", -501),
    FIELD("Transfer-Encoding: chunked, chunked", -501),
    FIELD("Transfer-Encoding: chunked, identity", -501),
    FIELD("Transfer-Encoding: chunked,", -501),
    FIELD("Transfer-Encoding: ,chunked", -501),
    FIELD("Transfer-Encoding: xchunked", -501),
    FIELD("Transfer-Encoding: chunke", -501),
    FIELD("Transfer-Encoding: chunked;q=1", -501),
    FIELD("Transfer-Encoding: \"chunked\"", -501),
    FIELD("Transfer-Encoding: \xffhunked", -501),
    {STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), -400},
    /* Expect. */
    FIELD("Expect: 200-ok", -417),
    FIELD("Expect: ", -417),
    FIELD("Expect: 100-continue, x", -417),
};

#undef BOTH
#undef HOST
#undef FIELD
#undef REQUEST

Test(head, refuses_every_hostile_head)
{
    cr_assert_geq(COUNT_OF(hostiles), 80);
    for (size_t i = 0; i < COUNT_OF(hostiles); i++)
        cr_expect_eq(status_of(hostiles[i].bytes), hostiles[i].status, "hostile %zu gives %d: %s",
                     i, status_of(hostiles[i].bytes), hostiles[i].bytes.ptr);
}

/* Once refused, more bytes do not make it good; before that it waits. */
Test(head, never_takes_a_prefix_of_a_hostile_head)
{
    for (size_t i = 0; i < COUNT_OF(hostiles); i++) {
        int before = 0;

        for (size_t len = 0; len <= hostiles[i].bytes.len; len++) {
            int r = status_of(str_head(hostiles[i].bytes, len));
            cr_expect(r <= 0 && (!before || r == before), "hostile %zu, %zu bytes: %d", i, len, r);
            before = r;
        }
    }
}

static bool is_token_char(int c)
{
    return c && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                 (c >= 'A' && c <= 'Z'));
}

/* Puts each byte at each place of a long target, name and value: the scanners take 16 at a time. */
Test(head, judges_every_byte_at_every_place)
{
    enum { LONG = 40 };

    for (int c = 0; c < 256; c++) {
        bool text = c == '\t' || (c >= 0x20 && c != 0x7f);
        bool target = c > 0x20 && c < 0x7f && c != '#';
        for (size_t at = 1; at < LONG - 1; at++) {
            char bytes[256];
            char fill[LONG + 1] = {0};
            int len;

            memset(fill, 'a', LONG);
            len = snprintf(bytes, sizeof bytes, "GET /%s HTTP/1.1\r\nHost: a\r\n%s: %s\r\n\r\n",
                           fill, fill, fill);
            for (int part = 0; part < 3; part++) {
                size_t place = (size_t[]){5, 65, 107}[part] + at;
                bool good = part == 0 ? target : part == 1 ? is_token_char(c) : text;
                char old = bytes[place];
                bool expected = good || (part == 1 && c == ':');

                bytes[place] = (char)c;
                cr_expect_eq(status_of((str){bytes, (size_t)len}), expected ? 1 : -400,
                             "byte %d at %zu of part %d", c, at, part);
                bytes[place] = old;
            }
        }
    }
}

static int status_after(const char *start, int c)
{
    char bytes[64];
    int len = snprintf(bytes, sizeof bytes, "%s", start);

    bytes[len] = (char)c;
    return status_of((str){bytes, (size_t)len + 1});
}

/* The last bytes of the input take the scanners' other way: a bad one is refused at once. */
Test(head, judges_every_byte_at_the_end_of_the_input)
{
    for (int c = 0; c < 256; c++) {
        bool text = c == '\t' || c == '\r' || (c >= 0x20 && c != 0x7f);
        bool target = c >= 0x20 && c < 0x7f && c != '#';
        bool name = is_token_char(c) || c == ':';

        cr_expect_eq(status_after("GET /", c), target ? 0 : -400, "byte %d", c);
        cr_expect_eq(status_after("GET / HTTP/1.1\r\nX: a", c), text ? 0 : -400, "byte %d", c);
        cr_expect_eq(status_after("GET / HTTP/1.1\r\nX", c), name ? 0 : -400, "byte %d", c);
    }
}

Test(head, knows_token_characters)
{
    for (int c = 0; c < 256; c++) {
        int lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
        cr_expect_eq(http_token_lower((char)c), is_token_char(c) ? lower : 0, "byte %d", c);
    }
}

static void fill(struct buf *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(buf_append_char(b, 'a'), 0);
}

static int status_with_target(size_t target_len, const char *rest)
{
    struct buf b;

    buf_init(&b, HTTP_HEAD_BYTES_MAX * 4);
    cr_assert_eq(buf_append(&b, STR("GET /")), 0);
    fill(&b, target_len - 1);
    cr_assert_eq(buf_append(&b, str_from(rest)), 0);
    return status_of_buf(&b);
}

Test(head, bounds_the_target)
{
    const char *rest = " HTTP/1.1\r\nHost: a\r\n\r\n";

    cr_expect_eq(status_with_target(HTTP_TARGET_BYTES_MAX, rest), 1);
    cr_expect_eq(status_with_target(HTTP_TARGET_BYTES_MAX + 1, rest), -414);
    cr_expect_eq(status_with_target(HTTP_TARGET_BYTES_MAX, ""), 0);
    cr_expect_eq(status_with_target(HTTP_TARGET_BYTES_MAX + 1, ""), -414);
    cr_expect_eq(status_with_target(HTTP_HEAD_BYTES_MAX * 2, ""), -414);
}

/* A head of `len` bytes, whole or without its last byte. */
static int status_with_len(size_t len, bool whole)
{
    str start = STR("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    struct buf b;

    buf_init(&b, HTTP_HEAD_BYTES_MAX * 4);
    cr_assert_eq(buf_append(&b, start), 0);
    fill(&b, len - start.len - 4);
    cr_assert_eq(buf_append(&b, STR("\r\n\r\n")), 0);
    b.len -= !whole;
    return status_of_buf(&b);
}

Test(head, bounds_the_head)
{
    cr_expect_eq(status_with_len(HTTP_HEAD_BYTES_MAX, true), 1);
    cr_expect_eq(status_with_len(HTTP_HEAD_BYTES_MAX, false), 0);
    cr_expect_eq(status_with_len(HTTP_HEAD_BYTES_MAX + 1, false), -431);
    cr_expect_eq(status_with_len(HTTP_HEAD_BYTES_MAX + 1, true), -431);
    cr_expect_eq(status_with_len(HTTP_HEAD_BYTES_MAX * 3, true), -431);
}

static int status_with_fields(size_t count)
{
    struct buf b;

    buf_init(&b, HTTP_HEAD_BYTES_MAX);
    cr_assert_eq(buf_append(&b, STR("GET / HTTP/1.1\r\nHost: a\r\n")), 0);
    for (size_t i = 1; i < count; i++)
        cr_assert_eq(buf_printf(&b, "x%zu: y\r\n", i), 0);
    cr_assert_eq(buf_append(&b, STR("\r\n")), 0);
    return status_of_buf(&b);
}

Test(head, bounds_the_number_of_fields)
{
    cr_expect_eq(status_with_fields(HTTP_HEADERS_MAX), 1);
    cr_expect_eq(head.header_count, HTTP_HEADERS_MAX);
    cr_expect_eq(status_with_fields(HTTP_HEADERS_MAX + 1), -431);
}

static int status_with_method(size_t len, const char *rest)
{
    struct buf b;

    buf_init(&b, HTTP_HEAD_BYTES_MAX * 4);
    fill(&b, len);
    cr_assert_eq(buf_append(&b, str_from(rest)), 0);
    return status_of_buf(&b);
}

Test(head, bounds_the_method)
{
    const char *rest = " / HTTP/1.1\r\nHost: a\r\n\r\n";

    cr_expect_eq(status_with_method(HTTP_METHOD_BYTES_MAX, rest), 1);
    cr_expect_eq(status_with_method(HTTP_METHOD_BYTES_MAX + 1, rest), -501);
    cr_expect_eq(status_with_method(HTTP_METHOD_BYTES_MAX + 1, ""), -501);
    cr_expect_eq(status_with_method(HTTP_HEAD_BYTES_MAX * 2, ""), -501);
}

static int status_with_host(size_t len)
{
    struct buf b;

    buf_init(&b, HTTP_HEAD_BYTES_MAX);
    cr_assert_eq(buf_append(&b, STR("GET / HTTP/1.1\r\nHost: ")), 0);
    fill(&b, len);
    cr_assert_eq(buf_append(&b, STR("\r\n\r\n")), 0);
    return status_of_buf(&b);
}

Test(head, bounds_the_host)
{
    cr_expect_eq(status_with_host(HTTP_HOST_BYTES_MAX), 1);
    cr_expect_eq(status_with_host(HTTP_HOST_BYTES_MAX + 1), -400);
}
