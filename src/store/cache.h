/* The cache of responses on disk: one directory, used by several threads and processes at once.
 *
 * A response is kept under a space (a worker's cache), a URL and the request fields that its Vary
 * selects. Entries that are no longer fresh are misses; when the whole grows beyond its maximum,
 * expired ones go first, then those that were not used for the longest time.
 * Owns: the index's connection. Thread: any; every call blocks, but for cache_new(),
 * cache_reserve() and cache_release().
 * Limits: bytes_max for all entries with their heads; half of it, and CACHE_BODY_BYTES_MAX, for
 * one; CACHE_VARIANTS_MAX entries of one URL.
 * A damaged index is thrown away with everything in it, and the call starts anew. */
#ifndef ATOLL_STORE_CACHE_H
#define ATOLL_STORE_CACHE_H

#include "base/buf.h"
#include "store/cache_body.h"

enum {
    CACHE_VARIANTS_MAX = 64,
    CACHE_HEAD_BYTES_MAX = 256 * 1024,
    CACHE_BODY_BYTES_MAX = 512 * 1024 * 1024,
    CACHE_INLINE_BYTES_MAX = 32 * 1024,       /* larger bodies are files */
    CACHE_ENTRY_BYTES = 512,                  /* what an entry counts beside its texts */
};

struct cache;

/* A request as far as the cache looks at it; all borrowed. */
struct cache_key {
    str space;
    str url;
    str headers;    /* see store/header_lines.h */
};

/* An entry; the buffers are owned: cache_entry_done(). */
struct cache_entry {
    int status;
    struct buf reason;
    struct buf headers;
    struct buf variant;
    int64_t stored;      /* seconds since 1970 */
    int64_t age;         /* seconds it was old by then */
    int64_t expires;     /* seconds since 1970 */
    bool has_body;
    uint64_t length;     /* of the body */
    struct buf body;     /* a small one */
    char file[CACHE_BODY_NAME_BYTES];   /* the name of a large one; empty: none */
};

/* The cache in this directory, which need not be there yet. Returned owned. */
struct cache *cache_new(const char *directory, uint64_t bytes_max);

/* NULL is fine. */
void cache_free(struct cache *cache);

void cache_entry_init(struct cache_entry *entry);
void cache_entry_done(struct cache_entry *entry);

/* Fills `ret` with the newest fresh entry for the request, and *ret_fd with its large body's
 * descriptor, which is the caller's, or -1. Returns 0, ERR_NOT_FOUND, or an error of the disk. */
NODISCARD int cache_find(struct cache *cache, const struct cache_key *key, int64_t now,
                         struct cache_entry *ret, int *ret_fd);

/* Removes all entries of the URL. Returns 0, ERR_NOT_FOUND, or an error of the disk. */
NODISCARD int cache_remove(struct cache *cache, const struct cache_key *key, int64_t now,
                           struct err *err);

/* Puts the entry in the place of what the same requests got until now, and makes room. */
NODISCARD int cache_insert(struct cache *cache, const struct cache_key *key,
                           const struct cache_entry *entry, int64_t now, struct err *err);

/* Removes the bodies that a crash left behind; once per process is enough. */
void cache_sweep(struct cache *cache);

/* Opens the large body of an entry again. Returns as cache_body_open(). */
NODISCARD int cache_open_body(const struct cache *cache, const char *file, uint64_t length);

/* ---- for cache_put.c ---- */

/* Counts bytes on their way in. Returns 0, or ERR_LIMIT when one body, or all that are being
 * written, would be too large. `before`: what the body had. */
NODISCARD int cache_reserve(struct cache *cache, uint64_t before, uint64_t more);
void cache_release(struct cache *cache, uint64_t bytes);

const char *cache_bodies(const struct cache *cache);

#endif
