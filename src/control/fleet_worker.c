/* Who was told about which worker, and where it belongs.
 *
 * (1) A process is told about a worker when it asks, when a connection for it is on its way there,
 *     or when it is to keep it; from then on it is told everything new until it says `evicted`.
 * (2) A fast worker is served by every fast process that asks; a slow one by those slow processes
 *     that it was placed at, one more when they are busy; one in quarantine by a process of its
 *     own. Everybody else is told that it is not here, and hands connections over.
 * (3) What is known of a worker goes when nobody was told about it and it has no history. */
#include <stdlib.h>

#include "base/member.h"
#include "control/fleet_private.h"
#include "control/fleet_worker.h"
#include "loop/frame.h"

enum {
    BUSY_MANY = 500,    /* of 1000: a process that works half of the time */
    JSON_ROOM = 1024,   /* for what is added to a frame */
};

/* ---- the table ---- */

struct fleet_worker *fleet_worker_find(const struct fleet *fleet, const char *key)
{
    struct map_node *node = map_find(&fleet->workers, str_from(key));

    return node ? CONTAINER_OF(node, struct fleet_worker, node) : NULL;
}

struct fleet_worker *fleet_worker_numbered(const struct fleet *fleet, uint64_t number)
{
    LIST_EACH(&fleet->all_workers, it) {
        struct fleet_worker *worker = CONTAINER_OF(it, struct fleet_worker, link);

        if (number && (uint64_t)worker->number == number)
            return worker;
    }
    return NULL;
}

struct fleet_worker *fleet_worker_get(struct fleet *fleet, const char *key)
{
    struct fleet_worker *worker = fleet_worker_find(fleet, key);

    if (worker)
        return worker;
    worker = mem_new(struct fleet_worker);
    worker->fleet = fleet;
    worker->key = str_dup(str_from(key));
    worker->node.key = str_from(worker->key);
    lane_init(&worker->lane, false, uv_now(fleet->loop));
    list_init(&worker->told);
    list_init(&worker->deploys);
    map_add(&fleet->workers, &worker->node);
    list_push(&fleet->all_workers, &worker->link);
    return worker;
}

static void forget(struct fleet_worker *worker)
{
    map_remove(&worker->fleet->workers, &worker->node);
    list_remove(&worker->link);
    free(worker->key);
    free(worker);
}

void fleet_worker_tidy(struct fleet_worker *worker)
{
    if (!list_empty(&worker->told) || !list_empty(&worker->deploys) || worker->keep ||
        worker->trace || lane_remembers(&worker->lane))
        return;
    FLEET_EACH(worker->fleet, p)
    if (p->owner == worker)
        p->owner = NULL;
    forget(worker);
}

void fleet_worker_forget_all(struct fleet *fleet)
{
    LIST_EACH_SAFE(&fleet->all_workers, it) {
        struct fleet_worker *worker = CONTAINER_OF(it, struct fleet_worker, link);

        fleet_deploy_end_all(worker);
        forget(worker);
    }
    map_done(&fleet->workers);
}

/* ---- what a process was told ---- */

struct fleet_told *fleet_worker_told(const struct fleet_worker *worker,
                                     const struct fleet_process *p)
{
    FLEET_TOLD(&worker->told, by_worker, told)
    if (told->process == p)
        return told;
    return NULL;
}

static struct fleet_told *told_of(struct fleet_worker *worker, struct fleet_process *p)
{
    struct fleet_told *told = fleet_worker_told(worker, p);

    if (told)
        return told;
    told = mem_new(struct fleet_told);
    told->worker = worker;
    told->process = p;
    list_push(&worker->told, &told->by_worker);
    list_push(&p->told, &told->by_process);
    p->told_count++;
    return told;
}

/* A process is used while it serves a worker. */
static void set_here(struct fleet_told *told, bool here)
{
    struct fleet_process *p = told->process;

    if (told->here && !here && !--p->here_count)
        p->unused_ms = uv_now(p->fleet->loop);
    else if (!told->here && here && !p->here_count++)
        p->unused_ms = 0;
    told->here = here;
    told->served = told->served || here;
}

void fleet_worker_untell(struct fleet_told *told)
{
    struct fleet_process *p = told->process;

    set_here(told, false);
    if (told->served)
        fleet_guard_left(p, told->worker->key);
    p->told_count--;
    list_remove(&told->by_process);
    list_remove(&told->by_worker);
    fleet_deploy_forget(told->worker, p);
    free(told);
}

/* ---- frames ---- */

static bool has_wasm(const json_t *frame)
{
    json_t *version, *part;
    size_t i, j;

    json_array_foreach(json_object_get(frame, "versions"), i, version)
        json_array_foreach(json_object_get(version, "parts"), j, part) {
            const char *kind = member_text(part, "kind");

            if (kind && strcmp(kind, "wasm") == 0)
                return true;
        }
    return false;
}

static json_t *too_large(const char *key)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "type", "failed", "worker", key, "title",
                     "The worker is too large", "detail",
                     "Its modules or its variables together are larger than a runtime takes. "
                     "Deploy one version instead of two, or make it smaller.");
}

static bool is_failed(const json_t *frame)
{
    const char *type = member_text(frame, "type");

    return type && strcmp(type, "failed") == 0;
}

json_t *fleet_worker_frame(struct fleet_worker *worker, struct buf *blob)
{
    struct fleet *fleet = worker->fleet;
    json_t *frame = fleet->hooks->worker_frame(fleet->context, worker->key, blob);
    json_int_t number, cpu_ms;

    if (!frame)
        return NULL;
    if (blob->len > FRAME_BLOB_MAX ||
        json_dumpb(frame, NULL, 0, JSON_COMPACT) > FRAME_JSON_MAX - JSON_ROOM) {
        json_decref(frame);
        buf_clear(blob);
        return too_large(worker->key);
    }
    number = member_int(frame, "number");
    cpu_ms = member_int(json_object_get(frame, "limits"), "cpu_ms");
    if (number)
        worker->number = number;
    if (cpu_ms > 0)
        worker->cpu_ms = (uint64_t)cpu_ms;
    lane_on_wasm(&worker->lane, has_wasm(frame), uv_now(fleet->loop));
    return frame;
}

static json_t *empty_frame(const struct fleet_worker *worker)
{
    return json_pack("{s:s, s:s, s:I, s:[]}", "type", "worker", "worker", worker->key, "number",
                     (json_int_t)worker->number, "versions");
}

void fleet_worker_send(struct fleet_told *told, const json_t *frame, str blob, bool load)
{
    const struct fleet_worker *worker = told->worker;
    json_t *copy = frame ? json_copy((json_t *)frame) : empty_frame(worker);

    told->failed = is_failed(copy);
    set_here(told, !told->failed);
    if (told->here) {
        json_object_set_new(copy, "here", json_true());
        json_object_set_new(copy, "load", json_boolean(load || told->kept));
        json_object_set_new(copy, "keep", json_boolean(told->kept));
        json_object_set_new(copy, "trace", json_boolean(worker->trace));
    }
    process_send(told->process->process, copy, blob, -1);
}

/* Its deployment for calls by other workers; NULL: it is not lent, or there is none. */
static json_t *lent_frame(struct fleet_told *told, struct buf *blob)
{
    json_t *frame;

    if (!told->lent || told->worker->lane.lane == LANE_OWN)
        return NULL;
    frame = fleet_worker_frame(told->worker, blob);
    if (!frame || is_failed(frame)) {
        json_decref(frame);
        buf_clear(blob);
        return NULL;
    }
    told->served = true;
    return frame;
}

/* It is not served here: its connections go elsewhere. */
static void send_away(struct fleet_told *told)
{
    const struct fleet_worker *worker = told->worker;
    json_t *frame;
    struct buf blob;

    buf_init(&blob, (size_t)FRAME_BLOB_MAX * 2);
    frame = lent_frame(told, &blob);
    if (!frame)
        frame = empty_frame(worker);
    set_here(told, false);
    told->failed = told->kept = false;
    json_object_set_new(frame, "here", json_false());
    json_object_set_new(frame, "trace", json_boolean(worker->trace));
    process_send(told->process->process, frame, buf_str(&blob), -1);
    buf_done(&blob);
}

/* It is in quarantine and has to wait. */
static void send_quarantined(struct fleet_told *told, uint64_t wait_ms)
{
    set_here(told, false);
    told->failed = true;
    told->kept = false;
    process_send(told->process->process,
                 json_pack("{s:s, s:s, s:s, s:s, s:I}", "type", "failed", "worker",
                           told->worker->key, "title", "This worker is in quarantine", "detail",
                           told->worker->lane.reason, "retry_after",
                           (json_int_t)((wait_ms + 999) / 1000)),
                 STR_NONE, -1);
}

static bool is_served(const struct fleet_worker *worker)
{
    FLEET_TOLD(&worker->told, by_worker, told)
    if (told->here)
        return true;
    return false;
}

static bool belongs(const struct fleet_worker *worker, const struct fleet_process *p,
                    const struct fleet_told *told)
{
    switch (worker->lane.lane) {
    case LANE_FAST:
        return p->role == FLEET_FAST || p->role == FLEET_LEAVING;
    case LANE_SLOW:
        return p->role == FLEET_SLOW && (told->here || !is_served(worker));
    case LANE_OWN:
        return p->role == FLEET_OWN && p->owner == worker;
    }
    return false;
}

/* Tells a process that is to serve it. */
static void tell_here(struct fleet_told *told, bool load)
{
    struct buf blob;
    json_t *frame;

    buf_init(&blob, (size_t)FRAME_BLOB_MAX * 2);
    frame = fleet_worker_frame(told->worker, &blob);
    fleet_worker_send(told, frame, buf_str(&blob), load);
    json_decref(frame);
    buf_done(&blob);
}

/* What is in the registry may say that it is slow, before it was ever run. */
static void learn(struct fleet_worker *worker)
{
    struct buf blob;

    buf_init(&blob, (size_t)FRAME_BLOB_MAX * 2);
    json_decref(fleet_worker_frame(worker, &blob));
    buf_done(&blob);
}

void fleet_worker_lend(struct fleet_worker *worker, struct fleet_process *p)
{
    told_of(worker, p)->lent = true;
}

/* A worker that nothing is known of is read once: what is learned of it may send it elsewhere. */
struct fleet_told *fleet_worker_tell(struct fleet_worker *worker, struct fleet_process *p,
                                     bool load)
{
    struct fleet_told *told = told_of(worker, p);
    uint64_t wait_ms = lane_wait_ms(&worker->lane, uv_now(worker->fleet->loop));
    bool unknown = !worker->number;
    json_t *frame = NULL;
    struct buf blob;

    buf_init(&blob, (size_t)FRAME_BLOB_MAX * 2);
    if (unknown)
        frame = fleet_worker_frame(worker, &blob);
    worker->waits = wait_ms > 0;
    if (wait_ms)
        send_quarantined(told, wait_ms);
    else if (!belongs(worker, p, told))
        send_away(told);
    else if (unknown)
        fleet_worker_send(told, frame, buf_str(&blob), load);
    else
        tell_here(told, load);
    json_decref(frame);
    buf_done(&blob);
    return told;
}

/* ---- places ---- */

static bool takes_more(const struct fleet_process *p)
{
    return !p->beat.stuck && !p->killed_for &&
           process_queued_bytes(p->process) < FLEET_QUEUED_BYTES_MAX;
}

/* Places of a process in the order of preference: the smaller, the better. */
static uint64_t load_of(const struct fleet_process *p)
{
    return (uint64_t)(!takes_more(p)) << 40 | (uint64_t)p->beat.busy << 16 |
           (p->here_count & 0xffff);
}

static struct fleet_process *least_loaded(struct fleet *fleet, enum fleet_role role,
                                          const struct fleet_worker *having)
{
    struct fleet_process *best = NULL;

    FLEET_EACH(fleet, p)
    {
        const struct fleet_told *told = having ? fleet_worker_told(having, p) : NULL;
        bool fits = p->role == role && (role != FLEET_FAST || p->accepts) &&
                    (!having || (told && told->here));

        if (fits && (!best || load_of(p) < load_of(best)))
            best = p;
    }
    return best;
}

static unsigned count_role(struct fleet *fleet, enum fleet_role role)
{
    unsigned count = 0;

    FLEET_EACH(fleet, p)
    count += p->role == role;
    return count;
}

/* A slow process that the worker is not at yet: one with room, a new one, or the least busy. */
static struct fleet_process *more_slow(struct fleet *fleet)
{
    struct fleet_process *best = least_loaded(fleet, FLEET_SLOW, NULL), *fresh;

    if (best && takes_more(best) && best->beat.busy < BUSY_MANY)
        return best;
    if (count_role(fleet, FLEET_SLOW) >= fleet->options.slow_max)
        return best;
    fresh = fleet_take(fleet, FLEET_SLOW);
    return fresh ? fresh : best;
}

static struct fleet_process *place_slow(struct fleet_worker *worker)
{
    struct fleet_process *p = least_loaded(worker->fleet, FLEET_SLOW, worker), *more;
    struct fleet_told *told;

    if (p && takes_more(p) && p->beat.busy < BUSY_MANY)
        return p;
    more = more_slow(worker->fleet);
    if (!more || more == p)
        return p;
    if (p && takes_more(p) && more->beat.busy * 2 > p->beat.busy)
        return p;
    told = told_of(worker, more);
    if (!told->here)
        tell_here(told, false);
    return more;
}

static struct fleet_process *place_own(struct fleet_worker *worker)
{
    struct fleet *fleet = worker->fleet;
    struct fleet_process *p = NULL;

    FLEET_EACH(fleet, it)
    if (it->role == FLEET_OWN && it->owner == worker)
        p = it;
    if (!p && (p = fleet_take(fleet, FLEET_OWN))) {
        p->owner = worker;
        fleet_worker_tell(worker, p, false);
    }
    return p;
}

struct fleet_process *fleet_worker_place(struct fleet_worker *worker)
{
    struct fleet_process *p;

    if (!worker->number)
        learn(worker);
    if (worker->lane.lane == LANE_SLOW)
        return place_slow(worker);
    if (worker->lane.lane == LANE_OWN && !lane_wait_ms(&worker->lane, uv_now(worker->fleet->loop)))
        return place_own(worker);
    p = least_loaded(worker->fleet, FLEET_FAST, NULL);
    if (p && !fleet_worker_told(worker, p))
        fleet_worker_tell(worker, p, false);
    return p;
}

/* ---- changes ---- */

void fleet_worker_moved(struct fleet_worker *worker, const char *reason)
{
    struct fleet *fleet = worker->fleet;
    bool quarantined = worker->lane.lane == LANE_OWN;

    fleet_notice(fleet, quarantined ? "worker.quarantined" : "worker.moved",
                 quarantined ? "warn" : "info",
                 json_pack("{s:s, s:s, s:s}", "worker", worker->key, "lane",
                           lane_name(worker->lane.lane), "reason", reason));
    FLEET_TOLD(&worker->told, by_worker, told)
    if (told->process->role != FLEET_LEAVING)
        fleet_worker_tell(worker, told->process, false);
    fleet_worker_keep_all(fleet);
}

/* The next process that is to keep it; NULL when there is none more. */
static struct fleet_process *next_keeper(struct fleet_worker *worker)
{
    struct fleet *fleet = worker->fleet;
    struct fleet_told *told;

    FLEET_EACH(fleet, p)
    {
        told = fleet_worker_told(worker, p);
        if (p->role == FLEET_FAST && p->accepts && !(told && told->kept))
            return p;
    }
    return NULL;
}

static void keep(struct fleet_worker *worker)
{
    unsigned kept = 0;
    struct fleet_process *p;

    if (worker->lane.lane == LANE_OWN)
        return;
    FLEET_TOLD(&worker->told, by_worker, told)
    kept += told->kept;
    if (worker->lane.lane == LANE_SLOW) {
        p = kept ? NULL : place_slow(worker);
        if (p) {
            told_of(worker, p)->kept = true;
            tell_here(told_of(worker, p), true);
        }
        return;
    }
    while (kept++ < worker->keep && (p = next_keeper(worker))) {
        told_of(worker, p)->kept = true;
        fleet_worker_tell(worker, p, true);
    }
}

void fleet_worker_keep(struct fleet_worker *worker, unsigned count)
{
    unsigned kept = 0;

    worker->keep = count;
    FLEET_TOLD(&worker->told, by_worker, told)
    {
        told->kept = told->kept && kept < count;
        kept += told->kept;
    }
}

void fleet_worker_keep_all(struct fleet *fleet)
{
    LIST_EACH_SAFE(&fleet->all_workers, it) {
        struct fleet_worker *worker = CONTAINER_OF(it, struct fleet_worker, link);

        if (worker->keep)
            keep(worker);
    }
}

void fleet_worker_age_all(struct fleet *fleet)
{
    uint64_t now_ms = uv_now(fleet->loop);

    LIST_EACH_SAFE(&fleet->all_workers, it) {
        struct fleet_worker *worker = CONTAINER_OF(it, struct fleet_worker, link);

        if (lane_on_time(&worker->lane, now_ms)) {
            fleet_worker_moved(worker, "it was calm for a while");
        } else if (worker->waits && !lane_wait_ms(&worker->lane, now_ms)) {
            worker->waits = false;
            FLEET_TOLD(&worker->told, by_worker, told)
            fleet_worker_tell(worker, told->process, false);
        }
        fleet_worker_tidy(worker);
    }
}

void fleet_worker_blame(struct fleet_process *p, uint64_t number, const char *reason, bool sure)
{
    struct fleet_worker *worker = fleet_guard_culprit(p, number);
    uint64_t now_ms = uv_now(p->fleet->loop);
    unsigned deaths;

    if (!worker)
        return;
    deaths = worker->lane.deaths;
    if (sure)
        lane_on_death(&worker->lane, reason, now_ms);
    else
        lane_on_strike(&worker->lane, reason, now_ms);
    if (worker->lane.deaths != deaths)
        fleet_worker_moved(worker, worker->lane.reason);
}
