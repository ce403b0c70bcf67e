/* What distributions keep; see publish_cache.h.
 *
 * (1) A slot of memory is found by "<space>\n<key>" and is in `used`, the one that was not used for
 *     longest first.
 * (2) On disk an entry's header lines are not those of an answer: they have the object's metadata,
 *     the last purge that was known, and how long it is fresh, by which the cache lets it go. */
#include "bindings/publish/publish_cache.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "store/cache_put.h"
#include "store/header_lines.h"

enum { LINES_BYTES_MAX = 128 << 10, COPY_BYTES = 256 << 10, NAME_BYTES_MAX = 2048 };

struct slot {
    struct map_node node;
    struct list link;
    struct publish_object *object;
    size_t cost;
};

static struct {
    struct map slots;
    struct list used;
    size_t bytes;
    struct cache *disk;
    pthread_once_t swept;
} all = {.used = {&all.used, &all.used}, .swept = PTHREAD_ONCE_INIT};

void publish_cache_start(const char *directory, uint64_t bytes_max)
{
    if (directory)
        all.disk = cache_new(directory, bytes_max);
}

bool publish_cache_has_disk(void)
{
    return all.disk != NULL;
}

bool publish_cache_is_good(const struct publish_host *host, str key,
                           const struct publish_object *object, int64_t now)
{
    return host->current && !publish_host_is_behind() && now < object->expires &&
           !publish_rule_is_purged(&host->rule, key, object->seq);
}

/* ---- memory ---- */

/* Returns its length; 0 when it is too long. */
static size_t write_name(const struct publish_host *host, str key, char name[NAME_BYTES_MAX])
{
    size_t len = strlen(host->space);

    if (len + 1 + key.len > NAME_BYTES_MAX)
        return 0;
    memcpy(name, host->space, len);
    name[len] = '\n';
    memcpy(name + len + 1, key.ptr, key.len);
    return len + 1 + key.len;
}

static struct slot *slot_of(const struct publish_host *host, str key)
{
    char name[NAME_BYTES_MAX];
    struct map_node *node;

    if (!all.slots.count)
        return NULL;
    node = map_find(&all.slots, (str){name, write_name(host, key, name)});
    return node ? CONTAINER_OF(node, struct slot, node) : NULL;
}

static void slot_free(struct slot *slot)
{
    map_remove(&all.slots, &slot->node);
    list_remove(&slot->link);
    all.bytes -= slot->cost;
    publish_object_unref(slot->object);
    free((char *)slot->node.key.ptr);
    free(slot);
}

enum publish_found publish_cache_find(const struct publish_host *host, str key, int64_t now,
                                      struct publish_object **ret)
{
    struct slot *slot = slot_of(host, key);

    if (!slot)
        return PUBLISH_NOT_FOUND;
    if (!publish_cache_is_good(host, key, slot->object, now))
        return now >= slot->object->expires ? PUBLISH_STALE : PUBLISH_NOT_FOUND;
    list_remove(&slot->link);
    list_push(&all.used, &slot->link);
    *ret = slot->object;
    return PUBLISH_FOUND;
}

void publish_cache_keep(const struct publish_host *host, str key, struct publish_object *object)
{
    struct slot *slot = slot_of(host, key);
    char name[NAME_BYTES_MAX];
    size_t len = write_name(host, key, name);

    if (slot)
        slot_free(slot);
    if (!object->is_whole || !len)
        return;
    slot = mem_new(struct slot);
    slot->node.key = (str){str_dup((str){name, len}), len};
    slot->object = publish_object_ref(object);
    slot->cost = publish_object_cost(object) + slot->node.key.len;
    map_add(&all.slots, &slot->node);
    list_push(&all.used, &slot->link);
    all.bytes += slot->cost;
    while (all.bytes > PUBLISH_CACHE_MEMORY_BYTES)
        slot_free(CONTAINER_OF(all.used.next, struct slot, link));
}

/* ---- disk ---- */

static void sweep(void)
{
    cache_sweep(all.disk);
}

static uint64_t number_of(str lines, str name)
{
    uint64_t number = 0;
    str text;

    if (!header_lines_get(lines, name, &text) || !str_to_u64(text, INT64_MAX, &number))
        return 0;
    return number;
}

static bool take_small(struct publish_object *object, const struct cache_entry *entry, int fd)
{
    uint64_t left = entry->length;

    object->is_whole = true;
    if (!*entry->file)
        return entry->body.len == left && buf_append(&object->bytes, buf_str(&entry->body)) == 0;
    if (fd < 0 || buf_reserve(&object->bytes, left) < 0)
        return false;
    while (left) {
        int64_t got = cache_body_read(fd, entry->length - left,
                                      object->bytes.ptr + object->bytes.len, left);
        if (got <= 0)
            return false;
        object->bytes.len += (size_t)got;
        left -= (uint64_t)got;
    }
    return true;
}

static bool take_body(struct publish_object *object, const struct cache_entry *entry, int fd)
{
    if (entry->length != object->size)
        return false;
    if (entry->length <= PUBLISH_OBJECT_WHOLE_BYTES)
        return take_small(object, entry, fd);
    object->directory = str_dup(str_from(cache_bodies(all.disk)));
    object->pieces = mem_new(struct r2_store_piece);
    object->piece_count = 1;
    object->pieces->length = entry->length;
    memcpy(object->pieces->file, entry->file, sizeof object->pieces->file);
    return *entry->file != '\0';
}

static struct publish_object *object_of(const struct cache_entry *entry, int fd)
{
    str lines = buf_str(&entry->headers), meta = STR_NONE;
    struct publish_object *object;

    header_lines_get(lines, STR("atoll-meta"), &meta);
    if (!(object = publish_object_new(meta)))
        return NULL;
    object->seq = number_of(lines, STR("atoll-seq"));
    object->stored = entry->stored;
    object->expires = entry->expires;
    if (take_body(object, entry, fd))
        return object;
    publish_object_unref(object);
    return NULL;
}

struct publish_object *publish_cache_load(const char *space, str key, int64_t now)
{
    const struct cache_key where = {str_from(space), key, STR_NONE};
    struct publish_object *object = NULL;
    struct cache_entry entry;
    int fd = -1;

    pthread_once(&all.swept, sweep);
    cache_entry_init(&entry);
    if (cache_find(all.disk, &where, now, &entry, &fd) == 0)
        object = object_of(&entry, fd);
    if (fd >= 0)
        close(fd);
    cache_entry_done(&entry);
    return object;
}

/* (2) */
static int write_lines(const struct publish_object *object, int64_t now, struct buf *lines)
{
    return buf_printf(lines,
                      "cache-control: max-age=%" PRId64 "\natoll-seq: %" PRIu64
                      "\natoll-meta: %.*s\n",
                      object->expires - now, object->seq, STR_ARGS(buf_str(&object->meta)));
}

static int append_pieces(struct cache_put *put, const struct publish_object *object,
                         struct err *err)
{
    struct r2_source source;
    struct buf bytes;
    int r = 0;

    buf_init(&bytes, COPY_BYTES);
    r2_source_init(&source);
    publish_object_open(object, 0, object->size, &source);
    while (r == 0 && source.left) {
        buf_clear(&bytes);
        if ((r = r2_source_read(&source, COPY_BYTES, &bytes, err)) == 0)
            r = cache_put_append(put, buf_str(&bytes), err);
    }
    r2_source_done(&source);
    buf_done(&bytes);
    return r;
}

void publish_cache_save(const char *space, str key, const struct publish_object *object,
                        int64_t now)
{
    struct cache_put_head head = {.key = {str_from(space), key, STR_NONE},
                                  .status = 200,
                                  .has_body = true};
    struct cache_put *put = NULL;
    struct err err = {0};
    struct buf lines;
    int r;

    buf_init(&lines, LINES_BYTES_MAX);
    r = write_lines(object, now, &lines);
    head.headers = buf_str(&lines);
    if (r == 0 && (r = cache_put_new(all.disk, &head, now, &put, &err)) == 0)
        r = object->is_whole ? cache_put_append(put, buf_str(&object->bytes), &err)
                             : append_pieces(put, object, &err);
    if (r == 0)
        (void)!cache_put_commit(put, now, &err); /* what is not kept is read again */
    cache_put_free(put);
    buf_done(&lines);
}
