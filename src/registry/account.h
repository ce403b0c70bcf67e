/* Accounts: who owns workers, and what they may use.
 *
 * A row: {id, name, subdomain, limits, created_ms}. `limits` overrides base/limits.h by key.
 * Account "default" is there from the start; its subdomain is "default".
 * Owns: nothing. Thread: the loop's. Limits: ids and subdomains of 1 to 63 letters, digits, - and
 * _. */
#ifndef ATOLL_REGISTRY_ACCOUNT_H
#define ATOLL_REGISTRY_ACCOUNT_H

#include "registry/registry.h"

#define ACCOUNT_DEFAULT "default"

/* {id?, name?, subdomain?, limits?}, borrowed; an id (32 hexadecimal digits) is made when it is not
 * given, name and subdomain are the id then. ERR_EXISTS when id or subdomain is another's. */
NODISCARD int account_add(struct registry *registry, const json_t *row, json_t **ret,
                          struct err *err);
NODISCARD int account_get(struct registry *registry, const char *id, json_t **ret, struct err *err);

/* Merges {name?, subdomain?, limits?} into it; limits are checked against base/limits.h. */
NODISCARD int account_update(struct registry *registry, const char *id, const json_t *changes,
                             json_t **ret, struct err *err);

/* Removes an account without workers; ERR_EXISTS while it has some. */
NODISCARD int account_delete(struct registry *registry, const char *id, struct err *err);

/* An array in the order of their making, `limit` rows from the `offset`th. */
NODISCARD int account_list(struct registry *registry, size_t offset, size_t limit, json_t **ret,
                           struct err *err);

#endif
