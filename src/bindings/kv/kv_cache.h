/* Values that were read lately, in memory: a hot key costs no look at the disk.
 *
 * One cache a namespace, one budget for all of the process: what was not asked for the longest time
 * goes first. That a key is not there is kept, too. Whether what is kept still holds is for the
 * caller to see, by its counter (kv_shared.h) and its time.
 * Owns: copies. Thread: the loop's. Limits: KV_CACHE_BYTES_MAX, KV_CACHE_VALUE_BYTES_MAX. */
#ifndef ATOLL_BINDINGS_KV_CACHE_H
#define ATOLL_BINDINGS_KV_CACHE_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "bindings/kv/kv_store.h"

enum { KV_CACHE_BYTES_MAX = 32 << 20, KV_CACHE_VALUE_BYTES_MAX = 64 << 10 };

struct kv_cache {
    struct map map;
};

struct kv_cache_entry {
    struct map_node node;
    struct list link;
    struct kv_cache *cache;
    uint64_t counter;
    uint64_t hash;      /* kv_shared_hash() of the key */
    int64_t expires;    /* 0: never */
    bool is_there;
    str value, metadata;
    size_t bytes;
};

/* What is kept for a key; NULL: nothing. Borrowed until the next call. */
const struct kv_cache_entry *kv_cache_find(const struct kv_cache *cache, str key);

/* Keeps what was read, in the place of what was kept: `entry` is NULL when there is no such key.
 * Values that are too large, or come in parts, are not kept. */
void kv_cache_put(struct kv_cache *cache, str key, const struct kv_store_entry *entry,
                  uint64_t counter);

/* Forgets everything. */
void kv_cache_clear(struct kv_cache *cache);

#endif
