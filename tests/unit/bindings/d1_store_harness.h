/* What tests of d1_store share: a database of each test's own, and SQL run in it. */
#ifndef ATOLL_TESTS_D1_STORE_HARNESS_H
#define ATOLL_TESTS_D1_STORE_HARNESS_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "bindings/d1/d1_store.h"
#include "os/file.h"
#include "os/path.h"

#define FILE_BYTES_MAX ((uint64_t)64 << 20)

static char *directory;
static struct d1_store *store;
static struct buf out;
static struct err err;

static inline struct d1_store *open_at(enum d1_store_role role, uint64_t bytes_max)
{
    struct d1_store *opened = NULL;

    cr_assert_eq(d1_store_open(directory, role, bytes_max, &opened, &err), 0, "%s", err.text);
    return opened;
}

static inline void make(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    buf_init(&out, D1_STORE_REPLY_BYTES_MAX);
    store = open_at(D1_STORE_WRITER, FILE_BYTES_MAX);
}

static inline void clean(void)
{
    d1_store_close(store);
    buf_done(&out);
    file_remove_tree(directory);
    free(directory);
}

/* Runs all statements of the text in one transaction. Returns 0 or the error's code. */
static inline int run_with(const char *sql, enum d1_shape shape, const struct d1_value *values,
                           size_t count)
{
    struct d1_query query = {str_from(sql), values, count};
    struct d1_answer answer = {.shape = shape, .out = &out};
    int r;

    buf_clear(&out);
    err.code = 0;
    *err.text = 0;
    d1_store_put_on_leash(store, NULL);
    if (d1_store_begin(store, true, &err) < 0)
        return err.code;
    r = d1_store_run_all(store, &query, &answer, &err);
    if (r < 0)
        d1_store_rollback(store);
    else
        r = d1_store_commit(store, &err);
    return r;
}

static inline int run(const char *sql)
{
    return run_with(sql, D1_SHAPE_OBJECTS, NULL, 0);
}

static inline void works(const char *sql)
{
    cr_assert_eq(run(sql), 0, "%s: %s", sql, err.text);
}

static inline bool has(const char *text)
{
    return out.len && memmem(out.ptr, out.len, text, strlen(text));
}

static inline void gives(const char *sql, const char *text)
{
    works(sql);
    cr_expect(has(text), "%s: %.*s", sql, (int)out.len, out.ptr);
}

static inline char *file_path(void)
{
    return path_join(str_from(directory), STR("db.sqlite"));
}

#endif
