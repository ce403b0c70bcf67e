/* Where a list goes on, as a text: opaque to who has it.
 *
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_BINDINGS_R2_CURSOR_H
#define ATOLL_BINDINGS_R2_CURSOR_H

#include "base/buf.h"

enum { R2_CURSOR_BYTES_MAX = 2 * 1024 + 1 };

/* Appends the cursor behind the key `last`, or behind all keys that begin with it. */
NODISCARD int r2_cursor_write(str last, bool is_prefix, struct buf *out);

/* The other way: appends to `last`. Returns 0 or ERR_INVALID. */
NODISCARD int r2_cursor_read(str cursor, struct buf *last, bool *ret_is_prefix);

#endif
