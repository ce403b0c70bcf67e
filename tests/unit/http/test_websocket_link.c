/* http/websocket_link: ends of every kind, and the bound on what waits, over a made-up wire. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "http/websocket_link.h"

enum { TRANSCRIPT_MAX = 1 << 12 };

/* A transport that keeps what is written until it is taken, and notes what is done to it. */
struct wire {
    struct buf out;
    struct buf notes;  /* "pause " "resume " "end " "cut ", and what the link tells */
    struct websocket_link *link;
};

static void note(struct wire *wire, const char *text)
{
    cr_assert_eq(buf_append(&wire->notes, str_from(text)), 0);
}

static void wire_write(void *transport, str bytes)
{
    struct wire *wire = transport;

    cr_assert_eq(buf_append(&wire->out, bytes), 0);
}

static size_t wire_queued(const void *transport)
{
    const struct wire *wire = transport;

    return wire->out.len;
}

static void wire_pause(void *transport, bool paused)
{
    note(transport, paused ? "pause " : "resume ");
}

static void wire_end(void *transport)
{
    note(transport, "end ");
}

static void wire_cut(void *transport)
{
    note(transport, "cut ");
}

static const struct websocket_transport functions = {wire_write, wire_queued, wire_pause, wire_end,
                                                     wire_cut};

static void on_message(void *owner, bool is_text, str data)
{
    struct wire *wire = owner;

    cr_assert_eq(buf_printf(&wire->notes, "%s <%.*s> ", is_text ? "text" : "binary",
                            STR_ARGS(data)),
                 0);
}

static void on_closed(void *owner, bool clean, int code, str reason)
{
    struct wire *wire = owner;

    cr_assert_eq(buf_printf(&wire->notes, "closed %s %d <%.*s> ", clean ? "clean" : "failed", code,
                            STR_ARGS(reason)),
                 0);
}

static const struct websocket_link_hooks hooks = {on_message, on_closed};

static void open_wire(struct wire *wire, enum websocket_role role)
{
    buf_init(&wire->out, 64 << 20);
    buf_init(&wire->notes, TRANSCRIPT_MAX);
    wire->link = websocket_link_new(uv_default_loop(), (struct websocket_terms){.role = role},
                                    &functions, wire, &hooks, wire);
}

static void close_wire(struct wire *wire)
{
    websocket_link_free(wire->link, WEBSOCKET_GOING_AWAY);
    buf_done(&wire->out);
    buf_done(&wire->notes);
}

static void expect(struct wire *wire, const char *text)
{
    cr_expect(str_equal(buf_str(&wire->notes), str_from(text)), "%.*s instead of %s",
              STR_ARGS(buf_str(&wire->notes)), text);
    buf_clear(&wire->notes);
}

/* Hands what one side wrote to the other. */
static void carry(struct wire *from, struct wire *to)
{
    size_t len;
    char *bytes = buf_take(&from->out, &len);

    websocket_link_received(to->link, (str){bytes, len});
    free(bytes);
}

/* The server closes the connection after both Closes, a client leaves it to the server. */
Test(websocket_link, the_client_closes)
{
    struct wire client, server;

    open_wire(&client, WEBSOCKET_CLIENT);
    open_wire(&server, WEBSOCKET_SERVER);
    websocket_link_send(client.link, true, STR("hello"));
    websocket_link_close(client.link, 4000, STR("done"));
    carry(&client, &server);
    expect(&server, "text <hello> closed clean 4000 <done> end ");
    carry(&server, &client);
    expect(&client, "");
    websocket_link_lost(client.link, STR("the connection was closed"));
    expect(&client, "closed clean 4000 <done> ");
    close_wire(&client);
    close_wire(&server);
}

Test(websocket_link, the_server_closes)
{
    struct wire client, server;

    open_wire(&client, WEBSOCKET_CLIENT);
    open_wire(&server, WEBSOCKET_SERVER);
    websocket_link_leave(server.link, WEBSOCKET_RESTART);
    carry(&server, &client);
    carry(&client, &server);
    expect(&server, "closed clean 1012 <> end ");
    websocket_link_lost(client.link, STR("the connection was closed"));
    expect(&client, "closed clean 1012 <> ");
    close_wire(&client);
    close_wire(&server);
}

Test(websocket_link, a_lost_connection)
{
    struct wire wire;

    open_wire(&wire, WEBSOCKET_SERVER);
    websocket_link_lost(wire.link, STR("why"));
    expect(&wire, "closed failed 1006 <why> ");
    websocket_link_send(wire.link, true, STR("x"));
    websocket_link_close(wire.link, 1000, STR_NONE);
    websocket_link_lost(wire.link, STR("again"));
    expect(&wire, "");
    cr_expect_eq(wire.out.len, 0, "nothing is written to what is gone");
    close_wire(&wire);
}

Test(websocket_link, a_broken_protocol)
{
    struct wire wire;

    open_wire(&wire, WEBSOCKET_SERVER);
    websocket_link_received(wire.link, STR("\xff\xff"));
    websocket_link_received(wire.link, STR("\xff\xff\xff\xff\xff\xff\xff\xff"));
    cr_expect(str_starts(buf_str(&wire.notes), STR("closed failed 1006 <a frame")));
    cr_expect(str_ends(buf_str(&wire.notes), STR("> end ")));
    cr_expect(str_equal(buf_str(&wire.out), STR("\x88\x02\x03\xea")), "a Close with 1002");
    close_wire(&wire);
}

Test(websocket_link, a_peer_that_does_not_read)
{
    static char piece[1 << 20];
    struct wire wire;
    int sent = 0;

    open_wire(&wire, WEBSOCKET_SERVER);
    for (; sent < 64 && !wire.notes.len; sent++)
        websocket_link_send(wire.link, false, (str){piece, sizeof piece});
    expect(&wire, "cut closed failed 1006 <too much waits for the peer to read it> ");
    cr_expect_leq(wire.out.len, WEBSOCKET_QUEUE_BYTES_MAX);
    cr_expect_geq(wire.out.len, WEBSOCKET_QUEUE_BYTES_MAX - (2 << 20));
    close_wire(&wire);
}

/* Who reads may be sent any amount. */
Test(websocket_link, a_peer_that_reads)
{
    static char piece[1 << 20];
    struct wire wire;

    open_wire(&wire, WEBSOCKET_SERVER);
    for (int i = 0; i < 64; i++) {
        websocket_link_send(wire.link, false, (str){piece, sizeof piece});
        cr_expect_eq(websocket_link_queued(wire.link), sizeof piece);
        buf_clear(&wire.out);
        cr_expect_eq(websocket_link_queued(wire.link), 0);
    }
    expect(&wire, "");
    close_wire(&wire);
}

/* Pongs count too: a peer that asks and does not read. */
Test(websocket_link, pings_without_end)
{
    static char pings[131 * 500];
    struct wire wire;

    for (size_t i = 0; i < sizeof pings; i += 131)
        pings[i] = (char)0x89, pings[i + 1] = (char)(0x80 | 125);
    open_wire(&wire, WEBSOCKET_SERVER);
    for (int i = 0; i < 1000 && !wire.notes.len; i++)
        websocket_link_received(wire.link, (str){pings, sizeof pings});
    expect(&wire, "cut closed failed 1006 <too much waits for the peer to read it> ");
    close_wire(&wire);
}

Test(websocket_link, pausing)
{
    struct wire wire;

    open_wire(&wire, WEBSOCKET_SERVER);
    websocket_link_pause(wire.link, false);
    websocket_link_pause(wire.link, true);
    websocket_link_pause(wire.link, true);
    websocket_link_close(wire.link, 1000, STR_NONE); /* its answer is to be read */
    expect(&wire, "pause resume ");
    close_wire(&wire);
}

Test(websocket_link, freed_while_open)
{
    struct wire wire;

    open_wire(&wire, WEBSOCKET_SERVER);
    websocket_link_free(wire.link, WEBSOCKET_INTERNAL_ERROR);
    expect(&wire, "end ");
    cr_expect(str_equal(buf_str(&wire.out), STR("\x88\x02\x03\xf3")), "a Close with 1011");
    buf_done(&wire.out);
    buf_done(&wire.notes);
    websocket_link_free(NULL, 0);
}
