/* http/websocket_deflate: which offers are accepted, and messages there and back. */
#include <criterion/criterion.h>

#include "http/websocket_deflate.h"

static const struct {
    str offers;
    bool accepted;
} offers[] = {
    {STR("permessage-deflate"), true},
    {STR("permessage-deflate; client_max_window_bits"), true},
    {STR("permessage-deflate;client_max_window_bits=10 ; server_no_context_takeover"), true},
    {STR("permessage-deflate; client_no_context_takeover; server_no_context_takeover"), true},
    {STR("permessage-deflate; server_max_window_bits=10, permessage-deflate"), true},
    {STR("x-other, permessage-deflate"), true},
    {STR(""), false},
    {STR("x-other"), false},
    {STR("permessage-deflated"), false},
    {STR("permessage-deflate; server_max_window_bits=10"), false},
    {STR("permessage-deflate; what"), false},
    {STR("permessage-deflate; server_no_context_takeover=1"), false},
    {STR("permessage-deflate; client_max_window_bits; client_max_window_bits"), false},
};

Test(websocket_deflate, offers)
{
    for (size_t i = 0; i < COUNT_OF(offers); i++)
        cr_expect_eq(websocket_deflate_accepts(offers[i].offers), offers[i].accepted, "%.*s",
                     STR_ARGS(offers[i].offers));
}

Test(websocket_deflate, there_and_back)
{
    static char bytes[100000];
    uint32_t random = 1;

    for (size_t len = 0; len < sizeof bytes; len = len * 3 + 1) {
        struct buf packed, back;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)((random = random * 1664525 + 1013904223) >> (len % 2 ? 30 : 24));
        buf_init(&packed, len + 1024);
        buf_init(&back, len);
        cr_assert_eq(websocket_deflate_pack((str){bytes, len}, &packed), 0);
        cr_expect_eq(websocket_deflate_unpack(buf_str(&packed), &back), 0, "%zu", len);
        cr_expect(str_equal(buf_str(&back), (str){bytes, len}));
        buf_done(&back);
        buf_init(&back, len ? len - 1 : 0);
        if (len)
            cr_expect_eq(websocket_deflate_unpack(buf_str(&packed), &back), ERR_LIMIT);
        buf_done(&back);
        buf_done(&packed);
    }
}
