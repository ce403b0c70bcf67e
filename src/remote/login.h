/* OAuth 2.0 from the side of a program on somebody's own machine: RFC 6749, 7009, 7636, 8252, 8414.
 *
 * Owns: nothing between calls. Thread: one. Limits: LOGIN_*. */
#ifndef ATOLL_REMOTE_LOGIN_H
#define ATOLL_REMOTE_LOGIN_H

#include <jansson.h>

#include "remote/roundtrip.h"

enum { LOGIN_SECRET_MAX = 44, LOGIN_CALLBACK_BYTES_MAX = 8192, LOGIN_CODE_BYTES_MAX = 4096 };

struct login_server {
    char *authorization;   /* endpoints: URLs of the server's own origin */
    char *token;
    char *revocation;      /* NULL: it revokes nothing */
};

/* What one login knows of itself until it is done. */
struct login_attempt {
    char redirect[64];                  /* "http://127.0.0.1:41234/callback" */
    char state[LOGIN_SECRET_MAX];
    char verifier[LOGIN_SECRET_MAX];
};

/* Asks the server (address_read()'s form) for its endpoints. ERR_UNSUPPORTED when it has none, or
 * they are elsewhere. login_server_done() is for success only. */
NODISCARD int login_discover(struct roundtrip *roundtrip, const char *url, struct login_server *ret,
                             struct err *err);
void login_server_done(struct login_server *server);

/* Fresh secrets, and where the browser comes back to. */
void login_begin(unsigned port, struct login_attempt *ret);

/* The page to open in a browser, returned owned. */
char *login_page(const struct login_server *server, const struct login_attempt *attempt);

/* Reads the query of the address the browser came back with. Returns 0 with the code, returned
 * owned; ERR_INVALID when it is not of this attempt, ERR_DENIED with what the server says. */
NODISCARD int login_read_callback(const struct login_attempt *attempt, str query, char **ret_code,
                                  struct err *err);

/* Trades the code for tokens: sets token, refresh_token, expires_ms, client_id, token_endpoint and
 * revocation_endpoint of `profile`, and account when the answer names one. ERR_DENIED, ERR_INVALID,
 * or as roundtrip_run(). */
NODISCARD int login_redeem(struct roundtrip *roundtrip, const struct login_server *server,
                           const struct login_attempt *attempt, const char *code, json_t *profile,
                           struct err *err);

/* New tokens for those of `profile`. ERR_DENIED when the server takes the refresh token no more. */
NODISCARD int login_refresh(struct roundtrip *roundtrip, json_t *profile, struct err *err);

/* Takes the login of `profile` back (RFC 7009); does nothing for one that has none. */
NODISCARD int login_revoke(struct roundtrip *roundtrip, const json_t *profile, struct err *err);

/* Reads an answer of the token endpoint into `profile`; see login_redeem(). */
NODISCARD int login_read_tokens(int status, str body, json_t *profile, struct err *err);

#endif
