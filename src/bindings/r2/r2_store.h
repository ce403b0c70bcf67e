/* A bucket on disk: an index (SQLite) of objects, and their bytes, in the index or in files beside
 * it.
 *
 *   <directory>/index.db          objects, uploads in parts, files that are to go
 *   <directory>/bodies/ab/ab...   bytes, never changed (r2_body.h)
 *
 * What is said about an object is kept as the JSON it is told as ("meta"): {key, version, size,
 * etag, uploaded (ms), http, custom, checksums, storageClass}. What is wanted comes as JSON, too;
 * its words are in r2_request.h. Several connections of one or of many processes have the same
 * bucket open.
 * Owns: the connection. Thread: one at a time; every call blocks.
 * Limits: below; 10,000 parts; R2_STORE_UPLOAD_S for an upload in parts to be completed.
 * Errors: texts are for tenants, Cloudflare's, with its number at the end where it has one.
 * ERR_NOT_FOUND, ERR_INVALID (also: the index is damaged), ERR_LIMIT (also: the disk is full),
 * ERR_TIMEOUT, ERR_IO. */
#ifndef ATOLL_BINDINGS_R2_STORE_H
#define ATOLL_BINDINGS_R2_STORE_H

#include <jansson.h>

#include "bindings/r2/r2_body.h"

enum {
    R2_STORE_KEY_BYTES_MAX = 1024,
    R2_STORE_CUSTOM_BYTES_MAX = 2048,
    R2_STORE_HTTP_BYTES_MAX = 8192,
    R2_STORE_KEYS_MAX = 1000,           /* of a list or a delete */
    R2_STORE_PARTS_MAX = 10000,
    R2_STORE_PART_BYTES_MIN = 5 << 20,  /* of all parts but the last one */
    R2_STORE_UPLOAD_S = 7 * 24 * 3600,
    R2_STORE_SEALED_S = 60,             /* or who wanted to delete it did not */
    R2_STORE_KEPT_S = 60,               /* files of an object that was replaced or deleted; */
    R2_STORE_KEPT_PARTS_S = 3600,       /* those of one in parts */
};

#define R2_STORE_SIZE_MAX (UINT64_C(5) << 30)   /* of an object or a part */
#define R2_STORE_WHOLE_MAX (UINT64_C(5) << 40)  /* of an object in parts */

struct r2_store;

/* Opens the bucket in this directory, which is made when it is not there. ERR_NOT_FOUND when it was
 * deleted. */
NODISCARD int r2_store_open(const char *directory, struct r2_store **ret, struct err *err);

/* NULL is fine. */
void r2_store_close(struct r2_store *store);

/* True when its files were removed: it is to be opened anew. */
bool r2_store_is_stale(const struct r2_store *store);

/* The directory of its files, borrowed. */
const char *r2_store_bodies(const struct r2_store *store);

/* The key of arguments, as it is: STR_NONE when there is none. */
str r2_store_key_of(const json_t *args);

/* ---- objects ---- */

struct r2_store_piece {
    uint64_t length;
    char file[CACHE_BODY_NAME_BYTES];
};

/* Owned: r2_store_object_done(). */
struct r2_store_object {
    struct buf meta;
    struct buf value;                   /* the bytes, when there are no pieces */
    struct r2_store_piece *pieces;
    size_t piece_count;
    uint64_t size;
    int64_t uploaded;                   /* milliseconds since 1970 */
    struct buf etag;
};

void r2_store_object_init(struct r2_store_object *object);
void r2_store_object_done(struct r2_store_object *object);

/* Fills `ret`, and where its bytes are when they are wanted. ERR_NOT_FOUND. */
NODISCARD int r2_store_get(struct r2_store *store, str key, bool with_bytes,
                           struct r2_store_object *ret, struct err *err);

/* Puts what is in `body`, which has ended, in the place of what was there, and appends the new
 * meta: args {key, http?, custom?, storageClass?, onlyIf?, checksum?: {name, hex}}. Returns 0, or 1
 * when onlyIf does not hold. */
NODISCARD int r2_store_put(struct r2_store *store, const json_t *args, struct r2_body *body,
                           struct buf *ret_meta, struct err *err);

/* {keys: [...]}; those that are not there are fine. */
NODISCARD int r2_store_delete(struct r2_store *store, const json_t *args, struct err *err);

/* {prefix?, startAfter?, cursor?, delimiter?, limit?}: appends {objects: [meta ...], truncated,
 * cursor, delimitedPrefixes}, in the order of the keys' bytes. */
NODISCARD int r2_store_list(struct r2_store *store, const json_t *args, struct buf *out,
                            struct err *err);

/* ---- objects in parts ---- */

/* {key, http?, custom?, storageClass?}: appends {key, uploadId}. */
NODISCARD int r2_store_upload_create(struct r2_store *store, const json_t *args, struct buf *out,
                              struct err *err);

/* {key, uploadId, partNumber, checksum?} and a body with is_part: appends {partNumber, etag}. */
NODISCARD int r2_store_upload_part(struct r2_store *store, const json_t *args, struct r2_body *body,
                            struct buf *out, struct err *err);

/* {key, uploadId, parts: [{partNumber, etag}, ...]}: appends the object's meta. */
NODISCARD int r2_store_upload_complete(struct r2_store *store, const json_t *args, struct buf *out,
                                struct err *err);

/* {key, uploadId} */
NODISCARD int r2_store_upload_abort(struct r2_store *store, const json_t *args, struct err *err);

/* {uploads: [{key, uploadId, created (ms)} ...], truncated} of those whose keys begin with
 * `prefix`; args {prefix?, limit?, keyMarker?, uploadIdMarker?}. */
NODISCARD int r2_store_upload_list(struct r2_store *store, const json_t *args, struct buf *out,
                               struct err *err);

/* {key, uploadId, after?, limit?}: appends {parts: [{partNumber, etag, size}, ...], truncated}. */
NODISCARD int r2_store_upload_parts(struct r2_store *store, const json_t *args, struct buf *out,
                             struct err *err);

/* ---- the whole bucket ---- */

/* Removes what is to go by `now` (seconds since 1970), uploads that were given up, and files that a
 * crash left behind. */
NODISCARD int r2_store_sweep(struct r2_store *store, int64_t now, struct err *err);

/* How many objects, and how many bytes their values and what is uploaded have. */
NODISCARD int r2_store_count(struct r2_store *store, uint64_t *ret_objects, uint64_t *ret_bytes,
                             struct err *err);

/* Before a bucket is deleted: into one without objects none is put for R2_STORE_SEALED_S, within
 * which it has to go. Tells how many objects there are: with any, nothing is done. */
NODISCARD int r2_store_seal(struct r2_store *store, uint64_t *ret_objects, struct err *err);

/* Removes the bucket in `directory` for good: it cannot be opened again. Thread: any. */
void r2_store_seal_remove(const char *directory, struct err *err);

/* A consistent, synced copy of the bucket in `directory` as `to`, of which the files are links.
 * Returns 0, also when there is nothing to copy. Thread: any. */
NODISCARD int r2_store_copy(const char *directory, const char *to, struct err *err);

#endif
