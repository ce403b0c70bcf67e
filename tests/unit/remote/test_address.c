#include "remote/address.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
    const char *in, *url, *base;    /* NULL: refused */
} cases[] = {
    {"http://127.0.0.1:8790", "http://127.0.0.1:8790", "http://127.0.0.1:8790/client/v4"},
    {" http://127.0.0.1:8790/client/v4/ ", "http://127.0.0.1:8790",
     "http://127.0.0.1:8790/client/v4"},
    {"127.0.0.1:8790", "http://127.0.0.1:8790", "http://127.0.0.1:8790/client/v4"},
    {"localhost", "http://localhost", "http://localhost/client/v4"},
    {"admin.localhost:1", "http://admin.localhost:1", "http://admin.localhost:1/client/v4"},
    {"[::1]:8790", "http://[::1]:8790", "http://[::1]:8790/client/v4"},
    {"workers.example.com", "https://workers.example.com", "https://workers.example.com/client/v4"},
    {"127.0.0.1.example.com", "https://127.0.0.1.example.com",
     "https://127.0.0.1.example.com/client/v4"},
    {"HTTPS://Example.COM:443/", "https://example.com", "https://example.com/client/v4"},
    {"http://example.com:80", "http://example.com", "http://example.com/client/v4"},
    {"http://example.com:443", "http://example.com:443", "http://example.com:443/client/v4"},
    {"https://[2001:DB8::1]:99", "https://[2001:db8::1]:99", "https://[2001:db8::1]:99/client/v4"},
    {"https://example.com/api/v4/", NULL, "https://example.com/api/v4"},
    {"https://example.com/client/v4?x", NULL, NULL},
    {"https://user:secret@example.com", NULL, NULL},
    {"https://example.com#x", NULL, NULL},
    {"https://example.com\\@evil.example", NULL, NULL},
    {"https://", NULL, NULL},
    {"", NULL, NULL},
    {"ftp://example.com", NULL, NULL},
    {"http://example.com:0", NULL, NULL},
    {"http://example.com:65536", NULL, NULL},
    {"http://example.com:8x", NULL, NULL},
    {"http://exa mple.com", NULL, NULL},
    {"http://example.com/\r\nx: y", NULL, NULL},
    {"http://[::1", NULL, NULL},
    {"http://[]", NULL, NULL},
    {"http://[::1]x", NULL, NULL},
    {"http://%31.example", NULL, NULL},
};

static void expect(const char *in, const char *want, int (*read)(str, char **, struct err *))
{
    struct err err = {0};
    char *got = NULL;
    int r = read(str_from(in), &got, &err);

    if (want)
        cr_expect(r == 0 && strcmp(got, want) == 0, "%s: %s", in, got ? got : err.text);
    else
        cr_expect(r == ERR_INVALID && *err.text, "%s: %s", in, got ? got : "?");
    free(got);
}

Test(address, reads_what_people_type)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect(cases[i].in, cases[i].url, address_read);
        expect(cases[i].in, cases[i].base, address_read_base);
    }
}

Test(address, has_a_maximum)
{
    char text[ADDRESS_BYTES_MAX + 2];
    char *url;
    struct err err;

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    cr_expect_eq(address_read(str_from(text), &url, &err), ERR_INVALID);
}

Test(address, knows_this_machine)
{
    static const char *const here[] = {
        "http://127.0.0.1:1", "http://127.9.9.9", "https://localhost", "http://a.LOCALHOST:1/x",
        "http://[::1]:1",
    };
    static const char *const there[] = {"http://128.0.0.1", "http://localhost.example",
                                        "http://127.0.0.1.example", "http://notlocalhost",
                                        "http://[::2]", "nonsense://x"};

    for (size_t i = 0; i < COUNT_OF(here); i++)
        cr_expect(address_is_loopback(here[i]), "%s", here[i]);
    for (size_t i = 0; i < COUNT_OF(there); i++)
        cr_expect_not(address_is_loopback(there[i]), "%s", there[i]);
}

Test(address, compares_origins)
{
    cr_expect(address_is_same_origin("http://a:80/x", "http://A/oauth2/token"));
    cr_expect_not(address_is_same_origin("http://a", "https://a"));
    cr_expect_not(address_is_same_origin("http://a", "http://a:81"));
    cr_expect_not(address_is_same_origin("http://a", "http://a.b"));
    cr_expect_not(address_is_same_origin("http://a", "http://a@b"));
    cr_expect_not(address_is_same_origin("", ""));
}
