/* What a disk would have after a power cut, for a test: preloaded into a process, this keeps of a
 * directory ($CUT_DIRECTORY) what was synced, and nothing else.
 *
 *   fsync(file)       $CUT_KEPT/<key>: its bytes as they are now
 *   fsync(directory)  $CUT_KEPT/<key>: a line "d|f <key> <name>" for each name that is in it now
 *   syncfs            both, of all that is there
 *
 * A key is inode and time of birth, so that a file's number that is used again is another key. A
 * file of which only the name was synced is empty, one whose name was not is not there: that is the
 * worst a file system does. Copies are made under a lock, one at a time, so that no older one
 * replaces a newer one. Errors end the process: a test is not to pass because nothing was kept. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 64, COPY_BYTES = 1 << 30, DEPTH = 16 };

static void must(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

/* Returns 'd' or 'f'. */
static int key_at(int directory, const char *name, char key[KEY_BYTES])
{
    struct statx about;
    int flags = *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;

    if (statx(directory, name, flags, STATX_TYPE | STATX_INO | STATX_BTIME, &about) < 0)
        return 0; /* it went just now */
    snprintf(key, KEY_BYTES, "%llu-%lld%09u", (unsigned long long)about.stx_ino,
             (long long)about.stx_btime.tv_sec, about.stx_btime.tv_nsec);
    return S_ISDIR(about.stx_mode) ? 'd' : 'f';
}

static void copy_names(const char *path, int to)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char key[KEY_BYTES];
    int kind;

    must(directory != NULL, path);
    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if ((kind = key_at(dirfd(directory), entry->d_name, key)))
            must(dprintf(to, "%c %s %s\n", kind, key, entry->d_name) > 0, path);
    }
    closedir(directory);
}

/* By a name of its own: `fd` may be for writing only. One that has no name any more is not kept. */
static void copy_bytes(const char *path, int to)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    while (from >= 0 && (got = sendfile(to, from, NULL, COPY_BYTES)) > 0)
        ;
    must(got == 0, path);
    if (from >= 0)
        close(from);
}

static void keep(const char *kept, const char *path, int fd)
{
    static _Thread_local unsigned count;
    char key[KEY_BYTES], fresh[PATH_MAX + 128], place[PATH_MAX + 128];
    int kind = key_at(fd, "", key), to;

    snprintf(fresh, sizeof fresh, "%s/fresh.%d.%lx.%u", kept, (int)getpid(),
             (unsigned long)pthread_self(), count++);
    snprintf(place, sizeof place, "%s/%s", kept, key);
    to = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    must(to >= 0, fresh);
    if (kind == 'd')
        copy_names(path, to);
    else
        copy_bytes(path, to);
    close(to);
    must(rename(fresh, place) == 0, place);
}

static int on_sync(int fd)
{
    const char *directory = getenv("CUT_DIRECTORY"), *kept = getenv("CUT_KEPT");
    char link[64], path[PATH_MAX], lock[PATH_MAX];
    ssize_t len;
    int lock_fd;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    must(len > 0 && directory && kept, "readlink");
    path[len] = 0;
    if (strncmp(path, directory, strlen(directory)) != 0)
        return 0;
    snprintf(lock, sizeof lock, "%s/lock", kept);
    lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    must(lock_fd >= 0 && flock(lock_fd, LOCK_EX) == 0, lock);
    keep(kept, path, fd);
    close(lock_fd);
    return 0;
}

int fsync(int fd)
{
    return on_sync(fd);
}

int fdatasync(int fd)
{
    return on_sync(fd);
}

static int sync_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    (void)about, (void)type, (void)at;
    if (fd < 0)
        return 0; /* it went just now */
    on_sync(fd);
    return close(fd);
}

int syncfs(int fd)
{
    const char *directory = getenv("CUT_DIRECTORY");

    (void)fd;
    must(directory && nftw(directory, sync_one, DEPTH, FTW_PHYS) == 0, "syncfs");
    return 0;
}
