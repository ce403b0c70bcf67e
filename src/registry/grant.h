/* Grants: what somebody let a client do in their name ("wrangler login"), proven with an API token.
 *
 * A row: {id, account (null: every account), client (its OAuth client id), name, token (the id of
 * the API token that proved it), scopes (registry/token.h), scope (the same in the client's own
 * words), created_ms, expires_ms, used_ms}.
 *
 * A grant has access tokens, which are tokens as others are (token_find() says which grant in
 * `grant`) but for an hour, and one refresh token, which is replaced whenever it is used (RFC 9700
 * 4.14.2). The one before it works for GRANT_GRACE_MS more and gives the same successor, so that
 * two commands at once keep the login; whichever older one is used ends the grant, as somebody has
 * copied it. A grant ends with its account, with the API token it was proven with, and
 * GRANT_REFRESH_MS after its last use.
 * Owns: nothing. Thread: the loop's. Limits: the enum below; a grant too many ends the one of the
 * same API token that was unused for longest. */
#ifndef ATOLL_REGISTRY_GRANT_H
#define ATOLL_REGISTRY_GRANT_H

#include "registry/registry.h"

enum {
    GRANT_ACCESS_MS = 3600 * 1000,
    GRANT_GRACE_MS = 60 * 1000,
    GRANT_COUNT_MAX = 100,          /* of an API token */
    GRANT_ACCESS_MAX = 16,          /* access tokens of a grant that are valid at once */
    GRANT_CLIENT_BYTES_MAX = 64,
    GRANT_SCOPE_BYTES_MAX = 2048,
};
#define GRANT_REFRESH_MS (INT64_C(30) * 24 * 3600 * 1000)

struct grant_secrets {
    char *access, *refresh;   /* owned */
    int64_t access_ms;        /* for how long the access token is valid */
};

/* Forgets them. */
void grant_secrets_done(struct grant_secrets *secrets);

/* {token, account?, client, name, scopes, scope}, borrowed. ERR_NOT_FOUND when the API token or the
 * account is gone by now. */
NODISCARD int grant_add(struct registry *registry, const json_t *row,
                        struct grant_secrets *ret_secrets, json_t **ret, struct err *err);

/* The grant that a secret belongs to: an access token, or a refresh token of whatever age.
 * ERR_NOT_FOUND when there is none or it has expired. */
NODISCARD int grant_find(struct registry *registry, str secret, json_t **ret, struct err *err);

/* A new access token and the next refresh token. `row` is what grant_find() gave for `secret`.
 * ERR_NOT_FOUND when that is no refresh token; ERR_DENIED when it was used before, and so the grant
 * has ended now. */
NODISCARD int grant_refresh(struct registry *registry, const json_t *row, str secret,
                            struct grant_secrets *ret_secrets, struct err *err);

/* In the order of their making, without those that have expired; account NULL: all. */
NODISCARD int grant_list(struct registry *registry, const char *account, json_t **ret,
                         struct err *err);

/* Ends it: its tokens are worth nothing from now on. */
NODISCARD int grant_delete(struct registry *registry, const char *id, struct err *err);

#endif
