/* Eviction; see evict.h.
 *
 * (1) `order` has the workers by placed_ms, oldest first. A use does not move a worker: who comes
 *     to the front and was used since is put at the end then. So a request pays for one store.
 * (2) The engine gives memory back some time after an isolate is gone. What was evicted less than
 *     EVICT_SETTLE_MS ago is taken to be free already, or all others would be let go of too. */
#include "runtime/evict.h"

#include "os/clock.h"
#include "os/memory.h"
#include "runtime/worker.h"

enum {
    ISOLATE_BYTES = 1 << 20,    /* what one gives back at least */
    LOOKS_MAX = 256,            /* workers looked at for one to go */
    ROOM_LOOKS_MAX = 8,
    LOOK_NS_MAX = 3000000,      /* of a look: letting go of an isolate takes about 1 ms */
    NEXT_LOOK_MS = 20,          /* when time was up */
};

static struct {
    struct list order;
    uv_timer_t timer;
    uint64_t idle_ms;
    uint64_t memory_bytes;
    uint64_t settling;          /* evicted since settle_ms */
    uint64_t settle_ms;
    bool trim;                  /* memory is to be given back once it has settled */
} ev = {.order = {&ev.order, &ev.order}};

void evict_init(struct evict_entry *entry)
{
    list_init(&entry->link);
}

void evict_add(struct evict_entry *entry)
{
    list_remove(&entry->link);
    list_push(&ev.order, &entry->link);
    entry->used_ms = entry->placed_ms = uv_now(isolate_loop());
}

/* Lets go of one worker not used for `idle_ms`, the least recently used one that can go among the
 * first `looks`. */
static bool evict_one(uint64_t idle_ms, int looks)
{
    uint64_t now_ms = uv_now(isolate_loop());

    for (; looks > 0 && !list_empty(&ev.order); looks--) {
        struct evict_entry *entry = CONTAINER_OF(ev.order.next, struct evict_entry, link);

        if (entry->placed_ms + idle_ms > now_ms)
            return false;
        if (entry->placed_ms == entry->used_ms && worker_is_idle(entry)) {
            list_remove(&entry->link);
            worker_evict(entry);
            ev.settling++;
            ev.settle_ms = now_ms + EVICT_SETTLE_MS;
            ev.trim = true;
            return true;
        }
        list_remove(&entry->link);
        list_push(&ev.order, &entry->link);
        entry->placed_ms = entry->used_ms;
    }
    return false;
}

/* How many isolates' worth the process is above its budget. */
static uint64_t excess(void)
{
    uint64_t bytes = ev.memory_bytes ? memory_resident_bytes() : 0;
    uint64_t count = bytes > ev.memory_bytes ? (bytes - ev.memory_bytes) / ISOLATE_BYTES + 1 : 0;

    return count > ev.settling ? count - ev.settling : 0;
}

static void settle(void)
{
    if (!ev.settling || uv_now(isolate_loop()) < ev.settle_ms)
        return;
    ev.settling = 0;
}

/* Lets go of what is idle and of what there is no room for. Returns false when time was up before
 * it was done. */
static bool evict_some(void)
{
    uint64_t until_ns = clock_monotonic_ns() + LOOK_NS_MAX, over = excess();

    while ((ev.idle_ms && evict_one(ev.idle_ms, LOOKS_MAX)) || (over && evict_one(0, LOOKS_MAX))) {
        over -= over > 0;
        if (clock_monotonic_ns() > until_ns)
            return false;
    }
    return true;
}

static void on_look(uv_timer_t *timer)
{
    bool done;

    settle();
    done = evict_some();
    if (done && !ev.settling && ev.trim) {
        ev.trim = false;
        memory_give_back();
    }
    version_look();
    uv_timer_start(timer, on_look, done ? EVICT_LOOK_MS : NEXT_LOOK_MS, 0);
}

void evict_make_room(void)
{
    if (excess())
        evict_one(0, ROOM_LOOKS_MAX);
}

void evict_start(uv_loop_t *loop, uint64_t idle_ms, uint64_t memory_bytes)
{
    ev.idle_ms = idle_ms;
    ev.memory_bytes = memory_bytes;
    ASSERT(uv_timer_init(loop, &ev.timer) == 0);
    uv_timer_start(&ev.timer, on_look, EVICT_LOOK_MS, 0);
    uv_unref((uv_handle_t *)&ev.timer);
}

void evict_stop(void)
{
    uv_timer_stop(&ev.timer);
}
