/* Cron schedules of scripts, and when each ran last.
 *
 * A row: {script_id, cron, created_ms, modified_ms, last_ms (the time for which it ran last; 0)}.
 * Owns: nothing. Thread: the loop's. Limits: 250 of a script, SCHEDULE_CRON_MAX bytes each; the
 * caller checks the syntax. */
#ifndef ATOLL_REGISTRY_SCHEDULE_H
#define ATOLL_REGISTRY_SCHEDULE_H

#include "registry/registry.h"

enum { SCHEDULE_CRON_MAX = 256 };

/* Makes `crons` (array of strings) all of the script's; what stays keeps its times. */
NODISCARD int schedule_replace(struct registry *registry, int64_t script_id, const json_t *crons,
                               json_t **ret, struct err *err);

/* Of a script; 0: of all. */
NODISCARD int schedule_list(struct registry *registry, int64_t script_id, json_t **ret,
                            struct err *err);

NODISCARD int schedule_ran(struct registry *registry, int64_t script_id, const char *cron,
                           int64_t time_ms, struct err *err);

#endif
