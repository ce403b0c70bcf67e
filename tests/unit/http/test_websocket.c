/* http/websocket: frames of every kind, whole and cut anywhere, as a server and as a client. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/websocket.h"

enum { FRAMES_MAX = 5, TRANSCRIPT_MAX = 1 << 14 };

/* A frame of a test: its first byte, or RAW for bytes that are sent as they are; UNMASKED may be
 * added. */
struct frame {
    int first;
    str payload;
};

#define RAW 0x100
#define UNMASKED 0x200

#define FIN 0x80
#define CONT 0x0
#define TEXT 0x1
#define BIN 0x2
#define CLOSE 0x8
#define PING 0x9
#define PONG 0xA

struct peer {
    struct websocket *ws;
    struct buf said;   /* what the hooks told: "text <..>" "binary <..>" "closed clean 1000 <..>" */
};

static void on_message(void *owner, bool is_text, str data)
{
    struct peer *peer = owner;

    cr_assert_eq(buf_printf(&peer->said, "%s <", is_text ? "text" : "binary"), 0);
    cr_assert_eq(buf_append(&peer->said, data.len > 200 ? STR("long") : data), 0);
    cr_assert_eq(buf_append(&peer->said, STR("> ")), 0);
}

static void on_closed(void *owner, bool clean, int code, str reason)
{
    struct peer *peer = owner;

    cr_assert(clean || reason.len, "a text for a person");
    cr_assert_eq(buf_printf(&peer->said, "closed %s %d <%.*s> ", clean ? "clean" : "failed", code,
                            STR_ARGS(clean ? reason : STR(""))),
                 0);
}

static const struct websocket_hooks hooks = {on_message, on_closed};

static void add_frame(struct buf *out, const struct frame *frame)
{
    static const char key[4] = {0x37, (char)0xfa, 0x21, 0x3d};
    size_t len = frame->payload.len;
    char mask = frame->first & UNMASKED ? 0 : (char)0x80;

    if (frame->first == RAW) {
        cr_assert_eq(buf_append(out, frame->payload), 0);
        return;
    }
    cr_assert_eq(buf_append_char(out, (char)frame->first), 0);
    if (len < 126) {
        cr_assert_eq(buf_append_char(out, (char)(mask | (char)len)), 0);
    } else if (len < 65536) {
        char head[] = {(char)(mask | 126), (char)(len >> 8), (char)len};
        cr_assert_eq(buf_append(out, (str){head, sizeof head}), 0);
    } else {
        char head[] = {(char)(mask | 127), 0, 0, 0, 0, (char)(len >> 24), (char)(len >> 16),
                       (char)(len >> 8), (char)len};
        cr_assert_eq(buf_append(out, (str){head, sizeof head}), 0);
    }
    if (mask)
        cr_assert_eq(buf_append(out, (str){key, 4}), 0);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(buf_append_char(out, (char)(frame->payload.ptr[i] ^ (mask ? key[i % 4] : 0))),
                     0);
}

/* Reads what a server put out: "pong <x> " and "close 1002 <> ". */
static void describe_output(str out, struct buf *said)
{
    while (out.len) {
        int opcode = out.ptr[0] & 0xF;
        size_t len = (unsigned char)out.ptr[1];
        str payload = str_head(str_skip(out, 2), len);

        cr_assert_lt(len, 126, "control frames only, not masked");
        cr_assert_eq((unsigned char)out.ptr[0] & 0xF0, FIN);
        if (opcode == CLOSE)
            cr_assert_eq(buf_printf(said, "-> close %d <%.*s> ",
                                    len ? (unsigned char)payload.ptr[0] << 8 |
                                              (unsigned char)payload.ptr[1]
                                        : 0,
                                    STR_ARGS(str_skip(payload, 2))),
                         0);
        else
            cr_assert_eq(buf_printf(said, "-> %s <%.*s> ", opcode == PONG ? "pong" : "?",
                                    STR_ARGS(payload)),
                         0);
        out = str_skip(out, 2 + len);
    }
}

/* What a server makes of `input` when it comes in pieces of `piece` bytes. */
static void serve_with(bool deflate, str input, size_t piece, struct buf *said)
{
    struct peer peer = {0};

    buf_init(&peer.said, TRANSCRIPT_MAX);
    peer.ws = websocket_new(WEBSOCKET_SERVER, deflate, &hooks, &peer);
    while (input.len) {
        char *copy = str_dup(str_head(input, piece));
        websocket_receive(peer.ws, (str){copy, str_head(input, piece).len});
        free(copy);
        input = str_skip(input, piece);
    }
    cr_assert_eq(buf_append(said, buf_str(&peer.said)), 0);
    describe_output(buf_str(websocket_output(peer.ws)), said);
    buf_done(&peer.said);
    websocket_free(peer.ws);
}

static void serve(str input, size_t piece, struct buf *said)
{
    serve_with(false, input, piece, said);
}

#define LONG_REASON                                                                               \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "12345678901234567890123456789012"

static const struct {
    struct frame frames[FRAMES_MAX];
    const char *said;
} cases[] = {
    /* Messages. */
    {{{FIN | TEXT, STR("Hello")}}, "text <Hello> "},
    {{{FIN | TEXT, STR("")}}, "text <> "},
    {{{FIN | BIN, STR("\0\1\xff")}}, NULL},
    {{{FIN | BIN, STR("")}, {FIN | TEXT, STR("x")}}, "binary <> text <x> "},
    /* Fragments, and control frames between them. */
    {{{TEXT, STR("Hel")}, {FIN | CONT, STR("lo")}}, "text <Hello> "},
    {{{TEXT, STR("")}, {CONT, STR("")}, {FIN | CONT, STR("")}}, "text <> "},
    {{{TEXT, STR("a")}, {FIN | PING, STR("p")}, {CONT, STR("b")}, {FIN | PONG, STR("")},
      {FIN | CONT, STR("c")}}, "text <abc> -> pong <p> "},
    {{{TEXT, STR("a")}, {FIN | CLOSE, STR("\x03\xe8")}, {FIN | CONT, STR("b")}},
     "closed clean 1000 <> -> close 1000 <> "},
    {{{FIN | CONT, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{CONT, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{TEXT, STR("a")}, {FIN | TEXT, STR("b")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | TEXT, STR("a")}, {FIN | CONT, STR("b")}},
     "text <a> closed failed 1002 <> -> close 1002 <> "},
    /* Text is UTF-8, in one frame and across frames; the first wrong byte ends it. */
    {{{FIN | TEXT, STR("\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80")}},
     "text <\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80> "},
    {{{TEXT, STR("\xe1")}, {CONT, STR("\xbd")}, {FIN | CONT, STR("\xb9")}}, "text <\xe1\xbd\xb9> "},
    {{{FIN | TEXT, STR("\xed\xa0\x80")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{FIN | TEXT, STR("\xf4\x90\x80\x80")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{FIN | TEXT, STR("\xc0\xaf")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{FIN | TEXT, STR("a\xe1\xbd")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{TEXT, STR("a\xe1")}, {CONT, STR("a")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{TEXT, STR("\xff")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{FIN | BIN, STR("\xff")}, {FIN | PING, STR("\xff")}}, NULL},
    /* Control frames. */
    {{{FIN | PING, STR("")}, {FIN | PING, STR("x")}}, "-> pong <> -> pong <x> "},
    {{{FIN | PONG, STR("unasked")}}, ""},
    {{{FIN | PING, STR(LONG_REASON "45")}}, "-> pong <" LONG_REASON "45> "},
    {{{FIN | PING, STR(LONG_REASON "456")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{PING, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{PONG, STR("")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{CLOSE, STR("")}}, "closed failed 1002 <> -> close 1002 <> "},
    /* Closes. */
    {{{FIN | CLOSE, STR("")}}, "closed clean 1005 <> -> close 0 <> "},
    {{{FIN | CLOSE, STR("\x03")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | CLOSE, STR("\x03\xe8" "bye")}}, "closed clean 1000 <bye> -> close 1000 <bye> "},
    {{{FIN | CLOSE, STR("\x03\xe8" LONG_REASON)}},
     "closed clean 1000 <" LONG_REASON "> -> close 1000 <" LONG_REASON "> "},
    {{{FIN | CLOSE, STR("\x03\xe8\xe1\xbd\xb9")}},
     "closed clean 1000 <\xe1\xbd\xb9> -> close 1000 <\xe1\xbd\xb9> "},
    {{{FIN | CLOSE, STR("\x03\xe8\xe1\xbd")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{FIN | CLOSE, STR("\x03\xe8\xff")}}, "closed failed 1007 <> -> close 1007 <> "},
    {{{FIN | CLOSE, STR("\x03\xe8" "x")}, {FIN | TEXT, STR("late")}, {FIN | PING, STR("late")}},
     "closed clean 1000 <x> -> close 1000 <x> "},
    /* Reserved bits, opcodes, masks, lengths. */
    {{{FIN | 0x40 | TEXT, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x20 | BIN, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x10 | PING, STR("")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x3, STR("")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x7, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0xB, STR("")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0xF, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{UNMASKED | FIN | TEXT, STR("x")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | TEXT, STR("x")}, {UNMASKED | FIN | PING, STR("")}},
     "text <x> closed failed 1002 <> -> close 1002 <> "},
    {{{RAW, STR("\x81\xfe\x00\x05" "KKKK")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{RAW, STR("\x81\xff\0\0\0\0\0\0\x00\x7f" "KKKK")}},
     "closed failed 1002 <> -> close 1002 <> "},
    {{{RAW, STR("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" "KKKK")}},
     "closed failed 1002 <> -> close 1002 <> "},
    {{{RAW, STR("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" "KKKKx")}},
     "closed failed 1009 <> -> close 1009 <> "},
    {{{RAW, STR("\x82\xff\0\0\0\0\0\x10\0\1" "KKKKx")}},
     "closed failed 1009 <> -> close 1009 <> "},
    {{{BIN, STR("x")}, {RAW, STR("\x80\xff\0\0\0\0\0\x10\0\0" "KKKKx")}},
     "closed failed 1009 <> -> close 1009 <> "},
};

Test(websocket, cases)
{
    static const size_t pieces[] = {1, 2, 3, 7, SIZE_MAX};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf input;

        buf_init(&input, 1 << 20);
        for (size_t f = 0; f < FRAMES_MAX; f++)
            if (cases[i].frames[f].payload.ptr)
                add_frame(&input, &cases[i].frames[f]);
        for (size_t p = 0; p < COUNT_OF(pieces); p++) {
            struct buf said;
            buf_init(&said, TRANSCRIPT_MAX);
            serve(buf_str(&input), pieces[p], &said);
            cr_expect(!cases[i].said || str_equal(buf_str(&said), str_from(cases[i].said)),
                      "case %zu in pieces of %zu: %.*s instead of %s", i, pieces[p],
                      STR_ARGS(buf_str(&said)), cases[i].said);
            buf_done(&said);
        }
        buf_done(&input);
    }
}

Test(websocket, which_codes_may_be_sent)
{
    static const int valid[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                                1012, 1013, 1014, 3000, 3999, 4000, 4999};
    static const int invalid[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
                                  65535};

    for (size_t i = 0; i < COUNT_OF(valid); i++) {
        char payload[] = {(char)(valid[i] >> 8), (char)valid[i]};
        struct buf input, said;
        char expected[64];

        buf_init(&input, 64);
        buf_init(&said, 256);
        add_frame(&input, &(struct frame){FIN | CLOSE, {payload, 2}});
        serve(buf_str(&input), SIZE_MAX, &said);
        snprintf(expected, sizeof expected, "closed clean %d <> -> close %d <> ", valid[i],
                 valid[i]);
        cr_expect(str_equal(buf_str(&said), str_from(expected)), "%d", valid[i]);
        buf_done(&input);
        buf_done(&said);
    }
    for (size_t i = 0; i < COUNT_OF(invalid); i++) {
        char payload[] = {(char)(invalid[i] >> 8), (char)invalid[i]};
        struct buf input, said;

        buf_init(&input, 64);
        buf_init(&said, 256);
        add_frame(&input, &(struct frame){FIN | CLOSE, {payload, 2}});
        serve(buf_str(&input), SIZE_MAX, &said);
        cr_expect(str_starts(buf_str(&said), STR("closed failed 1002")), "%d", invalid[i]);
        buf_done(&input);
        buf_done(&said);
    }
}

/* ---- both sides ---- */

/* Moves what each side put out to the other, until nothing is left. */
static void exchange(struct peer *client, struct peer *server)
{
    struct buf *from;

    for (int quiet = 0, turn = 0; quiet < 2; turn++) {
        struct peer *sender = turn % 2 ? server : client, *other = turn % 2 ? client : server;
        size_t len;
        char *bytes;

        from = websocket_output(sender->ws);
        bytes = buf_take(from, &len);
        quiet = len ? 0 : quiet + 1;
        websocket_receive(other->ws, (str){bytes, len});
        free(bytes);
    }
}

static void open_both_with(struct peer *client, struct peer *server, bool deflate)
{
    buf_init(&client->said, TRANSCRIPT_MAX);
    buf_init(&server->said, TRANSCRIPT_MAX);
    client->ws = websocket_new(WEBSOCKET_CLIENT, deflate, &hooks, client);
    server->ws = websocket_new(WEBSOCKET_SERVER, deflate, &hooks, server);
}

static void open_both(struct peer *client, struct peer *server)
{
    open_both_with(client, server, false);
}

static void expect_said(struct peer *peer, const char *text)
{
    cr_expect(str_equal(buf_str(&peer->said), str_from(text)), "%.*s instead of %s",
              STR_ARGS(buf_str(&peer->said)), text);
    buf_done(&peer->said);
}

static void close_both(struct peer *client, struct peer *server)
{
    websocket_free(client->ws);
    websocket_free(server->ws);
}

Test(websocket, client_and_server)
{
    static char big[WEBSOCKET_MESSAGE_BYTES_MAX + 1];
    struct peer client, server;

    memset(big, 'x', sizeof big);
    open_both(&client, &server);
    websocket_send(client.ws, true, STR("to server"));
    websocket_send(server.ws, false, STR("to client"));
    websocket_ping(client.ws);
    exchange(&client, &server);
    websocket_send(client.ws, true, (str){big, sizeof big - 1});
    websocket_send(server.ws, false, (str){big, 65536});
    exchange(&client, &server);
    websocket_close(client.ws, 4000, STR("done"));
    cr_expect_eq(websocket_state(client.ws), WEBSOCKET_CLOSING);
    websocket_send(client.ws, true, STR("too late"));
    exchange(&client, &server);
    cr_expect_eq(websocket_state(client.ws), WEBSOCKET_CLOSED);
    expect_said(&server, "text <to server> text <long> closed clean 4000 <done> ");
    expect_said(&client, "binary <to client> binary <long> closed clean 4000 <done> ");
    close_both(&client, &server);

    open_both(&client, &server);
    websocket_send(client.ws, true, (str){big, sizeof big});
    exchange(&client, &server);
    expect_said(&server, "closed failed 1009 <> ");
    expect_said(&client, "closed clean 1009 <> ");
    close_both(&client, &server);
}

Test(websocket, both_close_at_once)
{
    struct peer client, server;

    open_both(&client, &server);
    websocket_send(server.ws, true, STR("before"));
    websocket_close(client.ws, 0, STR(""));
    websocket_close(server.ws, WEBSOCKET_GOING_AWAY, STR("bye"));
    exchange(&client, &server);
    expect_said(&client, "closed clean 1001 <bye> ");
    expect_said(&server, "closed clean 1005 <> ");
    close_both(&client, &server);
}

/* What comes between our Close and the peer's is read and thrown away. */
Test(websocket, messages_after_our_close)
{
    struct peer client, server;

    open_both(&client, &server);
    websocket_send(client.ws, true, STR("a\xe1\xbd\xb9"));
    websocket_close(server.ws, 1000, STR(""));
    exchange(&client, &server);
    expect_said(&server, "closed clean 1000 <> ");
    expect_said(&client, "closed clean 1000 <> ");
    close_both(&client, &server);
}

Test(websocket, masked_frames_from_a_server)
{
    struct peer client = {0};
    struct buf input;

    buf_init(&input, 64);
    buf_init(&client.said, TRANSCRIPT_MAX);
    client.ws = websocket_new(WEBSOCKET_CLIENT, false, &hooks, &client);
    add_frame(&input, &(struct frame){FIN | TEXT, STR("x")});
    websocket_receive(client.ws, buf_str(&input));
    expect_said(&client, "closed failed 1002 <> ");
    buf_done(&input);
    websocket_free(client.ws);
}

Test(websocket, many_small_frames)
{
    struct peer peer = {0};
    struct buf input;

    buf_init(&input, 1 << 20);
    buf_init(&peer.said, 1 << 20);
    peer.ws = websocket_new(WEBSOCKET_SERVER, false, &hooks, &peer);
    for (int i = 0; i < 5000; i++)
        add_frame(&input, &(struct frame){i ? CONT : TEXT, STR("\xc3")}),
            add_frame(&input, &(struct frame){CONT, STR("\xa9")});
    add_frame(&input, &(struct frame){FIN | CONT, STR("")});
    websocket_receive(peer.ws, buf_str(&input));
    expect_said(&peer, "text <long> ");
    buf_done(&input);
    websocket_free(peer.ws);
}

/* ---- compression ---- */

Test(websocket, compressed_messages)
{
    static char text[100000];
    struct peer client, server;

    memset(text, 'x', sizeof text);
    open_both_with(&client, &server, true);
    websocket_send(client.ws, true, (str){text, sizeof text});
    cr_expect_lt(websocket_output(client.ws)->len, 1000);
    websocket_send(client.ws, true, STR("short"));
    websocket_send(server.ws, false, (str){text, sizeof text});
    exchange(&client, &server);
    expect_said(&server, "text <long> text <short> ");
    expect_said(&client, "binary <long> ");
    close_both(&client, &server);
}

/* {first byte, payload} to a server that agreed on compression. */
static const struct {
    struct frame frames[FRAMES_MAX];
    const char *said;
} compressed[] = {
    /* The examples of RFC 7692 7.2.3. */
    {{{FIN | 0x40 | TEXT, STR("\xf2\x48\xcd\xc9\xc9\x07\x00")}}, "text <Hello> "},
    {{{0x40 | TEXT, STR("\xf2\x48\xcd")}, {FIN | CONT, STR("\xc9\xc9\x07\x00")}}, "text <Hello> "},
    {{{FIN | 0x40 | TEXT, STR("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")}},
     "text <Hello> "},
    {{{FIN | 0x40 | TEXT, STR("\xf3\x48\xcd\xc9\xc9\x07\x00\x00")}}, "text <Hello> "},
    {{{FIN | 0x40 | TEXT, STR("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")}},
     "text <Hello> "},
    {{{FIN | 0x40 | BIN, STR("\x00")}, {FIN | TEXT, STR("plain")}}, "binary <> text <plain> "},
    {{{0x40 | TEXT, STR("\xf2\x48\xcd")}, {FIN | PING, STR("p")},
      {FIN | CONT, STR("\xc9\xc9\x07\x00")}}, "text <Hello> -> pong <p> "},
    /* Broken ones. */
    {{{FIN | 0x40 | TEXT, STR("\xff\xff\xff")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x40 | TEXT, STR("\x00\x02\x00\xfd\xff\xc3\x28\x00")}},
     "closed failed 1007 <> -> close 1007 <> "},
    {{{0x40 | TEXT, STR("\xf2")}, {FIN | 0x40 | CONT, STR("\x48")}},
     "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x40 | PING, STR("")}}, "closed failed 1002 <> -> close 1002 <> "},
    {{{FIN | 0x60 | TEXT, STR("\x00")}}, "closed failed 1002 <> -> close 1002 <> "},
};

Test(websocket, compressed_frames)
{
    for (size_t i = 0; i < COUNT_OF(compressed); i++) {
        struct buf input, said;

        buf_init(&input, 1 << 16);
        buf_init(&said, TRANSCRIPT_MAX);
        for (size_t f = 0; f < FRAMES_MAX; f++)
            if (compressed[i].frames[f].payload.ptr)
                add_frame(&input, &compressed[i].frames[f]);
        serve_with(true, buf_str(&input), i % 3 + 1, &said);
        cr_expect(str_equal(buf_str(&said), str_from(compressed[i].said)), "case %zu: %.*s", i,
                  STR_ARGS(buf_str(&said)));
        buf_done(&input);
        buf_done(&said);
    }
}

/* A few bytes that say a megabyte, exactly and one byte more. */
Test(websocket, bombs)
{
    static char zeros[WEBSOCKET_MESSAGE_BYTES_MAX + 1];

    for (size_t more = 0; more < 2; more++) {
        struct peer client, server;

        open_both_with(&client, &server, true);
        websocket_send(client.ws, false, (str){zeros, WEBSOCKET_MESSAGE_BYTES_MAX + more});
        cr_expect_lt(websocket_output(client.ws)->len, 8192);
        exchange(&client, &server);
        expect_said(&server, more ? "closed failed 1009 <> " : "binary <long> ");
        buf_done(&client.said);
        close_both(&client, &server);
    }
}

/* ---- holding ---- */

static void hold_on_message(void *owner, bool is_text, str data)
{
    struct peer *peer = owner;

    on_message(owner, is_text, data);
    websocket_hold(peer->ws, true);
}

Test(websocket, held_after_each_message)
{
    static const struct websocket_hooks holding = {hold_on_message, on_closed};
    struct peer peer = {0};
    struct buf input;

    buf_init(&input, 1 << 10);
    buf_init(&peer.said, TRANSCRIPT_MAX);
    peer.ws = websocket_new(WEBSOCKET_SERVER, false, &holding, &peer);
    add_frame(&input, &(struct frame){FIN | TEXT, STR("one")});
    add_frame(&input, &(struct frame){FIN | TEXT, STR("two")});
    add_frame(&input, &(struct frame){FIN | CLOSE, STR("")});
    websocket_receive(peer.ws, str_head(buf_str(&input), 20));
    websocket_receive(peer.ws, str_skip(buf_str(&input), 20));
    cr_expect(str_equal(buf_str(&peer.said), STR("text <one> ")));
    websocket_hold(peer.ws, false);
    cr_expect(str_equal(buf_str(&peer.said), STR("text <one> text <two> ")));
    websocket_hold(peer.ws, false);
    expect_said(&peer, "text <one> text <two> closed clean 1005 <> ");
    buf_done(&input);
    websocket_free(peer.ws);
}

/* ---- leniency ---- */

/* A frame without a mask: a server refuses it, a lenient one takes it beside one with a mask. */
Test(websocket, lenient_server)
{
    static const struct {
        enum websocket_role role;
        const char *said;
    } servers[] = {
        {WEBSOCKET_SERVER, "closed failed 1002 <> "},
        {WEBSOCKET_SERVER_LENIENT, "text <bare> text <masked> closed clean 1000 <> "},
    };
    struct buf input;

    buf_init(&input, 1 << 10);
    add_frame(&input, &(struct frame){FIN | TEXT | UNMASKED, STR("bare")});
    add_frame(&input, &(struct frame){FIN | TEXT, STR("masked")});
    add_frame(&input, &(struct frame){FIN | CLOSE, STR("\x03\xe8")});
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        struct peer peer = {0};

        buf_init(&peer.said, TRANSCRIPT_MAX);
        peer.ws = websocket_new(servers[i].role, false, &hooks, &peer);
        websocket_receive(peer.ws, buf_str(&input));
        cr_expect_eq((unsigned char)buf_str(websocket_output(peer.ws)).ptr[1] & 0x80, 0,
                     "a server masks nothing");
        expect_said(&peer, servers[i].said);
        websocket_free(peer.ws);
    }
    buf_done(&input);
}
