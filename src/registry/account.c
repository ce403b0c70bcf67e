/* Accounts; see account.h. */
#include "registry/account.h"

#include <ctype.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/registry_private.h"

enum { ID_BYTES_MAX = 63, NAME_BYTES_MAX = 255 };

#define COLUMNS "id, name, subdomain, limits AS \"limits:json\", created_ms"

/* ---- checks ---- */

static bool is_id(const char *id)
{
    size_t len = strlen(id);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)id[i]) && id[i] != '-' && id[i] != '_')
            return false;
    return len >= 1 && len <= ID_BYTES_MAX;
}

static int check_id(const char *what, const char *id, struct err *err)
{
    if (id && is_id(id))
        return 0;
    return err_set(err, ERR_INVALID, "%s of an account is 1 to %d letters, digits, \"-\" and \"_\"",
                   what, ID_BYTES_MAX);
}

static int check_name(const json_t *name, struct err *err)
{
    size_t len = json_string_length(name);

    if (len >= 1 && len <= NAME_BYTES_MAX && strlen(json_string_value(name)) == len)
        return 0;
    return err_set(err, ERR_INVALID, "the name of an account is a text of 1 to %d bytes",
                   NAME_BYTES_MAX);
}

static int merge_limit(json_t *limits, const char *key, json_t *value, struct err *err)
{
    const struct limits_row *row = limits_find(key);

    if (!row)
        return err_set(err, ERR_INVALID, "there is no limit \"%.100s\"", key);
    if (json_is_null(value)) {
        json_object_del(limits, key);
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < (json_int_t)row->least ||
        json_integer_value(value) > (json_int_t)row->most)
        return err_set(err, ERR_INVALID, "the limit %s (%s) is a whole number from %llu to %llu",
                       key, row->text, (unsigned long long)row->least,
                       (unsigned long long)row->most);
    json_object_set(limits, key, value);
    return 0;
}

int account_merge_limits(json_t *limits, const json_t *changes, struct err *err)
{
    const char *key;
    json_t *value;
    int r;

    if (!changes || json_is_null(changes))
        return 0;
    if (!json_is_object(changes))
        return err_set(err, ERR_INVALID, "limits are an object of numbers");
    json_object_foreach((json_t *)changes, key, value)
        if ((r = merge_limit(limits, key, value, err)) < 0)
            return r;
    return 0;
}

/* A label of a host, so in small letters. */
static int take_subdomain(const char *from, char to[ID_BYTES_MAX + 1], struct err *err)
{
    int r = check_id("the subdomain", from, err);
    size_t i;

    if (r < 0)
        return r;
    for (i = 0; from[i]; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[i] = 0;
    return 0;
}

/* ---- verbs ---- */

static int write_row(struct registry *registry, const char *id, const json_t *row,
                     const json_t *limits, struct err *err)
{
    const json_t *name = json_object_get(row, "name");
    const char *subdomain = member_text(row, "subdomain");
    char label[ID_BYTES_MAX + 1];
    int r;

    if ((r = check_id("the id", id, err)) < 0 || (name && (r = check_name(name, err)) < 0) ||
        (r = take_subdomain(subdomain ? subdomain : id, label, err)) < 0)
        return r;
    r = query_run(registry->db,
                  query_make(registry->db,
                             "INSERT INTO account (id, name, subdomain, limits, created_ms) "
                             "VALUES (?, ?, ?, ?, ?)",
                             "tttji", id, name ? json_string_value(name) : id, label, limits,
                             clock_wall_ms()),
                  err);
    return r == ERR_EXISTS
               ? err_set(err, r, "there is an account with the id %s or the subdomain %s", id,
                         label)
               : r;
}

int account_add(struct registry *registry, const json_t *row, json_t **ret, struct err *err)
{
    const json_t *given = json_object_get(row, "id");
    json_t *limits = json_object();
    char made[33];
    const char *id = given ? json_string_value(given) : made;
    int r;

    hex_random(made, 32);
    if ((r = account_merge_limits(limits, json_object_get(row, "limits"), err)) == 0)
        r = write_row(registry, id, row, limits, err);
    json_decref(limits);
    return r < 0 ? r : account_get(registry, id, ret, err);
}

int account_get(struct registry *registry, const char *id, json_t **ret, struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db, "SELECT " COLUMNS " FROM account WHERE id = ?", "t",
                                 id),
                      ret, err);

    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no account %.100s", id);
    return r < 0 ? r : 0;
}

static int update_row(struct registry *registry, const char *id, const json_t *changes, json_t *row,
                      struct err *err)
{
    const json_t *name = json_object_get(changes, "name");
    const json_t *subdomain = json_object_get(changes, "subdomain");
    json_t *limits = json_object_get(row, "limits");
    char label[ID_BYTES_MAX + 1];
    int r;

    if ((name && (r = check_name(name, err)) < 0) ||
        (r = take_subdomain(json_string_value(subdomain ? subdomain
                                                        : json_object_get(row, "subdomain")),
                            label, err)) < 0 ||
        (r = account_merge_limits(limits, json_object_get(changes, "limits"), err)) < 0)
        return r;
    r = query_run(registry->db,
                  query_make(registry->db,
                             "UPDATE account SET name = ?, subdomain = ?, limits = ? WHERE id = ?",
                             "vtjt", name ? name : json_object_get(row, "name"), label, limits, id),
                  err);
    return r == ERR_EXISTS ? err_set(err, r, "the subdomain %s is another account's", label) : r;
}

int account_update(struct registry *registry, const char *id, const json_t *changes, json_t **ret,
                   struct err *err)
{
    json_t *row;
    int r = account_get(registry, id, &row, err);

    if (r < 0)
        return r;
    r = update_row(registry, id, changes, row, err);
    json_decref(row);
    return r < 0 ? r : account_get(registry, id, ret, err);
}

int account_delete(struct registry *registry, const char *id, struct err *err)
{
    int64_t script;
    int r;

    if (strcmp(id, ACCOUNT_DEFAULT) == 0)
        return err_set(err, ERR_INVALID, "the account %s stays", id);
    r = query_integer(registry->db,
                      query_make(registry->db, "SELECT 1 FROM script WHERE account = ? LIMIT 1",
                                 "t", id),
                      &script, err);
    if (r > 0)
        return err_set(err, ERR_EXISTS, "the account %s has workers: delete them first", id);
    if (r == 0)
        r = query_run(registry->db,
                      query_make(registry->db, "DELETE FROM account WHERE id = ?", "t", id), err);
    if (r == 0 && query_changes(registry->db) == 0)
        r = err_set(err, ERR_NOT_FOUND, "there is no account %.100s", id);
    return r;
}

int account_list(struct registry *registry, size_t offset, size_t limit, json_t **ret,
                 struct err *err)
{
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM account ORDER BY seq LIMIT ? OFFSET ?",
                                 "ii", (int64_t)limit, (int64_t)offset),
                      ret, err);
}
