/* Pools of memory outside of the engine's heap; see op_pool.h.
 *
 * Objects and their pool are collected in any order, so each holds a reference. */
#include "web/op_pool.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/handle.h"
#include "engine/op.h"
#include "web/web.h"

struct pool {
    struct handle handle;
    int refs;       /* the handle's and each share's */
    size_t bytes;
};

static const char pool_kind[] = "pool";

static void unref(struct pool *pool)
{
    if (--pool->refs == 0)
        free(pool);
}

static void on_buried(struct handle *handle)
{
    unref(CONTAINER_OF(handle, struct pool, handle));
}

struct pool *op_pool_of(JSContextRef ctx, JSValueRef value)
{
    struct handle *handle = handle_of(ctx, value, pool_kind);

    return handle ? CONTAINER_OF(handle, struct pool, handle) : NULL;
}

size_t op_pool_bytes(const struct pool *pool)
{
    return pool->bytes;
}

void op_pool_join(struct pool_share *share, struct pool *pool)
{
    *share = (struct pool_share){.pool = pool};
    pool->refs++;
}

void op_pool_count(struct pool_share *share, size_t bytes)
{
    share->pool->bytes += bytes - share->bytes;
    share->bytes = bytes;
}

void op_pool_leave(struct pool_share *share)
{
    op_pool_count(share, 0);
    unref(share->pool);
}

/* () -> a pool */
OP(op_pool_new)
{
    struct pool *pool = mem_new(struct pool);

    pool->handle = (struct handle){.kind = pool_kind, .free = on_buried};
    pool->refs = 1;
    return handle_object(ctx, &pool->handle);
}

const struct op op_pool_table[] = {{"op_pool_new", op_pool_new}, {0}};
