/* Hot values; see kv_cache.h.
 *
 * An entry is one block: itself, its key, its value, its metadata. The list goes from the one that
 * was asked for the longest time ago to the last one. */
#include "bindings/kv/kv_cache.h"

#include <stdlib.h>

#include "bindings/kv/kv_shared.h"

enum { MALLOC_BYTES = 64 }; /* what a block and its place in the map cost beside itself */

static struct list used = {&used, &used};
static size_t bytes_used;

static void forget(struct kv_cache_entry *entry)
{
    map_remove(&entry->cache->map, &entry->node);
    list_remove(&entry->link);
    bytes_used -= entry->bytes;
    free(entry);
}

static struct kv_cache_entry *find(const struct kv_cache *cache, str key)
{
    struct map_node *node = map_find(&cache->map, key);

    return node ? CONTAINER_OF(node, struct kv_cache_entry, node) : NULL;
}

const struct kv_cache_entry *kv_cache_find(const struct kv_cache *cache, str key)
{
    struct kv_cache_entry *entry = find(cache, key);

    if (entry && entry->link.next != &used) {
        list_remove(&entry->link);
        list_push(&used, &entry->link);
    }
    return entry;
}

static str copy(char **at, str text)
{
    str copied = {*at, text.len};

    if (text.len)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copied;
}

static struct kv_cache_entry *make(str key, str value, str metadata)
{
    size_t bytes = sizeof(struct kv_cache_entry) + key.len + value.len + metadata.len;
    struct kv_cache_entry *entry = mem_alloc(bytes);
    char *at = (char *)(entry + 1);

    *entry = (struct kv_cache_entry){.bytes = bytes + MALLOC_BYTES};
    entry->node.key = copy(&at, key);
    entry->value = copy(&at, value);
    entry->metadata = copy(&at, metadata);
    entry->hash = kv_shared_hash(key);
    return entry;
}

void kv_cache_put(struct kv_cache *cache, str key, const struct kv_store_entry *entry,
                  uint64_t counter)
{
    struct kv_cache_entry *fresh, *old = find(cache, key);

    if (old)
        forget(old);
    if (entry && (entry->body || entry->value.len > KV_CACHE_VALUE_BYTES_MAX))
        return;
    fresh = make(key, entry ? buf_str(&entry->value) : STR_NONE,
                 entry ? buf_str(&entry->metadata) : STR_NONE);
    fresh->cache = cache;
    fresh->counter = counter;
    fresh->is_there = entry;
    fresh->expires = entry ? entry->expires : 0;
    map_add(&cache->map, &fresh->node);
    list_push(&used, &fresh->link);
    bytes_used += fresh->bytes;
    while (bytes_used > KV_CACHE_BYTES_MAX)
        forget(CONTAINER_OF(used.next, struct kv_cache_entry, link));
}

void kv_cache_clear(struct kv_cache *cache)
{
    LIST_EACH_SAFE(&used, link) {
        struct kv_cache_entry *entry = CONTAINER_OF(link, struct kv_cache_entry, link);
        if (entry->cache == cache)
            forget(entry);
    }
    map_done(&cache->map);
}
