/* The audit log; see audit.h. */
#include "registry/audit.h"

#include "os/clock.h"
#include "registry/registry_private.h"

#define COLUMNS                                                                                    \
    "id, at_ms, account, actor AS \"actor:json\", address, action, target, "                       \
    "detail AS \"detail:json\""

static int insert(struct registry *registry, const json_t *row, json_t *none, struct err *err)
{
    const json_t *actor = json_object_get(row, "actor"), *detail = json_object_get(row, "detail");

    return query_run(registry->db,
                     query_make(registry->db,
                                "INSERT INTO audit (at_ms, account, actor, address, action, target,"
                                " detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
                                "ivjvvvj", clock_wall_ms(), json_object_get(row, "account"),
                                actor ? actor : none, json_object_get(row, "address"),
                                json_object_get(row, "action"), json_object_get(row, "target"),
                                detail ? detail : none),
                     err);
}

static int forget_oldest(struct registry *registry, struct err *err)
{
    int64_t last = sqlite3_last_insert_rowid(db_connection(registry->db));

    return query_run(registry->db,
                     query_make(registry->db, "DELETE FROM audit WHERE id <= ?", "i",
                                last - AUDIT_ROWS_MAX),
                     err);
}

int audit_add(struct registry *registry, const json_t *row, struct err *err)
{
    json_t *none;
    int r;

    if (!json_is_string(json_object_get(row, "action")))
        return err_set(err, ERR_INVALID, "a row of the audit log needs an action");
    if ((r = registry_change_begin(registry, err)) < 0)
        return r;
    none = json_object();
    if ((r = insert(registry, row, none, err)) == 0)
        r = forget_oldest(registry, err);
    json_decref(none);
    return registry_change_end(registry, r, err);
}

int audit_list(struct registry *registry, const char *account, int64_t before, size_t limit,
               json_t **ret, struct err *err)
{
    static const char all[] = "SELECT " COLUMNS
                              " FROM audit WHERE id < ?2 ORDER BY id DESC LIMIT ?3";
    static const char some[] =
        "SELECT " COLUMNS " FROM audit WHERE account = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";

    return query_rows(registry->db,
                      query_make(registry->db, account ? some : all, "tii", account,
                                 before > 0 ? before : INT64_MAX, (int64_t)limit),
                      ret, err);
}
