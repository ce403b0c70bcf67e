/* Puts and deletes of small values that go together: one write of a namespace, each row of which
 * comes to be on disk or fails. Knows no engine.
 *
 *   kv_batch_new ── `text`, kv_batch_add ── kv_batch_start ── done() ── kv_batch_free
 *
 * Owns: the text of all rows, a reference to the namespace while it runs. Thread: the loop's;
 * between the start and done() nothing is touched. Limits: KV_BATCH_ROWS_MAX, KV_BATCH_BYTES_MAX;
 * of a row those of kv_store.h, KV_STORE_PART_BYTES for a value. */
#ifndef ATOLL_BINDINGS_KV_BATCH_H
#define ATOLL_BINDINGS_KV_BATCH_H

#include "bindings/kv/kv_space.h"

enum { KV_BATCH_ROWS_MAX = 256, KV_BATCH_BYTES_MAX = 1 << 20 };

struct kv_batch_row {
    uint32_t key, value, metadata; /* bytes of the text, in this order, behind the row before */
    uint32_t at;                   /* where that begins: kv_batch_add() says */
    int64_t expires;               /* 0: never */
    bool is_delete;
};

/* A row that is not on disk. */
struct kv_batch_fault {
    int code;       /* 0: it is */
    char *text;
};

struct kv_batch {
    struct kv_space_write write;
    struct kv_space *space;                 /* borrowed when it is given, kept while it runs */
    void (*done)(struct kv_batch *batch);   /* on the loop, perhaps at once */
    struct err *err;                        /* code 0: see faults; else all rows failed */
    struct buf text;
    struct kv_batch_fault *faults;          /* of the rows; NULL: all are on disk */
    size_t max, count;
    int64_t now;                            /* when its first row was run */
    struct kv_batch_row rows[];
};

/* Returned owned: an empty one for at most so many rows, up to KV_BATCH_ROWS_MAX. */
struct kv_batch *kv_batch_new(struct kv_space *space, size_t rows_max, struct err *err);

/* NULL is fine. */
void kv_batch_free(struct kv_batch *batch);

/* Adds a row; its bytes are, or come to be, in `text`. Returns 0, or ERR_LIMIT: it is too long, or
 * one too many. */
NODISCARD int kv_batch_add(struct kv_batch *batch, const struct kv_batch_row *row);

/* Of one row at least. */
void kv_batch_start(struct kv_batch *batch);

#endif
