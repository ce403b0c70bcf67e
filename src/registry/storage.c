/* What holds tenants' data; see storage.h. */
#include "registry/storage.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "registry/registry_private.h"

#define COLUMNS "id, account, kind, name, created_ms, settings AS \"settings:json\""

enum { HEX_DIGITS = 32 };

/* ---- checks ---- */

static int check_name(const char *name, struct err *err)
{
    str text = str_from(name);
    bool is_good = text.len >= 1 && text.len <= STORAGE_NAME_MAX && utf8_is_valid(text);

    for (size_t i = 0; i < text.len && is_good; i++)
        is_good = (unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f;
    if (is_good)
        return 0;
    return err_set(err, ERR_INVALID, "a name is a text of 1 to %d bytes without control characters",
                   STORAGE_NAME_MAX);
}

static int check_id(const char *id, struct err *err)
{
    size_t len = strlen(id);
    bool is_good = len >= 1 && len <= STORAGE_ID_MAX;

    for (size_t i = 0; i < len && is_good; i++)
        is_good = isalnum((unsigned char)id[i]) || id[i] == '-' || id[i] == '_';
    if (is_good)
        return 0;
    return err_set(err, ERR_INVALID, "an id is 1 to %d letters, digits, \"-\" and \"_\"",
                   STORAGE_ID_MAX);
}

static int count(struct registry *registry, const char *account, const char *kind, const char *name,
                 int64_t *ret, struct err *err)
{
    static const char all[] = "SELECT count(*) FROM storage WHERE account = ? AND kind = ?";
    static const char some[] =
        "SELECT count(*) FROM storage WHERE account = ? AND kind = ? AND name = ?";
    int r = query_integer(registry->db,
                          name ? query_make(registry->db, some, "ttt", account, kind, name)
                               : query_make(registry->db, all, "tt", account, kind),
                          ret, err);

    return r < 0 ? r : 0;
}

static int check_room(struct registry *registry, const char *account, const char *kind,
                      struct err *err)
{
    int64_t there = 0;
    int r = count(registry, account, kind, NULL, &there, err);

    if (r == 0 && there >= STORAGE_COUNT_MAX)
        r = err_set(err, ERR_LIMIT, "an account has at most %d of these", STORAGE_COUNT_MAX);
    return r;
}

/* Data that is still being removed would go with what is stored anew. */
static int check_free(struct registry *registry, const char *account, const char *kind,
                      const char *id, struct err *err)
{
    int64_t one;
    int r = query_integer(registry->db,
                          query_make(registry->db,
                                     "SELECT 1 FROM storage_gone WHERE store = "
                                     "?1 || '/' || ?2 || '/' || ?3",
                                     "ttt", account, kind, id),
                          &one, err);

    return r > 0 ? err_set(err, ERR_EXISTS,
                           "what had the id %s was deleted a moment ago and its data is being "
                           "removed: try again in some minutes, or take another id",
                           id)
                 : r;
}

/* ---- one ---- */

static void make_id(const char *kind, char id[37])
{
    if (strcmp(kind, "kv") != 0) {
        registry_new_id(id);
        return;
    }
    hex_random(id, HEX_DIGITS);
}

static int find_id(struct registry *registry, const char *account, const char *kind, const char *id,
                   json_t **ret, struct err *err)
{
    return query_row(registry->db,
                     query_make(registry->db,
                                "SELECT " COLUMNS " FROM storage WHERE account = ? AND kind = ? "
                                "AND id = ?",
                                "ttt", account, kind, id),
                     ret, err);
}

static int find_name(struct registry *registry, const char *account, const char *kind,
                     const char *name, json_t **ret, struct err *err)
{
    return query_row(registry->db,
                     query_make(registry->db,
                                "SELECT " COLUMNS " FROM storage WHERE account = ? AND kind = ? "
                                "AND name = ?",
                                "ttt", account, kind, name),
                     ret, err);
}

/* Says what is there already. */
static int refuse(struct registry *registry, const char *account, const char *kind,
                  const char *name, const char *id, struct err *err)
{
    json_t *row;
    int r = find_name(registry, account, kind, name, &row, err);

    if (r < 0)
        return r;
    if (r == 0)
        return err_set(err, ERR_EXISTS, "the id %s is taken", id);
    json_decref(row);
    return err_set(err, ERR_EXISTS, "the name \"%.512s\" is taken", name);
}

static int insert(struct registry *registry, const json_t *row, const char *id, struct err *err)
{
    const char *account = member_text(row, "account"), *kind = member_text(row, "kind");
    const char *name = member_text(row, "name");
    json_t *settings = json_object_get(row, "settings"), *none = json_object();
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "INSERT INTO storage (account, kind, id, name, created_ms, "
                                 "settings) VALUES (?, ?, ?, ?, ?, ?)",
                                 "ttttij", account, kind, id, name, clock_wall_ms(),
                                 settings ? settings : none),
                      err);

    json_decref(none);
    return r == ERR_EXISTS ? refuse(registry, account, kind, name, id, err) : r;
}

int storage_add(struct registry *registry, const json_t *row, json_t **ret, struct err *err)
{
    const char *account = member_text(row, "account"), *kind = member_text(row, "kind");
    const char *given = member_text(row, "id");
    char made[37];
    int r;

    ASSERT(account && kind);
    make_id(kind, made);
    if ((r = check_name(member_text(row, "name"), err)) < 0 ||
        (given && (r = check_id(given, err)) < 0) ||
        (r = check_room(registry, account, kind, err)) < 0 ||
        (given && (r = check_free(registry, account, kind, given, err)) < 0) ||
        (r = insert(registry, row, given ? given : made, err)) < 0)
        return r;
    return storage_get(registry, account, kind, given ? given : made, ret, err);
}

int storage_get(struct registry *registry, const char *account, const char *kind,
                const char *id_or_name, json_t **ret, struct err *err)
{
    int r = find_id(registry, account, kind, id_or_name, ret, err);

    if (r == 0)
        r = find_name(registry, account, kind, id_or_name, ret, err);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no \"%.512s\" in the account %s", id_or_name,
                       account);
    return r < 0 ? r : 0;
}

static int expect_one(struct registry *registry, int r, const char *id, struct err *err)
{
    if (r == 0 && query_changes(registry->db) == 0)
        r = err_set(err, ERR_NOT_FOUND, "there is nothing with the id %.100s", id);
    return r;
}

int storage_rename(struct registry *registry, const char *account, const char *kind, const char *id,
                   const char *name, struct err *err)
{
    int r = check_name(name, err);

    if (r < 0)
        return r;
    r = query_run(registry->db,
                  query_make(registry->db,
                             "UPDATE storage SET name = ? WHERE account = ? AND kind = ? AND "
                             "id = ?",
                             "tttt", name, account, kind, id),
                  err);
    if (r == ERR_EXISTS)
        return err_set(err, r, "the name \"%.512s\" is taken", name);
    return expect_one(registry, r, id, err);
}

int storage_set(struct registry *registry, const char *account, const char *kind, const char *id,
                const json_t *settings, struct err *err)
{
    char *text = json_dumps(settings, JSON_COMPACT);
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "UPDATE storage SET settings = ? WHERE account = ? AND kind = ? "
                                 "AND id = ?",
                                 "tttt", text, account, kind, id),
                      err);

    free(text);
    return expect_one(registry, r, id, err);
}

int storage_delete(struct registry *registry, const char *account, const char *kind, const char *id,
                   struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "DELETE FROM storage WHERE account = ? AND kind = ? AND id = ?",
                                 "ttt", account, kind, id),
                      err);

    return expect_one(registry, r, id, err);
}

/* ---- many ---- */

int storage_list(struct registry *registry, const struct storage_query *query, json_t **ret,
                 size_t *ret_total, struct err *err)
{
    static const char all[] = "SELECT " COLUMNS " FROM storage WHERE account = ? AND kind = ? "
                              "ORDER BY name LIMIT ? OFFSET ?";
    static const char some[] = "SELECT " COLUMNS " FROM storage WHERE account = ? AND kind = ? "
                               "AND name = ? LIMIT ? OFFSET ?";
    int64_t limit = (int64_t)query->limit, offset = (int64_t)query->offset, total = 0;
    int r = count(registry, query->account, query->kind, query->name, &total, err);

    if (r < 0)
        return r;
    *ret_total = (size_t)total;
    return query_rows(registry->db,
                      query->name ? query_make(registry->db, some, "tttii", query->account,
                                               query->kind, query->name, limit, offset)
                                  : query_make(registry->db, all, "ttii", query->account,
                                               query->kind, limit, offset),
                      ret, err);
}

int storage_named(struct registry *registry, const char *kind, const char *name, json_t **ret,
                  struct err *err)
{
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM storage WHERE kind = ? AND name = ? "
                                 "ORDER BY account LIMIT ?",
                                 "tti", kind, name, (int64_t)STORAGE_NAMED_MAX),
                      ret, err);
}

int storage_list_all(struct registry *registry, const char *account, json_t **ret, struct err *err)
{
    static const char all[] = "SELECT " COLUMNS " FROM storage ORDER BY account, kind, id";
    static const char some[] = "SELECT " COLUMNS
                               " FROM storage WHERE account = ? ORDER BY kind, id";

    return query_rows(registry->db,
                      account ? query_make(registry->db, some, "t", account)
                              : query_make(registry->db, all, ""),
                      ret, err);
}

int storage_gone(struct registry *registry, json_t **ret, struct err *err)
{
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT store, kind, gone_ms FROM storage_gone ORDER BY gone_ms",
                                 ""),
                      ret, err);
}

int storage_forget(struct registry *registry, const char *store, struct err *err)
{
    return query_run(registry->db,
                     query_make(registry->db, "DELETE FROM storage_gone WHERE store = ?", "t",
                                store),
                     err);
}

int storage_users(struct registry *registry, const char *account, const char *id, json_t **ret,
                  struct err *err)
{
    json_t *rows, *row, *ids;
    size_t i;
    int r = query_rows(registry->db,
                       query_make(registry->db,
                                  "SELECT DISTINCT script_id FROM version JOIN script ON "
                                  "script.id = version.script_id WHERE script.account = ? AND "
                                  "instr(version.body, '\"' || ? || '\"')",
                                  "tt", account, id),
                       &rows, err);

    if (r < 0)
        return r;
    ids = json_array();
    json_array_foreach(rows, i, row)
        json_array_append(ids, json_object_get(row, "script_id"));
    json_decref(rows);
    *ret = ids;
    return 0;
}

char *storage_store(const json_t *row)
{
    struct buf text;

    buf_init(&text, 1024);
    ASSERT(buf_printf(&text, "%s/%s/%s", member_text(row, "account"), member_text(row, "kind"),
                      member_text(row, "id")) == 0);
    return buf_take(&text, NULL);
}
