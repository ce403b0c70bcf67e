/* Shared memory of one page; see pulse.h. */
#include "os/pulse.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int map(int fd, struct pulse **ret)
{
    void *at = mmap(NULL, sizeof(struct pulse), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return ERR_IO;
    *ret = at;
    return 0;
}

int pulse_new(struct pulse **ret)
{
    int fd = memfd_create("atoll-pulse", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return ERR_IO;
    /* A page that a runtime cut off would end who reads it here. */
    if (ftruncate(fd, sizeof(struct pulse)) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 || map(fd, ret) < 0) {
        close(fd);
        return ERR_IO;
    }
    return fd;
}

int pulse_open(int fd, struct pulse **ret)
{
    int r = map(fd, ret);

    close(fd);
    return r;
}

void pulse_close(struct pulse *pulse)
{
    if (pulse)
        munmap(pulse, sizeof *pulse);
}
