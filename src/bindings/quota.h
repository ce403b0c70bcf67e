/* Accounts that store as much as they may: their stores grow no further.
 *
 * The supervisor counts and tells (docs/internals/link.md, `quota`); here it is only known. What
 * frees or reads goes on; in a file of SQLite also what fits into its free pages.
 * Owns: the names. Thread: any; a call costs one load while nobody is over. Limits: the frame's. */
#ifndef ATOLL_BINDINGS_QUOTA_H
#define ATOLL_BINDINGS_QUOTA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* What tenants read then. */
#define QUOTA_TEXT                                                                                 \
    "the account stores as much as it may (storage_bytes): delete something, or have the limit "   \
    "raised"

/* Where stores are; borrowed for ever, NULL: nowhere. Once, at the start of the process. */
void quota_start(const char *storage_directory);

/* {accounts: [name ...]}: these are over, others are not. Thread: the loop's. */
void quota_on_frame(const json_t *frame);

/* Whose store is at this path, a directory or file of it? True when the account is over. */
bool quota_is_over(const char *path);

/* Returns 0, or ERR_LIMIT with the text above. */
NODISCARD int quota_check(const char *path, struct err *err);

#endif
