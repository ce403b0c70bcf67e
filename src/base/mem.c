/* Memory that never comes back NULL; see mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

void mem_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "atoll: bug at %s:%d: %s does not hold\n", file, line, condition);
    abort();
}

static void *must(void *got)
{
    if (!got) {
        fputs("atoll: out of memory\n", stderr);
        abort();
    }
    return got;
}

void *mem_alloc(size_t size)
{
    return must(malloc(size ? size : 1));
}

void *mem_zeroed(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *mem_resize(void *old, size_t size)
{
    return must(realloc(old, size ? size : 1));
}
