/* The span of time that a call asks about: its parameters `from` and `to`.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_API_PERIOD_H
#define ATOLL_API_PERIOD_H

#include "api/call.h"

struct period {
    int64_t from_ms, to_ms;   /* `to` is exclusive */
};

/* What the query says; `to` is now and `from` is `default_ms` before it when they are missing.
 * False after the call was answered with 400. */
bool period_read(struct call *call, int64_t default_ms, struct period *ret);

#endif
