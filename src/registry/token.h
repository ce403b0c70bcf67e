/* API tokens: who may do what, stored hashed.
 *
 * A row: {id, account (null: every account), name, scopes, created_ms, expires_ms (0: never),
 * used_ms (0: not yet; to a minute)}.
 * Scopes are "<noun>:<read|write>" with the nouns of token_nouns, "*:read" and "*:write"; write
 * includes read.
 * Owns: nothing. Thread: the loop's. Limits: TOKEN_BYTES_MAX for a secret, TOKEN_SCOPES_MAX. */
#ifndef ATOLL_REGISTRY_TOKEN_H
#define ATOLL_REGISTRY_TOKEN_H

#include "registry/opaque.h"
#include "registry/registry.h"

enum { TOKEN_BYTES_MAX = 512, TOKEN_SCOPES_MAX = 32 };

/* The nouns, NULL at the end: account, worker, route, secret, tail, usage, token, server,
 * storage. */
extern const char *const token_nouns[];

/* {account?, name, scopes, expires_ms?}, borrowed. `secret` is what the client will send: made up
 * (256 random bits) when it is NULL, and returned owned in *ret_secret (may be NULL when given).
 * ERR_EXISTS when a token has this secret. */
NODISCARD int token_add(struct registry *registry, const json_t *row, const char *secret,
                        char **ret_secret, json_t **ret, struct err *err);

/* The row of a secret that a client sent, in time that does not depend on it; ERR_NOT_FOUND when
 * there is none or it has expired. */
NODISCARD int token_find(struct registry *registry, str secret, json_t **ret, struct err *err);

/* The row of an id, with the SHA-256 of the secret: with it its bearer signs (the S3 API).
 * ERR_NOT_FOUND when there is none or it has expired. */
NODISCARD int token_find_id(struct registry *registry, const char *id,
                            unsigned char ret_hash[OPAQUE_HASH_BYTES], json_t **ret,
                            struct err *err);

/* May its bearer do this to this account (NULL: to the server)? `need` is a scope. */
bool token_allows(const json_t *row, const char *account, const char *need);

/* In the order of their making; account NULL: all. */
NODISCARD int token_list(struct registry *registry, const char *account, json_t **ret,
                         struct err *err);
NODISCARD int token_delete(struct registry *registry, const char *id, struct err *err);

#endif
