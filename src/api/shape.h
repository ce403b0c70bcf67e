/* Rows of the registry as clients of Cloudflare's API know them.
 *
 * Owns: nothing; results are returned owned, arguments borrowed. Thread: any. */
#ifndef ATOLL_API_SHAPE_H
#define ATOLL_API_SHAPE_H

#include <jansson.h>

/* A version: {id, number, metadata, annotations, resources, startup_time_ms}. */
json_t *shape_version(const json_t *row);

/* A deployment: {id, source, strategy, author_email, created_on, annotations, versions}. */
json_t *shape_deployment(const json_t *row);

/* A script: {id, tag, tags, handlers, etag, created_on, modified_on, ...}; version may be NULL. */
json_t *shape_script(const json_t *row, const json_t *version);

/* {page, per_page, count, total_count} of a list of `count` rows; when it is full there may be
 * more, and total_count says one more. */
json_t *shape_page(size_t offset, size_t limit, size_t count);

#endif
