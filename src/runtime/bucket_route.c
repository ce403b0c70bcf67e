/* Requests answered with objects; see bucket_route.h.
 *
 *     bucket_route_answer ──small, in memory──> answered whole
 *             └──else──> FINDING ──small──> answered whole
 *                           │ └──in memory, larger──> MEMORY <──> (full)
 *                           └──files──> READING <──> FULL
 *
 * What is looked for, one after the other: the object; the directory's document, to which is
 * redirected; what stands for what is not there.
 * (1) The head of files leaves with their first bytes: until then what cannot be read is looked for
 *     once more, past the cache, or is an error page.
 * (2) A route ends when its answer is whole or its exchange is over, but stays until the thread
 *     that reads for it has returned. */
#include "runtime/bucket_route.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bindings/publish/publish_read.h"
#include "bindings/r2/r2_cors.h"
#include "bindings/storage_job.h"
#include "os/clock.h"
#include "runtime/exchange.h"
#include "runtime/host_table.h"
#include "runtime/page.h"
#include "store/cache_answer.h"
#include "store/header_lines.h"
#include "store/http_date.h"

enum {
    WHOLE_BYTES_MAX = 64 << 10,     /* an answer that is put out at once */
    PIECE_BYTES = 256 << 10,
    KEY_BYTES_MAX = 2048,
    HEAD_BYTES_MAX = 192 << 10,
    PATH_BYTES_MAX = 64 << 10,
};

enum route_state { ROUTE_FINDING, ROUTE_MEMORY, ROUTE_READING, ROUTE_FULL, ROUTE_OVER };
enum route_step { STEP_OBJECT, STEP_DIRECTORY, STEP_FALLBACK };

struct bucket_route {
    enum route_state state;
    enum route_step step;
    struct exchange *x;                /* NULL once it is over */
    struct publish_host *host;
    struct buf key;
    struct publish_wait wait;
    struct publish_object *object;     /* from MEMORY and READING on */
    bool skips_cache;                  /* what was kept could not be read */
    bool is_begun;                     /* the head has left */
    int status;
    struct buf head;                   /* until then */
    uint64_t at, left;                 /* of an object in memory */
    struct r2_source source;
    struct storage_job job;
    struct storage_job_queue *queue;
    struct buf piece;
    struct err err;
};

static unsigned busy_count;

bool bucket_route_any_busy(void)
{
    return busy_count > 0;
}

/* ---- life ---- */

static struct bucket_route *route_new(struct exchange *x, struct publish_host *host, str key)
{
    struct bucket_route *route = mem_new(struct bucket_route);

    route->x = x;
    route->host = publish_host_ref(host);
    buf_init(&route->key, KEY_BYTES_MAX);
    buf_init(&route->head, HEAD_BYTES_MAX);
    buf_init(&route->piece, PIECE_BYTES);
    r2_source_init(&route->source);
    list_init(&route->wait.link);
    ASSERT(buf_append(&route->key, key) == 0);
    x->bucket = route;
    return route;
}

static void route_free(struct bucket_route *route)
{
    if (route->x)
        route->x->bucket = NULL;
    publish_read_forget(&route->wait);
    publish_host_unref(route->host);
    publish_object_unref(route->object);
    r2_source_done(&route->source);
    storage_job_queue_free(route->queue);
    buf_done(&route->key);
    buf_done(&route->head);
    buf_done(&route->piece);
    free(route);
}

void bucket_route_over(struct exchange *x)
{
    struct bucket_route *route = x->bucket;

    x->bucket = NULL;
    route->x = NULL;
    if (route->state == ROUTE_READING)
        route->state = ROUTE_OVER; /* (2) */
    else
        route_free(route);
}

static void end_whole(struct bucket_route *route)
{
    struct exchange *x = route->x;

    route_free(route);
    http_answer_end(x->http);
}

static void end_cut(struct bucket_route *route)
{
    struct exchange *x = route->x;

    route_free(route);
    http_answer_abort(x->http);
}

/* What the host's bucket says of the page that asks. */
static int add_cors(const struct publish_host *host, const struct exchange *x, struct buf *head)
{
    return host->cors ? r2_cors_add(host->cors, exchange_header(x, STR("origin")),
                                    exchange_method(x), head)
                      : 0;
}

static void fail(struct exchange *x, const struct publish_host *host, int status)
{
    bool is_missing = status == 404;
    struct buf lines;

    buf_init(&lines, HEAD_BYTES_MAX);
    if (add_cors(host, x, &lines) < 0)
        buf_clear(&lines); /* its page sees less */
    page_error_with(
        x, status, is_missing ? "There is nothing here" : "The object cannot be read",
        is_missing
            ? STR("The bucket that is published at this host has no object for this path.")
            : STR("It is damaged or missing on the server, or its bucket is busy for too long."),
        buf_str(&lines));
    buf_done(&lines);
}

/* The route ends with that. */
static void end_failing(struct bucket_route *route, int status)
{
    struct publish_host *host = publish_host_ref(route->host);
    struct exchange *x = route->x;

    route_free(route);
    fail(x, host, status);
    publish_host_unref(host);
}

/* ---- the head ---- */

/* What is answered, as far as it is decided with the object. */
struct plan {
    struct publish_object *object;
    enum publish_status status;
    enum route_step step;
    struct cache_answer part;        /* status, from, length */
};

static str lines_of(const struct exchange *x)
{
    return str_skip(buf_str(&x->text), x->method_len + x->url_len);
}

static bool is_named(str list, str etag)
{
    str member;

    while (header_lines_member(&list, &member))
        if (str_equal(member, etag) || str_equal(member, STR("*")))
            return true;
    return false;
}

/* RFC 9110 13.1.1 and 13.1.4: what the caller thinks is there is not. */
static bool is_refused(str request, const struct publish_object *object)
{
    str value;
    int64_t time;

    if (header_lines_get(request, STR("if-match"), &value))
        return !is_named(value, buf_str(&object->etag));
    return header_lines_get(request, STR("if-unmodified-since"), &value) &&
           http_date_parse(value, clock_wall_s(), &time) && object->modified > time;
}

/* The validators as the cache's lines: "\n" ends them, not "\r\n". */
static int as_lines(const struct publish_object *object, struct buf *out)
{
    str rest = buf_str(&object->validators);
    int r = 0;

    while (r == 0 && rest.len) {
        size_t end = str_find(rest, '\r');

        if ((r = buf_append(out, str_head(rest, end))) == 0)
            r = buf_append_char(out, '\n');
        rest = str_skip(rest, end + 2);
    }
    return r;
}

static int decide(const struct exchange *x, struct plan *plan)
{
    const struct publish_object *object = plan->object;
    struct cache_answer_input input = {.status = 200,
                                       .request = lines_of(x),
                                       .has_body = true,
                                       .length = object->size,
                                       .now = clock_wall_s()};
    struct buf lines;
    int r;

    if (is_refused(input.request, object)) {
        plan->part = (struct cache_answer){.status = 412};
        return 0;
    }
    buf_init(&lines, HEAD_BYTES_MAX);
    if ((r = as_lines(object, &lines)) == 0) {
        input.response = buf_str(&lines);
        cache_answer_decide(&input, &plan->part);
    }
    buf_done(&lines);
    if (x->method_id == HTTP_HEAD && plan->part.status == 206)
        plan->part = (struct cache_answer){200, true, 0, object->size};
    return r;
}

static int add_range(const struct plan *plan, struct buf *head)
{
    const struct cache_answer *part = &plan->part;

    if (part->status == 206)
        return buf_printf(head, "content-range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                          part->from, part->from + part->length - 1, plan->object->size);
    if (part->status == 416)
        return buf_printf(head, "content-range: bytes */%" PRIu64 "\r\n", plan->object->size);
    return 0;
}

static int add_status(const struct plan *plan, struct buf *head)
{
    int64_t age = clock_wall_s() - plan->object->stored;
    int r = 0;

    if (plan->status == PUBLISH_STATUS_NONE)
        return 0;
    if (plan->status == PUBLISH_STATUS_HIT)
        r = buf_printf(head, "age: %" PRId64 "\r\n", age > 0 ? age : 0);
    return r < 0 ? r : buf_printf(head, "cf-cache-status: %s\r\n", publish_read_word(plan->status));
}

static int write_head(const struct publish_host *host, const struct plan *plan, struct buf *head)
{
    const struct publish_object *object = plan->object;
    int status = plan->part.status, r = 0;

    if (status == 200 || status == 206)
        r = buf_append(head, buf_str(&object->lines));
    if (r == 0 && status != 412 && status != 416)
        r = buf_append(head, buf_str(&object->validators));
    if (r == 0 && (r = add_range(plan, head)) == 0 && (r = add_status(plan, head)) == 0)
        r = buf_append(head, str_from(host->rule.headers));
    return r;
}

/* ---- the body ---- */

static void pump_memory(struct bucket_route *route)
{
    str rest = str_head(str_skip(buf_str(&route->object->bytes), route->at), route->left);

    while (rest.len) {
        str piece = str_head(rest, PIECE_BYTES);
        int r = http_answer_write(route->x->http, piece);

        rest = str_skip(rest, piece.len);
        route->at += piece.len;
        route->left -= piece.len;
        if (r < 0) {
            end_cut(route);
            return;
        }
        if (r == 0 && rest.len)
            return;
    }
    end_whole(route);
}

static void look(struct bucket_route *route);
static void read_on(struct bucket_route *route);

/* (1) */
static void on_unreadable(struct bucket_route *route)
{
    if (route->is_begun) {
        end_cut(route);
    } else if (route->skips_cache) {
        end_failing(route, 500);
    } else {
        route->skips_cache = true;
        publish_object_unref(route->object);
        route->object = NULL;
        r2_source_done(&route->source);
        buf_clear(&route->head);
        route->err.code = 0;
        look(route);
    }
}

static bool begin(struct bucket_route *route)
{
    struct exchange *x = route->x;

    route->is_begun = true;
    return http_answer_start(x->http, route->status, buf_str(&route->head),
                             (int64_t)(route->source.left + route->piece.len));
}

static void on_read(struct storage_job *job)
{
    struct bucket_route *route = CONTAINER_OF(job, struct bucket_route, job);
    int r;

    busy_count--;
    if (route->state == ROUTE_OVER || (!route->is_begun && !exchange_can_answer(route->x))) {
        route_free(route);
    } else if (route->err.code || !route->piece.len) {
        on_unreadable(route);
    } else if (!route->is_begun && !begin(route)) {
        route_free(route);
    } else if ((r = http_answer_write(route->x->http, buf_str(&route->piece))) < 0) {
        end_cut(route);
    } else if (!route->source.left) {
        end_whole(route);
    } else if (r == 0) {
        route->state = ROUTE_FULL;
    } else {
        read_on(route);
    }
}

static void run_read(struct storage_job *job)
{
    struct bucket_route *route = CONTAINER_OF(job, struct bucket_route, job);
    int r = r2_source_read(&route->source, PIECE_BYTES, &route->piece, &route->err);

    if (r < 0)
        route->err.code = r;
}

static void read_on(struct bucket_route *route)
{
    route->state = ROUTE_READING;
    route->job.run = run_read;
    route->job.done = on_read;
    buf_clear(&route->piece);
    busy_count++;
    if (storage_job_post(route->queue, &route->job) == 0)
        return;
    route->err.code = ERR_LIMIT;
    on_read(&route->job);
}

/* ---- answering ---- */

/* `route` may be NULL: then there is none yet. It is freed, or goes on. */
static void stream(struct exchange *x, struct publish_host *host, struct bucket_route *route,
                   const struct plan *plan, str head)
{
    if (!route)
        route = route_new(x, host, STR("-"));
    route->object = publish_object_ref(plan->object);
    route->status = plan->part.status;
    if (plan->object->is_whole) {
        route->state = ROUTE_MEMORY;
        route->at = plan->part.from;
        route->left = plan->part.length;
        if (http_answer_start(x->http, route->status, head, (int64_t)route->left))
            pump_memory(route);
        else
            route_free(route);
        return;
    }
    ASSERT(buf_append(&route->head, head) == 0); /* both have the same maximum */
    publish_object_open(route->object, plan->part.from, plan->part.length, &route->source);
    if (!route->queue)
        route->queue = storage_job_queue_new();
    read_on(route);
}

/* An object's head with no body of ours: HEAD has the length of what GET would give. */
static void answer_head(struct exchange *x, const struct plan *plan, str head)
{
    int status = plan->part.status;

    if (x->method_id == HTTP_HEAD && status == 200)
        (void)!http_answer_start(x->http, status, head, (int64_t)plan->object->size);
    else
        http_answer_whole(x->http, status, head, STR_NONE);
}

static void answer(struct exchange *x, struct publish_host *host, struct bucket_route *route,
                   struct plan *plan)
{
    const struct publish_object *object = plan->object;
    bool is_page = plan->step == STEP_FALLBACK && host->rule.missing == PUBLISH_MISSING_PAGE;
    bool has_body;
    struct buf head;
    str bytes;

    buf_init(&head, HEAD_BYTES_MAX);
    plan->part = (struct cache_answer){200, true, 0, object->size};
    if ((!is_page && decide(x, plan) < 0) || write_head(host, plan, &head) < 0 ||
        add_cors(host, x, &head) < 0) {
        buf_done(&head);
        if (route)
            end_failing(route, 500);
        else
            fail(x, host, 500);
        return;
    }
    if (is_page)
        plan->part.status = 404;
    has_body = plan->part.has_body && x->method_id != HTTP_HEAD;
    bytes = str_head(str_skip(buf_str(&object->bytes), plan->part.from), plan->part.length);
    if (has_body && (!object->is_whole || bytes.len > WHOLE_BYTES_MAX)) {
        stream(x, host, route, plan, buf_str(&head));
    } else {
        if (route)
            route_free(route);
        if (has_body)
            http_answer_whole(x->http, plan->part.status, buf_str(&head), bytes);
        else
            answer_head(x, plan, buf_str(&head));
    }
    buf_done(&head);
}

/* ---- what is looked for ---- */

static str path_of(const struct exchange *x)
{
    str path = exchange_path(x);

    return str_head(path, str_find(path, '?'));
}

/* To the same path with "/" at its end. One that begins with "//" would lead to another host. */
static bool redirect(const struct publish_host *host, struct exchange *x)
{
    str all = exchange_path(x), path = path_of(x);
    struct buf head;
    bool done;

    buf_init(&head, PATH_BYTES_MAX + HEAD_BYTES_MAX);
    done = !str_starts(path, STR("//")) &&
           buf_printf(&head, "location: %.*s/%.*s\r\n", STR_ARGS(path),
                      STR_ARGS(str_skip(all, path.len))) == 0 &&
           add_cors(host, x, &head) == 0;
    if (done)
        http_answer_whole(x->http, 307, buf_str(&head), STR_NONE);
    buf_done(&head);
    return done;
}

/* The key of the next step, when there is one. */
static bool next_step(struct bucket_route *route)
{
    const struct publish_rule *rule = &route->host->rule;
    bool is_file = !str_ends(path_of(route->x), STR("/"));

    if (route->step == STEP_OBJECT && is_file && *rule->index) {
        route->step = STEP_DIRECTORY;
        if (buf_append_char(&route->key, '/') == 0 && publish_rule_add_index(rule, &route->key))
            return true;
    }
    if (route->step == STEP_FALLBACK)
        return false;
    route->step = STEP_FALLBACK;
    return publish_rule_fallback(rule, &route->key);
}

static void on_missing(struct bucket_route *route)
{
    if (next_step(route))
        look(route);
    else
        end_failing(route, 404);
}

static void on_found(struct bucket_route *route, struct publish_object *object,
                     enum publish_status status)
{
    struct exchange *x = route->x;
    struct plan plan = {.object = object, .status = status, .step = route->step};

    if (route->step != STEP_DIRECTORY)
        answer(x, route->host, route, &plan);
    else if (redirect(route->host, x))
        route_free(route);
    else
        on_missing(route);
}

static void on_object(struct publish_wait *wait, struct publish_object *object,
                      enum publish_status status, int code)
{
    struct bucket_route *route = CONTAINER_OF(wait, struct bucket_route, wait);
    struct exchange *x = route->x;

    x->reads_bucket |= code == ERR_NOT_FOUND || (!code && status != PUBLISH_STATUS_HIT);
    if (!exchange_can_answer(x)) {
        route_free(route);
    } else if (code == ERR_NOT_FOUND) {
        on_missing(route);
    } else if (code) {
        end_failing(route, 500);
    } else {
        on_found(route, object, status);
    }
}

static void look(struct bucket_route *route)
{
    struct publish_object *object = route->skips_cache
                                        ? NULL
                                        : publish_read_now(route->host, buf_str(&route->key));

    if (object) {
        on_found(route, object, PUBLISH_STATUS_HIT);
        return;
    }
    route->state = ROUTE_FINDING;
    route->wait.done = on_object;
    publish_read_start(route->host, buf_str(&route->key), route->skips_cache, &route->wait);
}

static void find(struct exchange *x, struct publish_host *host, str key, enum route_step step)
{
    struct publish_object *object = publish_read_now(host, key);
    struct plan plan = {.object = object, .status = PUBLISH_STATUS_HIT, .step = step};
    struct bucket_route *route;

    if (object) {
        answer(x, host, NULL, &plan);
        return;
    }
    route = route_new(x, host, key);
    route->step = step;
    look(route);
}

/* At "/" of a bucket without documents there is nothing: no list. */
static void answer_at(struct exchange *x, struct publish_host *host)
{
    enum route_step step = STEP_OBJECT;
    struct buf key;
    bool found;

    buf_init(&key, KEY_BYTES_MAX);
    found = publish_rule_key(&host->rule, path_of(x), &key);
    if (found && !publish_rule_add_index(&host->rule, &key) && !key.len) {
        step = STEP_FALLBACK;
        found = publish_rule_fallback(&host->rule, &key);
    }
    if (found)
        find(x, host, buf_str(&key), step);
    else
        fail(x, host, 404);
    buf_done(&key);
}

/* What a browser asks before a request of another origin's page. */
static void answer_preflight(struct exchange *x, const struct publish_host *host)
{
    const struct r2_cors_asked asked = {
        .origin = exchange_header(x, STR("origin")),
        .method = exchange_header(x, STR("access-control-request-method")),
        .headers = exchange_header(x, STR("access-control-request-headers")),
    };
    struct buf head;

    buf_init(&head, HEAD_BYTES_MAX);
    if (r2_cors_preflight(host->cors, &asked, &head))
        http_answer_whole(x->http, 204, buf_str(&head), STR_NONE);
    else
        http_answer_whole(x->http, 403, STR("content-type: text/plain\r\nvary: Origin\r\n"),
                          STR("403 Forbidden: no CORS rule of the bucket allows this.\n"));
    buf_done(&head);
}

void bucket_route_answer(const struct publish_set *set, struct exchange *x)
{
    struct publish_host *host = publish_host_find(set, host_table_host(x));

    if (!host)
        page_nobody(x, host_table_host(x));
    else if (x->method_id == HTTP_GET || x->method_id == HTTP_HEAD)
        answer_at(x, host);
    else if (x->method_id == HTTP_OPTIONS && host->cors)
        answer_preflight(x, host);
    else
        http_answer_whole(x->http, 405,
                          host->cors ? STR("allow: GET, HEAD, OPTIONS\r\n")
                                     : STR("allow: GET, HEAD\r\n"),
                          STR_NONE);
}

void bucket_route_on_drain(struct exchange *x)
{
    struct bucket_route *route = x->bucket;

    if (route->state == ROUTE_MEMORY)
        pump_memory(route);
    else if (route->state == ROUTE_FULL)
        read_on(route);
}
