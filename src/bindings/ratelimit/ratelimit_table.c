/* Counters in shared memory; see ratelimit_table.h.
 *
 *   line = { lock, slot x 7 }, 64 bytes: a lookup touches one line of the cache
 *   slot = tag (24 bits) | window (20 bits) | count (20 bits), 0: empty
 *
 * (1) Every change of a slot is a compare-and-swap of the whole of it: a count is never lost, and
 *     never given to the key that took the slot over.
 * (2) A tag is in one slot of its line at most: only who holds the line's lock puts one in, after
 *     another look. All else needs no lock.
 * (3) The lock is a time. A holder does nothing that waits; one that was killed, or whose machine
 *     was, left an old time behind: the next one takes the lock over after STEAL_MS.
 * (4) Two keys of a line have the same tag once in 8 million; they then share their count. The
 *     hash has a key that is in the file only, so nobody can look for such.
 * (5) Windows are numbered modulo 2^20, 121 days of the shortest period: a slot nobody touched for
 *     so long may be taken for one of now. */
#include "bindings/ratelimit/ratelimit_table.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/map.h"
#include "os/clock.h"

enum {
    TAG_BITS = 24,
    WINDOW_BITS = 20,
    COUNT_BITS = 20,
    COUNT_MASK = (1 << COUNT_BITS) - 1,
    WINDOW_MASK = (1 << WINDOW_BITS) - 1,
    STEAL_MS = 20,
    FUTURE_MS = 1000,
};

struct line {
    _Atomic uint64_t lock; /* 0: free; else when it was taken, in ms */
    _Atomic uint64_t slots[RATELIMIT_TABLE_WAYS];
};

struct page {
    uint64_t key[2]; /* of the hash; the first word is never 0 */
    uint64_t spare[6];
    struct line lines[RATELIMIT_TABLE_LINES];
};

struct ratelimit_table {
    struct page *page;
};

/* ---- the file ---- */

/* Whoever comes first makes up the key. */
static int make_key(struct page *page, int fd)
{
    uint64_t key[2];

    if (flock(fd, LOCK_EX) < 0)
        return ERR_IO;
    if (!page->key[0]) {
        ASSERT(getrandom(key, sizeof key, 0) == sizeof key);
        page->key[1] = key[1];
        page->key[0] = key[0] | 1;
    }
    flock(fd, LOCK_UN);
    return 0;
}

int ratelimit_table_open(const char *path, struct ratelimit_table **ret, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r = ERR_IO;
    void *at = MAP_FAILED;

    /* On a full disk fallocate says so here; else the first write would be a signal. */
    if (fd >= 0 && (errno = posix_fallocate(fd, 0, sizeof(struct page))) == 0)
        at = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        r = make_key(at, fd);
    if (r < 0)
        err_set(err, r, "the counters of rate limits cannot be opened: %s", strerror(errno));
    if (r < 0 && at != MAP_FAILED)
        munmap(at, sizeof(struct page));
    if (fd >= 0)
        close(fd);
    if (r < 0)
        return r;
    *ret = mem_new(struct ratelimit_table);
    (*ret)->page = at;
    return 0;
}

void ratelimit_table_close(struct ratelimit_table *table)
{
    if (!table)
        return;
    munmap(table->page, sizeof *table->page);
    free(table);
}

/* ---- slots ---- */

static uint64_t slot_of(uint64_t tag, uint64_t window, uint64_t count)
{
    return tag << (WINDOW_BITS + COUNT_BITS) | window << COUNT_BITS | count;
}

static uint64_t tag_of(uint64_t slot)
{
    return slot >> (WINDOW_BITS + COUNT_BITS);
}

static uint64_t window_of(uint64_t slot)
{
    return slot >> COUNT_BITS & WINDOW_MASK;
}

static uint64_t count_of(uint64_t slot)
{
    return slot & COUNT_MASK;
}

/* The slot with this tag; NULL when there is none. */
static _Atomic uint64_t *find(struct line *line, uint64_t tag, uint64_t *ret_slot)
{
    for (size_t i = 0; i < RATELIMIT_TABLE_WAYS; i++) {
        uint64_t slot = atomic_load(&line->slots[i]);

        if (slot && tag_of(slot) == tag) {
            *ret_slot = slot;
            return &line->slots[i];
        }
    }
    return NULL;
}

/* Counts in a slot that was found. Returns whether it may, or -1 when the slot has changed. */
static int count_in(_Atomic uint64_t *at, uint64_t slot, const struct ratelimit_take *take,
                    uint64_t window)
{
    uint64_t had = window_of(slot) == window ? count_of(slot) : 0;
    uint64_t now = had + take->delta;

    if (had >= take->limit)
        return 0;
    if (now > COUNT_MASK)
        now = COUNT_MASK;
    return atomic_compare_exchange_strong(at, &slot, slot_of(tag_of(slot), window, now)) ? 1 : -1;
}

/* What is worth the least: empty, of another window, the lowest count. */
static _Atomic uint64_t *least(struct line *line, uint64_t window, uint64_t *ret_slot)
{
    uint64_t best = UINT64_MAX;
    size_t which = 0;

    for (size_t i = 0; i < RATELIMIT_TABLE_WAYS; i++) {
        uint64_t slot = atomic_load(&line->slots[i]);
        uint64_t worth = !slot ? 0 : window_of(slot) != window ? 1 : 2 + count_of(slot);

        if (worth < best) {
            best = worth;
            which = i;
            *ret_slot = slot;
        }
    }
    return &line->slots[which];
}

/* ---- the lock of a line ---- */

static uint64_t now_ms(void)
{
    return clock_monotonic_ms() + 1;
}

/* (3) What was taken after `now` was read is no older for it. */
static bool is_left(uint64_t held, uint64_t now)
{
    return held > now ? held - now > FUTURE_MS : now - held > STEAL_MS;
}

/* Returns what is to be given back. */
static uint64_t lock(struct line *line)
{
    for (;;) {
        uint64_t held = 0, now = now_ms();

        if (atomic_compare_exchange_strong(&line->lock, &held, now))
            return now;
        if (is_left(held, now) && atomic_compare_exchange_strong(&line->lock, &held, now))
            return now;
        sched_yield();
    }
}

static void unlock(struct line *line, uint64_t held)
{
    atomic_compare_exchange_strong(&line->lock, &held, 0);
}

/* With the lock: puts the tag in, with nothing counted. False when another one changed the slot. */
static bool put(struct line *line, uint64_t tag, uint64_t window)
{
    uint64_t slot = 0;
    _Atomic uint64_t *at;

    if (find(line, tag, &slot))
        return true;
    at = least(line, window, &slot);
    return atomic_compare_exchange_strong(at, &slot, slot_of(tag, window, 0));
}

bool ratelimit_table_take(struct ratelimit_table *table, const struct ratelimit_take *take)
{
    uint64_t hash = map_hash(table->page->key, take->key);
    struct line *line = &table->page->lines[hash % RATELIMIT_TABLE_LINES];
    uint64_t tag = hash >> (64 - TAG_BITS) | 1, slot = 0;
    uint64_t window = take->now_s / take->period_s & WINDOW_MASK;

    for (;;) {
        _Atomic uint64_t *at = find(line, tag, &slot);
        int r = at ? count_in(at, slot, take, window) : -1;

        if (r >= 0)
            return r > 0;
        if (!at) {
            uint64_t held = lock(line);

            (void)put(line, tag, window);
            unlock(line, held);
        }
    }
}
