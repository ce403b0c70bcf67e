/* http/handshake: what a server takes for a handshake, and the example of RFC 6455 1.3. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "http/handshake.h"

#define KEY "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n"
#define VERSION "sec-websocket-version: 13\n"
#define UPGRADE "upgrade: websocket\nconnection: Upgrade\n"

static const struct {
    str lines;
    bool upgrade, wrong_version, wrong_key;
} cases[] = {
    {STR(UPGRADE VERSION KEY), true, false, false},
    {STR("upgrade: WebSocket\nconnection: keep-alive, UPGRADE\n" VERSION KEY), true, false, false},
    {STR("upgrade: h2c, websocket\r\nconnection: upgrade\r\n" VERSION KEY), true, false, false},
    {STR(""), false, true, true},
    {STR("upgrade: websocket\n" VERSION KEY), false, false, false},
    {STR("connection: upgrade\n" VERSION KEY), false, false, false},
    {STR("upgrade: websockets\nconnection: upgrade\n" VERSION KEY), false, false, false},
    {STR(UPGRADE KEY), true, true, false},
    {STR(UPGRADE KEY "sec-websocket-version: 8\n"), true, true, false},
    {STR(UPGRADE KEY VERSION VERSION), true, true, false},
    {STR(UPGRADE VERSION), true, false, true},
    {STR(UPGRADE VERSION KEY KEY), true, false, true},
    {STR(UPGRADE VERSION "sec-websocket-key: \n"), true, false, true},
    {STR(UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=\n"), true, false, true},
    {STR(UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=a\n"), true, false, true},
    {STR(UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub2 jZQ==\n"), true, false, true},
    {STR(UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==dGhl\n"), true, false, true},
};

Test(handshake, read)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct handshake asked;

        handshake_read(cases[i].lines, &asked);
        cr_expect_eq(asked.upgrade, cases[i].upgrade, "%zu", i);
        cr_expect_eq(asked.wrong_version, cases[i].wrong_version, "%zu", i);
        cr_expect_eq(asked.wrong_key, cases[i].wrong_key, "%zu", i);
    }
}

Test(handshake, accept)
{
    char accept[HANDSHAKE_ACCEPT_BYTES];

    handshake_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    cr_expect(str_equal((str){accept, sizeof accept}, STR("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
}

Test(handshake, keys_are_valid_and_differ)
{
    char one[HANDSHAKE_KEY_BYTES], two[HANDSHAKE_KEY_BYTES];
    char lines[sizeof "sec-websocket-key: \n" + HANDSHAKE_KEY_BYTES];
    struct handshake asked;

    handshake_make_key(one);
    handshake_make_key(two);
    cr_expect(memcmp(one, two, sizeof one) != 0);
    snprintf(lines, sizeof lines, "sec-websocket-key: %.*s\n", (int)sizeof one, one);
    handshake_read(str_from(lines), &asked);
    cr_expect_not(asked.wrong_key);
}

Test(handshake, header)
{
    str lines = STR("A: 1\r\nb:2\r\nEmpty:\r\nB: 3\r\n");

    cr_expect(str_equal(handshake_header(lines, STR("a")), STR("1")));
    cr_expect(str_equal(handshake_header(lines, STR("b")), STR("2")));
    cr_expect_not_null(handshake_header(lines, STR("empty")).ptr);
    cr_expect_null(handshake_header(lines, STR("c")).ptr);
}

Test(handshake, tokens)
{
    cr_expect(handshake_has_token(STR("a, B ,c"), STR("b")));
    cr_expect_not(handshake_has_token(STR("ab"), STR("a")));
    cr_expect(handshake_has_exactly(STR("a, B ,c"), STR("B")));
    cr_expect_not(handshake_has_exactly(STR("a, B ,c"), STR("b")));
}
