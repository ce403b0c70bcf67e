/* The registry: its directory, its transactions; see registry.h.
 *
 *   <directory>/lock          held as long as the registry is open
 *   <directory>/secret.key    made before registry.db: a database without its key is not begun anew
 *   <directory>/registry.db   every commit is synced
 *   <directory>/usage.db, logs.db
 *   <directory>/blobs/        store/blob.h
 *
 * 1. Contents are on disk before the row that names them; what no row names is swept later.
 * 2. A function that changes several rows does it in one change: a transaction of its own, or a
 *    savepoint within registry_begin().
 * 3. When SQLite itself took a transaction back (a full disk), nothing more is written in it:
 *    registry_change_begin() sees that, and registry_end() fails. */
#include "registry/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"
#include "registry/account.h"
#include "registry/asset.h"
#include "registry/registry_private.h"
#include "store/blob.h"

enum { LOCK_WAIT_MS = 3000, LOCK_STEP_MS = 20, CACHE_KIB = 8192, CACHE_SMALL_KIB = 2048 };

void registry_new_id(char *ret)
{
    static const char variants[] = "89ab";
    char hex[33];

    hex_random(hex, 32);
    hex[12] = '4';
    hex[16] = variants[hex[16] & 3];
    snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* ---- the directory ---- */

static int make_directory(const char *path, struct err *err)
{
    char *above = path_directory(str_from(path));
    int r = file_make_directories(above, err);

    if (r == 0 && mkdir(path, 0700) == 0)
        r = file_sync_directory(above, err);
    else if (r == 0 && !path_is_directory(path))
        r = err_set(err, ERR_IO, "%s cannot be the data directory: %s", path, strerror(errno));
    free(above);
    return r;
}

static int refuse_locked(const struct registry *registry, struct err *err)
{
    char pid[16] = "";
    ssize_t len = pread(registry->lock_fd, pid, sizeof pid - 1, 0);

    pid[len > 0 ? len : 0] = 0;
    return err_set(err, ERR_EXISTS,
                   "another server%s%.10s runs on %s: stop it first, or use another directory",
                   *pid ? ", process " : "", pid, registry->directory);
}

/* A server that hands over to this one may be just about to let go. */
static int take_lock(struct registry *registry, struct err *err)
{
    const struct timespec step = {0, LOCK_STEP_MS * 1000000L};
    char *path = path_join(str_from(registry->directory), STR("lock")), pid[16];
    int fd = registry->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r = 0;

    if (fd < 0)
        r = err_set_io(err, path);
    free(path);
    for (int waited = 0; r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
        if (waited >= LOCK_WAIT_MS)
            return refuse_locked(registry, err);
        nanosleep(&step, NULL);
    }
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    if (r == 0 && (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0))
        r = err_set(err, ERR_IO, "%s cannot be written: %s", registry->directory, strerror(errno));
    return r;
}

static int read_key(struct registry *registry, struct err *err)
{
    char *path = path_join(str_from(registry->directory), STR("secret.key"));
    char *db = path_join(str_from(registry->directory), STR("registry.db"));
    int r = secret_key_read(path, !path_is_file(db), registry->key, err);

    free(path);
    free(db);
    return r;
}

/* ---- databases ---- */

/* Only this user may read what is in it: SQLite gives its other files the mode of the first. */
static int make_private(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set_io(err, path);
    close(fd);
    return 0;
}

static int open_db(struct registry *registry, const char *name, const char *const *steps,
                   const struct db_options *options, struct db **ret, struct err *err)
{
    char *path = path_join(str_from(registry->directory), str_from(name));
    int r = make_private(path, err);
    struct err why;

    if (r == 0 && (r = db_open_with(path, steps, options, ret, &why)) == ERR_INVALID)
        r = err_set(err, ERR_IO,
                    "%.3000s: the file is damaged, or of a later version of atoll; restore the "
                    "directory from a backup, or start that version",
                    why.text);
    else if (r < 0)
        r = err_set(err, ERR_IO, "%s", why.text);
    free(path);
    return r;
}

static int open_databases(struct registry *registry, struct err *err)
{
    const struct db_options synced = {.survives_power_cut = true, .cache_kib = CACHE_KIB};
    const struct db_options plain = {.cache_kib = CACHE_SMALL_KIB};
    int r = open_db(registry, "registry.db", registry_schema_steps, &synced, &registry->db, err);

    if (r == 0)
        r = open_db(registry, "usage.db", usage_schema_steps, &plain, &registry->usage_db, err);
    if (r == 0)
        r = open_db(registry, "logs.db", log_store_schema_steps, &plain, &registry->logs_db, err);
    return r;
}

static int open_blobs(struct registry *registry, struct err *err)
{
    registry->blobs = path_join(str_from(registry->directory), STR("blobs"));
    return blob_prepare(registry->blobs, err);
}

static int make_default_account(struct registry *registry, struct err *err)
{
    return query_run(registry->db,
                     query_make(registry->db,
                                "INSERT INTO account (id, name, subdomain, limits, created_ms) "
                                "SELECT ?1, ?1, ?1, '{}', ?2 "
                                "WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = ?1)",
                                "ti", ACCOUNT_DEFAULT, clock_wall_ms()),
                     err);
}

int registry_open(const char *directory, struct registry **ret, struct err *err)
{
    struct registry *registry = mem_new(struct registry);
    int r;

    registry->lock_fd = -1;
    registry->directory = str_dup(str_from(directory));
    registry->logs = log_store_new();
    if ((r = make_directory(directory, err)) < 0 || (r = take_lock(registry, err)) < 0 ||
        (r = read_key(registry, err)) < 0 || (r = open_databases(registry, err)) < 0 ||
        (r = open_blobs(registry, err)) < 0 || (r = make_default_account(registry, err)) < 0 ||
        (r = file_sync_directory(directory, err)) < 0) {
        registry_close(registry);
        return r;
    }
    *ret = registry;
    return 0;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    db_close(registry->db);
    db_close(registry->usage_db);
    db_close(registry->logs_db);
    log_store_free(registry->logs);
    secret_key_clear(registry->key);
    if (registry->lock_fd >= 0)
        close(registry->lock_fd);
    free(registry->blobs);
    free(registry->domain);
    free(registry->directory);
    free(registry);
}

/* ---- transactions ---- */

static int run_text(struct registry *registry, const char *sql, struct err *err)
{
    if (sqlite3_exec(db_connection(registry->db), sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return query_fail(registry->db, ERR_IO, err);
}

static int begin(struct registry *registry, struct err *err)
{
    int r = db_begin(registry->db);

    return r < 0 ? query_fail(registry->db, ERR_IO, err) : 0;
}

static int end(struct registry *registry, int result, struct err *err)
{
    int r = result == 0 ? run_text(registry, "COMMIT", err) : result;

    return r < 0 ? db_end(registry->db, r) : 0;
}

int64_t registry_changes(const struct registry *registry)
{
    return sqlite3_total_changes64(db_connection(registry->db));
}

int registry_begin(struct registry *registry, struct err *err)
{
    int r;

    ASSERT(!registry->in_transaction);
    if ((r = begin(registry, err)) == 0)
        registry->in_transaction = true;
    return r;
}

int registry_end(struct registry *registry, int result, struct err *err)
{
    ASSERT(registry->in_transaction);
    registry->in_transaction = false;
    return end(registry, result, err);
}

int registry_change_begin(struct registry *registry, struct err *err)
{
    if (!registry->in_transaction)
        return begin(registry, err);
    if (sqlite3_get_autocommit(db_connection(registry->db)))
        return err_set(err, ERR_IO, "%s: the change was taken back after an error",
                       registry->directory);
    return run_text(registry, "SAVEPOINT change", err);
}

int registry_change_end(struct registry *registry, int result, struct err *err)
{
    struct err ignored;

    if (!registry->in_transaction)
        return end(registry, result, err);
    if (result == 0)
        return run_text(registry, "RELEASE change", err);
    (void)!run_text(registry, "ROLLBACK TO change; RELEASE change", &ignored);
    return result;
}

/* ---- contents that nobody uses ---- */

static int content_is_used(void *context, const char *name, struct err *err)
{
    struct registry *registry = context;
    int64_t one;
    int r = asset_is_used(registry, name, err);

    return r ? r
             : query_integer(registry->db,
                             query_make(registry->db, "SELECT 1 FROM asset WHERE hash = ? LIMIT 1",
                                        "t", name),
                             &one, err);
}

int registry_sweep(struct registry *registry, struct err *err)
{
    int r;

    if (registry->in_transaction || atomic_load(&registry->backups))
        return 0;
    if (registry->sweep_place == 0 && (r = asset_sweep(registry, err)) < 0)
        return r;
    r = blob_sweep(registry->blobs, registry->sweep_place, content_is_used, registry, err);
    registry->sweep_place = (registry->sweep_place + 1) % BLOB_PLACES;
    return r;
}
