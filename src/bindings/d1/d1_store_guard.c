/* What a tenant's SQL may do; see d1_store.h.
 *
 * SQLite asks the authorizer about each thing a statement wants while it is prepared, those in
 * views, triggers and virtual tables' own statements included. Everything is refused that is not on
 * a list here, so that what a later SQLite can do is refused until somebody has looked at it.
 *
 * (1) A pragma that sets something does so while it is prepared. What may be set are habits of the
 *     connection, and they are taken back after the operation: a connection serves many.
 * (2) Within our own statements (`is_ours`) nothing is asked. They never contain a tenant's text.
 *     */
#include "bindings/d1/d1_store_private.h"
#include "os/clock.h"

enum {
    PROGRESS_STEPS = 250,
    BUSY_SLEEP_MS = 1,
    WIDE_TIMES = 5, /* a blob as hexadecimal digits within a row */
    DEPTH_MAX = 100,
    WIDE_DEPTH_MAX = 8 * D1_STORE_COLUMNS_MAX, /* all columns of a row in one text */
};

struct pragma {
    const char *name;
    bool sets;    /* with an argument; reads without one */
};

/* Cloudflare's list, and what FTS5 asks itself. foreign_keys has no effect within a transaction,
 * which every operation is. */
static const struct pragma pragmas[] = {
    {"table_list", false},          {"table_info", false},
    {"table_xinfo", false},         {"index_list", false},
    {"index_info", false},          {"index_xinfo", false},
    {"foreign_key_list", false},    {"foreign_key_check", false},
    {"quick_check", false},         {"integrity_check", false},
    {"optimize", false},            {"data_version", false},
    {"foreign_keys", true},         {"defer_foreign_keys", true},
    {"case_sensitive_like", true},  {"legacy_alter_table", true},
    {"recursive_triggers", true},   {"ignore_check_constraints", true},
    {"reverse_unordered_selects", true},
};

/* What they are when nobody has set them. defer_foreign_keys ends with its transaction. */
static const char habits[] =
    "PRAGMA case_sensitive_like = OFF; PRAGMA legacy_alter_table = OFF;"
    "PRAGMA recursive_triggers = OFF; PRAGMA ignore_check_constraints = OFF;"
    "PRAGMA reverse_unordered_selects = OFF;";

/* SQL's functions, without those that reach out of the database, load code, or show what is in the
 * process. */
static const char *const light_functions[] = {
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil",
    "ceiling", "changes", "char", "coalesce", "cos", "cosh", "count", "cume_dist", "current_date",
    "current_time", "current_timestamp", "date", "datetime", "degrees", "dense_rank", "exp",
    "first_value", "floor", "glob", "ifnull", "iif", "json_array_length", "json_extract",
    "json_type", "json_valid", "julianday", "lag", "last_insert_rowid", "last_value", "lead",
    "length", "like", "likelihood", "likely", "ln", "log", "log10", "log2", "lower", "max", "min",
    "mod", "nth_value", "ntile", "nullif", "octet_length", "percent_rank", "pi", "pow", "power",
    "radians", "random", "rank", "round", "row_number", "sign", "sin", "sinh",
    "sqlite_version", "sqrt", "strftime", "substr", "substring", "sum", "tan", "tanh", "time",
    "timediff", "total", "total_changes", "trunc", "typeof", "unicode", "unixepoch", "unlikely",
    "upper",
};

/* These may take long in one step of a program, or make much of little. */
static const char *const heavy_functions[] = {
    "bm25", "concat", "concat_ws", "format", "fts5", "fts5_source_id", "group_concat", "hex",
    "highlight", "instr", "json", "json_array", "json_error_position", "json_group_array",
    "json_group_object", "json_insert", "json_object", "json_patch", "json_pretty", "json_quote",
    "json_remove", "json_replace", "json_set", "ltrim", "match", "printf", "quote", "randomblob",
    "replace", "rtrim", "snippet", "soundex", "string_agg", "subtype", "trim", "unhex", "zeroblob",
};

/* Nobody can call these but ALTER TABLE. */
static const char *const inner_functions[] = {
    "sqlite_drop_column", "sqlite_fail",         "sqlite_rename_column",
    "sqlite_rename_quotefix", "sqlite_rename_table", "sqlite_rename_test",
};

/* Tables that are nobody's, and the modules of which tables may be made. */
static const char *const hidden_tables[] = {"bytecode",    "dbstat",        "fts3tokenize",
                                            "fts4aux",     "sqlite_dbpage", "sqlite_stmt",
                                            "tables_used"};
static const char *const modules[] = {"fts5", "fts5vocab"};

static bool is_in(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (sqlite3_stricmp(names[i], name) == 0)
            return true;
    return false;
}

#define IS_IN(names, name) is_in(names, COUNT_OF(names), name)

static int ask_pragma(struct d1_store *store, const char *name, const char *value)
{
    for (size_t i = 0; name && i < COUNT_OF(pragmas); i++) {
        if (sqlite3_stricmp(pragmas[i].name, name) != 0)
            continue;
        if (!pragmas[i].sets || !value)
            return SQLITE_OK;
        store->traits.is_setting = true;
        if (store->only_looks)
            return SQLITE_DENY;
        store->has_settings = true;
        return SQLITE_OK;
    }
    return SQLITE_DENY;
}

static int ask_function(struct d1_store *store, const char *name)
{
    if (IS_IN(light_functions, name))
        return SQLITE_OK;
    store->traits.is_heavy = true;
    return IS_IN(heavy_functions, name) || IS_IN(inner_functions, name) ? SQLITE_OK : SQLITE_DENY;
}

static int ask_read(const char *table)
{
    return IS_IN(hidden_tables, table) ? SQLITE_DENY : SQLITE_OK;
}

/* ALTER TABLE looks into the schema of "temp", too, but nothing is ever made there. */
static int ask_schema(struct d1_store *store, const char *base)
{
    store->traits.is_schema = true;
    return base && sqlite3_stricmp(base, "temp") == 0 ? SQLITE_DENY : SQLITE_OK;
}

static int on_ask(void *context, int action, const char *one, const char *two, const char *base,
                  const char *inner)
{
    struct d1_store *store = context;

    (void)inner;
    if (store->is_ours) /* (2) */
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return SQLITE_OK;
    case SQLITE_READ:
        return ask_read(one);
    case SQLITE_INSERT:
        store->traits.is_insert = true;
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return ask_function(store, two);
    case SQLITE_PRAGMA:
        return ask_pragma(store, one, two);
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE:
        return IS_IN(modules, two) ? ask_schema(store, base) : SQLITE_DENY;
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_ALTER_TABLE:
    case SQLITE_REINDEX:
    case SQLITE_ANALYZE:
        return ask_schema(store, base);
    default: /* ATTACH, DETACH, transactions, what is temporary, what is unknown */
        return SQLITE_DENY;
    }
}

bool d1_store_guard_is_over(struct d1_store *store)
{
    return atomic_load_explicit(&store->leash->cancelled, memory_order_relaxed) ||
           clock_monotonic_ns() >= store->leash->until_ns;
}

static int on_progress(void *context)
{
    struct d1_store *store = context;

    return !store->is_ours && d1_store_guard_is_over(store);
}

/* Another process writes. Its transactions are short: a look each millisecond. */
static int on_busy(void *context, int count)
{
    struct d1_store *store = context;

    if (count * BUSY_SLEEP_MS >= D1_STORE_BUSY_MAX_MS || d1_store_guard_is_over(store))
        return 0;
    sqlite3_sleep(BUSY_SLEEP_MS);
    return 1;
}

struct limit {
    int what;
    int value;
};

static const struct limit limits[] = {
    {SQLITE_LIMIT_LENGTH, D1_STORE_VALUE_BYTES_MAX},
    {SQLITE_LIMIT_SQL_LENGTH, D1_STORE_SQL_BYTES_MAX},
    {SQLITE_LIMIT_COLUMN, D1_STORE_COLUMNS_MAX},
    {SQLITE_LIMIT_VARIABLE_NUMBER, D1_STORE_VALUES_MAX},
    {SQLITE_LIMIT_EXPR_DEPTH, DEPTH_MAX},
    {SQLITE_LIMIT_COMPOUND_SELECT, 100},
    {SQLITE_LIMIT_VDBE_OP, 250000},
    {SQLITE_LIMIT_FUNCTION_ARG, D1_STORE_ARGUMENTS_MAX},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 32},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static const struct limit switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 1},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
};

void d1_store_guard_widen(struct d1_store *store, bool wide)
{
    int times = wide ? WIDE_TIMES : 1;

    sqlite3_limit(store->connection, SQLITE_LIMIT_LENGTH, D1_STORE_VALUE_BYTES_MAX * times);
    sqlite3_limit(store->connection, SQLITE_LIMIT_SQL_LENGTH,
                  wide ? D1_STORE_VALUE_BYTES_MAX * times : D1_STORE_SQL_BYTES_MAX);
    sqlite3_limit(store->connection, SQLITE_LIMIT_EXPR_DEPTH, wide ? WIDE_DEPTH_MAX : DEPTH_MAX);
}

int d1_store_guard_put(struct d1_store *store)
{
    int r = SQLITE_OK;

    for (size_t i = 0; i < COUNT_OF(limits); i++)
        sqlite3_limit(store->connection, limits[i].what, limits[i].value);
    for (size_t i = 0; r == SQLITE_OK && i < COUNT_OF(switches); i++)
        r = sqlite3_db_config(store->connection, switches[i].what, switches[i].value, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_set_authorizer(store->connection, on_ask, store);
    sqlite3_progress_handler(store->connection, PROGRESS_STEPS, on_progress, store);
    if (store->role == D1_STORE_WRITER)
        sqlite3_busy_handler(store->connection, on_busy, store);
    return r;
}

void d1_store_guard_reset(struct d1_store *store)
{
    if (store->has_settings)
        d1_store_execute(store, habits);
    store->has_settings = false;
}
