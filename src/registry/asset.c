/* Static assets; see asset.h.
 *
 * `asset` says what an account calls contents, `asset_file` which contents a site is made of, and
 * `content` (as for modules) which version has the site: contents stay while one of them names
 * them. */
#include "registry/asset.h"

#include <stdlib.h>

#include "base/member.h"
#include "os/clock.h"
#include "registry/opaque.h"
#include "registry/registry_private.h"
#include "store/blob.h"

#define SIGN_PREFIX "assets."

_Static_assert((int)ASSET_HASH_BYTES == (int)BLOB_NAME_BYTES, "contents have names of blobs");

/* ---- sessions ---- */

static int forget_sessions(struct registry *registry, const char *account, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db, "DELETE FROM asset_session WHERE created_ms < ?",
                                 "i", clock_wall_ms() - ASSET_SESSION_MS),
                      err);

    return r < 0
               ? r
               : query_run(registry->db,
                           query_make(registry->db,
                                      "DELETE FROM asset_session WHERE account = ?1 AND id NOT IN ("
                                      "SELECT id FROM asset_session WHERE account = ?1 "
                                      "ORDER BY created_ms DESC LIMIT ?2)",
                                      "ti", account, (int64_t)ASSET_SESSIONS_MAX - 1),
                           err);
}

int asset_begin(struct registry *registry, const char *account, const char *script,
                const json_t *files, char ret_id[ASSET_ID_BYTES], struct err *err)
{
    int r = registry_change_begin(registry, err);

    if (r < 0)
        return r;
    registry_new_id(ret_id);
    if ((r = forget_sessions(registry, account, err)) == 0)
        r = query_run(
            registry->db,
            query_make(registry->db,
                       "INSERT INTO asset_session (id, account, script, files, created_ms)"
                       " VALUES (?, ?, ?, ?, ?)",
                       "tttji", ret_id, account, script, files, clock_wall_ms()),
            err);
    return registry_change_end(registry, r, err);
}

int asset_session(struct registry *registry, const char *id, json_t **ret, struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT account, script, files AS \"files:json\" "
                                 "FROM asset_session WHERE id = ? AND created_ms >= ?",
                                 "ti", id, clock_wall_ms() - ASSET_SESSION_MS),
                      ret, err);

    return r == 0  ? err_set(err, ERR_NOT_FOUND, "this upload is over: begin it again")
           : r < 0 ? r
                   : 0;
}

/* ---- what an account has ---- */

static int find(struct registry *registry, const char *account, const char *key, json_t **ret,
                struct err *err)
{
    return query_row(registry->db,
                     query_make(registry->db,
                                "SELECT hash, bytes, type FROM asset WHERE account = ? AND key = ?",
                                "tt", account, key),
                     ret, err);
}

/* What is used in a session is not forgotten before it ends. */
static int touch(struct registry *registry, const char *account, const char *key, struct err *err)
{
    int64_t now_ms = clock_wall_ms();

    return query_run(registry->db,
                     query_make(registry->db,
                                "UPDATE asset SET used_ms = ? WHERE account = ? AND key = ? "
                                "AND used_ms < ?",
                                "itti", now_ms, account, key, now_ms - ASSET_SESSION_MS),
                     err);
}

static const char *key_of(const json_t *file)
{
    return member_text(file, "hash");
}

static int look(struct registry *registry, const char *account, const json_t *file, json_t *missing,
                struct err *err)
{
    json_t *row = NULL;
    int r = find(registry, account, key_of(file), &row, err);

    if (r > 0 && member_int(row, "bytes") != member_int(file, "size"))
        r = 0; /* another file under the same name: it is sent again */
    json_decref(row);
    if (r == 0)
        json_object_set(missing, key_of(file), json_object_get(file, "size"));
    return r > 0 ? touch(registry, account, key_of(file), err) : r;
}

int asset_missing(struct registry *registry, const char *account, const json_t *files, json_t **ret,
                  struct err *err)
{
    json_t *missing = json_object(), *file;
    const char *path;
    int r = registry_change_begin(registry, err);

    if (r < 0) {
        json_decref(missing);
        return r;
    }
    json_object_foreach((json_t *)files, path, file)
        if (r == 0)
            r = look(registry, account, file, missing, err);
    if ((r = registry_change_end(registry, r, err)) < 0)
        json_decref(missing);
    else
        *ret = missing;
    return r;
}

int asset_files(struct registry *registry, const char *account, const json_t *files, json_t **ret,
                struct err *err)
{
    json_t *list = json_array(), *file, *row;
    const char *path;
    int r = 0;

    json_object_foreach((json_t *)files, path, file) {
        if (r < 0)
            break;
        r = find(registry, account, key_of(file), &row, err);
        if (r == 0)
            r = err_set(err, ERR_NOT_FOUND, "the file %.200s was not uploaded", path);
        if (r < 0)
            break;
        json_object_set_new(row, "path", json_string(path));
        json_array_append_new(list, row);
        r = 0;
    }
    if (r < 0)
        json_decref(list);
    else
        *ret = list;
    return r;
}

int asset_add(struct registry *registry, const char *account, const struct asset_content *content,
              struct err *err)
{
    return query_run(registry->db,
                     query_make(registry->db,
                                "INSERT OR REPLACE INTO asset (account, key, hash, bytes, type, "
                                "used_ms) VALUES (?, ?, ?, ?, ?, ?)",
                                "tttiti", account, content->key, content->hash, content->bytes,
                                content->type, clock_wall_ms()),
                     err);
}

/* ---- contents ---- */

void asset_hold(struct registry *registry)
{
    atomic_fetch_add(&registry->backups, 1);
}

void asset_release(struct registry *registry)
{
    atomic_fetch_sub(&registry->backups, 1);
}

int asset_store(const struct registry *registry, str bytes, char ret[ASSET_HASH_BYTES],
                struct err *err)
{
    return blob_put(registry->blobs, bytes, ret, err);
}

int asset_link(const struct registry *registry, const char *hash, const char *to, struct err *err)
{
    return blob_link(registry->blobs, hash, to, err);
}

int asset_add_site(struct registry *registry, str text, const json_t *hashes,
                   char ret[ASSET_HASH_BYTES], struct err *err)
{
    const json_t *hash;
    size_t i;
    int r = blob_put(registry->blobs, text, ret, err);

    if (r < 0 || (r = registry_change_begin(registry, err)) < 0)
        return r;
    json_array_foreach(hashes, i, hash)
        if (r == 0)
            r = query_run(registry->db,
                          query_make(registry->db,
                                     "INSERT OR IGNORE INTO asset_file (manifest, hash) "
                                     "VALUES (?, ?)",
                                     "tv", ret, hash),
                          err);
    return registry_change_end(registry, r, err);
}

int asset_site(struct registry *registry, const char *manifest, struct buf *out, struct err *err)
{
    return blob_get(registry->blobs, manifest, out, err);
}

int asset_is_used(struct registry *registry, const char *hash, struct err *err)
{
    int64_t one;

    return query_integer(registry->db,
                         query_make(registry->db,
                                    "SELECT 1 FROM content WHERE hash = ?1 UNION ALL "
                                    "SELECT 1 FROM asset_file JOIN content "
                                    "ON content.hash = asset_file.manifest "
                                    "WHERE asset_file.hash = ?1 LIMIT 1",
                                    "t", hash),
                         &one, err);
}

int asset_sweep(struct registry *registry, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "DELETE FROM asset_file WHERE manifest NOT IN "
                                 "(SELECT hash FROM content)",
                                 ""),
                      err);

    return r < 0 ? r
                 : query_run(registry->db,
                             query_make(registry->db,
                                        "DELETE FROM asset WHERE used_ms < ? AND hash NOT IN "
                                        "(SELECT hash FROM asset_file)",
                                        "i", clock_wall_ms() - ASSET_KEPT_MS),
                             err);
}

char *asset_sign(const struct registry *registry, str text)
{
    char *derived = opaque_derive(SIGN_PREFIX, registry->key, text);
    char *signature = str_dup(str_from(derived + strlen(SIGN_PREFIX)));

    free(derived);
    return signature;
}
