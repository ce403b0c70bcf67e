/* Calls for what tenants store: a runtime answers, since the supervisor opens no tenant's file.
 *
 *     start ──> a spare process, else a fast one ──stored──> on_done
 *       └──none, too many──(a later turn)──────────death, time──^
 *
 * (1) An answer counts from the process that was asked, once, and says what base/err.h knows.
 * (2) Nothing is tried again: a call whose process died may have been done.
 * (3) What a process dies of is asked no process that serves, and not soon again: a store that was
 *     made to break runtimes breaks one now and then that serves nobody. */
#include <stdio.h>
#include <stdlib.h>

#include "control/fleet_store.h"
#include "base/member.h"
#include "loop/frame.h"

enum {
    ERROR_BYTES_MAX = 16 << 10,
    FRAME_ROOM = 1024,
    QUEUED_BYTES_MAX = 192 << 20,    /* on a link: no more calls */
    BLAMED_MAX = 1024,
    BLAME_STEP_MS = 1000,    /* doubled with each death */
    BLAME_STEPS_MAX = 6,
};

struct store {
    struct list link;
    uint64_t id;
    const struct fleet_process *process;    /* NULL: it never got that far */
    char *account, *name;
    int code;                               /* why it is over when the timer ends, */
    const char *error;                      /* a literal */
    uv_timer_t timer;
    struct fleet *fleet;
    void (*on_done)(void *arg, const struct platform_stored *stored);
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    struct store *store = handle->data;

    free(store->account);
    free(store->name);
    free(store);
}

static void finish(struct store *store, const struct platform_stored *stored)
{
    list_remove(&store->link);
    store->fleet->store_count--;
    store->on_done(store->arg, stored);
    uv_close((uv_handle_t *)&store->timer, on_closed);
}

static void fail(struct store *store, int code, const char *error)
{
    finish(store, &(struct platform_stored){.code = code, .error = error});
}

static void on_timer(uv_timer_t *timer)
{
    struct store *store = timer->data;

    fail(store, store->code, store->error);
}

/* ---- who answers ---- */

static bool is_fit(const struct fleet_process *p)
{
    return (p->role == FLEET_SPARE || p->role == FLEET_FAST) && !p->killed_for && !p->beat.stuck &&
           process_queued_bytes(p->process) <= QUEUED_BYTES_MAX;
}

static bool is_behind(const struct fleet_process *p)
{
    return process_queued_bytes(p->process) > FLEET_QUEUED_BYTES_MAX;
}

/* One that is ready before one that is not, one that keeps up before one that is behind, one that
 * serves nobody before one that does, one that has read what it was sent before one that has not.
 */
static bool is_better(const struct fleet_process *p, const struct fleet_process *than)
{
    if (p->ready != than->ready)
        return p->ready;
    if (is_behind(p) != is_behind(than))
        return is_behind(than);
    if (p->role != than->role)
        return p->role == FLEET_SPARE;
    return process_queued_bytes(p->process) < process_queued_bytes(than->process);
}

/* `spare`: no other will do. */
static struct fleet_process *choose(struct fleet *fleet, bool spare)
{
    struct fleet_process *best = NULL;

    FLEET_EACH(fleet, p)
    if (is_fit(p) && (!spare || p->role == FLEET_SPARE) && (!best || is_better(p, best)))
        best = p;
    return best;
}

/* ---- what processes died of ---- */

static void blame(struct store *store)
{
    struct fleet *fleet = store->fleet;
    json_t *known = json_object_get(fleet->store_blamed, store->name);
    json_int_t count = member_int(known, "count");
    json_int_t wait_ms = BLAME_STEP_MS << (count < BLAME_STEPS_MAX ? count : BLAME_STEPS_MAX);

    if (json_object_size(fleet->store_blamed) >= BLAMED_MAX)
        json_object_clear(fleet->store_blamed);
    json_object_set_new(fleet->store_blamed, store->name,
                        json_pack("{s:I, s:I}", "count", count + 1, "until_ms",
                                  (json_int_t)uv_now(fleet->loop) + wait_ms));
}

static bool is_blamed(const struct store *store)
{
    return json_object_get(store->fleet->store_blamed, store->name) != NULL;
}

static bool has_to_wait(const struct store *store)
{
    const json_t *known = json_object_get(store->fleet->store_blamed, store->name);

    return member_int(known, "until_ms") > (json_int_t)uv_now(store->fleet->loop);
}

static size_t count_of(const struct fleet *fleet, const char *account)
{
    size_t count = 0;

    LIST_EACH(&fleet->stores, it)
        count += strcmp(CONTAINER_OF(it, struct store, link)->account, account) == 0;
    return count;
}

/* ---- a call ---- */

static json_t *frame_of(const struct store *store, const struct platform_store *request)
{
    json_t *frame = json_pack("{s:s, s:I, s:s, s:s, s:s}", "type", "store", "id",
                              (json_int_t)store->id, "kind", request->kind, "store", request->store,
                              "call", request->call);

    json_object_set_new(frame, "args",
                        request->args ? json_incref((json_t *)request->args) : json_object());
    return frame;
}

static void ask_process(struct store *store, const struct platform_store *request)
{
    json_t *frame = frame_of(store, request);
    struct fleet_process *p = choose(store->fleet, is_blamed(store));

    store->code = ERR_CLOSED;
    if (request->bytes.len > FRAME_BLOB_MAX ||
        json_dumpb(frame, NULL, 0, JSON_COMPACT) > FRAME_JSON_MAX - FRAME_ROOM) {
        store->code = ERR_LIMIT;
        store->error = "This is more than 64 MiB at once: take several calls.";
    } else if (!p) {
        store->error = "No process of the server can answer this now: try again in a moment.";
    } else {
        store->code = ERR_TIMEOUT;
        store->error = "It took too long. It may yet be done: look before you try again.";
        store->process = p;
        process_send(p->process, json_incref(frame), request->bytes, -1);
    }
    json_decref(frame);
}

void fleet_store_start(struct fleet *fleet, const struct platform_store *request,
                       void (*on_done)(void *arg, const struct platform_stored *stored), void *arg)
{
    struct store *store = mem_new(struct store);
    const char *slash = strchr(request->store, '/');

    ASSERT(slash);
    store->id = ++fleet->last_id;
    store->fleet = fleet;
    store->account = str_dup((str){request->store, (size_t)(slash - request->store)});
    store->name = str_dup(str_from(request->store));
    store->on_done = on_done;
    store->arg = arg;
    store->code = ERR_CLOSED;
    uv_timer_init(fleet->loop, &store->timer);
    store->timer.data = store;
    if (fleet->stopping)
        store->error = "The server is stopping.";
    else if (fleet->store_count >= FLEET_STORES_MAX ||
             count_of(fleet, store->account) >= FLEET_ACCOUNT_STORES_MAX)
        store->error = "Too many calls at once: try again in a moment.";
    else if (has_to_wait(store))
        store->error = "A process died of this lately, perhaps of a damaged file: try again in a "
                       "minute.";
    else
        ask_process(store, request);
    list_push(&fleet->stores, &store->link);
    fleet->store_count++;
    uv_timer_start(&store->timer, on_timer, store->process ? FLEET_STORE_MS_MAX : 0, 0);
}

/* ---- its end ---- */

static bool is_known(json_int_t code)
{
#define KNOWN(name, value, http, js, text) case value:
    switch (code) {
        ERR_MAP(KNOWN)
        return true;
    default:
        return false;
    }
#undef KNOWN
}

static void answer(struct store *store, const json_t *frame, str blob)
{
    json_int_t code = member_int(frame, "code");
    json_int_t result = member_int(frame, "result");
    const json_t *error = json_object_get(frame, "error");
    struct platform_stored stored = {0};

    if (json_is_true(json_object_get(frame, "ok")) && result >= 0 && (uint64_t)result <= blob.len) {
        stored.result = str_head(blob, (size_t)result);
        stored.bytes = str_skip(blob, (size_t)result);
    } else {
        stored.code = is_known(code) ? (int)code : ERR_IO;
        stored.error = json_string_length(error) <= ERROR_BYTES_MAX ? json_string_value(error)
                                                                    : NULL;
        stored.error = stored.error ? stored.error : "A runtime did not say what went wrong.";
    }
    finish(store, &stored);
}

void fleet_store_on_stored(struct fleet_process *p, const json_t *frame, str blob)
{
    uint64_t id = (uint64_t)member_int(frame, "id");

    LIST_EACH_SAFE(&p->fleet->stores, it) {
        struct store *store = CONTAINER_OF(it, struct store, link);

        if (store->id == id && store->process == p) {
            json_object_del(p->fleet->store_blamed, store->name);
            answer(store, frame, blob);
            return;
        }
    }
}

void fleet_store_on_death(struct fleet_process *p, const char *how)
{
    char text[256];

    snprintf(text, sizeof text,
             "The process that did this %s. It may be done: look before you try again.",
             p->killed_for ? "had to be ended" : how);
    LIST_EACH_SAFE(&p->fleet->stores, it) {
        struct store *store = CONTAINER_OF(it, struct store, link);

        if (store->process != p)
            continue;
        blame(store);
        fail(store, ERR_CLOSED, text);
    }
}

void fleet_store_end_all(struct fleet *fleet)
{
    LIST_EACH_SAFE(&fleet->stores, it)
        fail(CONTAINER_OF(it, struct store, link), ERR_CLOSED, "The server is stopping.");
}
