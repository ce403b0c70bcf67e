/* Parts of a URL under construction; see url_part.h.
 *
 * (1) Parts are written in the order in which they stand, so an offset is the length so far.
 * (2) No part writes more than three bytes per byte of input plus a few of punctuation, which
 *     url_part_reserve() counted; hosts alone may grow more and go through the checked buf.
 * (3) Between path_start and the end of the string, while the path is written, there is nothing
 *     but whole segments, each with its "/" in front. */
#include "web/url_part.h"

#include <stdio.h>

#include "web/percent.h"

enum { PUNCTUATION_MAX = 64 };

static uint32_t here(const struct url *url)
{
    return (uint32_t)url->href.len;
}

static void put_char(struct url *url, char c)
{
    ASSERT(url->href.len < url->href.cap);
    url->href.ptr[url->href.len++] = c;
}

void url_part_put(struct url *url, str text)
{
    ASSERT(text.len <= url->href.cap - url->href.len);
    if (text.len)
        memcpy(url->href.ptr + url->href.len, text.ptr, text.len);
    url->href.len += text.len;
}

static void put_encoded(struct url *url, str text, enum percent_set set)
{
    if (percent_is_clean(text, set)) {
        url_part_put(url, text);
    } else {
        int r = percent_encode(text, set, &url->href);
        ASSERT(r == 0);
    }
}

static bool is_tab_or_newline(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

/* Eight bytes at a time: true when one of them may be a tab or newline. */
static bool may_have_tab_or_newline(str text)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones * 128;
    uint64_t word;

    for (; text.len >= sizeof word; text = str_skip(text, sizeof word)) {
        memcpy(&word, text.ptr, sizeof word);
        if ((word - ones * ('\r' + 1)) & ~word & high)
            return true;
    }
    for (size_t i = 0; i < text.len; i++)
        if (is_tab_or_newline(text.ptr[i]))
            return true;
    return false;
}

str url_part_strip(str text, struct buf *stripped)
{
    int r;

    if (!may_have_tab_or_newline(text))
        return text;
    r = buf_reserve(stripped, text.len);
    ASSERT(r == 0);
    for (size_t i = 0; i < text.len; i++)
        if (!is_tab_or_newline(text.ptr[i]))
            stripped->ptr[stripped->len++] = text.ptr[i];
    return buf_str(stripped);
}

int url_part_reserve(struct url *url, size_t bytes)
{
    return buf_reserve(&url->href, bytes * 3 + PUNCTUATION_MAX);
}

/* ---- scheme ---- */

static const struct {
    str name;
    int port;
} schemes[] = {
    [URL_OTHER] = {{"", 0}, URL_PART_NO_PORT},
    [URL_HTTP] = {{"http", 4}, 80},
    [URL_HTTPS] = {{"https", 5}, 443},
    [URL_WS] = {{"ws", 2}, 80},
    [URL_WSS] = {{"wss", 3}, 443},
    [URL_FTP] = {{"ftp", 3}, 21},
    [URL_FILE] = {{"file", 4}, URL_PART_NO_PORT},
};

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_scheme_char(char c)
{
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

size_t url_part_scheme_len(str text, bool at_end_too)
{
    size_t i = 0;

    if (!text.len || !is_alpha(text.ptr[0]))
        return 0;
    while (i < text.len && is_scheme_char(text.ptr[i]))
        i++;
    if (i == text.len)
        return at_end_too ? i : 0;
    return text.ptr[i] == ':' ? i : 0;
}

enum url_scheme url_part_scheme(str text)
{
    for (enum url_scheme s = URL_HTTP; s <= URL_FILE; s++)
        if (str_equal_nocase(text, schemes[s].name))
            return s;
    return URL_OTHER;
}

static int default_port(enum url_scheme scheme)
{
    return schemes[scheme].port;
}

void url_part_put_scheme(struct url *url, str scheme)
{
    url->scheme = url_part_scheme(scheme);
    if (url->scheme) {
        url_part_put(url, schemes[url->scheme].name);
    } else {
        for (size_t i = 0; i < scheme.len; i++)
            put_char(url, is_alpha(scheme.ptr[i]) ? (char)(scheme.ptr[i] | 0x20) : scheme.ptr[i]);
    }
    put_char(url, ':');
    url->protocol_end = url->username_end = url->password_end = here(url);
    url->host_start = url->host_end = url->path_start = here(url);
}

/* ---- authority ---- */

void url_part_put_credentials(struct url *url, str username, str password)
{
    url_part_put(url, STR("//"));
    put_encoded(url, username, PERCENT_USERINFO);
    url->username_end = here(url);
    if (password.len) {
        put_char(url, ':');
        put_encoded(url, password, PERCENT_USERINFO);
    }
    url->password_end = here(url);
    if (username.len || password.len)
        put_char(url, '@');
    url->host_start = url->host_end = url->path_start = here(url);
    url->has_host = true;
}

int url_part_read_port(str text, int *ret_port, size_t *ret_len)
{
    int port = 0;
    size_t i = 0;

    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        port = port * 10 + (text.ptr[i] - '0');
        if (port > UINT16_MAX)
            return ERR_INVALID;
    }
    *ret_port = i ? port : URL_PART_NO_PORT;
    *ret_len = i;
    return 0;
}

void url_part_put_port(struct url *url, int port)
{
    url->host_end = here(url);
    if (port != URL_PART_NO_PORT && port != default_port(url->scheme)) {
        char text[8];
        int n = snprintf(text, sizeof text, ":%d", port);
        url_part_put(url, (str){text, (size_t)n});
    }
    url->path_start = here(url);
}

/* ---- path ---- */

bool url_part_is_drive(str text)
{
    return text.len == 2 && is_alpha(text.ptr[0]) && (text.ptr[1] == ':' || text.ptr[1] == '|');
}

/* Takes a dot, spelt "." or "%2e", from the front of `text`. */
static bool take_dot(str *text)
{
    size_t len = 0;

    if (text->len && text->ptr[0] == '.')
        len = 1;
    else if (text->len >= 3 && text->ptr[0] == '%' && text->ptr[1] == '2' &&
             (text->ptr[2] | 0x20) == 'e')
        len = 3;
    *text = str_skip(*text, len);
    return len;
}

/* How many dots `segment` consists of: 1 or 2; 0 for any other segment. */
static int dots_of(str segment)
{
    int dots = 0;

    while (dots < 3 && take_dot(&segment))
        dots++;
    return segment.len || dots > 2 ? 0 : dots;
}

static size_t segment_len(const struct url *url, str text)
{
    size_t i = 0;

    if (!url_is_special(url))
        return str_find(text, '/');
    while (i < text.len && text.ptr[i] != '/' && text.ptr[i] != '\\')
        i++;
    return i;
}

/* True when `text`, with a slash in front, is what the path state would make of it: nothing to
 * encode, no dot segments, no backslashes. Says no to some that are ("%" anywhere). */
static bool path_is_plain(const struct url *url, str text)
{
    char before = '/';

    if (url->scheme == URL_FILE)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (percent_table[(unsigned char)c] & PERCENT_PATH || c == '%' || c == '\\' ||
            (c == '.' && before == '/'))
            return false;
        before = c;
    }
    return true;
}

void url_part_shorten_path(struct url *url)
{
    str path = str_skip(buf_str(&url->href), url->path_start);

    if (url->scheme == URL_FILE && path.len == 3 && url_part_is_drive(str_skip(path, 1)))
        return;
    while (path.len && path.ptr[--path.len] != '/')
        ;
    url->href.len = url->path_start + path.len;
}

static void put_segment(struct url *url, str segment)
{
    bool first = here(url) == url->path_start;

    put_char(url, '/');
    if (first && url->scheme == URL_FILE && url_part_is_drive(segment)) {
        put_char(url, segment.ptr[0]);
        put_char(url, ':');
    } else {
        put_encoded(url, segment, PERCENT_PATH);
    }
}

void url_part_put_path(struct url *url, str text)
{
    bool last;

    if (path_is_plain(url, text)) {
        put_char(url, '/');
        url_part_put(url, text);
        return;
    }
    do {
        str segment = str_head(text, segment_len(url, text));
        int dots = dots_of(segment);

        last = segment.len == text.len;
        if (dots == 2)
            url_part_shorten_path(url);
        if (!dots)
            put_segment(url, segment);
        else if (last)
            put_char(url, '/');
        text = str_skip(text, segment.len + 1);
    } while (!last);
}

void url_part_put_path_start(struct url *url, str text)
{
    bool special = url_is_special(url);

    if (text.len && (text.ptr[0] == '/' || (special && text.ptr[0] == '\\')))
        url_part_put_path(url, str_skip(text, 1));
    else if (text.len || special)
        url_part_put_path(url, text);
}

void url_part_end_path(struct url *url)
{
    str path = str_skip(buf_str(&url->href), url->path_start);

    if (!url->has_host && str_starts(path, STR("//"))) {
        url_part_put(url, STR("/."));
        memmove(url->href.ptr + url->path_start + 2, path.ptr, path.len);
        memcpy(url->href.ptr + url->path_start, "/.", 2);
        url->path_start += 2;
    }
    url->query_start = here(url);
}

/* ---- query and fragment ---- */

void url_part_put_query(struct url *url, str text)
{
    if (text.ptr) {
        put_char(url, '?');
        put_encoded(url, text, url_is_special(url) ? PERCENT_SPECIAL_QUERY : PERCENT_QUERY);
    }
    url->fragment_start = here(url);
}

void url_part_put_fragment(struct url *url, str text)
{
    if (!text.ptr)
        return;
    put_char(url, '#');
    put_encoded(url, text, PERCENT_FRAGMENT);
}
