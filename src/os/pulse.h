/* The pulse of a runtime process: what its supervisor can read of it at any moment, also when it
 * answers nothing any more and after it was killed.
 *
 * One page of shared memory, made by the supervisor and inherited by the runtime. The runtime
 * writes, the supervisor reads, but for `purges`; each field is an atomic of its own.
 * Owns: the mapping. Thread: writer and reader are different processes. */
#ifndef ATOLL_OS_PULSE_H
#define ATOLL_OS_PULSE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

struct pulse {
    _Atomic uint64_t loops;          /* turns of the loop so far */
    _Atomic uint64_t turn_start_ns;  /* clock_monotonic_ns() when the isolate's turn that runs now
                                      * began; 0: none runs */
    _Atomic uint64_t polls;          /* looks of the watchdog so far: grows while a turn can still
                                      * be interrupted */
    _Atomic uint64_t worker;         /* number of the worker whose turn it is or was last */
    _Atomic uint64_t purges;         /* the supervisor's: number of the last purge of what
                                      * distributions keep; the runtime may hear of it later */
    _Atomic uint64_t changes;        /* the supervisor's, for the process of the S3 API: what was
                                      * told while it had another value may not be so any more */
};

/* Makes one. Returns its descriptor (close-on-exec, taken by the caller) with *ret mapped, or
 * ERR_IO. */
NODISCARD int pulse_new(struct pulse **ret);

/* Maps one that was inherited; the descriptor is closed. Returns 0 or ERR_IO. */
NODISCARD int pulse_open(int fd, struct pulse **ret);

/* Unmaps. NULL is fine. */
void pulse_close(struct pulse *pulse);

#endif
