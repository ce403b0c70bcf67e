/* Cleaning up in a bucket; see r2_store.h.
 *
 * A file is removed before the row that dooms it: a crash between the two leaves a row for a file
 * that is gone, which the next sweep takes. */
#include <stdio.h>

#include "bindings/r2/r2_store_private.h"

enum { DOOMED_MAX = 500, MS_PER_S = 1000 };

static int remove_row(struct r2_store *store, const char *file)
{
    sqlite3_stmt *remove = db_statement(store->db, "DELETE FROM doomed WHERE file = ?");

    if (!remove)
        return ERR_INVALID;
    sqlite3_bind_text(remove, 1, file, -1, SQLITE_STATIC);
    return db_run(remove);
}

static int read_doomed(struct r2_store *store, int64_t now,
                       char files[DOOMED_MAX][CACHE_BODY_NAME_BYTES], int *ret_count)
{
    sqlite3_stmt *rows = db_statement(store->db,
                                      "SELECT file FROM doomed WHERE until <= ? LIMIT ?");
    int count = 0, r;

    if (!rows)
        return ERR_INVALID;
    sqlite3_bind_int64(rows, 1, now);
    sqlite3_bind_int(rows, 2, DOOMED_MAX);
    while ((r = db_step(rows)) > 0)
        snprintf(files[count++], CACHE_BODY_NAME_BYTES, "%.*s", STR_ARGS(db_column(rows, 0)));
    sqlite3_reset(rows);
    *ret_count = count;
    return r;
}

/* Returns 1 when there may be more. */
static int remove_doomed(struct r2_store *store, int64_t now)
{
    char files[DOOMED_MAX][CACHE_BODY_NAME_BYTES];
    int count, r = read_doomed(store, now, files, &count);

    if (r < 0 || !count)
        return r;
    for (int i = 0; i < count; i++)
        cache_body_remove(store->bodies, files[i]);
    r = db_begin(store->db);
    for (int i = 0; r == 0 && i < count; i++)
        r = remove_row(store, files[i]);
    r = db_end(store->db, r);
    return r < 0 ? r : count == DOOMED_MAX;
}

static int run_for(struct r2_store *store, const char *sql, int64_t before_ms)
{
    sqlite3_stmt *run = db_statement(store->db, sql);

    if (!run)
        return ERR_INVALID;
    sqlite3_bind_int64(run, 1, before_ms);
    return db_run(run);
}

static int remove_uploads(struct r2_store *store, int64_t now)
{
    int64_t before_ms = (now - R2_STORE_UPLOAD_S) * MS_PER_S;
    int r = db_begin(store->db);

    if (r == 0)
        r = run_for(store,
                    "INSERT OR REPLACE INTO doomed (file, until) SELECT file, 0 FROM part "
                    "WHERE upload IN (SELECT id FROM upload WHERE created < ?)",
                    before_ms);
    if (r == 0)
        r = run_for(store,
                    "DELETE FROM part WHERE upload IN "
                    "(SELECT id FROM upload WHERE created < ?)",
                    before_ms);
    if (r == 0)
        r = run_for(store, "DELETE FROM upload WHERE created < ?", before_ms);
    return db_end(store->db, r);
}

struct known {
    struct r2_store *store;
    int r;
};

/* When the index cannot tell, the file stays. */
static bool is_known(void *context, const char *name)
{
    struct known *known = context;
    sqlite3_stmt *row = db_statement(known->store->db,
                                     "SELECT 1 WHERE EXISTS (SELECT 1 FROM piece WHERE file = ?1) "
                                     "OR EXISTS (SELECT 1 FROM part WHERE file = ?1) "
                                     "OR EXISTS (SELECT 1 FROM doomed WHERE file = ?1)");

    if (!row || known->r < 0)
        return true;
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    if ((known->r = db_step(row)) > 0)
        sqlite3_reset(row);
    return known->r != 0;
}

int r2_store_sweep(struct r2_store *store, int64_t now, struct err *err)
{
    struct known known = {.store = store};
    int r = remove_uploads(store, now);

    while (r == 0 && (r = remove_doomed(store, now)) > 0)
        r = 0;
    if (r == 0) {
        cache_body_sweep(store->bodies, is_known, &known);
        r = known.r < 0 ? known.r : 0;
    }
    return r2_store_explain(store, r, err);
}
