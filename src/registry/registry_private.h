/* What the files of this room share: the registry itself, changes, small checks.
 *
 * Owns: see registry.h. Thread: the loop's, but for `backups`. */
#ifndef ATOLL_REGISTRY_REGISTRY_PRIVATE_H
#define ATOLL_REGISTRY_REGISTRY_PRIVATE_H

#include <stdatomic.h>

#include "registry/query_private.h"
#include "registry/registry.h"
#include "registry/secret.h"

struct log_store;

struct registry {
    char *directory;
    char *blobs;
    char *domain;                 /* the server's own; NULL: not told */
    int lock_fd;
    struct db *db;                /* registry.db */
    struct db *usage_db;
    struct db *logs_db;
    unsigned char key[SECRET_KEY_BYTES];
    bool in_transaction;          /* between registry_begin() and registry_end() */
    unsigned sweep_place;
    atomic_uint backups;          /* running: contents stay */
    int64_t rollup_day;           /* of usage: the day in which it began */
    int64_t rollup_worker;        /* and the worker it is at */
    struct log_store *logs;
};

extern const char *const registry_schema_steps[];

/* One change of several statements, all or nothing, alone or within registry_begin(). */
NODISCARD int registry_change_begin(struct registry *registry, struct err *err);
NODISCARD int registry_change_end(struct registry *registry, int result, struct err *err);

/* Merges an object of limits, checked against base/limits.h; null takes one away. */
NODISCARD int account_merge_limits(json_t *limits, const json_t *changes, struct err *err);

/* The account of a script, returned owned; ERR_NOT_FOUND. */
NODISCARD int script_account(struct registry *registry, int64_t id, char **ret, struct err *err);

/* Notes that the script changed. */
NODISCARD int script_touch(struct registry *registry, int64_t id, struct err *err);

struct log_store *log_store_new(void);
void log_store_free(struct log_store *logs);

extern const char *const usage_schema_steps[];
extern const char *const log_store_schema_steps[];

#endif
