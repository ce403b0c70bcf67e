/* A database as SQL that makes it again; see d1_store.h.
 *
 *   tables, each with its rows, then the counters of AUTOINCREMENT, then indexes, views, triggers
 *
 * (1) Names and texts come from the tenant: a name is quoted, a text is quoted by SQLite's quote(),
 *     and what is in the schema is SQL already.
 * (2) What a virtual table keeps its rows in is left out: it is filled anew by the rows themselves.
 *     Computed columns are left out, too.
 * (3) The SELECT for the rows makes their VALUES, so that a value has one writer: SQLite. */
#include <stdio.h>
#include <stdlib.h>

#include "bindings/d1/d1_store_private.h"

enum { SELECT_BYTES_MAX = 256 << 10, NAME_BYTES_MAX = 128 << 10 };

struct export
{
    struct d1_store *store;
    const struct d1_export *what;
    struct buf *out;
    struct err *err;
};

static int fail_sql(struct export *export, int code)
{
    return d1_store_explain(export->store, code, export->err);
}

static int fail_large(struct export *export)
{
    return err_set(
        export->err, ERR_LIMIT,
        "the database is too large to be exported at once: export its tables one by one");
}

/* "name" with its quotes doubled. */
static int append_name(struct buf *out, const char *name)
{
    int r = buf_append_char(out, '"');

    for (; r == 0 && *name; name++) {
        if (*name == '"')
            r = buf_append_char(out, '"');
        if (r == 0)
            r = buf_append_char(out, *name);
    }
    return r < 0 ? r : buf_append_char(out, '"');
}

static bool is_wanted(const struct export *export, const char *table)
{
    const char *const *name = export->what->tables;

    if (!name)
        return true;
    while (*name && sqlite3_stricmp(*name, table) != 0)
        name++;
    return *name;
}

static const char *text(sqlite3_stmt *statement, int column)
{
    const void *text = sqlite3_column_text(statement, column);

    return text ? text : ""; /* d1_store_leave() tells that memory was short */
}

static int prepare(struct export *export, const char *sql, sqlite3_stmt **ret)
{
    int r = sqlite3_prepare_v2(export->store->connection, sql, -1, ret, NULL);

    return r == SQLITE_OK ? 0 : fail_sql(export, r);
}

/* ---- rows ---- */

/* Two lists of the columns that can be written: by name, and as they are read. */
static int list_columns(struct export *export, const char *table, struct buf *names,
                        struct buf *values)
{
    sqlite3_stmt *columns;
    const char *name;
    int r, code = SQLITE_DONE;

    if ((r = prepare(export, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", &columns)) <
        0)
        return r;
    sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(columns)) == SQLITE_ROW && r == 0) {
        name = text(columns, 0);
        if ((names->len && (r = buf_append_char(names, ',')) < 0) ||
            (values->len && (r = buf_append(values, STR("||','||"))) < 0) ||
            (r = append_name(names, name)) < 0 || (r = buf_append(values, STR("quote("))) < 0 ||
            (r = append_name(values, name)) < 0 || (r = buf_append_char(values, ')')) < 0)
            break;
    }
    sqlite3_finalize(columns);
    if (r < 0)
        return fail_large(export);
    return code == SQLITE_DONE ? 0 : fail_sql(export, code);
}

static int append_row(struct buf *out, const char *table, str names, const char *values)
{
    if (buf_append(out, STR("INSERT INTO ")) < 0 || append_name(out, table) < 0 ||
        buf_append(out, STR(" (")) < 0 || buf_append(out, names) < 0 ||
        buf_append(out, STR(") VALUES(")) < 0 || buf_append(out, str_from(values)) < 0)
        return ERR_LIMIT;
    return buf_append(out, STR(");\n"));
}

static int append_rows(struct export *export, const char *table, str names, sqlite3_stmt *rows)
{
    int code;

    while ((code = sqlite3_step(rows)) == SQLITE_ROW)
        if (append_row(export->out, table, names, text(rows, 0)) < 0)
            return fail_large(export);
    return code == SQLITE_DONE ? 0 : fail_sql(export, code);
}

static bool write_select(struct buf *select, const char *table, str values)
{
    return buf_append(select, STR("SELECT ")) == 0 && buf_append(select, values) == 0 &&
           buf_append(select, STR(" FROM main.")) == 0 && append_name(select, table) == 0 &&
           buf_append_char(select, 0) == 0;
}

static int select_rows(struct export *export, const char *table, str names, str values)
{
    struct buf select;
    sqlite3_stmt *rows = NULL;
    int r;

    buf_init(&select, SELECT_BYTES_MAX);
    if (!write_select(&select, table, values))
        r = fail_large(export);
    else if ((r = prepare(export, select.ptr, &rows)) == 0)
        r = append_rows(export, table, names, rows);
    sqlite3_finalize(rows);
    buf_done(&select);
    return r;
}

static int append_data(struct export *export, const char *table)
{
    struct buf names, values;
    int r;

    buf_init(&names, NAME_BYTES_MAX);
    buf_init(&values, NAME_BYTES_MAX);
    r = list_columns(export, table, &names, &values);
    if (r == 0 && values.len)
        r = select_rows(export, table, buf_str(&names), buf_str(&values));
    buf_done(&names);
    buf_done(&values);
    return r;
}

/* ---- the schema ---- */

static int append_sql(struct export *export, const char *sql)
{
    if (buf_append(export->out, str_from(sql)) < 0 || buf_append(export->out, STR(";\n")) < 0)
        return fail_large(export);
    return 0;
}

static const char each_table[] =
    "SELECT s.name, s.sql FROM sqlite_schema s JOIN pragma_table_list l ON l.name = s.name "
    "WHERE s.type = 'table' AND l.schema = 'main' AND l.type IN ('table', 'virtual') "
    "AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY s.rowid";

static int append_tables(struct export *export)
{
    sqlite3_stmt *tables;
    int r = prepare(export, each_table, &tables), code = SQLITE_DONE;

    if (r < 0)
        return r;
    while (r == 0 && (code = sqlite3_step(tables)) == SQLITE_ROW) {
        const char *name = text(tables, 0);

        if (!is_wanted(export, name))
            continue;
        if (!export->what->no_schema)
            r = append_sql(export, text(tables, 1));
        if (r == 0 && !export->what->no_data)
            r = append_data(export, name);
    }
    sqlite3_finalize(tables);
    return r < 0 || code == SQLITE_DONE ? r : fail_sql(export, code);
}

static const char each_other[] =
    "SELECT tbl_name, sql FROM sqlite_schema WHERE type IN ('index', 'view', 'trigger') AND "
    "sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type = 'trigger', rowid";

static int append_others(struct export *export)
{
    sqlite3_stmt *others;
    int r = prepare(export, each_other, &others), code = SQLITE_DONE;

    if (r < 0)
        return r;
    while (r == 0 && (code = sqlite3_step(others)) == SQLITE_ROW)
        if (is_wanted(export, text(others, 0)))
            r = append_sql(export, text(others, 1));
    sqlite3_finalize(others);
    return r < 0 || code == SQLITE_DONE ? r : fail_sql(export, code);
}

static bool has_counters(struct export *export)
{
    sqlite3_stmt *counters = NULL;
    bool has = sqlite3_prepare_v2(export->store->connection, "SELECT 1 FROM sqlite_sequence", -1,
                                  &counters, NULL) == SQLITE_OK;

    sqlite3_finalize(counters);
    return has;
}

static int append_counters(struct export *export)
{
    if (!has_counters(export) || export->what->no_data || export->what->tables)
        return 0;
    if (buf_append(export->out, STR("DELETE FROM sqlite_sequence;\n")) < 0)
        return fail_large(export);
    return append_data(export, "sqlite_sequence");
}

int d1_store_export(struct d1_store *store, const struct d1_export *what, struct buf *out,
                    struct err *err)
{
    struct export export = {store, what, out, err};
    int r;

    if (buf_append(out, STR("PRAGMA defer_foreign_keys=TRUE;\n")) < 0)
        return fail_large(&export);
    d1_store_enter(store);
    d1_store_guard_widen(store, true);
    if ((r = append_tables(&export)) == 0 && (r = append_counters(&export)) == 0 &&
        !what->no_schema)
        r = append_others(&export);
    d1_store_guard_widen(store, false);
    return d1_store_leave(store, r, err);
}
