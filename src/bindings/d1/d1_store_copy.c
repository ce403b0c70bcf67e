/* A database as a file; see d1_store.h.
 *
 * Pages are copied as they are, by SQLite: nothing of what a tenant has put into the schema runs. A
 * copy is no longer in WAL mode, so that it is whole in one file; who opens it for writing makes it
 * so. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bindings/d1/d1_store_private.h"
#include "os/file.h"
#include "os/path.h"

enum { MODE_AT = 18, MODE_BYTES = 2, MODE_ROLLBACK = 1 };

int d1_store_copy_bytes(struct d1_store *store, struct buf *out, struct err *err)
{
    sqlite3_int64 size = 0;
    unsigned char *bytes;
    int r;

    d1_store_enter(store);
    store->is_ours = true; /* it asks for the size by a pragma */
    bytes = sqlite3_serialize(store->connection, "main", &size, 0);
    store->is_ours = false;
    if (!bytes || size < MODE_AT + MODE_BYTES) {
        r = err_set(err, ERR_LIMIT, "the database is too large to be dumped at once");
    } else {
        memset(bytes + MODE_AT, MODE_ROLLBACK, MODE_BYTES);
        r = buf_append(out, (str){(const char *)bytes, (size_t)size});
        if (r < 0)
            err_set(err, r, "the database is too large to be dumped at once: it has %lld bytes",
                    (long long)size);
    }
    sqlite3_free(bytes);
    return d1_store_leave(store, r, err);
}

static int sync_path(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

    if (fd < 0 || fsync(fd) < 0)
        r = err_set_io(err, path);
    if (fd >= 0)
        close(fd);
    return r;
}

static int copy_pages(struct d1_store *store, sqlite3 *to, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", store->connection, "main");
    int r = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(to);

    sqlite3_backup_finish(backup);
    if (r == SQLITE_DONE &&
        sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return err_set(err, ERR_IO, "the copy cannot be written: %s", sqlite3_errmsg(to));
}

int d1_store_copy(struct d1_store *store, const char *to, struct err *err)
{
    char *path = path_join(str_from(to), STR("db.sqlite"));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, r;
    sqlite3 *connection = NULL;

    if ((r = file_make_directories(to, err)) == 0) {
        if (sqlite3_open_v2(path, &connection, flags, "unix") != SQLITE_OK)
            r = err_set(err, ERR_IO, "%s: %s", path, sqlite3_errmsg(connection));
        else
            r = copy_pages(store, connection, err);
    }
    sqlite3_close(connection);
    if (r == 0 && (r = sync_path(path, err)) == 0)
        r = sync_path(to, err);
    free(path);
    return r;
}
