/* Workers as the API calls them: scripts. What is not of a version.
 *
 * A row: {id (integer), account, name, key ("account/name"), tag (32 hex), created_ms, modified_ms,
 * workers_dev, previews, migration_tag (null), settings (object: logpush, tags, observability,
 * tail_consumers, limits (overrides by the operator), min_instances, ...)}.
 * Owns: nothing. Thread: the loop's. Limits: SCRIPT_NAME_MAX of [a-z0-9_-], not - first. */
#ifndef ATOLL_REGISTRY_SCRIPT_H
#define ATOLL_REGISTRY_SCRIPT_H

#include "registry/registry.h"

enum { SCRIPT_NAME_MAX = 63, SCRIPT_MIN_INSTANCES_MAX = 1000 };

/* ERR_INVALID, with what a name may be, for one that cannot be a worker's. */
NODISCARD int script_check_name(const char *name, struct err *err);

/* Makes it when it is not there (then workers_dev is true). */
NODISCARD int script_ensure(struct registry *registry, const char *account, const char *name,
                            json_t **ret, struct err *err);
NODISCARD int script_find(struct registry *registry, const char *account, const char *name,
                          json_t **ret, struct err *err);
NODISCARD int script_get(struct registry *registry, int64_t id, json_t **ret, struct err *err);

/* Replaces {workers_dev?, previews?, migration_tag?}, and merges `settings` by its keys, of which
 * null takes one away; `settings.limits` are merged by theirs and checked against base/limits.h. */
NODISCARD int script_update(struct registry *registry, int64_t id, const json_t *changes,
                            json_t **ret, struct err *err);

/* With its versions, deployments, routes, schedules; contents that nobody else uses go later. */
NODISCARD int script_delete(struct registry *registry, int64_t id, struct err *err);

/* An array by name; account NULL: all, by account and name. */
NODISCARD int script_list(struct registry *registry, const char *account, size_t offset,
                          size_t limit, json_t **ret, struct err *err);

/* Ids (integers) of all scripts whose settings ask for min_instances > 0. */
NODISCARD int script_list_kept(struct registry *registry, json_t **ret, struct err *err);

#endif
