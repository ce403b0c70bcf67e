/* The layers of the sandbox that have files of their own. */
#ifndef ATOLL_OS_SANDBOX_PRIVATE_H
#define ATOLL_OS_SANDBOX_PRIVATE_H

#include "os/sandbox.h"

/* The version of Landlock's interface; 0: none. */
int sandbox_files_version(void);

/* Restricts this thread's view of files, and what it may bind, signal and reach by abstract
 * sockets. Returns 0, also without Landlock, or ERR_IO. */
NODISCARD int sandbox_files_restrict(const struct sandbox *sandbox, struct err *err);

/* Installs the filter of system calls. */
NODISCARD int sandbox_calls_restrict(struct err *err);

#endif
