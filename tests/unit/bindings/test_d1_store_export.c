/* bindings/d1/d1_store: databases as SQL text, and copies of them. */
#include "d1_store_harness.h"

#include <unistd.h>

TestSuite(d1_store_export, .init = make, .fini = clean);

static const char sample[] =
    "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, \"odd \"\"name\" TEXT, n REAL, b BLOB,"
    " len AS (length(b)));"
    "CREATE TABLE c (p REFERENCES p (id));"
    "CREATE INDEX i ON p (n);"
    "CREATE VIEW v AS SELECT * FROM p;"
    "CREATE TRIGGER tr AFTER DELETE ON p BEGIN DELETE FROM c WHERE p = old.id; END;"
    "CREATE VIRTUAL TABLE f USING fts5 (body);"
    "INSERT INTO f VALUES ('needle');"
    "INSERT INTO p (\"odd \"\"name\", n, b) VALUES ('it''s; \n fine', 0.1, x'00FF'),"
    " (NULL, 1e300, zeroblob(1200000));"
    "INSERT INTO c VALUES (2), (1);";

static int export(const struct d1_export *what, struct buf *text)
{
    int r;

    cr_assert_eq(d1_store_begin(store, false, &err), 0);
    r = d1_store_export(store, what, text, &err);
    d1_store_rollback(store);
    return r;
}

Test(d1_store_export, exports_what_can_be_imported)
{
    struct buf first, second;
    struct d1_query query = {0};
    struct d1_answer answer = {.shape = D1_SHAPE_NONE, .out = &out};
    char *path = file_path();

    buf_init(&first, 16 << 20);
    buf_init(&second, 16 << 20);
    works(sample);
    cr_assert_eq(export(&(struct d1_export){0}, &first), 0, "%s", err.text);
    d1_store_close(store);
    unlink(path);
    store = open_at(D1_STORE_WRITER, FILE_BYTES_MAX);
    cr_assert_eq(buf_append_char(&first, 0), 0);
    query.sql = str_head(buf_str(&first), first.len - 1);
    cr_assert_eq(d1_store_begin(store, true, &err), 0);
    d1_store_guard_widen(store, true);
    cr_assert_eq(d1_store_run_all(store, &query, &answer, &err), 0, "%s", err.text);
    d1_store_guard_widen(store, false);
    cr_assert_eq(d1_store_commit(store, &err), 0, "%s", err.text);
    cr_assert_eq(export(&(struct d1_export){0}, &second), 0);
    cr_expect(str_equal(query.sql, buf_str(&second)));
    gives("SELECT count(*) AS n FROM f WHERE f MATCH 'needle'", "\"n\":1");
    gives("SELECT seq FROM sqlite_sequence", "\"seq\":2");
    buf_done(&first);
    buf_done(&second);
    free(path);
}

Test(d1_store_export, exports_tables_with_as_many_columns_as_can_be)
{
    struct buf sql, text;

    buf_init(&sql, 4096);
    buf_init(&text, 65536);
    for (int i = 0; i < D1_STORE_COLUMNS_MAX; i++)
        cr_assert_eq(buf_printf(&sql, "%s c%d", i ? "," : "CREATE TABLE t (", i), 0);
    cr_assert_eq(buf_printf(&sql, "); INSERT INTO t (c0, c%d) VALUES (1, 'last')",
                            D1_STORE_COLUMNS_MAX - 1),
                 0);
    works(sql.ptr);
    cr_assert_eq(export(&(struct d1_export){0}, &text), 0, "%s", err.text);
    cr_assert_eq(buf_append_char(&text, 0), 0);
    cr_expect(strstr(text.ptr, ",'last');"), "%s", text.ptr);
    buf_done(&sql);
    buf_done(&text);
}

Test(d1_store_export, exports_a_part)
{
    static const char *const tables[] = {"C", NULL};
    struct buf text;

    buf_init(&text, 16 << 20);
    works(sample);
    cr_assert_eq(export(&(struct d1_export){.no_data = true, .tables = tables}, &text), 0);
    cr_expect(str_equal(buf_str(&text), STR("PRAGMA defer_foreign_keys=TRUE;\n"
                                            "CREATE TABLE c (p REFERENCES p (id));\n")));
    buf_clear(&text);
    cr_assert_eq(export(&(struct d1_export){.no_schema = true, .tables = tables}, &text), 0);
    cr_expect(str_equal(buf_str(&text), STR("PRAGMA defer_foreign_keys=TRUE;\n"
                                            "INSERT INTO \"c\" (\"p\") VALUES(2);\n"
                                            "INSERT INTO \"c\" (\"p\") VALUES(1);\n")));
    buf_clear(&text);
    text.max = 1000;
    cr_expect_eq(export(&(struct d1_export){0}, &text), ERR_LIMIT);
    buf_done(&text);
}

Test(d1_store_export, copies_are_databases)
{
    char *to = path_join(str_from(directory), STR("deep/copy")), *path;

    works(sample);
    cr_assert_eq(d1_store_copy(store, to, &err), 0, "%s", err.text);
    cr_assert_eq(d1_store_begin(store, false, &err), 0);
    buf_clear(&out);
    cr_assert_eq(d1_store_copy_bytes(store, &out, &err), 0);
    d1_store_rollback(store);
    path = path_join(str_from(directory), STR("dump/db.sqlite"));
    free(to);
    to = path_join(str_from(directory), STR("dump"));
    cr_assert_eq(file_make_directories(to, &err), 0);
    cr_assert_eq(file_write(path, buf_str(&out), &err), 0);
    free(path);
    for (int i = 0; i < 2; i++) {
        struct d1_store *before = store, *copy = NULL;

        cr_assert_eq(d1_store_open(to, D1_STORE_WRITER, FILE_BYTES_MAX, &copy, &err), 0);
        store = copy;
        gives("SELECT count(*) AS n FROM p, c", "\"n\":4");
        store = before;
        d1_store_close(copy);
        free(to);
        to = path_join(str_from(directory), STR("deep/copy"));
    }
    free(to);
}
