/* Contents in memory; see site_body.h.
 *
 *     LOADING ──read and coded──> READY ──not used for longest──> gone
 *        └──cannot be read──> gone
 *
 * (1) A body is in `by_key` while it is LOADING or cached. (2) `idle` has those that nobody holds,
 * the last used last; `idle_bytes` is theirs together. */
#include "bindings/assets/site_body.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/map.h"
#include "bindings/storage_job.h"
#include "os/file.h"
#include "web/codec.h"

enum { KEY_MAX = 4400, SMALLER_PERCENT = 95 };

struct site_body {
    struct map_node node;
    struct list idle_link;
    struct list waiting;         /* struct site_body_wait */
    unsigned refs;
    bool loading;
    uv_work_t work;
    char *key, *path;
    uint64_t bytes;              /* of the file, as it must be; 0 in a directory that may change */
    bool keeps;
    enum site_coding coding;     /* wanted, then what it is */
    char *contents;              /* NULL: it cannot be read */
    size_t len;
};

static struct map by_key;
static struct list idle = {&idle, &idle};
static size_t idle_bytes;

/* ---- on a thread ---- */

static bool read_file(const char *path, uint64_t bytes, struct buf *out)
{
    struct err err;

    buf_init(out, SITE_BODY_BYTES_MAX);
    if (file_read(path, out, &err) == 0 && out->len == bytes)
        return true;
    buf_done(out);
    return false;
}

static enum codec_format format_of(enum site_coding coding)
{
    return coding == SITE_BROTLI ? CODEC_BROTLI : coding == SITE_ZSTD ? CODEC_ZSTD : CODEC_GZIP;
}

/* The bytes coded, returned owned; NULL when that makes them no smaller. */
static char *code(str bytes, enum site_coding coding, size_t *ret_len)
{
    size_t room = bytes.len * SMALLER_PERCENT / 100 + 1;
    struct codec *codec = codec_new(format_of(coding), false);
    unsigned char *out = mem_alloc(room);
    struct codec_io io = {(const unsigned char *)bytes.ptr, bytes.len, out, room};
    int r = codec_run(codec, &io, true);
    bool ended = r == 0 && codec_ended(codec);

    codec_free(codec);
    if (!ended) {
        free(out);
        return NULL;
    }
    *ret_len = room - io.out_len;
    return (char *)out;
}

static const char *extension_of(enum site_coding coding)
{
    return coding == SITE_BROTLI ? ".br" : coding == SITE_ZSTD ? ".zst" : ".gz";
}

/* Puts it beside the file; that it cannot be costs the next process its own coding. */
static void keep(const struct site_body *body, str bytes)
{
    char path[KEY_MAX], fresh[KEY_MAX];
    uint64_t number;
    struct err err;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return;
    snprintf(path, sizeof path, "%s%s", body->path, extension_of(body->coding));
    snprintf(fresh, sizeof fresh, "%s.%016llx", body->path, (unsigned long long)number);
    if (file_write(fresh, bytes, &err) < 0 || rename(fresh, path) < 0)
        unlink(fresh);
}

/* Returns 1 with what was kept, 0 when nothing was, -1 when coding makes it no smaller. */
static int read_kept(const struct site_body *body, struct buf *out)
{
    char path[KEY_MAX];
    struct err err;

    if (!body->keeps)
        return 0;
    snprintf(path, sizeof path, "%s%s", body->path, extension_of(body->coding));
    buf_init(out, SITE_BODY_BYTES_MAX);
    if (file_read(path, out, &err) == 0 && out->len)
        return 1;
    buf_done(out);
    return access(path, F_OK) == 0 ? -1 : 0;
}

static void take_coded(struct site_body *body)
{
    struct buf plain, kept;
    int known = read_kept(body, &kept);
    char *coded = NULL;
    size_t len = 0;

    if (known > 0) {
        body->contents = buf_take(&kept, &body->len);
        return;
    }
    if (!read_file(body->path, body->bytes, &plain))
        return;
    if (known == 0) {
        coded = code(buf_str(&plain), body->coding, &len);
        if (body->keeps)
            keep(body, (str){coded ? coded : "", len});
    }
    if (coded) {
        buf_done(&plain);
        body->contents = mem_resize(coded, len ? len : 1);
        body->len = len;
        return;
    }
    body->coding = SITE_IDENTITY;
    body->contents = buf_take(&plain, &body->len);
}

static void on_thread(uv_work_t *work)
{
    struct site_body *body = CONTAINER_OF(work, struct site_body, work);
    struct buf plain;

    if (body->coding != SITE_IDENTITY)
        take_coded(body);
    else if (read_file(body->path, body->bytes, &plain))
        body->contents = buf_take(&plain, &body->len);
}

/* ---- the cache ---- */

static void body_free(struct site_body *body)
{
    map_remove(&by_key, &body->node);
    free(body->contents);
    free(body->path);
    free(body->key);
    free(body);
}

static void make_room(void)
{
    while (idle_bytes > SITE_BODY_CACHE_BYTES_MAX && !list_empty(&idle)) {
        struct site_body *body = CONTAINER_OF(list_pop(&idle), struct site_body, idle_link);

        idle_bytes -= body->len;
        body_free(body);
    }
}

struct site_body *site_body_ref(struct site_body *body)
{
    if (!body->refs++) {
        list_remove(&body->idle_link);
        idle_bytes -= body->len;
    }
    return body;
}

void site_body_unref(struct site_body *body)
{
    if (!body || --body->refs)
        return;
    list_push(&idle, &body->idle_link);
    idle_bytes += body->len;
    make_room();
}

str site_body_bytes(const struct site_body *body)
{
    return (str){body->contents, body->len};
}

enum site_coding site_body_coding(const struct site_body *body)
{
    return body->coding;
}

static enum site_coding coding_of(const struct site_body_request *request)
{
    return request->file->bytes < SITE_BODY_LEAST ? SITE_IDENTITY : request->coding;
}

static str key_of(const struct site_body_request *request)
{
    static char key[KEY_MAX];
    size_t path = strlen(request->path), hash = request->file->hash.len;

    ASSERT(path + hash + 2 < sizeof key);
    key[0] = (char)('0' + coding_of(request));
    memcpy(key + 1, request->path, path);
    memcpy(key + 1 + path, request->file->hash.ptr, hash);
    return (str){key, 1 + path + hash};
}

static struct site_body *find(str key)
{
    struct map_node *node = map_find(&by_key, key);

    return node ? CONTAINER_OF(node, struct site_body, node) : NULL;
}

struct site_body *site_body_find(const struct site_body_request *request)
{
    struct site_body *body = find(key_of(request));

    return body && !body->loading ? site_body_ref(body) : NULL;
}

/* Who waits gets a reference each; the loader's own keeps it until all have theirs. */
static void on_loaded(uv_work_t *work, int status)
{
    struct site_body *body = CONTAINER_OF(work, struct site_body, work);
    struct list waiting, *link;

    (void)status;
    body->loading = false;
    list_init(&waiting);
    list_move_all(&body->waiting, &waiting);
    while ((link = list_pop(&waiting))) {
        struct site_body_wait *wait = CONTAINER_OF(link, struct site_body_wait, link);

        wait->on_body(wait, body->contents ? site_body_ref(body) : NULL);
    }
    if (body->contents)
        site_body_unref(body);
    else
        body_free(body);
}

static struct site_body *body_new(const struct site_body_request *request, str key)
{
    struct site_body *body = mem_new(struct site_body);

    body->key = str_dup(key);
    body->node.key = (str){body->key, key.len};
    body->path = str_dup(str_from(request->path));
    body->bytes = request->file->bytes;
    body->coding = coding_of(request);
    body->keeps = request->keeps;
    body->refs = 1;
    body->loading = true;
    list_init(&body->idle_link);
    list_init(&body->waiting);
    map_add(&by_key, &body->node);
    ASSERT(uv_queue_work(storage_job_loop(), &body->work, on_thread, on_loaded) == 0);
    return body;
}

void site_body_load(const struct site_body_request *request, struct site_body_wait *wait)
{
    str key = key_of(request);
    struct site_body *body = find(key);

    if (!body)
        body = body_new(request, key);
    ASSERT(body->loading);
    list_push(&body->waiting, &wait->link);
}

void site_body_forget(struct site_body_wait *wait)
{
    list_remove(&wait->link);
}
