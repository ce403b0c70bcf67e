/* Hash tables; see map.h. Chains in a row of buckets that doubles when there is more than one node
 * a bucket. */
#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS_MIN = 16 };

/* ---- SipHash-1-3 (Aumasson and Bernstein) ---- */

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void round_of(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static const uint64_t *process_key(void)
{
    static uint64_t key[2];

    if (!key[0])
        ASSERT(getrandom(key, sizeof key, 0) == sizeof key);
    key[0] |= 1;
    return key;
}

uint64_t map_hash(const uint64_t key[2], str text)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    uint64_t word, last = (uint64_t)text.len << 56;

    for (; text.len >= sizeof word; text = str_skip(text, sizeof word)) {
        memcpy(&word, text.ptr, sizeof word);
        v[3] ^= word;
        round_of(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < text.len; i++)
        last |= (uint64_t)(unsigned char)text.ptr[i] << 8 * i;
    v[3] ^= last;
    round_of(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_of(str text)
{
    return map_hash(process_key(), text);
}

/* ---- the table ---- */

static struct map_node **bucket_of(const struct map *map, uint64_t hash)
{
    return &map->buckets[hash & (map->bucket_count - 1)];
}

static void grow(struct map *map)
{
    struct map wider = {.bucket_count = map->bucket_count ? 2 * map->bucket_count : BUCKETS_MIN,
                        .count = map->count};

    wider.buckets = mem_zeroed(wider.bucket_count * sizeof *wider.buckets);
    for (size_t i = 0; i < map->bucket_count; i++) {
        for (struct map_node *node = map->buckets[i], *next; node; node = next) {
            struct map_node **bucket = bucket_of(&wider, node->hash);
            next = node->next;
            node->next = *bucket;
            *bucket = node;
        }
    }
    free(map->buckets);
    *map = wider;
}

void map_add(struct map *map, struct map_node *node)
{
    struct map_node **bucket;

    if (map->count >= map->bucket_count)
        grow(map);
    node->hash = hash_of(node->key);
    bucket = bucket_of(map, node->hash);
    node->next = *bucket;
    *bucket = node;
    map->count++;
}

struct map_node *map_find(const struct map *map, str key)
{
    uint64_t hash = hash_of(key);
    struct map_node *node = map->bucket_count ? *bucket_of(map, hash) : NULL;

    while (node && !(node->hash == hash && str_equal(node->key, key)))
        node = node->next;
    return node;
}

void map_remove(struct map *map, struct map_node *node)
{
    struct map_node **at = bucket_of(map, node->hash);

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    map->count--;
}

void map_done(struct map *map)
{
    free(map->buckets);
    *map = (struct map){0};
}
