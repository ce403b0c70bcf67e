/* A pool counts memory outside of the engine's heap that the objects of one isolate hold, so that
 * the file that makes such objects can bound it: no other limit sees that memory.
 *
 * Owns: nothing but the count; it lives as long as its handle or an object that joined.
 * Thread: the loop's. Limits: the caller's. */
#ifndef ATOLL_WEB_OP_POOL_H
#define ATOLL_WEB_OP_POOL_H

#include <JavaScriptCore/JavaScript.h>

#include <stddef.h>

struct pool;

/* What one object holds; zeroed before it joins. */
struct pool_share {
    struct pool *pool;
    size_t bytes;
};

/* The pool that op_pool_new() made, borrowed; NULL when `value` is none. */
struct pool *op_pool_of(JSContextRef ctx, JSValueRef value);

/* Bytes of all shares. */
size_t op_pool_bytes(const struct pool *pool);

/* Begins a share of no bytes. */
void op_pool_join(struct pool_share *share, struct pool *pool);

/* Says how many bytes the object holds now. */
void op_pool_count(struct pool_share *share, size_t bytes);

/* Ends the share. */
void op_pool_leave(struct pool_share *share);

#endif
