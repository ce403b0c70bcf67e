/* Ops under ratelimit/ratelimit.js: counters of ratelimit_table.h.
 *
 *   op_ratelimit_ready(id, rl)               undefined: the counters can be asked now
 *   op_ratelimit_take(rl, key, delta)        a boolean; undefined: not ready
 *
 * The file of an account's counters is opened by a job, at the first question; from then on a
 * question is answered within the call. It is closed when no binding of a loaded worker names it.
 * */
#include "bindings/ratelimit/op_ratelimit.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/op_job.h"
#include "bindings/ratelimit/ratelimit_table.h"
#include "engine/handle.h"
#include "engine/value.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

enum { KEY_BYTES_MAX = 64 << 10, GONE_BYTES_MAX = 1024 };

/* An account's. */
struct counters {
    struct map_node node;    /* by its directory */
    int refs;
    struct storage_job_queue *queue;
    struct ratelimit_table *table;    /* NULL: not opened yet */
};

struct binding {
    struct handle handle;
    struct counters *counters;    /* NULL: there is no place for them */
    char *space;                  /* "<period>/<namespace>/", before the key */
    unsigned limit, period_s;
};

struct opening {
    struct op_job op;
    struct counters *counters;
    struct ratelimit_table *table;
};

static const char binding_kind[] = "rate limit";
static struct map all;

/* ---- an account's counters ---- */

static struct counters *counters_of(const char *store)
{
    char *directory = store ? bindings_store_path(store) : NULL;
    struct map_node *node = directory ? map_find(&all, str_from(directory)) : NULL;
    struct counters *counters;

    if (!directory)
        return NULL;
    if (node) {
        free(directory);
        counters = CONTAINER_OF(node, struct counters, node);
    } else {
        counters = mem_new(struct counters);
        counters->node.key = str_from(directory);
        counters->queue = storage_job_queue_new_for(directory);
        map_add(&all, &counters->node);
    }
    counters->refs++;
    return counters;
}

static void counters_unref(struct counters *counters)
{
    if (!counters || --counters->refs)
        return;
    map_remove(&all, &counters->node);
    ratelimit_table_close(counters->table);
    storage_job_queue_free(counters->queue);
    free((char *)counters->node.key.ptr);
    free(counters);
}

/* ---- the handle ---- */

static void binding_free(struct handle *handle)
{
    struct binding *binding = CONTAINER_OF(handle, struct binding, handle);

    counters_unref(binding->counters);
    free(binding->space);
    free(binding);
}

static unsigned number_of(const json_t *object, const char *key, unsigned least, unsigned most)
{
    json_int_t number = member_int(object, key);

    return number < least ? least : number > most ? most : (unsigned)number;
}

JSObjectRef op_ratelimit_open(JSContextRef ctx, const json_t *json, struct err *err)
{
    struct binding *binding = mem_new(struct binding);
    const json_t *simple = json_object_get(json, "simple");
    const char *space = member_text(json, "namespace_id");
    struct buf text;

    (void)err;
    binding->handle.kind = binding_kind;
    binding->handle.free = binding_free;
    binding->counters = counters_of(member_text(json, "store"));
    binding->limit = number_of(simple, "limit", 1, RATELIMIT_TABLE_LIMIT_MAX);
    binding->period_s = number_of(simple, "period", 1, 3600);
    buf_init(&text, KEY_BYTES_MAX);
    if (buf_printf(&text, "%u/%.200s/", binding->period_s, space ? space : "") < 0)
        buf_clear(&text);
    binding->space = buf_take(&text, NULL);
    return handle_object(ctx, &binding->handle);
}

/* NULL, and throws, when it is none, or there is no place for counters. */
static struct binding *binding_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, binding_kind, exception);
    struct binding *binding;

    if (!handle)
        return NULL;
    binding = CONTAINER_OF(handle, struct binding, handle);
    if (binding->counters)
        return binding;
    value_throw(ctx, ERR_NOT_FOUND,
                "The rate limit cannot be used: this atoll has no place for its counters.",
                exception);
    return NULL;
}

/* ---- opening ---- */

static void run_opening(struct op_job *op)
{
    struct opening *opening = CONTAINER_OF(op, struct opening, op);
    const char *directory = opening->counters->node.key.ptr;
    char *path = path_join(str_from(directory), STR("counters"));

    if (file_make_directories(directory, &op->err) == 0)
        (void)!ratelimit_table_open(path, &opening->table, &op->err);
    else
        err_set(&op->err, ERR_IO, "the counters of rate limits cannot be made");
    free(path);
}

/* Of two that opened it at once the second finds it there. */
static void free_opening(struct op_job *op)
{
    struct opening *opening = CONTAINER_OF(op, struct opening, op);

    if (!opening->counters->table)
        opening->counters->table = opening->table;
    else
        ratelimit_table_close(opening->table);
    counters_unref(opening->counters);
    free(opening);
}

static JSValueRef no_value(struct op_job *op, JSContextRef ctx, JSValueRef *exception)
{
    (void)op, (void)exception;
    return JSValueMakeUndefined(ctx);
}

OP(op_ratelimit_ready)
{
    struct binding *binding = binding_of(ctx, OP_ARG(1), exception);
    struct opening *opening;

    if (!binding)
        return JSValueMakeUndefined(ctx);
    opening = mem_new(struct opening);
    opening->counters = binding->counters;
    opening->counters->refs++;
    opening->op.run = run_opening;
    opening->op.value = no_value;
    opening->op.free = free_opening;
    op_job_start(&opening->op, binding->counters->queue,
                 (int32_t)value_to_number(ctx, OP_ARG(0), 0));
    return JSValueMakeUndefined(ctx);
}

/* ---- counting ---- */

OP(op_ratelimit_take)
{
    struct binding *binding = binding_of(ctx, OP_ARG(0), exception);
    double delta = value_to_number(ctx, OP_ARG(2), 1);
    struct ratelimit_take take;
    struct buf key;
    bool allowed;
    int r;

    if (!binding || !binding->counters->table)
        return JSValueMakeUndefined(ctx);
    buf_init(&key, KEY_BYTES_MAX);
    if ((r = buf_append(&key, str_from(binding->space))) == 0)
        r = value_to_buf(ctx, OP_ARG(1), &key, exception);
    take = (struct ratelimit_take){
        .key = buf_str(&key),
        .limit = binding->limit,
        .period_s = binding->period_s,
        .delta = delta >= RATELIMIT_TABLE_LIMIT_MAX ? RATELIMIT_TABLE_LIMIT_MAX
                 : delta >= 1                       ? (unsigned)delta
                                                    : 1,
        .now_s = (uint64_t)clock_wall_s(),
    };
    allowed = r == 0 && ratelimit_table_take(binding->counters->table, &take);
    buf_done(&key);
    if (r < 0)
        return r == ERR_SCRIPT ? JSValueMakeUndefined(ctx)
                               : value_throw(ctx, r, "the key is longer than 64 KB", exception);
    return JSValueMakeBoolean(ctx, allowed);
}

const struct op op_ratelimit_table[] = {
    {"op_ratelimit_ready", op_ratelimit_ready},
    {"op_ratelimit_take", op_ratelimit_take},
    {0},
};
