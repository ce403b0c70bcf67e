/* Blank isolates; see pool.h. One is made per loop turn, and only when none was taken for a while:
 * a burst of cold starts uses the blanks up first and does not wait behind the making of others,
 * and neither does one whose request waits for the supervisor, unless there are always some. A
 * blank made on the spot is not warmed up, its worker's first request does that. */
#include "runtime/pool.h"

#include "runtime/host_table.h"

enum { REFILL_DELAY_MS = 1, NEXT_DELAY_MS = 1, PUT_OFF_MAX = 10 };

static struct {
    struct isolate *blanks[POOL_BLANKS];
    int count;
    int put_off;    /* how often the next one was, for a request that waits */
    uv_timer_t refill;
} pool;

/* A delay of 0 would be due again in the same turn: libuv would never leave its timers while a
 * request waits. */
static bool is_put_off(void)
{
    bool put_off = host_table_is_asked() && pool.put_off < PUT_OFF_MAX;

    pool.put_off = put_off ? pool.put_off + 1 : 0;
    return put_off;
}

static void on_refill(uv_timer_t *timer)
{
    if (pool.count < POOL_BLANKS && !isolate_any_ready() && !is_put_off()) {
        pool.blanks[pool.count] = isolate_new();
        isolate_warm(pool.blanks[pool.count++]);
    }
    if (pool.count < POOL_BLANKS)
        uv_timer_start(timer, on_refill, NEXT_DELAY_MS, 0);
}

void pool_start(uv_loop_t *loop)
{
    ASSERT(uv_timer_init(loop, &pool.refill) == 0);
    uv_timer_start(&pool.refill, on_refill, 0, 0);
}

struct isolate *pool_take(void)
{
    uv_timer_start(&pool.refill, on_refill, REFILL_DELAY_MS, 0);
    return pool.count ? pool.blanks[--pool.count] : isolate_new();
}

size_t pool_count(void)
{
    return (size_t)pool.count;
}

void pool_stop(void)
{
    uv_timer_stop(&pool.refill);
    while (pool.count)
        isolate_free(pool.blanks[--pool.count]);
}
