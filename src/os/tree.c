/* A directory moved; see tree.h.
 *
 * Every name is opened relative to a descriptor of its directory: nobody can put a link into the
 * way. */
#include "os/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

enum { LEVELS_MAX = 16, STEP_BYTES = 1 << 20, MODES = 07777 };

static int copy_directory(int from, int to, int level);

static int copy_bytes(int from, int to)
{
    static _Thread_local char bytes[STEP_BYTES];
    ssize_t got;

    while ((got = read(from, bytes, sizeof bytes)) > 0)
        for (ssize_t at = 0, put; at < got; at += put)
            if ((put = write(to, bytes + at, (size_t)(got - at))) < 0)
                return -1;
    return got < 0 ? -1 : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
    int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r = out < 0 ? -1 : copy_bytes(from, out);

    if (r == 0 && (fchown(out, st->st_uid, st->st_gid) < 0 || fchmod(out, st->st_mode & MODES) < 0))
        r = -1;
    if (out >= 0 && close(out) < 0)
        r = -1;
    return r;
}

static int copy_inner(int from, int to, const char *name, const struct stat *st, int level)
{
    int out, r;

    if (mkdirat(to, name, 0700) < 0)
        return -1;
    out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    r = out < 0 ? -1 : copy_directory(from, out, level + 1);
    if (r == 0 && (fchown(out, st->st_uid, st->st_gid) < 0 || fchmod(out, st->st_mode & MODES) < 0))
        r = -1;
    if (out >= 0)
        close(out);
    return r;
}

/* O_NONBLOCK: what became a pipe must not hold us up. */
static int copy_entry(int from, int to, const char *name, int level)
{
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;
    struct stat st;

    if (in < 0)
        return errno == ELOOP || errno == ENXIO ? 0 : -1;
    if (fstat(in, &st) < 0)
        r = -1;
    else if (S_ISREG(st.st_mode))
        r = copy_file(in, to, name, &st);
    else if (S_ISDIR(st.st_mode))
        r = copy_inner(in, to, name, &st, level);
    close(in);
    return r;
}

static int copy_directory(int from, int to, int level)
{
    int again = level < LEVELS_MAX ? openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    int r = dir ? 0 : -1;

    while (r == 0 && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = copy_entry(from, to, entry->d_name, level);
    if (dir)
        closedir(dir);
    else if (again >= 0)
        close(again);
    return r;
}

static int copy_tree(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), out = -1, r = -1;
    struct stat st;

    if (in >= 0 && fstat(in, &st) == 0 && mkdir(to, 0700) == 0)
        out = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out >= 0)
        r = copy_directory(in, out, 0);
    if (r == 0 && (fchown(out, st.st_uid, st.st_gid) < 0 || fchmod(out, st.st_mode & MODES) < 0))
        r = -1;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return r;
}

int tree_move(const char *from, const char *to, struct err *err)
{
    if (rename(from, to) == 0)
        return 0;
    if (errno != EXDEV || copy_tree(from, to) < 0)
        return err_set(err, ERR_IO, "%s cannot be moved to %s: %s", from, to, strerror(errno));
    file_remove_tree(from);
    return 0;
}
