/* A statement run, its rows as JSON; see d1_store.h.
 *
 * What a row begins its values with, `{"a":` and `,"b":`, is written once for a statement and kept,
 * until it is prepared anew.
 *
 * Rows read are not counted by Debian's SQLite. Said is the larger of the rows that came out and
 * the steps of scans; for a write, of the rows it changed. Rows written are those changed, by
 * triggers, too, times the writes that one needs with its indexes. */
#include "bindings/d1/d1_json.h"
#include "bindings/d1/d1_store_private.h"
#include "os/clock.h"

enum {
    TRY_NS_MAX = 300000,
    TRY_MEMORY_MAX = 1 << 20,
    TRY_SQL_BYTES_MAX = 4096,
    TRY_REPLY_BYTES_MAX = 256 << 10,
    SKIPS_AFTER_LONG = 16, /* times that a query which took too long is not tried */
    NS_PER_US = 1000,
    US_PER_MS = 1000,
    PERCENT = 100,
};

struct run {
    struct d1_store *store;
    struct d1_statement *s;
    struct d1_answer *answer;
    enum d1_shape shape;
    struct buf *out;
    uint64_t rows;
    uint64_t began_ns;
    int64_t total_before;
    bool first_only; /* the rest of the rows need not be made */
    bool has_size;
};

/* ---- values ---- */

static int bind_one(sqlite3_stmt *statement, int index, const struct d1_value *value)
{
    const char *bytes = value->bytes.len ? value->bytes.ptr : "";

    switch (value->type) {
    case D1_INTEGER:
        return sqlite3_bind_int64(statement, index, value->integer);
    case D1_REAL:
        return sqlite3_bind_double(statement, index, value->real);
    case D1_TEXT:
        return sqlite3_bind_text64(statement, index, bytes, value->bytes.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case D1_BLOB:
        return sqlite3_bind_blob64(statement, index, bytes, value->bytes.len, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, index);
    }
}

static int bind_all(struct d1_store *store, struct d1_statement *s, const struct d1_value *values,
                    struct err *err)
{
    int count = sqlite3_bind_parameter_count(s->statement), r = SQLITE_OK;

    for (int i = 0; r == SQLITE_OK && i < count; i++)
        r = bind_one(s->statement, i + 1, &values[i]);
    return r == SQLITE_OK ? 0 : d1_store_explain(store, r, err);
}

static int append_value(sqlite3_stmt *statement, int column, struct buf *out)
{
    int type = sqlite3_column_type(statement, column), r;
    str bytes;

    switch (type) {
    case SQLITE_INTEGER:
        return d1_json_integer(out, sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return d1_json_real(out, sqlite3_column_double(statement, column));
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        if ((r = d1_store_column(statement, column, &bytes)) < 0)
            return r;
        return type == SQLITE_TEXT ? d1_json_text(out, bytes) : d1_json_blob(out, bytes);
    default:
        return buf_append(out, STR("null"));
    }
}

/* ---- rows ---- */

static int prepare_keys(struct d1_statement *s)
{
    int columns = sqlite3_column_count(s->statement), r = 0;
    int prepared = sqlite3_stmt_status(s->statement, SQLITE_STMTSTATUS_REPREPARE, 0);

    if (s->columns == columns && s->prepared == prepared)
        return 0;
    if (columns > D1_STORE_COLUMNS_MAX)
        return ERR_LIMIT;
    buf_clear(&s->keys);
    for (int i = 0; r == 0 && i < columns; i++) {
        if ((r = buf_append_char(&s->keys, i ? ',' : '{')) == 0 &&
            (r = d1_json_text(&s->keys, str_from(sqlite3_column_name(s->statement, i)))) == 0)
            r = buf_append_char(&s->keys, ':');
        s->key_ends[i] = s->keys.len;
    }
    s->columns = r == 0 ? columns : -1;
    s->prepared = prepared;
    return r;
}

static int append_object(struct run *run)
{
    struct d1_statement *s = run->s;
    size_t at = 0;
    int r = prepare_keys(s);

    for (int i = 0; r == 0 && i < s->columns; i++) {
        r = buf_append(run->out, (str){s->keys.ptr + at, s->key_ends[i] - at});
        at = s->key_ends[i];
        if (r == 0)
            r = append_value(s->statement, i, run->out);
    }
    return r < 0 ? r : buf_append_char(run->out, '}');
}

static int append_array(struct run *run)
{
    int columns = sqlite3_column_count(run->s->statement), r = buf_append_char(run->out, '[');

    for (int i = 0; r == 0 && i < columns; i++) {
        if (i)
            r = buf_append_char(run->out, ',');
        if (r == 0)
            r = append_value(run->s->statement, i, run->out);
    }
    return r < 0 ? r : buf_append_char(run->out, ']');
}

static int append_row(struct run *run)
{
    int r = 0;

    if (run->shape == D1_SHAPE_NONE || (run->shape == D1_SHAPE_FIRST && run->rows > 1))
        return 0;
    if (run->rows > 1)
        r = buf_append_char(run->out, ',');
    if (r == 0)
        r = run->shape == D1_SHAPE_ARRAYS ? append_array(run) : append_object(run);
    return r;
}

static int append_columns(struct run *run)
{
    int columns = sqlite3_column_count(run->s->statement), r = 0;

    for (int i = 0; r == 0 && i < columns; i++) {
        if (i)
            r = buf_append_char(run->out, ',');
        if (r == 0)
            r = d1_json_text(run->out, str_from(sqlite3_column_name(run->s->statement, i)));
    }
    return r < 0 ? r : buf_append(run->out, STR("],\"rows\":["));
}

static int append_head(struct run *run)
{
    int r;

    switch (run->shape) {
    case D1_SHAPE_OBJECTS:
        return buf_append(run->out, STR("{\"success\":true,\"results\":["));
    case D1_SHAPE_ARRAYS:
        r = buf_append(run->out, STR("{\"success\":true,\"results\":{\"columns\":["));
        return r < 0 ? r : append_columns(run);
    default:
        return 0;
    }
}

/* ---- meta ---- */

/* The statement of the size stays where it is: a read begins with it, so that both read the same.
 * */
static void look_at_size(struct run *run)
{
    sqlite3_reset(run->store->size);
    if (run->shape == D1_SHAPE_OBJECTS || run->shape == D1_SHAPE_ARRAYS)
        (void)d1_store_pages(run->store, &run->has_size);
}

static uint64_t take_size(struct run *run)
{
    uint64_t pages = 0;

    if (run->has_size)
        pages = (uint64_t)sqlite3_column_int64(run->store->size, 0);
    sqlite3_reset(run->store->size);
    return pages * D1_PAGE_BYTES;
}

static struct d1_meta measure(struct run *run)
{
    struct d1_store *store = run->store;
    sqlite3_stmt *statement = run->s->statement;
    int64_t total = sqlite3_total_changes64(store->connection) - run->total_before;
    uint64_t scanned = (uint64_t)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    struct d1_meta meta = {.rows_read = run->rows};

    if (scanned >= meta.rows_read && scanned)
        meta.rows_read = scanned + 1;
    if (!run->s->is_read) {
        meta.changed_db = total > 0 || run->s->traits.is_schema;
        meta.changes = total > 0 ? (uint64_t)sqlite3_changes64(store->connection) : 0;
        meta.rows_written = (uint64_t)total * run->s->weight_percent / PERCENT;
        if (!run->s->traits.is_insert && meta.rows_read < meta.changes)
            meta.rows_read = meta.changes;
        if (run->s->traits.is_insert)
            meta.last_row_id = sqlite3_last_insert_rowid(store->connection);
    }
    return meta;
}

static int append_duration(struct buf *out, uint64_t ns)
{
    uint64_t us = ns / NS_PER_US;
    char fraction[4] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                        (char)('0' + us % 10)};
    int r = d1_json_integer(out, (int64_t)(us / US_PER_MS));

    return r < 0 ? r : buf_append(out, (str){fraction, sizeof fraction});
}

static int append_number(struct buf *out, str key, int64_t value)
{
    int r = buf_append(out, key);

    return r < 0 ? r : d1_json_integer(out, value);
}

int d1_store_run_meta(struct buf *out, const struct d1_meta *meta)
{
    int r;

    if ((r = buf_append(out, STR("{\"served_by\":\"atoll\",\"duration\":"))) < 0 ||
        (r = append_duration(out, meta->duration_ns)) < 0 ||
        (r = append_number(out, STR(",\"changes\":"), (int64_t)meta->changes)) < 0 ||
        (r = append_number(out, STR(",\"last_row_id\":"), meta->last_row_id)) < 0 ||
        (r = buf_append(out, meta->changed_db ? STR(",\"changed_db\":true")
                                              : STR(",\"changed_db\":false"))) < 0 ||
        (r = append_number(out, STR(",\"size_after\":"), (int64_t)meta->size_after)) < 0 ||
        (r = append_number(out, STR(",\"rows_read\":"), (int64_t)meta->rows_read)) < 0 ||
        (r = append_number(out, STR(",\"rows_written\":"), (int64_t)meta->rows_written)) < 0 ||
        (r = buf_append(out,
                        STR(",\"served_by_primary\":true,\"timings\":{\"sql_duration_ms\":"))) <
            0 ||
        (r = append_duration(out, meta->duration_ns)) < 0)
        return r;
    return buf_append(out, STR("},\"total_attempts\":1}"));
}

static int append_tail(struct run *run, const struct d1_meta *meta)
{
    int r;

    if (run->shape == D1_SHAPE_FIRST)
        return run->rows ? 0 : buf_append(run->out, STR("null"));
    if (run->shape == D1_SHAPE_NONE)
        return 0;
    r = buf_append(run->out,
                   run->shape == D1_SHAPE_ARRAYS ? STR("]},\"meta\":") : STR("],\"meta\":"));
    if (r < 0 || (r = d1_store_run_meta(run->out, meta)) < 0)
        return r;
    return buf_append_char(run->out, '}');
}

/* ---- a statement ---- */

/* Steps to the end. Returns SQLite's code, SQLITE_DONE when all went well, ERR_LIMIT when the rows
 * do not fit, or ERR_MEM_LIMIT. */
static int step_all(struct run *run)
{
    int r = append_head(run), code;

    while (r == 0) {
        if ((code = sqlite3_step(run->s->statement)) != SQLITE_ROW)
            return code;
        run->rows++;
        r = append_row(run);
        if (run->first_only)
            return r == 0 ? SQLITE_DONE : r;
    }
    return r;
}

static void run_init(struct run *run, struct d1_store *store, struct d1_answer *answer)
{
    *run =
        (struct run){.store = store, .answer = answer, .shape = answer->shape, .out = answer->out};
    run->began_ns = clock_monotonic_ns();
    run->total_before = sqlite3_total_changes64(store->connection);
}

static void meta_add(struct d1_meta *sum, const struct d1_meta *one)
{
    sum->duration_ns += one->duration_ns;
    sum->changes += one->changes;
    sum->rows_read += one->rows_read;
    sum->rows_written += one->rows_written;
    sum->size_after = one->size_after;
    sum->changed_db |= one->changed_db;
    if (one->last_row_id)
        sum->last_row_id = one->last_row_id;
}

static int too_large(struct err *err)
{
    return err_set(err, ERR_LIMIT, "the result is larger than %d MB: SQLITE_TOOBIG",
                   D1_STORE_REPLY_BYTES_MAX >> 20);
}

/* Runs it and adds up, but for its tail. */
static int run_rows(struct run *run, const struct d1_value *values, struct d1_meta *ret_meta,
                    struct err *err)
{
    int r = bind_all(run->store, run->s, values, err);

    if (r < 0)
        return r;
    r = step_all(run);
    if (r == ERR_LIMIT)
        return too_large(err);
    if (r == ERR_MEM_LIMIT)
        r = SQLITE_NOMEM;
    if (r != SQLITE_DONE)
        return d1_store_explain(run->store, r, err);
    *ret_meta = measure(run);
    return 0;
}

static int run_statement(struct run *run, const struct d1_value *values, struct err *err)
{
    struct d1_meta one = {0};
    int r;

    if (run->s->is_read)
        look_at_size(run);
    r = run_rows(run, values, &one, err);
    if (r == 0 && !run->s->is_read)
        look_at_size(run);
    one.size_after = take_size(run);
    if (r < 0)
        return r;
    one.duration_ns = clock_monotonic_ns() - run->began_ns;
    meta_add(&run->answer->meta, &one);
    run->answer->count++;
    return append_tail(run, &one) < 0 ? too_large(err) : 0;
}

static const char no_statement[] = "SQL code did not contain a statement.";
static const char wrong_count[] = "Wrong number of parameter bindings for SQL query.";

static int check_text(str sql, struct err *err)
{
    if (sql.len && memchr(sql.ptr, 0, sql.len))
        return err_set(err, ERR_SCRIPT, "the SQL contains a NUL character: SQLITE_ERROR");
    return 0;
}

static int run_one(struct d1_store *store, const struct d1_query *query, struct d1_answer *answer,
                   struct err *err)
{
    struct run run;
    const char *tail;
    int r;

    run_init(&run, store, answer);
    if ((r = check_text(query->sql, err)) < 0 ||
        (r = d1_store_statement_get(store, query->sql, &tail, &run.s, err)) < 0)
        return r;
    if (!run.s)
        return err_set(err, ERR_SCRIPT, no_statement);
    if (!d1_store_statement_is_blank(tail))
        r = err_set(err, ERR_SCRIPT, "The prepared SQL statement must contain only one statement");
    else if ((size_t)sqlite3_bind_parameter_count(run.s->statement) != query->count)
        r = err_set(err, ERR_SCRIPT, wrong_count);
    else
        r = run_statement(&run, query->values, err);
    d1_store_statement_give_back(run.s);
    return r;
}

int d1_store_run(struct d1_store *store, const struct d1_query *query, struct d1_answer *answer,
                 struct err *err)
{
    int r;

    d1_store_enter(store);
    r = run_one(store, query, answer, err);
    return d1_store_leave(store, r, err);
}

/* The statement that rest->sql begins with; moves `rest` behind it. Returns 1 when one ran, 0 at
 * the end, or an error. */
static int run_next(struct d1_store *store, struct d1_query *rest, struct d1_answer *answer,
                    struct err *err)
{
    struct run run;
    const char *tail;
    size_t count;
    int r;

    run_init(&run, store, answer);
    do {
        if (!rest->sql.len)
            return 0;
        if ((r = d1_store_statement_get(store, rest->sql, &tail, &run.s, err)) < 0)
            return r;
        rest->sql = str_skip(rest->sql, (size_t)(tail - rest->sql.ptr));
    } while (!run.s);
    count = (size_t)sqlite3_bind_parameter_count(run.s->statement);
    r = count > rest->count ? err_set(err, ERR_SCRIPT, wrong_count)
                            : run_statement(&run, rest->values, err);
    d1_store_statement_give_back(run.s);
    if (r < 0)
        return r;
    rest->values += count;
    rest->count -= count;
    return 1;
}

/* The same behind a comma, where one is due. */
static int run_next_of(struct d1_store *store, struct d1_query *rest, struct d1_answer *answer,
                       struct err *err)
{
    size_t before = answer->out->len;
    int r = 0;

    if (answer->count && answer->shape != D1_SHAPE_NONE)
        r = buf_append_char(answer->out, ',');
    if (r < 0)
        return too_large(err);
    r = run_next(store, rest, answer, err);
    if (r <= 0)
        answer->out->len = before;
    return r;
}

int d1_store_run_all(struct d1_store *store, const struct d1_query *query, struct d1_answer *answer,
                     struct err *err)
{
    struct d1_query rest = *query;
    int r = check_text(query->sql, err);

    if (r < 0)
        return r;
    d1_store_enter(store);
    while ((r = run_next_of(store, &rest, answer, err)) > 0)
        ;
    r = d1_store_leave(store, r, err);
    return r == 0 && rest.count ? err_set(err, ERR_SCRIPT, wrong_count) : r;
}

bool d1_store_run_reads(struct d1_store *store, const struct d1_query *query)
{
    struct d1_statement *s = NULL;
    struct err err;
    const char *tail;
    bool is_read;

    if (check_text(query->sql, &err) < 0)
        return false;
    store->only_looks = true;
    d1_store_enter(store);
    is_read = d1_store_statement_get(store, query->sql, &tail, &s, &err) == 0 && s && s->is_read &&
              d1_store_statement_is_blank(tail);
    is_read = d1_store_leave(store, 0, &err) == 0 && is_read;
    store->only_looks = false;
    if (s)
        d1_store_statement_give_back(s);
    return is_read;
}

/* ---- on the loop ---- */

/* A look at the text: what may be a SELECT. */
static bool may_read(str sql)
{
    static const char first[] = "sSwW";
    str text = str_head(sql, TRY_SQL_BYTES_MAX);

    while (text.len && strchr(" \t\r\n", *text.ptr))
        text = str_skip(text, 1);
    return text.len && sql.len <= TRY_SQL_BYTES_MAX && strchr(first, *text.ptr) &&
           !memchr(sql.ptr, 0, sql.len);
}

static struct d1_statement *find_short(struct d1_store *store, const struct d1_query *query)
{
    struct d1_statement *s;
    struct err err;
    const char *tail;

    if (!may_read(query->sql) || d1_store_statement_get(store, query->sql, &tail, &s, &err) < 0 ||
        !s)
        return NULL;
    if (s->sql && s->is_read && !s->is_long && !s->traits.is_heavy &&
        (size_t)sqlite3_bind_parameter_count(s->statement) == query->count) {
        if (!s->skips)
            return s;
        s->skips--;
    }
    d1_store_statement_give_back(s);
    return NULL;
}

static bool run_short(struct run *run, const struct d1_query *query)
{
    size_t max = run->out->max;
    struct err err;
    int r;

    if (max > run->out->len + TRY_REPLY_BYTES_MAX)
        run->out->max = run->out->len + TRY_REPLY_BYTES_MAX;
    run->first_only = run->shape == D1_SHAPE_FIRST;
    r = run_statement(run, query->values, &err);
    run->out->max = max;
    if (r < 0)
        run->s->skips = SKIPS_AFTER_LONG;
    d1_store_statement_give_back(run->s);
    return r == 0;
}

bool d1_store_run_now(struct d1_store *store, const struct d1_query *query, enum d1_shape shape,
                      struct buf *out)
{
    struct d1_leash leash = {.until_ns = clock_monotonic_ns() + TRY_NS_MAX,
                             .memory_max = TRY_MEMORY_MAX};
    struct d1_answer answer = {.shape = shape, .out = out};
    struct d1_leash *before = store->leash;
    size_t len = out->len;
    struct run run;
    struct err err;
    bool is_done = false;

    store->leash = &leash;
    d1_store_enter(store);
    run_init(&run, store, &answer);
    if ((run.s = find_short(store, query)))
        is_done = run_short(&run, query);
    if (d1_store_leave(store, 0, &err) < 0)
        is_done = false;
    if (!is_done)
        out->len = len;
    store->leash = before;
    return is_done;
}
