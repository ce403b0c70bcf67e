/* A bucket's index: objects; see r2_store.h.
 *
 *   object ── value, when it is small
 *        └─── piece 0, piece 1 ...: files
 *
 * (1) A file is named by one row at most: a piece's, a part's, or one of those that are doomed. It
 * is
 *     on the disk before a row names it, and what no row names is what a crash left behind.
 * (2) A file that is not wanted any more is doomed in the transaction that takes its row, and goes
 *     later: who reads has found its name before.
 * (3) Keys are compared as bytes, which is the order of UTF-8's code points. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/member.h"
#include "bindings/quota.h"
#include "bindings/r2/r2_condition.h"
#include "bindings/r2/r2_store_private.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

enum { CACHE_KIB = 1024, ETAG_BYTES_MAX = 64 };

static const char *const steps[] = {
    "CREATE TABLE object (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, etag TEXT NOT NULL,"
    "  size INTEGER NOT NULL, uploaded INTEGER NOT NULL, meta TEXT NOT NULL, value BLOB);"
    "CREATE TABLE piece (object INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  length INTEGER NOT NULL, file TEXT NOT NULL UNIQUE, PRIMARY KEY (object, number))"
    "  WITHOUT ROWID;"
    "CREATE TABLE upload (id TEXT PRIMARY KEY, key BLOB NOT NULL, created INTEGER NOT NULL,"
    "  said TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX upload_key ON upload (key, id);"
    "CREATE TABLE part (upload TEXT NOT NULL, number INTEGER NOT NULL, length INTEGER NOT NULL,"
    "  etag TEXT NOT NULL, file TEXT NOT NULL UNIQUE, PRIMARY KEY (upload, number))"
    "  WITHOUT ROWID;"
    "CREATE TABLE doomed (file TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX doomed_until ON doomed (until);",
    "CREATE TABLE seal (until INTEGER NOT NULL);",
    NULL,
};

/* ---- opening ---- */

int r2_store_explain(struct r2_store *store, int code, struct err *err)
{
    sqlite3 *connection;

    if (code >= 0 || err->code)
        return code;
    if (code == ERR_NOT_FOUND)
        return err_set(err, code, "The specified bucket does not exist. (10006)");
    connection = db_connection(store->db);
    if (sqlite3_errcode(connection) == SQLITE_FULL)
        return err_set(err, ERR_LIMIT, "the disk is full");
    if (code == ERR_INVALID)
        return err_set(err, code, "the bucket's index is damaged");
    if (code == ERR_TIMEOUT)
        return err_set(err, code, "the bucket is busy for too long");
    return err_set(err, code, "the bucket cannot be read or written: %s",
                   sqlite3_errmsg(connection));
}

static int open_index(struct r2_store *store, const char *directory, struct err *err)
{
    const struct db_options options = {.survives_power_cut = true, .cache_kib = CACHE_KIB};
    char *path = path_join(str_from(directory), STR("index.db"));
    struct err why = {0};
    int r = db_open_with(path, steps, &options, &store->db, &why);

    free(path);
    if (r == ERR_INVALID)
        return err_set(err, r, "the bucket's index is damaged");
    return r < 0 ? err_set(err, r, "the bucket cannot be opened: %s", err_text(r)) : 0;
}

/* Of several that open it at once, one makes the index. Returns the lock's descriptor. */
static int lock(const char *directory)
{
    char *path = path_join(str_from(directory), STR("lock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    free(path);
    while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
        ;
    return fd;
}

int r2_store_open(const char *directory, struct r2_store **ret, struct err *err)
{
    struct r2_store *store = mem_new(struct r2_store);
    struct err why = {0};
    int r, fd = -1;

    store->bodies = path_join(str_from(directory), STR("bodies"));
    if (path_is_file(directory))
        r = r2_store_explain(store, ERR_NOT_FOUND, err);
    else if (file_make_directories(store->bodies, &why) < 0 || (fd = lock(directory)) < 0)
        r = err_set(err, ERR_IO, "the bucket cannot be opened: %s", err_text(ERR_IO));
    else
        r = open_index(store, directory, err);
    if (fd >= 0)
        close(fd);
    if (r < 0) {
        r2_store_close(store);
        return r;
    }
    *ret = store;
    return 0;
}

void r2_store_close(struct r2_store *store)
{
    if (!store)
        return;
    db_close(store->db);
    free(store->bodies);
    free(store);
}

bool r2_store_is_stale(const struct r2_store *store)
{
    return db_is_stale(store->db);
}

const char *r2_store_bodies(const struct r2_store *store)
{
    return store->bodies;
}

/* ---- small things ---- */

str r2_store_key_of(const json_t *args)
{
    return member_str(args, "key");
}

int r2_store_key(const json_t *args, str *ret, struct err *err)
{
    *ret = member_str(args, "key");
    if (!ret->len || ret->len > R2_STORE_KEY_BYTES_MAX)
        return err_set(err, ERR_INVALID, "The specified object name is not valid. (10020)");
    return 0;
}

int r2_store_check_said(const json_t *args, struct err *err)
{
    const json_t *custom = json_object_get(args, "custom"), *http = json_object_get(args, "http"),
                 *value;
    const char *name;
    size_t bytes = 0, len;

    json_object_keylen_foreach((json_t *)custom, name, len, value)
        bytes += len + json_string_length(value);
    if (bytes > R2_STORE_CUSTOM_BYTES_MAX ||
        (http && json_dumpb(http, NULL, 0, JSON_COMPACT) > R2_STORE_HTTP_BYTES_MAX))
        return err_set(err, ERR_INVALID,
                       "Your metadata headers exceed the maximum allowed metadata size. (10012)");
    return 0;
}

int r2_store_check_sum(const json_t *args, const struct r2_body *body, struct err *err)
{
    const json_t *checksum = json_object_get(args, "checksum");
    str name = member_str(checksum, "name"), hex = member_str(checksum, "hex");
    const char *found = str_equal(name, STR("md5")) ? body->md5 : body->other;
    const char *title = r2_digest_title(name);

    if (!checksum || str_equal(hex, str_from(found)))
        return 0;
    return err_set(err, ERR_INVALID,
                   "The %s checksum you specified did not match what we received.\n"
                   "You provided a %s checksum with value: %.*s\nActual %s was: %s (10037)",
                   title, title, STR_ARGS(hex), title, found);
}

/* ---- reading ---- */

void r2_store_object_init(struct r2_store_object *object)
{
    *object = (struct r2_store_object){0};
    buf_init(&object->meta, R2_STORE_META_BYTES_MAX);
    buf_init(&object->value, R2_BODY_SMALL_BYTES);
    buf_init(&object->etag, ETAG_BYTES_MAX);
}

void r2_store_object_done(struct r2_store_object *object)
{
    buf_done(&object->meta);
    buf_done(&object->value);
    buf_done(&object->etag);
    free(object->pieces);
    object->pieces = NULL;
}

static int read_piece(sqlite3_stmt *row, struct r2_store_object *object)
{
    str file = db_column(row, 1);
    struct r2_store_piece *piece;

    if (file.len != CACHE_BODY_NAME_BYTES - 1 || object->piece_count == R2_STORE_PARTS_MAX)
        return ERR_INVALID;
    object->pieces = mem_resize(object->pieces, (object->piece_count + 1) * sizeof *object->pieces);
    piece = &object->pieces[object->piece_count++];
    piece->length = (uint64_t)sqlite3_column_int64(row, 0);
    memcpy(piece->file, file.ptr, file.len);
    piece->file[file.len] = '\0';
    return 0;
}

static int read_pieces(struct r2_store *store, int64_t id, struct r2_store_object *object)
{
    sqlite3_stmt *rows =
        db_statement(store->db, "SELECT length, file FROM piece WHERE object = ? ORDER BY number");
    int r, step;

    if (!rows)
        return ERR_INVALID;
    sqlite3_bind_int64(rows, 1, id);
    for (r = 0; r == 0 && (step = db_step(rows)) > 0;)
        r = read_piece(rows, object);
    sqlite3_reset(rows);
    return r < 0 ? r : step;
}

/* A column that is longer than it can be is damage. */
static int take_column(sqlite3_stmt *row, int index, struct buf *out)
{
    return buf_append(out, db_column(row, index)) < 0 ? ERR_INVALID : 0;
}

static int read_object(struct r2_store *store, str key, bool with_bytes,
                       struct r2_store_object *ret)
{
    static const char sql[] =
        "SELECT id, etag, size, uploaded, meta, value FROM object WHERE key = ?";
    sqlite3_stmt *row = db_statement(store->db, sql);
    int64_t id;
    bool is_small;
    int r;

    db_bind(row, 1, key);
    if ((r = db_step(row)) <= 0)
        return r;
    id = sqlite3_column_int64(row, 0);
    ret->size = (uint64_t)sqlite3_column_int64(row, 2);
    ret->uploaded = sqlite3_column_int64(row, 3);
    is_small = sqlite3_column_type(row, 5) != SQLITE_NULL;
    if ((r = take_column(row, 1, &ret->etag)) == 0 && (r = take_column(row, 4, &ret->meta)) == 0 &&
        with_bytes)
        r = take_column(row, 5, &ret->value);
    sqlite3_reset(row);
    if (r == 0 && with_bytes && !is_small)
        r = read_pieces(store, id, ret);
    return r < 0 ? r : 1;
}

/* A read of two tables sees one state. */
int r2_store_get(struct r2_store *store, str key, bool with_bytes, struct r2_store_object *ret,
                 struct err *err)
{
    int r = 0;

    if (with_bytes)
        r = db_run(db_statement(store->db, "BEGIN"));
    if (r == 0)
        r = read_object(store, key, with_bytes, ret);
    if (with_bytes && !sqlite3_get_autocommit(db_connection(store->db)))
        (void)!db_run(db_statement(store->db, "COMMIT"));
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "The specified key does not exist. (10007)");
    return r < 0 ? r2_store_explain(store, r, err) : 0;
}

/* ---- writing ---- */

int r2_store_doom(struct r2_store *store, str file, unsigned kept_s)
{
    sqlite3_stmt *insert =
        db_statement(store->db, "INSERT OR REPLACE INTO doomed (file, until) VALUES (?, ?)");

    if (!insert)
        return ERR_INVALID;
    sqlite3_bind_text(insert, 1, file.ptr, (int)file.len, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 2, clock_wall_s() + kept_s);
    return db_run(insert);
}

int r2_store_add_piece(struct r2_store *store, int64_t object, unsigned number, uint64_t length,
                       str file)
{
    sqlite3_stmt *insert = db_statement(
        store->db, "INSERT INTO piece (object, number, length, file) VALUES (?, ?, ?, ?)");

    if (!insert)
        return ERR_INVALID;
    sqlite3_bind_int64(insert, 1, object);
    sqlite3_bind_int64(insert, 2, number);
    sqlite3_bind_int64(insert, 3, (int64_t)length);
    sqlite3_bind_text(insert, 4, file.ptr, (int)file.len, SQLITE_STATIC);
    return db_run(insert);
}

/* (2): all pieces of the object. */
static int doom_pieces(struct r2_store *store, int64_t id)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO doomed (file, until) SELECT file, ?2 + iif((SELECT count(*) FROM "
        "piece WHERE object = ?1) > 1, ?3, ?4) FROM piece WHERE object = ?1";
    sqlite3_stmt *doom = db_statement(store->db, sql);
    sqlite3_stmt *remove = db_statement(store->db, "DELETE FROM piece WHERE object = ?");
    int r;

    if (!doom || !remove)
        return ERR_INVALID;
    sqlite3_bind_int64(doom, 1, id);
    sqlite3_bind_int64(doom, 2, clock_wall_s());
    sqlite3_bind_int64(doom, 3, R2_STORE_KEPT_PARTS_S);
    sqlite3_bind_int64(doom, 4, R2_STORE_KEPT_S);
    sqlite3_bind_int64(remove, 1, id);
    r = db_run(doom);
    return r < 0 ? r : db_run(remove);
}

/* The object of a key: *ret_id is 0 when there is none. */
static int find(struct r2_store *store, str key, int64_t *ret_id)
{
    sqlite3_stmt *row = db_statement(store->db, "SELECT id FROM object WHERE key = ?");
    int r;

    db_bind(row, 1, key);
    r = db_step(row);
    *ret_id = r > 0 ? sqlite3_column_int64(row, 0) : 0;
    if (r > 0)
        sqlite3_reset(row);
    return r < 0 ? r : 0;
}

static json_t *object_or_empty(const json_t *said, const char *name)
{
    json_t *object = json_object_get(said, name);

    return json_is_object(object) ? json_incref(object) : json_object();
}

/* Objects in parts have no checksum of all their bytes. */
static json_t *checksums(const struct r2_body *body)
{
    json_t *sums = json_object();

    if (body)
        json_object_set_new(sums, "md5", json_string(body->md5));
    if (body && *body->other)
        json_object_set_new(sums, body->digest.name, json_string(body->other));
    return sums;
}

static char *meta_of(const struct r2_store_new *new_object, int64_t now_ms)
{
    const char *class = member_text(new_object->said, "storageClass");
    char version[R2_STORE_ID_BYTES], *text;
    json_t *meta;

    hex_random(version, R2_STORE_ID_BYTES - 1);
    meta = json_pack("{s:s%, s:s, s:I, s:s, s:I, s:o, s:o, s:o, s:s}", "key", new_object->key.ptr,
                     new_object->key.len, "version", version, "size", (json_int_t)new_object->size,
                     "etag", new_object->etag, "uploaded", (json_int_t)now_ms, "http",
                     object_or_empty(new_object->said, "http"), "custom",
                     object_or_empty(new_object->said, "custom"), "checksums",
                     checksums(new_object->body), "storageClass", class ? class : "Standard");
    text = meta ? json_dumps(meta, JSON_COMPACT) : NULL;
    json_decref(meta);
    return text;
}

static int write_row(struct r2_store *store, int64_t id, const struct r2_store_new *new_object,
                     str meta, int64_t now_ms)
{
    sqlite3_stmt *set =
        id ? db_statement(store->db, "UPDATE object SET etag = ?, size = ?, uploaded = ?, "
                                     "meta = ?, value = ? WHERE id = ?")
           : db_statement(store->db, "INSERT INTO object (etag, size, uploaded, meta, value, key) "
                                     "VALUES (?, ?, ?, ?, ?, ?)");
    bool is_small = new_object->body && !*new_object->body->file;

    if (!set)
        return ERR_INVALID;
    sqlite3_bind_text(set, 1, new_object->etag, -1, SQLITE_STATIC);
    sqlite3_bind_int64(set, 2, (int64_t)new_object->size);
    sqlite3_bind_int64(set, 3, now_ms);
    sqlite3_bind_text(set, 4, meta.ptr, (int)meta.len, SQLITE_STATIC);
    if (is_small)
        db_bind(set, 5, buf_str(&new_object->body->small));
    else
        sqlite3_bind_null(set, 5);
    if (id)
        sqlite3_bind_int64(set, 6, id);
    else
        db_bind(set, 6, new_object->key);
    return db_run(set);
}

int r2_store_write(struct r2_store *store, const struct r2_store_new *new_object, int64_t *ret_id,
                   struct buf *ret_meta)
{
    int64_t now_ms = clock_wall_ms(), id;
    char *meta = meta_of(new_object, now_ms);
    const struct r2_body *body = new_object->body;
    int r = meta && buf_append(ret_meta, str_from(meta)) == 0 ? 0 : ERR_INVALID;

    if (r == 0)
        r = r2_store_seal_check(store);
    if (r == 0 && (r = find(store, new_object->key, &id)) == 0 && id)
        r = doom_pieces(store, id);
    if (r == 0)
        r = write_row(store, id, new_object, str_from(meta), now_ms);
    if (r == 0 && !id)
        id = sqlite3_last_insert_rowid(db_connection(store->db));
    if (r == 0 && body && *body->file)
        r = r2_store_add_piece(store, id, 0, body->length, str_from(body->file));
    if (r == 0)
        *ret_id = id;
    free(meta);
    return r;
}

/* Returns 0 or 1, as r2_store_put(). */
static int check_condition(struct r2_store *store, str key, const json_t *condition)
{
    struct r2_store_object object;
    int r = 0;

    if (!json_is_object(condition))
        return 0;
    r2_store_object_init(&object);
    r = read_object(store, key, false, &object);
    if (r >= 0)
        r = !r2_condition_holds(condition, buf_str(&object.etag), object.uploaded);
    r2_store_object_done(&object);
    return r;
}

static int put_in_transaction(struct r2_store *store, const json_t *args, str key,
                              struct r2_body *body, struct buf *ret_meta)
{
    const struct r2_store_new new_object = {key, args, body->md5, body->length, body};
    int64_t id;
    int r = check_condition(store, key, json_object_get(args, "onlyIf"));

    return r ? r : r2_store_write(store, &new_object, &id, ret_meta);
}

int r2_store_put(struct r2_store *store, const json_t *args, struct r2_body *body,
                 struct buf *ret_meta, struct err *err)
{
    str key;
    int r;

    if ((r = r2_store_key(args, &key, err)) < 0 || (r = r2_store_check_said(args, err)) < 0 ||
        (r = r2_store_check_sum(args, body, err)) < 0 || (r = quota_check(store->bodies, err)) < 0)
        return r;
    if (body->length > R2_STORE_SIZE_MAX)
        return err_set(err, ERR_LIMIT,
                       "Your proposed upload exceeds the maximum allowed object "
                       "size. (100100)");
    if ((r = db_begin(store->db)) < 0)
        return r2_store_explain(store, r, err);
    r = db_end(store->db, put_in_transaction(store, args, key, body, ret_meta));
    if (r == 0)
        r2_body_adopt(body);
    return r2_store_explain(store, r, err);
}

/* ---- deleting ---- */

static int delete_one(struct r2_store *store, str key)
{
    sqlite3_stmt *remove;
    int64_t id;
    int r = find(store, key, &id);

    if (r < 0 || !id)
        return r;
    remove = db_statement(store->db, "DELETE FROM object WHERE id = ?");
    if (!remove)
        return ERR_INVALID;
    sqlite3_bind_int64(remove, 1, id);
    r = doom_pieces(store, id);
    return r < 0 ? r : db_run(remove);
}

int r2_store_delete(struct r2_store *store, const json_t *args, struct err *err)
{
    const json_t *keys = json_object_get(args, "keys"), *it;
    size_t i;
    int r;

    if (json_array_size(keys) > R2_STORE_KEYS_MAX)
        return err_set(err, ERR_INVALID, "At most %d keys can be deleted at once. (10029)",
                       R2_STORE_KEYS_MAX);
    if ((r = db_begin(store->db)) < 0)
        return r2_store_explain(store, r, err);
    json_array_foreach(keys, i, it)
        if (r == 0)
            r = delete_one(store, (str){json_string_value(it), json_string_length(it)});
    return r2_store_explain(store, db_end(store->db, r), err);
}
