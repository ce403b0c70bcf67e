/* One response on its way into the cache: begun, appended to, committed.
 *
 * A small body stays in memory; one that grows beyond CACHE_INLINE_BYTES_MAX goes to a file.
 * Owns: copies of its texts, the body so far. Thread: one at a time.
 * Limits: those of cache.h; what is not committed leaves nothing behind. */
#ifndef ATOLL_STORE_CACHE_PUT_H
#define ATOLL_STORE_CACHE_PUT_H

#include "store/cache.h"

struct cache_put;

/* All borrowed for the call. */
struct cache_put_head {
    struct cache_key key;
    int status;
    str reason;
    str headers;    /* see store/header_lines.h */
    bool has_body;
};

/* Begins, when the response may be stored (store/cache_rule.h); touches no disk. Returns 0 with the
 * put, returned owned; ERR_UNSUPPORTED and why, when it is not to be stored; ERR_INVALID for
 * `Vary: *` and status 206, which are a caller's mistake; ERR_LIMIT when the head is too large. */
NODISCARD int cache_put_new(struct cache *cache, const struct cache_put_head *head, int64_t now,
                            struct cache_put **ret_put, struct err *err);

/* True when `len` bytes more stay in memory: cache_put_append() will not touch the disk. */
bool cache_put_is_small(const struct cache_put *put, size_t len);

/* Appends to the body. Returns 0, ERR_LIMIT or ERR_IO. */
NODISCARD int cache_put_append(struct cache_put *put, str bytes, struct err *err);

/* The body is whole: from now on requests find it. Returns 0, ERR_IO or ERR_TIMEOUT. */
NODISCARD int cache_put_commit(struct cache_put *put, int64_t now, struct err *err);

/* Forgets what was not committed. NULL is fine. */
void cache_put_free(struct cache_put *put);

#endif
