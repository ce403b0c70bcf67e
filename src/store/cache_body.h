/* Bodies of the cache that are files: <directory>/<first two of the name>/<name>.
 *
 * One that is being written is locked (flock) by who writes it, so that others can tell it from
 * what a crash left behind.
 * Owns: the descriptor of a body. Thread: any; one at a time for a body. */
#ifndef ATOLL_STORE_CACHE_BODY_H
#define ATOLL_STORE_CACHE_BODY_H

#include "base/err.h"

enum { CACHE_BODY_NAME_BYTES = 33 };    /* 32 hexadecimal digits and a NUL */

/* A new empty body with a random name, locked. Returns its descriptor or ERR_IO. */
NODISCARD int cache_body_create(const char *directory, char name[CACHE_BODY_NAME_BYTES],
                                struct err *err);

/* Appends. Returns 0 or ERR_IO. */
NODISCARD int cache_body_write(int fd, str bytes, struct err *err);

/* Opens for reading. Returns a descriptor, ERR_NOT_FOUND (also when it is not `length` bytes long)
 * or ERR_IO. */
NODISCARD int cache_body_open(const char *directory, const char *name, uint64_t length);

/* Reads at `from`. Returns how many bytes, 0 at the end, or ERR_IO. */
NODISCARD int64_t cache_body_read(int fd, uint64_t from, char *out, size_t len);

void cache_body_remove(const char *directory, const char *name);

/* Calls `is_known` for each body that nobody is writing, and removes it when that says no. */
void cache_body_sweep(const char *directory, bool (*is_known)(void *context, const char *name),
                      void *context);

#endif
