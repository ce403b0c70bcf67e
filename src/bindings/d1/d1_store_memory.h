/* Bounds the memory that SQLite takes on behalf of one operation.
 *
 * SQLite itself can only bound all of a process, and compiles a nest of a dozen subqueries into
 * gigabytes: every allocation of this thread is counted while it is asked to, and beyond the
 * maximum there is none.
 * Owns: nothing. Thread: any; each has its own count. */
#ifndef ATOLL_BINDINGS_D1_STORE_MEMORY_H
#define ATOLL_BINDINGS_D1_STORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on this thread may take `bytes_max` more than it gives back. */
void d1_store_memory_begin(size_t bytes_max);

/* Returns true when it wanted more. */
bool d1_store_memory_end(void);

#endif
