/* Copies of a bucket; see r2_store.h.
 *
 * The index is copied by SQLite, at one moment. Files never change, so a link is a copy of one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "bindings/r2/r2_store_private.h"
#include "os/file.h"
#include "os/path.h"

enum { COPY_BYTES = 1 << 30 };

static int copy_bytes(int from, int to)
{
    ssize_t got;

    while ((got = sendfile(to, from, NULL, COPY_BYTES)) > 0)
        ;
    return got < 0 || fsync(to) < 0 ? -1 : 0;
}

static int copy_file(const char *source, const char *target)
{
    int from = open(source, O_RDONLY | O_CLOEXEC), to, r;

    if (from < 0)
        return -1;
    to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    r = to < 0 ? -1 : copy_bytes(from, to);
    close(from);
    if (to >= 0)
        close(to);
    return r;
}

/* A link, or where that may not be a copy. */
static int link_file(const char *from, const char *to, const char *name, struct err *err)
{
    char place[PATH_MAX], source[PATH_MAX], target[PATH_MAX];

    if (snprintf(source, PATH_MAX, "%s/%.2s/%s", from, name, name) >= PATH_MAX ||
        snprintf(place, PATH_MAX, "%s/%.2s", to, name) >= PATH_MAX ||
        snprintf(target, PATH_MAX, "%s/%.2s/%s", to, name, name) >= PATH_MAX)
        return err_set(err, ERR_IO, "the bucket cannot be copied: a path is too long");
    if (file_make_directories(place, err) < 0)
        return ERR_IO;
    if (link(source, target) < 0 && errno != EEXIST && copy_file(source, target) < 0)
        return err_set(err, ERR_IO, "the bucket cannot be copied: %s", strerror(errno));
    return 0;
}

static int sync_directory(const char *directory, struct err *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

    if (fd < 0 || fsync(fd) < 0)
        r = err_set(err, ERR_IO, "the bucket cannot be copied: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return r;
}

/* Names, too, are on the disk: those of places, of `bodies`, of the store. */
static int sync_all(const char *to, const char *bodies, struct err *err)
{
    DIR *dir = opendir(bodies);
    struct dirent *entry;
    int r = sync_directory(to, err);

    while (r == 0 && dir && (entry = readdir(dir))) {
        char *place = path_join(str_from(bodies), str_from(entry->d_name));

        if (strcmp(entry->d_name, "..") != 0)
            r = sync_directory(place, err);
        free(place);
    }
    if (dir)
        closedir(dir);
    return r;
}

/* What the copied index names. A file that went between the index's copy and now: only doomed ones
 * do, and those are kept longer than a copy takes; one that is missing is an error. */
static int link_files(struct r2_store *copy, const char *from, struct err *err)
{
    sqlite3_stmt *rows = db_statement(copy->db,
                                      "SELECT file FROM piece UNION ALL SELECT file FROM part");
    int r, step = 0;

    for (r = 0; r == 0 && (step = db_step(rows)) > 0;) {
        char name[CACHE_BODY_NAME_BYTES];

        snprintf(name, sizeof name, "%.*s", STR_ARGS(db_column(rows, 0)));
        r = link_file(from, copy->bodies, name, err);
    }
    if (rows)
        sqlite3_reset(rows);
    return r < 0 ? r : r2_store_explain(copy, step, err);
}

int r2_store_copy(const char *directory, const char *to, struct err *err)
{
    char *from_file = path_join(str_from(directory), STR("index.db")),
         *to_file = path_join(str_from(to), STR("index.db")),
         *bodies = path_join(str_from(directory), STR("bodies"));
    struct r2_store *copy = NULL;
    int r = path_is_file(from_file) ? file_make_directories(to, err) : ERR_NOT_FOUND;

    if (r == 0)
        r = db_copy(from_file, to_file, err);
    if (r == 0)
        r = r2_store_open(to, &copy, err);
    if (r == 0)
        r = link_files(copy, bodies, err);
    if (r == 0)
        r = sync_all(to, copy->bodies, err);
    r2_store_close(copy);
    free(from_file);
    free(to_file);
    free(bodies);
    return r == ERR_NOT_FOUND ? 0 : r;
}
