/* A namespace on disk, in SQLite; see kv_store.h.
 *
 *   entry: key ── value, when it is small
 *            └─── body ──> part, part, ...
 *
 * (1) A body belongs to one entry, or it has a time at which it is doomed: one on its way in
 *     (staged), or one that was replaced and that somebody may still be reading.
 * (2) A part's number is its body's and its place in it, so that the parts of a body lie together.
 * (3) Keys are compared as bytes, which is the order of UTF-8's code points.
 * (4) Checkpoints are made by who writes, when nobody waits for it: never inside of a commit.
 * (5) While the account stores as much as it may, the file does not grow: what is written has to
 *     fit into pages that were freed. */
#include "bindings/kv/kv_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "bindings/quota.h"
#include "os/file.h"
#include "os/path.h"
#include "store/db.h"

enum {
    PARTS_MAX = 128,   /* (2): the value's maximum is 100 of them */
    CACHE_KIB = 1024,  /* of pages, for each connection that reads */
    PAGE_BYTES = 4096,
};

#define PAGES_MAX UINT64_C(0xFFFFFFFE) /* SQLite's own */

struct kv_store {
    struct db *db;
    int log_pages;
    char *directory;
    uint64_t pages_max;  /* 0: as many as it likes */
    bool is_capped;      /* (5) */
};

static const char *const steps[] = {
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, expires INTEGER,"
    "  length INTEGER NOT NULL, body INTEGER, metadata BLOB, value BLOB);"
    "CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;"
    "CREATE TABLE body (id INTEGER PRIMARY KEY AUTOINCREMENT, length INTEGER NOT NULL,"
    "  doomed INTEGER);"
    "CREATE INDEX body_doomed ON body (doomed) WHERE doomed IS NOT NULL;"
    "CREATE TABLE part (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    NULL,
};

/* ---- opening ---- */

static int on_log(void *context, sqlite3 *connection, const char *name, int pages)
{
    struct kv_store *store = context;

    (void)connection, (void)name;
    store->log_pages = pages;
    return SQLITE_OK;
}

/* What a tenant may read: no paths. Returns the code, which is another for a full disk. */
static int fail(struct kv_store *store, int code, struct err *err)
{
    sqlite3 *connection = db_connection(store->db);

    if (sqlite3_errcode(connection) == SQLITE_FULL)
        return err_set(err, ERR_LIMIT, "%s",
                       store->is_capped ? QUOTA_TEXT : "the disk or the namespace is full");
    if (code == ERR_INVALID)
        return err_set(err, code, "the namespace's file is damaged");
    if (code == ERR_TIMEOUT)
        return err_set(err, code, "the namespace is busy for too long");
    return err_set(err, code, "the namespace cannot be read or written: %s",
                   sqlite3_errmsg(connection));
}

static int done(struct kv_store *store, int code, struct err *err)
{
    return code < 0 ? fail(store, code, err) : code;
}

static char *file_of(const char *directory)
{
    return path_join(str_from(directory), STR("data.db"));
}

/* SQLite takes the pages that there are for less. */
static int set_pages_max(struct kv_store *store, uint64_t pages)
{
    char sql[80];

    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %llu", (unsigned long long)pages);
    return sqlite3_exec(db_connection(store->db), sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : ERR_IO;
}

/* (5) */
static int look_at_quota(struct kv_store *store)
{
    bool is_over = quota_is_over(store->directory);
    int r;

    if (!is_over && !store->is_capped)
        return 0;
    r = set_pages_max(store, is_over ? 1 : store->pages_max ? store->pages_max : PAGES_MAX);
    if (r == 0)
        store->is_capped = is_over;
    return r;
}

static int set_up(struct kv_store *store)
{
    sqlite3_wal_autocheckpoint(db_connection(store->db), 0);
    sqlite3_wal_hook(db_connection(store->db), on_log, store);
    return store->pages_max ? set_pages_max(store, store->pages_max) : 0;
}

int kv_store_open(const char *directory, uint64_t bytes_max, struct kv_store **ret, struct err *err)
{
    const struct db_options options = {.survives_power_cut = true, .cache_kib = CACHE_KIB};
    struct kv_store *store = mem_new(struct kv_store);
    char *path = file_of(directory);
    int r = db_open_with(path, steps, &options, &store->db, err);

    free(path);
    store->directory = str_dup(str_from(directory));
    store->pages_max = bytes_max / PAGE_BYTES;
    if (r == ERR_INVALID)
        err_set(err, r, "the namespace's file is damaged");
    else if (r < 0)
        err_set(err, r, "the namespace cannot be opened: %s", err_text(r));
    if (r == 0)
        r = done(store, set_up(store), err);
    if (r < 0) {
        kv_store_close(store);
        return r;
    }
    *ret = store;
    return 0;
}

void kv_store_expect_writes(struct kv_store *store)
{
    /* 4 MiB. When it cannot be, there are the pages there were. */
    (void)!sqlite3_exec(db_connection(store->db), "PRAGMA cache_size = -4096", NULL, NULL, NULL);
}

void kv_store_close(struct kv_store *store)
{
    if (!store)
        return;
    db_close(store->db);
    free(store->directory);
    free(store);
}

/* ---- reading ---- */

int kv_store_begin_read(struct kv_store *store, struct err *err)
{
    return done(store, db_run(db_statement(store->db, "BEGIN")), err);
}

void kv_store_end_read(struct kv_store *store)
{
    (void)!db_run(db_statement(store->db, "COMMIT"));
}

void kv_store_entry_init(struct kv_store_entry *entry)
{
    *entry = (struct kv_store_entry){0};
    buf_init(&entry->metadata, KV_STORE_METADATA_BYTES_MAX);
    buf_init(&entry->value, KV_STORE_VALUE_BYTES_MAX);
}

void kv_store_entry_done(struct kv_store_entry *entry)
{
    buf_done(&entry->metadata);
    buf_done(&entry->value);
}

/* A column that is longer than it can be is damage. */
static int take_column(sqlite3_stmt *row, int index, struct buf *out)
{
    return buf_append(out, db_column(row, index)) < 0 ? ERR_INVALID : 0;
}

int kv_store_get(struct kv_store *store, str key, int64_t now, struct kv_store_entry *ret,
                 struct err *err)
{
    static const char sql[] = "SELECT expires, length, body, metadata, value FROM entry "
                              "WHERE key = ? AND (expires IS NULL OR expires > ?)";
    sqlite3_stmt *row = db_statement(store->db, sql);
    int r;

    db_bind(row, 1, key);
    if (row)
        sqlite3_bind_int64(row, 2, now);
    r = db_step(row);
    if (r == 0)
        return ERR_NOT_FOUND;
    if (r > 0) {
        ret->expires = sqlite3_column_int64(row, 0);
        ret->length = (uint64_t)sqlite3_column_int64(row, 1);
        ret->body = sqlite3_column_int64(row, 2);
        if ((r = take_column(row, 3, &ret->metadata)) == 0)
            r = take_column(row, 4, &ret->value);
        if (r == 0 && ret->length > KV_STORE_VALUE_BYTES_MAX)
            r = ERR_INVALID;
        sqlite3_reset(row);
    }
    return done(store, r, err);
}

static int64_t part_id(int64_t body, unsigned index)
{
    return body * PARTS_MAX + index;
}

/* What a worker says may be anything. */
static bool is_part(int64_t body, unsigned index)
{
    return body > 0 && body < INT64_MAX / PARTS_MAX && index < PARTS_MAX;
}

int kv_store_read_part(struct kv_store *store, int64_t body, unsigned index, struct buf *out,
                       struct err *err)
{
    sqlite3_stmt *row = db_statement(store->db, "SELECT bytes FROM part WHERE id = ?");
    int r;

    if (!is_part(body, index))
        return ERR_NOT_FOUND;
    if (row)
        sqlite3_bind_int64(row, 1, part_id(body, index));
    r = db_step(row);
    if (r == 0)
        return ERR_NOT_FOUND;
    if (r > 0) {
        r = take_column(row, 0, out);
        sqlite3_reset(row);
    }
    return done(store, r, err);
}

int kv_store_read_all(struct kv_store *store, struct kv_store_entry *entry, struct err *err)
{
    int r = 0;

    for (unsigned i = 0; entry->body && r == 0 && entry->value.len < entry->length; i++)
        r = kv_store_read_part(store, entry->body, i, &entry->value, err);
    return r == ERR_NOT_FOUND ? fail(store, ERR_INVALID, err) : r;
}

/* ---- lists ---- */

/* Text in quotes; what JSON does not let through as it is becomes an escape. */
static int append_quoted(struct buf *out, str text)
{
    int r = buf_append_char(out, '"');

    for (size_t i = 0; r == 0 && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            r = buf_printf(out, "\\%c", c);
        else if (c < ' ')
            r = buf_printf(out, "\\u%04x", c);
        else
            r = buf_append_char(out, (char)c);
    }
    return r < 0 ? r : buf_append_char(out, '"');
}

static int append_key(struct buf *out, sqlite3_stmt *row)
{
    int64_t expires = sqlite3_column_int64(row, 1);
    str metadata = db_column(row, 2);
    int r = buf_append(out, STR("{\"name\":"));

    if (r == 0)
        r = append_quoted(out, db_column(row, 0));
    if (r == 0 && expires)
        r = buf_printf(out, ",\"expiration\":%lld", (long long)expires);
    if (r == 0 && metadata.len)
        r = buf_append(out, STR(",\"metadata\":"));
    if (r == 0)
        r = buf_append(out, metadata);
    return r < 0 ? r : buf_append_char(out, '}');
}

/* The first text behind all that begin with `prefix`; empty when there is none. */
static void end_of_prefix(str prefix, struct buf *out)
{
    while (prefix.len && (unsigned char)prefix.ptr[prefix.len - 1] == 0xFF)
        prefix.len--;
    ASSERT(buf_append(out, prefix) == 0);
    if (out->len)
        out->ptr[out->len - 1]++;
}

static sqlite3_stmt *list_statement(struct kv_store *store, const struct kv_store_query *query,
                                    const struct buf *end)
{
    static const char sql[] =
        "SELECT key, expires, metadata FROM entry WHERE key >= ? AND key > ? "
        "AND (? = x'' OR key < ?) AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?";
    sqlite3_stmt *rows = db_statement(store->db, sql);

    if (!rows)
        return NULL;
    db_bind(rows, 1, query->prefix);
    db_bind(rows, 2, query->after);
    db_bind(rows, 3, buf_str(end));
    db_bind(rows, 4, buf_str(end));
    sqlite3_bind_int64(rows, 5, query->now);
    sqlite3_bind_int64(rows, 6, (int64_t)query->limit + 1);
    return rows;
}

int kv_store_list(struct kv_store *store, const struct kv_store_query *query, struct buf *out,
                  struct buf *ret_last, bool *ret_complete, struct err *err)
{
    struct buf end;
    sqlite3_stmt *rows;
    unsigned count = 0;
    int r = 0, step = 0;

    buf_init(&end, KV_STORE_KEY_BYTES_MAX);
    end_of_prefix(query->prefix, &end);
    rows = list_statement(store, query, &end);
    r = buf_append_char(out, '[');
    while (r == 0 && (step = db_step(rows)) > 0 && count < query->limit) {
        buf_clear(ret_last);
        if (count++)
            r = buf_append_char(out, ',');
        if (r == 0)
            r = append_key(out, rows);
        if (r == 0)
            r = take_column(rows, 0, ret_last);
    }
    if (rows)
        sqlite3_reset(rows);
    if (r == 0)
        r = buf_append_char(out, ']');
    buf_done(&end);
    *ret_complete = step == 0;
    if (r == ERR_LIMIT) /* more than that many keys can be */
        r = ERR_INVALID;
    return done(store, step < 0 ? step : r, err);
}

/* ---- writing ---- */

int kv_store_begin(struct kv_store *store, struct err *err)
{
    int r = look_at_quota(store);

    return done(store, r < 0 ? r : db_begin(store->db), err);
}

int kv_store_end(struct kv_store *store, int result, struct err *err)
{
    int r = db_end(store->db, result);

    return result < 0 ? result : done(store, r, err);
}

static int remove_body(struct kv_store *store, int64_t body)
{
    sqlite3_stmt *parts = db_statement(store->db, "DELETE FROM part WHERE id >= ? AND id < ?");
    sqlite3_stmt *row = db_statement(store->db, "DELETE FROM body WHERE id = ?");
    int r;

    if (!parts || !row)
        return ERR_INVALID;
    sqlite3_bind_int64(parts, 1, part_id(body, 0));
    sqlite3_bind_int64(parts, 2, part_id(body + 1, 0));
    sqlite3_bind_int64(row, 1, body);
    r = db_run(parts);
    return r < 0 ? r : db_run(row);
}

/* The doomed body that goes next, if it is so late or what is kept is too much. Returns 1 with one,
 * 0, or an error. */
static int next_doomed(struct kv_store *store, int64_t now, int64_t *ret_body)
{
    static const char sql[] =
        "SELECT id FROM body WHERE doomed = (SELECT min(doomed) FROM body WHERE doomed NOT NULL) "
        "AND (doomed <= ?1 OR (SELECT sum(length) FROM body WHERE doomed <= ?1 + ?2) > ?3) LIMIT 1";
    sqlite3_stmt *row = db_statement(store->db, sql);
    int r;

    if (row) {
        sqlite3_bind_int64(row, 1, now);
        sqlite3_bind_int64(row, 2, KV_STORE_KEPT_S);
        sqlite3_bind_int64(row, 3, KV_STORE_KEPT_BYTES);
    }
    if ((r = db_step(row)) > 0) {
        *ret_body = sqlite3_column_int64(row, 0);
        sqlite3_reset(row);
    }
    return r;
}

static int remove_doomed(struct kv_store *store, int64_t now)
{
    int64_t body;
    int r;

    for (int i = 0; i < KV_STORE_SWEEP_MAX && (r = next_doomed(store, now, &body)) > 0; i++)
        if ((r = remove_body(store, body)) < 0)
            break;
    return r < 0 ? r : 0;
}

static int doom(struct kv_store *store, int64_t body, int64_t now)
{
    sqlite3_stmt *set = db_statement(store->db, "UPDATE body SET doomed = ? WHERE id = ?");
    int r;

    if (!set)
        return ERR_INVALID;
    sqlite3_bind_int64(set, 1, now + KV_STORE_KEPT_S);
    sqlite3_bind_int64(set, 2, body);
    r = db_run(set);
    return r < 0 ? r : remove_doomed(store, now);
}

/* The entry of a key: *ret_id is 0 when there is none, *ret_body when it has none. */
static int find(struct kv_store *store, str key, int64_t *ret_id, int64_t *ret_body)
{
    sqlite3_stmt *row = db_statement(store->db, "SELECT id, body FROM entry WHERE key = ?");
    int r;

    db_bind(row, 1, key);
    r = db_step(row);
    *ret_id = r > 0 ? sqlite3_column_int64(row, 0) : 0;
    *ret_body = r > 0 ? sqlite3_column_int64(row, 1) : 0;
    if (r > 0)
        sqlite3_reset(row);
    return r < 0 ? r : 0;
}

static int new_body(struct kv_store *store, uint64_t length, int64_t doomed, int64_t *ret_body)
{
    sqlite3_stmt *insert =
        db_statement(store->db, "INSERT INTO body (length, doomed) VALUES (?, nullif(?, 0))");
    int r;

    if (!insert)
        return ERR_INVALID;
    sqlite3_bind_int64(insert, 1, (int64_t)length);
    sqlite3_bind_int64(insert, 2, doomed);
    if ((r = db_run(insert)) == 0)
        *ret_body = sqlite3_last_insert_rowid(db_connection(store->db));
    return r;
}

static int write_part(struct kv_store *store, int64_t body, unsigned index, str bytes)
{
    sqlite3_stmt *insert = db_statement(store->db,
                                        "INSERT OR REPLACE INTO part (id, bytes) VALUES (?, ?)");

    if (!is_part(body, index) || !insert)
        return ERR_INVALID;
    sqlite3_bind_int64(insert, 1, part_id(body, index));
    db_bind(insert, 2, bytes);
    return db_run(insert);
}

/* Puts a value that is here into parts. */
static int write_parts(struct kv_store *store, str value, int64_t *ret_body)
{
    int r = new_body(store, value.len, 0, ret_body);

    for (unsigned i = 0; r == 0 && value.len; i++) {
        r = write_part(store, *ret_body, i, str_head(value, KV_STORE_PART_BYTES));
        value = str_skip(value, KV_STORE_PART_BYTES);
    }
    return r;
}

/* A staged value is an entry's from now on. */
static int adopt(struct kv_store *store, int64_t body, uint64_t length)
{
    sqlite3_stmt *set = db_statement(store->db, "UPDATE body SET doomed = NULL, length = ? "
                                                "WHERE id = ? AND doomed NOT NULL");
    int r;

    if (!set)
        return ERR_INVALID;
    sqlite3_bind_int64(set, 1, (int64_t)length);
    sqlite3_bind_int64(set, 2, body);
    if ((r = db_run(set)) < 0)
        return r;
    return sqlite3_changes(db_connection(store->db)) ? 0 : ERR_NOT_FOUND;
}

static int write_entry(struct kv_store *store, int64_t id, const struct kv_store_put *put,
                       int64_t body)
{
    sqlite3_stmt *set =
        id ? db_statement(store->db, "UPDATE entry SET expires = nullif(?, 0), length = ?, "
                                     "body = nullif(?, 0), metadata = nullif(?, x''), value = ? "
                                     "WHERE id = ?")
           : db_statement(store->db, "INSERT INTO entry (expires, length, body, metadata, value, "
                                     "key) VALUES (nullif(?, 0), ?, nullif(?, 0), "
                                     "nullif(?, x''), ?, ?)");

    if (!set)
        return ERR_INVALID;
    sqlite3_bind_int64(set, 1, put->expires);
    sqlite3_bind_int64(set, 2, (int64_t)(put->body ? put->length : put->value.len));
    sqlite3_bind_int64(set, 3, body);
    db_bind(set, 4, put->metadata);
    db_bind(set, 5, body ? STR_NONE : put->value);
    if (id)
        sqlite3_bind_int64(set, 6, id);
    else
        db_bind(set, 6, put->key);
    return db_run(set);
}

/* What most puts are: a small value in the place of another, or of none. Returns 1 when that is
 * done, 0 when there is a body, or a time in the index, that has to go. */
static int replace_small(struct kv_store *store, const struct kv_store_put *put)
{
    static const char lasting[] =
        "INSERT INTO entry (key, length, metadata, value) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET length = excluded.length, metadata = excluded.metadata, "
        "value = excluded.value WHERE body IS NULL AND expires IS NULL";
    static const char expiring[] =
        "INSERT INTO entry (key, length, metadata, value, expires) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET length = excluded.length, metadata = excluded.metadata, "
        "value = excluded.value, expires = excluded.expires WHERE body IS NULL";
    sqlite3_stmt *set = db_statement(store->db, put->expires ? expiring : lasting);
    int r;

    if (!set)
        return ERR_INVALID;
    db_bind(set, 1, put->key);
    sqlite3_bind_int64(set, 2, (int64_t)put->value.len);
    if (put->metadata.len)
        db_bind(set, 3, put->metadata);
    else
        sqlite3_bind_null(set, 3);
    db_bind(set, 4, put->value);
    if (put->expires)
        sqlite3_bind_int64(set, 5, put->expires);
    r = db_run(set);
    return r < 0 ? r : sqlite3_changes(db_connection(store->db));
}

int kv_store_put(struct kv_store *store, const struct kv_store_put *put, int64_t now,
                 struct err *err)
{
    int64_t id, old, body = put->body;
    int r;

    if (!body && put->value.len <= KV_STORE_PART_BYTES && (r = replace_small(store, put)))
        return r < 0 ? fail(store, r, err) : 0;
    r = find(store, put->key, &id, &old);

    if (r == 0 && body && (r = adopt(store, body, put->length)) == ERR_NOT_FOUND)
        return err_set(err, r, "the value took more than an hour to arrive");
    if (r == 0 && !body && put->value.len > KV_STORE_PART_BYTES)
        r = write_parts(store, put->value, &body);
    if (r == 0)
        r = write_entry(store, id, put, body);
    if (r == 0 && old)
        r = doom(store, old, now);
    return done(store, r, err);
}

static int remove_entry(struct kv_store *store, int64_t id, int64_t body, int64_t now)
{
    sqlite3_stmt *remove = db_statement(store->db, "DELETE FROM entry WHERE id = ?");
    int r;

    if (!remove)
        return ERR_INVALID;
    sqlite3_bind_int64(remove, 1, id);
    r = db_run(remove);
    return r == 0 && body ? doom(store, body, now) : r;
}

int kv_store_delete(struct kv_store *store, str key, int64_t now, struct err *err)
{
    int64_t id, body;
    int r = find(store, key, &id, &body);

    if (r == 0 && id)
        r = remove_entry(store, id, body, now);
    return done(store, r, err);
}

/* ---- staging ---- */

int kv_store_stage(struct kv_store *store, int64_t now, int64_t *ret_body, struct err *err)
{
    return done(store, new_body(store, 0, now + KV_STORE_STAGED_S, ret_body), err);
}

int kv_store_write_part(struct kv_store *store, int64_t body, unsigned index, str bytes,
                        struct err *err)
{
    if (!is_part(body, index))
        return err_set(err, ERR_LIMIT, "the value has more parts than it can have");
    return done(store, write_part(store, body, index, bytes), err);
}

int kv_store_unstage(struct kv_store *store, int64_t body, struct err *err)
{
    return is_part(body, 0) ? done(store, remove_body(store, body), err) : 0;
}

/* ---- sweeping ---- */

bool kv_store_is_dusty(struct kv_store *store, int64_t now)
{
    static const char sql[] = "SELECT EXISTS (SELECT 1 FROM entry WHERE expires <= ?1) "
                              "OR EXISTS (SELECT 1 FROM body WHERE doomed <= ?1)";
    sqlite3_stmt *row = db_statement(store->db, sql);
    bool is_dusty = false;

    if (row)
        sqlite3_bind_int64(row, 1, now);
    if (db_step(row) > 0) {
        is_dusty = sqlite3_column_int(row, 0);
        sqlite3_reset(row);
    }
    return is_dusty;
}

int kv_store_sweep(struct kv_store *store, int64_t now, struct err *err)
{
    int64_t ids[KV_STORE_SWEEP_MAX], bodies[KV_STORE_SWEEP_MAX];
    sqlite3_stmt *rows = db_statement(store->db,
                                      "SELECT id, body FROM entry WHERE expires <= ? LIMIT ?");
    int count = 0, r;

    if (rows) {
        sqlite3_bind_int64(rows, 1, now);
        sqlite3_bind_int(rows, 2, KV_STORE_SWEEP_MAX);
    }
    while ((r = db_step(rows)) > 0) {
        ids[count] = sqlite3_column_int64(rows, 0);
        bodies[count++] = sqlite3_column_int64(rows, 1);
    }
    for (int i = 0; r == 0 && i < count; i++)
        r = remove_entry(store, ids[i], bodies[i], now);
    return done(store, r < 0 ? r : remove_doomed(store, now), err);
}

void kv_store_checkpoint(struct kv_store *store)
{
    int r = sqlite3_wal_checkpoint_v2(db_connection(store->db), NULL, SQLITE_CHECKPOINT_PASSIVE,
                                      NULL, NULL);

    if (r == SQLITE_OK) /* else the next one may do it */
        store->log_pages = 0;
}

int kv_store_log_pages(const struct kv_store *store)
{
    return store->log_pages;
}

int kv_store_size(const char *directory, uint64_t *ret_bytes, struct err *err)
{
    char *path = file_of(directory);
    bool is_there = path_is_file(path);
    struct kv_store *store;
    sqlite3_stmt *row;
    int r;

    free(path);
    *ret_bytes = 0;
    if (!is_there)
        return 0;
    if ((r = kv_store_open(directory, 0, &store, err)) < 0)
        return r;
    row = db_statement(store->db, "PRAGMA page_count");
    if (row && (r = db_step(row)) > 0) {
        *ret_bytes = (uint64_t)sqlite3_column_int64(row, 0) * PAGE_BYTES;
        sqlite3_reset(row);
        r = 0;
    }
    r = done(store, r, err);
    kv_store_close(store);
    return r;
}

int kv_store_copy(const char *directory, const char *to, struct err *err)
{
    char *from_file = file_of(directory), *to_file = file_of(to);
    int r = path_is_file(from_file) ? file_make_directories(to, err) : ERR_NOT_FOUND;

    if (r == 0)
        r = db_copy(from_file, to_file, err);
    free(from_file);
    free(to_file);
    return r == ERR_NOT_FOUND ? 0 : r;
}
