/* store/db: opening, migrating, and telling a file that is no good. */
#include "store/db.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/file.h"
#include "os/path.h"

static char *directory, *path;

static const char *const first[] = {"CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);", NULL};
static const char *const second[] = {"CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);",
                                     "UPDATE a SET x = x + 1;", NULL};
static const char *const broken[] = {"CREATE TABLE a (x INTEGER);", "no SQL", NULL};

static void make(void)
{
    struct err err;

    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    path = path_join(str_from(directory), STR("a.db"));
}

static void clean(void)
{
    file_remove_tree(directory);
    free(directory);
    free(path);
}

TestSuite(db, .init = make, .fini = clean);

/* Opens with these steps. Returns what db_open() does, and x of the table when it opened. */
static int open_with(const char *const *steps, int *ret_x)
{
    struct db *db;
    struct err err = {0};
    int r = db_open(path, steps, &db, &err);
    sqlite3_stmt *select;

    if (r < 0)
        return r;
    select = db_statement(db, "SELECT x FROM a");
    cr_assert_eq(db_step(select), 1);
    *ret_x = sqlite3_column_int(select, 0);
    sqlite3_reset(select);
    db_close(db);
    return 0;
}

Test(db, runs_each_step_once)
{
    int x = 0;

    for (int i = 0; i < 2; i++) {
        cr_expect_eq(open_with(first, &x), 0);
        cr_expect_eq(x, 1);
    }
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(open_with(second, &x), 0);
        cr_expect_eq(x, 2);
    }
}

Test(db, takes_all_of_a_migration_or_nothing)
{
    int x = 0;

    cr_expect_eq(open_with(broken, &x), ERR_INVALID);
    cr_expect_eq(open_with(first, &x), 0);
    cr_expect_eq(x, 1);
}

Test(db, refuses_a_file_of_a_later_version_or_another_kind)
{
    struct err err;
    int x;

    cr_assert_eq(open_with(second, &x), 0);
    cr_expect_eq(open_with(first, &x), ERR_INVALID);
    cr_assert_eq(file_write(path,
                            STR("this is a text that is long enough to be looked at, with "
                                "more than a hundred bytes of it, which is a header"),
                            &err),
                 0);
    cr_expect_eq(open_with(first, &x), ERR_INVALID);
}

Test(db, says_what_cannot_be_opened)
{
    struct db *db;
    struct err err;

    free(path);
    path = path_join(str_from(directory), STR("no/such/a.db"));
    cr_expect_eq(db_open(path, first, &db, &err), ERR_IO);
    cr_expect(strstr(err.text, "no/such/a.db"));
}

Test(db, takes_back_what_failed)
{
    struct db *db;
    struct err err;
    int x = 0;

    cr_assert_eq(db_open(path, first, &db, &err), 0);
    cr_assert_eq(db_begin(db), 0);
    cr_assert_eq(db_run(db_statement(db, "UPDATE a SET x = 5")), 0);
    cr_expect_eq(db_end(db, ERR_LIMIT), ERR_LIMIT);
    cr_expect_not(db_is_stale(db));
    db_close(db);
    cr_assert_eq(open_with(first, &x), 0);
    cr_expect_eq(x, 1);
}

Test(db, sees_that_its_file_is_gone)
{
    struct db *db, *other;
    struct err err;

    cr_assert_eq(db_open(path, first, &db, &err), 0);
    remove(path);
    cr_expect(db_is_stale(db));
    cr_assert_eq(db_open(path, first, &other, &err), 0);
    cr_expect(db_is_stale(db));
    cr_expect_not(db_is_stale(other));
    db_close(db);
    db_close(other);
}
