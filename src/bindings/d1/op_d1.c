/* D1 databases as bindings; see op_d1.h. Ops under d1.js:
 *
 *   op_d1_now(database, shape, list)   the answer of one query as JSON; undefined: it is for a job
 *   op_d1_run(id, database, call, list)  the same as a job, or one of the other calls below
 *   op_d1_bookmark()                   see d1_bookmark.h
 *
 * `list` is [sql, values or undefined, ...]; values are null, numbers, strings and Uint8Arrays.
 *
 * (1) A query is answered on the loop only while no write of the same request is under way, so that
 *     a worker which does not wait for its writes reads them nevertheless.
 * (2) When its isolate goes, a job is cancelled: a statement that runs is interrupted. Its memory,
 *     and the binding's, stay until it is over (`refs`).
 * (3) What the list is read from may be of the worker's making, by way of what it has replaced:
 *     reading it may run its code, which may come here again. Then a query finds the scratch taken
 *     and is left to a job, whose memory is its own.
 * (4) The thread's time is not the worker's CPU time, as on Cloudflare: what bounds it is the time
 *     limit of a statement, and that a database has one thread at a time. */
#include "bindings/d1/op_d1.h"

#include <math.h>
#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/d1/d1_bookmark.h"
#include "bindings/d1/d1_database.h"
#include "bindings/op_job.h"
#include "engine/handle.h"
#include "engine/value.h"

enum {
    QUERIES_MAX = 10000,         /* of a batch */
    TEXT_BYTES_MAX = 64 << 20,   /* SQL and values of a call */
    SCRATCH_BYTES_MAX = 1 << 20, /* kept for the next query on the loop */
    LINE_BYTES_MAX = 500,        /* of a line that is quoted in an error */
};

/* The number is the same in d1.js. The first three are those of enum d1_shape. */
enum call { CALL_OBJECTS, CALL_ARRAYS, CALL_FIRST, CALL_BATCH, CALL_LINES, CALL_DUMP };

struct binding {
    struct handle handle;
    struct d1_database *database; /* NULL: it does not exist any more */
    char *missing;                /* then: what is said about that */
    int refs;
    struct list writes; /* calls under way that may write: (1) */
};

/* The texts of queries in one buffer, the values in one row. */
struct queries {
    struct buf text;
    struct d1_query *list;
    struct d1_value *values;
    size_t count, values_count, values_room;
};

struct call_job {
    struct op_job job;
    struct list link; /* in binding->writes */
    struct d1_work work;
    struct resource resource;
    struct binding *binding;
    enum call call;
    struct queries queries;
    struct buf out;
    struct err line_err; /* CALL_LINES: what came before stays */
};

static const char binding_kind[] = "D1 database";

/* ---- the binding ---- */

static void binding_unref(struct binding *binding)
{
    if (--binding->refs)
        return;
    if (binding->database)
        d1_database_unref(binding->database);
    free(binding->missing);
    free(binding);
}

static void on_free(struct handle *handle)
{
    binding_unref(CONTAINER_OF(handle, struct binding, handle));
}

static char *missing_text(const json_t *config)
{
    struct buf text;
    size_t len;

    buf_init(&text, 4096);
    if (buf_printf(&text,
                   "The D1 database \"%.500s\" of the binding \"%.500s\" does not exist any more.",
                   member_text_or(config, "id", "?"), member_text_or(config, "name", "?")) < 0)
        buf_clear(&text);
    return buf_take(&text, &len);
}

JSObjectRef op_d1_open(JSContextRef ctx, const json_t *config, struct err *err)
{
    const char *store = member_text(config, "store");
    char *path = store ? bindings_store_path(store) : NULL;
    struct binding *binding;

    if (store && !path) {
        err_set(err, ERR_UNSUPPORTED, "this runtime was started without a place for databases");
        return NULL;
    }
    binding = mem_new(struct binding);
    binding->handle.kind = binding_kind;
    binding->handle.free = on_free;
    binding->refs = 1;
    list_init(&binding->writes);
    if (path)
        binding->database = d1_database_ref(isolate_loop(), path);
    else
        binding->missing = missing_text(config);
    free(path);
    return handle_object(ctx, &binding->handle);
}

/* NULL, and throws, when it is none, or nothing can be asked of it now. */
static struct binding *binding_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, binding_kind, exception);
    struct binding *binding;

    if (!handle)
        return NULL;
    binding = CONTAINER_OF(handle, struct binding, handle);
    if (!binding->database)
        value_throw(ctx, ERR_NOT_FOUND, binding->missing, exception);
    else
        return binding;
    return NULL;
}

/* ---- queries from JavaScript ---- */

static void queries_init(struct queries *queries)
{
    *queries = (struct queries){0};
    buf_init(&queries->text, TEXT_BYTES_MAX);
}

static void queries_done(struct queries *queries)
{
    buf_done(&queries->text);
    free(queries->list);
    free(queries->values);
}

/* Where a text begins is told when all are there: the buffer moves. */
static int take_text(struct queries *queries, JSContextRef ctx, JSValueRef value, str *ret,
                     JSValueRef *exception)
{
    size_t at = queries->text.len;
    int r = value_to_buf(ctx, value, &queries->text, exception);

    if (r < 0)
        return r;
    *ret = (str){NULL, queries->text.len - at};
    return buf_append_char(&queries->text, 0);
}

static int take_bytes(struct queries *queries, JSContextRef ctx, JSValueRef value, str *ret)
{
    const void *bytes;
    size_t len;
    int r;

    if (!value_view(ctx, value, &bytes, &len))
        return ERR_INVALID;
    *ret = (str){NULL, len};
    r = buf_append(&queries->text, (str){bytes, len});
    return r < 0 ? r : buf_append_char(&queries->text, 0);
}

static struct d1_value number_value(double number)
{
    static const double safe = 9007199254740992.0;

    if (number == trunc(number) && fabs(number) <= safe && !(number == 0 && signbit(number)))
        return (struct d1_value){.type = D1_INTEGER, .integer = (int64_t)number};
    return (struct d1_value){.type = D1_REAL, .real = number};
}

static int take_value(struct queries *queries, JSContextRef ctx, JSValueRef value,
                      JSValueRef *exception)
{
    struct d1_value taken = {.type = D1_NULL};
    int r = 0;

    switch (JSValueGetType(ctx, value)) {
    case kJSTypeNumber:
        taken = number_value(JSValueToNumber(ctx, value, NULL));
        break;
    case kJSTypeString:
        taken.type = D1_TEXT;
        r = take_text(queries, ctx, value, &taken.bytes, exception);
        break;
    case kJSTypeObject:
        taken.type = D1_BLOB;
        r = take_bytes(queries, ctx, value, &taken.bytes);
        break;
    default:
        break;
    }
    if (queries->values_count == queries->values_room) {
        queries->values_room = queries->values_room ? queries->values_room * 2 : 8;
        queries->values = mem_resize(queries->values,
                                     queries->values_room * sizeof *queries->values);
    }
    queries->values[queries->values_count++] = taken;
    return r;
}

static size_t length_of(JSContextRef ctx, JSObjectRef array)
{
    return (size_t)value_to_number(ctx, value_get(ctx, array, "length"), 0);
}

static int take_values(struct queries *queries, JSContextRef ctx, JSValueRef values,
                       JSValueRef *exception)
{
    JSObjectRef array;
    size_t count;
    int r = 0;

    if (JSValueIsUndefined(ctx, values))
        return 0;
    if (!JSValueIsObject(ctx, values))
        return ERR_INVALID;
    array = JSValueToObject(ctx, values, NULL);
    count = length_of(ctx, array);
    if (count > D1_STORE_VALUES_MAX)
        return ERR_LIMIT;
    for (unsigned i = 0; r == 0 && i < count; i++)
        r = take_value(queries, ctx, JSObjectGetPropertyAtIndex(ctx, array, i, NULL), exception);
    return r;
}

/* In the order they were taken, a NUL behind each. */
static void settle(const char **at, str *text)
{
    text->ptr = *at;
    *at += text->len + 1;
}

static void settle_all(struct queries *queries)
{
    struct d1_value *value = queries->values;
    const char *at = queries->text.ptr;

    for (size_t i = 0; i < queries->count; i++) {
        struct d1_query *query = &queries->list[i];

        settle(&at, &query->sql);
        query->values = value;
        for (size_t j = 0; j < query->count; j++, value++)
            if (value->type == D1_TEXT || value->type == D1_BLOB)
                settle(&at, &value->bytes);
    }
}

static int take_queries(struct queries *queries, JSContextRef ctx, JSValueRef list,
                        JSValueRef *exception)
{
    JSObjectRef array = JSValueToObject(ctx, list, NULL);
    size_t count = length_of(ctx, array) / 2, before;
    int r = 0;

    if (count > QUERIES_MAX)
        return ERR_LIMIT;
    queries->list = mem_resize(queries->list, (count + 1) * sizeof *queries->list);
    queries->list[0] = (struct d1_query){.sql = STR("")}; /* of none, too, the first is looked at */
    queries->count = queries->values_count = 0;
    for (unsigned i = 0; r == 0 && i < count; i++) {
        struct d1_query *query = &queries->list[queries->count++];

        before = queries->values_count;
        r = take_text(queries, ctx, JSObjectGetPropertyAtIndex(ctx, array, i * 2, NULL),
                      &query->sql, exception);
        if (r == 0)
            r = take_values(queries, ctx, JSObjectGetPropertyAtIndex(ctx, array, i * 2 + 1, NULL),
                            exception);
        query->count = queries->values_count - before;
    }
    if (r == 0)
        settle_all(queries);
    return r;
}

static JSValueRef throw_taking(JSContextRef ctx, int code, JSValueRef *exception)
{
    if (code == ERR_SCRIPT)
        return JSValueMakeUndefined(ctx);
    return value_throw(ctx, code,
                       code == ERR_LIMIT ? "too many or too large parameters for one call: "
                                           "SQLITE_TOOBIG"
                                         : NULL,
                       exception);
}

/* ---- on the loop ---- */

static struct {
    struct queries queries;
    struct buf out;
    bool is_ready;
    bool is_taken; /* (3) */
} scratch;

static void clear_scratch(void)
{
    if (!scratch.is_ready || scratch.queries.text.cap > SCRATCH_BYTES_MAX) {
        queries_done(&scratch.queries);
        queries_init(&scratch.queries);
    }
    if (!scratch.is_ready)
        buf_init(&scratch.out, D1_STORE_REPLY_BYTES_MAX);
    scratch.is_ready = true;
    buf_clear(&scratch.queries.text);
    buf_clear(&scratch.out);
}

static bool has_written(const struct binding *binding)
{
    int32_t request = isolate_cells(isolate_current())[CELL_CURRENT];

    LIST_EACH(&binding->writes, it)
        if (CONTAINER_OF(it, struct call_job, link)->job.request == request)
            return true;
    return false;
}

OP(op_d1_now)
{
    struct binding *binding = binding_of(ctx, OP_ARG(0), exception);
    JSValueRef answer = JSValueMakeUndefined(ctx);
    int shape = (int)value_to_number(ctx, OP_ARG(1), 0), r;

    if (!binding || scratch.is_taken || has_written(binding))
        return answer;
    clear_scratch();
    scratch.is_taken = true;
    value_lock(ctx);
    r = take_queries(&scratch.queries, ctx, OP_ARG(2), exception);
    if (r == 0 && d1_database_try(binding->database, scratch.queries.list, (enum d1_shape)shape,
                                  &scratch.out)) {
        if (isolate_subrequest(isolate_current()))
            answer = value_string(ctx, buf_str(&scratch.out));
        else
            r = ERR_SUBREQUESTS;
    }
    value_unlock(ctx);
    scratch.is_taken = false;
    return r < 0 ? throw_taking(ctx, r, exception) : answer;
}

/* ---- jobs ---- */

static bool call_reads(struct d1_work *work, struct d1_store *store)
{
    struct call_job *call = CONTAINER_OF(work, struct call_job, work);

    if (call->call == CALL_DUMP)
        return true;
    if (call->call == CALL_LINES)
        return false;
    for (size_t i = 0; i < call->queries.count; i++)
        if (!d1_store_run_reads(store, &call->queries.list[i]))
            return false;
    return true;
}

static int run_batch(struct call_job *call, struct d1_store *store)
{
    struct d1_answer answer = {.shape = D1_SHAPE_OBJECTS, .out = &call->out};
    int r = buf_append_char(&call->out, '[');

    for (size_t i = 0; r == 0 && i < call->queries.count; i++) {
        if (i)
            r = buf_append_char(&call->out, ',');
        if (r == 0)
            r = d1_store_run(store, &call->queries.list[i], &answer, &call->work.err);
    }
    if (r == 0)
        r = buf_append_char(&call->out, ']');
    if (r < 0 && !call->work.err.code)
        err_set(&call->work.err, r, "the results are too large: SQLITE_TOOBIG");
    return r;
}

/* The lines before one that fails stay, as on Cloudflare, unless the failure took all back. */
static int run_lines(struct call_job *call, struct d1_store *store)
{
    struct d1_answer answer = {.shape = D1_SHAPE_NONE, .out = &call->out};
    struct err err = {0};
    size_t i;
    int r = 0;

    call->line_err.code = 0;
    for (i = 0; r == 0 && i < call->queries.count; i++)
        r = d1_store_run_all(store, &call->queries.list[i], &answer, &err);
    if (r < 0) {
        str line = str_head(call->queries.list[i - 1].sql, LINE_BYTES_MAX);

        err_set(&call->line_err, r, "Error in line %zu: %.*s: %.3000s", i, STR_ARGS(line),
                err.text);
        if (!d1_store_is_within(store))
            call->work.err = call->line_err;
        return call->work.err.code;
    }
    if (!answer.count)
        return err_set(&call->work.err, ERR_SCRIPT, "No SQL statements detected.");
    if (buf_printf(&call->out, "{\"count\":%zu,\"duration\":%.3f}", answer.count,
                   (double)answer.meta.duration_ns / 1e6) < 0)
        return ERR_LIMIT;
    return 0;
}

static int run_call(struct call_job *call, struct d1_store *store)
{
    struct d1_answer answer = {.shape = (enum d1_shape)call->call, .out = &call->out};

    switch (call->call) {
    case CALL_BATCH:
        return run_batch(call, store);
    case CALL_LINES:
        return run_lines(call, store);
    case CALL_DUMP:
        return d1_store_copy_bytes(store, &call->out, &call->work.err);
    default:
        return d1_store_run(store, call->queries.list, &answer, &call->work.err);
    }
}

static int call_run(struct d1_work *work, struct d1_store *store)
{
    struct call_job *call = CONTAINER_OF(work, struct call_job, work);
    int r;

    buf_clear(&call->out);
    r = run_call(call, store);
    work->result_bytes = call->out.cap;
    return r;
}

static void on_done(struct d1_work *work)
{
    struct call_job *call = CONTAINER_OF(work, struct call_job, work);

    if (call->job.iso)
        isolate_remove_resource(&call->resource);
    list_remove(&call->link);
    call->job.err = work->err.code ? work->err : call->line_err;
    op_job_end(&call->job);
}

/* (2) */
static void on_gone(struct resource *resource)
{
    struct call_job *call = CONTAINER_OF(resource, struct call_job, resource);

    atomic_store(&call->work.leash.cancelled, true);
}

static JSValueRef call_value(struct op_job *job, JSContextRef ctx, JSValueRef *exception)
{
    struct call_job *call = CONTAINER_OF(job, struct call_job, job);
    size_t len;
    char *bytes;

    (void)exception;
    if (call->call != CALL_DUMP)
        return value_string(ctx, buf_str(&call->out));
    bytes = buf_take(&call->out, &len);
    return value_bytes_take(ctx, bytes, len);
}

static void call_free(struct op_job *job)
{
    struct call_job *call = CONTAINER_OF(job, struct call_job, job);

    queries_done(&call->queries);
    buf_done(&call->out);
    binding_unref(call->binding);
    free(call);
}

static struct call_job *call_new(struct binding *binding, enum call kind)
{
    struct call_job *call = mem_new(struct call_job);

    call->binding = binding;
    binding->refs++;
    call->call = kind;
    list_init(&call->link);
    call->job.value = call_value;
    call->job.free = call_free;
    call->work.reads = call_reads;
    call->work.run = call_run;
    call->work.done = on_done;
    call->resource.close = on_gone;
    queries_init(&call->queries);
    buf_init(&call->out, kind == CALL_DUMP ? TEXT_BYTES_MAX : D1_STORE_REPLY_BYTES_MAX);
    if (kind == CALL_DUMP)
        call->work.leash.memory_max = (size_t)TEXT_BYTES_MAX + D1_STORE_MEMORY_MAX;
    return call;
}

/* A look at the text: "SELECT" is the only statement with its first letter that runs. */
static bool may_write(const struct call_job *call)
{
    bool is_one = call->call == CALL_OBJECTS || call->call == CALL_ARRAYS ||
                  call->call == CALL_FIRST;
    const char *sql = is_one ? call->queries.list->sql.ptr : "";

    sql += strspn(sql, " \t\r\n");
    return call->call != CALL_DUMP && *sql != 's' && *sql != 'S';
}

OP(op_d1_run)
{
    struct binding *binding = binding_of(ctx, OP_ARG(1), exception);
    int32_t id = (int32_t)value_to_number(ctx, OP_ARG(0), 0);
    struct call_job *call;
    int r;

    if (!binding)
        return JSValueMakeUndefined(ctx);
    call = call_new(binding, (enum call)(int)value_to_number(ctx, OP_ARG(2), 0));
    value_lock(ctx);
    r = take_queries(&call->queries, ctx, OP_ARG(3), exception);
    value_unlock(ctx);
    if (r == 0 && !isolate_subrequest(isolate_current()))
        r = ERR_SUBREQUESTS;
    if (r < 0) {
        call_free(&call->job);
        return throw_taking(ctx, r, exception);
    }
    call->work.bytes = call->queries.text.len;
    op_job_begin(&call->job, id);
    if (may_write(call))
        list_push(&binding->writes, &call->link);
    isolate_add_resource(call->job.iso, &call->resource);
    d1_database_post(binding->database, &call->work);
    return JSValueMakeUndefined(ctx);
}

OP(op_d1_bookmark)
{
    char text[D1_BOOKMARK_BYTES];

    d1_bookmark_next(text);
    return value_string(ctx, str_from(text));
}

const struct op op_d1_table[] = {
    {"op_d1_now", op_d1_now},
    {"op_d1_run", op_d1_run},
    {"op_d1_bookmark", op_d1_bookmark},
    {0},
};
