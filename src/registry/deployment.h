/* Deployments: which versions of a script answer, and how often. The newest is what is live.
 *
 * A row: {id, script_id, created_ms, source, author_email, strategy: "percentage", annotations,
 * versions: array of one or two {version_id, percentage} that make 100 together}.
 * Owns: nothing. Thread: the loop's. Limits: two versions; the newest DEPLOYMENT_ROWS_MAX are
 * kept. */
#ifndef ATOLL_REGISTRY_DEPLOYMENT_H
#define ATOLL_REGISTRY_DEPLOYMENT_H

#include "registry/registry.h"

enum { DEPLOYMENT_ROWS_MAX = 100 };

/* {source?, author_email?, annotations?, versions}, borrowed. ERR_INVALID when the percentages do
 * not make 100, ERR_NOT_FOUND for a version that is not there. */
NODISCARD int deployment_add(struct registry *registry, int64_t script_id, const json_t *row,
                             json_t **ret, struct err *err);

/* What is live; ERR_NOT_FOUND when the script was never deployed. */
NODISCARD int deployment_current(struct registry *registry, int64_t script_id, json_t **ret,
                                 struct err *err);

/* An array, newest first. */
NODISCARD int deployment_list(struct registry *registry, int64_t script_id, size_t offset,
                              size_t limit, json_t **ret, struct err *err);

#endif
