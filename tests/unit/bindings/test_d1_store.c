/* bindings/d1/d1_store: what SQL may do and what it may not, values both ways, limits, damage. */
#include "d1_store_harness.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindings/quota.h"
#include "os/clock.h"

TestSuite(d1_store, .init = make, .fini = clean);

Test(d1_store, runs_what_applications_need)
{
    static const char *const each[] = {
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL, b REAL, c BLOB)",
        "CREATE UNIQUE INDEX t_a ON t (a)",
        "CREATE TABLE child (t INTEGER REFERENCES t (id) ON DELETE CASCADE,"
        " x GENERATED ALWAYS AS (t + 1))",
        "CREATE VIEW v AS SELECT a, b FROM t",
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO child VALUES (new.id); END",
        "INSERT INTO t (a, b) VALUES ('one', 1.5), ('two', 2) RETURNING id",
        "INSERT INTO t (a) VALUES ('one') ON CONFLICT (a) DO UPDATE SET b = 3",
        "UPDATE t SET b = b + 1 WHERE a = 'one'",
        "SELECT * FROM v ORDER BY a LIMIT 1 OFFSET 1",
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10)"
        " SELECT sum(x) FROM n",
        "SELECT row_number() OVER (ORDER BY a), lag(a) OVER (ORDER BY a) FROM t",
        "SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]'), '[1]' ->> 0",
        "SELECT value FROM json_each('[1, 2]')",
        "SELECT sqrt(2), pow(2, 3), round(1.5), datetime('now'), unixepoch(), strftime('%Y')",
        "CREATE VIRTUAL TABLE f USING fts5 (body)",
        "INSERT INTO f VALUES ('the quick brown fox')",
        "SELECT highlight(f, 0, '<', '>'), bm25(f) FROM f WHERE f MATCH 'quick'",
        "INSERT INTO f (f) VALUES ('optimize')",
        "CREATE VIRTUAL TABLE terms USING fts5vocab (f, row)",
        "SELECT term FROM terms",
        "ALTER TABLE t RENAME COLUMN b TO bb",
        "ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 0",
        "ALTER TABLE t RENAME TO t2",
        "ALTER TABLE t2 DROP COLUMN d",
        "ALTER TABLE t2 RENAME TO t",
        "PRAGMA table_info(t)", "PRAGMA table_xinfo('t')", "PRAGMA table_list",
        "SELECT name FROM pragma_table_info('t')", "SELECT name FROM sqlite_master",
        "PRAGMA foreign_key_list(child)", "PRAGMA foreign_key_check", "PRAGMA index_list(t)",
        "PRAGMA index_info(t_a)", "PRAGMA index_xinfo(t_a)", "PRAGMA quick_check",
        "PRAGMA integrity_check", "PRAGMA optimize", "PRAGMA foreign_keys = OFF",
        "PRAGMA defer_foreign_keys = ON", "PRAGMA case_sensitive_like = ON",
        "PRAGMA legacy_alter_table = OFF", "PRAGMA recursive_triggers = ON",
        "PRAGMA ignore_check_constraints = ON", "PRAGMA reverse_unordered_selects = ON",
        "ANALYZE", "REINDEX", "EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT * FROM t",
        "DELETE FROM t WHERE a = 'two'", "DROP VIEW v", "DROP TABLE f",
        "SELECT 1; -- done\n SELECT 2 /* and */ ;;",
    };

    for (size_t i = 0; i < COUNT_OF(each); i++)
        cr_expect_eq(run(each[i]), 0, "%s: %s", each[i], err.text);
}

/* Each of these would reach out of the database, or change it behind the others' back. */
static const char *const refused[] = {
    "ATTACH ':memory:' AS x",
    "ATTACH DATABASE '%s/stolen.db' AS x",
    "ATTACH 'file:%s/stolen.db?mode=rwc' AS x",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '%s/stolen.db'",
    "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT a", "RELEASE d1", "ROLLBACK TO d1",
    "BEGIN EXCLUSIVE",
    "SELECT load_extension('%s/x.so')",
    "SELECT load_extension('x', 'y')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts3_tokenizer('x', x'4141414141414141')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('%s/stolen', 'x')",
    "SELECT edit('x')",
    "SELECT sqlite_log(1, 'x')",
    "SELECT sqlite_compileoption_get(1)",
    "SELECT sqlite_rename_column('', '', '', '', '', 0, '', 0, 0)",
    "SELECT rtreenode(2, x'00')",
    "SELECT matchinfo(x'00')",
    "CREATE VIRTUAL TABLE r USING rtree (id, a, b)",
    "CREATE VIRTUAL TABLE r USING fts4 (a)",
    "CREATE VIRTUAL TABLE r USING fts3 (a)",
    "CREATE VIRTUAL TABLE r USING dbstat (main)",
    "CREATE VIRTUAL TABLE r USING csv (filename='/etc/passwd')",
    "SELECT * FROM dbstat",
    "SELECT sql FROM sqlite_stmt",
    "SELECT * FROM fts3tokenize",
    "CREATE VIEW w AS SELECT * FROM dbstat; SELECT * FROM w",
    "CREATE TEMP TABLE x (a)",
    "CREATE TEMPORARY VIEW x AS SELECT 1",
    "CREATE TABLE temp.x (a)",
    "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
    "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 3, 'CREATE TABLE x (a)')",
    "UPDATE sqlite_schema SET sql = 'x'",
    "DELETE FROM sqlite_master",
    "PRAGMA writable_schema = ON",
    "PRAGMA writable_schema = RESET",
    "pragma main.Writable_Schema(1)",
    "PRAGMA journal_mode = OFF",
    "PRAGMA journal_mode",
    "SELECT * FROM pragma_journal_mode",
    "PRAGMA synchronous = OFF",
    "PRAGMA temp_store_directory = '%s'",
    "PRAGMA data_store_directory = '%s'",
    "PRAGMA temp_store = FILE",
    "PRAGMA mmap_size = 1000000",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA max_page_count = 1000000",
    "PRAGMA page_size = 65536",
    "PRAGMA cache_size = 1000000",
    "PRAGMA auto_vacuum = FULL",
    "PRAGMA secure_delete = OFF",
    "PRAGMA trusted_schema = ON",
    "PRAGMA cell_size_check = OFF",
    "PRAGMA query_only = OFF",
    "PRAGMA read_uncommitted = ON",
    "PRAGMA user_version = 5",
    "PRAGMA application_id = 5",
    "PRAGMA schema_version = 5",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA busy_timeout = 0",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA soft_heap_limit = 1",
    "PRAGMA shrink_memory",
    "PRAGMA threads = 8",
    "PRAGMA database_list",
    "SELECT file FROM pragma_database_list",
    "SELECT * FROM pragma_compile_options",
    "SELECT * FROM pragma_function_list",
    "SELECT * FROM pragma_module_list",
    "EXPLAIN PRAGMA journal_mode = OFF",
    "CREATE TRIGGER bad AFTER INSERT ON t BEGIN SELECT load_extension('x'); END;"
    " INSERT INTO t VALUES (1)",
    "CREATE VIEW bad AS SELECT load_extension('x') AS y; SELECT y FROM bad",
    "CREATE TABLE bad (a DEFAULT (load_extension('x'))); INSERT INTO bad DEFAULT VALUES",
    "CREATE TABLE bad (a, b AS (load_extension(a))); INSERT INTO bad VALUES (1); SELECT b FROM bad",
    "CREATE TABLE bad (a CHECK (fts3_tokenizer(a))); INSERT INTO bad VALUES ('simple')",
    "CREATE INDEX bad ON t (load_extension(a))",
    "CREATE VIEW bad AS SELECT * FROM pragma_journal_mode('off'); SELECT * FROM bad",
    "UPDATE f_data SET block = x'00'",
};

static size_t files_here(void)
{
    char command[4096], text[32] = "";
    FILE *listing;

    snprintf(command, sizeof command, "ls -A '%s' | grep -vc '^db.sqlite'", directory);
    listing = popen(command, "r");
    cr_assert(fgets(text, sizeof text, listing) != NULL);
    pclose(listing);
    return (size_t)strtoul(text, NULL, 10);
}

Test(d1_store, refuses_what_reaches_out)
{
    char sql[4096];

    works("CREATE TABLE t (a); CREATE VIRTUAL TABLE f USING fts5 (body)");
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        snprintf(sql, sizeof sql, refused[i], directory); // NOLINT: formats of this file
        cr_expect_neq(run(sql), 0, "%s ran: %.*s", sql, (int)out.len, out.ptr);
        cr_expect(err.code == ERR_SCRIPT, "%s: %d %s", sql, err.code, err.text);
    }
    cr_expect_eq(files_here(), 0);
    gives("PRAGMA quick_check", "\"ok\"");
    gives("SELECT count(*) AS n FROM sqlite_master WHERE name IN ('bad', 'x', 'w')", "\"n\":0");
}

Test(d1_store, settings_end_with_their_transaction)
{
    works("CREATE TABLE t (a CHECK (a > 0))");
    works("PRAGMA case_sensitive_like = ON; PRAGMA ignore_check_constraints = ON;"
          "INSERT INTO t VALUES (-1)");
    gives("SELECT 'A' LIKE 'a' AS same", "\"same\":1");
    cr_expect_eq(run("INSERT INTO t VALUES (-2)"), ERR_SCRIPT);
    cr_expect(run("PRAGMA ignore_check_constraints = ON; no SQL") < 0);
    cr_expect_eq(run("INSERT INTO t VALUES (-2)"), ERR_SCRIPT);
}

/* ---- bounds ---- */

static const char *const bombs[] = {
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n ORDER BY x",
    "WITH RECURSIVE n (x) AS (SELECT randomblob(1000000) UNION ALL"
    " SELECT randomblob(1000000) FROM n) "
    "SELECT count(DISTINCT x) FROM n",
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT zeroblob(1000000) FROM n",
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    " INSERT INTO big SELECT x FROM n",
    "SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h",
    "SELECT randomblob(2000000000)",
    "SELECT zeroblob(2000000000)",
    "SELECT hex(zeroblob(1500000))",
    "SELECT replace(hex(zeroblob(100000)), '0', hex(zeroblob(1000)))",
    "WITH RECURSIVE n (x) AS (SELECT 'x' UNION ALL SELECT x || x FROM n) SELECT length(x) FROM n",
    "SELECT group_concat(hex(randomblob(1000))) FROM t a, t b, t c",
    "SELECT 'a' LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a'",
};

static void leash(struct d1_leash *leash, unsigned ms)
{
    *leash = (struct d1_leash){.until_ns = clock_monotonic_ns() + (uint64_t)ms * 1000000,
                               .memory_max = 32 << 20};
    d1_store_put_on_leash(store, leash);
}

Test(d1_store, bombs_end)
{
    struct d1_leash short_leash;
    struct d1_answer answer = {.out = &out};
    struct rusage used;

    works("CREATE TABLE t (a); CREATE TABLE big (a)");
    works("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) "
          "INSERT INTO t SELECT x FROM n");
    for (size_t i = 0; i < COUNT_OF(bombs); i++) {
        struct d1_query query = {str_from(bombs[i]), NULL, 0};

        buf_clear(&out);
        err.code = 0;
        cr_assert_eq(d1_store_begin(store, true, &err), 0);
        leash(&short_leash, 100);
        cr_expect(d1_store_run(store, &query, &answer, &err) < 0, "%s", bombs[i]);
        cr_expect(err.code == ERR_SCRIPT || err.code == ERR_LIMIT, "%s: %s", bombs[i], err.text);
        d1_store_put_on_leash(store, NULL);
        d1_store_rollback(store);
    }
    gives("SELECT count(*) AS n FROM t", "\"n\":1000");
    getrusage(RUSAGE_SELF, &used);
#ifndef ATOLL_SANITIZED
    cr_expect_lt(used.ru_maxrss, 256 << 10);
#endif
}

Test(d1_store, trims_as_sqlite_does)
{
    static const struct {
        const char *sql, *text;
    } rows[] = {
        {"SELECT trim('xxaxbxx', 'x') AS v", "\"v\":\"axb\""},
        {"SELECT ltrim('xyxa', 'yx') AS v", "\"v\":\"a\""},
        {"SELECT rtrim('axyx', 'yx') AS v", "\"v\":\"a\""},
        {"SELECT trim('  a ') AS v", "\"v\":\"a\""},
        {"SELECT trim('\xC3\xA9x\xC3\xA9', '\xC3\xA9') AS v", "\"v\":\"x\""},
        {"SELECT trim('aaa', 'a') AS v", "\"v\":\"\""},
        {"SELECT trim(NULL, 'a') AS v", "\"v\":null"},
        {"SELECT trim('a', NULL) AS v", "\"v\":null"},
        {"SELECT trim('a', '') AS v", "\"v\":\"a\""},
        {"SELECT trim(120, 0) AS v", "\"v\":\"12\""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        gives(rows[i].sql, rows[i].text);
    works("CREATE TABLE t (a, b AS (trim(a, '.'))); CREATE INDEX i ON t (trim(a, '-'))");
    cr_expect_eq(run("SELECT trim('a', hex(zeroblob(3000)))"), ERR_SCRIPT);
}

/* The same call of SQLite's own function, on a connection without ours. */
static void as_sqlite_does(const char *sql)
{
    sqlite3 *plain;
    sqlite3_stmt *call = NULL;
    char wanted[256] = "\"v\":null";

    cr_assert_eq(sqlite3_open(":memory:", &plain), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(plain, sql, -1, &call, NULL), SQLITE_OK, "%s", sql);
    cr_assert_eq(sqlite3_step(call), SQLITE_ROW);
    if (sqlite3_column_type(call, 0) != SQLITE_NULL)
        snprintf(wanted, sizeof wanted, "\"v\":\"%s\"", sqlite3_column_text(call, 0));
    gives(sql, wanted);
    sqlite3_finalize(call);
    sqlite3_close(plain);
}

Test(d1_store, functions_in_the_place_of_sqlites_give_the_same)
{
    static const char *const calls[] = {
        "hex(instr('abcabc', 'ca'))", "hex(instr('abc', 'd'))", "hex(instr('abc', ''))",
        "hex(instr('', 'a'))", "hex(instr(NULL, 'a'))", "hex(instr('a', NULL))",
        "instr(NULL, 'a')", "instr('a', NULL)", "hex(instr(1234, 34))",
        "hex(instr('\xC3\xA9x\xC3\xA9y', 'y'))", "hex(instr('\xC3\xA9x\xC3\xA9y', '\xC3\xA9y'))",
        "hex(instr(x'c3a979', x'79'))", "hex(instr('\xC3\xA9y', x'79'))",
        "hex(instr('\xC3\xA9y', CAST(x'a979' AS TEXT)))", "hex(instr(x'', x''))",
        "replace('aXbXc', 'X', '--')", "replace('abc', '', 'x')", "replace('abc', 'abc', '')",
        "replace(NULL, 'a', 'b')", "replace('a', NULL, 'b')", "replace('a', 'a', NULL)",
        "replace('aaaa', 'aa', 'a')", "typeof(replace(12, '', 'x'))", "replace(121, 1, 'one')",
        "printf('%d|%5.2f|%-6s|%06d|%c|%%|%x', 12, 3.14159, 'ab', 7, 'z', 255)",
        "printf('%*d|%.*f|%*.*s', 5, 42, 2, 1.23456, 8, 3, 'abcdef')", "printf()", "printf(NULL)",
        "format('%q %Q %,d', 'it''s', 'it''s', 1234567)", "printf('%s')",
        "hex(json_patch('{\"a\":1}', '{\"b\":[2]}'))", "typeof(json_patch(NULL, '{}'))",
        "hex(json_array(json_patch('{\"a\":1}', '{}')))",
    };
    char sql[256];

    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        snprintf(sql, sizeof sql, "SELECT CAST(%s AS TEXT) AS v", calls[i]);
        as_sqlite_does(sql);
    }
    cr_expect_eq(run("SELECT json_patch('{', '{}')"), ERR_SCRIPT);
    works("CREATE TABLE t (a, b AS (replace(a, '.', printf('%d', 1)))); "
          "CREATE INDEX i ON t (instr(a, '-')); INSERT INTO t (a) VALUES ('a.b')");
    gives("SELECT b AS v FROM t", "\"v\":\"a1b\"");
}

/* In one step each, which nothing interrupts: SQLite's own take minutes for these. */
Test(d1_store, functions_that_could_take_minutes_do_not, .timeout = 60)
{
    static const char *const calls[] = {
        "instr(t, substr(t, 1, 900000) || 'b')",
        "length(replace(t, substr(t, 1, 900000) || 'b', 'x'))",
        "printf('%.*c', 2000000000, 'x')",
        "printf('%.2000000000c', 'x')",
        "printf('%d %s %.*c', 1, 'a', -2000000000, 'x')",
        "length(printf(replace(t, 'a', '%.1999999c')))",
        "json_patch('{\"' || replace(t, 'a', 'a\":1,\"') || '\":1}', '{\"' || "
        "replace(t, 'a', 'b\":1,\"') || '\":1}')",
    };
    char sql[1024];

    works("CREATE TABLE t (t); INSERT INTO t VALUES (replace(hex(zeroblob(500000)), '0', 'a'))");
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        snprintf(sql, sizeof sql, "SELECT %s AS v FROM t", calls[i]);
        (void)!run(sql);
    }
}

/* A nest of subqueries, each used twice, is compiled into 2^levels of them. */
static void nest(struct buf *sql, int levels)
{
    cr_assert_eq(buf_append(sql, STR("WITH a0 AS (SELECT 1 AS x)")), 0);
    for (int i = 1; i <= levels; i++)
        cr_assert_eq(buf_printf(sql, ", a%d AS (SELECT 1 AS x FROM a%d p, a%d q)", i, i - 1, i - 1),
                     0);
    cr_assert_eq(buf_printf(sql, " SELECT x FROM a%d LIMIT 1", levels), 0);
}

Test(d1_store, compiling_is_bounded)
{
    static const int levels[] = {3, 30};
    struct rusage used;

    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        struct buf sql;

        buf_init(&sql, 1 << 16);
        nest(&sql, levels[i]);
        cr_assert_eq(buf_append_char(&sql, 0), 0);
        cr_expect_eq(run(sql.ptr), i == 0 ? 0 : ERR_LIMIT, "%s", err.text);
        buf_done(&sql);
    }
    getrusage(RUSAGE_SELF, &used);
#ifndef ATOLL_SANITIZED
    cr_expect_lt(used.ru_maxrss, 384 << 10);
#endif
    gives("SELECT 1 AS x", "\"x\":1");
}

/* `count` times `part`, between `before` and `after`. */
static int run_many(const char *before, const char *part, int count, const char *after)
{
    struct buf sql;
    int r;

    buf_init(&sql, 8 << 20);
    cr_assert_eq(buf_append(&sql, str_from(before)), 0);
    for (int i = 0; i < count; i++)
        cr_assert_eq(buf_append(&sql, str_from(part)), 0);
    cr_assert_eq(buf_printf(&sql, "%s%c", after, 0), 0);
    r = run(sql.ptr);
    buf_done(&sql);
    return r;
}

Test(d1_store, limits_are_those_of_d1)
{
    cr_expect_eq(run_many("SELECT 1", ",1", 99, ""), 0);
    cr_expect_eq(run_many("SELECT 1", ",1", 100, ""), ERR_SCRIPT);
    cr_expect_eq(run_many("SELECT '", "x", 99000, "'"), 0);
    cr_expect_eq(run_many("SELECT '", "x", 100000, "'"), ERR_SCRIPT);
    cr_expect_eq(run_many("SELECT ", "(", 99, "1"), ERR_SCRIPT);
    cr_expect_eq(run_many("SELECT 1", "+1", 90, ""), 0);
    cr_expect_eq(run_many("SELECT 1", "+1", 110, ""), ERR_SCRIPT);
    cr_expect_eq(run_many("SELECT max(1", ",1", 31, ")"), 0);
    cr_expect_eq(run_many("SELECT max(1", ",1", 32, ")"), ERR_SCRIPT);
    cr_expect_eq(run_many("SELECT 1", " UNION ALL SELECT 1", 200, ""), ERR_SCRIPT);
    cr_expect_eq(run_many("SELECT 'a' LIKE '", "a", 50, "'"), 0);
    cr_expect_eq(run_many("SELECT 'a' LIKE '", "a", 51, "'"), ERR_SCRIPT);
    cr_expect_eq(run_many("CREATE TABLE wide (a", ", a? ", 0, ")"), 0);
    cr_expect_eq(run("SELECT length(zeroblob(2000000))"), 0);
    cr_expect_eq(run("SELECT length(zeroblob(2000001))"), ERR_SCRIPT);
    cr_expect_eq(run("SELECT ?101"), ERR_SCRIPT);
}

Test(d1_store, a_cancelled_query_ends)
{
    struct d1_leash cancelled = {.until_ns = UINT64_MAX, .memory_max = 32 << 20, .cancelled = true};
    struct d1_query query = {STR("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                                 "SELECT count(*) FROM n"),
                             NULL, 0};
    struct d1_answer answer = {.out = &out};

    cr_assert_eq(d1_store_begin(store, false, &err), 0);
    d1_store_put_on_leash(store, &cancelled);
    cr_expect_eq(d1_store_run(store, &query, &answer, &err), ERR_LIMIT);
    cr_expect(strstr(err.text, "SQLITE_INTERRUPT"), "%s", err.text);
    d1_store_put_on_leash(store, NULL);
    d1_store_rollback(store);
}

Test(d1_store, a_full_database_says_so_and_goes_on)
{
    d1_store_close(store);
    store = open_at(D1_STORE_WRITER, 64 << 10);
    works("CREATE TABLE t (a)");
    cr_expect_eq(run("INSERT INTO t VALUES (zeroblob(100000))"), ERR_LIMIT);
    cr_expect(strstr(err.text, "Exceeded maximum DB size: SQLITE_FULL"), "%s", err.text);
    works("INSERT INTO t VALUES (1)");
    gives("SELECT count(*) AS n FROM t", "\"n\":1");
}

static void tell_quota(const char *account)
{
    json_t *frame = json_pack("{s:[s*]}", "accounts", account);

    quota_on_frame(frame);
    json_decref(frame);
}

Test(d1_store, a_database_of_an_account_that_is_over_does_not_grow)
{
    char *above = path_directory(str_from(directory)), *account = str_dup(str_from(directory));

    quota_start(above);
    works("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(100000))");
    tell_quota(account + strlen(above) + 1);
    cr_expect_eq(run("INSERT INTO t VALUES (zeroblob(50000))"), ERR_LIMIT);
    cr_expect(strstr(err.text, "storage_bytes") && strstr(err.text, "SQLITE_FULL"), "%s", err.text);
    gives("SELECT count(*) AS n FROM t", "\"n\":1");
    works("DELETE FROM t");
    works("INSERT INTO t VALUES (zeroblob(50000))");
    cr_expect_eq(run("INSERT INTO t VALUES (zeroblob(1000000))"), ERR_LIMIT);
    tell_quota(NULL);
    works("INSERT INTO t VALUES (zeroblob(1000000))");
    free(above);
    free(account);
}

/* ---- values ---- */

Test(d1_store, values_go_in_and_out)
{
    static const struct {
        struct d1_value value;
        const char *json, *type;
    } rows[] = {
        {{.type = D1_NULL}, "null", "null"},
        {{.type = D1_INTEGER, .integer = 0}, "0", "integer"},
        {{.type = D1_INTEGER, .integer = -9007199254740992}, "-9007199254740992", "integer"},
        {{.type = D1_INTEGER, .integer = INT64_MIN}, "-9223372036854775808", "integer"},
        {{.type = D1_INTEGER, .integer = INT64_MAX}, "9223372036854775807", "integer"},
        {{.type = D1_REAL, .real = 0.1}, "0.1", "real"},
        {{.type = D1_REAL, .real = 1.5e300}, "1.5", "real"},
        {{.type = D1_REAL, .real = -0.0}, "-0", "real"},
        {{.type = D1_REAL, .real = 1.0 / 0.0}, "null", "real"},
        {{.type = D1_TEXT, .bytes = {"", 0}}, "\"\"", "text"},
        {{.type = D1_TEXT, .bytes = {"a\"b\\\n\x01", 6}}, "\"a\\\"b\\\\\\u000a\\u0001\"", "text"},
        {{.type = D1_TEXT, .bytes = {"a\0b", 3}}, "\"a\\u0000b\"", "text"},
        {{.type = D1_TEXT, .bytes = {"gr\xC3\xBC\xF0\x9F\x8C\x8A", 8}},
         "\"gr\xC3\xBC\xF0\x9F\x8C\x8A\"", "text"},
        {{.type = D1_TEXT, .bytes = {"\xFFx\xC3", 3}}, "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"", "text"},
        {{.type = D1_BLOB, .bytes = {"", 0}}, "[]", "blob"},
        {{.type = D1_BLOB, .bytes = {"\x00\x09\x63\xFF", 4}}, "[0,9,99,255]", "blob"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct d1_value values[] = {rows[i].value, rows[i].value};
        char want[256];

        cr_assert_eq(run_with("SELECT ? AS v, typeof(?) AS t", D1_SHAPE_FIRST, values, 2), 0);
        snprintf(want, sizeof want, "{\"v\":%s", rows[i].json);
        cr_expect(has(want), "row %zu: %.*s", i, (int)out.len, out.ptr);
        snprintf(want, sizeof want, "\"t\":\"%s\"}", rows[i].type);
        cr_expect(has(want), "row %zu: %.*s", i, (int)out.len, out.ptr);
    }
}

/* SQLite gives no bytes, and no error, when there is no memory for a value. */
Test(d1_store, a_value_without_memory_is_an_error)
{
    struct d1_leash small = {.until_ns = UINT64_MAX, .memory_max = 256 << 10};
    static char text[1000000];
    static const char *const each[] = {"SELECT ? AS v", "SELECT zeroblob(length(?)) AS v"};

    memset(text, 120, sizeof text);
    for (size_t i = 0; i < COUNT_OF(each); i++) {
        struct d1_value value = {.type = D1_TEXT, .bytes = {text, sizeof text}};
        struct d1_query query = {str_from(each[i]), &value, 1};
        struct d1_answer answer = {.out = &out};

        cr_assert_eq(d1_store_begin(store, false, &err), 0);
        d1_store_put_on_leash(store, &small);
        cr_expect_eq(d1_store_run(store, &query, &answer, &err), ERR_LIMIT);
        d1_store_put_on_leash(store, NULL);
        cr_expect_eq(d1_store_run(store, &query, &answer, &err), 0, "%s", err.text);
        d1_store_rollback(store);
    }
}

Test(d1_store, shapes_of_answers)
{
    works("CREATE TABLE t (\"a\"\"b\" INTEGER, c)");
    works("INSERT INTO t VALUES (1, 'x'), (2, NULL)");
    gives("SELECT * FROM t", "{\"success\":true,\"results\":[{\"a\\\"b\":1,\"c\":\"x\"},"
                             "{\"a\\\"b\":2,\"c\":null}],\"meta\":{\"served_by\":\"atoll\"");
    gives("SELECT * FROM t WHERE c = 'no'", "\"results\":[],");
    cr_assert_eq(run_with("SELECT c, c FROM t", D1_SHAPE_ARRAYS, NULL, 0), 0);
    cr_expect(has("\"results\":{\"columns\":[\"c\",\"c\"],\"rows\":[[\"x\",\"x\"],[null,null]]}"));
    cr_assert_eq(run_with("DELETE FROM t", D1_SHAPE_ARRAYS, NULL, 0), 0);
    cr_expect(has("{\"columns\":[],\"rows\":[]}"));
    cr_assert_eq(run_with("SELECT c FROM t", D1_SHAPE_FIRST, NULL, 0), 0);
    cr_expect(str_equal(buf_str(&out), STR("null")));
    gives("SELECT 1 AS a; SELECT 2 AS a", "},{\"success\"");
}

Test(d1_store, keys_follow_a_changed_schema)
{
    works("CREATE TABLE t (a)");
    works("INSERT INTO t VALUES (1)");
    gives("SELECT * FROM t", "[{\"a\":1}]");
    works("ALTER TABLE t ADD COLUMN b DEFAULT 2");
    gives("SELECT * FROM t", "[{\"a\":1,\"b\":2}]");
    works("ALTER TABLE t RENAME COLUMN a TO z");
    gives("SELECT * FROM t", "[{\"z\":1,\"b\":2}]");
}

Test(d1_store, counts_what_was_done)
{
    works("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE INDEX i ON t (a)");
    gives("INSERT INTO t (a, b) VALUES (1, 1), (2, 2), (3, 3)",
          "\"changes\":3,\"last_row_id\":3,\"changed_db\":true");
    cr_expect(has("\"rows_written\":6"), "%.*s", (int)out.len, out.ptr);
    gives("SELECT * FROM t", "\"changes\":0,\"last_row_id\":0,\"changed_db\":false");
    cr_expect(has("\"rows_read\":3,\"rows_written\":0"), "%.*s", (int)out.len, out.ptr);
    gives("SELECT * FROM t WHERE b = 2", "\"rows_read\":3");
    gives("SELECT * FROM t WHERE id = 2", "\"rows_read\":1");
    gives("UPDATE t SET b = 5 WHERE id = 2", "\"changes\":1");
    cr_expect(has("\"rows_written\":1"), "%.*s", (int)out.len, out.ptr);
    gives("UPDATE t SET b = 5 WHERE id = 7",
          "\"changes\":0,\"last_row_id\":0,\"changed_db\":false");
    gives("SELECT 1", "\"size_after\":12288");
}

Test(d1_store, errors_are_said_as_on_d1)
{
    static const struct {
        const char *sql, *text;
    } rows[] = {
        {"SELECT * FROM x", "no such table: x: SQLITE_ERROR"},
        {"SELEC 1", "near \"SELEC\": syntax error at offset 0: SQLITE_ERROR"},
        {"INSERT INTO u VALUES (1)", "UNIQUE constraint failed: u.a: SQLITE_CONSTRAINT"},
        {"INSERT INTO u VALUES (NULL)", "NOT NULL constraint failed: u.a: SQLITE_CONSTRAINT"},
        {"SELECT zeroblob(3000000)", "string or blob too big: SQLITE_TOOBIG"},
        {"SELECT ?", "Wrong number of parameter bindings for SQL query."},
        {"SELECT \"no string\"", "no such column: no string at offset 7: SQLITE_ERROR"},
    };

    works("CREATE TABLE u (a INTEGER UNIQUE NOT NULL); INSERT INTO u VALUES (1)");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect(run(rows[i].sql) < 0, "%s", rows[i].sql);
        cr_expect_str_eq(err.text, rows[i].text);
    }
}

Test(d1_store, one_statement_is_one)
{
    static const char *const wrong[] = {"SELECT 1; SELECT 2", "", " ", "-- nothing",
                                        "/* nothing", ";"};
    static const char *const right[] = {"SELECT 1;", "SELECT 1 ; -- end",
                                        "/* a */ SELECT 1 /* b */;\n;"};
    struct d1_answer answer = {.out = &out};

    cr_assert_eq(d1_store_begin(store, false, &err), 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect_eq(d1_store_run(store, &(struct d1_query){str_from(wrong[i]), NULL, 0}, &answer,
                                  &err),
                     ERR_SCRIPT, "%s", wrong[i]);
    for (size_t i = 0; i < COUNT_OF(right); i++)
        cr_expect_eq(d1_store_run(store, &(struct d1_query){str_from(right[i]), NULL, 0}, &answer,
                                  &err),
                     0, "%s: %s", right[i], err.text);
    d1_store_rollback(store);
}

/* ---- parts of transactions ---- */

static int part(const char *sql)
{
    struct d1_query query = {str_from(sql), NULL, 0};
    struct d1_answer answer = {.shape = D1_SHAPE_NONE, .out = &out};

    cr_assert_eq(d1_store_mark(store, &err), 0);
    if (d1_store_run_all(store, &query, &answer, &err) == 0 && d1_store_keep(store, &err) == 0)
        return 0;
    d1_store_take_back(store);
    return err.code;
}

Test(d1_store, parts_are_taken_back_alone)
{
    works("CREATE TABLE p (id INTEGER PRIMARY KEY);"
          "CREATE TABLE c (p REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED, a UNIQUE)");
    cr_assert_eq(d1_store_begin(store, true, &err), 0);
    cr_expect_eq(part("INSERT INTO p VALUES (1)"), 0);
    cr_expect_eq(part("INSERT INTO c VALUES (1, 1)"), 0);
    cr_expect_eq(part("INSERT INTO c VALUES (1, 2); INSERT INTO c VALUES (1, 1)"), ERR_SCRIPT);
    cr_expect_eq(part("INSERT INTO c VALUES (9, 3)"), ERR_SCRIPT);
    cr_expect_str_eq(err.text, "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT");
    cr_expect_eq(part("INSERT INTO c VALUES (7, 4); INSERT INTO p VALUES (7)"), 0);
    cr_expect(d1_store_is_within(store));
    cr_expect_eq(d1_store_commit(store, &err), 0);
    gives("SELECT group_concat(a) AS all_a FROM c", "\"1,4\"");
}

Test(d1_store, a_failure_that_takes_all_is_seen)
{
    works("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)");
    cr_assert_eq(d1_store_begin(store, true, &err), 0);
    cr_expect_eq(part("INSERT INTO t VALUES (2)"), 0);
    cr_expect(part("INSERT OR ROLLBACK INTO t VALUES (1)") < 0);
    cr_expect_not(d1_store_is_within(store));
    d1_store_rollback(store);
    gives("SELECT count(*) AS n FROM t", "\"n\":1");
}

/* ---- the reader ---- */

static bool now(struct d1_store *reader, const char *sql)
{
    buf_clear(&out);
    return d1_store_run_now(reader, &(struct d1_query){str_from(sql), NULL, 0}, D1_SHAPE_OBJECTS,
                            &out);
}

Test(d1_store, a_reader_answers_what_is_short)
{
    struct d1_store *reader = open_at(D1_STORE_READER, FILE_BYTES_MAX);
    static const char *const left[] = {
        "INSERT INTO t VALUES (1, 2)", "SELECT count(*) FROM t", "SELECT hex(a) FROM t",
        "PRAGMA table_info(t)",
        "SELECT * FROM json_each('[1]')", "SELECT * FROM x", "SELECT 1; SELECT 2", "SELECT ?",
        "SELECT sum(a.a) FROM t a, t b", "WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 2",
        "  ", "", "with",
    };

    works("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    works("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) "
          "INSERT INTO t SELECT x, x FROM n");
    for (int i = 0; i < 3; i++) {
        cr_assert(now(reader, "SELECT a FROM t WHERE id = 7"));
        cr_expect(has("[{\"a\":7}]"), "%.*s", (int)out.len, out.ptr);
    }
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        cr_expect_not(now(reader, left[i]), "%s", left[i]);
        cr_expect_eq(out.len, 0);
    }
    works("UPDATE t SET a = 8 WHERE id = 7");
    cr_assert(now(reader, "SELECT a FROM t WHERE id = 7"));
    cr_expect(has("[{\"a\":8}]"));
    cr_assert_eq(d1_store_begin(store, true, &err), 0);
    cr_expect(now(reader, "SELECT a FROM t WHERE id = 7"), "a writer is no hindrance");
    d1_store_rollback(store);
    d1_store_close(reader);
}

/* ---- files ---- */

Test(d1_store, a_damaged_file_is_an_error)
{
    static const size_t at[] = {0, 16, 100, 4096, 8192, 12288};
    char *path = file_path();

    works("CREATE TABLE t (a); CREATE INDEX i ON t (a)");
    works("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) "
          "INSERT INTO t SELECT hex(randomblob(20)) FROM n");
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        FILE *file;

        d1_store_close(store);
        store = NULL;
        file = fopen(path, "r+");
        fseek(file, (long)at[i], SEEK_SET);
        for (int byte = 0; byte < 200; byte++)
            fputc(0xA5 ^ byte, file);
        fclose(file);
        if (d1_store_open(directory, D1_STORE_WRITER, FILE_BYTES_MAX, &store, &err) == 0 &&
            run("SELECT count(a) FROM t; SELECT * FROM t ORDER BY a; INSERT INTO t VALUES (1)") ==
                0)
            continue;
        cr_expect_eq(err.code, ERR_INVALID, "at %zu: %s", at[i], err.text);
        if (!store)
            break;
    }
    cr_expect_eq(err.code, ERR_INVALID);
    if (!store) {
        unlink(path);
        store = open_at(D1_STORE_WRITER, FILE_BYTES_MAX);
    }
    free(path);
}

Test(d1_store, tells_when_its_file_is_gone)
{
    char *path = file_path();

    cr_expect_not(d1_store_is_stale(store));
    cr_assert_eq(unlink(path), 0);
    cr_expect(d1_store_is_stale(store));
    free(path);
}

enum { WRITERS = 4, ROWS = 50 };

/* Returns how many rows it could not write. */
static int write_rows(int writer)
{
    int failed = 0;

    store = open_at(D1_STORE_WRITER, FILE_BYTES_MAX);
    for (int i = 0; i < ROWS; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, %d); UPDATE total SET n = n + 1",
                 writer, i);
        failed += run(sql) != 0;
    }
    d1_store_close(store);
    return failed;
}

Test(d1_store, several_processes_write)
{
    works("CREATE TABLE t (w, i); CREATE TABLE total (n); INSERT INTO total VALUES (0)");
    d1_store_close(store);
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            _exit(write_rows(i));
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;

        wait(&status);
        cr_expect_eq(status, 0);
    }
    store = open_at(D1_STORE_WRITER, FILE_BYTES_MAX);
    gives("SELECT count(*) AS rows, max(n) AS n FROM t, total", "{\"rows\":200,\"n\":200}");
}
