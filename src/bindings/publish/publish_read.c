/* Reads for published hosts; see publish_read.h.
 *
 *   FINDING (on disk) ──none, or not good──> READING (the bucket) ──> over
 *          └──────────good────────────────────────────────────────────^
 *
 * (1) A flight of a distribution is in `flights` by "<host>\n<key>" while others may join it: from
 *     its start until it is over, or until one that began later takes its place.
 * (2) `announced` is the server's last purge when it began. Who comes when that has grown does not
 *     join: what the flight brings may be from before the purge.
 * (3) What it brings is noted with the last purge that this process had been told by then. */
#include "bindings/publish/publish_read.h"

#include <stdlib.h>

#include "bindings/r2/r2_bucket.h"
#include "os/clock.h"

enum { NS_PER_S = 1000000000 };

struct flight {
    struct map_node node;
    bool is_listed;
    bool was_stale;
    struct list waits;
    struct publish_host *host;
    str key;                        /* in node.key */
    uint64_t seq, announced;
    int64_t now;
    struct storage_job find;
    struct r2_work work;
    struct err err;
    struct publish_object *object;
};

/* An object on its way to the disk. */
struct save {
    struct storage_job job;
    struct publish_host *host;
    struct publish_object *object;
    str key;
    int64_t now;
};

static struct {
    struct map flights;
    struct storage_job_queue *finds, *saves;
    unsigned save_count;
} all;

const char *publish_read_word(enum publish_status status)
{
    static const char *const words[] = {"", "HIT", "MISS", "EXPIRED", "BYPASS"};

    return words[status];
}

struct publish_object *publish_read_now(const struct publish_host *host, str key)
{
    struct publish_object *object;

    if (!host->rule.caches ||
        publish_cache_find(host, key, clock_wall_s(), &object) != PUBLISH_FOUND)
        return NULL;
    return object;
}

/* ---- the end ---- */

static void unlist(struct flight *flight)
{
    if (flight->is_listed)
        map_remove(&all.flights, &flight->node);
    flight->is_listed = false;
}

static void end(struct flight *flight, enum publish_status status, int code)
{
    struct list *link;

    unlist(flight);
    while ((link = list_pop(&flight->waits))) {
        struct publish_wait *wait = CONTAINER_OF(link, struct publish_wait, link);
        wait->done(wait, code ? NULL : flight->object, status, code);
    }
    publish_object_unref(flight->object);
    publish_host_unref(flight->host);
    free((char *)flight->node.key.ptr);
    free(flight);
}

/* ---- keeping ---- */

static void run_save(struct storage_job *job)
{
    struct save *save = CONTAINER_OF(job, struct save, job);

    publish_cache_save(save->host->space, save->key, save->object, save->now);
}

static void on_saved(struct storage_job *job)
{
    struct save *save = CONTAINER_OF(job, struct save, job);

    all.save_count--;
    publish_host_unref(save->host);
    publish_object_unref(save->object);
    free((char *)save->key.ptr);
    free(save);
}

static void start_save(const struct flight *flight)
{
    struct save *save;

    if (!publish_cache_has_disk() || all.save_count >= PUBLISH_READ_SAVES_MAX)
        return;
    if (!all.saves)
        all.saves = storage_job_queue_new();
    save = mem_new(struct save);
    save->job.run = run_save;
    save->job.done = on_saved;
    save->host = publish_host_ref(flight->host);
    save->object = publish_object_ref(flight->object);
    save->key = (str){str_dup(flight->key), flight->key.len};
    save->now = flight->now;
    all.save_count++;
    if (storage_job_post(all.saves, &save->job) < 0)
        on_saved(&save->job);
}

/* ---- the bucket ---- */

/* What was read is kept when its Cache-Control and the rule let it. */
static enum publish_status keep(struct flight *flight)
{
    const struct publish_rule *rule = &flight->host->rule;
    struct publish_object *object = flight->object;
    int64_t ttl = publish_rule_ttl(rule, buf_str(&object->cache_control), object->cache_expires,
                                   flight->now);

    if (!rule->caches)
        return PUBLISH_STATUS_NONE;
    if (ttl <= 0 || object->size > PUBLISH_CACHE_OBJECT_BYTES)
        return PUBLISH_STATUS_BYPASS;
    object->seq = flight->seq;
    object->stored = flight->now;
    object->expires = flight->now + ttl;
    if (flight->host->current) {
        publish_cache_keep(flight->host, flight->key, object);
        start_save(flight);
    }
    return flight->was_stale ? PUBLISH_STATUS_EXPIRED : PUBLISH_STATUS_MISS;
}

static void on_read(struct r2_work *work)
{
    struct flight *flight = CONTAINER_OF(work, struct flight, work);
    enum publish_status status = PUBLISH_STATUS_NONE;

    if (!flight->err.code && flight->object)
        status = keep(flight);
    else if (!flight->err.code)
        flight->err.code = ERR_INVALID;
    end(flight, status, flight->err.code);
}

/* Small objects are read at once, of others it is learnt where they are. */
static int take_bytes(struct publish_object *object, struct r2_store_object *stored,
                      const char *bodies, struct err *err)
{
    struct r2_source source;
    int r;

    object->is_whole = object->size <= PUBLISH_OBJECT_WHOLE_BYTES;
    if (!stored->piece_count)
        return object->is_whole && stored->value.len == object->size
                   ? buf_append(&object->bytes, buf_str(&stored->value))
                   : ERR_INVALID;
    object->directory = str_dup(str_from(bodies));
    object->pieces = stored->pieces;
    object->piece_count = stored->piece_count;
    stored->pieces = NULL;
    stored->piece_count = 0;
    if (!object->is_whole)
        return 0;
    r2_source_init(&source);
    publish_object_open(object, 0, object->size, &source);
    r = r2_source_read(&source, PUBLISH_OBJECT_WHOLE_BYTES, &object->bytes, err);
    r2_source_done(&source);
    return r;
}

static void run_read(struct r2_work *work, struct r2_store *store)
{
    struct flight *flight = CONTAINER_OF(work, struct flight, work);
    struct r2_store_object stored;
    int r;

    r2_store_object_init(&stored);
    r = r2_store_get(store, flight->key, true, &stored, work->err);
    if (r == 0 && !(flight->object = publish_object_new(buf_str(&stored.meta))))
        r = ERR_INVALID;
    if (r == 0)
        r = take_bytes(flight->object, &stored, r2_store_bodies(store), work->err);
    if (r < 0)
        work->err->code = r;
    r2_store_object_done(&stored);
}

static void read_bucket(struct flight *flight)
{
    struct r2_bucket *bucket = r2_bucket_of(flight->host->store);

    if (!bucket) {
        end(flight, PUBLISH_STATUS_NONE, ERR_UNSUPPORTED);
        return;
    }
    flight->work.run = run_read;
    flight->work.done = on_read;
    flight->work.err = &flight->err;
    r2_bucket_start(bucket, &flight->work, false);
    r2_bucket_unref(bucket);
}

/* ---- the disk ---- */

static void run_find(struct storage_job *job)
{
    struct flight *flight = CONTAINER_OF(job, struct flight, find);

    flight->object = publish_cache_load(flight->host->space, flight->key, flight->now);
}

static void on_found(struct storage_job *job)
{
    struct flight *flight = CONTAINER_OF(job, struct flight, find);

    if (flight->object &&
        publish_cache_is_good(flight->host, flight->key, flight->object, flight->now)) {
        publish_cache_keep(flight->host, flight->key, flight->object);
        end(flight, PUBLISH_STATUS_HIT, 0);
        return;
    }
    publish_object_unref(flight->object);
    flight->object = NULL;
    read_bucket(flight);
}

static void find_on_disk(struct flight *flight)
{
    if (!all.finds)
        all.finds = storage_job_queue_new();
    flight->find.run = run_find;
    flight->find.done = on_found;
    if (storage_job_post(all.finds, &flight->find) < 0)
        read_bucket(flight);
}

/* ---- the start ---- */

static struct flight *flight_new(struct publish_host *host, str key)
{
    struct flight *flight = mem_new(struct flight);
    size_t len = host->node.key.len;
    char *name = mem_alloc(len + 1 + key.len);

    memcpy(name, host->name, len);
    name[len] = '\n';
    memcpy(name + len + 1, key.ptr, key.len);
    flight->node.key = (str){name, len + 1 + key.len};
    flight->key = (str){name + len + 1, key.len};
    flight->host = publish_host_ref(host);
    flight->seq = publish_host_told();
    flight->announced = publish_host_announced();
    flight->now = clock_wall_s();
    list_init(&flight->waits);
    return flight;
}

/* (1), (2): the flight to wait for, in the place of `flight` (taken) when there is one. */
static struct flight *list_or_join(struct flight *flight, bool *ret_joined)
{
    struct map_node *node = map_find(&all.flights, flight->node.key);
    struct flight *other = node ? CONTAINER_OF(node, struct flight, node) : NULL;

    *ret_joined = other && other->host == flight->host && other->announced == flight->announced;
    if (*ret_joined) {
        publish_host_unref(flight->host);
        free((char *)flight->node.key.ptr);
        free(flight);
        return other;
    }
    if (other)
        unlist(other);
    map_add(&all.flights, &flight->node);
    flight->is_listed = true;
    return flight;
}

void publish_read_start(struct publish_host *host, str key, bool skips_cache,
                        struct publish_wait *wait)
{
    struct flight *flight = flight_new(host, key);
    bool joined = false;
    struct publish_object *ignored;

    if (host->rule.caches && !skips_cache) {
        flight->was_stale = publish_cache_find(host, key, flight->now, &ignored) == PUBLISH_STALE;
        flight = list_or_join(flight, &joined);
    }
    list_push(&flight->waits, &wait->link);
    if (joined)
        return;
    if (host->rule.caches && !skips_cache && publish_cache_has_disk() && !publish_host_is_behind())
        find_on_disk(flight);
    else
        read_bucket(flight);
}

void publish_read_forget(struct publish_wait *wait)
{
    list_remove(&wait->link);
}
