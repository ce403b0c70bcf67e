/* One connection to a tenant's database: runs the tenant's SQL, and nothing else gets out of it.
 *
 * The file is <directory>/db.sqlite, in WAL mode; several connections, of several processes, may be
 * open at once. A commit is on disk when it returns. What SQL may do is decided in
 * d1_store_guard.c: no other file, no pragma that changes more than the connection's own habits, no
 * transactions of its own, memory and time on a leash.
 * Owns: the connection and its prepared statements. Thread: one at a time; it may change between
 * two calls. Limits: the numbers below; `bytes_max` of the file.
 * Errors: ERR_SCRIPT is the SQL's fault, its text ends with SQLite's name for it, as on Cloudflare:
 * "no such table: x: SQLITE_ERROR". ERR_LIMIT: too large, too long, cancelled. ERR_TIMEOUT: others
 * hold it. ERR_INVALID: the file is damaged. ERR_IO: the disk. */
#ifndef ATOLL_BINDINGS_D1_STORE_H
#define ATOLL_BINDINGS_D1_STORE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    D1_STORE_SQL_BYTES_MAX = 100000,      /* of one statement */
    D1_STORE_VALUES_MAX = 100,            /* bound to one statement */
    D1_STORE_COLUMNS_MAX = 100,
    D1_STORE_VALUE_BYTES_MAX = 2000000,   /* of a text, a blob, a row */
    D1_STORE_REPLY_BYTES_MAX = 32 << 20,  /* of one answer, as JSON */
    D1_STORE_MEMORY_MAX = 96 << 20,       /* taken by one operation */
    D1_STORE_TIME_MAX_MS = 30000,
    D1_STORE_BUSY_MAX_MS = 10000,         /* of waiting for another process's transaction */
};

struct d1_store;

enum d1_store_role {
    D1_STORE_WRITER,
    D1_STORE_READER,    /* never writes, never waits: for d1_store_run_now() */
};

/* Opens the database, and makes it when it is not there. Returns 0 with the store, returned owned,
 * or an error. */
NODISCARD int d1_store_open(const char *directory, enum d1_store_role role, uint64_t bytes_max,
                            struct d1_store **ret_store, struct err *err);

/* NULL is fine. */
void d1_store_close(struct d1_store *store);

/* True when another file is in its place now, or none. */
bool d1_store_is_stale(const struct d1_store *store);

/* What bounds the work that follows. Kept until the next. NULL: D1_STORE_TIME_MAX_MS from now on.
 * */
struct d1_leash {
    uint64_t until_ns;         /* clock_monotonic_ns() */
    size_t memory_max;
    atomic_bool cancelled;     /* set by any thread: nobody waits any more */
};
void d1_store_put_on_leash(struct d1_store *store, struct d1_leash *leash);

/* ---- transactions ---- */

NODISCARD int d1_store_begin(struct d1_store *store, bool writes, struct err *err);
NODISCARD int d1_store_commit(struct d1_store *store, struct err *err);
void d1_store_rollback(struct d1_store *store);

/* A part of a transaction that can be taken back by itself. Keeping it fails, and it is to be taken
 * back, when it leaves a foreign key without its row. */
NODISCARD int d1_store_mark(struct d1_store *store, struct err *err);
NODISCARD int d1_store_keep(struct d1_store *store, struct err *err);
void d1_store_take_back(struct d1_store *store);

/* False when there is none, or a failure has ended it: then all of it was taken back. */
bool d1_store_is_within(const struct d1_store *store);

/* ---- statements ---- */

enum d1_value_type { D1_NULL, D1_INTEGER, D1_REAL, D1_TEXT, D1_BLOB };

struct d1_value {
    enum d1_value_type type;
    int64_t integer;
    double real;
    str bytes;          /* of a text (UTF-8) or a blob */
};

/* Everything is borrowed. A NUL follows the SQL. */
struct d1_query {
    str sql;
    const struct d1_value *values;
    size_t count;
};

enum d1_shape {
    D1_SHAPE_OBJECTS,   /* {"success":true,"results":[{...}],"meta":{...}} */
    D1_SHAPE_ARRAYS,    /* "results":{"columns":[],"rows":[[]]} instead */
    D1_SHAPE_FIRST,     /* the first row alone, an object, or null */
    D1_SHAPE_NONE,      /* nothing: only what is counted */
};

struct d1_meta {
    uint64_t duration_ns;
    uint64_t changes;
    uint64_t rows_read;
    uint64_t rows_written;
    uint64_t size_after;
    int64_t last_row_id;
    bool changed_db;
};

struct d1_answer {
    enum d1_shape shape;
    struct buf *out;        /* appended to */
    struct d1_meta meta;    /* added to */
    size_t count;           /* of statements that ran: added to */
};

/* True when the query was understood and changes nothing. */
bool d1_store_run_reads(struct d1_store *store, const struct d1_query *query);

/* Runs a query that is one statement, within a transaction. */
NODISCARD int d1_store_run(struct d1_store *store, const struct d1_query *query,
                           struct d1_answer *answer, struct err *err);

/* Runs all statements of query->sql, which may be none; commas separate their answers. Each takes
 * as many of the values as it has parameters for, and none may be left. */
NODISCARD int d1_store_run_all(struct d1_store *store, const struct d1_query *query,
                               struct d1_answer *answer, struct err *err);

/* A reader's: answers a query that is surely short, in some hundred microseconds at most and
 * without waiting for anybody. Returns true with its answer in `out`; false leaves `out` as it was,
 * and the query is for a writer, which also tells its error. */
bool d1_store_run_now(struct d1_store *store, const struct d1_query *query, enum d1_shape shape,
                      struct buf *out);

/* Appends the meta object. Returns 0 or ERR_LIMIT. */
NODISCARD int d1_store_run_meta(struct buf *out, const struct d1_meta *meta);

/* Lets statements and values be larger (true: what a dump of rows needs), or not. */
void d1_store_guard_widen(struct d1_store *store, bool wide);

/* ---- the whole: d1_store_export.c, d1_store_copy.c ---- */

NODISCARD int d1_store_size(struct d1_store *store, uint64_t *ret_tables, uint64_t *ret_bytes,
                            struct err *err);

/* Appends the file as others would open it. Within a transaction. */
NODISCARD int d1_store_copy_bytes(struct d1_store *store, struct buf *out, struct err *err);

/* Writes a consistent, synced copy into the new directory `to`. */
NODISCARD int d1_store_copy(struct d1_store *store, const char *to, struct err *err);

struct d1_export {
    bool no_schema;
    bool no_data;
    const char *const *tables;    /* ends with NULL; NULL: all */
};

/* Appends SQL that makes the same database. Within a transaction. */
NODISCARD int d1_store_export(struct d1_store *store, const struct d1_export *what,
                              struct buf *out, struct err *err);

#endif
