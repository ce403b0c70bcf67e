/* A bucket that is being deleted takes no objects; see r2_store.h.
 *
 * (1) It is sealed in the transaction that sees it empty: a put is before that, and found, or after
 *     it, and refused.
 * (2) An empty file comes in the place of its directory: whoever has begun to upload before, and
 *     ends after, would make the bucket anew, and store what nobody finds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bindings/r2/r2_store_private.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

static int has_objects(struct r2_store *store)
{
    sqlite3_stmt *row = db_statement(store->db, "SELECT 1 FROM object LIMIT 1");
    int r = db_step(row);

    if (r > 0)
        sqlite3_reset(row);
    return r;
}

static int add_seal(struct r2_store *store)
{
    sqlite3_stmt *insert = db_statement(store->db, "INSERT INTO seal (until) VALUES (?)");

    if (!insert)
        return ERR_INVALID;
    sqlite3_bind_int64(insert, 1, clock_wall_s() + R2_STORE_SEALED_S);
    return db_run(insert);
}

int r2_store_seal(struct r2_store *store, uint64_t *ret_objects, struct err *err)
{
    uint64_t bytes;
    int r = db_begin(store->db), has = 0;

    *ret_objects = 0;
    if (r < 0)
        return r2_store_explain(store, r, err);
    if ((r = has = has_objects(store)) == 0)
        r = add_seal(store);
    r = db_end(store->db, r < 0 ? r : 0);
    if (r == 0 && has)
        return r2_store_count(store, ret_objects, &bytes, err);
    return r2_store_explain(store, r, err);
}

int r2_store_seal_check(struct r2_store *store)
{
    sqlite3_stmt *row = db_statement(store->db, "SELECT 1 FROM seal WHERE until > ?");
    int r;

    if (!row)
        return ERR_INVALID;
    sqlite3_bind_int64(row, 1, clock_wall_s());
    r = db_step(row);
    if (r > 0)
        sqlite3_reset(row);
    return r > 0 ? ERR_NOT_FOUND : r;
}

/* (2) in one step, or in three where files cannot be exchanged. */
static bool put_in_place(const char *stone, const char *directory)
{
    if (renameat2(AT_FDCWD, stone, AT_FDCWD, directory, RENAME_EXCHANGE) == 0)
        return true;
    if (errno != ENOENT)
        file_remove_tree(directory);
    return renameat2(AT_FDCWD, stone, AT_FDCWD, directory, RENAME_NOREPLACE) == 0 ||
           rename(stone, directory) == 0;
}

void r2_store_seal_remove(const char *directory, struct err *err)
{
    struct buf stone;
    int fd = -1;

    buf_init(&stone, SIZE_MAX / 4);
    ASSERT(buf_printf(&stone, "%s.gone", directory) == 0);
    file_remove_tree(stone.ptr); /* that a crash has left */
    if (!path_is_file(directory)) {
        fd = open(stone.ptr, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 ? errno != ENOENT : !put_in_place(stone.ptr, directory))
            err_set_io(err, directory); /* where nothing is above it, nothing was put */
        file_remove_tree(stone.ptr);
    }
    if (fd >= 0)
        close(fd);
    buf_done(&stone);
}
