/* How much memory this process holds. Thread: the loop's. */
#ifndef ATOLL_OS_MEMORY_H
#define ATOLL_OS_MEMORY_H

#include <stddef.h>

/* Resident bytes now, read from /proc/self/statm (about 1 us); 0 when it cannot be read. */
size_t memory_resident_bytes(void);

/* What the last call above returned. */
size_t memory_resident_bytes_cached(void);

/* Has freed memory used again instead of given back, up to MEMORY_KEPT_BYTES of it: a body's buffer
 * comes and goes with each request, and new pages cost more than what is put there. Once, early. */
enum { MEMORY_KEPT_BYTES = 8 << 20, MEMORY_APART_BYTES_MIN = 4 << 20 };
void memory_keep_freed(void);

/* Gives what was freed back to the system. Takes up to some milliseconds. */
void memory_give_back(void);

#endif
