/* Cron schedules; see schedule.h. */
#include "registry/schedule.h"

#include "os/clock.h"
#include "registry/registry_private.h"

enum { CRONS_MAX = 250 };

static int check(const json_t *crons, struct err *err)
{
    const json_t *cron;
    size_t i;

    if (!json_is_array(crons) || json_array_size(crons) > CRONS_MAX)
        return err_set(err, ERR_INVALID, "schedules are an array of at most %d texts", CRONS_MAX);
    json_array_foreach(crons, i, cron)
        if (!json_string_length(cron) || json_string_length(cron) > SCHEDULE_CRON_MAX)
            return err_set(err, ERR_INVALID, "schedule %zu is no text of 1 to %d bytes", i + 1,
                           SCHEDULE_CRON_MAX);
    return 0;
}

static int replace(struct registry *registry, int64_t script_id, const json_t *crons,
                   struct err *err)
{
    const json_t *cron;
    size_t i;
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "DELETE FROM schedule WHERE script_id = ?1 AND "
                                 "cron NOT IN (SELECT value FROM json_each(?2))",
                                 "ij", script_id, crons),
                      err);

    json_array_foreach(crons, i, cron)
        if (r == 0)
            r = query_run(registry->db,
                          query_make(registry->db,
                                     "INSERT INTO schedule (script_id, cron, created_ms, "
                                     "modified_ms, last_ms) VALUES (?1, ?2, ?3, ?3, 0) "
                                     "ON CONFLICT DO NOTHING",
                                     "ivi", script_id, cron, clock_wall_ms()),
                          err);
    return r;
}

int schedule_replace(struct registry *registry, int64_t script_id, const json_t *crons,
                     json_t **ret, struct err *err)
{
    int r = check(crons, err);

    if (r < 0 || (r = registry_change_begin(registry, err)) < 0)
        return r;
    if ((r = script_touch(registry, script_id, err)) == 0)
        r = replace(registry, script_id, crons, err);
    if ((r = registry_change_end(registry, r, err)) < 0)
        return r;
    return schedule_list(registry, script_id, ret, err);
}

int schedule_list(struct registry *registry, int64_t script_id, json_t **ret, struct err *err)
{
    static const char all[] = "SELECT script_id, cron, created_ms, modified_ms, last_ms "
                              "FROM schedule ORDER BY script_id, cron";
    static const char some[] = "SELECT script_id, cron, created_ms, modified_ms, last_ms "
                               "FROM schedule WHERE script_id = ? ORDER BY cron";

    return query_rows(registry->db,
                      script_id ? query_make(registry->db, some, "i", script_id)
                                : query_make(registry->db, all, ""),
                      ret, err);
}

int schedule_ran(struct registry *registry, int64_t script_id, const char *cron, int64_t time_ms,
                 struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "UPDATE schedule SET last_ms = ? WHERE script_id = ? AND cron = ?",
                                 "iit", time_ms, script_id, cron),
                      err);

    if (r == 0 && query_changes(registry->db) == 0)
        r = err_set(err, ERR_NOT_FOUND, "the worker has no schedule \"%.100s\"", cron);
    return r;
}
