/* Whole files; see file.h. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/path.h"

enum { READ_STEP = 64 * 1024, TREE_DEPTH_MAX = 16 };

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        size_t room = out->max - out->len < READ_STEP ? out->max - out->len : READ_STEP;
        ssize_t got;
        char probe;

        if (!room)
            return read(fd, &probe, 1) == 0 ? 0 : ERR_LIMIT;
        if (buf_reserve(out, room) < 0)
            return ERR_LIMIT;
        got = read(fd, out->ptr + out->len, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            return 0;
        out->len += (size_t)got;
    }
}

int file_read(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                       strerror(errno));
    r = read_all(fd, out);
    if (r == ERR_LIMIT)
        err_set(err, r, "%s: larger than %zu bytes", path, out->max);
    else if (r < 0)
        err_set(err, r, "%s: %s", path, strerror(errno));
    close(fd);
    return r;
}

static bool write_all(int fd, str bytes)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes = str_skip(bytes, (size_t)put);
    }
    return true;
}

int file_write(const char *path, str bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        return err_set_io(err, path);
    if (!write_all(fd, bytes)) {
        err_set_io(err, path);
        close(fd);
        return ERR_IO;
    }
    if (close(fd) < 0)
        return err_set_io(err, path);
    return 0;
}

int file_replace(const char *path, str bytes, mode_t mode, struct err *err)
{
    char *real = realpath(path, NULL);
    const char *place = real ? real : path;
    size_t size = strlen(place) + sizeof ".XXXXXX";
    char *fresh = mem_alloc(size);
    int fd, r = 0;

    snprintf(fresh, size, "%s.XXXXXX", place);
    fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0 || fchmod(fd, mode) < 0 || !write_all(fd, bytes) || fsync(fd) < 0 ||
        rename(fresh, place) < 0) {
        r = err_set_io(err, path);
        if (fd >= 0)
            unlink(fresh);
    }
    if (fd >= 0)
        close(fd);
    free(fresh);
    free(real);
    return r;
}

/* Also when somebody else made it this moment. */
static bool make_directory(const char *path)
{
    return mkdir(path, 0755) == 0 || (errno == EEXIST && path_is_directory(path));
}

int file_make_directories(const char *path, struct err *err)
{
    char *parent;
    int r;

    if (make_directory(path))
        return 0;
    if (errno != ENOENT)
        return err_set_io(err, path);
    parent = path_directory(str_from(path));
    r = file_make_directories(parent, err);
    free(parent);
    if (r == 0 && !make_directory(path))
        r = err_set_io(err, path);
    return r;
}

int file_write_deep(const char *path, str bytes, struct err *err)
{
    char *above = path_directory(str_from(path));
    int r = file_make_directories(above, err);

    free(above);
    return r < 0 ? r : file_write(path, bytes, err);
}

/* Returns 1 when it may not be read. */
static int sync_directory(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

    if (fd < 0 && (errno == EACCES || errno == EPERM))
        return 1;
    if (fd < 0 || fsync(fd) < 0)
        r = err_set_io(err, path);
    if (fd >= 0)
        close(fd);
    return r;
}

int file_sync_directory(const char *path, struct err *err)
{
    int r = sync_directory(path, err);

    return r > 0 ? err_set_io(err, path) : r;
}

int file_sync_names(const char *path, unsigned levels, struct err *err)
{
    char *at = str_dup(str_from(path));
    int r = 0;

    while (r == 0 && levels--) {
        char *above = path_directory(str_from(at));

        r = sync_directory(above, err);
        free(at);
        at = above;
    }
    free(at);
    return r < 0 ? r : 0;
}

int file_make_temporary(char **ret_path, struct err *err)
{
    const char *place = getenv("TMPDIR");
    char *path = path_join(str_from(place && *place ? place : "/tmp"), STR("atoll-XXXXXX"));

    if (!mkdtemp(path)) {
        err_set_io(err, path);
        free(path);
        return ERR_IO;
    }
    *ret_path = path;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void file_remove_tree(const char *path)
{
    nftw(path, remove_one, TREE_DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
}

/* nftw() has no argument of ours. */
static _Thread_local struct {
    uid_t user;
    gid_t group;
} given_to;

static int give_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return lchown(path, given_to.user, given_to.group);
}

/* What is in it first: until the directory itself is his, this is begun again after a crash, and
 * he cannot yet put something else in a path's place. */
int file_give_tree(const char *directory, uid_t user, gid_t group, struct err *err)
{
    struct stat st;
    int r = lstat(directory, &st);

    given_to.user = user;
    given_to.group = group;
    if (r == 0 && st.st_uid != user)
        r = nftw(directory, give_one, TREE_DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
    return r < 0 ? err_set(err, ERR_IO, "%s cannot be given to another user: %s", directory,
                           strerror(errno))
                 : 0;
}

struct walk {
    const char *top;
    int (*each)(void *context, const char *relative, struct err *err);
    void *context;
    struct err *err;
};

static int walk_directory(const struct walk *w, const char *relative, int depth);

static int walk_entry(const struct walk *w, const char *relative, int depth)
{
    char *path = path_join(str_from(w->top), str_from(relative));
    int r;

    if (path_is_directory(path))
        r = walk_directory(w, relative, depth + 1);
    else
        r = w->each(w->context, relative, w->err);
    free(path);
    return r;
}

static int walk_directory(const struct walk *w, const char *relative, int depth)
{
    char *path = path_join(str_from(w->top), str_from(relative));
    DIR *dir = depth < TREE_DEPTH_MAX ? opendir(path) : NULL;
    struct dirent *entry;
    int r = 0;

    if (!dir)
        r = err_set(w->err, ERR_IO, "%s: %s", path,
                    depth < TREE_DEPTH_MAX ? strerror(errno) : "too many levels");
    free(path);
    if (!dir)
        return r;
    while (r == 0 && (entry = readdir(dir))) {
        char *inner;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        inner = path_join(str_from(relative), str_from(entry->d_name));
        r = walk_entry(w, inner, depth);
        free(inner);
    }
    closedir(dir);
    return r;
}

int file_walk(const char *directory, int (*each)(void *, const char *, struct err *), void *context,
              struct err *err)
{
    struct walk w = {directory, each, context, err};

    return walk_directory(&w, "", 0);
}
