/* Paths as text; see path.h.
 *
 * (1) Nothing here changes the file system; only the path_is_* functions and path_beside_binary
 *     look at it. */
#include "os/path.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { PATH_TEXT_MAX = 1 << 20 };

static void put(struct buf *b, str s)
{
    ASSERT(buf_append(b, s) == 0);
}

char *path_join(str directory, str name)
{
    struct buf b;

    buf_init(&b, PATH_TEXT_MAX);
    if (!str_starts(name, STR("/")) && directory.len) {
        put(&b, directory);
        if (!str_ends(directory, STR("/")))
            put(&b, STR("/"));
    }
    put(&b, name);
    return buf_take(&b, NULL);
}

/* The length of `path` up to and including its last slash. */
static size_t directory_len(str path)
{
    size_t len = path.len;

    while (len && path.ptr[len - 1] != '/')
        len--;
    return len;
}

char *path_directory(str path)
{
    size_t len = directory_len(path);

    if (!len)
        return str_dup(STR("."));
    while (len > 1 && path.ptr[len - 1] == '/')
        len--;
    return str_dup(str_head(path, len));
}

str path_file_name(str path)
{
    return str_skip(path, directory_len(path));
}

str path_stem(str path)
{
    str name = path_file_name(path);

    for (size_t i = name.len; i > 1; i--)
        if (name.ptr[i - 1] == '.')
            return str_head(name, i - 1);
    return name;
}

/* Drops the last segment of an absolute path that has no slash at its end. */
static void step_up(struct buf *b)
{
    while (b->len && b->ptr[--b->len] != '/')
        continue;
}

/* Appends the segments of `path` to an absolute path without a slash at its end. */
static void walk(struct buf *b, str path)
{
    while (path.len) {
        size_t end = str_find(path, '/');
        str segment = str_head(path, end);

        path = str_skip(path, end + 1);
        if (!segment.len || str_equal(segment, STR(".")))
            continue;
        if (str_equal(segment, STR(".."))) {
            step_up(b);
            continue;
        }
        put(b, STR("/"));
        put(b, segment);
    }
}

char *path_absolute(str path)
{
    struct buf b;

    buf_init(&b, PATH_TEXT_MAX);
    if (!str_starts(path, STR("/"))) {
        char here[PATH_MAX];

        if (!getcwd(here, sizeof here))
            return NULL;
        walk(&b, str_from(here));
    }
    walk(&b, path);
    if (!b.len)
        put(&b, STR("/"));
    return buf_take(&b, NULL);
}

/* How many bytes of `a` are whole segments that `b` has too. */
static size_t common_len(str a, str b)
{
    size_t common = 0;

    for (size_t i = 0;; i++) {
        bool a_ends = i == a.len || a.ptr[i] == '/';
        bool b_ends = i == b.len || b.ptr[i] == '/';

        if (a_ends && b_ends)
            common = i;
        if (i == a.len || i == b.len || a.ptr[i] != b.ptr[i])
            return common;
    }
}

char *path_relative(str path, str directory)
{
    size_t common;
    struct buf b;

    if (directory.len == 1)
        directory.len = 0;
    common = common_len(path, directory);
    buf_init(&b, PATH_TEXT_MAX);
    for (size_t i = common; i < directory.len; i++)
        if (directory.ptr[i] == '/')
            put(&b, STR("../"));
    put(&b, str_skip(path, common + 1));
    if (!b.len)
        put(&b, STR("."));
    return buf_take(&b, NULL);
}

bool path_is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool path_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The real path of <directory><above><place>/<name>; NULL when nothing is there. Returned owned. */
static char *find_at(str directory, const char *above, const char *place, const char *name)
{
    char *path, *real;
    struct buf b;

    buf_init(&b, PATH_TEXT_MAX);
    ASSERT(buf_printf(&b, "%.*s%s%s/%s", STR_ARGS(directory), above, place, name) == 0);
    path = buf_take(&b, NULL);
    real = realpath(path, NULL);
    free(path);
    return real;
}

char *path_beside_binary(const char *const *places, const char *name)
{
    static const char *const above[] = {"../", "../../"};
    char binary[PATH_MAX], *found = NULL;
    ssize_t len = readlink("/proc/self/exe", binary, sizeof binary);
    str directory;

    if (len <= 0)
        return NULL;
    directory = str_head((str){binary, (size_t)len}, directory_len((str){binary, (size_t)len}));
    for (size_t i = 0; places[i] && !found; i++)
        for (size_t j = 0; j < COUNT_OF(above) && !found; j++)
            found = find_at(directory, above[j], places[i], name);
    return found;
}
