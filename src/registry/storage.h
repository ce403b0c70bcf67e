/* What holds tenants' data: KV namespaces, databases, buckets. What is in them is not here.
 *
 * A row: {id, account, kind ("kv", "d1", "r2"), name, created_ms, settings (object)}.
 * Names are unique within account and kind, ids within account and kind, too. The store of a row,
 * below the storage directory, is "<account>/<kind>/<id>"; each segment is plain.
 * A row that goes, also with its account, leaves its store in a list of those whose data is to be
 * removed: what was promised to go goes, also after a crash.
 * Owns: nothing. Thread: the loop's. Limits: STORAGE_NAME_MAX, STORAGE_ID_MAX, STORAGE_COUNT_MAX of
 * an account and kind. */
#ifndef ATOLL_REGISTRY_STORAGE_H
#define ATOLL_REGISTRY_STORAGE_H

#include "registry/registry.h"

enum {
    STORAGE_NAME_MAX = 512,
    STORAGE_ID_MAX = 64,
    STORAGE_COUNT_MAX = 10000,
    STORAGE_NAMED_MAX = 100,
};

/* {account, kind, name, settings?, id?}, borrowed; an id is made up when none is given: 32 hex
 * digits for kv, a UUID else. A given one is 1 to STORAGE_ID_MAX letters, digits, "-" and "_".
 * ERR_EXISTS: the name, or the id, which may also be one whose data is not gone yet (err->text says
 * which); ERR_INVALID, ERR_LIMIT. */
NODISCARD int storage_add(struct registry *registry, const json_t *row, json_t **ret,
                          struct err *err);

/* By its id, or by its name when no id is so. ERR_NOT_FOUND. */
NODISCARD int storage_get(struct registry *registry, const char *account, const char *kind,
                          const char *id_or_name, json_t **ret, struct err *err);

/* By name, `limit` from `offset` on, only those whose name is `name` when given, and how many there
 * are. */
struct storage_query {
    const char *account, *kind, *name;
    size_t offset, limit;
};
NODISCARD int storage_list(struct registry *registry, const struct storage_query *query,
                           json_t **ret, size_t *ret_total, struct err *err);

/* Rows of this kind and name, whoever has them, STORAGE_NAMED_MAX at most; an array, returned
 * owned. */
NODISCARD int storage_named(struct registry *registry, const char *kind, const char *name,
                            json_t **ret, struct err *err);

/* Every row of every kind, of one account or (NULL) of all; an array, returned owned. */
NODISCARD int storage_list_all(struct registry *registry, const char *account, json_t **ret,
                               struct err *err);

/* ERR_NOT_FOUND, ERR_EXISTS, ERR_INVALID. */
NODISCARD int storage_rename(struct registry *registry, const char *account, const char *kind,
                             const char *id, const char *name, struct err *err);

/* Other settings (borrowed) in place of those it has. ERR_NOT_FOUND. */
NODISCARD int storage_set(struct registry *registry, const char *account, const char *kind,
                          const char *id, const json_t *settings, struct err *err);

/* The row goes; its store is then among storage_gone(). ERR_NOT_FOUND. */
NODISCARD int storage_delete(struct registry *registry, const char *account, const char *kind,
                             const char *id, struct err *err);

/* Those whose data is to be removed: an array of {store, kind, gone_ms}, returned owned. */
NODISCARD int storage_gone(struct registry *registry, json_t **ret, struct err *err);

/* The data is gone, and the id may be used again. */
NODISCARD int storage_forget(struct registry *registry, const char *store, struct err *err);

/* The numbers of the account's workers one of whose versions names this id in its bindings; an
 * array, returned owned. Reads all versions of the account. */
NODISCARD int storage_users(struct registry *registry, const char *account, const char *id,
                            json_t **ret, struct err *err);

/* "<account>/<kind>/<id>", returned owned. */
char *storage_store(const json_t *row);

#endif
