/* Counters of buckets; see s3_meter.h.
 *
 * (1) A row is there from the first request that it counts until it is told: what nobody uses takes
 *     nothing. */
#include "s3/s3_meter.h"

#include <stdlib.h>

#include "base/map.h"
#include "os/clock.h"
#include "s3/s3_route.h"

enum { KEY_BYTES_MAX = 512, NS_PER_US = 1000 };

/* How it ended: the words of runtime/outcome.h that can be. */
enum ending { ENDING_OK, ENDING_INTERNAL, ENDING_CANCELED, ENDING_DISCONNECTED, ENDINGS };

static const char *const words[ENDINGS] = {"ok", "internalError", "canceled",
                                           "responseStreamDisconnected"};

struct row {
    struct map_node node;       /* by its key */
    struct list link;
    uint64_t endings[ENDINGS];
    uint64_t class_a, class_b;
    uint64_t wall_ns, bytes_in, bytes_out;
};

static struct map map;
static struct list rows = {&rows, &rows};

static struct row *row_of(str key)
{
    struct map_node *node = map_find(&map, key);
    struct row *row;

    if (node)
        return CONTAINER_OF(node, struct row, node);
    row = mem_new(struct row);
    row->node.key = str_from(str_dup(key));
    map_add(&map, &row->node);
    list_push(&rows, &row->link);
    return row;
}

static enum ending ending_of(const struct http_request *http)
{
    if (!http_answer_ended(http))
        return http_answer_started(http) ? ENDING_DISCONNECTED : ENDING_CANCELED;
    return http_answer_status(http) >= 500 ? ENDING_INTERNAL : ENDING_OK;
}

/* An operation that failed by our own fault is none. */
static void count(struct row *row, const struct s3_call *call)
{
    enum ending ending = ending_of(call->http);

    row->endings[ending]++;
    row->class_a += ending != ENDING_INTERNAL && call->op->class == S3_CLASS_A;
    row->class_b += ending != ENDING_INTERNAL && call->op->class == S3_CLASS_B;
    row->wall_ns += clock_monotonic_ns() - call->start_ns;
    row->bytes_in += http_request_body_bytes(call->http);
    row->bytes_out += http_answer_bytes(call->http);
}

void s3_meter_call(const struct s3_call *call)
{
    struct buf key;

    if (!call->is_counted)
        return;
    buf_init(&key, KEY_BYTES_MAX);
    if (buf_printf(&key, "%s/r2:%.*s", call->account,
                   STR_ARGS(call->op->alone ? STR("*") : call->target.bucket)) == 0)
        count(row_of(buf_str(&key)), call);
    buf_done(&key);
}

/* ---- telling ---- */

static void put(json_t *object, const char *name, uint64_t value)
{
    if (value)
        json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *tell(const struct row *row)
{
    json_t *told = json_object(), *outcomes = json_object();
    uint64_t requests = 0;

    for (size_t i = 0; i < ENDINGS; i++) {
        put(outcomes, words[i], row->endings[i]);
        requests += row->endings[i];
    }
    put(told, "requests", requests);
    put(told, "errors", row->endings[ENDING_INTERNAL]);
    put(told, "wall_us", row->wall_ns / NS_PER_US);
    put(told, "bytes_in", row->bytes_in);
    put(told, "bytes_out", row->bytes_out);
    put(told, "class_a", row->class_a);
    put(told, "class_b", row->class_b);
    json_object_set_new(told, "outcomes", outcomes);
    return told;
}

static void row_free(struct row *row)
{
    map_remove(&map, &row->node);
    list_remove(&row->link);
    free((char *)row->node.key.ptr);
    free(row);
}

json_t *s3_meter_take(void)
{
    json_t *told;

    if (list_empty(&rows))
        return NULL;
    told = json_object();
    while (!list_empty(&rows) && json_object_size(told) < S3_METER_ROWS_MAX) {
        struct row *row = CONTAINER_OF(rows.next, struct row, link);

        json_object_set_new(told, row->node.key.ptr, tell(row));
        row_free(row);
    }
    return json_pack("{s:s, s:o}", "type", "usage", "workers", told);
}
