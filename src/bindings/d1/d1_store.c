/* The connection: opened, bounded, its transactions; see d1_store.h.
 *
 *   d1_store_guard.c      what SQL may do
 *   d1_store_function.c   functions that are not SQLite's own
 *   d1_store_slow.c       those of them that may take long
 *   d1_store_memory.c     what it may take
 *   d1_store_statement.c  statements, prepared and kept
 *   d1_store_run.c        a statement run into JSON
 *   d1_store_export.c     the whole as a file or as SQL
 *
 * (1) Never open the database's file but by SQLite: closing any descriptor of it lets go of all
 *     locks that this process holds on it. What is asked of the file is asked by stat().
 * (2) Nothing is in a file before the names on the way to it are on the disk.
 * (3) A reader leaves the write-ahead log alone when it is closed: to copy it back is a writer's
 *     work, which may take long. */
#include "bindings/d1/d1_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "bindings/d1/d1_store_memory.h"
#include "bindings/d1/d1_store_private.h"
#include "bindings/quota.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

enum { NS_PER_MS = 1000000, DISK_SPARE_BYTES = 1 << 20, SYNCED_LEVELS = 4 };

static const char opening[] = "PRAGMA page_size = 4096;"
                              "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                              "PRAGMA journal_size_limit = 4194304; PRAGMA temp_store = MEMORY;"
                              "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;";

/* What a code of SQLite's is called, without its extension. */
static const char *name_of(int code)
{
    static const char *const names[] = {
        [SQLITE_ERROR] = "SQLITE_ERROR",       [SQLITE_INTERNAL] = "SQLITE_INTERNAL",
        [SQLITE_PERM] = "SQLITE_PERM",         [SQLITE_ABORT] = "SQLITE_ABORT",
        [SQLITE_BUSY] = "SQLITE_BUSY",         [SQLITE_LOCKED] = "SQLITE_LOCKED",
        [SQLITE_NOMEM] = "SQLITE_NOMEM",       [SQLITE_READONLY] = "SQLITE_READONLY",
        [SQLITE_INTERRUPT] = "SQLITE_INTERRUPT", [SQLITE_IOERR] = "SQLITE_IOERR",
        [SQLITE_CORRUPT] = "SQLITE_CORRUPT",   [SQLITE_NOTFOUND] = "SQLITE_NOTFOUND",
        [SQLITE_FULL] = "SQLITE_FULL",         [SQLITE_CANTOPEN] = "SQLITE_CANTOPEN",
        [SQLITE_PROTOCOL] = "SQLITE_PROTOCOL", [SQLITE_SCHEMA] = "SQLITE_SCHEMA",
        [SQLITE_TOOBIG] = "SQLITE_TOOBIG",     [SQLITE_CONSTRAINT] = "SQLITE_CONSTRAINT",
        [SQLITE_MISMATCH] = "SQLITE_MISMATCH", [SQLITE_MISUSE] = "SQLITE_MISUSE",
        [SQLITE_NOLFS] = "SQLITE_NOLFS",       [SQLITE_AUTH] = "SQLITE_AUTH",
        [SQLITE_FORMAT] = "SQLITE_FORMAT",     [SQLITE_RANGE] = "SQLITE_RANGE",
        [SQLITE_NOTADB] = "SQLITE_NOTADB",
    };
    unsigned base = (unsigned)code & 0xFF;

    return base < COUNT_OF(names) && names[base] ? names[base] : "SQLITE_ERROR";
}

static int code_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_INVALID;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_TIMEOUT;
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_FULL:
        return ERR_LIMIT;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY:
        return ERR_IO;
    default:
        return ERR_SCRIPT;
    }
}

uint64_t d1_store_pages(struct d1_store *store, bool *ret_known)
{
    bool was_ours = store->is_ours;

    store->is_ours = true;
    *ret_known = sqlite3_step(store->size) == SQLITE_ROW;
    store->is_ours = was_ours;
    return *ret_known ? (uint64_t)sqlite3_column_int64(store->size, 0) : 0;
}

/* SQLite says the same of both. */
static bool is_disk_full(const struct d1_store *store)
{
    struct statvfs disk;

    return statvfs(store->path, &disk) == 0 &&
           (uint64_t)disk.f_bavail * disk.f_frsize < (uint64_t)DISK_SPARE_BYTES;
}

static const char *interrupted(const struct d1_store *store)
{
    return atomic_load(&store->leash->cancelled)
               ? "nobody waits for the query any more"
               : "D1 DB's query was stopped: it exceeded its time limit of 30 seconds";
}

static const char *refused(const char *said)
{
    if (strcmp(said, "not authorized") != 0)
        return said;
    return "not authorized: this is one of the statements that D1 does not run (transactions: use "
           "batch(); other databases, temporary tables, most pragmas)";
}

int d1_store_explain(struct d1_store *store, int code, struct err *err)
{
    const char *said = sqlite3_errmsg(store->connection);
    int at = sqlite3_error_offset(store->connection);
    char where[32] = "";

    switch (code & 0xFF) {
    case SQLITE_INTERRUPT:
        said = interrupted(store);
        break;
    case SQLITE_NOMEM:
        said = "the query takes more memory than it may";
        break;
    case SQLITE_FULL:
        said = store->is_capped      ? QUOTA_TEXT
               : is_disk_full(store) ? "the disk is full"
                                     : "Exceeded maximum DB size";
        break;
    case SQLITE_AUTH:
        said = refused(said);
        break;
    default:
        break;
    }
    if (at >= 0 && (code & 0xFF) == SQLITE_ERROR)
        snprintf(where, sizeof where, " at offset %d", at);
    return err_set(err, code_of(code), "%.3500s%s: %s", said, where, name_of(code));
}

int d1_store_execute(struct d1_store *store, const char *sql)
{
    int r;

    store->is_ours = true;
    r = sqlite3_exec(store->connection, sql, NULL, NULL, NULL);
    store->is_ours = false;
    return r;
}

/* ---- opening ---- */

/* Less than the pages that there are is taken for these. */
static int set_pages_max(struct d1_store *store, uint64_t pages)
{
    char bound[64];

    snprintf(bound, sizeof bound, "PRAGMA max_page_count = %llu", (unsigned long long)pages);
    return d1_store_execute(store, bound);
}

static int prepare(struct d1_store *store)
{
    int r;

    sqlite3_extended_result_codes(store->connection, 1);
    if ((r = d1_store_guard_put(store)) != SQLITE_OK ||
        (r = d1_store_function_put(store)) != SQLITE_OK ||
        (r = d1_store_execute(store, opening)) != SQLITE_OK ||
        (r = d1_store_execute(store, "SELECT 1 FROM sqlite_schema")) != SQLITE_OK)
        return r;
    if ((r = set_pages_max(store, store->bytes_max / D1_PAGE_BYTES)) != SQLITE_OK)
        return r;
    if (store->role == D1_STORE_READER) {
        sqlite3_db_config(store->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* (3) */
        if ((r = d1_store_execute(store, "PRAGMA query_only = ON")) != SQLITE_OK)
            return r;
    }
    store->is_ours = true;
    r = sqlite3_prepare_v3(store->connection, "PRAGMA page_count", -1, SQLITE_PREPARE_PERSISTENT,
                           &store->size, NULL);
    store->is_ours = false;
    return r;
}

/* (2): a file that holds nothing yet may be a new one. */
static int sync_names(struct d1_store *store)
{
    struct err err;
    bool is_known;
    uint64_t pages = d1_store_pages(store, &is_known);

    sqlite3_reset(store->size);
    return pages > 1 || file_sync_names(store->path, SYNCED_LEVELS, &err) == 0 ? SQLITE_OK
                                                                               : SQLITE_IOERR;
}

static struct d1_store *store_new(const char *directory, enum d1_store_role role,
                                  uint64_t bytes_max)
{
    struct d1_store *store = mem_new(struct d1_store);

    store->path = path_join(str_from(directory), STR("db.sqlite"));
    store->role = role;
    store->bytes_max = bytes_max;
    list_init(&store->order);
    d1_store_put_on_leash(store, NULL);
    return store;
}

int d1_store_open(const char *directory, enum d1_store_role role, uint64_t bytes_max,
                  struct d1_store **ret_store, struct err *err)
{
    struct d1_store *store;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, r;

    if ((r = file_make_directories(directory, err)) < 0)
        return r;
    store = store_new(directory, role, bytes_max);
    r = sqlite3_open_v2(store->path, &store->connection, flags, "unix");
    if (r == SQLITE_OK)
        r = prepare(store);
    if (r == SQLITE_OK && role == D1_STORE_WRITER)
        r = sync_names(store);
    if (r == SQLITE_OK && stat(store->path, &store->file) < 0)
        r = SQLITE_IOERR;
    if (r != SQLITE_OK) {
        d1_store_explain(store, r, err);
        d1_store_close(store);
        return err->code;
    }
    *ret_store = store;
    return 0;
}

void d1_store_close(struct d1_store *store)
{
    if (!store)
        return;
    d1_store_statement_forget_all(store);
    sqlite3_finalize(store->size);
    d1_store_slow_close(store);
    ASSERT(sqlite3_close(store->connection) == SQLITE_OK);
    map_done(&store->map);
    free(store->path);
    free(store);
}

bool d1_store_is_stale(const struct d1_store *store)
{
    struct stat now;

    return stat(store->path, &now) < 0 || now.st_ino != store->file.st_ino ||
           now.st_dev != store->file.st_dev;
}

/* ---- the leash ---- */

void d1_store_put_on_leash(struct d1_store *store, struct d1_leash *leash)
{
    store->leash = leash ? leash : &store->own_leash;
    if (leash)
        return;
    store->own_leash.until_ns = clock_monotonic_ns() + (uint64_t)D1_STORE_TIME_MAX_MS * NS_PER_MS;
    store->own_leash.memory_max = D1_STORE_MEMORY_MAX;
    atomic_store(&store->own_leash.cancelled, false);
}

void d1_store_enter(struct d1_store *store)
{
    d1_store_memory_begin(store->leash->memory_max);
}

int d1_store_leave(struct d1_store *store, int result, struct err *err)
{
    if (d1_store_memory_end() && result >= 0)
        return d1_store_explain(store, SQLITE_NOMEM, err);
    return result;
}

int d1_store_column(sqlite3_stmt *statement, int column, str *ret)
{
    bool is_blob = sqlite3_column_type(statement, column) == SQLITE_BLOB;
    const void *bytes = is_blob ? sqlite3_column_blob(statement, column)
                                : sqlite3_column_text(statement, column);
    int len = sqlite3_column_bytes(statement, column);

    if (!bytes && (!is_blob || len))
        return ERR_MEM_LIMIT;
    *ret = (str){bytes, (size_t)len};
    return 0;
}

/* ---- transactions ---- */

static int execute_or_explain(struct d1_store *store, const char *sql, struct err *err)
{
    int r = d1_store_execute(store, sql);

    return r == SQLITE_OK ? 0 : d1_store_explain(store, r, err);
}

static int look_at_quota(struct d1_store *store)
{
    bool is_over = quota_is_over(store->path);
    int r;

    if (!is_over && !store->is_capped)
        return SQLITE_OK;
    r = set_pages_max(store, is_over ? 1 : store->bytes_max / D1_PAGE_BYTES);
    if (r == SQLITE_OK)
        store->is_capped = is_over;
    return r;
}

int d1_store_begin(struct d1_store *store, bool writes, struct err *err)
{
    int r = writes ? look_at_quota(store) : SQLITE_OK;

    if (r != SQLITE_OK)
        return d1_store_explain(store, r, err);
    sqlite3_set_last_insert_rowid(store->connection, 0);
    return execute_or_explain(store, writes ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

int d1_store_commit(struct d1_store *store, struct err *err)
{
    int r = execute_or_explain(store, "COMMIT", err);

    d1_store_guard_reset(store);
    if (r < 0)
        d1_store_rollback(store);
    return r;
}

void d1_store_rollback(struct d1_store *store)
{
    if (d1_store_is_within(store))
        d1_store_execute(store, "ROLLBACK");
    d1_store_guard_reset(store);
}

int d1_store_mark(struct d1_store *store, struct err *err)
{
    sqlite3_set_last_insert_rowid(store->connection, 0);
    return execute_or_explain(store, "SAVEPOINT d1", err);
}

static bool has_orphans(struct d1_store *store)
{
    int now = 0, most = 0;

    return sqlite3_db_status(store->connection, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &most, 0) ==
               SQLITE_OK &&
           now > 0;
}

int d1_store_keep(struct d1_store *store, struct err *err)
{
    d1_store_guard_reset(store);
    if (has_orphans(store))
        return err_set(err, ERR_SCRIPT, "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT");
    return execute_or_explain(store, "RELEASE d1", err);
}

void d1_store_take_back(struct d1_store *store)
{
    if (d1_store_is_within(store))
        d1_store_execute(store, "ROLLBACK TO d1; RELEASE d1");
    d1_store_guard_reset(store);
}

bool d1_store_is_within(const struct d1_store *store)
{
    return !sqlite3_get_autocommit(store->connection);
}

int d1_store_size(struct d1_store *store, uint64_t *ret_tables, uint64_t *ret_bytes,
                  struct err *err)
{
    static const char sql[] =
        "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND "
        "type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    sqlite3_stmt *tables = NULL;
    bool is_known;
    int r;

    store->is_ours = true;
    r = sqlite3_prepare_v2(store->connection, sql, -1, &tables, NULL);
    if (r == SQLITE_OK && (r = sqlite3_step(tables)) == SQLITE_ROW) {
        *ret_tables = (uint64_t)sqlite3_column_int64(tables, 0);
        *ret_bytes = d1_store_pages(store, &is_known) * D1_PAGE_BYTES;
        sqlite3_reset(store->size);
    }
    store->is_ours = false;
    if (r != SQLITE_ROW)
        d1_store_explain(store, r, err);
    sqlite3_finalize(tables);
    return r == SQLITE_ROW ? 0 : err->code;
}
