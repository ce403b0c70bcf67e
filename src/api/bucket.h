/* R2 buckets made and deleted, by whatever asks for it: the REST API, the S3 API.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_API_BUCKET_H
#define ATOLL_API_BUCKET_H

#include "api/platform.h"
#include "registry/registry.h"

enum { BUCKET_NAME_BYTES_MIN = 3, BUCKET_NAME_BYTES_MAX = 63 };

/* Whose bucket, and what runs. All borrowed. */
struct bucket_place {
    struct registry *registry;
    const struct platform *platform;
    const char *account;
};

/* True for small letters, digits and "-", which neither begins nor ends it. */
bool bucket_is_name(const char *name);

/* Has the workers that name this bucket in their bindings loaded anew: they had one that was
 * deleted. */
void bucket_tell_users(const struct bucket_place *place, const char *name);

/* Makes one; its row is returned owned. ERR_INVALID: the name; else as storage_add(). */
NODISCARD int bucket_create(const struct bucket_place *place, const char *name, json_t **ret,
                            struct err *err);

/* Rules of CORS, as r2_cors_read() gives them (borrowed; NULL: none), in the place of those it has;
 * runtimes hear of it by platform->published(). ERR_NOT_FOUND. */
NODISCARD int bucket_set_cors(const struct bucket_place *place, const char *name,
                              const json_t *rules, struct err *err);

/* Those of a bucket's row, borrowed; NULL: there are none. */
json_t *bucket_cors(const json_t *row);

/* Deletes one, empty or not: those who use it are told, then its data goes. ERR_NOT_FOUND. */
NODISCARD int bucket_delete(const struct bucket_place *place, const char *name, struct err *err);

#endif
