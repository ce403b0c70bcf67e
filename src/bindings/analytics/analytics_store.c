/* Data points on disk; see analytics_store.h.
 *
 * (1) What was not given is '' and 0, as queries see it; in SQLite both take no byte but that of
 *     their type.
 * (2) Points are numbered as they come, so the lowest numbers are the oldest. What goes, goes in
 *     small parts with each commit: nobody waits for a long one. */
#include "bindings/analytics/analytics_store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "os/file.h"
#include "os/path.h"
#include "store/db.h"

enum { SWEEP_ROWS = 2000, FIRST_BLOB = 4, FIRST_DOUBLE = FIRST_BLOB + ANALYTICS_STORE_FIELDS };

#define BLOB(n) "blob" #n " TEXT NOT NULL,"
#define DOUBLE(n) "double" #n " REAL NOT NULL,"
#define TWENTY(X)                                                                                  \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17)  \
    X(18) X(19) X(20)

struct analytics_store {
    struct db *db;
    uint64_t bytes_max;
};

static const char *const steps[] = {
    "CREATE TABLE dataset (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE point (id INTEGER PRIMARY KEY, of INTEGER NOT NULL, timestamp INTEGER NOT NULL,"
    "  index1 TEXT NOT NULL," TWENTY(BLOB) TWENTY(DOUBLE) "  CHECK (timestamp >= 0));"
    "CREATE INDEX point_time ON point (of, timestamp);",
    NULL,
};

static const char add_point[] =
    "INSERT INTO point VALUES (NULL, ?,?,?, ?,?,?,?,?, ?,?,?,?,?, ?,?,?,?,?, ?,?,?,?,?,"
    " ?,?,?,?,?, ?,?,?,?,?, ?,?,?,?,?, ?,?,?,?,?)";

char *analytics_store_file(const char *directory)
{
    return path_join(str_from(directory), STR("data.db"));
}

/* What a tenant may read: no paths. */
static int fail(struct analytics_store *store, int code, struct err *err)
{
    sqlite3 *connection = db_connection(store->db);

    if (code >= 0)
        return code;
    if (sqlite3_errcode(connection) == SQLITE_FULL)
        return err_set(err, ERR_LIMIT, "the disk is full");
    if (code == ERR_INVALID)
        return err_set(err, code, "the file of the account's data points is damaged");
    if (code == ERR_TIMEOUT)
        return err_set(err, code, "the account's data points are busy for too long");
    return err_set(err, code, "data points cannot be read or written: %s",
                   sqlite3_errmsg(connection));
}

int analytics_store_open(const char *directory, uint64_t bytes_max, struct analytics_store **ret,
                         struct err *err)
{
    const struct db_options options = {.survives_power_cut = true};
    struct analytics_store *store = mem_new(struct analytics_store);
    char *path = analytics_store_file(directory);
    int r = db_open_with(path, steps, &options, &store->db, err);

    free(path);
    store->bytes_max = bytes_max;
    if (r < 0) {
        err_set(err, r,
                r == ERR_INVALID ? "the file of the account's data points is damaged"
                                 : "data points cannot be stored: %s",
                err_text(r));
        free(store);
        return r;
    }
    *ret = store;
    return 0;
}

void analytics_store_close(struct analytics_store *store)
{
    if (!store)
        return;
    db_close(store->db);
    free(store);
}

bool analytics_store_is_stale(const struct analytics_store *store)
{
    return db_is_stale(store->db);
}

/* ---- writing ---- */

int analytics_store_begin(struct analytics_store *store, struct err *err)
{
    return fail(store, db_begin(store->db), err);
}

static int64_t number(struct analytics_store *store, const char *sql)
{
    sqlite3_stmt *statement = db_statement(store->db, sql);
    int r = db_step(statement);
    int64_t value = r > 0 ? sqlite3_column_int64(statement, 0) : -1;

    if (r > 0)
        sqlite3_reset(statement);
    return value;
}

static void bind_text(sqlite3_stmt *statement, int index, str text)
{
    sqlite3_bind_text64(statement, index, text.len ? text.ptr : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

/* Returns 1 with the number, 0 when there is none, or an error. */
static int find_dataset(struct analytics_store *store, str name, int64_t *ret)
{
    sqlite3_stmt *statement = db_statement(store->db, "SELECT id FROM dataset WHERE name = ?");
    int r;

    if (!statement)
        return ERR_INVALID;
    bind_text(statement, 1, name);
    if ((r = db_step(statement)) <= 0)
        return r;
    *ret = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 1;
}

static int make_dataset(struct analytics_store *store, str name, int64_t *ret, struct err *err)
{
    sqlite3_stmt *statement;
    int r = find_dataset(store, name, ret);

    if (r != 0)
        return fail(store, r, err);
    if (number(store, "SELECT count(*) FROM dataset") >= ANALYTICS_STORE_DATASETS_MAX)
        return err_set(err, ERR_LIMIT, "an account has at most %d datasets",
                       ANALYTICS_STORE_DATASETS_MAX);
    if (!(statement = db_statement(store->db, "INSERT INTO dataset (name) VALUES (?)")))
        return fail(store, ERR_INVALID, err);
    bind_text(statement, 1, name);
    r = fail(store, db_run(statement), err);
    *ret = sqlite3_last_insert_rowid(db_connection(store->db));
    return r;
}

int analytics_store_add(struct analytics_store *store, const struct analytics_point *point,
                        struct err *err)
{
    sqlite3_stmt *statement;
    int64_t dataset = 0;
    int r = make_dataset(store, point->dataset, &dataset, err);

    if (r < 0)
        return r;
    if (!(statement = db_statement(store->db, add_point)))
        return fail(store, ERR_INVALID, err);
    sqlite3_bind_int64(statement, 1, dataset);
    sqlite3_bind_int64(statement, 2, point->time_s);
    bind_text(statement, 3, point->index);
    for (int i = 0; i < ANALYTICS_STORE_FIELDS; i++) {
        bind_text(statement, FIRST_BLOB + i, point->blobs[i]);
        sqlite3_bind_double(statement, FIRST_DOUBLE + i, point->doubles[i]);
    }
    return fail(store, db_run(statement), err);
}

static bool is_too_large(struct analytics_store *store)
{
    int64_t pages = number(store, "PRAGMA page_count"), size = number(store, "PRAGMA page_size");
    int64_t unused = number(store, "PRAGMA freelist_count");

    return (uint64_t)(pages - unused) * (uint64_t)size > store->bytes_max;
}

static int remove_oldest(struct analytics_store *store)
{
    sqlite3_stmt *statement =
        db_statement(store->db, "DELETE FROM point WHERE id IN (SELECT id FROM point ORDER BY id "
                                "LIMIT ?)");

    if (!statement)
        return ERR_INVALID;
    sqlite3_bind_int(statement, 1, SWEEP_ROWS);
    return db_run(statement);
}

static int remove_old(struct analytics_store *store, int64_t before_s)
{
    sqlite3_stmt *statement =
        db_statement(store->db, "DELETE FROM point WHERE id IN (SELECT id FROM point ORDER BY id "
                                "LIMIT ?1) AND timestamp < ?2");

    if (!statement)
        return ERR_INVALID;
    sqlite3_bind_int(statement, 1, SWEEP_ROWS);
    sqlite3_bind_int64(statement, 2, before_s);
    return db_run(statement);
}

/* (2) */
static int sweep(struct analytics_store *store, int64_t now_s)
{
    int64_t oldest = number(store, "SELECT timestamp FROM point ORDER BY id LIMIT 1");
    int64_t before_s = now_s - ANALYTICS_STORE_KEEP_S;
    int r = oldest >= 0 && oldest < before_s ? remove_old(store, before_s) : 0;

    return r == 0 && is_too_large(store) ? remove_oldest(store) : r;
}

int analytics_store_end(struct analytics_store *store, int result, int64_t now_s, struct err *err)
{
    int r = result == 0 ? sweep(store, now_s) : result;

    if (result == 0)
        return fail(store, db_end(store->db, r), err);
    (void)!db_end(store->db, result);
    return result;
}

/* ---- the whole ---- */

int analytics_store_copy(const char *directory, const char *to, struct err *err)
{
    char *from = analytics_store_file(directory), *copy = analytics_store_file(to);
    struct stat about;
    int r = 0;

    if (stat(from, &about) == 0 && (r = file_make_directories(to, err)) == 0)
        r = db_copy(from, copy, err);
    free(from);
    free(copy);
    return r;
}

uint64_t analytics_store_size(const char *directory)
{
    static const char *const files[] = {"data.db", "data.db-wal", "data.db-shm"};
    uint64_t bytes = 0;
    struct stat about;

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char *path = path_join(str_from(directory), str_from(files[i]));

        if (stat(path, &about) == 0)
            bytes += (uint64_t)about.st_size;
        free(path);
    }
    return bytes;
}
