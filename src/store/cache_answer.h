/* What a request gets of a stored response: all of it (200), a part (206), "not modified" (304) or
 * "no such part" (416); RFC 9110 13 and 14.
 *
 * Header fields come as header_lines.h describes them.
 * Owns: nothing. Thread: any. Limits: one part; a request for several gets all. */
#ifndef ATOLL_STORE_CACHE_ANSWER_H
#define ATOLL_STORE_CACHE_ANSWER_H

#include "base/buf.h"
#include "base/str.h"

struct cache_answer_input {
    int status;         /* of the stored response */
    str request;        /* header lines of the request */
    str response;       /* those that were stored */
    bool has_body;
    uint64_t length;    /* bytes of the body */
    int64_t age;        /* seconds */
    int64_t now;        /* seconds since 1970 */
};

struct cache_answer {
    int status;
    bool has_body;
    uint64_t from;      /* the part of the body to send */
    uint64_t length;
};

/* What is answered, but for its header lines. */
void cache_answer_decide(const struct cache_answer_input *input, struct cache_answer *ret);

/* The same, and appends the answer's header lines to `head`. Returns 0 or ERR_LIMIT. */
NODISCARD int cache_answer_make(const struct cache_answer_input *input, struct cache_answer *ret,
                                struct buf *head);

#endif
