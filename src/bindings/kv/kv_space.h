/* A namespace as a process uses it: opened when needed, its reads and writes in jobs, its hot
 * values in memory. Knows no engine.
 *
 * A read sees every write that was acknowledged before it began, in whichever process. Writes that
 * come while a commit is under way share the next one; each is on disk when it is done.
 * Owns: connections, threads' work, cached values. Thread: the loop's, but for what `run` is.
 * Limits: KV_SPACE_WAITING_MAX reads and as many writes, or parts of them, that wait,
 * KV_SPACE_BYTES_MAX of values on their way in of the process, KV_SPACE_OWN_BYTES_MAX of one; about
 * KV_SPACE_READ_BYTES_MAX of values on their way out of one; KV_SPACE_OPEN_MAX open ones, the
 * longest unused closed first. */
#ifndef ATOLL_BINDINGS_KV_SPACE_H
#define ATOLL_BINDINGS_KV_SPACE_H

#include "bindings/kv/kv_cache.h"
#include "bindings/kv/kv_shared.h"
#include "bindings/kv/kv_store.h"
#include "bindings/storage_job.h"

enum {
    KV_SPACE_WAITING_MAX = 8192,
    KV_SPACE_BYTES_MAX = 256 << 20,
    KV_SPACE_OWN_BYTES_MAX = 64 << 20,
    KV_SPACE_READ_BYTES_MAX = 32 << 20,
    KV_SPACE_OPEN_MAX = 256,
    KV_SPACE_IDLE_MS = 60000,
    KV_SPACE_SWEEP_MS = 30000,
    KV_SPACE_BATCH_MAX = 1024,
    KV_SPACE_BATCH_BYTES_MAX = 32 << 20,
    KV_SPACE_LOG_PAGES_MAX = 1000,  /* from where on the log is taken in, 4 MiB */
};

struct kv_space;

/* The namespace of this store ("default/kv/<id>"), shared: one reference. NULL: there is no place
 * for it. Nothing is opened on disk. */
struct kv_space *kv_space_of(const char *store);
struct kv_space *kv_space_ref(struct kv_space *space);

/* Its directory. */
const char *kv_space_path(const struct kv_space *space);

/* It stays for a while, in case it is wanted again. NULL is fine. */
void kv_space_unref(struct kv_space *space);

/* What is done every KV_SPACE_SWEEP_MS, by itself: closes what was not used for KV_SPACE_IDLE_MS at
 * `now_ms` (loop time), forgets what nobody has any more, has expired keys removed. */
void kv_space_look_after(uint64_t now_ms);

/* What is known of a key without a look at the disk; NULL: read it. It holds at this moment. An
 * entry whose `is_there` is false, or that has expired, says that there is no such key. Borrowed
 * until the next call. */
const struct kv_cache_entry *kv_space_peek(struct kv_space *space, str key);

/* Keeps what a read found, for kv_space_peek(). */
void kv_space_keep(struct kv_space *space, str key, const struct kv_store_entry *entry,
                   uint64_t counter);

/* Embed it. */
struct kv_space_read {
    struct list link;
    struct err *err;    /* set when the namespace cannot be opened; `run` is not called then */
    size_t bytes;       /* of what was found; `run` says */
    void (*run)(struct kv_space_read *read, struct kv_store *store,
                const struct kv_shared *shared);         /* on a thread */
    void (*done)(struct kv_space_read *read);            /* on the loop, exactly once */
};
void kv_space_read(struct kv_space *space, struct kv_space_read *read);

struct kv_space_write {
    struct list link;
    struct err *err;    /* set when it failed: nothing was changed */
    size_t bytes;       /* that it holds in memory */
    size_t parts;       /* how many writes it is, each of which may fail alone; 0: one */
    size_t part;        /* which of them `run` and `failed` are about */
    int code;           /* what became of it; 0 when `failed` was told */
    /* On a thread, in a transaction: marks keys, writes; fills err when it fails. May be called a
     * second time, after what the first did was taken back. */
    int (*run)(struct kv_space_write *write, struct kv_store *store, struct kv_shared *shared);
    /* On a thread: nothing of `part` was changed, err says why. NULL when there are no parts. */
    void (*failed)(struct kv_space_write *write);
    void (*done)(struct kv_space_write *write);          /* on the loop, exactly once */
};
void kv_space_write(struct kv_space *space, struct kv_space_write *write);

#endif
