/* Contents by their hash; see blob.h.
 *
 * 1. A name that blob_put() returned stands for a file that is whole and on disk: it is written
 *    under another name, renamed, then synced, then its directory is. In this order the second sync
 *    finds nothing left to do, which halves the time.
 * 2. A file may stand under its name and not be on disk only while it is being put: if that fails
 *    it is removed, and if the process dies, blob_prepare() of the next one syncs it, or a power
 *    cut leaves a damaged file, which the next blob_put() of the same bytes replaces.
 * 3. Nobody changes a file, so that links of it are copies. */
#include "store/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "os/file.h"

enum { DIGEST_BYTES = 32, COMPARE_STEP = 16 * 1024, COPY_BYTES_MAX = 1 << 30 };

static const char temporary[] = "new-";

void blob_name(str bytes, char ret[BLOB_NAME_BYTES])
{
    unsigned char digest[DIGEST_BYTES];
    unsigned len = 0;

    ASSERT(EVP_Digest(bytes.ptr, bytes.len, digest, &len, EVP_sha256(), NULL) == 1);
    ASSERT(len == sizeof digest);
    hex_encode(digest, sizeof digest, ret);
}

static bool is_name(const char *name)
{
    return strlen(name) == BLOB_NAME_BYTES - 1 &&
           strspn(name, "0123456789abcdef") == BLOB_NAME_BYTES - 1;
}

/* `directory`/`place`/`name`, where place is two digits; without the name when it is empty. */
static int path_of(const char *directory, const char *place, const char *name, char path[PATH_MAX],
                   struct err *err)
{
    int len = snprintf(path, PATH_MAX, "%s/%.2s%s%s", directory, place, *name ? "/" : "", name);

    if (len > 0 && len < PATH_MAX)
        return 0;
    return err_set(err, ERR_IO, "%s: the path is too long", directory);
}

/* ---- put ---- */

/* True when the file has these bytes. */
static bool has_bytes(const char *path, str bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char read_bytes[COMPARE_STEP];
    struct stat st;
    bool same;

    if (fd < 0)
        return false;
    same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes.len;
    while (same && bytes.len) {
        ssize_t got = read(fd, read_bytes, sizeof read_bytes);

        same = got > 0 && (size_t)got <= bytes.len &&
               memcmp(read_bytes, bytes.ptr, (size_t)got) == 0;
        if (same)
            bytes = str_skip(bytes, (size_t)got);
    }
    close(fd);
    return same;
}

/* Returns the new file's descriptor or ERR_IO. */
static int write_file(const char *path, str bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set_io(err, path);
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);

        if (put >= 0) {
            bytes = str_skip(bytes, (size_t)put);
        } else if (errno != EINTR) {
            err_set_io(err, path);
            close(fd);
            unlink(path);
            return ERR_IO;
        }
    }
    return fd;
}

/* See rule 1. */
static int put_file(const char *place, const char *fresh, const char *path, str bytes,
                    struct err *err)
{
    int fd = write_file(fresh, bytes, err), r = 0;

    if (fd < 0)
        return fd;
    if (rename(fresh, path) < 0) {
        r = err_set_io(err, path);
        unlink(fresh);
    } else if (fsync(fd) < 0) {
        r = err_set_io(err, path);
    } else {
        r = file_sync_directory(place, err);
    }
    close(fd);
    if (r < 0)
        unlink(path);
    return r;
}

int blob_put(const char *directory, str bytes, char ret[BLOB_NAME_BYTES], struct err *err)
{
    char name[BLOB_NAME_BYTES], path[PATH_MAX], place[PATH_MAX], fresh[PATH_MAX], random[64];
    uint64_t number;
    int r;

    blob_name(bytes, name);
    ASSERT(getrandom(&number, sizeof number, 0) == sizeof number);
    snprintf(random, sizeof random, "%s%016llx", temporary, (unsigned long long)number);
    if ((r = path_of(directory, name, name, path, err)) < 0 ||
        (r = path_of(directory, name, "", place, err)) < 0 ||
        (r = path_of(directory, name, random, fresh, err)) < 0 ||
        (!has_bytes(path, bytes) && (r = put_file(place, fresh, path, bytes, err)) < 0))
        return r;
    memcpy(ret, name, sizeof name);
    return 0;
}

int blob_prepare(const char *directory, struct err *err)
{
    char place[PATH_MAX], digits[3];
    int fd, r = file_make_directories(directory, err);

    for (unsigned i = 0; r == 0 && i < BLOB_PLACES; i++) {
        snprintf(digits, sizeof digits, "%02x", i);
        if ((r = path_of(directory, digits, "", place, err)) == 0 && mkdir(place, 0700) < 0 &&
            errno != EEXIST)
            r = err_set_io(err, place);
    }
    if (r < 0)
        return r;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) < 0)
        r = err_set_io(err, directory);
    if (fd >= 0)
        close(fd);
    return r;
}

/* ---- get ---- */

int blob_get(const char *directory, const char *name, struct buf *out, struct err *err)
{
    char path[PATH_MAX], is[BLOB_NAME_BYTES];
    size_t before = out->len;
    int r;

    if (!is_name(name))
        return err_set(err, ERR_NOT_FOUND, "\"%.64s\" is no hash of contents", name);
    if ((r = path_of(directory, name, name, path, err)) < 0)
        return r;
    if ((r = file_read(path, out, err)) == 0) {
        blob_name(str_skip(buf_str(out), before), is);
        if (strcmp(is, name) != 0)
            r = err_set(err, ERR_IO,
                        "%s is damaged: its contents are not those of its name; "
                        "restore it from a backup, or deploy again",
                        path);
    }
    if (r < 0)
        out->len = before;
    return r;
}

/* ---- all of a place ---- */

/* Calls `each` for every file of the place until it returns a negative code. Returns the sum of
 * what it returned, or that code. */
static int walk_place(const char *directory, unsigned place,
                      int (*each)(void *context, const char *path, const char *name,
                                  struct err *err),
                      void *context, struct err *err)
{
    char digits[3], at[PATH_MAX], path[PATH_MAX];
    struct dirent *entry;
    DIR *files;
    int sum = 0, r = 0;

    snprintf(digits, sizeof digits, "%02x", place & (BLOB_PLACES - 1));
    if ((r = path_of(directory, digits, "", at, err)) < 0)
        return r;
    if (!(files = opendir(at)))
        return errno == ENOENT ? 0 : err_set_io(err, at);
    while (r >= 0 && (errno = 0, entry = readdir(files))) {
        if (entry->d_name[0] == '.')
            continue;
        if ((r = path_of(directory, digits, entry->d_name, path, err)) == 0)
            r = each(context, path, entry->d_name, err);
        sum += r > 0 ? r : 0;
    }
    if (r >= 0 && errno)
        r = err_set_io(err, at);
    closedir(files);
    return r < 0 ? r : sum;
}

struct sweep {
    int (*is_used)(void *context, const char *name, struct err *err);
    void *context;
};

static int sweep_one(void *context, const char *path, const char *name, struct err *err)
{
    const struct sweep *sweep = context;
    int used = 1;

    if (is_name(name))
        used = sweep->is_used(sweep->context, name, err);
    else if (str_starts(str_from(name), str_from(temporary)))
        used = 0;
    if (used)
        return used < 0 ? used : 0;
    return unlink(path) < 0 && errno != ENOENT ? err_set_io(err, path) : 1;
}

int blob_sweep(const char *directory, unsigned place,
               int (*is_used)(void *context, const char *name, struct err *err), void *context,
               struct err *err)
{
    struct sweep sweep = {is_used, context};

    return walk_place(directory, place, sweep_one, &sweep, err);
}

/* ---- copies ---- */

static int copy_bytes(const char *path, const char *to, struct err *err)
{
    struct buf bytes;
    int r;

    buf_init(&bytes, COPY_BYTES_MAX);
    if ((r = file_read(path, &bytes, err)) == 0)
        r = file_write(to, buf_str(&bytes), err);
    buf_done(&bytes);
    return r < 0 ? ERR_IO : 0;
}

static bool links_not(int why)
{
    return why == EXDEV || why == EPERM || why == EMLINK || why == EOPNOTSUPP;
}

int blob_link(const char *directory, const char *name, const char *to, struct err *err)
{
    char path[PATH_MAX];
    int r;

    if (!is_name(name))
        return err_set(err, ERR_NOT_FOUND, "\"%.64s\" is no hash of contents", name);
    if ((r = path_of(directory, name, name, path, err)) < 0)
        return r;
    if (chmod(path, 0644) < 0 || (link(path, to) < 0 && errno != EEXIST)) {
        if (errno == ENOENT)
            return err_set(err, ERR_NOT_FOUND, "%s: it is missing", path);
        if (!links_not(errno))
            return err_set_io(err, to);
        if ((r = copy_bytes(path, to, err)) < 0)
            return r;
        return chmod(to, 0644) < 0 ? err_set_io(err, to) : 0;
    }
    return 0;
}

/* A file that a sweep took away in between is not missed. */
static int copy_one(void *context, const char *path, const char *name, struct err *err)
{
    char place[PATH_MAX], to[PATH_MAX];
    int r;

    if (!is_name(name))
        return 0;
    if ((r = path_of(context, name, "", place, err)) < 0 ||
        (r = path_of(context, name, name, to, err)) < 0)
        return r;
    if (mkdir(place, 0700) < 0 && errno != EEXIST)
        return err_set_io(err, place);
    if (link(path, to) == 0 || errno == ENOENT)
        return 0;
    return links_not(errno) ? copy_bytes(path, to, err) : err_set_io(err, to);
}

int blob_copy(const char *directory, const char *to, struct err *err)
{
    char target[PATH_MAX];
    int r;

    if ((size_t)snprintf(target, sizeof target, "%s", to) >= sizeof target)
        return err_set(err, ERR_IO, "%s: the path is too long", to);
    if ((r = file_make_directories(target, err)) < 0)
        return r;
    for (unsigned place = 0; r >= 0 && place < BLOB_PLACES; place++)
        r = walk_place(directory, place, copy_one, target, err);
    return r < 0 ? r : 0;
}
