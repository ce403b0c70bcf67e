/* Workers; see worker.h.
 *
 * A worker has at most one live version and one that loads. A version that finishes loading takes
 * the place of the live one, which drains; one that fails to load leaves it alone.
 *
 * (1) An exchange is in exactly one list: a worker's `waiting`, `asking` (its host is not known),
 *     or its version's `running`.
 * (2) A worker that has no host listed answers at every host: `everywhere`. */
#include "runtime/worker.h"

#include <stdlib.h>

#include "runtime/page.h"
#include "runtime/runtime.h"

struct worker {
    struct list link;         /* in `workers` */
    char *name;
    json_t *hosts;            /* array of strings */
    struct version *live;
    struct version *loading;
    struct list waiting;
    size_t waiting_count;
    char *failed_title;       /* what to show while there is no live version */
    char *failed_detail;
    bool asked;               /* the supervisor owes us a version */
    json_t *kept;             /* the frame of a version to load when a request comes, or NULL */
    char *kept_blob;
    size_t kept_len;
};

static struct list workers = {&workers, &workers};
static struct list asking = {&asking, &asking};
static struct worker *everywhere;
static json_t *by_host;      /* host -> the worker's name */
static json_t *asked_hosts;  /* host -> true while the supervisor owes an answer */

const char *worker_name(const struct worker *worker)
{
    return worker->name;
}

static struct worker *find_by_name(const char *name)
{
    LIST_EACH(&workers, link) {
        struct worker *w = CONTAINER_OF(link, struct worker, link);
        if (strcmp(w->name, name) == 0)
            return w;
    }
    return NULL;
}

/* ---- hosts ---- */

static void make_tables(void)
{
    if (by_host)
        return;
    by_host = json_object();
    asked_hosts = json_object();
}

static str without_port(str host)
{
    for (size_t i = host.len; i > 0 && host.ptr[i - 1] != ']'; i--)
        if (host.ptr[i - 1] == ':')
            return str_head(host, i - 1);
    return host;
}

static struct worker *find_by_host(str host)
{
    static struct worker *last; /* nearly always the same one as before */
    static char last_host[256];
    json_t *name;

    if (everywhere)
        return everywhere;
    if (last && str_equal(str_from(last_host), host))
        return last;
    name = host.len < sizeof last_host ? json_object_getn(by_host, host.ptr, host.len) : NULL;
    if (!name)
        return NULL;
    last = find_by_name(json_string_value(name));
    memcpy(last_host, host.ptr, host.len);
    last_host[host.len] = '\0';
    return last;
}

/* ---- waiting ---- */

static void give(struct worker *w, struct exchange *x);

static void wait_for(struct worker *w, struct exchange *x)
{
    if (w->waiting_count >= WORKER_WAITING_MAX) {
        page_error(x, 503, "Too many requests wait for this worker", STR_NONE);
        return;
    }
    list_remove(&x->link);
    list_push(&w->waiting, &x->link);
    w->waiting_count++;
}

static void give_all(struct worker *w, struct list *from)
{
    struct list batch, *link;

    list_init(&batch);
    list_move_all(from, &batch);
    while ((link = list_pop(&batch)))
        give(w, CONTAINER_OF(link, struct exchange, link));
}

static void give_waiting(struct worker *w)
{
    w->waiting_count = 0;
    give_all(w, &w->waiting);
}

static void ask(str host)
{
    make_tables();
    if (json_object_getn(asked_hosts, host.ptr, host.len))
        return;
    json_object_setn_new(asked_hosts, host.ptr, host.len, json_true());
    runtime_tell(json_pack("{s:s, s:s%}", "type", "want", "host", host.ptr, host.len));
}

static void load(struct worker *w, json_t *frame, str blob);

static void give(struct worker *w, struct exchange *x)
{
    x->worker = w->name;
    if (!w->live && !w->loading && w->kept)
        load(w, w->kept, (str){w->kept_blob, w->kept_len});
    if (w->live) {
        version_dispatch(w->live, x);
    } else if (w->loading || w->asked) {
        wait_for(w, x);
    } else if (w->failed_title) {
        page_error(x, 500, w->failed_title, str_from(w->failed_detail));
    } else {
        w->asked = true;
        ask(without_port(exchange_host(x)));
        wait_for(w, x);
    }
}

void worker_route(struct exchange *x)
{
    str host = without_port(exchange_host(x));
    struct worker *w = find_by_host(host);

    if (w) {
        give(w, x);
        return;
    }
    list_push(&asking, &x->link);
    ask(host);
}

/* ---- frames ---- */

static void set_hosts(struct worker *w, json_t *hosts)
{
    size_t index;
    json_t *host;

    json_decref(w->hosts);
    w->hosts = json_incref(hosts);
    if (json_array_size(hosts) == 0) {
        everywhere = w;
        json_object_clear(asked_hosts);
    }
    json_array_foreach(hosts, index, host) {
        json_object_set_new(by_host, json_string_value(host), json_string(w->name));
        json_object_del(asked_hosts, json_string_value(host));
    }
}

static struct worker *worker_of_frame(json_t *frame)
{
    const char *name = json_string_value(json_object_get(frame, "name"));
    struct worker *w;

    make_tables();
    if (!name)
        return NULL;
    w = find_by_name(name);
    if (!w) {
        w = mem_new(struct worker);
        w->name = str_dup(str_from(name));
        list_init(&w->waiting);
        list_push(&workers, &w->link);
    }
    w->asked = false;
    set_hosts(w, json_object_get(frame, "hosts"));
    return w;
}

/* The requests that waited to learn which worker they are for. */
static void route_asking(void)
{
    struct list batch, *link;

    list_init(&batch);
    list_move_all(&asking, &batch);
    while ((link = list_pop(&batch)))
        worker_route(CONTAINER_OF(link, struct exchange, link));
}

static void set_failed(struct worker *w, const char *title, str detail)
{
    free(w->failed_title);
    free(w->failed_detail);
    w->failed_title = title ? str_dup(str_from(title)) : NULL;
    w->failed_detail = title ? str_dup(detail) : NULL;
}

static void load(struct worker *w, json_t *frame, str blob)
{
    struct version_source source = {
        .id = json_string_value(json_object_get(frame, "version")),
        .config = json_object_get(frame, "config"),
        .parts = json_object_get(frame, "parts"),
        .blob = blob,
    };
    struct version *older = w->loading;

    if (!source.id || !json_is_object(source.config) || version_new(w, &source, &w->loading) < 0) {
        runtime_log(w->name, "error", STR("the supervisor sent a version without parts"));
        return;
    }
    version_free(older);
}

/* Keeps what a frame brought instead of what was kept before; NULL: nothing. */
static void keep(struct worker *w, json_t *frame, str blob)
{
    json_decref(w->kept);
    free(w->kept_blob);
    w->kept = frame ? json_incref(frame) : NULL;
    w->kept_blob = frame ? str_dup(blob) : NULL;
    w->kept_len = blob.len;
}

void worker_on_version(json_t *frame, str blob)
{
    struct worker *w = worker_of_frame(frame);
    bool now;

    if (!w)
        return;
    now = w->live || w->loading || json_is_true(json_object_get(frame, "load"));
    keep(w, now ? NULL : frame, blob);
    if (now)
        load(w, frame, blob);
    route_asking();
}

void worker_on_failed(json_t *frame)
{
    struct worker *w = worker_of_frame(frame);
    const char *title = json_string_value(json_object_get(frame, "title"));

    if (!w)
        return;
    set_failed(w, title ? title : "This worker cannot run",
               str_from(json_string_value(json_object_get(frame, "detail"))));
    give_waiting(w);
    route_asking();
}

void worker_on_unknown(json_t *frame)
{
    str host = str_from(json_string_value(json_object_get(frame, "host")));

    json_object_deln(asked_hosts, host.ptr ? host.ptr : "", host.len);
    LIST_EACH_SAFE(&asking, link) {
        struct exchange *x = CONTAINER_OF(link, struct exchange, link);
        if (!str_equal(without_port(exchange_host(x)), host))
            continue;
        list_remove(&x->link);
        page_error(x, 404, "No worker answers at this host", host);
    }
}

/* ---- versions ---- */

void worker_version_loaded(struct worker *w, struct version *v)
{
    ASSERT(w->loading == v);
    w->loading = NULL;
    if (w->live)
        version_drain(w->live);
    w->live = v;
    set_failed(w, NULL, STR_NONE);
    runtime_tell(json_pack("{s:s, s:s, s:s, s:f}", "type", "live", "name", w->name, "version",
                           version_id(v), "ms", version_load_ms(v)));
    give_waiting(w);
}

void worker_version_refused(struct worker *w, struct version *v, str error)
{
    if (w->loading == v)
        w->loading = NULL;
    if (!w->live)
        set_failed(w, "The worker threw an error while it was loaded", error);
    runtime_tell(json_pack("{s:s, s:s, s:s, s:o}", "type", "refused", "name", w->name, "version",
                           version_id(v), "error", runtime_text(error)));
    give_waiting(w);
}

/* The next request asks the supervisor for the version again. */
void worker_version_died(struct worker *w, struct version *v)
{
    if (w->live == v)
        w->live = NULL;
}

void worker_drain_all(void)
{
    LIST_EACH(&workers, link) {
        struct worker *w = CONTAINER_OF(link, struct worker, link);
        if (w->live)
            version_drain(w->live);
        w->live = NULL;
        version_free(w->loading);
        w->loading = NULL;
    }
}
