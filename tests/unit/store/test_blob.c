/* store/blob: contents under their hash, damaged ones, what is left over. */
#include "store/blob.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"

static char *directory;
static struct err err;

static void make(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    cr_assert_eq(blob_prepare(directory, &err), 0, "%s", err.text);
}

static void clean(void)
{
    file_remove_tree(directory);
    free(directory);
}

TestSuite(blob, .init = make, .fini = clean);

/* Returned owned. */
static char *path_of(const char *name)
{
    char *path;

    cr_assert_gt(asprintf(&path, "%s/%.2s/%s", directory, name, name), 0);
    return path;
}

static int get(const char *name, size_t max, str expected)
{
    struct buf out;
    int r;

    buf_init(&out, max);
    cr_assert_eq(buf_append(&out, STR("before ")), 0);
    r = blob_get(directory, name, &out, &err);
    if (r == 0)
        cr_expect(str_equal(str_skip(buf_str(&out), 7), expected));
    else
        cr_expect(str_equal(buf_str(&out), STR("before ")));
    buf_done(&out);
    return r;
}

Test(blob, gives_back_what_was_put)
{
    static char large[100000];
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char name[BLOB_NAME_BYTES];
    str rows[] = {STR(""), STR("a"), {"a\0b", 3}, {large, sizeof large}};

    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_assert_eq(blob_put(directory, rows[i], name, &err), 0, "%s", err.text);
        cr_expect_eq(get(name, 200000, rows[i]), 0, "%s", err.text);
    }
    blob_name(STR("abc"), name);
    cr_expect_str_eq(name, abc);
}

Test(blob, refuses_what_is_not_there)
{
    static const char *const names[] = {
        "", "abc", "../../etc/passwd",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        cr_expect_eq(get(names[i], 100, STR_NONE), ERR_NOT_FOUND, "%s", names[i]);
}

Test(blob, refuses_what_is_too_large)
{
    char name[BLOB_NAME_BYTES];

    cr_assert_eq(blob_put(directory, STR("12345"), name, &err), 0);
    cr_expect_eq(get(name, 12, STR("12345")), 0);
    cr_expect_eq(get(name, 11, STR("12345")), ERR_LIMIT);
}

Test(blob, sees_damage_and_repairs_it)
{
    char name[BLOB_NAME_BYTES], *path;

    cr_assert_eq(blob_put(directory, STR("contents"), name, &err), 0);
    path = path_of(name);
    cr_assert_eq(file_write(path, STR("c0ntents"), &err), 0);
    cr_expect_eq(get(name, 100, STR_NONE), ERR_IO);
    cr_expect(strstr(err.text, name) && strstr(err.text, "damaged"));
    cr_assert_eq(blob_put(directory, STR("contents"), name, &err), 0);
    cr_expect_eq(get(name, 100, STR("contents")), 0);
    cr_assert_eq(file_write(path, STR("cont"), &err), 0);
    cr_assert_eq(blob_put(directory, STR("contents"), name, &err), 0);
    cr_expect_eq(get(name, 100, STR("contents")), 0);
    free(path);
}

Test(blob, leaves_alone_what_is_there)
{
    char name[BLOB_NAME_BYTES], *path;
    struct stat before, after;

    cr_assert_eq(blob_put(directory, STR("contents"), name, &err), 0);
    path = path_of(name);
    cr_assert_eq(stat(path, &before), 0);
    cr_assert_eq(blob_put(directory, STR("contents"), name, &err), 0);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    cr_expect_eq(after.st_mode & 0777, 0600);
    free(path);
}

Test(blob, says_where_it_cannot_write)
{
    char name[BLOB_NAME_BYTES], *place;

    blob_name(STR("contents"), name);
    cr_assert_gt(asprintf(&place, "%s/%.2s", directory, name), 0);
    cr_assert_eq(rmdir(place), 0);
    cr_assert_eq(file_write(place, STR("a file"), &err), 0);
    cr_expect_eq(blob_put(directory, STR("contents"), name, &err), ERR_IO);
    cr_expect(strstr(err.text, place));
    cr_expect_eq(blob_prepare(place, &err), ERR_IO);
    cr_expect_eq(blob_prepare(directory, &err), 0);
    free(place);
}

/* ---- sweeps and copies ---- */

static int is_kept(void *context, const char *name, struct err *ret)
{
    const char *kept = context;

    if (!kept)
        return err_set(ret, ERR_LIMIT, "stop");
    return strcmp(name, kept) == 0;
}

static int sweep(const char *kept)
{
    int sum = 0;

    for (unsigned place = 0; place < BLOB_PLACES; place++) {
        int r = blob_sweep(directory, place, is_kept, (void *)kept, &err);

        if (r < 0)
            return r;
        sum += r;
    }
    return sum;
}

Test(blob, sweeps_what_is_not_used_and_what_was_half_written)
{
    char kept[BLOB_NAME_BYTES], gone[BLOB_NAME_BYTES], *half, *other;

    cr_expect_eq(sweep(""), 0);
    cr_assert_eq(blob_put(directory, STR("kept"), kept, &err), 0);
    cr_assert_eq(blob_put(directory, STR("gone"), gone, &err), 0);
    cr_assert_gt(asprintf(&half, "%s/%.2s/new-0123456789abcdef", directory, kept), 0);
    cr_assert_gt(asprintf(&other, "%s/%.2s/notes.txt", directory, kept), 0);
    cr_assert_eq(file_write(half, STR("hal"), &err), 0);
    cr_assert_eq(file_write(other, STR("somebody's"), &err), 0);
    cr_expect_eq(sweep(NULL), ERR_LIMIT);
    cr_expect_eq(sweep(kept), 2);
    cr_expect_eq(get(kept, 100, STR("kept")), 0);
    cr_expect_eq(get(gone, 100, STR_NONE), ERR_NOT_FOUND);
    cr_expect_neq(access(half, F_OK), 0);
    cr_expect_eq(access(other, F_OK), 0);
    free(half);
    free(other);
}

Test(blob, is_copied_whole)
{
    char *to = path_join(str_from(directory), STR("copy")), *from = directory;
    char a[BLOB_NAME_BYTES], b[BLOB_NAME_BYTES];

    cr_assert_eq(blob_put(directory, STR("a"), a, &err), 0);
    cr_assert_eq(blob_put(directory, STR("b"), b, &err), 0);
    cr_assert_eq(blob_copy(directory, to, &err), 0, "%s", err.text);
    directory = to;
    cr_expect_eq(get(a, 100, STR("a")), 0);
    cr_expect_eq(get(b, 100, STR("b")), 0);
    directory = from;
    free(to);
}
