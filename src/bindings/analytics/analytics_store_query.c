/* Queries of data points: translated, run on a leash, written in the format they ask for.
 *
 * (1) The connection only reads, and its authorizer lets a statement see two tables and call the
 *     functions that analytics_sql.c writes: should that one be fooled, nothing is gained.
 * (2) Time and memory are bounded, and so is the answer. What is sorted or grouped is in memory, so
 *     that nothing is written anywhere. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bindings/analytics/analytics_store_private.h"
#include "bindings/analytics/analytics_time.h"
#include "bindings/d1/d1_json.h"
#include "bindings/d1/d1_store_memory.h"
#include "os/clock.h"

enum { PROGRESS_STEPS = 1000, BUSY_MS = 5000, PATTERN_MAX = 50, TIME_TEXT_MAX = 64 };

struct query {
    sqlite3 *connection;
    struct analytics_sql sql;
    sqlite3_stmt *statement;
    struct buf *out;
    uint64_t until_ns;
    uint64_t rows;       /* shown */
    uint64_t seen;       /* all, as far as was looked */
    struct err *err;
};

/* ---- the guard ---- */

static const char *const functions[] = {
    "abs", "an_add", "an_argmax", "an_argmin", "an_datetime", "an_diff", "an_ends", "an_format",
    "an_part", "an_quantile", "an_start", "an_top", "avg", "ceil", "coalesce", "cos", "count",
    "exp", "floor", "hex", "ifnull", "iif", "instr", "length", "like", "ln", "log10", "log2",
    "lower", "max", "min", "nullif", "pi", "pow", "replace", "round", "sign", "sin", "sqrt",
    "substr", "sum", "tan", "trim", "upper",
};

static int ask_function(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(functions); i++)
        if (sqlite3_stricmp(functions[i], name) == 0)
            return SQLITE_OK;
    return SQLITE_DENY;
}

/* A statement's own subqueries are tables without a name. */
static int ask_table(const char *name)
{
    return !name || !*name || strcmp(name, "point") == 0 || strcmp(name, "dataset") == 0
               ? SQLITE_OK
               : SQLITE_DENY;
}

static int on_ask(void *context, int action, const char *one, const char *two, const char *base,
                  const char *inner)
{
    (void)context, (void)base, (void)inner;
    switch (action) {
    case SQLITE_SELECT:
        return SQLITE_OK;
    case SQLITE_READ:
        return ask_table(one);
    case SQLITE_FUNCTION:
        return ask_function(two);
    default:
        return SQLITE_DENY;
    }
}

static int on_progress(void *context)
{
    const struct query *q = context;

    return clock_monotonic_ns() >= q->until_ns;
}

static const struct {
    int what, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 1 << 20},
    {SQLITE_LIMIT_SQL_LENGTH, ANALYTICS_SQL_OUT_BYTES_MAX + 1024},
    {SQLITE_LIMIT_COLUMN, ANALYTICS_SQL_COLUMNS_MAX},
    {SQLITE_LIMIT_EXPR_DEPTH, 500},
    {SQLITE_LIMIT_VDBE_OP, 250000},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MAX},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static int open_file(struct query *q, const char *directory)
{
    char *path = analytics_store_file(directory);
    int r = sqlite3_open_v2(path, &q->connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

    free(path);
    if (r == SQLITE_OK)
        r = sqlite3_exec(q->connection,
                         "PRAGMA temp_store = MEMORY; PRAGMA case_sensitive_like = ON;"
                         "PRAGMA trusted_schema = OFF;",
                         NULL, NULL, NULL);
    if (r == SQLITE_OK)
        r = analytics_store_function_add(q->connection);
    if (r != SQLITE_OK)
        return r;
    sqlite3_busy_timeout(q->connection, BUSY_MS);
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        sqlite3_limit(q->connection, limits[i].what, limits[i].value);
    sqlite3_progress_handler(q->connection, PROGRESS_STEPS, on_progress, q);
    return sqlite3_set_authorizer(q->connection, on_ask, q);
}

/* ---- failing ---- */

static int fail(struct query *q, int code)
{
    switch (code & 0xFF) {
    case SQLITE_INTERRUPT:
        return err_set(q->err, ERR_LIMIT, "the query takes longer than %d s: ask for less time",
                       ANALYTICS_STORE_TIME_MAX_MS / 1000);
    case SQLITE_NOMEM:
        return err_set(q->err, ERR_LIMIT, "the query takes more than %d MB of memory",
                       ANALYTICS_STORE_MEMORY_MAX >> 20);
    case SQLITE_TOOBIG:
        return err_set(q->err, ERR_LIMIT, "a text or the query is too large");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(q->err, ERR_TIMEOUT, "the account's data points are busy for too long");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(q->err, ERR_IO, "the file of the account's data points is damaged");
    case SQLITE_ERROR:
    case SQLITE_AUTH:
        return err_set(q->err, ERR_INVALID, "%s", sqlite3_errmsg(q->connection));
    default:
        return err_set(q->err, ERR_IO, "the account's data points cannot be read: %s",
                       sqlite3_errstr(code));
    }
}

/* ---- writing ---- */

static bool is_wide(enum analytics_type type)
{
    return type == ANALYTICS_UINT64 || type == ANALYTICS_INT64;
}

static bool is_number(enum analytics_type type)
{
    return type == ANALYTICS_FLOAT64 || type == ANALYTICS_UINT8 || type == ANALYTICS_UINT32 ||
           type == ANALYTICS_INT32 || is_wide(type);
}

static str text_column(struct query *q, int i)
{
    const unsigned char *text = sqlite3_column_text(q->statement, i);

    return (str){(const char *)text, (size_t)sqlite3_column_bytes(q->statement, i)};
}

/* A time as people read it. */
static str time_column(struct query *q, int i, struct buf *out)
{
    enum analytics_type type = q->sql.columns[i].type;
    str format = type == ANALYTICS_DATE ? STR("%F") : STR("%F %T");

    buf_clear(out);
    if (analytics_time_format(sqlite3_column_int64(q->statement, i), format, out) < 0)
        buf_clear(out);
    return buf_str(out);
}

static int put_number(struct query *q, int i)
{
    if (sqlite3_column_type(q->statement, i) == SQLITE_FLOAT)
        return d1_json_real(q->out, sqlite3_column_double(q->statement, i));
    return d1_json_integer(q->out, sqlite3_column_int64(q->statement, i));
}

static int put_wide(struct query *q, int i)
{
    int r = buf_append_char(q->out, '"');

    if (r == 0)
        r = put_number(q, i);
    return r == 0 ? buf_append_char(q->out, '"') : r;
}

static int put_json(struct query *q, int i)
{
    enum analytics_type type = q->sql.columns[i].type;
    bool is_text = sqlite3_column_type(q->statement, i) == SQLITE_TEXT;
    struct buf time;
    int r;

    if (sqlite3_column_type(q->statement, i) == SQLITE_NULL)
        return buf_append(q->out, STR("null"));
    if (type == ANALYTICS_ARRAY)
        return buf_append(q->out, text_column(q, i));
    if (!is_text && type != ANALYTICS_DATETIME && type != ANALYTICS_DATE)
        return is_wide(type)     ? put_wide(q, i)
               : is_number(type) ? put_number(q, i)
                                 : d1_json_text(q->out, text_column(q, i));
    if (is_text)
        return d1_json_text(q->out, text_column(q, i));
    buf_init(&time, TIME_TEXT_MAX);
    r = d1_json_text(q->out, time_column(q, i, &time));
    buf_done(&time);
    return r;
}

static int put_object(struct query *q)
{
    int r = buf_append_char(q->out, '{');

    for (size_t i = 0; r == 0 && i < q->sql.count; i++) {
        r = i ? buf_append_char(q->out, ',') : 0;
        if (r == 0)
            r = d1_json_text(q->out, str_from(q->sql.columns[i].name));
        if (r == 0)
            r = buf_append_char(q->out, ':');
        if (r == 0)
            r = put_json(q, (int)i);
    }
    return r == 0 ? buf_append_char(q->out, '}') : r;
}

static int put_escaped(struct buf *out, str text)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\t' || c == '\n' || c == '\r' || c == '\\')
            r = buf_printf(out, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
        else
            r = buf_append_char(out, c);
    }
    return r;
}

static int put_tabbed(struct query *q)
{
    struct buf time;
    int r = 0;

    buf_init(&time, TIME_TEXT_MAX);
    for (size_t i = 0; r == 0 && i < q->sql.count; i++) {
        enum analytics_type type = q->sql.columns[i].type;
        int kind = sqlite3_column_type(q->statement, (int)i);

        r = i ? buf_append_char(q->out, '\t') : 0;
        if (r < 0)
            break;
        if (kind == SQLITE_NULL)
            r = buf_append(q->out, STR("\\N"));
        else if (kind == SQLITE_TEXT)
            r = put_escaped(q->out, text_column(q, (int)i));
        else if (type == ANALYTICS_DATETIME || type == ANALYTICS_DATE)
            r = buf_append(q->out, time_column(q, (int)i, &time));
        else
            r = put_number(q, (int)i);
    }
    buf_done(&time);
    return r == 0 ? buf_append_char(q->out, '\n') : r;
}

static int put_row(struct query *q)
{
    int r;

    if (q->sql.format == ANALYTICS_TAB_SEPARATED)
        return put_tabbed(q);
    if (q->sql.format == ANALYTICS_JSON)
        r = q->rows ? buf_append(q->out, STR(",\n")) : 0;
    else
        r = 0;
    if (r == 0)
        r = put_object(q);
    return r == 0 && q->sql.format == ANALYTICS_JSON_EACH_ROW ? buf_append_char(q->out, '\n') : r;
}

static int put_head(struct query *q)
{
    int r = 0;

    if (q->sql.format != ANALYTICS_JSON)
        return 0;
    r = buf_append(q->out, STR("{\"meta\":["));
    for (size_t i = 0; r == 0 && i < q->sql.count; i++) {
        r = buf_append(q->out, i ? STR(",{\"name\":") : STR("{\"name\":"));
        if (r == 0)
            r = d1_json_text(q->out, str_from(q->sql.columns[i].name));
        if (r == 0)
            r = buf_printf(q->out, ",\"type\":\"%s\"}",
                           analytics_sql_type_name(q->sql.columns[i].type));
    }
    return r == 0 ? buf_append(q->out, STR("],\"data\":[")) : r;
}

static int put_foot(struct query *q)
{
    if (q->sql.format != ANALYTICS_JSON)
        return 0;
    return buf_printf(q->out, "],\"rows\":%llu,\"rows_before_limit_at_least\":%llu}\n",
                      (unsigned long long)q->rows, (unsigned long long)q->seen);
}

/* ---- running ---- */

static int too_large(struct query *q)
{
    return err_set(q->err, ERR_LIMIT, "the answer is larger than %d MB: use LIMIT",
                   ANALYTICS_STORE_REPLY_BYTES_MAX >> 20);
}

static int take_row(struct query *q)
{
    bool is_shown = q->seen >= q->sql.offset && q->rows < q->sql.limit;

    q->seen++;
    if (!is_shown)
        return q->sql.is_limited || q->seen <= q->sql.offset
                   ? 0
                   : err_set(q->err, ERR_LIMIT, "the answer has more than %d rows: use LIMIT",
                             ANALYTICS_SQL_ROWS_MAX);
    if (put_row(q) < 0)
        return too_large(q);
    q->rows++;
    return 0;
}

static int run(struct query *q)
{
    int r = sqlite3_prepare_v2(q->connection, q->sql.sql, -1, &q->statement, NULL);

    if (r != SQLITE_OK)
        return fail(q, r);
    if (put_head(q) < 0)
        return too_large(q);
    while ((r = sqlite3_step(q->statement)) == SQLITE_ROW)
        if ((r = take_row(q)) < 0)
            return r;
    if (r != SQLITE_DONE)
        return fail(q, r);
    return put_foot(q) < 0 ? too_large(q) : 0;
}

/* ---- datasets ---- */

static int64_t find_dataset(void *context, str name)
{
    struct query *q = context;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;

    if (!q->connection || name.len > ANALYTICS_STORE_NAME_MAX ||
        sqlite3_prepare_v2(q->connection, "SELECT id FROM dataset WHERE name = ?", -1, &statement,
                           NULL) != SQLITE_OK)
        return -1;
    sqlite3_bind_text64(statement, 1, name.ptr, name.len, SQLITE_STATIC, SQLITE_UTF8);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* What is asked while there is nothing yet: an empty store in memory answers. */
static int open_empty(struct query *q)
{
    int r = sqlite3_open_v2(":memory:", &q->connection,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_MEMORY, NULL);

    if (r == SQLITE_OK)
        r = sqlite3_exec(q->connection, "CREATE TABLE dataset (id INTEGER, name TEXT)", NULL, NULL,
                         NULL);
    return r == SQLITE_OK ? analytics_store_function_add(q->connection) : r;
}

static bool is_there(const char *directory)
{
    char *path = analytics_store_file(directory);
    struct stat about;
    bool there = stat(path, &about) == 0 && about.st_size > 0;

    free(path);
    return there;
}

int analytics_store_query(const char *directory, str query, int64_t now_s, struct buf *out,
                          enum analytics_format *ret_format, struct err *err)
{
    struct query q = {.out = out, .err = err};
    const struct analytics_sql_request request = {query, now_s, find_dataset, &q};
    int r;

    q.until_ns = clock_monotonic_ns() + ANALYTICS_STORE_TIME_MAX_MS * UINT64_C(1000000);
    *err = (struct err){0};
    d1_store_memory_begin(ANALYTICS_STORE_MEMORY_MAX);
    r = is_there(directory) ? open_file(&q, directory) : open_empty(&q);
    if (r != SQLITE_OK)
        r = fail(&q, r);
    else if ((r = analytics_sql_make(&request, &q.sql, err)) == 0)
        r = run(&q);
    *ret_format = q.sql.format;
    analytics_sql_done(&q.sql);
    sqlite3_finalize(q.statement);
    sqlite3_close(q.connection);
    (void)d1_store_memory_end();
    return r;
}
