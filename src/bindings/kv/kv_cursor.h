/* Where a list goes on, as a text that clients keep: the last key, in a form of our own.
 *
 * It names a place in the order of keys and nothing else, so one that was made up leads to a place,
 * too, within the same namespace and prefix.
 * Owns: nothing. Thread: any. Limits: KV_STORE_KEY_BYTES_MAX. */
#ifndef ATOLL_BINDINGS_KV_CURSOR_H
#define ATOLL_BINDINGS_KV_CURSOR_H

#include "base/buf.h"

enum { KV_CURSOR_BYTES_MAX = 1024 };

/* Appends the cursor behind `key`. ERR_LIMIT: `out` is full. */
NODISCARD int kv_cursor_write(str key, struct buf *out);

/* Appends the key of a cursor. ERR_INVALID: it is none. */
NODISCARD int kv_cursor_read(str cursor, struct buf *out);

#endif
