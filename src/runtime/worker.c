/* Workers; see worker.h.
 *
 * A deployment is one or two versions. `live` takes requests; `next` is there while its versions
 * load, takes the place of `live` when the last of them has, and is given up when one is refused.
 *
 * (1) An exchange is in exactly one list: a worker's `waiting`, a host table's, or its version's
 *     `running`.
 * (2) A version that is in `live` and in `next` is the same one: what stays is not loaded again,
 *     unless its bindings lead elsewhere.
 * (3) `sites` are the files of the deployment that takes requests, loaded or kept; `next_sites`
 *     those of `next`, which take their place with it.
 * (4) A worker is freed by the last worker_unref() when nothing is told or asked about it.
 *     Versions, exchanges and rules of hosts hold it. */
#include "runtime/worker.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/member.h"
#include "runtime/asset_route.h"
#include "runtime/bucket_route.h"
#include "runtime/handover.h"
#include "runtime/host_table.h"
#include "runtime/meter.h"
#include "runtime/page.h"
#include "runtime/rollout.h"
#include "runtime/runtime.h"
#include "runtime/service_call.h"

enum worker_state { WORKER_UNTOLD, WORKER_HERE, WORKER_FAILED, WORKER_AWAY, WORKER_DELETED };

struct deployment {
    size_t count;
    size_t loading;     /* versions not loaded yet */
    struct version *versions[ROLLOUT_VERSIONS_MAX];    /* NULL: a limit ended it */
    double percents[ROLLOUT_VERSIONS_MAX];
};

struct worker {
    struct map_node node;
    struct evict_entry evict;    /* in eviction's order while something is told */
    unsigned refs;
    unsigned running;            /* exchanges it was given that are not over */
    enum worker_state state;
    bool asked;                  /* the supervisor owes us a frame */
    bool lent;                   /* AWAY, but here for calls by other workers */
    bool asked_lent;             /* that was asked for, the last time it was AWAY */
    bool keep;
    bool traced;
    uint64_t number;
    char *script;                /* its name in overrides */
    struct limits limits;
    struct deployment live, next;
    struct asset_sites *sites;   /* NULL: no version has files */
    struct asset_sites *next_sites;
    bool has_next_sites;         /* even when they are none */
    struct publish_set *published;    /* a bucket stands for it; NULL: it is a script */
    struct list waiting;         /* exchanges */
    unsigned retry_s;    /* in quarantine: when to come again; 0: it is not */
    char *failed_title;
    char *failed_detail;
    json_t *kept;                /* the frame of a deployment to load when a request comes */
    char *kept_blob;
    size_t kept_len;
    char key[];
};

static struct map by_key;

const char *worker_name(const struct worker *w)
{
    return w->key;
}

uint64_t worker_number(const struct worker *w)
{
    return w->number;
}

const struct limits *worker_limits(const struct worker *w)
{
    return &w->limits;
}

const char *worker_script_name(const struct worker *w)
{
    return w->script ? w->script : "";
}

bool worker_is_traced(const struct worker *w)
{
    return w->traced;
}

/* ---- life ---- */

struct worker *worker_get(str key)
{
    struct map_node *node = map_find(&by_key, key);
    struct worker *w;

    if (node)
        return CONTAINER_OF(node, struct worker, node);
    w = mem_zeroed(sizeof *w + key.len + 1);
    memcpy(w->key, key.ptr, key.len);
    w->node.key = (str){w->key, key.len};
    w->limits = limits_default();
    evict_init(&w->evict);
    list_init(&w->waiting);
    map_add(&by_key, &w->node);
    return w;
}

static void free_if_unknown(struct worker *w)
{
    if (w->refs || w->asked || w->state != WORKER_UNTOLD || w->next.count)
        return;
    map_remove(&by_key, &w->node);
    free(w->script);
    free(w);
}

struct worker *worker_ref(struct worker *w)
{
    w->refs++;
    return w;
}

void worker_unref(struct worker *w)
{
    if (!w)
        return;
    w->refs--;
    free_if_unknown(w);
}

/* ---- deployments ---- */

static const struct version_hooks version_hooks;

static bool has_version(const struct deployment *d, const struct version *v)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->versions[i] == v)
            return true;
    return false;
}

/* What a binding leads to may go while the version stays. */
static bool has_bindings(const struct version *v, const json_t *config)
{
    const json_t *old = version_bindings(v);
    const json_t *new = json_object_get(config, "bindings");

    return (!old && !new) || json_equal(old, new);
}

static struct version *version_like(const struct deployment *d, const struct version_source *source)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->versions[i] && strcmp(version_id(d->versions[i]), source->id) == 0 &&
            has_bindings(d->versions[i], source->config))
            return d->versions[i];
    return NULL;
}

/* Ends what `old` has and neither of the others needs. */
static void leave(struct deployment old, const struct deployment *kept,
                  const struct deployment *too)
{
    for (size_t i = 0; i < old.count; i++)
        if (old.versions[i] && !has_version(kept, old.versions[i]) &&
            !has_version(too, old.versions[i]))
            version_drain(old.versions[i]);
}

/* No version and no wish for one is left. */
static void leave_all(struct worker *w)
{
    struct deployment live = w->live, next = w->next;

    w->live = w->next = (struct deployment){0};
    leave(live, &w->live, &w->live);
    leave(next, &w->live, &live);
}

/* Keeps what a frame brought instead of what was kept before; NULL: nothing. */
static void keep(struct worker *w, json_t *frame, str blob)
{
    json_t *old = w->kept;
    char *old_blob = w->kept_blob;

    w->kept = frame ? json_incref(frame) : NULL;
    w->kept_blob = frame ? str_dup(blob) : NULL;
    w->kept_len = blob.len;
    json_decref(old);
    free(old_blob);
}

static void set_failed(struct worker *w, const char *title, str detail)
{
    free(w->failed_title);
    free(w->failed_detail);
    w->failed_title = title ? str_dup(str_from(title)) : NULL;
    w->failed_detail = title ? str_dup(detail) : NULL;
}

static void give_waiting(struct worker *w);

static void tell_live(struct worker *w, double ms, bool kept)
{
    json_t *ids = json_array(), *versions = json_object_get(w->kept, "versions"), *version;
    size_t i;

    for (i = 0; i < w->live.count && !kept; i++)
        json_array_append_new(ids, json_string(version_id(w->live.versions[i])));
    json_array_foreach(versions, i, version)
        json_array_append(ids, json_object_get(version, "id"));
    runtime_tell(json_pack("{s:s, s:s, s:o, s:f, s:b}", "type", "live", "worker", w->key,
                           "versions", ids, "ms", ms, "kept", kept));
}

static void take_sites(struct worker *w)
{
    if (!w->has_next_sites)
        return;
    asset_route_free_sites(w->sites);
    w->sites = w->next_sites;
    w->next_sites = NULL;
    w->has_next_sites = false;
}

/* NULL (taken): there are none. */
static void set_next_sites(struct worker *w, struct asset_sites *sites, bool has)
{
    asset_route_free_sites(w->next_sites);
    w->next_sites = sites;
    w->has_next_sites = has;
}

/* Takes `published`; NULL: it is none, or none any more. */
static void set_published(struct worker *w, struct publish_set *published)
{
    publish_host_free_set(w->published);
    w->published = published;
}

static void forget_sites(struct worker *w)
{
    set_published(w, NULL);
    set_next_sites(w, NULL, true);
    take_sites(w);
}

/* `next` is loaded: it takes the place of `live`. */
static void switch_over(struct worker *w)
{
    struct deployment old = w->live;
    double ms = 0;

    w->live = w->next;
    w->next = (struct deployment){0};
    for (size_t i = 0; i < w->live.count; i++)
        if (!has_version(&old, w->live.versions[i]) && version_load_ms(w->live.versions[i]) > ms)
            ms = version_load_ms(w->live.versions[i]);
    leave(old, &w->live, &w->live);
    take_sites(w);
    set_failed(w, NULL, STR_NONE);
    tell_live(w, ms, false);
    give_waiting(w);
}

static void tell_refused(struct worker *w, const char *id, str error)
{
    runtime_tell(json_pack("{s:s, s:s, s:s, s:o}", "type", "refused", "worker", w->key, "version",
                           id, "error", runtime_text(error)));
}

/* One of its versions cannot run: `next` is given up, `live` goes on. */
static void give_up_next(struct worker *w, const char *id, str error)
{
    struct deployment next = w->next;

    w->next = (struct deployment){0};
    set_next_sites(w, NULL, false);
    leave(next, &w->live, &w->live);
    if (!w->live.count) {
        set_failed(w, "The worker threw an error while it was loaded", error);
        w->state = WORKER_FAILED;
    }
    tell_refused(w, id, error);
    give_waiting(w);
}

static void on_loaded(void *context, struct version *v)
{
    struct worker *w = context;

    meter_cold(w->key, (uint64_t)(version_load_ms(v) * 1e6), !list_empty(&w->waiting));
    if (--w->next.loading == 0)
        switch_over(w);
}

static void on_refused(void *context, struct version *v, str error)
{
    struct worker *w = context;

    if (has_version(&w->next, v))
        give_up_next(w, version_id(v), error);
}

/* A limit ended it: the next request that needs it asks the supervisor for it again. */
static void on_died(void *context, struct version *v)
{
    struct worker *w = context;
    bool any = false;

    for (size_t i = 0; i < w->live.count; i++) {
        if (w->live.versions[i] == v)
            w->live.versions[i] = NULL;
        any |= w->live.versions[i] != NULL;
    }
    if (!any)
        w->live = (struct deployment){0};
    if (has_version(&w->next, v))
        give_up_next(w, version_id(v), STR("a limit ended it before the other version was loaded"));
}

static const struct version_hooks version_hooks = {on_loaded, on_refused, on_died};

/* ---- loading ---- */

static size_t bytes_of(const json_t *parts)
{
    size_t bytes = 0, index;
    const json_t *part;

    json_array_foreach(parts, index, part) {
        int64_t of_part = member_int(part, "bytes");
        if (of_part > 0)
            bytes += (size_t)of_part;
    }
    return bytes;
}

/* The version that `object` describes: one that is there already, or a new one that loads. */
static struct version *find_or_load(struct worker *w, const json_t *object, str blob)
{
    struct version_source source = {
        .worker = w,
        .hooks = &version_hooks,
        .context = w,
        .id = member_text(object, "id"),
        .config = json_object_get(object, "config"),
        .parts = json_object_get(object, "parts"),
        .blob = blob,
        .limits = &w->limits,
    };
    struct version *v;

    if (!source.id)
        return NULL;
    if ((v = version_like(&w->live, &source)) || (v = version_like(&w->next, &source))) {
        version_set_limits(v, &w->limits);
        return v;
    }
    return version_new(&source, &v) < 0 ? NULL : v;
}

static void load(struct worker *w, const json_t *frame, str blob)
{
    const json_t *versions = json_object_get(frame, "versions"), *object;
    struct deployment next = {0}, old = w->next;
    size_t index;

    evict_make_room();
    json_array_foreach(versions, index, object) {
        struct version *v = next.count < ROLLOUT_VERSIONS_MAX ? find_or_load(w, object, blob)
                                                              : NULL;
        if (!v)
            break;
        next.percents[next.count] = json_number_value(json_object_get(object, "percent"));
        next.versions[next.count++] = v;
        next.loading += version_is_loading(v);
        blob = str_skip(blob, bytes_of(json_object_get(object, "parts")));
    }
    w->next = next;
    leave(old, &w->next, &w->live);
    if (next.count != json_array_size(versions))
        give_up_next(w, "", STR("the supervisor sent a version without parts"));
    else if (!next.loading)
        switch_over(w);
}

static void load_kept(struct worker *w)
{
    json_t *frame = w->kept;
    char *blob = w->kept_blob;

    w->kept = NULL;
    w->kept_blob = NULL;
    load(w, frame, (str){blob, w->kept_len});
    json_decref(frame);
    free(blob);
}

/* ---- requests ---- */

static void ask(struct worker *w)
{
    if (w->asked)
        return;
    w->asked = true;
    w->asked_lent = w->state == WORKER_AWAY;
    runtime_tell(
        json_pack("{s:s, s:s, s:b}", "type", "want", "worker", w->key, "lend", w->asked_lent));
}

/* Requests for a worker that is in another process are for that one to answer; a call by another
 * worker is not, as the two are to be in one process. */
static bool is_away_for(const struct worker *w, const struct exchange *x)
{
    return w->state == WORKER_AWAY && !service_call_is(x);
}

static size_t choose_from(const struct worker *w, const struct rollout *rollout, struct exchange *x)
{
    if (!x->chosen || x->chosen > rollout->count)
        x->chosen = 1 + (unsigned)rollout_choose(
                            rollout, w->node.key, str_from(worker_script_name(w)),
                            exchange_header(x, STR("cloudflare-workers-version-key")),
                            exchange_header(x, STR("cloudflare-workers-version-overrides")));
    return x->chosen - 1;
}

/* Files are looked for before a script is entered, or even loaded. */
static bool answer_by_file(const struct worker *w, struct exchange *x)
{
    const struct asset_sites *sites = w->sites;
    size_t at = sites->rollout.count > 1 && x->http ? choose_from(w, &sites->rollout, x) : 0;

    return x->http && sites->sites[at] && asset_route_try(sites->sites[at], x);
}

static struct version *choose(struct worker *w, struct exchange *x)
{
    struct rollout rollout = {.count = w->live.count};

    for (size_t i = 0; i < rollout.count; i++) {
        struct version *v = w->live.versions[i];
        rollout.ids[i] = v ? str_from(version_id(v)) : STR_NONE;
        rollout.percents[i] = w->live.percents[i];
    }
    return w->live.versions[choose_from(w, &rollout, x)];
}

static struct version *version_for(struct worker *w, struct exchange *x)
{
    return w->live.count > 1 && x ? choose(w, x) : w->live.versions[0];
}

/* Sees to it that a version is loaded, or that there never will be one: then false. */
static bool may_come(struct worker *w)
{
    if (w->state == WORKER_FAILED || w->state == WORKER_DELETED ||
        (w->state == WORKER_AWAY && !w->lent && w->asked_lent))
        return false;
    if (!w->next.count && w->kept)
        load_kept(w);
    else if (!w->next.count)
        ask(w);
    return w->state != WORKER_FAILED;
}

static void refuse(struct worker *w, struct exchange *x)
{
    if (w->state == WORKER_AWAY && service_call_is(x))
        page_outcome(x, OUTCOME_QUARANTINED, NULL, STR_NONE);
    else if (w->state == WORKER_AWAY && x->event)
        page_outcome(x, OUTCOME_NOT_FOUND, "The worker is not in this process", STR_NONE);
    else if (w->state == WORKER_AWAY)
        handover_give(x);
    else if (w->state == WORKER_DELETED)
        page_nobody(x, host_table_host(x));
    else if (w->retry_s)
        page_later(x, OUTCOME_QUARANTINED, w->retry_s);
    else
        page_error(x, 500, w->failed_title, str_from(w->failed_detail));
}

static void give(struct worker *w, struct exchange *x)
{
    struct version *v;

    if (is_away_for(w, x)) {
        list_remove(&x->link);
        refuse(w, x);
        return;
    }
    if (w->published && x->http) {
        bucket_route_answer(w->published, x);
        return;
    }
    if (w->sites && answer_by_file(w, x))
        return;
    if ((v = version_for(w, x))) {
        version_dispatch(v, x);
        return;
    }
    list_remove(&x->link);
    if (!may_come(w)) {
        refuse(w, x);
    } else if ((v = version_for(w, x))) {
        version_dispatch(v, x);
    } else {
        list_push(&w->waiting, &x->link);
    }
}

static void give_waiting(struct worker *w)
{
    struct list batch, *link;

    worker_ref(w);
    list_init(&batch);
    list_move_all(&w->waiting, &batch);
    while ((link = list_pop(&batch)))
        give(w, CONTAINER_OF(link, struct exchange, link));
    worker_unref(w);
}

static void hold(struct worker *w, struct exchange *x)
{
    x->held = worker_ref(w);
    x->worker = w->key;
    x->counted = w->running < w->limits.concurrency;
    w->running += x->counted;
}

static void hold_and_give(struct worker *w, struct exchange *x)
{
    hold(w, x);
    if (x->counted)
        give(w, x);
    else
        page_outcome(x, OUTCOME_CONCURRENCY, NULL, STR_NONE);
}

void worker_route(struct exchange *x)
{
    struct worker *w;

    switch (host_table_find(x, &w)) {
    case HOST_WORKER:
        hold_and_give(w, x);
        break;
    case HOST_NOBODY:
        page_nobody(x, host_table_host(x));
        break;
    case HOST_BUSY:
        page_outcome(x, OUTCOME_LOAD_SHED, "Too many unknown hosts are asked for", STR_NONE);
        break;
    case HOST_ASKED:
        break;
    }
}

void worker_exchange_over(struct exchange *x)
{
    struct worker *w = x->held;

    if (!w)
        return;
    w->running -= x->counted;
    w->evict.used_ms = uv_now(isolate_loop());
    x->held = NULL;
    worker_unref(w);
}

void worker_run(str key, struct exchange *x)
{
    hold_and_give(worker_get(key), x);
}

/* ---- frames ---- */

static struct worker *worker_of_frame(const json_t *frame)
{
    str key = str_from(member_text(frame, "worker"));

    if (key.len)
        return worker_get(key);
    runtime_log("", "error", STR("the supervisor sent a frame without a worker"));
    return NULL;
}

void worker_read_limits(struct limits *ret_limits, const json_t *limits)
{
    for (const struct limits_row *row = limits_rows; row->key; row++) {
        const json_t *value = json_object_get(limits, row->key);
        json_int_t number = json_integer_value(value);
        bool good = json_is_integer(value) && number >= 0 && (uint64_t)number >= row->least &&
                    (uint64_t)number <= row->most;
        *limits_value(ret_limits, row) = good ? (uint64_t)number : row->normal;
    }
}

static void set_about(struct worker *w, const json_t *frame)
{
    const char *script = member_text(frame, "script");
    int64_t number = member_int(frame, "number");

    free(w->script);
    w->script = str_dup(str_from(script ? script : ""));
    w->number = number > 0 ? (uint64_t)number : 0;
    w->keep = json_is_true(json_object_get(frame, "keep"));
    w->traced = json_is_true(json_object_get(frame, "trace"));
    worker_read_limits(&w->limits, json_object_get(frame, "limits"));
}

static void enter(struct worker *w, enum worker_state state)
{
    w->asked = false;
    w->state = state;
    if (state != WORKER_UNTOLD)
        evict_add(&w->evict);
}

/* It is not to run here (any more). */
static void put_away(struct worker *w, enum worker_state state)
{
    enter(w, state);
    w->lent = false;
    keep(w, NULL, STR_NONE);
    set_failed(w, NULL, STR_NONE);
    forget_sites(w);
    leave_all(w);
    give_waiting(w);
}

/* With files a script is loaded by the first request that no file answers; in `atoll dev` at once,
 * so that its author hears of its errors. */
static void deploy(struct worker *w, json_t *frame, str blob, enum worker_state state)
{
    struct asset_sites *sites = asset_route_sites(frame);
    bool asked = !list_empty(&w->waiting) || json_is_true(json_object_get(frame, "load"));
    bool now = w->live.count || w->next.count || (asked && (!sites || runtime_options()->dev)) ||
               json_is_true(json_object_get(frame, "keep"));

    enter(w, state);
    w->lent = state == WORKER_AWAY;
    w->retry_s = 0;
    set_failed(w, NULL, STR_NONE);
    set_next_sites(w, sites, true);
    keep(w, now ? NULL : frame, blob);
    if (now) {
        load(w, frame, blob);
        return;
    }
    take_sites(w);
    tell_live(w, 0, true);
    give_waiting(w);
}

/* Whose requests are for a bucket: there is nothing to load. */
static void publish(struct worker *w, const json_t *frame)
{
    json_t *ids = json_array(), *version;
    size_t i;

    enter(w, WORKER_HERE);
    set_published(w, publish_host_set(json_object_get(frame, "published")));
    json_array_foreach(json_object_get(frame, "versions"), i, version)
        json_array_append(ids, json_object_get(version, "id"));
    runtime_tell(json_pack("{s:s, s:s, s:o, s:f, s:b}", "type", "live", "worker", w->key,
                           "versions", ids, "ms", 0.0, "kept", true));
    give_waiting(w);
}

void worker_on_worker(json_t *frame, str blob)
{
    bool here = !json_is_false(json_object_get(frame, "here"));
    struct worker *w = worker_of_frame(frame);

    if (!w)
        return;
    set_about(w, frame);
    if (!json_array_size(json_object_get(frame, "versions")))
        put_away(w, here ? WORKER_DELETED : WORKER_AWAY);
    else if (json_is_object(json_object_get(frame, "published")))
        publish(w, frame);
    else
        deploy(w, frame, blob, here ? WORKER_HERE : WORKER_AWAY);
}

void worker_on_failed(json_t *frame)
{
    struct worker *w = worker_of_frame(frame);
    const char *title = member_text(frame, "title");

    if (!w)
        return;
    w->retry_s = (unsigned)member_int(frame, "retry_after");
    if (w->retry_s) {
        put_away(w, WORKER_FAILED);
        return;
    }
    set_failed(w, title ? title : "This worker cannot run", str_from(member_text(frame, "detail")));
    w->lent = false;
    enter(w, w->live.count || w->next.count ? WORKER_HERE : WORKER_FAILED);
    give_waiting(w);
}

void worker_on_trace(json_t *frame)
{
    struct worker *w = worker_of_frame(frame);

    if (!w)
        return;
    w->traced = json_is_true(json_object_get(frame, "on"));
    free_if_unknown(w);
}

/* ---- the end ---- */

bool worker_is_idle(struct evict_entry *entry)
{
    struct worker *w = CONTAINER_OF(entry, struct worker, evict);

    if (w->keep || w->running || w->next.count)
        return false;
    for (size_t i = 0; i < w->live.count; i++)
        if (w->live.versions[i] && version_is_busy(w->live.versions[i], w->evict.used_ms))
            return false;
    return true;
}

void worker_evict(struct evict_entry *entry)
{
    struct worker *w = CONTAINER_OF(entry, struct worker, evict);

    worker_ref(w);
    w->state = WORKER_UNTOLD;
    for (size_t i = 0; i < w->live.count; i++)
        version_free(w->live.versions[i]);
    w->live = (struct deployment){0};
    keep(w, NULL, STR_NONE);
    set_failed(w, NULL, STR_NONE);
    forget_sites(w);
    runtime_tell(json_pack("{s:s, s:s}", "type", "evicted", "worker", w->key));
    worker_unref(w);
}

void worker_drain_all(void)
{
    for (size_t i = 0; i < by_key.bucket_count; i++) {
        for (struct map_node *node = by_key.buckets[i], *next; node; node = next) {
            next = node->next;
            leave_all(CONTAINER_OF(node, struct worker, node));
        }
    }
}
