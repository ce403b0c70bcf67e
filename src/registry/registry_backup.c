/* A copy of a whole registry while it is used; see registry_backup().
 *
 * Databases are copied first, then contents: what a copied row names is there, for contents are
 * older than their rows, and sweeps wait. What came in between is swept by who opens the copy. It
 * grows under another name and is synced before it gets its own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"
#include "os/tree.h"
#include "registry/registry_private.h"
#include "store/blob.h"

static int fail(const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

static int copy_databases(const struct registry *registry, const char *to, struct err *err)
{
    static const char *const names[] = {"registry.db", "usage.db", "logs.db"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(names); i++) {
        char *from = path_join(str_from(registry->directory), str_from(names[i]));
        char *copy = path_join(str_from(to), str_from(names[i]));

        if ((r = db_copy(from, copy, err)) == 0 && chmod(copy, 0600) < 0)
            r = fail(copy, err);
        free(from);
        free(copy);
    }
    return r < 0 ? ERR_IO : 0;
}

static int copy_key(const struct registry *registry, const char *to, struct err *err)
{
    char *path = path_join(str_from(to), STR("secret.key"));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;

    if (fd < 0 || write(fd, registry->key, sizeof registry->key) != sizeof registry->key)
        r = fail(path, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return r;
}

static int copy_blobs(const struct registry *registry, const char *to, struct err *err)
{
    char *path = path_join(str_from(to), STR("blobs"));
    int r = blob_copy(registry->blobs, path, err);

    free(path);
    return r;
}

/* Syncs all that was written, gives it its name, and syncs that. */
static int finish(const char *partial, const char *directory, struct err *err)
{
    char *above = path_directory(str_from(directory));
    int inside = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int outside = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

    if (inside < 0 || syncfs(inside) < 0)
        r = fail(partial, err);
    else if (rename(partial, directory) < 0)
        r = errno == EEXIST || errno == ENOTEMPTY
                ? err_set(err, ERR_EXISTS, "%s is there already", directory)
                : fail(directory, err);
    else if (outside < 0 || fsync(outside) < 0)
        r = fail(above, err);
    if (inside >= 0)
        close(inside);
    if (outside >= 0)
        close(outside);
    free(above);
    return r;
}

static int make_partial(const char *directory, char partial[PATH_MAX], struct err *err)
{
    char *above = path_directory(str_from(directory)), hex[17];
    int r = file_make_directories(above, err);

    free(above);
    if (r < 0)
        return r;
    registry_new_hex(hex, 16);
    if (snprintf(partial, PATH_MAX, "%s.%s", directory, hex) >= PATH_MAX)
        return err_set(err, ERR_IO, "%s: the path is too long", directory);
    return mkdir(partial, 0700) < 0 ? fail(partial, err) : 0;
}

static int take_storage(const char *storage, const char *to, struct err *err)
{
    char *path = path_join(str_from(to), STR("storage"));
    int r = storage && path_is_directory(storage) ? tree_move(storage, path, err) : 0;

    free(path);
    return r;
}

int registry_backup(struct registry *registry, const char *directory, const char *storage,
                    struct err *err)
{
    char partial[PATH_MAX];
    struct stat st;
    int r;

    if (lstat(directory, &st) == 0)
        return err_set(err, ERR_EXISTS, "%s is there already", directory);
    if ((r = make_partial(directory, partial, err)) < 0)
        return r;
    atomic_fetch_add(&registry->backups, 1);
    if ((r = copy_databases(registry, partial, err)) == 0 &&
        (r = copy_key(registry, partial, err)) == 0 &&
        (r = copy_blobs(registry, partial, err)) == 0 &&
        (r = take_storage(storage, partial, err)) == 0)
        r = finish(partial, directory, err);
    atomic_fetch_sub(&registry->backups, 1);
    if (r < 0)
        file_remove_tree(partial);
    return r;
}
