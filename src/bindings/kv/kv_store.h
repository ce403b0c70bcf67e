/* A namespace on disk: keys, values, when they expire, and what is said about them.
 *
 * One connection; several of one or of many processes have the same directory open at once. Reading
 * needs nothing else; who writes holds the namespace's lock (kv_shared.h) and a transaction.
 * Values beyond KV_STORE_PART_BYTES are kept in parts, so that they go in and out piece by piece. A
 * value that was replaced can still be read for a while, by who has begun.
 * Owns: the connection. Thread: one at a time; every call blocks. Times are seconds since 1970.
 * Limits: below; KV_STORE_STAGED_S for a value on its way in, KV_STORE_KEPT_S and
 * KV_STORE_KEPT_BYTES for replaced ones.
 * Errors: ERR_INVALID, the file is damaged; ERR_LIMIT, the disk or the namespace is full;
 * ERR_TIMEOUT; ERR_IO. */
#ifndef ATOLL_BINDINGS_KV_STORE_H
#define ATOLL_BINDINGS_KV_STORE_H

#include "base/buf.h"

enum {
    KV_STORE_KEY_BYTES_MAX = 512,
    KV_STORE_METADATA_BYTES_MAX = 1024,
    KV_STORE_VALUE_BYTES_MAX = 25 << 20,
    KV_STORE_PART_BYTES = 256 << 10,
    KV_STORE_LIST_MAX = 1000,
    KV_STORE_STAGED_S = 3600,
    KV_STORE_KEPT_S = 60,
    KV_STORE_KEPT_BYTES = 256 << 20,
    KV_STORE_SWEEP_MAX = 500,
};

struct kv_store;

/* Opens the namespace in this directory, which is there; `bytes_max`: how large its file may grow,
 * 0: as it likes. */
NODISCARD int kv_store_open(const char *directory, uint64_t bytes_max, struct kv_store **ret,
                            struct err *err);

/* More pages stay in memory: who writes has to have those of a batch at hand. */
void kv_store_expect_writes(struct kv_store *store);

/* NULL is fine. */
void kv_store_close(struct kv_store *store);

/* ---- reading ---- */

/* Reads between the two see one state, as it was at the first of them. */
NODISCARD int kv_store_begin_read(struct kv_store *store, struct err *err);
void kv_store_end_read(struct kv_store *store);

/* What is stored under a key. The buffers are owned: kv_store_entry_done(). */
struct kv_store_entry {
    int64_t expires;        /* 0: never */
    uint64_t length;
    int64_t body;           /* where the parts are; 0: the value is whole */
    struct buf metadata;    /* JSON; empty: none */
    struct buf value;
};

void kv_store_entry_init(struct kv_store_entry *entry);
void kv_store_entry_done(struct kv_store_entry *entry);

/* Returns 0 or ERR_NOT_FOUND, also for what has expired at `now`. A value in parts is not read. */
NODISCARD int kv_store_get(struct kv_store *store, str key, int64_t now, struct kv_store_entry *ret,
                           struct err *err);

/* Appends part `index` of a value to `out`. ERR_NOT_FOUND: it is gone. */
NODISCARD int kv_store_read_part(struct kv_store *store, int64_t body, unsigned index,
                                 struct buf *out, struct err *err);

/* Reads the parts of an entry's value, if it is in parts. Between begin_read and end_read, with the
 * get. */
NODISCARD int kv_store_read_all(struct kv_store *store, struct kv_store_entry *entry,
                                struct err *err);

/* Keys from the first behind `after` (empty: from the beginning) on, as JSON, in the order of their
 * bytes: appends [{"name", "expiration"?, "metadata"?}, ...]. */
struct kv_store_query {
    str prefix, after;
    unsigned limit;     /* at most KV_STORE_LIST_MAX */
    int64_t now;
};
NODISCARD int kv_store_list(struct kv_store *store, const struct kv_store_query *query,
                            struct buf *out, struct buf *ret_last, bool *ret_complete,
                            struct err *err);

/* ---- writing: between kv_store_begin() and kv_store_end() ---- */

NODISCARD int kv_store_begin(struct kv_store *store, struct err *err);

/* Commits and syncs when `result` is 0; else takes everything back and returns `result`. */
NODISCARD int kv_store_end(struct kv_store *store, int result, struct err *err);

struct kv_store_put {
    str key;
    str value;          /* when `body` is 0 */
    int64_t body;       /* of a staged value */
    uint64_t length;    /* of that */
    int64_t expires;    /* 0: never */
    str metadata;       /* empty: none */
};
/* ERR_NOT_FOUND: the staged value is gone. */
NODISCARD int kv_store_put(struct kv_store *store, const struct kv_store_put *put, int64_t now,
                           struct err *err);

/* Returns 0, also when there was none. */
NODISCARD int kv_store_delete(struct kv_store *store, str key, int64_t now, struct err *err);

/* A value that comes in parts: all but the last have KV_STORE_PART_BYTES. */
NODISCARD int kv_store_stage(struct kv_store *store, int64_t now, int64_t *ret_body,
                             struct err *err);
NODISCARD int kv_store_write_part(struct kv_store *store, int64_t body, unsigned index, str bytes,
                                  struct err *err);

/* Forgets a staged value. */
NODISCARD int kv_store_unstage(struct kv_store *store, int64_t body, struct err *err);

/* True when kv_store_sweep() has something to do. Outside of a transaction. */
bool kv_store_is_dusty(struct kv_store *store, int64_t now);

/* Removes up to KV_STORE_SWEEP_MAX keys that have expired, and values that nobody has. */
NODISCARD int kv_store_sweep(struct kv_store *store, int64_t now, struct err *err);

/* Moves what was committed into the database's file, which a commit leaves to be done; without it
 * the log grows. Outside of a transaction. */
void kv_store_checkpoint(struct kv_store *store);

/* Pages in the log since the last checkpoint. */
int kv_store_log_pages(const struct kv_store *store);

/* How many bytes the namespace in `directory` has on the disk, its free pages included, but not its
 * log. Returns 0, also when there is nothing. Thread: any. */
NODISCARD int kv_store_size(const char *directory, uint64_t *ret_bytes, struct err *err);

/* Writes a consistent, synced copy of the namespace in `directory` into the directory `to`. Returns
 * 0, also when there is nothing to copy. Thread: any. */
NODISCARD int kv_store_copy(const char *directory, const char *to, struct err *err);

#endif
