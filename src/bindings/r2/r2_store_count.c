/* How much is in a bucket; see r2_store.h. Reads every row of the index: not for each request. */
#include "bindings/r2/r2_store_private.h"

int r2_store_count(struct r2_store *store, uint64_t *ret_objects, uint64_t *ret_bytes,
                   struct err *err)
{
    sqlite3_stmt *row = db_statement(store->db,
                                     "SELECT count(*), coalesce(sum(size), 0) + "
                                     "(SELECT coalesce(sum(length), 0) FROM part) FROM object");
    int r = db_step(row);

    if (r > 0) {
        *ret_objects = (uint64_t)sqlite3_column_int64(row, 0);
        *ret_bytes = (uint64_t)sqlite3_column_int64(row, 1);
        sqlite3_reset(row);
    }
    return r < 0 ? r2_store_explain(store, r, err) : 0;
}
