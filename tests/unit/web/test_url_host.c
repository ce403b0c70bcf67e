/* web/url_host: domains, IPv4, IPv6, opaque hosts. */
#include "web/url_host.h"

#include <criterion/criterion.h>

static const struct {
    const char *text, *host; /* host NULL: no host */
    bool is_opaque;
} rows[] = {
    {"example.com", "example.com", false},
    {"EXAMPLE.com.", "example.com.", false},
    {"%65x", "ex", false},
    {"a_b~!", "a_b~!", false},
    {"m\xC3\xBCnchen.de", "xn--mnchen-3ya.de", false},
    {"\xE1\xBA\x9E.de", "xn--zca.de", false},
    {"XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de", false},
    {"xn--a", NULL, false},
    {"xn--ascii-", NULL, false},
    {"xn--", NULL, false},
    {"\xC2\xAD", NULL, false},
    {"a%00b", NULL, false},
    {"a%b", NULL, false},
    {"a^b", NULL, false},
    {"\xFF", NULL, false},
    {"", NULL, false},
    {"127.0.0.1", "127.0.0.1", false},
    {"0x7f.1", "127.0.0.1", false},
    {"017700000001", "127.0.0.1", false},
    {"4294967295", "255.255.255.255", false},
    {"4294967296", NULL, false},
    {"1.2.3.256", NULL, false},
    {"1.256.3.4", NULL, false},
    {"1.2.3.4.5", NULL, false},
    {"1.2.3.4.", "1.2.3.4", false},
    {"1..2", NULL, false},
    {"a.09", NULL, false},
    {"a.0x", NULL, false},
    {"0x", "0.0.0.0", false},
    {"1.2.3.a", "1.2.3.a", false},
    {"[::]", "[::]", false},
    {"[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]", false},
    {"[0:0:1:2:3:4:0:0]", "[::1:2:3:4:0:0]", false},
    {"[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:0]", false},
    {"[::ABCD]", "[::abcd]", true},
    {"[::1.2.3.4]", "[::102:304]", false},
    {"[::1.2.3]", NULL, false},
    {"[::01.2.3.4]", NULL, false},
    {"[::1.2.3.4.5]", NULL, false},
    {"[1:2:3:4:5:6:7:1.2.3.4]", NULL, false},
    {"[1:2]", NULL, false},
    {"[1::2::3]", NULL, false},
    {"[:1]", NULL, false},
    {"[1:]", NULL, false},
    {"[12345::]", NULL, false},
    {"[::1%25eth0]", NULL, false},
    {"[", NULL, false},
    {"[]", NULL, false},
    {"", "", true},
    {"A%41\xC3\xA9", "A%41%C3%A9", true},
    {"a b", NULL, true},
    {"a%", "a%", true},
};

Test(url_host, parses)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int r;

        buf_clear(&out);
        r = url_host_parse(str_from(rows[i].text), rows[i].is_opaque, &out);
        cr_expect_eq(r, rows[i].host ? 0 : ERR_INVALID, "%s gave %.*s", rows[i].text,
                     STR_ARGS(buf_str(&out)));
        if (rows[i].host)
            cr_expect(str_equal(buf_str(&out), str_from(rows[i].host)), "%s gave %.*s",
                      rows[i].text, STR_ARGS(buf_str(&out)));
    }
    buf_done(&out);
}

Test(url_host, bounds_idna)
{
    char text[URL_HOST_IDNA_MAX + 2];
    struct buf out;

    buf_init(&out, 1 << 20);
    memset(text, 'a', sizeof text);
    memcpy(text, "\xC3\xA9", 2);
    cr_expect_eq(url_host_parse((str){text, URL_HOST_IDNA_MAX + 1}, false, &out), ERR_INVALID);
    cr_expect_eq(url_host_parse((str){text, 60}, false, &out), 0);
    buf_done(&out);
}
