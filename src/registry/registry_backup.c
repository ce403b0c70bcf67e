/* A copy of a whole registry while it is used; see registry_backup().
 *
 * Databases are copied first, then contents: what a copied row names is there, for contents are
 * older than their rows, and sweeps wait. What came in between is swept by who opens the copy. It
 * grows under another name and is synced before it gets its own. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hex.h"
#include "os/file.h"
#include "os/path.h"
#include "os/tree.h"
#include "registry/registry_private.h"
#include "store/blob.h"

enum { ROOM_SPARE_BYTES = 16 << 20, MIB_SHIFT = 20, DEPTH_MAX = 16 };

static int copy_databases(const struct registry *registry, const char *to, struct err *err)
{
    static const char *const names[] = {"registry.db", "usage.db", "logs.db"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(names); i++) {
        char *from = path_join(str_from(registry->directory), str_from(names[i]));
        char *copy = path_join(str_from(to), str_from(names[i]));

        if ((r = db_copy(from, copy, err)) == 0 && chmod(copy, 0600) < 0)
            r = err_set_io(err, copy);
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
        r = err_set_io(err, path);
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
        r = err_set_io(err, partial);
    else if (rename(partial, directory) < 0)
        r = errno == EEXIST || errno == ENOTEMPTY
                ? err_set(err, ERR_EXISTS, "%s is there already", directory)
                : err_set_io(err, directory);
    else if (outside < 0 || fsync(outside) < 0)
        r = err_set_io(err, above);
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
    hex_random(hex, 16);
    if (snprintf(partial, PATH_MAX, "%s.%s", directory, hex) >= PATH_MAX)
        return err_set(err, ERR_IO, "%s: the path is too long", directory);
    return mkdir(partial, 0700) < 0 ? err_set_io(err, partial) : 0;
}

static int take_storage(const char *storage, const char *to, struct err *err)
{
    char *path = path_join(str_from(to), STR("storage"));
    int r = storage && path_is_directory(storage) ? tree_move(storage, path, err) : 0;

    free(path);
    return r;
}

/* ---- whether there is room ---- */

/* nftw() has no argument of ours. */
static _Thread_local struct {
    size_t top;                       /* bytes of the data directory's path */
    uint64_t stored, linked, rest;    /* databases of stores; what a link is a copy of; else */
} sizes;

/* Links are not followed: what is in stores may be somebody's who is not trusted. */
static int add_size(const char *path, const struct stat *about, int type, struct FTW *at)
{
    const char *relative = path + sizes.top;

    (void)at;
    if (type != FTW_F || strncmp(relative, "/cache/", 7) == 0)
        return 0;
    if (strncmp(relative, "/blobs/", 7) == 0 || strstr(relative, "/bodies/"))
        sizes.linked += (uint64_t)about->st_size;
    else if (strncmp(relative, "/storage/", 9) == 0)
        sizes.stored += (uint64_t)about->st_size;
    else
        sizes.rest += (uint64_t)about->st_size;
    return 0;
}

/* The directory that is there already on the way to one that is not. */
static char *nearest(const char *directory)
{
    char *at = str_dup(str_from(directory));
    struct stat about;

    while (strcmp(at, "/") != 0 && stat(at, &about) < 0) {
        char *above = path_directory(str_from(at));

        free(at);
        at = above;
    }
    return at;
}

static int check_room(const char *place, uint64_t wanted, struct err *err)
{
    struct statvfs disk;
    uint64_t room;

    if (statvfs(place, &disk) < 0)
        return err_set_io(err, place);
    room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (room >= wanted + ROOM_SPARE_BYTES)
        return 0;
    return err_set(err, ERR_LIMIT,
                   "the disk of %s is too small for the backup: it takes %llu MiB there, and %llu "
                   "are free; nothing was written",
                   place, (unsigned long long)((wanted + ROOM_SPARE_BYTES) >> MIB_SHIFT),
                   (unsigned long long)(room >> MIB_SHIFT));
}

int registry_backup_fits(const struct registry *registry, const char *directory, struct err *err)
{
    char *place = nearest(directory);
    struct stat here, there;
    int r;

    memset(&sizes, 0, sizeof sizes);
    sizes.top = strlen(registry->directory);
    if (nftw(registry->directory, add_size, DEPTH_MAX, FTW_PHYS) < 0 ||
        stat(registry->directory, &here) < 0 || stat(place, &there) < 0)
        r = err_set_io(err, registry->directory);
    else if (here.st_dev == there.st_dev)
        r = check_room(place, sizes.stored + sizes.rest, err);
    else if ((r = check_room(registry->directory, sizes.stored, err)) == 0)
        r = check_room(place, sizes.stored + sizes.rest + sizes.linked, err);
    free(place);
    return r;
}

/* ---- all of it ---- */

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
