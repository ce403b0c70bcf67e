/* Bodies that are files; see cache_body.h. */
#include "store/cache_body.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "os/file.h"

enum { PLACE_DIGITS = 2 };

static bool path_of(const char *directory, const char *name, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/%.2s/%s", directory, name, name);

    return len > 0 && len < PATH_MAX;
}

int cache_body_create(const char *directory, char name[CACHE_BODY_NAME_BYTES], struct err *err)
{
    char path[PATH_MAX], place[PATH_MAX];
    int fd;

    hex_random(name, CACHE_BODY_NAME_BYTES - 1);
    if (!path_of(directory, name, path))
        return err_set(err, ERR_IO, "%s: the path is too long", directory);
    snprintf(place, sizeof place, "%.*s", (int)(strlen(path) - strlen(name) - 1), path);
    if (file_make_directories(place, err) < 0)
        return ERR_IO;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        err_set_io(err, path);
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    return fd;
}

int cache_body_write(int fd, str bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_set(err, ERR_IO, "the cache cannot be written: %s", strerror(errno));
        bytes = str_skip(bytes, (size_t)put);
    }
    return 0;
}

int cache_body_open(const char *directory, const char *name, uint64_t length)
{
    char path[PATH_MAX];
    struct stat st;
    int fd;

    if (!path_of(directory, name, path))
        return ERR_IO;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == length)
        return fd;
    close(fd);
    return ERR_NOT_FOUND;
}

int64_t cache_body_read(int fd, uint64_t from, char *out, size_t len)
{
    ssize_t got;

    do
        got = pread(fd, out, len, (off_t)from);
    while (got < 0 && errno == EINTR);
    return got < 0 ? ERR_IO : got;
}

void cache_body_remove(const char *directory, const char *name)
{
    char path[PATH_MAX];

    if (path_of(directory, name, path))
        unlink(path);
}

/* ---- what a crash left behind ---- */

struct sweep {
    const char *directory;
    bool (*is_known)(void *context, const char *name);
    void *context;
};

/* Known before it was locked, or after: its writer may have finished in between. */
static void sweep_one(const struct sweep *sweep, const char *name)
{
    char path[PATH_MAX];
    int fd;

    if (strlen(name) != CACHE_BODY_NAME_BYTES - 1 || sweep->is_known(sweep->context, name) ||
        !path_of(sweep->directory, name, path))
        return;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && !sweep->is_known(sweep->context, name))
        unlink(path);
    close(fd);
}

static void sweep_place(const struct sweep *sweep, const char *place)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *directory;

    if (strlen(place) != PLACE_DIGITS || *place == '.' ||
        snprintf(path, sizeof path, "%s/%s", sweep->directory, place) >= PATH_MAX)
        return;
    directory = opendir(path);
    while (directory && (entry = readdir(directory)))
        sweep_one(sweep, entry->d_name);
    if (directory)
        closedir(directory);
}

void cache_body_sweep(const char *directory, bool (*is_known)(void *context, const char *name),
                      void *context)
{
    struct sweep sweep = {directory, is_known, context};
    struct dirent *entry;
    DIR *places = opendir(directory);

    while (places && (entry = readdir(places)))
        sweep_place(&sweep, entry->d_name);
    if (places)
        closedir(places);
}
