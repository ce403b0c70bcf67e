/* The cache of this process: where it is, and whose a response is.
 *
 * Owns: the cache, for the process's life. Thread: the loop's. */
#ifndef ATOLL_WEB_OP_CACHE_H
#define ATOLL_WEB_OP_CACHE_H

#include "engine/isolate.h"

enum { OP_CACHE_BYTES_DEFAULT = 1 << 30 };

struct op_cache_settings {
    const char *directory;   /* made when it is not there; NULL: there is no cache */
    uint64_t bytes_max;
    /* A worker's name: what one stores no other sees. Borrowed for the call. */
    const char *(*owner_of)(const struct isolate *iso);
};

/* Before the first isolate. Touches no disk. */
void op_cache_start(const struct op_cache_settings *settings);

#endif
