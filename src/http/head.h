/* The head of an HTTP/1.1 request: request line and header fields (RFC 9112, RFC 9110).
 *
 * Strict: what two readers could take for two different requests is refused, not repaired.
 * Owns: nothing; every view points into the caller's bytes. Thread: any.
 * Limits: HTTP_HEAD_BYTES_MAX for the head with the empty lines before it and after it,
 * HTTP_HEADERS_MAX fields, and the other maxima below. */
#ifndef ATOLL_HTTP_HEAD_H
#define ATOLL_HTTP_HEAD_H

#include "base/mem.h"
#include "base/str.h"

enum {
    HTTP_HEAD_BYTES_MAX = 32768,
    HTTP_HEADERS_MAX = 128,
    HTTP_TARGET_BYTES_MAX = 16384,
    HTTP_METHOD_BYTES_MAX = 32,
    HTTP_HOST_BYTES_MAX = 255 + 6,   /* a name and ":65535" */
    HTTP_EMPTY_LINES_MAX = 2,        /* tolerated before a request (RFC 9112 2.2) */
};

#define HTTP_BODY_BYTES_MAX (UINT64_C(1) << 53)

enum http_method {
    HTTP_OTHER, /* a token that is none of the following; struct http_head has its text */
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_CONNECT, /* never returned by http_head_parse() */
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_PATCH,
};

enum http_framing {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH, /* content_length bytes, which may be 0 */
    HTTP_BODY_CHUNKED,
};

struct http_header {
    str name;   /* lower-cased */
    str value;  /* without white space at both ends; may have bytes >= 0x80 */
};

struct http_head {
    enum http_method method_id;
    str method;             /* case-sensitive, as sent */
    str target;             /* "/path?query", or "*" with OPTIONS; never has '#' */
    str host;               /* as sent, with its port; empty when HTTP/1.0 sent none */
    int minor_version;      /* 0 or 1 */
    enum http_framing framing;
    uint64_t content_length;
    bool keep_alive;        /* the connection may carry another request (RFC 9112 9.3) */
    bool expect_continue;   /* the client waits for 100 before it sends its body */
    bool upgrade;           /* HTTP/1.1 with "connection: upgrade" and an upgrade field */
    size_t header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t bytes;           /* length of the head with the empty lines before and after it */
};

/* Parses the head at the start of `bytes` (borrowed). Header names are lower-cased in place and
 * the views in *ret point into `bytes`; *ret holds anything unless 1 is returned.
 *
 * An absolute-form target ("GET http://a:8080/b") is taken apart: `host` is its authority, as RFC
 * 9112 3.2.2 demands, and `target` the rest, "/" when there is none.
 * A target may start with "//": build a URL by joining scheme, host and target, never by
 * resolving the target against a base.
 *
 * Returns 1 when a whole head is there, 0 when more bytes are needed (call again with all of them:
 * the bytes seen before are read again), or a negative HTTP status after which nothing on the
 * connection can be trusted:
 *   -400 malformed                     -414 target longer than HTTP_TARGET_BYTES_MAX
 *   -417 Expect is not 100-continue    -431 head too long, or too many fields
 *   -501 a transfer-coding other than chunked, the method CONNECT (this is no proxy), or a method
 *        longer than HTTP_METHOD_BYTES_MAX
 *   -505 a version other than 1.0 and 1.1 */
NODISCARD int http_head_parse(char *bytes, size_t len, struct http_head *ret);

/* Lower-case form of `c` when it may stand in a token (RFC 9110 5.6.2), else 0. */
char http_token_lower(char c);

#endif
