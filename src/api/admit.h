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

/* For tokens that come another way than in a header: finds one and makes it the call's. Returns 0,
 * ERR_NOT_FOUND after it was counted as a wrong one, ERR_IO. */
NODISCARD int admit_secret(struct call *call, str secret, struct err *err);

/* Seconds for which the client's address may try none; counts a try that failed. */
unsigned admit_wait_s(const struct call *call);
void admit_failed(const struct call *call);

/* True for a client on this machine that no proxy speaks for, and that asked for a name of this
 * machine: not a page of a browser that was made to believe it did. */
bool admit_is_local(const struct call *call);

#endif
