/* Who may make a call: token, account, scope.
 *
 * Owns: nothing. Thread: the loop's. Limits: those of throttle.h for wrong tokens. */
#ifndef ATOLL_API_ADMIT_H
#define ATOLL_API_ADMIT_H

#include "api/call.h"

/* Finds the call's token and account and checks the scope (call.h: struct call_route). False after
 * it was refused: 401 and 10000 (1000 where a token is verified), 403 and 9109, 404 and 7003 for an
 * unknown account, 429 and 971 after too many wrong tokens. */
bool admit_call(struct call *call, const char *scope);

/* True for a client on this machine that no proxy speaks for, and that asked for a name of this
 * machine: not a page of a browser that was made to believe it did. */
bool admit_is_local(const struct call *call);

#endif
