/* Counters and a lock between processes; see kv_shared.h.
 *
 * The writer, holding the lock:   mark: odd ── COMMIT ── unlock: even, larger
 * A reader, without a lock:       look ── read the database ── keep both when the look was even
 *
 * (1) Between mark and unlock the new value may be visible or not: nobody keeps what he reads then,
 *     and what was kept before does not count.
 * (2) A writer that dies in between leaves the counter odd: its keys are read from the database
 *     each time, which is slow and right, until somebody writes one of them.
 * (3) Counters only grow. They are lost, or old, after a power cut; who kept values is, too. */
#include "bindings/kv/kv_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"

enum { WAIT_NS_MIN = 50000, WAIT_NS_MAX = 2000000, WORD_BITS = 64 };

struct page {
    _Atomic uint64_t removed;
    uint64_t spare[7];
    _Atomic uint64_t counters[KV_SHARED_COUNTERS];
};

struct kv_shared {
    struct page *page;
    int fd;
    atomic_int refs;
    uint64_t marked[KV_SHARED_COUNTERS / WORD_BITS]; /* by who holds the lock */
};

int kv_shared_open(const char *path, struct kv_shared **ret, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct kv_shared *shared;
    void *at = MAP_FAILED;

    /* fallocate: on a full disk it says so here, not with a signal at the first write. */
    if (fd >= 0 && posix_fallocate(fd, 0, sizeof(struct page)) == 0)
        at = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        err_set(err, ERR_IO, "%s: %s", path, errno ? strerror(errno) : "it cannot be made");
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    shared = mem_new(struct kv_shared);
    shared->page = at;
    shared->fd = fd;
    shared->refs = 1;
    *ret = shared;
    return 0;
}

struct kv_shared *kv_shared_ref(struct kv_shared *shared)
{
    atomic_fetch_add(&shared->refs, 1);
    return shared;
}

void kv_shared_unref(struct kv_shared *shared)
{
    if (!shared || atomic_fetch_sub(&shared->refs, 1) > 1)
        return;
    munmap(shared->page, sizeof *shared->page);
    close(shared->fd);
    free(shared);
}

/* FNV-1a, its bits mixed down. Who finds keys that collide makes his own namespace slower. */
uint64_t kv_shared_hash(str key)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

uint64_t kv_shared_look(const struct kv_shared *shared, uint64_t hash)
{
    return atomic_load(&shared->page->counters[hash % KV_SHARED_COUNTERS]);
}

bool kv_shared_is_removed(const struct kv_shared *shared)
{
    return atomic_load(&shared->page->removed) != 0;
}

int kv_shared_lock(struct kv_shared *shared, struct err *err)
{
    uint64_t until_ns = clock_monotonic_ns() + KV_SHARED_WAIT_MS * UINT64_C(1000000);
    struct timespec pause = {.tv_nsec = WAIT_NS_MIN};

    while (flock(shared->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set(err, ERR_IO, "the namespace cannot be locked: %s", strerror(errno));
        if (clock_monotonic_ns() > until_ns)
            return err_set(err, ERR_TIMEOUT, "another process holds the namespace for too long");
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < WAIT_NS_MAX)
            pause.tv_nsec *= 2;
    }
    return 0;
}

void kv_shared_mark(struct kv_shared *shared, uint64_t hash)
{
    uint64_t at = hash % KV_SHARED_COUNTERS;

    shared->marked[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
    atomic_fetch_or(&shared->page->counters[at], 1);
}

void kv_shared_unlock(struct kv_shared *shared)
{
    for (size_t i = 0; i < COUNT_OF(shared->marked); i++)
        for (uint64_t word = shared->marked[i]; word; word &= word - 1)
            atomic_fetch_add(&shared->page->counters[i * WORD_BITS + (size_t)__builtin_ctzll(word)],
                             1);
    memset(shared->marked, 0, sizeof shared->marked);
    flock(shared->fd, LOCK_UN);
}

void kv_shared_set_removed(struct kv_shared *shared)
{
    atomic_store(&shared->page->removed, 1);
}
