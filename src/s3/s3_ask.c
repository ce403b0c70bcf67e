/* Questions and what is kept of their answers; see s3_ask.h.
 *
 * (1) An answer is kept only when nothing was forgotten since it was asked for: it may be older
 *     than what changed. */
#include "s3/s3_ask.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/member.h"

struct kept {
    struct map_node node;
    struct list link;
    json_t *result;     /* NULL: there is none */
    size_t bytes;       /* as text */
    uint64_t until_ms;
};

static struct {
    uv_loop_t *loop;
    void (*send)(json_t *frame);
    const _Atomic uint64_t *changes;
    uint64_t seen;                    /* of them */
    struct list waiting;
    unsigned waiting_count;
    json_int_t last_id, forgot_id;    /* questions up to this one are from before (1) */
    struct map map;
    struct list kept;                 /* the oldest first */
    size_t kept_bytes;
} all = {.waiting = {&all.waiting, &all.waiting}, .kept = {&all.kept, &all.kept}};

void s3_ask_init(uv_loop_t *loop, void (*send)(json_t *frame), const _Atomic uint64_t *changes)
{
    all.loop = loop;
    all.send = send;
    all.changes = changes;
    all.seen = atomic_load(changes);
}

/* ---- what is kept ---- */

static void kept_free(struct kept *kept)
{
    map_remove(&all.map, &kept->node);
    list_remove(&kept->link);
    all.kept_bytes -= kept->bytes;
    json_decref(kept->result);
    free((char *)kept->node.key.ptr);
    free(kept);
}

static struct kept *kept_find(const char *key)
{
    struct map_node *node = map_find(&all.map, str_from(key));
    struct kept *kept = node ? CONTAINER_OF(node, struct kept, node) : NULL;

    if (!kept || kept->until_ms > uv_now(all.loop))
        return kept;
    kept_free(kept);
    return NULL;
}

static bool has_room(size_t bytes)
{
    return all.map.count < S3_ASK_KEPT_MAX && all.kept_bytes + bytes <= S3_ASK_KEPT_BYTES_MAX;
}

static void keep(const char *key, json_t *result, size_t bytes)
{
    struct kept *kept = kept_find(key);

    if (kept || bytes > S3_ASK_KEPT_BYTES_MAX)
        return;
    while (!has_room(bytes))
        kept_free(CONTAINER_OF(all.kept.next, struct kept, link));
    kept = mem_new(struct kept);
    kept->node.key = str_from(str_dup(str_from(key)));
    kept->result = json_incref(result);
    kept->bytes = bytes;
    all.kept_bytes += bytes;
    kept->until_ms = uv_now(all.loop) + S3_ASK_KEPT_MS;
    map_add(&all.map, &kept->node);
    list_push(&all.kept, &kept->link);
}

static void forget_changed(void)
{
    uint64_t changes = atomic_load(all.changes);

    if (changes == all.seen)
        return;
    all.seen = changes;
    all.forgot_id = all.last_id;
    while (!list_empty(&all.kept))
        kept_free(CONTAINER_OF(all.kept.next, struct kept, link));
}

/* ---- questions ---- */

static void finish(struct s3_ask *ask)
{
    free(ask->key);
    ask->key = NULL;
    ask->done(ask);
}

/* "key {"key":...}", for what is kept; NULL for what is not. */
static char *key_of(const char *what, const json_t *args)
{
    char *text, *key;
    size_t len;

    if (strcmp(what, "key") != 0 && strcmp(what, "bucket") != 0 && strcmp(what, "cors") != 0)
        return NULL;
    text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);
    len = strlen(what) + strlen(text) + 2;
    key = mem_alloc(len);
    snprintf(key, len, "%s %s", what, text);
    free(text);
    return key;
}

static bool find_kept(struct s3_ask *ask)
{
    struct kept *kept = ask->key ? kept_find(ask->key) : NULL;
    json_t *result;

    if (!kept)
        return false;
    ask->result = result = json_incref(kept->result);
    if (!result)
        err_set(&ask->err, ERR_NOT_FOUND, "there is none");
    finish(ask);
    json_decref(result);
    return true;
}

void s3_ask_start(struct s3_ask *ask, const char *what, json_t *args)
{
    forget_changed();
    ask->key = key_of(what, args);
    if (find_kept(ask)) {
        json_decref(args);
        return;
    }
    if (all.waiting_count >= S3_ASK_WAITING_MAX) {
        json_decref(args);
        err_set(&ask->err, ERR_TIMEOUT, "too many requests wait");
        finish(ask);
        return;
    }
    ask->id = ++all.last_id;
    ask->since_ms = uv_now(all.loop);
    list_push(&all.waiting, &ask->link);
    all.waiting_count++;
    all.send(json_pack("{s:s, s:I, s:s, s:o}", "type", "ask", "id", ask->id, "what", what, "args",
                       args));
}

static void stop_waiting(struct s3_ask *ask)
{
    list_remove(&ask->link);
    all.waiting_count--;
}

static struct s3_ask *find(json_int_t id)
{
    LIST_EACH(&all.waiting, link) {
        struct s3_ask *ask = CONTAINER_OF(link, struct s3_ask, link);

        if (ask->id == id)
            return ask;
    }
    return NULL;
}

void s3_ask_on_told(const json_t *frame, str blob)
{
    struct s3_ask *ask = find(member_int(frame, "id"));
    int code = (int)member_int(frame, "code");
    const char *error = member_text(frame, "error");
    json_t *result;

    if (!ask)
        return;
    forget_changed();
    stop_waiting(ask);
    result = code ? NULL : json_loadb(blob.ptr, blob.len, JSON_DECODE_ANY, NULL);
    if (code)
        err_set(&ask->err, code, "%s", error ? error : "");
    else if (!result)
        err_set(&ask->err, ERR_CLOSED, "the answer cannot be read");
    if (ask->key && ask->id > all.forgot_id && (result || code == ERR_NOT_FOUND))
        keep(ask->key, result, blob.len);
    ask->result = result;
    finish(ask);
    json_decref(result);
}

void s3_ask_tick(void)
{
    LIST_EACH_SAFE(&all.waiting, link) {
        struct s3_ask *ask = CONTAINER_OF(link, struct s3_ask, link);

        if (uv_now(all.loop) - ask->since_ms < S3_ASK_MS_MAX)
            return;
        stop_waiting(ask);
        err_set(&ask->err, ERR_CLOSED, "the supervisor does not answer");
        finish(ask);
    }
}
