/* The setters of WHATWG URL 6.1.
 *
 * A URL is taken apart into pieces, views of its string; a setter replaces one piece; the pieces
 * are written again as a new string. What a setter makes itself lives in `made`, a URL under
 * construction of which only the string is used.
 *
 * (1) A setter returns CHANGED, UNCHANGED or a negative code; pieces count only when CHANGED.
 * (2) A value that was given empty has a NULL pointer; one that is empty once tabs and newlines
 *     are stripped has not.
 * (3) Pieces are already encoded: writing them again changes nothing. */
#include "base/err.h"
#include "web/percent.h"
#include "web/url.h"
#include "web/url_host.h"
#include "web/url_part.h"

enum { UNCHANGED, CHANGED };

struct pieces {
    str scheme;
    str username, password;
    str host;
    str path;
    str query, fragment; /* without their marks; NULL pointer: none */
    int port;
    bool has_host;
};

static struct pieces pieces_of(const struct url *url)
{
    struct pieces p = {
        .username = url_get(url, URL_USERNAME),
        .password = url_get(url, URL_PASSWORD),
        .host = url_get(url, URL_HOSTNAME),
        .path = url_get(url, URL_PATHNAME),
        .has_host = url->has_host,
    };
    str href = buf_str(&url->href);
    size_t digits;
    int r;

    p.scheme = str_head(href, url->protocol_end - 1);
    if (url->query_start < url->fragment_start)
        p.query = str_skip(str_head(href, url->fragment_start), url->query_start + 1);
    if (url->fragment_start < href.len)
        p.fragment = str_skip(href, url->fragment_start + 1);
    r = url_part_read_port(url_get(url, URL_PORT), &p.port, &digits);
    ASSERT(r == 0);
    return p;
}

static int assemble(const struct pieces *p, bool has_opaque_path, struct url *url)
{
    size_t bytes = p->scheme.len + p->username.len + p->password.len + p->host.len + p->path.len +
                   p->query.len + p->fragment.len;
    int r = url_part_reserve(url, bytes);

    if (r < 0)
        return r;
    url_part_put_scheme(url, p->scheme);
    if (p->has_host) {
        url_part_put_credentials(url, p->username, p->password);
        url_part_put(url, p->host);
        url_part_put_port(url, p->port);
    }
    url->has_opaque_path = has_opaque_path;
    url_part_put(url, p->path);
    url_part_end_path(url);
    url_part_put_query(url, p->query);
    url_part_put_fragment(url, p->fragment);
    return 0;
}

/* "cannot have a username/password/port" */
static bool is_bare(const struct url *url)
{
    return url->host_start == url->host_end || url->scheme == URL_FILE;
}

static int set_protocol(const struct url *url, str value, struct pieces *p, struct url *made)
{
    size_t len = url_part_scheme_len(value, true);
    enum url_scheme scheme = url_part_scheme(str_head(value, len));
    bool bound = p->username.len || p->password.len || p->port != URL_PART_NO_PORT;

    (void)made;
    if (!len || (scheme != URL_OTHER) != url_is_special(url) || (scheme == URL_FILE && bound) ||
        (url->scheme == URL_FILE && !p->host.len))
        return UNCHANGED;
    p->scheme = str_head(value, len);
    return CHANGED;
}

static int set_username(const struct url *url, str value, struct pieces *p, struct url *made)
{
    (void)made;
    if (is_bare(url))
        return UNCHANGED;
    p->username = value;
    return CHANGED;
}

static int set_password(const struct url *url, str value, struct pieces *p, struct url *made)
{
    (void)made;
    if (is_bare(url))
        return UNCHANGED;
    p->password = value;
    return CHANGED;
}

/* The file host state under a state override. */
static int set_file_host(const struct url *url, str value, struct pieces *p, struct url *made)
{
    size_t len = 0;

    while (len < value.len && !strchr("/\\?#", value.ptr[len]))
        len++;
    if (len && url_host_parse(str_head(value, len), false, &made->href) < 0)
        return UNCHANGED;
    p->host = buf_str(&made->href);
    if (str_equal(p->host, STR("localhost")))
        p->host = STR("");
    p->has_host = url->has_host;
    return CHANGED;
}

/* Where the host ends: at ":" outside of brackets, a slash, "?" or "#". */
static size_t host_len(const struct url *url, str value)
{
    bool inside = false;
    size_t i = 0;

    for (; i < value.len; i++) {
        char c = value.ptr[i];
        if ((c == ':' && !inside) || c == '/' || c == '?' || c == '#' ||
            (c == '\\' && url_is_special(url)))
            break;
        inside = c == '[' || (inside && c != ']');
    }
    return i;
}

static int set_hostname(const struct url *url, str value, struct pieces *p, struct url *made,
                        bool with_port)
{
    bool bound = p->username.len || p->password.len || p->port != URL_PART_NO_PORT;
    size_t len, digits;
    str port_text;
    int port;

    if (url->has_opaque_path)
        return UNCHANGED;
    if (url->scheme == URL_FILE)
        return set_file_host(url, value, p, made);
    len = host_len(url, value);
    port_text = len < value.len && value.ptr[len] == ':' ? str_skip(value, len + 1) : STR_NONE;
    if (port_text.ptr && (!len || !with_port))
        return UNCHANGED;
    if (!len && (url_is_special(url) || bound))
        return UNCHANGED;
    if (url_host_parse(str_head(value, len), !url_is_special(url), &made->href) < 0)
        return UNCHANGED;
    p->host = len ? buf_str(&made->href) : STR("");
    p->has_host = true;
    if (url_part_read_port(port_text, &port, &digits) == 0 && digits)
        p->port = port;
    return CHANGED;
}

static int set_host(const struct url *url, str value, struct pieces *p, struct url *made)
{
    return set_hostname(url, value, p, made, true);
}

static int set_hostname_only(const struct url *url, str value, struct pieces *p, struct url *made)
{
    return set_hostname(url, value, p, made, false);
}

static int set_port(const struct url *url, str value, struct pieces *p, struct url *made)
{
    size_t digits;
    int port;

    (void)made;
    if (is_bare(url) || url_part_read_port(value, &port, &digits) < 0 || (value.ptr && !digits))
        return UNCHANGED;
    p->port = port;
    return CHANGED;
}

static int set_pathname(const struct url *url, str value, struct pieces *p, struct url *made)
{
    if (url->has_opaque_path)
        return UNCHANGED;
    made->scheme = url->scheme;
    url_part_put_path_start(made, value);
    if (!made->href.len && !url->has_host)
        url_part_put(made, STR("/"));
    p->path = buf_str(&made->href);
    return CHANGED;
}

static str without_mark(str value, char mark)
{
    return value.len && value.ptr[0] == mark ? str_skip(value, 1) : value;
}

static int set_search(const struct url *url, str value, struct pieces *p, struct url *made)
{
    (void)url;
    (void)made;
    p->query = value.ptr ? without_mark(value, '?') : STR_NONE;
    return CHANGED;
}

static int set_hash(const struct url *url, str value, struct pieces *p, struct url *made)
{
    (void)url;
    (void)made;
    p->fragment = value.ptr ? without_mark(value, '#') : STR_NONE;
    return CHANGED;
}

typedef int setter(const struct url *url, str value, struct pieces *p, struct url *made);

static setter *const setters[URL_PART_COUNT] = {
    [URL_PROTOCOL] = set_protocol,
    [URL_USERNAME] = set_username,
    [URL_PASSWORD] = set_password,
    [URL_HOST] = set_host,
    [URL_HOSTNAME] = set_hostname_only,
    [URL_PORT] = set_port,
    [URL_PATHNAME] = set_pathname,
    [URL_SEARCH] = set_search,
    [URL_HASH] = set_hash,
};

static int set_piece(const struct url *url, enum url_part part, str value, struct url *next)
{
    struct pieces p = pieces_of(url);
    struct url made;
    int r;

    url_init(&made);
    r = url_part_reserve(&made, value.len);
    if (r == 0)
        r = setters[part](url, value, &p, &made);
    if (r == CHANGED && (r = assemble(&p, url->has_opaque_path, next)) == 0)
        r = CHANGED;
    url_done(&made);
    return r;
}

int url_set(struct url *url, enum url_part part, str value)
{
    bool raw = part == URL_USERNAME || part == URL_PASSWORD;
    struct buf stripped;
    struct url next;
    int r;

    if (value.len > URL_INPUT_MAX)
        return ERR_LIMIT;
    url_init(&next);
    buf_init(&stripped, URL_INPUT_MAX);
    if (part == URL_HREF)
        r = url_parse(value, NULL, &next) < 0 ? ERR_INVALID : CHANGED;
    else if (raw || !value.len)
        r = set_piece(url, part, value.len ? value : STR_NONE, &next);
    else
        r = set_piece(url, part, url_part_strip(value, &stripped), &next);
    if (r == CHANGED) {
        struct url old = *url;
        *url = next;
        next = old;
    }
    url_done(&next);
    buf_done(&stripped);
    return r < 0 ? r : 0;
}
