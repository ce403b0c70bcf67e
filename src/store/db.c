/* One connection to a SQLite database; see db.h.
 *
 * (1) A schema is there only when the directories on the way to its file are on the disk: of
 *     several that open a new file at once, the others see the schema or wait for it.
 *
 * Whether the file at the path is still the one that was opened is told by device and inode: who
 * finds a damaged file removes it while others have it open. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

enum { SYNCED_LEVELS = 4 }; /* <storage>/<account>/<kind>/<id>/file */

struct statement {
    const char *sql;
    sqlite3_stmt *statement;
};

struct db {
    sqlite3 *connection;
    char *path;
    struct stat file;
    struct statement statements[DB_STATEMENTS_MAX];
    size_t count;
};

static int code_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR: /* a table that is not there */
    case SQLITE_MISMATCH:
        return ERR_INVALID;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_TIMEOUT;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? ERR_EXISTS
                                                                                        : ERR_IO;
    default:
        return ERR_IO;
    }
}

static int run_text(struct db *db, const char *sql)
{
    int r = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);

    return r == SQLITE_OK ? 0 : code_of(r);
}

static int version_of(struct db *db, int *ret_version)
{
    sqlite3_stmt *statement = db_statement(db, "PRAGMA user_version");
    int r = db_step(statement);

    if (r < 0)
        return r;
    *ret_version = sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

static int run_steps(struct db *db, const char *const *steps)
{
    char set[64];
    int version = 0, count = 0, r = version_of(db, &version);

    while (steps[count])
        count++;
    if (r == 0 && (version < 0 || version > count))
        r = ERR_INVALID;
    for (int i = version; r == 0 && i < count; i++)
        r = run_text(db, steps[i]);
    snprintf(set, sizeof set, "PRAGMA user_version = %d", count);
    return r == 0 && version < count ? run_text(db, set) : r;
}

/* (1): in the transaction that makes the schema. */
static int run_steps_synced(struct db *db, const char *const *steps,
                            const struct db_options *options)
{
    struct err err;
    int version = 0, r = version_of(db, &version);

    if (r == 0 && !version && options->survives_power_cut)
        r = file_sync_names(db->path, SYNCED_LEVELS, &err);
    return r < 0 ? r : run_steps(db, steps);
}

static int prepare(struct db *db, const char *const *steps, const struct db_options *options)
{
    char cache[64];
    int r;

    sqlite3_busy_timeout(db->connection, DB_BUSY_MS);
    sqlite3_extended_result_codes(db->connection, 1);
    if ((r = run_text(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                          "PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF;"
                          "PRAGMA foreign_keys = ON;")) < 0)
        return r;
    if (options->survives_power_cut && (r = run_text(db, "PRAGMA synchronous = FULL")) < 0)
        return r;
    snprintf(cache, sizeof cache, "PRAGMA cache_size = -%u", options->cache_kib);
    if (options->cache_kib && (r = run_text(db, cache)) < 0)
        return r;
    if ((r = db_begin(db)) < 0)
        return r;
    return db_end(db, run_steps_synced(db, steps, options));
}

int db_open(const char *path, const char *const *steps, struct db **ret_db, struct err *err)
{
    return db_open_with(path, steps, &(struct db_options){0}, ret_db, err);
}

int db_open_with(const char *path, const char *const *steps, const struct db_options *options,
                 struct db **ret_db, struct err *err)
{
    struct db *db = mem_new(struct db);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, r;

    db->path = str_dup(str_from(path));
    r = sqlite3_open_v2(path, &db->connection, flags, NULL);
    r = r == SQLITE_OK ? prepare(db, steps, options) : code_of(r);
    if (r == 0 && stat(path, &db->file) < 0)
        r = ERR_IO;
    if (r < 0) {
        err_set(err, r, "%s: %s", path, sqlite3_errmsg(db->connection));
        db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->count; i++)
        sqlite3_finalize(db->statements[i].statement);
    ASSERT(sqlite3_close(db->connection) == SQLITE_OK);
    free(db->path);
    free(db);
}

static int sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r = fd < 0 || fsync(fd) < 0 ? ERR_IO : 0;

    if (r < 0)
        err_set(err, r, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return r;
}

int db_copy(const char *path, const char *to, struct err *err)
{
    sqlite3 *connection = NULL;
    sqlite3_stmt *copy = NULL;
    int r = sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (r == SQLITE_OK) {
        sqlite3_busy_timeout(connection, DB_BUSY_MS);
        r = sqlite3_prepare_v2(connection, "VACUUM INTO ?", -1, &copy, NULL);
    }
    if (r == SQLITE_OK) {
        sqlite3_bind_text(copy, 1, to, -1, SQLITE_STATIC);
        r = sqlite3_step(copy);
    }
    r = r == SQLITE_DONE ? 0 : code_of(r);
    if (r < 0)
        err_set(err, r, "%s cannot be copied to %s: %s", path, to, sqlite3_errmsg(connection));
    sqlite3_finalize(copy);
    ASSERT(sqlite3_close(connection) == SQLITE_OK);
    return r < 0 ? r : sync_file(to, err);
}

void db_explain(struct db *db, int code, struct err *err)
{
    err_set(err, code, "%s: %s", db->path, sqlite3_errmsg(db->connection));
}

sqlite3 *db_connection(struct db *db)
{
    return db->connection;
}

bool db_is_stale(const struct db *db)
{
    struct stat now;

    return stat(db->path, &now) < 0 || now.st_ino != db->file.st_ino ||
           now.st_dev != db->file.st_dev;
}

sqlite3_stmt *db_statement(struct db *db, const char *sql)
{
    struct statement *s;

    for (size_t i = 0; i < db->count; i++)
        if (db->statements[i].sql == sql) {
            sqlite3_reset(db->statements[i].statement);
            return db->statements[i].statement;
        }
    ASSERT(db->count < DB_STATEMENTS_MAX);
    s = &db->statements[db->count];
    if (sqlite3_prepare_v3(db->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->statement,
                           NULL) != SQLITE_OK)
        return NULL;
    s->sql = sql;
    db->count++;
    return s->statement;
}

void db_bind(sqlite3_stmt *statement, int index, str bytes)
{
    if (statement)
        ASSERT(sqlite3_bind_blob64(statement, index, bytes.len ? bytes.ptr : "", bytes.len,
                                   SQLITE_STATIC) == SQLITE_OK);
}

str db_column(sqlite3_stmt *statement, int index)
{
    const void *bytes = sqlite3_column_blob(statement, index);

    return (str){bytes, (size_t)sqlite3_column_bytes(statement, index)};
}

int db_step(sqlite3_stmt *statement)
{
    int r = statement ? sqlite3_step(statement) : SQLITE_CORRUPT;

    if (r == SQLITE_ROW)
        return 1;
    sqlite3_reset(statement);
    return r == SQLITE_DONE ? 0 : code_of(r);
}

int db_run(sqlite3_stmt *statement)
{
    int r;

    while ((r = db_step(statement)) > 0)
        ;
    return r;
}

int db_begin(struct db *db)
{
    return run_text(db, "BEGIN IMMEDIATE");
}

int db_end(struct db *db, int result)
{
    if (result == 0 && (result = run_text(db, "COMMIT")) == 0)
        return 0;
    /* After a full disk it is rolled back already, and trying would hide why. */
    if (!sqlite3_get_autocommit(db->connection))
        sqlite3_exec(db->connection, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

const char *db_library_version(void)
{
    return sqlite3_libversion();
}
