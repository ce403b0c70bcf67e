/* Calls of the REST API for D1 databases; see d1_call.h.
 *
 *   query     {raw?}                        bytes: {"sql", "params"?} or {"batch": [...]}
 *   import    {}                            bytes: SQL, all or nothing
 *   export    {no_schema?, no_data?, tables?}
 *   info, usage, bookmark, copy {to}, remove
 *
 * (1) What clients sent is parsed on the thread, and so is what they get.
 * (2) A call that only asks makes no database where none is. */
#include "bindings/d1/d1_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/d1/d1_bookmark.h"
#include "bindings/d1/d1_database.h"

enum {
    QUERIES_MAX = 10000,
    TABLES_MAX = 10000,
    LONG_TIME_MAX_MS = 600000,
    LONG_MEMORY_MAX = 256 << 20,
    TEXT_BYTES_MAX = 64 << 20,
};

struct rest {
    struct d1_work work;
    struct storage_call *call;
    struct d1_database *database;
    json_t *request;
    struct d1_query *queries; /* their texts are in `request` */
    size_t count;
    bool is_raw;
    struct buf text; /* the answer, or an import with a NUL behind it */
};

static const char bad_query[] =
    "the body is {\"sql\": \"...\", \"params\": [...]} or {\"batch\": [{\"sql\": ...}, ...]}";

/* ---- queries ---- */

static int take_bytes(const json_t *value, struct d1_value *ret)
{
    size_t count = json_array_size(value);
    char *bytes = mem_alloc(count + 1);

    ret->type = D1_BLOB;
    ret->bytes = (str){bytes, count};
    for (size_t i = 0; i < count; i++) {
        const json_t *byte = json_array_get(value, i);

        if (!json_is_integer(byte) || json_integer_value(byte) < 0 ||
            json_integer_value(byte) > 255)
            return ERR_INVALID;
        bytes[i] = (char)json_integer_value(byte);
    }
    return 0;
}

static int take_value(const json_t *value, struct d1_value *ret)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = (struct d1_value){.type = D1_INTEGER, .integer = json_is_true(value)};
        return 0;
    case JSON_INTEGER:
        *ret = (struct d1_value){.type = D1_INTEGER, .integer = json_integer_value(value)};
        return 0;
    case JSON_REAL:
        *ret = (struct d1_value){.type = D1_REAL, .real = json_real_value(value)};
        return 0;
    case JSON_STRING:
        *ret = (struct d1_value){.type = D1_TEXT,
                                 .bytes = {json_string_value(value), json_string_length(value)}};
        return 0;
    case JSON_ARRAY:
        return take_bytes(value, ret);
    default:
        return ERR_INVALID;
    }
}

static int take_query(const json_t *given, struct d1_query *ret)
{
    const json_t *sql = json_object_get(given, "sql"), *params = json_object_get(given, "params");
    struct d1_value *values;
    int r = 0;

    if (!json_is_string(sql) || (params && !json_is_array(params) && !json_is_null(params)))
        return ERR_INVALID;
    values = mem_zeroed((json_array_size(params) + 1) * sizeof *values);
    *ret = (struct d1_query){{json_string_value(sql), json_string_length(sql)},
                             values,
                             json_array_size(params)};
    for (size_t i = 0; r == 0 && i < ret->count; i++)
        r = take_value(json_array_get(params, i), &values[i]);
    return r;
}

static int take_queries(struct rest *rest)
{
    const json_t *batch = json_object_get(rest->request, "batch");
    size_t count = json_is_array(batch) ? json_array_size(batch) : 1;
    int r = 0;

    if (count > QUERIES_MAX)
        return ERR_INVALID;
    rest->queries = mem_zeroed((count + 1) * sizeof *rest->queries);
    for (; r == 0 && rest->count < count; rest->count++)
        r = take_query(json_is_array(batch) ? json_array_get(batch, rest->count) : rest->request,
                       &rest->queries[rest->count]);
    return r;
}

/* Once, at its first look. */
static int parse(struct rest *rest)
{
    struct err *err = &rest->work.err;

    if (rest->queries)
        return err->code;
    rest->request = json_loadb(rest->call->bytes.ptr ? rest->call->bytes.ptr : "",
                               rest->call->bytes.len, JSON_ALLOW_NUL, NULL);
    if (!rest->request || take_queries(rest) < 0)
        return err_set(err, ERR_INVALID, bad_query);
    return 0;
}

static bool query_reads(struct d1_work *work, struct d1_store *store)
{
    struct rest *rest = CONTAINER_OF(work, struct rest, work);

    if (parse(rest) < 0)
        return true;
    for (size_t i = 0; i < rest->count; i++)
        if (!d1_store_run_reads(store, &rest->queries[i]))
            return false;
    return true;
}

static int give_result(struct rest *rest)
{
    json_error_t why;

    json_decref(rest->call->result);
    rest->call->result = json_loadb(rest->text.ptr, rest->text.len, JSON_ALLOW_NUL, &why);
    if (!rest->call->result)
        return err_set(&rest->work.err, ERR_SCRIPT, "the result is no JSON: %s", why.text);
    return 0;
}

static int query_run(struct d1_work *work, struct d1_store *store)
{
    struct rest *rest = CONTAINER_OF(work, struct rest, work);
    struct d1_answer answer = {rest->is_raw ? D1_SHAPE_ARRAYS : D1_SHAPE_OBJECTS,
                               &rest->text,
                               {0},
                               0};
    int r = parse(rest);

    if (r < 0)
        return r;
    buf_clear(&rest->text);
    r = buf_append_char(&rest->text, '[');
    for (size_t i = 0; r == 0 && i < rest->count; i++)
        r = d1_store_run_all(store, &rest->queries[i], &answer, &work->err);
    if (r < 0)
        return r;
    if (!answer.count)
        return err_set(&work->err, ERR_SCRIPT, "No SQL statements detected.");
    if (buf_append_char(&rest->text, ']') < 0)
        return err_set(&work->err, ERR_LIMIT, "the result is too large: SQLITE_TOOBIG");
    return give_result(rest);
}

/* ---- import and export ---- */

static int import_run(struct d1_work *work, struct d1_store *store)
{
    struct rest *rest = CONTAINER_OF(work, struct rest, work);
    struct buf nothing;
    struct d1_answer answer = {.shape = D1_SHAPE_NONE, .out = &nothing};
    struct d1_query query = {.sql = rest->call->bytes};
    char bookmark[D1_BOOKMARK_BYTES];
    int r;

    buf_init(&nothing, 0);
    buf_clear(&rest->text);
    if (buf_append(&rest->text, rest->call->bytes) < 0 || buf_append_char(&rest->text, 0) < 0)
        return err_set(&work->err, ERR_LIMIT, "the SQL is larger than %d MB", TEXT_BYTES_MAX >> 20);
    query.sql.ptr = rest->text.ptr;
    d1_store_guard_widen(store, true);
    r = d1_store_run_all(store, &query, &answer, &work->err);
    d1_store_guard_widen(store, false);
    if (r < 0)
        return r;
    buf_clear(&rest->text);
    d1_bookmark_next(bookmark);
    if (buf_printf(&rest->text, "{\"num_queries\":%zu,\"final_bookmark\":\"%s\",\"meta\":",
                   answer.count, bookmark) < 0 ||
        d1_store_run_meta(&rest->text, &answer.meta) < 0 || buf_append_char(&rest->text, '}') < 0)
        return err_set(&work->err, ERR_LIMIT, "the result is too large");
    return give_result(rest);
}

static bool always_reads(struct d1_work *work, struct d1_store *store)
{
    (void)work;
    (void)store;
    return true;
}

static int export_run(struct d1_work *work, struct d1_store *store)
{
    struct rest *rest = CONTAINER_OF(work, struct rest, work);
    const json_t *args = rest->call->args, *tables = json_object_get(args, "tables"), *table;
    struct d1_export what = {json_is_true(json_object_get(args, "no_schema")),
                             json_is_true(json_object_get(args, "no_data")), NULL};
    const char **names = mem_zeroed((TABLES_MAX + 1) * sizeof *names);
    size_t i;
    int r;

    json_array_foreach(tables, i, table)
        if (i < TABLES_MAX)
            names[i] = json_is_string(table) ? json_string_value(table) : "";
    if (json_array_size(tables))
        what.tables = names;
    buf_clear(&rest->call->out);
    r = d1_store_export(store, &what, &rest->call->out, &work->err);
    free(names);
    return r;
}

/* ---- the rest ---- */

static int info_run(struct d1_work *work, struct d1_store *store)
{
    struct rest *rest = CONTAINER_OF(work, struct rest, work);
    uint64_t tables = 0, bytes = 0;
    int r = d1_store_size(store, &tables, &bytes, &work->err);

    if (r < 0)
        return r;
    rest->call->result = json_pack("{s:I, s:I}", "num_tables", (json_int_t)tables, "file_size",
                                   (json_int_t)bytes);
    return 0;
}

static int copy_run(struct d1_work *work, struct d1_store *store)
{
    struct rest *rest = CONTAINER_OF(work, struct rest, work);
    char *to = bindings_store_path(member_text(rest->call->args, "to"));
    int r = to ? d1_store_copy(store, to, &work->err)
               : err_set(&work->err, ERR_INVALID, "the copy has no place to go to");

    free(to);
    return r;
}

static void usage(struct rest *rest)
{
    static const char *const files[] = {"db.sqlite", "db.sqlite-wal", "db.sqlite-shm"};
    json_int_t bytes = 0;
    struct stat file;
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof path, "%s/%s", d1_database_directory(rest->database), files[i]);
        if (stat(path, &file) == 0)
            bytes += file.st_size;
    }
    rest->call->result = json_pack("{s:I}", "bytes", bytes);
}

static void bookmark(struct rest *rest)
{
    char text[D1_BOOKMARK_BYTES];

    d1_bookmark_next(text);
    rest->call->result = json_pack("{s:s}", "bookmark", text);
}

static void no_info(struct rest *rest)
{
    rest->call->result = json_pack("{s:i, s:i}", "num_tables", 0, "file_size", 0);
}

static void nothing(struct rest *rest)
{
    (void)rest;
}

/* ---- one call ---- */

struct row {
    const char *name;
    bool (*reads)(struct d1_work *work, struct d1_store *store);
    int (*run)(struct d1_work *work, struct d1_store *store);    /* NULL: answered at once */
    void (*without)(struct rest *rest);    /* answers when there is no database, or at once */
    size_t memory_max;
    enum d1_work_kind kind;
    unsigned time_max_ms;
};

static const struct row rows[] = {
    {"query", query_reads, query_run, NULL, 0, D1_WORK_QUERY, 0},
    {"import", NULL, import_run, NULL, LONG_MEMORY_MAX, D1_WORK_QUERY, LONG_TIME_MAX_MS},
    {"export", always_reads, export_run, NULL, LONG_MEMORY_MAX, D1_WORK_QUERY, LONG_TIME_MAX_MS},
    {"info", always_reads, info_run, no_info, 0, D1_WORK_QUERY, 0},
    {"copy", NULL, copy_run, nothing, 0, D1_WORK_WHOLE, LONG_TIME_MAX_MS},
    {"remove", NULL, NULL, NULL, 0, D1_WORK_REMOVE, 0},
    {"usage", NULL, NULL, usage, 0, D1_WORK_QUERY, 0},
    {"bookmark", NULL, NULL, bookmark, 0, D1_WORK_QUERY, 0},
};

static void rest_end(struct rest *rest)
{
    struct storage_call *call = rest->call;

    if (rest->work.err.code)
        call->err = rest->work.err;
    for (size_t i = 0; i < rest->count; i++) {
        for (size_t j = 0; j < rest->queries[i].count; j++)
            if (rest->queries[i].values[j].type == D1_BLOB)
                free((char *)rest->queries[i].values[j].bytes.ptr);
        free((struct d1_value *)rest->queries[i].values);
    }
    free(rest->queries);
    json_decref(rest->request);
    buf_done(&rest->text);
    d1_database_unref(rest->database);
    free(rest);
    storage_call_end(call);
}

static void on_done(struct d1_work *work)
{
    rest_end(CONTAINER_OF(work, struct rest, work));
}

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void start(struct rest *rest, const struct row *row)
{
    bool is_there = row->kind == D1_WORK_REMOVE || !row->without ||
                    d1_database_exists(rest->database);

    if (row->without && (!row->run || !is_there)) {
        row->without(rest);
        rest_end(rest);
        return;
    }
    rest->work.kind = row->kind;
    rest->work.reads = row->reads;
    rest->work.run = row->run;
    rest->work.done = on_done;
    rest->work.time_max_ms = row->time_max_ms;
    rest->work.leash.memory_max = row->memory_max;
    rest->work.bytes = rest->call->bytes.len;
    d1_database_post(rest->database, &rest->work);
}

void d1_call_run(struct storage_call *call)
{
    const struct row *row = find(call->call);
    char *path = bindings_store_path(call->store);
    struct rest *rest;

    if (!row || !path) {
        free(path);
        err_set(&call->err, row ? ERR_INVALID : ERR_UNSUPPORTED,
                "a D1 database has no call \"%.100s\"%s", call->call, row ? " in this place" : "");
        storage_call_end(call);
        return;
    }
    rest = mem_new(struct rest);
    rest->call = call;
    rest->database = d1_database_ref(storage_job_loop(), path);
    rest->is_raw = json_is_true(json_object_get(call->args, "raw"));
    buf_init(&rest->text, TEXT_BYTES_MAX);
    free(path);
    start(rest, row);
}
