/* web/url: parsing, parts, setters, origins; the public suite has a thousand rows more. */
#include "web/url.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const char *show(str s)
{
    static char text[4][512];
    static int turn;
    char *out = text[turn++ % 4];

    snprintf(out, sizeof text[0], "%.*s", STR_ARGS(s));
    return out;
}

static const struct {
    const char *input, *base, *href; /* href NULL: no URL */
} parse_rows[] = {
    {"http://example.com", NULL, "http://example.com/"},
    {"HTTP://EXAMPLE.COM:80/", NULL, "http://example.com/"},
    {"https://u:p@h:8080/a/b?q#f", NULL, "https://u:p@h:8080/a/b?q#f"},
    {"  http://h/ \n", NULL, "http://h/"},
    {"ht\ntp://h/a\tb", NULL, "http://h/ab"},
    {"http:\\\\h\\a\\..\\b", NULL, "http://h/b"},
    {"http://h/a/./b/%2e%2E/c", NULL, "http://h/a/c"},
    {"http://h/\xC3\xA9?'\"#`", NULL, "http://h/%C3%A9?%27%22#%60"},
    {"http://u:@h/", NULL, "http://u@h/"},
    {"http://:p@h/", NULL, "http://:p@h/"},
    {"http://a@b@h/", NULL, "http://a%40b@h/"},
    {"http://h:0/", NULL, "http://h:0/"},
    {"http://h:65535/", NULL, "http://h:65535/"},
    {"http://h:65536/", NULL, NULL},
    {"http://h:8x/", NULL, NULL},
    {"http://:80/", NULL, NULL},
    {"http://", NULL, NULL},
    {"http://a b/", NULL, NULL},
    {"", NULL, NULL},
    {"//h/", NULL, NULL},
    {"/path", NULL, NULL},
    {"", "http://h/a?q#f", "http://h/a?q"},
    {"#g", "http://h/a?q#f", "http://h/a?q#g"},
    {"?r", "http://h/a?q#f", "http://h/a?r"},
    {"b", "http://h/a/c", "http://h/a/b"},
    {"../../../b", "http://h/a/c/d", "http://h/b"},
    {"//x", "https://h/a", "https://x/"},
    {"http:b", "http://h/a/c", "http://h/a/b"},
    {"https:b", "http://h/a/c", "https://b/"},
    {"data:text/plain,a b ", NULL, "data:text/plain,a b"},
    {"data:a #f", NULL, "data:a%20#f"},
    {"x", "data:y", NULL},
    {"#x", "data:y", "data:y#x"},
    {"web+x:/.//p", NULL, "web+x:/.//p"},
    {"foo://h", NULL, "foo://h"},
    {"foo://%41\xC3\xA9/", NULL, "foo://%41%C3%A9/"},
    {"file:///C|/a/../..", NULL, "file:///C:/"},
    {"file://localhost/x", NULL, "file:///x"},
    {"/x", "file:///C:/a", "file:///C:/x"},
    {"D:/x", "file:///C:/a", "d:/x"},
    {"file:D:/x", "file:///C:/a", "file:///D:/x"},
};

Test(url, parses)
{
    struct url base, url;

    url_init(&base);
    url_init(&url);
    for (size_t i = 0; i < COUNT_OF(parse_rows); i++) {
        const char *base_text = parse_rows[i].base;
        int r;

        if (base_text)
            cr_assert_eq(url_parse(str_from(base_text), NULL, &base), 0);
        r = url_parse(str_from(parse_rows[i].input), base_text ? &base : NULL, &url);
        if (!parse_rows[i].href) {
            cr_expect_eq(r, ERR_INVALID, "%s gave %s", parse_rows[i].input,
                         show(url_get(&url, URL_HREF)));
            cr_expect_eq(url.href.len, 0, "what failed is empty");
            continue;
        }
        cr_expect_eq(r, 0, "%s", parse_rows[i].input);
        cr_expect_str_eq(show(url_get(&url, URL_HREF)), parse_rows[i].href);
    }
    url_done(&base);
    url_done(&url);
}

Test(url, has_parts)
{
    static const struct {
        enum url_part part;
        const char *full, *bare;
    } rows[] = {
        {URL_HREF, "https://u:p@h.x:81/a/b?q#f", "web+x:/.//p"},
        {URL_PROTOCOL, "https:", "web+x:"},
        {URL_USERNAME, "u", ""},
        {URL_PASSWORD, "p", ""},
        {URL_HOST, "h.x:81", ""},
        {URL_HOSTNAME, "h.x", ""},
        {URL_PORT, "81", ""},
        {URL_PATHNAME, "/a/b", "//p"},
        {URL_SEARCH, "?q", ""},
        {URL_HASH, "#f", ""},
    };
    struct url full, bare;

    url_init(&full);
    url_init(&bare);
    cr_assert_eq(url_parse(STR("https://u:p@h.x:81/a/b?q#f"), NULL, &full), 0);
    cr_assert_eq(url_parse(STR("web+x:/.//p?#"), NULL, &bare), 0);
    cr_assert_eq(url_set(&bare, URL_SEARCH, STR_NONE), 0);
    cr_assert_eq(url_set(&bare, URL_HASH, STR_NONE), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect_str_eq(show(url_get(&full, rows[i].part)), rows[i].full);
        cr_expect_str_eq(show(url_get(&bare, rows[i].part)), rows[i].bare);
    }
    url_done(&full);
    url_done(&bare);
}

static const struct {
    const char *href;
    enum url_part part;
    const char *value, *want;
} set_rows[] = {
    {"http://h/", URL_HREF, "https://x/y", "https://x/y"},
    {"http://h:443/", URL_PROTOCOL, "https", "https://h/"},
    {"http://h/", URL_PROTOCOL, "foo", "http://h/"},
    {"http://u@h/", URL_PROTOCOL, "file", "http://u@h/"},
    {"http://h/", URL_PROTOCOL, "h\ntt\rps:", "https://h/"},
    {"http://h/", URL_USERNAME, "a:b@\t", "http://a%3Ab%40%09@h/"},
    {"http://u:p@h/", URL_USERNAME, "", "http://:p@h/"},
    {"http://u:p@h/", URL_PASSWORD, "", "http://u@h/"},
    {"file:///x", URL_USERNAME, "u", "file:///x"},
    {"http://h:81/", URL_HOST, "x", "http://x:81/"},
    {"http://h:81/", URL_HOST, "x:82/y", "http://x:82/"},
    {"http://h:81/", URL_HOST, "x:99999", "http://x:81/"},
    {"http://h/", URL_HOST, "", "http://h/"},
    {"foo://h/p", URL_HOST, "", "foo:///p"},
    {"foo://u@h/p", URL_HOST, "", "foo://u@h/p"},
    {"foo:/.//p", URL_HOST, "h", "foo://h//p"},
    {"mailto:x", URL_HOST, "h", "mailto:x"},
    {"http://h/", URL_HOSTNAME, "x:82", "http://h/"},
    {"http://h/", URL_HOSTNAME, "[::1]", "http://[::1]/"},
    {"http://h:81/", URL_PORT, "", "http://h/"},
    {"http://h/", URL_PORT, "82abc", "http://h:82/"},
    {"http://h:81/", URL_PORT, "80", "http://h/"},
    {"http://h:81/", URL_PORT, "65536", "http://h:81/"},
    {"http://h:81/", URL_PORT, "\n", "http://h:81/"},
    {"http://h/a?q", URL_PATHNAME, "b?c#d", "http://h/b%3Fc%23d?q"},
    {"http://h/a", URL_PATHNAME, "", "http://h/"},
    {"foo://h/a", URL_PATHNAME, "", "foo://h"},
    {"foo:/a", URL_PATHNAME, "//b", "foo:/.//b"},
    {"mailto:x", URL_PATHNAME, "y", "mailto:x"},
    {"http://h/?a#f", URL_SEARCH, "", "http://h/#f"},
    {"http://h/?a#f", URL_SEARCH, "??b c#", "http://h/??b%20c%23#f"},
    {"http://h/#a", URL_HASH, "", "http://h/"},
    {"http://h/#a", URL_HASH, "#b c", "http://h/#b%20c"},
    {"http://h/#a", URL_HASH, "\t", "http://h/#"},
};

Test(url, sets)
{
    struct url url;

    url_init(&url);
    for (size_t i = 0; i < COUNT_OF(set_rows); i++) {
        cr_assert_eq(url_parse(str_from(set_rows[i].href), NULL, &url), 0);
        cr_expect_eq(url_set(&url, set_rows[i].part, str_from(set_rows[i].value)), 0);
        cr_expect_str_eq(show(url_get(&url, URL_HREF)), set_rows[i].want);
    }
    cr_expect_eq(url_set(&url, URL_HREF, STR("nope")), ERR_INVALID);
    cr_expect_str_eq(show(url_get(&url, URL_HREF)), "http://h/#");
    url_done(&url);
}

Test(url, has_origin)
{
    static const struct {
        const char *href, *origin;
    } rows[] = {
        {"https://u@h:81/a", "https://h:81"},
        {"ws://h/", "ws://h"},
        {"file:///x", "null"},
        {"data:x", "null"},
        {"blob:https://h/uuid", "https://h"},
        {"blob:file:///x", "null"},
        {"blob:x", "null"},
        {"blob:blob:https://h/", "null"},
    };
    struct url url;
    struct buf origin;

    url_init(&url);
    buf_init(&origin, 4096);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&origin);
        cr_assert_eq(url_parse(str_from(rows[i].href), NULL, &url), 0);
        cr_expect_eq(url_origin(&url, &origin), 0);
        cr_expect_str_eq(show(buf_str(&origin)), rows[i].origin);
    }
    buf_done(&origin);
    url_done(&url);
}

Test(url, refuses_what_is_too_long)
{
    struct url url;
    char *text = mem_alloc(URL_INPUT_MAX + 1);

    url_init(&url);
    memset(text, 'a', URL_INPUT_MAX + 1);
    memcpy(text, "http://h/", 9);
    cr_expect_eq(url_parse((str){text, URL_INPUT_MAX + 1}, NULL, &url), ERR_LIMIT);
    cr_expect_eq(url_parse((str){text, URL_INPUT_MAX}, NULL, &url), 0);
    cr_expect_eq(url_set(&url, URL_HASH, (str){text, URL_INPUT_MAX + 1}), ERR_LIMIT);
    cr_expect_eq(url.href.len, URL_INPUT_MAX, "a refused value changes nothing");
    url_done(&url);
    free(text);
}
