/* What this machine has and allows.
 *
 * Owns: nothing. Thread: any; reads some small files. */
#ifndef ATOLL_OS_MACHINE_H
#define ATOLL_OS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine {
    char kernel[128];            /* "Linux 6.1.0-31-amd64 x86_64" */
    unsigned cpus;               /* that this process may run on */
    uint64_t memory_bytes;       /* all there is; 0: unknown */
    uint64_t available_bytes;    /* free, or freed when it is asked for */
    uint64_t descriptors_max;    /* the hard limit of a process */
    bool clock_synchronised;     /* the kernel is told the time by somebody */
};

void machine_look(struct machine *ret);

#endif
