/* A hash table of things found by a text, whose nodes live inside the things.
 *
 * Owns: its row of buckets, not the things. Thread: the one that uses it.
 * Limits: none of its own; who adds things bounds them. The hash (SipHash-1-3) has a key of the
 * process's own, so that texts from outside cannot be chosen to collide. */
#ifndef ATOLL_BASE_MAP_H
#define ATOLL_BASE_MAP_H

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct map_node {
    struct map_node *next;
    uint64_t hash;
    str key;            /* borrowed from the thing */
};

struct map {
    struct map_node **buckets;
    size_t bucket_count;    /* a power of two; 0 before the first node */
    size_t count;
};

/* Adds a node whose key is set; the key must not be there. Grows by itself. */
void map_add(struct map *map, struct map_node *node);

/* The node with this key; NULL when there is none. */
struct map_node *map_find(const struct map *map, str key);

/* Takes a node out that is in. */
void map_remove(struct map *map, struct map_node *node);

/* SipHash-1-3 of the text, with a key of the caller's own. */
uint64_t map_hash(const uint64_t key[2], str text);

/* Frees the buckets; the things are the caller's. The map is empty and may be used again. */
void map_done(struct map *map);

#endif
