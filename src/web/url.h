/* URLs after the WHATWG URL Standard: parser, serializer, setters.
 *
 * A URL is its serialization, one ASCII string, and the offsets of its parts in it:
 *
 *     https://user:pass@example.com:8080/a/b?q=1#top
 *           ^     ^    ^^          ^    ^   ^   ^
 *           |     |    ||          |    |   |   fragment_start
 *           |     |    ||          |    |   query_start
 *           |     |    ||          |    path_start
 *           |     |    ||          host_end
 *           |     |    |host_start
 *           |     |    password_end
 *           |     username_end
 *           protocol_end
 *
 * A part that is missing is empty: both its offsets are equal. The string is never edited in
 * place from outside; url_set() makes a new one.
 *
 * Owns: the string. Thread: any, one at a time. Limits: URL_INPUT_MAX bytes of input. */
#ifndef ATOLL_WEB_URL_H
#define ATOLL_WEB_URL_H

#include "base/buf.h"
#include "base/str.h"

enum {
    URL_INPUT_MAX = 8 << 20,
    URL_HREF_MAX = 64 << 20,  /* two inputs, each byte escaped, and room to spare */
};

enum url_scheme { URL_OTHER, URL_HTTP, URL_HTTPS, URL_WS, URL_WSS, URL_FTP, URL_FILE };

/* The attributes of the JavaScript class, in the order that op_url_set knows. */
enum url_part {
    URL_HREF,
    URL_PROTOCOL,
    URL_USERNAME,
    URL_PASSWORD,
    URL_HOST,
    URL_HOSTNAME,
    URL_PORT,
    URL_PATHNAME,
    URL_SEARCH,
    URL_HASH,
    URL_PART_COUNT,
};

struct url {
    struct buf href;
    uint32_t protocol_end;    /* after ":" */
    uint32_t username_end;    /* the username starts at protocol_end + 2 */
    uint32_t password_end;    /* the password starts at username_end + 1, after ":" */
    uint32_t host_start;      /* after "@" */
    uint32_t host_end;
    uint32_t path_start;      /* the port stands between ":" at host_end and here */
    uint32_t query_start;     /* at "?" */
    uint32_t fragment_start;  /* at "#" */
    enum url_scheme scheme;
    bool has_host;            /* the host is not null; it may still be the empty string */
    bool has_opaque_path;
};

/* Prepares an empty URL, to be filled by url_parse(). */
void url_init(struct url *url);

/* Releases the string; url_init() must follow before another use. NULL is fine. */
void url_done(struct url *url);

/* Parses `input` (UTF-8) against `base` (NULL: none; never `url` itself) into `url`, whose memory
 * is used again. Returns 0, ERR_INVALID, or ERR_LIMIT; after a failure `url` is empty.
 * About 100 ns for a plain URL; hosts that need IDNA cost a few microseconds. WHATWG URL 4.4. */
NODISCARD int url_parse(str input, const struct url *base, struct url *url);

/* The value of an attribute, as its JavaScript getter gives it. Borrowed until `url` changes. */
str url_get(const struct url *url, enum url_part part);

/* Does what the JavaScript setter does: a value that does not fit changes nothing.
 * Returns 0, ERR_INVALID (URL_HREF only: not a URL), or ERR_LIMIT. WHATWG URL 6.1. */
NODISCARD int url_set(struct url *url, enum url_part part, str value);

/* Appends the serialized origin, "null" for an opaque one. Returns 0 or ERR_LIMIT. */
NODISCARD int url_origin(const struct url *url, struct buf *out);

static inline bool url_is_special(const struct url *url)
{
    return url->scheme != URL_OTHER;
}

#endif
