/* Calls of the REST API for KV namespaces; see kv_call.h.
 *
 * Calls about keys are requests like a worker's; those about the files are chores. */
#include "bindings/kv/kv_call.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "bindings/kv/kv_bulk.h"
#include "bindings/kv/kv_cursor.h"
#include "bindings/kv/kv_item.h"
#include "bindings/kv/kv_request.h"
#include "bindings/storage_chore.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

struct keyed {
    struct kv_request request;
    struct storage_call *call;
    bool wants_value;
};

/* ---- about keys ---- */

static void end(struct keyed *keyed)
{
    struct storage_call *call = keyed->call;

    kv_request_done(&keyed->request);
    free(keyed);
    storage_call_end(call);
}

static void on_done(struct kv_request *request)
{
    end(CONTAINER_OF(request, struct keyed, request));
}

static void on_got(struct kv_request *request)
{
    struct keyed *keyed = CONTAINER_OF(request, struct keyed, request);
    struct storage_call *call = keyed->call;

    if (!call->err.code && !request->is_there)
        err_set(&call->err, ERR_NOT_FOUND, "key not found");
    if (!call->err.code)
        call->result = kv_item_of(&request->entry);
    if (!call->err.code && keyed->wants_value &&
        buf_append(&call->out, buf_str(&request->entry.value)) < 0)
        err_set(&call->err, ERR_LIMIT, "the value is too large for an answer");
    end(keyed);
}

static json_t *keys_of(const struct buf *list)
{
    return json_loadb(list->ptr, list->len, JSON_ALLOW_NUL, NULL);
}

static void on_listed(struct kv_request *request)
{
    struct keyed *keyed = CONTAINER_OF(request, struct keyed, request);
    struct storage_call *call = keyed->call;
    json_t *keys = call->err.code ? NULL : keys_of(&request->list);
    struct buf cursor;

    buf_init(&cursor, KV_CURSOR_BYTES_MAX);
    if (!call->err.code && !request->is_complete)
        ASSERT(kv_cursor_write(buf_str(&request->last), &cursor) == 0);
    if (!call->err.code && !keys)
        err_set(&call->err, ERR_INVALID, "the namespace's file is damaged");
    if (!call->err.code)
        call->result = json_pack("{s:o, s:b, s:s%}", "keys", keys, "list_complete",
                                 request->is_complete, "cursor", cursor.ptr ? cursor.ptr : "",
                                 cursor.len);
    buf_done(&cursor);
    end(keyed);
}

/* NULL, and the call has ended, when there is no place for the namespace. */
static struct keyed *begin(struct storage_call *call, void (*done)(struct kv_request *request))
{
    struct kv_space *space = kv_space_of(call->store);
    struct keyed *keyed;

    if (!space) {
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
        storage_call_end(call);
        return NULL;
    }
    keyed = mem_new(struct keyed);
    keyed->call = call;
    kv_request_init(&keyed->request, space, &call->err);
    keyed->request.done = done;
    return keyed;
}

/* Takes the key; a wrong one ends the call. */
static struct keyed *begin_with_key(struct storage_call *call,
                                    void (*done)(struct kv_request *request))
{
    struct keyed *keyed = begin(call, done);
    str key;

    if (!keyed)
        return NULL;
    if (kv_item_key(json_object_get(call->args, "key"), &key, &call->err) == 0) {
        ASSERT(buf_append(&keyed->request.key, key) == 0);
        return keyed;
    }
    kv_space_unref(keyed->request.space);
    end(keyed);
    return NULL;
}

/* Starts what was begun, unless something in it was wrong. */
static void go(struct keyed *keyed, void (*start)(struct kv_request *request))
{
    struct kv_space *space = keyed->request.space;

    if (keyed->call->err.code)
        end(keyed);
    else
        start(&keyed->request);
    kv_space_unref(space);
}

static void run_get(struct storage_call *call)
{
    struct keyed *keyed = begin_with_key(call, on_got);

    if (!keyed)
        return;
    keyed->wants_value = true;
    go(keyed, kv_request_get);
}

static void run_metadata(struct storage_call *call)
{
    struct keyed *keyed = begin_with_key(call, on_got);

    if (!keyed)
        return;
    keyed->request.in_parts = true;
    go(keyed, kv_request_get);
}

static void run_put(struct storage_call *call)
{
    struct keyed *keyed = begin_with_key(call, on_done);
    struct kv_request *request;

    if (!keyed)
        return;
    request = &keyed->request;
    if (kv_item_expires(call->args, clock_wall_s(), &request->expires, &call->err) == 0 &&
        kv_item_metadata(call->args, &request->metadata, &call->err) == 0 &&
        buf_append(&request->value, call->bytes) < 0)
        err_set(&call->err, ERR_LIMIT, "Value length of %zu exceeds limit of %d.", call->bytes.len,
                KV_STORE_VALUE_BYTES_MAX);
    go(keyed, kv_request_put);
}

static void run_delete(struct storage_call *call)
{
    struct keyed *keyed = begin_with_key(call, on_done);

    if (keyed)
        go(keyed, kv_request_delete);
}

static void run_list(struct storage_call *call)
{
    struct keyed *keyed = begin(call, on_listed);
    const json_t *limit = json_object_get(call->args, "limit");
    str cursor = member_str(call->args, "cursor");

    if (!keyed)
        return;
    keyed->request.limit = KV_STORE_LIST_MAX;
    if (json_is_integer(limit)) {
        if (json_integer_value(limit) < 1 || json_integer_value(limit) > KV_STORE_LIST_MAX)
            err_set(&call->err, ERR_INVALID, "limit must be 1 to %d", KV_STORE_LIST_MAX);
        else
            keyed->request.limit = (unsigned)json_integer_value(limit);
    }
    if (buf_append(&keyed->request.key, member_str(call->args, "prefix")) < 0)
        err_set(&call->err, ERR_LIMIT, "the prefix is longer than a key can be");
    if (cursor.len && kv_cursor_read(cursor, &keyed->request.after) < 0)
        err_set(&call->err, ERR_INVALID, "invalid cursor");
    go(keyed, kv_request_list);
}

/* ---- about files ---- */

/* Who has it open sees that it is removed, and begins anew when it is used again. */
static void remove_store(const char *directory, struct err *err)
{
    struct kv_shared *shared;
    char *path;

    if (!path_is_directory(directory))
        return;
    path = path_join(str_from(directory), STR("shared"));
    if (kv_shared_open(path, &shared, err) == 0) {
        if (kv_shared_lock(shared, err) == 0) {
            kv_shared_set_removed(shared);
            file_remove_tree(directory);
            kv_shared_unlock(shared);
        }
        kv_shared_unref(shared);
    }
    free(path);
}

static const struct storage_chore_kind chores = {kv_store_size, kv_store_copy, remove_store};

/* ---- all of them ---- */

static const struct row {
    const char *name;
    void (*run)(struct storage_call *call);
} rows[] = {
    {"get", run_get},
    {"metadata", run_metadata},
    {"put", run_put},
    {"delete", run_delete},
    {"list", run_list},
    {"bulk_put", kv_bulk_put},
    {"bulk_delete", kv_bulk_delete},
    {"bulk_get", kv_bulk_get},
};

void kv_call_run(struct storage_call *call)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, call->call) == 0) {
            rows[i].run(call);
            return;
        }
    if (storage_chore_start(call, &chores))
        return;
    err_set(&call->err, ERR_UNSUPPORTED, "KV namespaces have no call %.100s", call->call);
    storage_call_end(call);
}
