/* os/tree: a directory moved, also between file systems, and nothing followed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"
#include "os/tree.h"

static struct err err;

static char *in(const char *directory, const char *name)
{
    return path_join(str_from(directory), str_from(name));
}

static void put(const char *directory, const char *name, const char *text)
{
    char *path = in(directory, name), *above = path_directory(str_from(path));

    cr_assert_eq(file_make_directories(above, &err), 0, "%s", err.text);
    cr_assert_eq(file_write(path, str_from(text), &err), 0, "%s", err.text);
    free(above);
    free(path);
}

static void expect(const char *directory, const char *name, const char *text)
{
    char *path = in(directory, name);
    struct buf bytes;

    buf_init(&bytes, 1024);
    cr_assert_eq(file_read(path, &bytes, &err), 0, "%s", err.text);
    cr_expect(str_equal(buf_str(&bytes), str_from(text)));
    buf_done(&bytes);
    free(path);
}

/* `to` is the other file system's. */
static void move(const char *from, const char *to)
{
    char *link = in(from, "a/link"), *linked = in(to, "a/link");
    struct stat st;

    put(from, "a/b/file", "text");
    put(from, "empty", "");
    cr_assert_eq(symlink("/etc/passwd", link), 0);
    cr_assert_eq(chmod(from, 0751), 0);
    cr_assert_eq(tree_move(from, to, &err), 0, "%s", err.text);
    expect(to, "a/b/file", "text");
    expect(to, "empty", "");
    cr_expect_neq(access(from, F_OK), 0);
    cr_assert_eq(stat(to, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0751);
    cr_expect(lstat(linked, &st) < 0 || S_ISLNK(st.st_mode), "a link is not followed");
    free(link);
    free(linked);
}

Test(tree, is_moved)
{
    char *above, *from, *to;

    cr_assert_eq(file_make_temporary(&above, &err), 0);
    from = in(above, "from");
    to = in(above, "to");
    move(from, to);
    cr_expect_eq(tree_move(from, to, &err), ERR_IO);
    file_remove_tree(above);
    free(above);
    free(from);
    free(to);
}

Test(tree, is_copied_to_another_disk)
{
    char *above, *from, to[64];
    struct stat here, there;

    cr_assert_eq(file_make_temporary(&above, &err), 0);
    if (stat("/dev/shm", &there) < 0 || stat(above, &here) < 0 || here.st_dev == there.st_dev ||
        access("/dev/shm", W_OK) < 0)
        cr_skip_test("there is no other file system to write to");
    snprintf(to, sizeof to, "/dev/shm/atoll-tree-%d", (int)getpid());
    from = in(above, "from");
    move(from, to);
    cr_expect_eq(tree_move(above, to, &err), ERR_IO, "it is there already");
    file_remove_tree(to);
    file_remove_tree(above);
    free(above);
    free(from);
}
