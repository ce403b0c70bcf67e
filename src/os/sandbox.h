/* The sandbox of a runtime process: what is left of the machine for code that broke out of its
 * isolate. Security by layers; each holds without the others.
 *
 *   identity   an unprivileged user, no group but its own, no capability, no way to gain one
 *   files      Landlock: what a runtime needs to read, and the directories it is given to write
 *   calls      seccomp: the system calls a runtime makes; all others fail with EPERM
 *
 * It is entered by a process with one thread, before the first script; what runs later inherits it
 * and nothing leaves it.
 * Owns: nothing. Thread: the only one. Sources: prctl(2), capabilities(7), landlock(7), seccomp(2).
 */
#ifndef ATOLL_OS_SANDBOX_H
#define ATOLL_OS_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

enum { SANDBOX_PATHS_MAX = 16 };

struct sandbox {
    const char *user;                      /* to become when started as root; NULL: stay */
    const char *write[SANDBOX_PATHS_MAX];  /* directories to read and write in, NULL at the end */
    const char *read[SANDBOX_PATHS_MAX];   /* further files and directories to read, NULL at the
                                            * end; those not there are left out */
    const char *run;                       /* a program to execute; NULL: none. Not with
                                            * sandbox_enter(), where no call executes anything */
    bool bare;                             /* reads nothing else: no libraries, no tables */
};

/* What of it this kernel offers. */
struct sandbox_support {
    int landlock;     /* version of its interface; 0: not there */
    bool seccomp;
};

struct sandbox_support sandbox_support(void);

/* Enters. A kernel without Landlock leaves that layer out; everything else that cannot be had is an
 * error (ERR_NOT_FOUND: the user, ERR_UNSUPPORTED, ERR_IO), after which the process must not run
 * tenants' code. */
NODISCARD int sandbox_enter(const struct sandbox *sandbox, struct err *err);

/* Restricts the calling thread, and the processes it will start, to the files of `sandbox`; the
 * other threads stay as they are, so a thread that ends after it confines a child alone. Without
 * Landlock it does nothing. Returns 0 or ERR_IO. */
NODISCARD int sandbox_confine_thread(const struct sandbox *sandbox, struct err *err);

#endif
