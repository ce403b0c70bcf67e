/* One response on its way into the cache; see cache_put.h.
 *
 * (1) `fd` is open, and its file locked, from the moment the body became too large for memory until
 *     the put is freed: no sweep takes it before there is a row for it.
 * (2) What was reserved is released when the put is freed. */
#include "store/cache_put.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/cache_rule.h"

struct cache_put {
    struct cache *cache;
    char *space;
    char *url;
    struct buf request;
    struct cache_entry entry;
    int fd; /* -1: none */
    bool committed;
};

static int refuse(const struct cache_put_head *head, struct err *err)
{
    if (head->status == 206)
        return err_set(err, ERR_INVALID,
                       "cache.put: a response of status 206 (Partial Content) is only a part; put "
                       "the whole one");
    if (cache_rule_varies_always(head->headers))
        return err_set(err, ERR_INVALID,
                       "cache.put: the response has Vary: *, so no request could ever get it");
    return 0;
}

static int copy_head(struct cache_put *put, const struct cache_put_head *head)
{
    int r;

    if ((r = buf_append(&put->request, head->key.headers)) < 0 ||
        (r = buf_append(&put->entry.reason, head->reason)) < 0 ||
        (r = cache_rule_strip(head->headers, &put->entry.headers)) < 0)
        return r;
    return cache_rule_variant(buf_str(&put->entry.headers), head->key.headers, &put->entry.variant);
}

static struct cache_put *put_of(struct cache *cache, const struct cache_put_head *head)
{
    struct cache_put *put = mem_new(struct cache_put);

    put->cache = cache;
    put->fd = -1;
    put->space = str_dup(head->key.space);
    put->url = str_dup(head->key.url);
    buf_init(&put->request, CACHE_HEAD_BYTES_MAX);
    cache_entry_init(&put->entry);
    put->entry.status = head->status;
    put->entry.has_body = head->has_body;
    return put;
}

int cache_put_new(struct cache *cache, const struct cache_put_head *head, int64_t now,
                  struct cache_put **ret_put, struct err *err)
{
    struct cache_rule_input input = {head->status, head->key.headers, head->headers, now};
    struct cache_rule_life life = {0};
    struct cache_put *put;
    const char *why;
    int r;

    if ((r = refuse(head, err)) < 0)
        return r;
    if ((why = cache_rule_refusal(&input, &life)))
        return err_set(err, ERR_UNSUPPORTED, "%s", why);
    put = put_of(cache, head);
    put->entry.stored = now;
    put->entry.age = life.age;
    put->entry.expires = now + life.fresh;
    if ((r = copy_head(put, head)) < 0) {
        cache_put_free(put);
        return err_set(err, r, "cache.put: the headers are larger than %d KiB, or Vary is too long",
                       CACHE_HEAD_BYTES_MAX / 1024);
    }
    *ret_put = put;
    return 0;
}

bool cache_put_is_small(const struct cache_put *put, size_t len)
{
    return put->fd < 0 && put->entry.length + len <= CACHE_INLINE_BYTES_MAX;
}

/* What was kept in memory so far begins the file. */
static int move_to_file(struct cache_put *put, struct err *err)
{
    put->fd = cache_body_create(cache_bodies(put->cache), put->entry.file, err);
    if (put->fd < 0) {
        put->fd = -1;
        return ERR_IO;
    }
    return cache_body_write(put->fd, buf_str(&put->entry.body), err);
}

int cache_put_append(struct cache_put *put, str bytes, struct err *err)
{
    int r;

    if (cache_reserve(put->cache, put->entry.length, bytes.len) < 0)
        return err_set(err, ERR_LIMIT,
                       "cache.put: the body is too large for the cache: %" PRIu64 " bytes and more",
                       put->entry.length + bytes.len);
    put->entry.length += bytes.len;
    if (put->fd < 0 && put->entry.length <= CACHE_INLINE_BYTES_MAX) {
        ASSERT(buf_append(&put->entry.body, bytes) == 0);
        return 0;
    }
    if (put->fd < 0 && (r = move_to_file(put, err)) < 0)
        return r;
    buf_done(&put->entry.body);
    return cache_body_write(put->fd, bytes, err);
}

int cache_put_commit(struct cache_put *put, int64_t now, struct err *err)
{
    struct cache_key key = {str_from(put->space), str_from(put->url), buf_str(&put->request)};
    int r = cache_insert(put->cache, &key, &put->entry, now, err);

    put->committed = r == 0;
    return r;
}

void cache_put_free(struct cache_put *put)
{
    if (!put)
        return;
    if (put->fd >= 0 && !put->committed)
        cache_body_remove(cache_bodies(put->cache), put->entry.file);
    if (put->fd >= 0)
        close(put->fd);
    cache_release(put->cache, put->entry.length);
    cache_entry_done(&put->entry);
    buf_done(&put->request);
    free(put->space);
    free(put->url);
    free(put);
}
