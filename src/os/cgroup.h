/* Control groups, version 2: what the kernel holds a set of processes to.
 *
 * Groups are directories below one that belongs to us: systemd makes it with Delegate=yes, or an
 * operator by hand. A controller that is not there is left out; the resident-size watch of the
 * fleet stands in for memory.max.
 * Owns: nothing. Thread: any; calls write to the kernel's files and do not wait.
 * Source: the kernel's cgroup-v2 documentation. */
#ifndef ATOLL_OS_CGROUP_H
#define ATOLL_OS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct cgroup_limits {
    uint64_t memory_bytes;  /* memory.max; 0: none */
    unsigned pids;          /* pids.max; 0: none */
    unsigned cpu_weight;    /* cpu.weight, 1 to 10000; 0: the kernel's 100 */
};

/* Makes the group `name` below `parent` with these limits, or changes those of one that is there.
 * Returns 0 with which of the three hold in *ret_kept (a mask of 1: memory, 2: pids, 4: cpu; may be
 * NULL); ERR_IO with the reason when the group itself cannot be had. */
NODISCARD int cgroup_make(const char *parent, const char *name,
                          const struct cgroup_limits *limits, unsigned *ret_kept, struct err *err);

/* Puts a process into it. ERR_NOT_FOUND when the process is gone, else ERR_IO. */
NODISCARD int cgroup_enter(const char *parent, const char *name, pid_t pid, struct err *err);

/* Removes a group without processes; one that is not there is fine. */
void cgroup_remove(const char *parent, const char *name);

/* The directory of the group that this process is in, returned owned; NULL without version 2. */
char *cgroup_own(void);

/* The controllers that groups below `parent` could have, a mask as above; 0 also when this process
 * may make no groups there. */
unsigned cgroup_offers(const char *parent);

#endif
