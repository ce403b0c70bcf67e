/* Who a token speaks for: what a login is checked with, and what `atoll whoami` tells.
 *
 * Owns: nothing. Thread: one. */
#ifndef ATOLL_REMOTE_IDENTITY_H
#define ATOLL_REMOTE_IDENTITY_H

#include "remote/remote.h"

/* Asks the server. Returns 0 with {token: {id?, name?, account?, scopes?, expires_on?},
 * accounts: [{id, name ...}], server?: {name, version}}, returned owned; or as remote_call(),
 * ERR_DENIED for a token that the server does not know. */
NODISCARD int identity_read(struct remote *remote, json_t **ret, struct err *err);

/* The id of the account that is meant by an id or a name, of identity_read()'s; NULL: of none, or
 * of several. Borrowed. */
const char *identity_account(const json_t *identity, const char *wanted);

#endif
