/* An object for a request to a published host: from what is kept, else from the bucket.
 *
 *   publish_read_now ── in memory? ── the object
 *   publish_read_start ── on disk? ── in the bucket? ── kept for the next ones ── done()
 *
 * Requests to a distribution that come while its object is being read wait for that; an address
 * without a cache reads for each. A request never waits for a read that began before a purge.
 * Owns: reads. Thread: the loop's. Limits: those of r2_bucket.h; PUBLISH_READ_SAVES_MAX objects on
 * their way to the disk, further ones are not kept there. */
#ifndef ATOLL_BINDINGS_PUBLISH_READ_H
#define ATOLL_BINDINGS_PUBLISH_READ_H

#include "base/list.h"
#include "bindings/publish/publish_cache.h"

enum { PUBLISH_READ_SAVES_MAX = 256 };

/* How it came about, Cloudflare's words; NONE: there is no cache. */
enum publish_status {
    PUBLISH_STATUS_NONE, PUBLISH_STATUS_HIT, PUBLISH_STATUS_MISS, PUBLISH_STATUS_EXPIRED,
    PUBLISH_STATUS_BYPASS
};

const char *publish_read_word(enum publish_status status);

/* Embed it and fill in `done`. */
struct publish_wait {
    struct list link;
    /* Once. `object` is borrowed; NULL with `code`: ERR_NOT_FOUND, or what went wrong. */
    void (*done)(struct publish_wait *wait, struct publish_object *object,
                 enum publish_status status, int code);
};

/* What is in memory, borrowed, or NULL. */
struct publish_object *publish_read_now(const struct publish_host *host, str key);

/* `skips_cache`: what was kept is damaged. done() may be called at once. */
void publish_read_start(struct publish_host *host, str key, bool skips_cache,
                        struct publish_wait *wait);

/* Its done() is not called any more. */
void publish_read_forget(struct publish_wait *wait);

#endif
