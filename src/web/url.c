/* The URL parser; see url.h.
 *
 * The standard's state machine walks code points; this parser cuts instead. Outside of setters the
 * first "#" always starts the fragment and the first "?" before it always starts the query, so
 * both are cut off first and what remains is one of few shapes:
 *
 *     parse_cut -+- scheme: ---+- file -------------------- put_file
 *                |             +- special, as base's -----+ put_relative
 *                |             +- special, // ------------+ put_authority
 *                |             +- /, // ------------------- put_path / put_authority
 *                |             +- anything else ----------- put_opaque_path
 *                +- (none) ----+- base is file ------------ put_file
 *                              +- base ---------------------- put_relative
 *
 * (1) The parts are appended to url->href in order, url_part.h tells how.
 * (2) A NULL pointer in query or fragment means null, an empty one "". */
#include "web/url.h"

#include "base/err.h"
#include "web/percent.h"
#include "web/url_host.h"
#include "web/url_part.h"

/* The input cut into what comes before, between and after "?" and "#". */
struct cut {
    str text;
    str query;
    str fragment;
};

void url_init(struct url *url)
{
    *url = (struct url){0};
    buf_init(&url->href, URL_HREF_MAX);
}

void url_done(struct url *url)
{
    if (url)
        buf_done(&url->href);
}

static void clear(struct url *url)
{
    struct buf href = url->href;

    buf_clear(&href);
    *url = (struct url){.href = href};
}

static bool is_slash(const struct url *url, str text, size_t i)
{
    return i < text.len && (text.ptr[i] == '/' || (url_is_special(url) && text.ptr[i] == '\\'));
}

static size_t authority_len(const struct url *url, str text)
{
    size_t i = 0;

    while (i < text.len && !is_slash(url, text, i))
        i++;
    return i;
}

/* Copies what comes before `end` of `base`, whose scheme is that of `url`, and its offsets. */
static void copy_base(const struct url *base, uint32_t end, struct url *url)
{
    str copied = str_head(buf_str(&base->href), end);
    struct buf href = url->href;

    *url = *base;
    url->href = href;
    buf_clear(&url->href);
    url_part_put(url, copied);
}

/* Everything before the path, without the "/." that may stand there. */
static void copy_base_authority(const struct url *base, struct url *url)
{
    copy_base(base, base->has_host ? base->path_start : base->protocol_end, url);
    url->path_start = (uint32_t)url->href.len;
}

static str base_path(const struct url *base)
{
    return (str){base->href.ptr + base->path_start, base->query_start - base->path_start};
}

/* Takes the base's query when the input has none of its own. */
static void inherit_query(const struct url *base, struct cut *cut)
{
    if (!cut->query.ptr && base->query_start < base->fragment_start)
        cut->query = (str){base->href.ptr + base->query_start + 1,
                           base->fragment_start - base->query_start - 1};
}

/* "user:pass@" in front of the host; the last "@" counts. Returns what follows it. */
static int put_userinfo(struct url *url, str *authority)
{
    size_t at = authority->len, colon;
    str userinfo = STR_NONE;

    while (at && authority->ptr[at - 1] != '@')
        at--;
    if (at) {
        userinfo = str_head(*authority, at - 1);
        *authority = str_skip(*authority, at);
        if (!authority->len)
            return ERR_INVALID;
    }
    colon = str_find(userinfo, ':');
    url_part_put_credentials(url, str_head(userinfo, colon), str_skip(userinfo, colon + 1));
    return 0;
}

/* Index of the ":" that starts the port, or text.len; one inside brackets does not count. */
static size_t port_colon(str text)
{
    bool inside = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ':' && !inside)
            return i;
        if (text.ptr[i] == '[')
            inside = true;
        else if (text.ptr[i] == ']')
            inside = false;
    }
    return text.len;
}

/* "host:port". The host may outgrow what was reserved, so `left` bytes of input are again. */
static int put_host_port(struct url *url, str text, size_t left)
{
    size_t colon = port_colon(text), digits;
    str port_text = str_skip(text, colon + 1);
    int r, port;

    if (!colon && (text.len || url_is_special(url)))
        return ERR_INVALID;
    if ((r = url_host_parse(str_head(text, colon), !url_is_special(url), &url->href)) < 0 ||
        (r = url_part_reserve(url, left)) < 0 ||
        (r = url_part_read_port(port_text, &port, &digits)) < 0)
        return r;
    if (digits != port_text.len)
        return ERR_INVALID;
    url_part_put_port(url, port);
    return 0;
}

/* The authority state and what follows it; `text` begins after "//". */
static int put_authority(struct url *url, str text, const struct cut *cut)
{
    str authority = str_head(text, authority_len(url, text));
    size_t left = text.len + cut->query.len + cut->fragment.len;
    int r;

    text = str_skip(text, authority.len);
    if ((r = put_userinfo(url, &authority)) < 0 || (r = put_host_port(url, authority, left)) < 0)
        return r;
    url_part_put_path_start(url, text);
    return 0;
}

/* The special authority ignore slashes state. */
static int put_authority_after_slashes(struct url *url, str text, const struct cut *cut)
{
    while (is_slash(url, text, 0))
        text = str_skip(text, 1);
    return put_authority(url, text, cut);
}

/* The relative state. `url` holds the scheme already. */
static int put_relative(struct url *url, const struct url *base, struct cut *cut)
{
    str text = cut->text;

    if (is_slash(url, text, 0) && is_slash(url, text, 1))
        return url_is_special(url) ? put_authority_after_slashes(url, text, cut)
                                   : put_authority(url, str_skip(text, 2), cut);
    copy_base_authority(base, url);
    if (is_slash(url, text, 0)) {
        url_part_put_path(url, str_skip(text, 1));
        return 0;
    }
    url_part_put(url, base_path(base));
    if (text.len) {
        url_part_shorten_path(url);
        url_part_put_path(url, text);
    } else {
        inherit_query(base, cut);
    }
    return 0;
}

/* "C:" or "C|" as a whole first segment of `text`. */
static bool starts_with_drive(str text)
{
    return url_part_is_drive(str_head(text, 2)) &&
           (text.len == 2 || text.ptr[2] == '/' || text.ptr[2] == '\\');
}

/* The file host state: `text` begins after "//". */
static int put_file_host(struct url *url, str text, const struct cut *cut)
{
    str host = str_head(text, authority_len(url, text));
    size_t left = text.len + cut->query.len + cut->fragment.len;
    int r;

    url_part_put_credentials(url, STR_NONE, STR_NONE);
    if (url_part_is_drive(host)) {
        url_part_put_path(url, text);
        return 0;
    }
    if (host.len) {
        if ((r = url_host_parse(host, false, &url->href)) < 0 ||
            (r = url_part_reserve(url, left)) < 0)
            return r;
        if (str_equal(str_skip(buf_str(&url->href), url->host_start), STR("localhost")))
            url->href.len = url->host_start;
    }
    url_part_put_port(url, URL_PART_NO_PORT);
    url_part_put_path_start(url, str_skip(text, host.len));
    return 0;
}

/* The file slash state: one slash, then a path on the base's host and drive. */
static void put_file_slash(struct url *url, const struct url *base, str text)
{
    str drive = base ? str_head(base_path(base), 3) : STR_NONE;
    bool whole = base && (base_path(base).len == 3 ||
                          (base_path(base).len > 3 && base_path(base).ptr[3] == '/'));

    if (base)
        copy_base_authority(base, url);
    else
        url_part_put_credentials(url, STR_NONE, STR_NONE);
    if (whole && !starts_with_drive(text) && url_part_is_drive(str_skip(drive, 1)))
        url_part_put(url, drive);
    url_part_put_path(url, text);
}

/* The file state. `base` is a file URL or NULL; `url` holds the scheme already. */
static int put_file(struct url *url, const struct url *base, struct cut *cut)
{
    str text = cut->text;

    if (is_slash(url, text, 0) && is_slash(url, text, 1))
        return put_file_host(url, str_skip(text, 2), cut);
    if (is_slash(url, text, 0)) {
        put_file_slash(url, base, str_skip(text, 1));
        return 0;
    }
    if (!base) {
        url_part_put_credentials(url, STR_NONE, STR_NONE);
        url_part_put_path(url, text);
        return 0;
    }
    copy_base_authority(base, url);
    if (!starts_with_drive(text))
        url_part_put(url, base_path(base));
    if (text.len) {
        url_part_shorten_path(url);
        url_part_put_path(url, text);
    } else {
        inherit_query(base, cut);
    }
    return 0;
}

/* The opaque path state. A space at the very end would be lost when the URL is parsed again. */
static int put_opaque_path(struct url *url, const struct cut *cut)
{
    str text = cut->text;
    bool pad = text.len && text.ptr[text.len - 1] == ' ' && (cut->query.ptr || cut->fragment.ptr);
    int r;

    url->has_opaque_path = true;
    if (pad)
        text.len--;
    if ((r = percent_encode(text, PERCENT_C0, &url->href)) < 0)
        return r;
    if (pad)
        url_part_put(url, STR("%20"));
    return 0;
}

/* After the scheme state: cut->text begins after ":". */
static int put_after_scheme(struct url *url, const struct url *base, struct cut *cut)
{
    bool same = base && base->scheme == url->scheme;
    bool double_slash = str_starts(cut->text, STR("//"));

    if (url->scheme == URL_FILE)
        return put_file(url, same ? base : NULL, cut);
    if (url_is_special(url))
        return same && !double_slash ? put_relative(url, base, cut)
                                     : put_authority_after_slashes(url, cut->text, cut);
    if (double_slash)
        return put_authority(url, str_skip(cut->text, 2), cut);
    if (!str_starts(cut->text, STR("/")))
        return put_opaque_path(url, cut);
    url_part_put_path(url, str_skip(cut->text, 1));
    return 0;
}

/* The no scheme state. */
static int put_without_scheme(struct url *url, const struct url *base, struct cut *cut)
{
    if (!base)
        return ERR_INVALID;
    if (base->has_opaque_path) {
        if (cut->text.len || cut->query.ptr || !cut->fragment.ptr)
            return ERR_INVALID;
        copy_base(base, base->query_start, url);
        inherit_query(base, cut);
        return 0;
    }
    url_part_put_scheme(url, str_head(buf_str(&base->href), base->protocol_end - 1));
    return base->scheme == URL_FILE ? put_file(url, base, cut) : put_relative(url, base, cut);
}

static struct cut cut_input(str input)
{
    size_t hash = str_find(input, '#');
    struct cut cut = {.text = str_head(input, hash)};
    size_t mark = str_find(cut.text, '?');

    if (hash < input.len)
        cut.fragment = str_skip(input, hash + 1);
    if (mark < cut.text.len)
        cut.query = str_skip(cut.text, mark + 1);
    cut.text.len = mark;
    return cut;
}

static int parse_cut(struct cut *cut, const struct url *base, struct url *url)
{
    size_t scheme_len = url_part_scheme_len(cut->text, false);
    int r;

    if (scheme_len) {
        url_part_put_scheme(url, str_head(cut->text, scheme_len));
        cut->text = str_skip(cut->text, scheme_len + 1);
        r = put_after_scheme(url, base, cut);
    } else {
        r = put_without_scheme(url, base, cut);
    }
    if (r < 0)
        return r;
    url_part_end_path(url);
    url_part_put_query(url, cut->query);
    url_part_put_fragment(url, cut->fragment);
    return 0;
}

static str trim_c0(str text)
{
    while (text.len && (unsigned char)text.ptr[0] <= ' ')
        text = str_skip(text, 1);
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    return text;
}

int url_parse(str input, const struct url *base, struct url *url)
{
    struct buf stripped;
    struct cut cut;
    int r;

    ASSERT(base != url);
    clear(url);
    if (input.len > URL_INPUT_MAX)
        return ERR_LIMIT;
    buf_init(&stripped, URL_INPUT_MAX);
    input = url_part_strip(trim_c0(input), &stripped);
    cut = cut_input(input);
    r = url_part_reserve(url, input.len + (base ? base->href.len : 0));
    if (r == 0)
        r = parse_cut(&cut, base, url);
    if (r < 0)
        clear(url);
    buf_done(&stripped);
    return r;
}

/* ---- attributes ---- */

static str slice(const struct url *url, uint32_t from, uint32_t to)
{
    return (str){url->href.ptr + from, to - from};
}

/* search and hash are empty when there is nothing after their mark. */
static str slice_marked(const struct url *url, uint32_t from, uint32_t to)
{
    return to - from > 1 ? slice(url, from, to) : STR("");
}

str url_get(const struct url *url, enum url_part part)
{
    uint32_t port_start = url->host_end + (url->has_host && url->host_end < url->path_start);
    uint32_t port_end = url->has_host ? url->path_start : url->host_end;

    switch (part) {
    case URL_HREF:
        return buf_str(&url->href);
    case URL_PROTOCOL:
        return slice(url, 0, url->protocol_end);
    case URL_USERNAME:
        return slice(url, url->protocol_end + (url->has_host ? 2 : 0), url->username_end);
    case URL_PASSWORD:
        return slice(url, url->username_end + (url->password_end > url->username_end),
                     url->password_end);
    case URL_HOST:
        return slice(url, url->host_start, port_end);
    case URL_HOSTNAME:
        return slice(url, url->host_start, url->host_end);
    case URL_PORT:
        return slice(url, port_start, port_end);
    case URL_PATHNAME:
        return slice(url, url->path_start, url->query_start);
    case URL_SEARCH:
        return slice_marked(url, url->query_start, url->fragment_start);
    case URL_HASH:
        return slice_marked(url, url->fragment_start, (uint32_t)url->href.len);
    case URL_PART_COUNT:
        break;
    }
    ASSERT(!"a part of a URL");
    return STR_NONE;
}

/* The origin of a blob: URL is that of the http(s) URL in its path. */
static int blob_origin(const struct url *url, struct buf *out)
{
    struct url inner;
    int r;

    url_init(&inner);
    r = url_parse(url_get(url, URL_PATHNAME), NULL, &inner);
    if (r == 0 && (inner.scheme == URL_HTTP || inner.scheme == URL_HTTPS))
        r = url_origin(&inner, out);
    else
        r = buf_append(out, STR("null"));
    url_done(&inner);
    return r;
}

int url_origin(const struct url *url, struct buf *out)
{
    int r;

    if (str_equal(url_get(url, URL_PROTOCOL), STR("blob:")))
        return blob_origin(url, out);
    if (!url_is_special(url) || url->scheme == URL_FILE)
        return buf_append(out, STR("null"));
    if ((r = buf_append(out, url_get(url, URL_PROTOCOL))) < 0 ||
        (r = buf_append(out, STR("//"))) < 0)
        return r;
    return buf_append(out, url_get(url, URL_HOST));
}
