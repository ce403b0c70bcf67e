/* An object of a bucket as it is answered: what its head says, and its bytes or where they are.
 *
 * It never changes once it is made.
 * Owns: its texts, its bytes. Thread: references are the loop's; any may read.
 * Limits: PUBLISH_OBJECT_WHOLE_BYTES in memory. */
#ifndef ATOLL_BINDINGS_PUBLISH_OBJECT_H
#define ATOLL_BINDINGS_PUBLISH_OBJECT_H

#include "bindings/r2/r2_source.h"

enum { PUBLISH_OBJECT_WHOLE_BYTES = 1 << 20 };

struct publish_object {
    unsigned refs;
    uint64_t seq;                    /* of the last purge known when it began to be read */
    int64_t stored, expires;         /* seconds since 1970; 0: it is in no cache */
    struct buf meta;                 /* as the bucket has it: JSON */
    struct buf cache_control;
    int64_t cache_expires;           /* what Expires is to say, in seconds; -1: nothing */
    struct buf validators;           /* lines "name: value\r\n" that a 304 has too, */
    struct buf lines;                /* and the others */
    struct buf etag;                 /* with its quotes */
    int64_t modified;                /* seconds since 1970 */
    uint64_t size;
    bool is_whole;
    struct buf bytes;                /* of one that is whole */
    char *directory;                 /* else: of these files */
    struct r2_store_piece *pieces;
    size_t piece_count;
};

/* What the bucket said of it. Returned owned, with no bytes yet; NULL when that is damaged. */
struct publish_object *publish_object_new(str meta);

struct publish_object *publish_object_ref(struct publish_object *object);
void publish_object_unref(struct publish_object *object);   /* NULL is fine */

/* A source of its pieces' bytes. */
void publish_object_open(const struct publish_object *object, uint64_t from, uint64_t length,
                         struct r2_source *source);

/* What it takes in memory. */
size_t publish_object_cost(const struct publish_object *object);

#endif
