/* A count over SQLite's allocator; see d1_store_memory.h.
 *
 * (1) The allocator has to be in place before anything in the process uses SQLite, so it is put
 *     there before main(). Threads that count nothing pay a look at a variable.
 * (2) SQLite's own statistics of memory go: they are a mutex that all threads would share. */
#include "bindings/d1/d1_store_memory.h"

#include <sqlite3.h>
#include <stdint.h>

#include "base/mem.h"

static struct sqlite3_mem_methods plain;

static _Thread_local struct {
    int64_t left;
    bool is_on;
    bool was_short;
} count;

static bool has_room(int64_t bytes)
{
    if (!count.is_on || bytes <= count.left)
        return true;
    count.was_short = true;
    return false;
}

static void *count_malloc(int bytes)
{
    void *memory = has_room(bytes) ? plain.xMalloc(bytes) : NULL;

    if (memory && count.is_on)
        count.left -= plain.xSize(memory);
    return memory;
}

static void count_free(void *memory)
{
    if (count.is_on && memory)
        count.left += plain.xSize(memory);
    plain.xFree(memory);
}

static void *count_realloc(void *memory, int bytes)
{
    int before = count.is_on ? plain.xSize(memory) : 0;
    void *moved = has_room(bytes - before) ? plain.xRealloc(memory, bytes) : NULL;

    if (moved && count.is_on)
        count.left -= plain.xSize(moved) - before;
    return moved;
}

/* (1) */
__attribute__((constructor)) static void install(void)
{
    static struct sqlite3_mem_methods counting;

    ASSERT(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) == SQLITE_OK);
    counting = plain;
    counting.xMalloc = count_malloc;
    counting.xFree = count_free;
    counting.xRealloc = count_realloc;
    ASSERT(sqlite3_config(SQLITE_CONFIG_MALLOC, &counting) == SQLITE_OK);
    ASSERT(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

void d1_store_memory_begin(size_t bytes_max)
{
    count.left = (int64_t)bytes_max;
    count.is_on = true;
    count.was_short = false;
}

bool d1_store_memory_end(void)
{
    count.is_on = false;
    return count.was_short;
}
