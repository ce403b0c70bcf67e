/* Memory that never comes back NULL: a process that cannot allocate a few bytes stops.
 *
 * Sizes that come from outside are checked against a maximum before they get here.
 * Owns: nothing. Thread: any. free() releases what these return. */
#ifndef ATOLL_BASE_MEM_H
#define ATOLL_BASE_MEM_H

#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))

/* True in every build: a failed assertion is our bug, prints file and line, and aborts. */
#define ASSERT(condition)                                     \
    do {                                                      \
        if (__builtin_expect(!(condition), 0))                \
            mem_assert_failed(#condition, __FILE__, __LINE__); \
    } while (0)

/* The struct that contains `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Zeroed memory for one `type`, returned owned. */
#define mem_new(type) ((type *)mem_zeroed(sizeof(type)))

_Noreturn void mem_assert_failed(const char *condition, const char *file, int line);

/* `size` bytes, uninitialised, returned owned; aborts when there is no memory. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* `size` zeroed bytes, returned owned; aborts when there is no memory. */
void *mem_zeroed(size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes what `old` (or NULL) points to; `old` is taken. Aborts when there is no memory. */
void *mem_resize(void *old, size_t size) __attribute__((returns_nonnull));

#endif
