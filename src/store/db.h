/* One connection to a SQLite database that several processes have open at once.
 *
 * WAL, foreign keys; a commit survives the process, and is in order but perhaps not there after a
 * power cut, unless that is asked for.
 * Owns: the connection and its statements. Thread: one at a time. Limits: DB_STATEMENTS_MAX
 * statements; DB_BUSY_MS of waiting for other processes.
 * Errors: ERR_INVALID when the file is damaged, of another kind or of a later version; ERR_TIMEOUT
 * when others hold it; ERR_EXISTS when a row is there already (UNIQUE); else ERR_IO. */
#ifndef ATOLL_STORE_DB_H
#define ATOLL_STORE_DB_H

#include <sqlite3.h>

#include "base/err.h"

enum { DB_STATEMENTS_MAX = 128, DB_BUSY_MS = 5000 };

struct db;

/* Opens `path`, and makes it when it is not there. `steps`, ending with NULL, take the schema from
 * each version to the next; those that the file has not seen are run, in one transaction.
 * Returns 0 with the connection, returned owned, or an error. */
NODISCARD int db_open(const char *path, const char *const *steps, struct db **ret_db,
                      struct err *err);

struct db_options {
    bool survives_power_cut;    /* each commit is synced before it returns, the names of the
                                   directories on the way to the file before the first one */
    unsigned cache_kib;         /* of pages in memory; 0: SQLite's default, 2000 */
};

NODISCARD int db_open_with(const char *path, const char *const *steps,
                           const struct db_options *options, struct db **ret_db, struct err *err);

/* NULL is fine. */
void db_close(struct db *db);

/* Writes a consistent, synced copy of the database at `path`, which others may be writing to, to
 * the new file `to`. Thread: any. Returns 0 or an error. */
NODISCARD int db_copy(const char *path, const char *to, struct err *err);

/* What the last call on this connection said, with the path: valid until the next one. */
void db_explain(struct db *db, int code, struct err *err);

/* The connection itself, borrowed. */
sqlite3 *db_connection(struct db *db);

/* True when another file stands at the path now, or none: the connection speaks to nobody. */
bool db_is_stale(const struct db *db);

/* The statement of this text, a literal, reset and ready to be bound; prepared at its first use.
 * NULL when the file is damaged: binding takes that, and stepping then says ERR_INVALID.
 * Borrowed. */
sqlite3_stmt *db_statement(struct db *db, const char *sql);

/* Bytes for a statement; kept by the caller until it was stepped. */
void db_bind(sqlite3_stmt *statement, int index, str bytes);

/* A column of the row, borrowed until the next step. */
str db_column(sqlite3_stmt *statement, int index);

/* One step. Returns 1 with a row, 0 at the end, or an error. */
NODISCARD int db_step(sqlite3_stmt *statement);

/* Runs to the end. Returns 0 or an error. */
NODISCARD int db_run(sqlite3_stmt *statement);

/* A transaction that writes. db_end() commits when `result` is 0, else takes everything back and
 * returns `result`. */
NODISCARD int db_begin(struct db *db);
NODISCARD int db_end(struct db *db, int result);

/* "3.40.1". Static memory. */
const char *db_library_version(void);

#endif
