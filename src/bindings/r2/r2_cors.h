/* The CORS rules of a bucket: what pages of other origins may do with it in a browser.
 *
 *   {"rules": [{"id"?, "allowed": {"origins": [...], "methods": [...], "headers"?: [...]},
 *               "exposeHeaders"?: [...], "maxAgeSeconds"?}, ...]}
 *
 * in Cloudflare's words. An origin and an allowed header may have one "*", for anything. The first
 * rule that fits a request is the one it is answered by.
 * Owns: nothing: rules are JSON. Thread: any. Limits: below.
 * Source: Fetch 3.3 (CORS protocol); "Elements of a CORS configuration" of the Amazon S3 guide. */
#ifndef ATOLL_BINDINGS_R2_CORS_H
#define ATOLL_BINDINGS_R2_CORS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    R2_CORS_RULES_MAX = 100,
    R2_CORS_TEXT_BYTES_MAX = 512,      /* an id, an origin, a header's name */
    R2_CORS_BYTES_MAX = 64 << 10,      /* all rules, as JSON */
    R2_CORS_ASKED_BYTES_MAX = 8 << 10, /* headers that a browser asks for */
    R2_CORS_AGE_S_MAX = 86400,
};

/* Checks what somebody wants as rules: *ret gets the array, with what is known of it alone,
 * returned owned. ERR_INVALID: a text that says where. */
NODISCARD int r2_cors_read(const json_t *policy, json_t **ret, struct err *err);

/* A question of a browser before its request: OPTIONS with these headers. */
struct r2_cors_asked {
    str origin;     /* origin */
    str method;     /* access-control-request-method */
    str headers;    /* access-control-request-headers */
};

/* Appends the lines that allow it. False when no rule does (`rules` NULL: there are none). */
NODISCARD bool r2_cors_preflight(const json_t *rules, const struct r2_cors_asked *asked,
                                 struct buf *head);

/* Appends what the answer to a request says of it: that it depends on the origin, and whether this
 * one (STR_NONE: none is said) may read it. Nothing without rules. ERR_LIMIT: nothing was added. */
NODISCARD int r2_cors_add(const json_t *rules, str origin, str method, struct buf *head);

#endif
