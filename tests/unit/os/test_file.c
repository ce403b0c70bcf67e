#include "os/file.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/path.h"

static char *made;

static void make(void)
{
    struct err err;

    cr_assert_eq(file_make_temporary(&made, &err), 0);
}

static void clean(void)
{
    file_remove_tree(made);
    cr_expect_not(path_is_directory(made));
    free(made);
}

TestSuite(file, .init = make, .fini = clean);

static char *at(const char *name)
{
    return path_join(str_from(made), str_from(name));
}

static size_t files_in(const char *directory)
{
    DIR *entries = opendir(directory);
    const struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(entries)))
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

Test(file, replaces)
{
    char *path = at("x"), *link = at("link"), *above = path_directory(str_from(path));
    struct buf out;
    struct stat info;
    struct err err;

    cr_assert_eq(file_replace(path, STR("one"), 0600, &err), 0);
    cr_assert_eq(symlink("x", link), 0);
    cr_assert_eq(file_replace(link, STR("two"), 0640, &err), 0);
    cr_expect(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    cr_expect(stat(path, &info) == 0 && (info.st_mode & 0777) == 0640);
    buf_init(&out, 5);
    cr_expect_eq(file_read(path, &out, &err), 0);
    cr_expect(str_equal(buf_str(&out), STR("two")));
    buf_done(&out);
    cr_expect_eq(file_replace("/nowhere/x", STR("x"), 0600, &err), ERR_IO);
    cr_expect_eq(files_in(above), 2, "nothing is left beside them");
    free(above);
    free(link);
    free(path);
}

Test(file, replaces_nothing_by_half)
{
    char *path = at("x"), *above = path_directory(str_from(path));
    const struct rlimit full = {.rlim_cur = 4, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    struct buf out;
    struct err err;

    cr_assert_eq(file_replace(path, STR("one"), 0600, &err), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &full);
    cr_expect_eq(file_replace(path, STR("much longer"), 0600, &err), ERR_IO);
    setrlimit(RLIMIT_FSIZE, &before);
    buf_init(&out, 5);
    cr_expect_eq(file_read(path, &out, &err), 0);
    cr_expect(str_equal(buf_str(&out), STR("one")));
    buf_done(&out);
    cr_expect_eq(files_in(above), 1);
    free(above);
    free(path);
}

Test(file, reads_what_was_written)
{
    char *path = at("x");
    struct err err;
    struct buf out;

    buf_init(&out, 5);
    cr_expect_eq(file_write(path, STR("first text"), &err), 0);
    cr_expect_eq(file_read(path, &out, &err), ERR_LIMIT);
    buf_clear(&out);
    cr_expect_eq(file_write(path, STR("12345"), &err), 0);
    cr_expect_eq(file_read(path, &out, &err), 0);
    cr_expect(str_equal(buf_str(&out), STR("12345")));
    buf_clear(&out);
    cr_expect_eq(file_write(path, STR(""), &err), 0);
    cr_expect_eq(file_read(path, &out, &err), 0);
    cr_expect_eq(out.len, 0);
    buf_done(&out);
    free(path);
}

Test(file, says_why_it_cannot_read)
{
    char *path = at("missing");
    struct err err;
    struct buf out;

    buf_init(&out, 10);
    cr_expect_eq(file_read(path, &out, &err), ERR_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "missing: No such file"));
    cr_expect_eq(file_read(made, &out, &err), ERR_IO);
    buf_done(&out);
    free(path);
}

static int count_one(void *context, const char *relative, struct err *err)
{
    (void)err;
    *(int *)context += strcmp(relative, "a/b/file") == 0 ? 1 : 100;
    return 0;
}

static int refuse(void *context, const char *relative, struct err *err)
{
    (void)context;
    return err_set(err, ERR_INVALID, "%s", relative);
}

Test(file, several_make_the_same_directories_at_once, .timeout = 30)
{
    enum { MAKERS = 6, ROUNDS = 60 };
    struct err err;

    for (int round = 0; round < ROUNDS; round++) {
        pid_t makers[MAKERS];
        char *path;
        int gate[2];

        cr_assert(asprintf(&path, "%s/%d/a/b/c/d", made, round) > 0 && pipe(gate) == 0);
        for (int i = 0; i < MAKERS; i++)
            if ((makers[i] = fork()) == 0) {
                char byte;

                close(gate[1]);
                (void)!read(gate[0], &byte, 1); /* until all are there */
                _exit(file_make_directories(path, &err) == 0 ? 0 : 1);
            }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < MAKERS; i++) {
            int status = -1;

            waitpid(makers[i], &status, 0);
            cr_expect_eq(status, 0, "round %d", round);
        }
        free(path);
    }
}

Test(file, walks_a_tree)
{
    char *directory = at("a/b"), *path = at("a/b/file");
    struct err err;
    int count = 0;

    cr_expect_eq(file_walk(made, count_one, &count, &err), 0);
    cr_expect_eq(count, 0);
    cr_expect_eq(file_make_directories(directory, &err), 0);
    cr_expect_eq(file_make_directories(directory, &err), 0);
    cr_expect_eq(file_write(path, STR("x"), &err), 0);
    cr_expect_eq(file_make_directories(path, &err), ERR_IO);
    cr_expect_eq(file_walk(made, count_one, &count, &err), 0);
    cr_expect_eq(count, 1);
    cr_expect_eq(file_walk(made, refuse, NULL, &err), ERR_INVALID);
    cr_expect_str_eq(err.text, "a/b/file");
    cr_expect_eq(file_walk(path, count_one, &count, &err), ERR_IO);
    free(directory);
    free(path);
}

Test(file, removes_links_but_not_what_they_point_to)
{
    char *outside = at("outside"), *inside = at("tree"), *link_path = at("tree/link");
    struct err err;

    cr_expect_eq(file_write(outside, STR("x"), &err), 0);
    cr_expect_eq(file_make_directories(inside, &err), 0);
    cr_expect_eq(symlink(outside, link_path), 0);
    file_remove_tree(inside);
    cr_expect_not(path_is_directory(inside));
    cr_expect(path_is_file(outside));
    free(outside);
    free(inside);
    free(link_path);
}

Test(file, syncs_the_names_on_the_way_to_a_path)
{
    char *deep = at("a/b/c"), *file = at("a/b/c/file"), *missing = at("none/file");
    struct err err;

    cr_assert_eq(file_make_directories(deep, &err), 0);
    cr_expect_eq(file_sync_names(file, 3, &err), 0);
    cr_expect_eq(file_sync_names(file, 0, &err), 0);
    cr_expect_eq(file_sync_names("/file", 8, &err), 0, "the root is above itself");
    cr_expect_eq(file_sync_names(missing, 1, &err), ERR_IO);
    free(deep);
    free(file);
    free(missing);
}
