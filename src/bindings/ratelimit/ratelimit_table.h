/* Counters of what keys did in a window of time, shared by all processes that have the file open.
 *
 * A window is a stretch of `period_s` seconds of the wall clock, beginning at a multiple of it. In
 * a window a key takes at most what it may, whatever processes ask. A lookup that finds its key
 * takes no lock and makes no system call; one that brings a new key takes the lock of one line.
 * The table has a fixed size: when more keys are at work than fit, those that took the least are
 * forgotten first, and begin anew.
 * Owns: the mapping. Thread: any. Limits: the numbers below. */
#ifndef ATOLL_BINDINGS_RATELIMIT_TABLE_H
#define ATOLL_BINDINGS_RATELIMIT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
    RATELIMIT_TABLE_LINES = 16384,       /* of 64 bytes: 1 MiB */
    RATELIMIT_TABLE_WAYS = 7,            /* keys of a line: 114,688 in all */
    RATELIMIT_TABLE_LIMIT_MAX = 1000000, /* what a key may take in a window */
};

struct ratelimit_table;

/* Opens the file at `path`, and makes it when it is not there. Blocks. Returns 0 with the table,
 * returned owned, or ERR_IO. */
NODISCARD int ratelimit_table_open(const char *path, struct ratelimit_table **ret, struct err *err);

/* NULL is fine. */
void ratelimit_table_close(struct ratelimit_table *table);

/* What is counted under which key, and how much it may be. */
struct ratelimit_take {
    str key;               /* with what else tells it apart, as its namespace */
    unsigned limit;        /* at most RATELIMIT_TABLE_LIMIT_MAX */
    unsigned period_s;     /* 1 or more */
    unsigned delta;        /* 1 or more: is added when it is allowed */
    uint64_t now_s;        /* since 1970 */
};

/* True, and counted, when the key had taken less than `limit` in this window. Some 100 ns. */
bool ratelimit_table_take(struct ratelimit_table *table, const struct ratelimit_take *take);

#endif
