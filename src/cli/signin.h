/* A login in the browser, seen from the terminal.
 *
 * Owns: nothing beyond the call. Thread: one; waits for a person, SIGNIN_WAIT_MS at most. */
#ifndef ATOLL_CLI_SIGNIN_H
#define ATOLL_CLI_SIGNIN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum { SIGNIN_WAIT_MS = 10 * 60 * 1000 };

/* Shows the page of the server `url`, opens it when `opens`, and waits until the browser comes back
 * or the address it came back to is pasted. Returns EXIT_DONE with the tokens in `profile`
 * (login_redeem()), EXIT_INTERRUPTED after Ctrl-C, or another status after an error was printed. */
NODISCARD int signin_run(const char *url, bool opens, json_t *profile);

#endif
