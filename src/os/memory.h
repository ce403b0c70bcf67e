/* How much memory this process holds. Thread: the loop's. */
#ifndef ATOLL_OS_MEMORY_H
#define ATOLL_OS_MEMORY_H

#include <stddef.h>

/* Resident bytes now, read from /proc/self/statm (about 1 us); 0 when it cannot be read. */
size_t memory_resident_bytes(void);

/* What the last call above returned. */
size_t memory_resident_bytes_cached(void);

#endif
