/* The op that answers a request with a WebSocket.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_RUNTIME_OP_UPGRADE_H
#define ATOLL_RUNTIME_OP_UPGRADE_H

#include "engine/op.h"

extern const struct op op_upgrade_table[];

#endif
