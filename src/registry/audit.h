/* The audit log: who changed what.
 *
 * A row: {id (integer), at_ms, account (null), actor (a token's id and name), address, action
 * ("worker.deploy"), target, detail (object, never a secret)}.
 * Owns: nothing. Thread: the loop's. Limits: AUDIT_ROWS_MAX, the oldest go. */
#ifndef ATOLL_REGISTRY_AUDIT_H
#define ATOLL_REGISTRY_AUDIT_H

#include "registry/registry.h"

enum { AUDIT_ROWS_MAX = 100000 };

/* `row` is borrowed, without id and at_ms. */
NODISCARD int audit_add(struct registry *registry, const json_t *row, struct err *err);

/* Newest first, before row `before` (0: from the newest); account NULL: all. */
NODISCARD int audit_list(struct registry *registry, const char *account, int64_t before,
                         size_t limit, json_t **ret, struct err *err);

#endif
