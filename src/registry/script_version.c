/* Versions; see script_version.h.
 *
 * The row's JSON is stored as it is, without what has columns of its own. Contents are written
 * first, then the row with its secrets and the names of its contents in one change. */
#include "registry/script_version.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "os/clock.h"
#include "registry/registry_private.h"
#include "store/blob.h"

#define COLUMNS "body AS \"*:json\", id, script_id, number, created_ms"

enum { BODY_BYTES_MAX = 16 << 20, PLACE_BYTES_MAX = 1024 };

/* ---- contents ---- */

/* Writes an item's bytes, or sees that they are there; sets its hash. */
static int put_item(struct registry *registry, json_t *item, str *rest, struct err *err)
{
    int64_t bytes = member_int(item, "bytes");
    char hash[BLOB_NAME_BYTES];
    int r;

    if (bytes < 0 || (uint64_t)bytes > rest->len)
        return err_set(err, ERR_INVALID,
                       "the contents of a version are shorter than its parts say");
    if ((r = blob_put(registry->blobs, str_head(*rest, (size_t)bytes), hash, err)) < 0)
        return r;
    *rest = str_skip(*rest, (size_t)bytes);
    json_object_set_new(item, "hash", json_string(hash));
    return 0;
}

/* A copy names contents that some version has already. */
static int find_item(struct registry *registry, const json_t *item, struct err *err)
{
    const char *hash = member_text(item, "hash");
    int64_t one;
    int r = query_integer(registry->db,
                          query_make(registry->db, "SELECT 1 FROM content WHERE hash = ? LIMIT 1",
                                     "t", hash),
                          &one, err);

    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "the contents %.64s are not there any more: upload them",
                       hash ? hash : "without a hash");
    return r < 0 ? r : 0;
}

static int put_items(struct registry *registry, json_t *row, const char *key, const str *contents,
                     struct err *err)
{
    json_t *items = json_object_get(row, key), *item;
    str rest = contents ? *contents : STR_NONE;
    size_t i;
    int r;

    if (!json_is_array(items))
        return err_set(err, ERR_INVALID, "the %s of a version are an array", key);
    json_array_foreach(items, i, item) {
        r = contents ? put_item(registry, item, &rest, err) : find_item(registry, item, err);
        if (r < 0)
            return r;
    }
    if (rest.len)
        return err_set(err, ERR_INVALID, "the contents of a version are longer than its %s say",
                       key);
    return 0;
}

/* Of names, types and hashes of what was uploaded. */
static void set_etag(json_t *row)
{
    char *text = json_dumps(json_object_get(row, "modules"), JSON_COMPACT | JSON_SORT_KEYS);
    char etag[BLOB_NAME_BYTES];

    blob_name(str_from(text), etag);
    free(text);
    json_object_set_new(row, "etag", json_string(etag));
}

/* ---- bindings and secrets ---- */

static bool is_secret(const json_t *binding)
{
    return member_is(binding, "type", "secret_text");
}

static int add_binding(json_t *bindings, const char *name, const json_t *text, struct err *err)
{
    json_t *binding = member_find(bindings, "name", name);

    if (!json_is_string(text) || !*name)
        return err_set(err, ERR_INVALID, "the secret \"%.100s\" is no text with a name", name);
    if (binding && !is_secret(binding))
        return err_set(err, ERR_INVALID, "\"%.100s\" is a secret and also another binding", name);
    if (!binding)
        json_array_append_new(bindings,
                              json_pack("{s:s, s:s}", "name", name, "type", "secret_text"));
    return 0;
}

/* Texts of secrets stay out of the row, each secret has its binding, and each binding its text. */
static int match_secrets(json_t *row, const json_t *secrets, struct err *err)
{
    json_t *bindings = json_object_get(row, "bindings"), *binding, *text;
    const char *name;
    size_t i;
    int r;

    json_object_foreach((json_t *)secrets, name, text)
        if ((r = add_binding(bindings, name, text, err)) < 0)
            return r;
    json_array_foreach(bindings, i, binding) {
        if (!is_secret(binding))
            continue;
        name = member_text(binding, "name");
        if (!name || !json_object_get(secrets, name))
            return err_set(err, ERR_INVALID, "the secret \"%.100s\" has no text", name ? name : "");
        json_object_del(binding, "text");
    }
    return 0;
}

static str place_of(const char *id, const char *name, char place[PLACE_BYTES_MAX])
{
    int len = snprintf(place, PLACE_BYTES_MAX, "%s/%s", id, name);

    return (str){place, (size_t)len < PLACE_BYTES_MAX ? (size_t)len : PLACE_BYTES_MAX - 1};
}

static int write_secret(struct registry *registry, int64_t version, str place, const json_t *text,
                        struct err *err)
{
    str plain = {json_string_value(text), json_string_length(text)};
    const char *name = place.ptr + str_find(place, '/') + 1;
    struct buf sealed;
    int r;

    buf_init(&sealed, SECRET_TEXT_MAX + SECRET_SEAL_BYTES);
    if ((r = secret_seal(registry->key, place, plain, &sealed, err)) == 0)
        r = query_run(registry->db,
                      query_make(registry->db,
                                 "INSERT INTO secret (version, name, sealed) VALUES (?, ?, ?)",
                                 "itb", version, name, buf_str(&sealed)),
                      err);
    buf_done(&sealed);
    return r;
}

static int write_secrets(struct registry *registry, int64_t version, const char *id,
                         const json_t *secrets, struct err *err)
{
    char place[PLACE_BYTES_MAX];
    const char *name;
    json_t *text;
    int r;

    json_object_foreach((json_t *)secrets, name, text) {
        if (strlen(name) > SCRIPT_VERSION_NAME_MAX)
            return err_set(err, ERR_LIMIT, "the name of a secret has at most %d bytes",
                           SCRIPT_VERSION_NAME_MAX);
        if ((r = write_secret(registry, version, place_of(id, name, place), text, err)) < 0)
            return r;
    }
    return 0;
}

/* ---- adding ---- */

static int write_contents(struct registry *registry, int64_t version, const json_t *items,
                          struct err *err)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach(items, i, item)
        if (r == 0)
            r = query_run(registry->db,
                          query_make(registry->db,
                                     "INSERT OR IGNORE INTO content (hash, version) VALUES (?, ?)",
                                     "vi", json_object_get(item, "hash"), version),
                          err);
    return r;
}

/* The site of static assets is a content, too. */
static int write_site(struct registry *registry, int64_t version, const json_t *assets,
                      struct err *err)
{
    const json_t *manifest = json_object_get(assets, "manifest");

    if (!json_is_string(manifest))
        return 0;
    return query_run(registry->db,
                     query_make(registry->db,
                                "INSERT OR IGNORE INTO content (hash, version) VALUES (?, ?)", "vi",
                                manifest, version),
                     err);
}

/* The oldest ones go, but not those that a deployment names. */
static int forget_oldest(struct registry *registry, int64_t script_id, int64_t number,
                         struct err *err)
{
    if (number <= SCRIPT_VERSIONS_MAX)
        return 0;
    return query_run(
        registry->db,
        query_make(registry->db,
                   "DELETE FROM version WHERE script_id = ?1 AND number <= ?2 AND id NOT IN ("
                   "SELECT json_extract(value, '$.version_id') FROM deployment, "
                   "json_each(deployment.versions) WHERE deployment.script_id = ?1)",
                   "ii", script_id, number - SCRIPT_VERSIONS_MAX),
        err);
}

static int insert(struct registry *registry, int64_t script_id, const char *id, json_t *row,
                  int64_t *ret_version, struct err *err)
{
    int64_t number = 0;
    int r = query_integer(registry->db,
                          query_make(registry->db,
                                     "SELECT ifnull(max(number), 0) + 1 FROM version "
                                     "WHERE script_id = ?",
                                     "i", script_id),
                          &number, err);

    if (r < 0)
        return r;
    r = query_run(registry->db,
                  query_make(registry->db,
                             "INSERT INTO version (id, script_id, number, created_ms, body) "
                             "VALUES (?, ?, ?, ?, ?)",
                             "tiiij", id, script_id, number, clock_wall_ms(), row),
                  err);
    if (r < 0)
        return r;
    *ret_version = sqlite3_last_insert_rowid(db_connection(registry->db));
    return forget_oldest(registry, script_id, number, err);
}

static int write_row(struct registry *registry, int64_t script_id, const char *id, json_t *row,
                     const json_t *secrets, struct err *err)
{
    int64_t version = 0;
    int r;

    if ((r = insert(registry, script_id, id, row, &version, err)) < 0 ||
        (r = write_site(registry, version, json_object_get(row, "assets"), err)) < 0 ||
        (r = write_contents(registry, version, json_object_get(row, "parts"), err)) < 0 ||
        (r = write_contents(registry, version, json_object_get(row, "modules"), err)) < 0)
        return r;
    return write_secrets(registry, version, id, secrets, err);
}

/* What every row has, without what has columns of its own. */
static json_t *fill(const json_t *row)
{
    static const char *const columns[] = {"id", "script_id", "number", "created_ms"};
    static const char *const arrays[] = {"handlers", "compatibility_flags", "bindings", "parts",
                                         "modules"};
    static const char *const objects[] = {"annotations", "limits"};
    json_t *full = json_deep_copy(row);

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        json_object_del(full, columns[i]);
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        if (!json_is_array(json_object_get(full, arrays[i])))
            json_object_set_new(full, arrays[i], json_array());
    for (size_t i = 0; i < COUNT_OF(objects); i++)
        if (!json_is_object(json_object_get(full, objects[i])))
            json_object_set_new(full, objects[i], json_object());
    return full;
}

static int add(struct registry *registry, int64_t script_id, json_t *row, const char *id,
               const json_t *secrets, struct err *err)
{
    int r;

    if (json_dumpb(row, NULL, 0, JSON_COMPACT) > BODY_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the description of a version has at most %d bytes of JSON",
                       BODY_BYTES_MAX);
    if ((r = registry_change_begin(registry, err)) < 0)
        return r;
    if ((r = script_touch(registry, script_id, err)) == 0)
        r = write_row(registry, script_id, id, row, secrets, err);
    return registry_change_end(registry, r, err);
}

int script_version_add(struct registry *registry, int64_t script_id,
                       const struct script_version_draft *draft, json_t **ret, struct err *err)
{
    const struct script_version_contents *contents = draft->contents;
    json_t *row = fill(draft->row);
    char id[37];
    int r;

    registry_new_id(id);
    if ((r = match_secrets(row, draft->secrets, err)) < 0 ||
        (r = put_items(registry, row, "parts", contents ? &contents->parts : NULL, err)) < 0 ||
        (r = put_items(registry, row, "modules", contents ? &contents->modules : NULL, err)) < 0)
        goto done;
    if (!json_is_string(json_object_get(row, "etag")))
        set_etag(row);
    r = add(registry, script_id, row, id, draft->secrets, err);
done:
    json_decref(row);
    return r < 0 ? r : script_version_get(registry, script_id, id, ret, err);
}

/* ---- reading ---- */

int script_version_get(struct registry *registry, int64_t script_id, const char *id, json_t **ret,
                       struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM version WHERE id = ? AND script_id = ?",
                                 "ti", id, script_id),
                      ret, err);

    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "the worker has no version %.100s", id);
    return r < 0 ? r : 0;
}

int script_version_latest(struct registry *registry, int64_t script_id, json_t **ret,
                          struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM version WHERE script_id = ? "
                                 "ORDER BY number DESC LIMIT 1",
                                 "i", script_id),
                      ret, err);

    return r == 0 ? err_set(err, ERR_NOT_FOUND, "the worker has no version yet") : r < 0 ? r : 0;
}

int script_version_list(struct registry *registry, int64_t script_id, size_t offset, size_t limit,
                        json_t **ret, struct err *err)
{
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM version WHERE script_id = ? "
                                 "ORDER BY number DESC LIMIT ? OFFSET ?",
                                 "iii", script_id, (int64_t)limit, (int64_t)offset),
                      ret, err);
}

/* The secret of the statement's row, into `secrets`. */
static int take_secret(struct registry *registry, const char *id, sqlite3_stmt *row,
                       json_t *secrets, struct err *err)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    char place[PLACE_BYTES_MAX];
    struct buf text;
    json_t *value;
    int r;

    buf_init(&text, SECRET_TEXT_MAX + SECRET_SEAL_BYTES);
    r = secret_open(registry->key, place_of(id, name, place), db_column(row, 1), &text, err);
    if (r == 0) {
        value = json_stringn(text.ptr ? text.ptr : "", text.len);
        if (json_object_set_new(secrets, name, value) < 0)
            r = err_set(err, ERR_IO, "the secret %.100s is damaged", name);
    }
    if (text.ptr)
        secret_text_clear(text.ptr, text.cap);
    buf_done(&text);
    return r < 0 ? ERR_IO : 0;
}

int script_version_secrets(struct registry *registry, const char *id, json_t **ret, struct err *err)
{
    sqlite3_stmt *rows = query_make(registry->db,
                                    "SELECT secret.name, secret.sealed FROM version JOIN secret "
                                    "ON secret.version = version.seq WHERE version.id = ?",
                                    "t", id);
    json_t *secrets = json_object();
    int r;

    while ((r = db_step(rows)) > 0)
        if ((r = take_secret(registry, id, rows, secrets, err)) < 0) {
            sqlite3_reset(rows);
            json_decref(secrets);
            return r;
        }
    if (r < 0) {
        json_decref(secrets);
        return query_fail(registry->db, r, err);
    }
    *ret = secrets;
    return 0;
}

int script_version_contents(struct registry *registry, const json_t *items, struct buf *out,
                            struct err *err)
{
    size_t before = out->len, start, i;
    const json_t *item;
    int r = 0;

    json_array_foreach(items, i, item) {
        const char *hash = member_text(item, "hash");

        start = out->len;
        r = blob_get(registry->blobs, hash ? hash : "", out, err);
        if (r == 0 && (json_int_t)(out->len - start) != member_int(item, "bytes"))
            r = err_set(err, ERR_IO, "the contents %.64s have another size than the version says",
                        hash);
        if (r < 0)
            break;
    }
    if (r < 0)
        out->len = before;
    return r < 0 && r != ERR_LIMIT ? ERR_IO : r;
}
