/* What RFC 9111 says a shared cache may keep, for how long, and for which requests.
 *
 * Where a response does not say how long it is fresh, its status decides, as on Cloudflare: 200 and
 * 301 for two hours, 302 and 303 for 20 minutes, 404 and 410 for three.
 * Header fields come as header_lines.h describes them.
 * Owns: nothing. Thread: any. Limits: freshness of 2^31 seconds, CACHE_RULE_VARY_MAX fields. */
#ifndef ATOLL_STORE_CACHE_RULE_H
#define ATOLL_STORE_CACHE_RULE_H

#include "base/buf.h"
#include "base/str.h"

enum { CACHE_RULE_VARY_MAX = 32 };

struct cache_rule_input {
    int status;
    str request;     /* header lines of the request */
    str response;    /* header lines of the response */
    int64_t now;     /* seconds since 1970 */
};

struct cache_rule_life {
    int64_t age;     /* seconds the response was old when it came (RFC 9111 4.2.3) */
    int64_t fresh;   /* seconds it stays fresh from now on, at least 1 */
};

/* Decides whether the response is stored (RFC 9111 3). Returns NULL and *ret_life when it is, else
 * why not, in words. */
const char *cache_rule_refusal(const struct cache_rule_input *input,
                               struct cache_rule_life *ret_life);

/* True for `Vary: *`. */
bool cache_rule_varies_always(str response);

/* Appends the header lines that are stored: without those of one connection, those that
 * private="..." and no-cache="..." name, and what the cache says itself.
 * Returns 0 or ERR_LIMIT. */
NODISCARD int cache_rule_strip(str response, struct buf *out);

/* Appends the request's fields that Vary selects (RFC 9111 4.1) as lines; two requests with the
 * same lines get the same response. Accept-Encoding does not count for a response without
 * Content-Encoding, which everybody can read. Returns 0 or ERR_LIMIT. */
NODISCARD int cache_rule_variant(str response, str request, struct buf *out);

#endif
