/* Any bytes as a tenant's SQL: the database stays whole, answers are JSON, and no other file is
 * made. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/d1/d1_store.h"
#include "os/clock.h"
#include "os/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIME_MS = 20, FILE_BYTES_MAX = 4 << 20, MEMORY_MAX = 16 << 20 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b);"
    "CREATE TABLE IF NOT EXISTS c (t REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);"
    "CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5 (body);"
    "INSERT OR IGNORE INTO t VALUES (1, 'x', x'00'), (2, 'y', 1.5);"
    "INSERT INTO f VALUES ('a b c');";

static char *directory;
static struct buf out;

static void make(void)
{
    struct err err;

    ASSERT(file_make_temporary(&directory, &err) == 0);
    buf_init(&out, 1 << 20);
}

static void check_files(void)
{
    DIR *files = opendir(directory);
    struct dirent *file;

    ASSERT(files);
    while ((file = readdir(files)))
        ASSERT(*file->d_name == '.' || strncmp(file->d_name, "db.sqlite", 9) == 0);
    closedir(files);
}

/* In a transaction of its own, on a short leash. */
static int run(struct d1_store *store, str sql)
{
    struct d1_leash leash = {.until_ns = clock_monotonic_ns() + (uint64_t)TIME_MS * 1000000,
                             .memory_max = MEMORY_MAX};
    struct d1_answer answer = {.shape = D1_SHAPE_OBJECTS, .out = &out};
    struct d1_query query = {.sql = sql};
    struct err err = {0};
    int r;

    d1_store_put_on_leash(store, NULL);
    if (d1_store_begin(store, true, &err) < 0)
        return err.code;
    d1_store_put_on_leash(store, &leash);
    buf_clear(&out);
    ASSERT(buf_append_char(&out, '[') == 0);
    r = d1_store_run_all(store, &query, &answer, &err);
    d1_store_put_on_leash(store, NULL);
    if (r == 0 && buf_append_char(&out, ']') == 0) {
        json_t *json = json_loadb(out.ptr, out.len, JSON_ALLOW_NUL, NULL);

        ASSERT(json);
        json_decref(json);
    }
    if (r == 0)
        return d1_store_commit(store, &err);
    d1_store_rollback(store);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct d1_store *store, *reader;
    struct d1_query query;
    struct err err = {0};
    char *sql = mem_alloc(size + 1);

    memcpy(sql, data, size);
    sql[size] = 0;
    query = (struct d1_query){.sql = {sql, size}};
    if (!directory)
        make();
    ASSERT(d1_store_open(directory, D1_STORE_WRITER, FILE_BYTES_MAX, &store, &err) == 0);
    if (run(store, str_from(schema)) < 0) {
        d1_store_close(store);
        file_remove_tree(directory);
        free(sql);
        return 0;
    }
    (void)run(store, query.sql);
    ASSERT(run(store, STR("PRAGMA quick_check")) < 0 || memmem(out.ptr, out.len, "\"ok\"", 4));
    d1_store_close(store);
    ASSERT(d1_store_open(directory, D1_STORE_READER, FILE_BYTES_MAX, &reader, &err) == 0);
    buf_clear(&out);
    (void)d1_store_run_now(reader, &query, D1_SHAPE_ARRAYS, &out);
    d1_store_close(reader);
    check_files();
    free(sql);
    return 0;
}
