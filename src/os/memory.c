/* Memory of this process; see memory.h. */
#include "os/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

static size_t last_bytes;

size_t memory_resident_bytes(void)
{
    static int fd = -1;
    char text[128];
    char *end;
    ssize_t len;

    if (fd < 0)
        fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    len = pread(fd, text, sizeof text - 1, 0);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    strtoul(text, &end, 10);
    last_bytes = strtoul(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
    return last_bytes;
}

size_t memory_resident_bytes_cached(void)
{
    return last_bytes ? last_bytes : memory_resident_bytes();
}

void memory_give_back(void)
{
    malloc_trim(0);
}

void memory_keep_freed(void)
{
    mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT_BYTES);
    mallopt(M_MMAP_THRESHOLD, MEMORY_APART_BYTES_MIN);
}
