/* Another process, as /proc tells about it, and its priority.
 *
 * Owns: nothing. Thread: any; each call reads a small file. A process that is gone gives 0. */
#ifndef ATOLL_OS_PROC_H
#define ATOLL_OS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Resident bytes. */
size_t proc_resident_bytes(pid_t pid);

/* CPU time of its first thread, in which the loop and every turn runs; in steps of 10 ms. */
uint64_t proc_main_cpu_ms(pid_t pid);

/* Sets the nice value of all its threads, and of its autogroup (sched(7)) where it has one: with
 * those the kernel weighs sessions, and not processes, against each other. What cannot be set is
 * left as it is. */
void proc_set_nice(pid_t pid, int nice);

/* Raises the number of descriptors that this process may open to the most it is allowed. Returns
 * the number. */
uint64_t proc_raise_descriptors(void);

/* True when this process has memory that is writable and executable: code is made here. */
bool proc_has_writable_code(void);

#endif
