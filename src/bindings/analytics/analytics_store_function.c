/* Functions that queries of data points are made of, and SQLite does not have.
 *
 * Aggregates keep what they saw in SQLite's memory, which is bounded for each query. */
#include <math.h>
#include <stdlib.h>

#include "bindings/analytics/analytics_store_private.h"
#include "bindings/analytics/analytics_time.h"
#include "bindings/d1/d1_json.h"

enum { FORMAT_BYTES_MAX = 4096, TOP_BYTES_MAX = 1 << 20, FIRST_ROOM = 16 };

static str text_of(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);

    return (str){text ? (const char *)text : "", (size_t)sqlite3_value_bytes(value)};
}

static void fail(sqlite3_context *context, const char *text)
{
    sqlite3_result_error(context, text, -1);
}

static bool any_null(sqlite3_value **argv, int argc)
{
    for (int i = 0; i < argc; i++)
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
            return true;
    return false;
}

/* ---- times ---- */

/* an_datetime(x): a text or a number */
static void on_datetime(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    int64_t time;
    uint64_t number;

    if (any_null(argv, argc))
        return;
    if (sqlite3_value_type(argv[0]) != SQLITE_TEXT)
        sqlite3_result_int64(context, sqlite3_value_int64(argv[0]));
    else if (analytics_time_parse(text_of(argv[0]), &time))
        sqlite3_result_int64(context, time);
    else if (str_to_u64(text_of(argv[0]), INT64_MAX, &number))
        sqlite3_result_int64(context, (int64_t)number);
    else
        fail(context, "a text is no time: \"2025-01-31 12:00:00\" is one");
}

static enum analytics_unit unit_of(sqlite3_value *value)
{
    int unit = sqlite3_value_int(value);

    return unit < 0 || unit > ANALYTICS_YEAR ? ANALYTICS_SECOND : (enum analytics_unit)unit;
}

/* an_add(time, amount, unit) */
static void on_add(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    if (!any_null(argv, argc))
        sqlite3_result_int64(context,
                             analytics_time_add(sqlite3_value_int64(argv[0]),
                                                sqlite3_value_int64(argv[1]), unit_of(argv[2])));
}

/* an_start(time, amount, unit) */
static void on_start(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    if (!any_null(argv, argc))
        sqlite3_result_int64(context,
                             analytics_time_start(sqlite3_value_int64(argv[0]),
                                                  sqlite3_value_int64(argv[1]), unit_of(argv[2])));
}

/* an_diff(from, to, unit) */
static void on_diff(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    if (!any_null(argv, argc))
        sqlite3_result_int64(context,
                             analytics_time_diff(sqlite3_value_int64(argv[0]),
                                                 sqlite3_value_int64(argv[1]), unit_of(argv[2])));
}

/* an_part(time, letter) */
static void on_part(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    if (!any_null(argv, argc))
        sqlite3_result_int64(context, analytics_time_part(sqlite3_value_int64(argv[0]),
                                                          text_of(argv[1]).ptr[0]));
}

/* an_format(time, format) */
static void on_format(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct buf out;

    if (any_null(argv, argc))
        return;
    buf_init(&out, FORMAT_BYTES_MAX);
    if (analytics_time_format(sqlite3_value_int64(argv[0]), text_of(argv[1]), &out) < 0)
        fail(context, "the format of a time is too long");
    else
        sqlite3_result_text64(context, out.len ? out.ptr : "", out.len, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
    buf_done(&out);
}

/* an_ends(text, end) */
static void on_ends(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    if (!any_null(argv, argc))
        sqlite3_result_int(context, str_ends(text_of(argv[0]), text_of(argv[1])));
}

/* ---- quantiles ---- */

struct weighted {
    double value, weight;
};

struct sample {
    struct weighted *list;
    size_t count, cap;
    double level;
};

/* The list with room for one more, as sqlite3_realloc() gives it; NULL: there is no memory. */
static void *grown(void *list, size_t count, size_t *cap, size_t size)
{
    size_t wanted = *cap ? 2 * *cap : FIRST_ROOM;
    void *wider;

    if (count < *cap)
        return list;
    if ((wider = sqlite3_realloc64(list, wanted * size)))
        *cap = wanted;
    return wider;
}

/* an_quantile(level, value, weight) */
static void on_sample(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct sample *sample = sqlite3_aggregate_context(context, sizeof *sample);
    struct weighted *list;
    double weight;

    if (!sample || any_null(argv, argc))
        return;
    weight = sqlite3_value_double(argv[2]);
    if (!(weight > 0))
        return;
    if (!(list = grown(sample->list, sample->count, &sample->cap, sizeof *list))) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sample->list = list;
    sample->level = sqlite3_value_double(argv[0]);
    sample->list[sample->count++] = (struct weighted){sqlite3_value_double(argv[1]), weight};
}

static int by_value(const void *a, const void *b)
{
    const struct weighted *one = a, *two = b;

    return (one->value > two->value) - (one->value < two->value);
}

/* The smallest value that has `level` of all weight at or below it. */
static void on_quantile(sqlite3_context *context)
{
    struct sample *sample = sqlite3_aggregate_context(context, 0);
    double total = 0, sum = 0;
    size_t i = 0;

    if (!sample || !sample->count)
        return;
    qsort(sample->list, sample->count, sizeof *sample->list, by_value);
    for (size_t j = 0; j < sample->count; j++)
        total += sample->list[j].weight;
    while (i + 1 < sample->count && (sum += sample->list[i].weight) < sample->level * total)
        i++;
    sqlite3_result_double(context, sample->list[i].value);
    sqlite3_free(sample->list);
    sample->list = NULL;
}

/* ---- what goes with the least and the most ---- */

struct extreme {
    sqlite3_value *what, *by;
};

static int compare(sqlite3_value *a, sqlite3_value *b)
{
    if (sqlite3_value_type(a) == SQLITE_TEXT && sqlite3_value_type(b) == SQLITE_TEXT) {
        str one = text_of(a), two = text_of(b);
        int order = memcmp(one.ptr, two.ptr, one.len < two.len ? one.len : two.len);

        return order ? order : (one.len > two.len) - (one.len < two.len);
    }
    return (sqlite3_value_double(a) > sqlite3_value_double(b)) -
           (sqlite3_value_double(a) < sqlite3_value_double(b));
}

/* an_argmax(what, by), and an_argmin: its user data is -1 */
static void on_extreme(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct extreme *best = sqlite3_aggregate_context(context, sizeof *best);
    bool wants_least = sqlite3_user_data(context) != NULL;
    int order;

    if (!best || sqlite3_value_type(argv[argc - 1]) == SQLITE_NULL)
        return;
    order = best->by ? compare(argv[1], best->by) : 0;
    if (best->by && (wants_least ? order >= 0 : order <= 0))
        return;
    sqlite3_value_free(best->what);
    sqlite3_value_free(best->by);
    best->what = sqlite3_value_dup(argv[0]);
    best->by = sqlite3_value_dup(argv[1]);
    if (!best->what || !best->by)
        sqlite3_result_error_nomem(context);
}

static void on_extreme_end(sqlite3_context *context)
{
    struct extreme *best = sqlite3_aggregate_context(context, 0);

    if (!best)
        return;
    if (best->what)
        sqlite3_result_value(context, best->what);
    sqlite3_value_free(best->what);
    sqlite3_value_free(best->by);
    *best = (struct extreme){0};
}

/* ---- what comes most often ---- */

struct seen {
    char *text;
    size_t len;
    double weight;
};

struct top {
    struct seen *list;
    size_t count, cap, wanted;
};

/* an_top(how many, text, weight) */
static void on_seen(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct top *top = sqlite3_aggregate_context(context, sizeof *top);
    struct seen *list;
    char *copy;
    str text;

    if (!top || any_null(argv, argc))
        return;
    text = text_of(argv[1]);
    list = grown(top->list, top->count, &top->cap, sizeof *list);
    top->list = list ? list : top->list;
    copy = list ? sqlite3_malloc64(text.len + 1) : NULL;
    if (!copy) {
        sqlite3_result_error_nomem(context);
        return;
    }
    memcpy(copy, text.ptr, text.len);
    top->wanted = (size_t)sqlite3_value_int(argv[0]);
    top->list[top->count++] = (struct seen){copy, text.len, sqlite3_value_double(argv[2])};
}

static int by_text(const void *a, const void *b)
{
    const struct seen *one = a, *two = b;
    int order = memcmp(one->text, two->text, one->len < two->len ? one->len : two->len);

    return order ? order : (one->len > two->len) - (one->len < two->len);
}

static int by_weight(const void *a, const void *b)
{
    const struct seen *one = a, *two = b;

    return one->weight == two->weight ? by_text(a, b) : one->weight < two->weight ? 1 : -1;
}

/* Adds up what is the same; returns how many are left. */
static size_t merge(struct top *top)
{
    size_t kept = 0;

    qsort(top->list, top->count, sizeof *top->list, by_text);
    for (size_t i = 0; i < top->count; i++)
        if (kept && by_text(&top->list[kept - 1], &top->list[i]) == 0) {
            top->list[kept - 1].weight += top->list[i].weight;
            sqlite3_free(top->list[i].text);
        } else {
            top->list[kept++] = top->list[i];
        }
    return kept;
}

static int write_top(const struct top *top, struct buf *out)
{
    int r = buf_append_char(out, '[');

    for (size_t i = 0; r == 0 && i < top->count && i < top->wanted; i++) {
        r = i ? buf_append_char(out, ',') : 0;
        if (r == 0)
            r = d1_json_text(out, (str){top->list[i].text, top->list[i].len});
    }
    return r == 0 ? buf_append_char(out, ']') : r;
}

static void on_top(sqlite3_context *context)
{
    struct top *top = sqlite3_aggregate_context(context, 0);
    struct buf out;

    if (!top || !top->list) {
        sqlite3_result_text(context, "[]", -1, SQLITE_STATIC);
        return;
    }
    top->count = merge(top);
    qsort(top->list, top->count, sizeof *top->list, by_weight);
    buf_init(&out, TOP_BYTES_MAX);
    if (write_top(top, &out) < 0)
        sqlite3_result_error_toobig(context);
    else
        sqlite3_result_text64(context, out.ptr, out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_done(&out);
    for (size_t i = 0; i < top->count; i++)
        sqlite3_free(top->list[i].text);
    sqlite3_free(top->list);
    *top = (struct top){0};
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    int arguments;
    void (*call)(sqlite3_context *context, int argc, sqlite3_value **argv);
} plain[] = {
    {"an_datetime", 1, on_datetime},
    {"an_add", 3, on_add},
    {"an_start", 3, on_start},
    {"an_diff", 3, on_diff},
    {"an_part", 2, on_part},
    {"an_format", 2, on_format},
    {"an_ends", 2, on_ends},
};

static const struct {
    const char *name;
    int arguments;
    void *data;
    void (*step)(sqlite3_context *context, int argc, sqlite3_value **argv);
    void (*end)(sqlite3_context *context);
} aggregates[] = {{"an_quantile", 3, NULL, on_sample, on_quantile},
                  {"an_argmax", 2, NULL, on_extreme, on_extreme_end},
                  {"an_argmin", 2, "", on_extreme, on_extreme_end},
                  {"an_top", 3, NULL, on_seen, on_top}};

int analytics_store_function_add(sqlite3 *connection)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, r = SQLITE_OK;

    for (size_t i = 0; r == SQLITE_OK && i < COUNT_OF(plain); i++)
        r = sqlite3_create_function(connection, plain[i].name, plain[i].arguments, flags, NULL,
                                    plain[i].call, NULL, NULL);
    for (size_t i = 0; r == SQLITE_OK && i < COUNT_OF(aggregates); i++)
        r = sqlite3_create_function(connection, aggregates[i].name, aggregates[i].arguments, flags,
                                    aggregates[i].data, NULL, aggregates[i].step,
                                    aggregates[i].end);
    return r;
}
