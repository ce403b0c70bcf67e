/* Workers; see script.h. */
#include "registry/script.h"

#include <ctype.h>

#include "base/hex.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/account.h"
#include "registry/registry_private.h"

#define COLUMNS                                                                                    \
    "id, account, name, account || '/' || name AS key, tag, created_ms, modified_ms, "             \
    "workers_dev AS \"workers_dev:bool\", previews AS \"previews:bool\", migration_tag, "          \
    "settings AS \"settings:json\""

enum { SETTINGS_BYTES_MAX = 64 * 1024 };

int script_check_name(const char *name, struct err *err)
{
    size_t len = strlen(name);
    bool is_good = len >= 1 && len <= SCRIPT_NAME_MAX && name[0] != '-';

    for (size_t i = 0; i < len && is_good; i++)
        is_good = islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) ||
                  name[i] == '_' || name[i] == '-';
    if (is_good)
        return 0;
    return err_set(err, ERR_INVALID,
                   "\"%.100s\" cannot be a worker's name: 1 to %d small letters, digits, \"-\" and "
                   "\"_\", not beginning with \"-\"",
                   name, SCRIPT_NAME_MAX);
}

static int insert(struct registry *registry, const char *account, const char *name, struct err *err)
{
    char tag[33];
    json_t *owner;
    int r;

    if ((r = script_check_name(name, err)) < 0 ||
        (r = account_get(registry, account, &owner, err)) < 0)
        return r;
    json_decref(owner);
    hex_random(tag, 32);
    return query_run(registry->db,
                     query_make(registry->db,
                                "INSERT INTO script (account, name, tag, created_ms, modified_ms, "
                                "workers_dev, previews, min_instances, settings) "
                                "VALUES (?1, ?2, ?3, ?4, ?4, 1, 0, 0, '{}') "
                                "ON CONFLICT DO NOTHING",
                                "ttti", account, name, tag, clock_wall_ms()),
                     err);
}

int script_ensure(struct registry *registry, const char *account, const char *name, json_t **ret,
                  struct err *err)
{
    int r = script_find(registry, account, name, ret, err);

    if (r != ERR_NOT_FOUND)
        return r;
    if ((r = insert(registry, account, name, err)) < 0)
        return r;
    return script_find(registry, account, name, ret, err);
}

int script_find(struct registry *registry, const char *account, const char *name, json_t **ret,
                struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM script WHERE account = ? AND name = ?",
                                 "tt", account, name),
                      ret, err);

    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "the account %.100s has no worker \"%.100s\"", account,
                       name);
    return r < 0 ? r : 0;
}

static int not_there(int64_t id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no worker with the number %lld", (long long)id);
}

int script_get(struct registry *registry, int64_t id, json_t **ret, struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db, "SELECT " COLUMNS " FROM script WHERE id = ?", "i",
                                 id),
                      ret, err);

    return r == 0 ? not_there(id, err) : r < 0 ? r : 0;
}

int script_account(struct registry *registry, int64_t id, char **ret, struct err *err)
{
    json_t *row;
    int r = script_get(registry, id, &row, err);

    if (r < 0)
        return r;
    *ret = str_dup(str_from(member_text(row, "account")));
    json_decref(row);
    return 0;
}

int script_touch(struct registry *registry, int64_t id, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db, "UPDATE script SET modified_ms = ? WHERE id = ?",
                                 "ii", clock_wall_ms(), id),
                      err);

    return r == 0 && query_changes(registry->db) == 0 ? not_there(id, err) : r;
}

/* ---- changes ---- */

static int merge_setting(json_t *settings, const char *key, json_t *value, struct err *err)
{
    json_t *limits;
    int r;

    if (json_is_null(value)) {
        json_object_del(settings, key);
        return 0;
    }
    if (strcmp(key, "min_instances") == 0 &&
        (!json_is_integer(value) || json_integer_value(value) < 0 ||
         json_integer_value(value) > SCRIPT_MIN_INSTANCES_MAX))
        return err_set(err, ERR_INVALID, "min_instances is a whole number from 0 to %d",
                       SCRIPT_MIN_INSTANCES_MAX);
    if (strcmp(key, "limits") != 0) {
        json_object_set(settings, key, value);
        return 0;
    }
    limits = json_object();
    if ((r = account_merge_limits(limits, json_object_get(settings, key), err)) == 0 &&
        (r = account_merge_limits(limits, value, err)) == 0)
        json_object_set(settings, key, limits);
    json_decref(limits);
    return r;
}

static int merge_settings(json_t *settings, const json_t *changes, struct err *err)
{
    const char *key;
    json_t *value;
    int r;

    if (!changes)
        return 0;
    if (!json_is_object(changes))
        return err_set(err, ERR_INVALID, "the settings of a worker are an object");
    json_object_foreach((json_t *)changes, key, value)
        if ((r = merge_setting(settings, key, value, err)) < 0)
            return r;
    if (json_dumpb(settings, NULL, 0, JSON_COMPACT) > SETTINGS_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the settings of a worker have at most %d bytes of JSON",
                       SETTINGS_BYTES_MAX);
    return 0;
}

/* The new value of a key: of the changes, else of the row. */
static const json_t *choose(const json_t *changes, const json_t *row, const char *key)
{
    const json_t *value = json_object_get(changes, key);

    return value ? value : json_object_get(row, key);
}

static int write_row(struct registry *registry, int64_t id, const json_t *changes, json_t *row,
                     struct err *err)
{
    json_t *settings = json_object_get(row, "settings");
    const json_t *tag = choose(changes, row, "migration_tag");
    int r = merge_settings(settings, json_object_get(changes, "settings"), err);

    if (r < 0)
        return r;
    if (!json_is_string(tag) && !json_is_null(tag))
        return err_set(err, ERR_INVALID, "migration_tag is a text or null");
    return query_run(
        registry->db,
        query_make(registry->db,
                   "UPDATE script SET workers_dev = ?, previews = ?, migration_tag = ?, "
                   "min_instances = ?, settings = ?, modified_ms = ? WHERE id = ?",
                   "iivijii", (int64_t)json_is_true(choose(changes, row, "workers_dev")),
                   (int64_t)json_is_true(choose(changes, row, "previews")), tag,
                   (int64_t)member_int(settings, "min_instances"), settings, clock_wall_ms(), id),
        err);
}

int script_update(struct registry *registry, int64_t id, const json_t *changes, json_t **ret,
                  struct err *err)
{
    json_t *row;
    int r = script_get(registry, id, &row, err);

    if (r < 0)
        return r;
    r = write_row(registry, id, changes, row, err);
    json_decref(row);
    return r < 0 ? r : script_get(registry, id, ret, err);
}

int script_delete(struct registry *registry, int64_t id, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db, "DELETE FROM script WHERE id = ?", "i", id), err);

    return r == 0 && query_changes(registry->db) == 0 ? not_there(id, err) : r;
}

/* ---- lists ---- */

int script_list(struct registry *registry, const char *account, size_t offset, size_t limit,
                json_t **ret, struct err *err)
{
    static const char all[] = "SELECT " COLUMNS
                              " FROM script ORDER BY account, name LIMIT ?2 OFFSET ?3";
    static const char some[] = "SELECT " COLUMNS
                               " FROM script WHERE account = ?1 ORDER BY name LIMIT ?2 OFFSET ?3";

    return query_rows(registry->db,
                      query_make(registry->db, account ? some : all, "tii", account, (int64_t)limit,
                                 (int64_t)offset),
                      ret, err);
}

int script_list_kept(struct registry *registry, json_t **ret, struct err *err)
{
    json_t *rows, *ids, *row;
    size_t i;
    int r = query_rows(registry->db,
                       query_make(registry->db,
                                  "SELECT id FROM script WHERE min_instances > 0 ORDER BY id", ""),
                       &rows, err);

    if (r < 0)
        return r;
    ids = json_array();
    json_array_foreach(rows, i, row)
        json_array_append(ids, json_object_get(row, "id"));
    json_decref(rows);
    *ret = ids;
    return 0;
}
