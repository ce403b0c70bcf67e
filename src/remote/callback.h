/* The address on this machine that a browser comes back to after a login (RFC 8252 7.3).
 *
 * Listens on 127.0.0.1 at a port of the system's choice, for one answer. The browser waits for its
 * page until it is known how the login ended.
 * Owns: a listening socket with its connections. Thread: the loop's. Limits: those of the HTTP
 * server. */
#ifndef ATOLL_REMOTE_CALLBACK_H
#define ATOLL_REMOTE_CALLBACK_H

#include <uv.h>

#include "remote/login.h"

struct callback;

/* Listens, and makes an attempt that comes back here. Returned owned: callback_close(). ERR_IO. */
NODISCARD int callback_open(uv_loop_t *loop, struct callback **ret, struct err *err);

/* Borrowed until callback_close(). */
const struct login_attempt *callback_attempt(const struct callback *callback);

/* What came: 1 as long as nothing did, 0 with the code (borrowed), or what login_read_callback()
 * says of an answer that is of this attempt. */
NODISCARD int callback_result(const struct callback *callback, const char **ret_code,
                              struct err *err);

/* The address that the browser wanted to come back to, or its query, as a person copied it. Returns
 * 0, or ERR_INVALID when it is not of this attempt. */
NODISCARD int callback_offer(struct callback *callback, str text, struct err *err);

/* Shows the browser how it ended (`error` NULL: well), and runs the loop until it has read that or
 * CALLBACK_LAST_MS have passed. NULL is fine. */
void callback_close(struct callback *callback, const char *error);

enum { CALLBACK_LAST_MS = 500 };

#endif
