/* What the processes that have one namespace open share: counters that tell whether a key was
 * written, and the lock of who writes.
 *
 * A key belongs to one of KV_SHARED_COUNTERS counters by its hash. A counter is odd while a commit
 * that touches one of its keys is under way, and larger after it. Who read a value while the
 * counter was even, and sees it unchanged, still has the latest value that anybody was told is
 * stored. Owns: the mapping and the descriptor. Thread: any; one holds the lock at a time. Limits:
 * KV_SHARED_WAIT_MS for the lock. */
#ifndef ATOLL_BINDINGS_KV_SHARED_H
#define ATOLL_BINDINGS_KV_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { KV_SHARED_COUNTERS = 4096, KV_SHARED_WAIT_MS = 5000 };

struct kv_shared;

/* Opens the file at `path`, and makes it when it is not there. Returns 0 with one reference, or
 * ERR_IO. */
NODISCARD int kv_shared_open(const char *path, struct kv_shared **ret, struct err *err);

/* Shared between the threads of a process. NULL is fine. */
struct kv_shared *kv_shared_ref(struct kv_shared *shared);
void kv_shared_unref(struct kv_shared *shared);

/* The hash of a key, the same in every process. */
uint64_t kv_shared_hash(str key);

/* The counter of a key with this hash. Odd: not to be relied on. */
uint64_t kv_shared_look(const struct kv_shared *shared, uint64_t hash);

/* True once the namespace was removed: what is open of it belongs to nobody. */
bool kv_shared_is_removed(const struct kv_shared *shared);

/* Becomes the only writer among all processes; blocks. Returns 0, ERR_TIMEOUT or ERR_IO. What a
 * writer that died left odd is made even when it is marked again. */
NODISCARD int kv_shared_lock(struct kv_shared *shared, struct err *err);

/* Ends what was marked, and lets the next one write. */
void kv_shared_unlock(struct kv_shared *shared);

/* With the lock: a key with this hash changes with the next commit. Before the commit. */
void kv_shared_mark(struct kv_shared *shared, uint64_t hash);

/* With the lock: see kv_shared_is_removed(). */
void kv_shared_set_removed(struct kv_shared *shared);

#endif
