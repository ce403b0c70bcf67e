/* The host parser and serializer of WHATWG URL 3.5: domains, IPv4, IPv6, opaque hosts.
 *
 * Owns: nothing. Thread: any. Limits: URL_HOST_IDNA_MAX bytes for a domain that needs IDNA. */
#ifndef ATOLL_WEB_URL_HOST_H
#define ATOLL_WEB_URL_HOST_H

#include "base/buf.h"
#include "base/str.h"

/* Punycode is quadratic in the length of a label; a DNS name has at most 253 characters. */
enum { URL_HOST_IDNA_MAX = 2048 };

/* Parses `text` (UTF-8, not empty unless opaque) and appends the host in its serialized form.
 * is_opaque: the URL's scheme is not special. Returns 0, ERR_INVALID, or ERR_LIMIT (out is full).
 * After a failure `out` may hold a part of the host. */
NODISCARD int url_host_parse(str text, bool is_opaque, struct buf *out);

#endif
