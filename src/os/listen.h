/* A TCP socket that listens.
 *
 * Owns: nothing; the descriptor is the caller's. Thread: any. */
#ifndef ATOLL_OS_LISTEN_H
#define ATOLL_OS_LISTEN_H

#include "base/err.h"

/* Opens a non-blocking listening socket at `ip` (IPv4 or IPv6 text) and `port` (0: any free one).
 * Returns 0 with the descriptor and the real port; ERR_INVALID for an address that is none,
 * ERR_EXISTS when the port is taken, ERR_IO else. The text says what to do. */
NODISCARD int listen_open(const char *ip, int port, int *ret_fd, int *ret_port, struct err *err);

#endif
