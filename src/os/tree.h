/* A directory with everything in it, moved to another place.
 *
 * Owns: nothing. Thread: any; calls block. Limits: 16 levels. What is in the directory may be
 * somebody's who is not trusted: no link is followed, whatever becomes one meanwhile, and what is
 * neither a file nor a directory is left out. */
#ifndef ATOLL_OS_TREE_H
#define ATOLL_OS_TREE_H

#include "base/err.h"

/* Moves the directory `from` to `to`, which is not there yet, also to another disk; owners and
 * modes stay. Returns 0 or ERR_IO, and then both may be there. */
NODISCARD int tree_move(const char *from, const char *to, struct err *err);

#endif
