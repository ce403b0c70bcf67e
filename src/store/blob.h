/* Contents by what they are: files named by their SHA-256, written once, never changed.
 *
 * <directory>/<first two digits>/<64 digits>. What blob_put() returned 0 for survives power loss.
 * Owns: nothing. Thread: any, but for blob_sweep(), beside which nothing may be put; every call
 * blocks. Limits: none; readers' buffers have theirs. */
#ifndef ATOLL_STORE_BLOB_H
#define ATOLL_STORE_BLOB_H

#include "base/buf.h"

enum { BLOB_NAME_BYTES = 65, BLOB_PLACES = 256 };

/* Makes the directory and its places when they are not there, and what a process that died had put
 * there survive power loss. To be called before the first blob_put(). Syncs the file system.
 * Returns 0 or ERR_IO. */
NODISCARD int blob_prepare(const char *directory, struct err *err);

/* The name of these bytes: 64 hexadecimal digits and a NUL. */
void blob_name(str bytes, char ret[BLOB_NAME_BYTES]);

/* Puts the bytes there and gives their name. Costs a sync; a hash and a read when they are there
 * already. Contents that are there but damaged are repaired. Returns 0 or ERR_IO. */
NODISCARD int blob_put(const char *directory, str bytes, char ret[BLOB_NAME_BYTES],
                       struct err *err);

/* Appends the contents to `out`. Returns 0; ERR_NOT_FOUND; ERR_IO, also when they are not what the
 * name says; ERR_LIMIT when they are larger than `out` takes. */
NODISCARD int blob_get(const char *directory, const char *name, struct buf *out, struct err *err);

/* Looks at the `place`th part of all contents (below BLOB_PLACES) and removes those of which
 * `is_used` says 0, and what a crash left half written. `is_used` says 1 to keep one and a negative
 * code to stop. Returns how many were removed, or that code, or ERR_IO. */
NODISCARD int blob_sweep(const char *directory, unsigned place,
                         int (*is_used)(void *context, const char *name, struct err *err),
                         void *context, struct err *err);

/* Makes the contents also there at `to`, by a link where the file system can, else by a copy,
 * readable by all; nothing is done when there is something. Not synced. Returns 0, ERR_NOT_FOUND or
 * ERR_IO. */
NODISCARD int blob_link(const char *directory, const char *name, const char *to, struct err *err);

/* Makes everything in `directory` also there in `to`, by links where the file system can, else by
 * copies. Not synced. Returns 0 or ERR_IO. */
NODISCARD int blob_copy(const char *directory, const char *to, struct err *err);

#endif
