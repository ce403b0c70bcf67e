/* The registry: everything a server knows about accounts, workers, versions, routes and tokens.
 *
 * A directory: registry.db (SQLite, WAL, every commit synced), usage.db, logs.db, blobs/ (contents
 * by hash), secret.key (0600). What a function of this room has returned 0 for survives kill -9 and
 * power loss; counters in usage.db and lines in logs.db survive kill -9.
 *
 * Rows go in and out as JSON objects: `ret` is returned owned, ids are strings (UUIDs) but for
 * scripts, whose `id` is an integer; times are milliseconds since 1970 in keys that end in _ms.
 * Owns: connections, the key, prepared statements. Thread: the loop's; calls block for as long as
 * the disk takes.
 * Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_INVALID and ERR_LIMIT with a text for the caller's client;
 * ERR_IO (full disk, damaged file) with one for the operator. */
#ifndef ATOLL_REGISTRY_REGISTRY_H
#define ATOLL_REGISTRY_REGISTRY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct registry;

/* Opens the directory, and makes it (0700) with the account "default" when it is not there. Takes a
 * lock in it, waiting 3 s for a server that is about to let go: ERR_EXISTS when another server runs
 * on it. ERR_INVALID and ERR_NOT_FOUND: the key is readable by others, or missing. ERR_IO. */
NODISCARD int registry_open(const char *directory, struct registry **ret, struct err *err);

/* NULL is fine. */
void registry_close(struct registry *registry);

/* A number that grows with each row of registry.db that is written, deleted or replaced: what was
 * read is as it was while this stays. */
int64_t registry_changes(const struct registry *registry);

/* Several calls as one transaction: all or nothing. registry_end() commits when `result` is 0, else
 * takes everything back and returns `result`. Not nested, and both in one turn of the loop. */
NODISCARD int registry_begin(struct registry *registry, struct err *err);
NODISCARD int registry_end(struct registry *registry, int result, struct err *err);

/* A new version 4 UUID, lower case, into ret[37]. */
void registry_new_id(char *ret);

/* Removes contents that no version uses any more: looks at one of 256 places, some milliseconds at
 * 100,000 workers. To be called now and then; does nothing within a transaction or while a backup
 * runs. Returns how many it removed, or ERR_IO. */
NODISCARD int registry_sweep(struct registry *registry, struct err *err);

/* Sees that there is room for a backup in `directory`: for all of the data directory, or on the
 * same disk for what cannot be linked, and where stores are for copies of their databases. Takes as
 * long as a walk. Thread: any. Returns 0, ERR_LIMIT with what is missing where, ERR_IO. */
NODISCARD int registry_backup_fits(const struct registry *registry, const char *directory,
                                   struct err *err);

/* Writes a copy that registry_open() can open, while everything goes on, into a directory that is
 * not there yet (copies of the databases, links or copies of blobs, the key; `storage`, a directory
 * that is moved there under that name; NULL: none). Takes long, and may
 * run on another thread than the loop's as long as the registry stays open. Returns 0, ERR_EXISTS,
 * ERR_IO. */
NODISCARD int registry_backup(struct registry *registry, const char *directory, const char *storage,
                              struct err *err);

#endif
