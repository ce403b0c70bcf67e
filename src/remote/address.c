/* Addresses of servers; see address.h.
 *
 * Deliberately narrow: a scheme, a host, a port, a path. What a URL may have beyond that (a user, a
 * query, escapes in the host) has no place in the address of an API, and is refused rather than
 * understood in a way that somebody else does not share. */
#include "remote/address.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

struct parts {
    bool tls;
    str host;      /* with brackets when it is an IPv6 address */
    unsigned port; /* 0: the default */
    str path;      /* without slashes at its end */
};

static int refuse(str text, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "\"%.*s\" is not the address of a server: %s",
                   STR_ARGS(str_head(text, 200)), why);
}

static bool host_is_valid(str host)
{
    bool literal = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

    if (literal)
        host = (str){host.ptr + 1, host.len - 2};
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];

        if (literal ? !isxdigit(c) && c != ':' && c != '.'
                    : !isalnum(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host.len > 0 && host.len <= 255;
}

static bool path_is_valid(str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] == '?' || path.ptr[i] == '#' || path.ptr[i] == '\\' ||
            path.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool is_dotted(str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!isdigit((unsigned char)host.ptr[i]) && host.ptr[i] != '.')
            return false;
    return true;
}

static bool host_is_loopback(str host)
{
    str ending = STR(".localhost");

    return str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("[::1]")) ||
           (str_starts(host, STR("127.")) && is_dotted(host)) ||
           (host.len > ending.len &&
            str_equal_nocase(str_skip(host, host.len - ending.len), ending));
}

/* Takes a scheme off the front of `rest`: 1 for https, 0 for http, -1 for none. */
static int take_scheme(str *rest)
{
    if (str_equal_nocase(str_head(*rest, 8), STR("https://"))) {
        *rest = str_skip(*rest, 8);
        return 1;
    }
    if (str_equal_nocase(str_head(*rest, 7), STR("http://"))) {
        *rest = str_skip(*rest, 7);
        return 0;
    }
    return -1;
}

static size_t host_length(str authority)
{
    size_t bracket = str_find(authority, ']');

    if (authority.len && authority.ptr[0] == '[' && bracket < authority.len)
        return bracket + 1;
    return str_find(authority, ':');
}

static int read_port(str text, str digits, struct parts *parts, struct err *err)
{
    uint64_t port = 0;

    if (!digits.len)
        return 0;
    if (digits.ptr[0] != ':' || !str_to_u64(str_skip(digits, 1), 65535, &port) || !port)
        return refuse(text, "the port is not a number from 1 to 65535", err);
    parts->port = (unsigned)port;
    return 0;
}

static int read_parts(str text, struct parts *parts, struct err *err)
{
    str rest = str_trim(text), authority;
    int scheme = take_scheme(&rest), r;

    *parts = (struct parts){0};
    if (text.len > ADDRESS_BYTES_MAX)
        return refuse(text, "it is too long", err);
    authority = str_head(rest, str_find(rest, '/'));
    parts->path = str_skip(rest, authority.len);
    while (parts->path.len && parts->path.ptr[parts->path.len - 1] == '/')
        parts->path.len--;
    parts->host = str_head(authority, host_length(authority));
    if (scheme < 0 && str_starts(parts->path, STR("//")))
        return refuse(text, "it has to begin with http:// or https://", err);
    if (str_find(authority, '@') < authority.len)
        return refuse(text, "there is no place for a user in it", err);
    if (!host_is_valid(parts->host))
        return refuse(text, "write it as http://127.0.0.1:8790", err);
    if (!path_is_valid(parts->path))
        return refuse(text, "there is no place for a query in it", err);
    if ((r = read_port(text, str_skip(authority, parts->host.len), parts, err)) < 0)
        return r;
    parts->tls = scheme < 0 ? !host_is_loopback(parts->host) : scheme;
    if (parts->port == (parts->tls ? 443u : 80u))
        parts->port = 0;
    return 0;
}

static char *print_parts(const struct parts *parts, str path)
{
    struct buf out;

    buf_init(&out, 2 * ADDRESS_BYTES_MAX);
    ASSERT(buf_printf(&out, "http%s://", parts->tls ? "s" : "") == 0);
    for (size_t i = 0; i < parts->host.len; i++)
        ASSERT(buf_append_char(&out, (char)tolower((unsigned char)parts->host.ptr[i])) == 0);
    if (parts->port)
        ASSERT(buf_printf(&out, ":%u", parts->port) == 0);
    ASSERT(buf_append(&out, path) == 0);
    return buf_take(&out, NULL);
}

int address_read(str text, char **ret_url, struct err *err)
{
    struct parts parts;
    int r = read_parts(text, &parts, err);

    if (r < 0)
        return r;
    if (parts.path.len && !str_equal(parts.path, STR("/client/v4")))
        return refuse(text, "the address of the server has no path but /client/v4", err);
    *ret_url = print_parts(&parts, STR(""));
    return 0;
}

int address_read_base(str text, char **ret_url, struct err *err)
{
    struct parts parts;
    int r = read_parts(text, &parts, err);

    if (r < 0)
        return r;
    *ret_url = print_parts(&parts, parts.path.len ? parts.path : STR("/client/v4"));
    return 0;
}

bool address_is_loopback(const char *url)
{
    struct parts parts;
    struct err err;

    return read_parts(str_from(url), &parts, &err) == 0 && host_is_loopback(parts.host);
}

bool address_is_same_origin(const char *a, const char *b)
{
    struct parts one, other;
    struct err err;

    return read_parts(str_from(a), &one, &err) == 0 && read_parts(str_from(b), &other, &err) == 0 &&
           one.tls == other.tls && one.port == other.port && str_equal_nocase(one.host, other.host);
}
