/* What the files of the bucket's store share; see r2_store.h. */
#ifndef ATOLL_BINDINGS_R2_STORE_PRIVATE_H
#define ATOLL_BINDINGS_R2_STORE_PRIVATE_H

#include "bindings/r2/r2_store.h"
#include "store/db.h"

enum { R2_STORE_ID_BYTES = 33, R2_STORE_META_BYTES_MAX = 64 * 1024 };

struct r2_store {
    struct db *db;
    char *bodies;
};

/* Explains a failure of the index, when `err` is empty; others pass. */
int r2_store_explain(struct r2_store *store, int code, struct err *err);

/* 0, or ERR_NOT_FOUND when the bucket is being deleted. */
NODISCARD int r2_store_seal_check(struct r2_store *store);

/* The key of the arguments. Returns 0 or ERR_INVALID. */
NODISCARD int r2_store_key(const json_t *args, str *ret, struct err *err);

/* Sees that what is said about an object is not too much. */
NODISCARD int r2_store_check_said(const json_t *args, struct err *err);

/* An object that is written: `etag` and `size` of all its bytes, which are in `body` (taken when it
 * is committed by the caller) or in the parts of `upload`. In a transaction; appends its meta. */
struct r2_store_new {
    str key;
    const json_t *said;         /* {http?, custom?, storageClass?} */
    const char *etag;
    uint64_t size;
    const struct r2_body *body; /* or NULL: pieces are added by the caller */
};
NODISCARD int r2_store_write(struct r2_store *store, const struct r2_store_new *new_object,
                             int64_t *ret_id, struct buf *ret_meta);

/* A file that no row names any more goes, but not yet. In a transaction. */
NODISCARD int r2_store_doom(struct r2_store *store, str file, unsigned kept_s);

NODISCARD int r2_store_add_piece(struct r2_store *store, int64_t object, unsigned number,
                                 uint64_t length, str file);

/* The checksum of args against what came. Returns 0 or ERR_INVALID. */
NODISCARD int r2_store_check_sum(const json_t *args, const struct r2_body *body, struct err *err);

#endif
