/* Objects that distributions keep: small ones in memory, all of them in the cache on disk, which
 * the runtimes of a server share (store/cache.h).
 *
 * What is kept is good until it expires or a purge hits it (publish_rule.h).
 * Owns: its entries. Thread: the loop's, but for publish_cache_load() and publish_cache_save().
 * Limits: PUBLISH_CACHE_MEMORY_BYTES of a process, what was not used for longest goes;
 * PUBLISH_CACHE_OBJECT_BYTES of an object; the cache's own. */
#ifndef ATOLL_BINDINGS_PUBLISH_CACHE_H
#define ATOLL_BINDINGS_PUBLISH_CACHE_H

#include "bindings/publish/publish_host.h"
#include "bindings/publish/publish_object.h"

enum {
    PUBLISH_CACHE_MEMORY_BYTES = 64 << 20,
    PUBLISH_CACHE_OBJECT_BYTES = 64 << 20,
};

/* Where the disk's part is; NULL: there is none. The text is kept. */
void publish_cache_start(const char *directory, uint64_t bytes_max);

/* Is there a part on disk? */
bool publish_cache_has_disk(void);

enum publish_found { PUBLISH_NOT_FOUND, PUBLISH_FOUND, PUBLISH_STALE };

/* Looks into memory. Found: the object, borrowed. Stale: there was one. */
enum publish_found publish_cache_find(const struct publish_host *host, str key, int64_t now,
                                      struct publish_object **ret);

/* Keeps it in memory, when it is whole and not too large. */
void publish_cache_keep(const struct publish_host *host, str key, struct publish_object *object);

/* Is it good for this host, now? */
bool publish_cache_is_good(const struct publish_host *host, str key,
                           const struct publish_object *object, int64_t now);

/* On a thread, blocks: the object on disk, returned owned, or NULL. */
struct publish_object *publish_cache_load(const char *space, str key, int64_t now);

/* On a thread, blocks: writes it there. What cannot be written is not kept. */
void publish_cache_save(const char *space, str key, const struct publish_object *object,
                        int64_t now);

#endif
