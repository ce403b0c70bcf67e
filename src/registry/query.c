/* Statements and rows; see query_private.h.
 *
 * A statement is reset before a function returns, so that no read stays open and keeps the log from
 * being taken back into the database. */
#include "registry/query_private.h"

#include <stdarg.h>
#include <stdlib.h>

static void bind_json(sqlite3_stmt *statement, int index, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    ASSERT(text);
    sqlite3_bind_text64(statement, index, text, strlen(text), free, SQLITE_UTF8);
}

static void bind_text(sqlite3_stmt *statement, int index, str text)
{
    if (text.ptr)
        sqlite3_bind_text64(statement, index, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(statement, index);
}

static void bind_value(sqlite3_stmt *statement, int index, const json_t *value)
{
    if (json_is_string(value))
        bind_text(statement, index, (str){json_string_value(value), json_string_length(value)});
    else if (json_is_integer(value))
        sqlite3_bind_int64(statement, index, json_integer_value(value));
    else
        sqlite3_bind_null(statement, index);
}

static void bind_bytes(sqlite3_stmt *statement, int index, str bytes)
{
    sqlite3_bind_blob64(statement, index, bytes.len ? bytes.ptr : "", bytes.len, SQLITE_STATIC);
}

sqlite3_stmt *query_make(struct db *db, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = db_statement(db, sql);
    va_list args;

    if (!statement)
        return NULL;
    va_start(args, types);
    for (int i = 1; *types; types++, i++)
        switch (*types) {
        case 't':
            bind_text(statement, i, str_from(va_arg(args, const char *)));
            break;
        case 'i':
            sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
            break;
        case 'd':
            sqlite3_bind_double(statement, i, va_arg(args, double));
            break;
        case 'b':
            bind_bytes(statement, i, va_arg(args, str));
            break;
        case 'j':
            bind_json(statement, i, va_arg(args, const json_t *));
            break;
        default:
            ASSERT(*types == 'v');
            bind_value(statement, i, va_arg(args, const json_t *));
        }
    va_end(args);
    return statement;
}

int query_fail(struct db *db, int code, struct err *err)
{
    code = code == ERR_EXISTS ? code : ERR_IO;
    db_explain(db, code, err);
    return code;
}

int query_run(struct db *db, sqlite3_stmt *statement, struct err *err)
{
    int r = db_run(statement);

    return r < 0 ? query_fail(db, r, err) : 0;
}

int query_changes(struct db *db)
{
    return sqlite3_changes(db_connection(db));
}

/* ---- rows ---- */

static json_t *text_column(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);

    return json_stringn(text ? text : "", (size_t)sqlite3_column_bytes(statement, index));
}

static json_t *json_column(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);

    return text ? json_loadb(text, (size_t)sqlite3_column_bytes(statement, index),
                             JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                : json_null();
}

static json_t *plain_column(sqlite3_stmt *statement, int index)
{
    switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(statement, index));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(statement, index));
    case SQLITE_NULL:
        return json_null();
    default:
        return text_column(statement, index);
    }
}

static bool set_column(json_t *row, sqlite3_stmt *statement, int index)
{
    str name = str_from(sqlite3_column_name(statement, index));
    size_t colon = str_find(name, ':');
    str kind = str_skip(name, colon);
    bool merges = name.ptr[0] == '*';
    json_t *value;
    int r;

    if (str_equal(kind, STR(":json")))
        value = json_column(statement, index);
    else if (str_equal(kind, STR(":bool")))
        value = json_boolean(sqlite3_column_int(statement, index));
    else
        value = plain_column(statement, index);
    if (!merges)
        return json_object_setn_new_nocheck(row, name.ptr, colon, value) == 0;
    r = json_object_update_missing(row, value);
    json_decref(value);
    return r == 0;
}

/* NULL when a column is not what its name says: the file is damaged. */
static json_t *make_row(sqlite3_stmt *statement)
{
    json_t *row = json_object();

    for (int i = 0, count = sqlite3_column_count(statement); i < count; i++)
        if (!set_column(row, statement, i)) {
            json_decref(row);
            return NULL;
        }
    return row;
}

static int fail_row(struct db *db, sqlite3_stmt *statement, struct err *err)
{
    sqlite3_reset(statement);
    return err_set(err, ERR_IO, "%s: a row is damaged; restore the directory from a backup",
                   sqlite3_db_filename(db_connection(db), "main"));
}

int query_row(struct db *db, sqlite3_stmt *statement, json_t **ret, struct err *err)
{
    int r = db_step(statement);
    json_t *row;

    if (r < 0)
        return query_fail(db, r, err);
    if (r == 0)
        return 0;
    if (!(row = make_row(statement)))
        return fail_row(db, statement, err);
    sqlite3_reset(statement);
    *ret = row;
    return 1;
}

int query_rows(struct db *db, sqlite3_stmt *statement, json_t **ret, struct err *err)
{
    json_t *rows = json_array();
    int r;

    while ((r = db_step(statement)) > 0) {
        json_t *row = make_row(statement);

        if (!row) {
            json_decref(rows);
            return fail_row(db, statement, err);
        }
        json_array_append_new(rows, row);
    }
    if (r < 0) {
        json_decref(rows);
        return query_fail(db, r, err);
    }
    *ret = rows;
    return 0;
}

int query_integer(struct db *db, sqlite3_stmt *statement, int64_t *ret, struct err *err)
{
    int r = db_step(statement);

    if (r < 0)
        return query_fail(db, r, err);
    if (r > 0)
        *ret = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return r;
}
