/* Whatever bytes come in, a URL that parses has offsets in order, is ASCII, and parses to itself;
 * setters keep it so. Input: URL, newline, base, newline, value for the setters. */
#include "web/url.h"

static str take_line(str *rest)
{
    str line = str_head(*rest, str_find(*rest, '\n'));

    *rest = str_skip(*rest, line.len + 1);
    return line;
}

static void check(const struct url *url)
{
    const uint32_t offsets[] = {
        url->protocol_end, url->username_end,   url->password_end,
        url->host_start,   url->host_end,       url->path_start,
        url->query_start,  url->fragment_start, (uint32_t)url->href.len,
    };

    for (size_t i = 1; i < COUNT_OF(offsets); i++)
        ASSERT(offsets[i - 1] <= offsets[i]);
    for (size_t i = 0; i < url->href.len; i++)
        ASSERT(url->href.ptr[i] >= ' ' && url->href.ptr[i] <= '~');
}

static void check_again(const struct url *url)
{
    struct url again;

    url_init(&again);
    ASSERT(url_parse(url_get(url, URL_HREF), NULL, &again) == 0);
    ASSERT(str_equal(url_get(url, URL_HREF), url_get(&again, URL_HREF)));
    url_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = {(const char *)data, size};
    str input = take_line(&rest), base_text = take_line(&rest);
    struct url base, url;
    struct buf origin;
    bool has_base;

    url_init(&base);
    url_init(&url);
    buf_init(&origin, 1 << 20);
    has_base = url_parse(base_text, NULL, &base) == 0;
    if (url_parse(input, has_base ? &base : NULL, &url) == 0) {
        check(&url);
        check_again(&url);
        (void)!url_origin(&url, &origin);
        for (enum url_part part = URL_PROTOCOL; part < URL_PART_COUNT; part++) {
            ASSERT(url_set(&url, part, rest) == 0);
            check(&url);
        }
    }
    buf_done(&origin);
    url_done(&base);
    url_done(&url);
    return 0;
}
