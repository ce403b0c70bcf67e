/* Requests to a namespace; see kv_request.h. What each does on its thread, and how it ends. */
#include "bindings/kv/kv_request.h"

#include <stdlib.h>

#include "os/clock.h"

void kv_request_init(struct kv_request *request, struct kv_space *space, struct err *err)
{
    *request = (struct kv_request){.space = space, .err = err};
    request->read.err = request->write.err = err;
    buf_init(&request->key, KV_STORE_KEY_BYTES_MAX);
    buf_init(&request->value, KV_STORE_VALUE_BYTES_MAX);
    buf_init(&request->metadata, KV_STORE_METADATA_BYTES_MAX);
    buf_init(&request->after, KV_STORE_KEY_BYTES_MAX);
    buf_init(&request->last, KV_STORE_KEY_BYTES_MAX);
    buf_init(&request->list, KV_REQUEST_LIST_BYTES_MAX);
    kv_store_entry_init(&request->entry);
}

void kv_request_done(struct kv_request *request)
{
    for (size_t i = 0; i < request->key_count; i++)
        buf_done(&request->keys[i]);
    for (size_t i = 0; request->entries && i < request->key_count; i++)
        kv_store_entry_done(&request->entries[i]);
    free(request->keys);
    free(request->entries);
    free(request->are_there);
    buf_done(&request->key);
    buf_done(&request->value);
    buf_done(&request->metadata);
    buf_done(&request->after);
    buf_done(&request->last);
    buf_done(&request->list);
    kv_store_entry_done(&request->entry);
}

int kv_request_add_key(struct kv_request *request, str key)
{
    struct buf *own;

    if (request->key_count == KV_REQUEST_KEYS_MAX)
        return ERR_LIMIT;
    if (!request->keys)
        request->keys = mem_zeroed(KV_REQUEST_KEYS_MAX * sizeof *request->keys);
    own = &request->keys[request->key_count++];
    buf_init(own, KV_STORE_KEY_BYTES_MAX);
    return buf_append(own, key);
}

/* ---- starting and ending ---- */

static void end(struct kv_request *request)
{
    struct kv_space *space = request->space;

    request->done(request);
    kv_space_unref(space);
}

static void on_read_done(struct kv_space_read *read)
{
    end(CONTAINER_OF(read, struct kv_request, read));
}

static void on_write_done(struct kv_space_write *write)
{
    end(CONTAINER_OF(write, struct kv_request, write));
}

static void start_read(struct kv_request *request,
                       void (*run)(struct kv_space_read *read, struct kv_store *store,
                                   const struct kv_shared *shared))
{
    request->read.run = run;
    if (!request->read.done)
        request->read.done = on_read_done;
    kv_space_read(kv_space_ref(request->space), &request->read);
}

static void start_write(struct kv_request *request,
                        int (*run)(struct kv_space_write *write, struct kv_store *store,
                                   struct kv_shared *shared))
{
    request->write.run = run;
    request->write.done = on_write_done;
    request->write.bytes = request->value.len;
    kv_space_write(kv_space_ref(request->space), &request->write);
}

/* ---- reading ---- */

/* Reads one key. Returns 0 or an error. */
static int read_entry(struct kv_store *store, str key, struct kv_store_entry *ret,
                      bool *ret_is_there, struct err *err)
{
    int r = kv_store_get(store, key, clock_wall_s(), ret, err);

    *ret_is_there = r == 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* The same with a value that is in parts: all of one state. */
static int read_whole(struct kv_store *store, str key, struct kv_store_entry *ret,
                      bool *ret_is_there, struct err *err)
{
    int r = kv_store_begin_read(store, err);

    if (r < 0)
        return r;
    buf_clear(&ret->metadata);
    r = read_entry(store, key, ret, ret_is_there, err);
    if (r == 0 && *ret_is_there)
        r = kv_store_read_all(store, ret, err);
    kv_store_end_read(store);
    return r;
}

static void run_get(struct kv_space_read *read, struct kv_store *store,
                    const struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(read, struct kv_request, read);

    /* First the counter, then the value: see kv_shared.h. */
    request->counter = kv_shared_look(shared, kv_shared_hash(buf_str(&request->key)));
    if (read_entry(store, buf_str(&request->key), &request->entry, &request->is_there,
                   request->err) == 0 &&
        request->entry.body && !request->in_parts)
        (void)!read_whole(store, buf_str(&request->key), &request->entry, &request->is_there,
                          request->err);
    read->bytes = request->entry.value.len;
}

static void on_get_done(struct kv_space_read *read)
{
    struct kv_request *request = CONTAINER_OF(read, struct kv_request, read);

    if (!request->err->code)
        kv_space_keep(request->space, buf_str(&request->key),
                      request->is_there ? &request->entry : NULL, request->counter);
    end(request);
}

void kv_request_get(struct kv_request *request)
{
    request->read.done = on_get_done;
    start_read(request, run_get);
}

static void run_get_many(struct kv_space_read *read, struct kv_store *store,
                         const struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(read, struct kv_request, read);
    uint64_t total = 0;
    int r = kv_store_begin_read(store, request->err);

    (void)shared;
    if (r < 0)
        return;
    for (size_t i = 0; r == 0 && i < request->key_count; i++) {
        kv_store_entry_init(&request->entries[i]);
        r = read_entry(store, buf_str(&request->keys[i]), &request->entries[i],
                       &request->are_there[i], request->err);
        total += request->entries[i].length;
        if (r == 0 && total > KV_STORE_VALUE_BYTES_MAX)
            r = err_set(request->err, ERR_LIMIT, "Total size of request exceeds the limit of 25MB");
        if (r == 0)
            r = kv_store_read_all(store, &request->entries[i], request->err);
        read->bytes += request->entries[i].value.len;
    }
    kv_store_end_read(store);
}

void kv_request_get_many(struct kv_request *request)
{
    request->entries = mem_zeroed((request->key_count + 1) * sizeof *request->entries);
    request->are_there = mem_zeroed((request->key_count + 1) * sizeof *request->are_there);
    start_read(request, run_get_many);
}

static void run_read_part(struct kv_space_read *read, struct kv_store *store,
                          const struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(read, struct kv_request, read);
    int r = kv_store_read_part(store, request->body, request->index, &request->value, request->err);

    (void)shared;
    read->bytes = request->value.len;
    if (r == ERR_NOT_FOUND)
        err_set(request->err, ERR_CLOSED,
                "the value was replaced or deleted more than a minute ago, while it was read");
}

void kv_request_read_part(struct kv_request *request)
{
    start_read(request, run_read_part);
}

static void run_list(struct kv_space_read *read, struct kv_store *store,
                     const struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(read, struct kv_request, read);
    struct kv_store_query query = {buf_str(&request->key), buf_str(&request->after), request->limit,
                                   clock_wall_s()};

    (void)shared;
    (void)!kv_store_list(store, &query, &request->list, &request->last, &request->is_complete,
                         request->err);
    read->bytes = request->list.len;
}

void kv_request_list(struct kv_request *request)
{
    start_read(request, run_list);
}

/* ---- writing ---- */

static int run_put(struct kv_space_write *write, struct kv_store *store, struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(write, struct kv_request, write);
    const struct kv_store_put put = {
        .key = buf_str(&request->key),
        .value = buf_str(&request->value),
        .body = request->body,
        .length = request->length,
        .expires = request->expires,
        .metadata = buf_str(&request->metadata),
    };

    kv_shared_mark(shared, kv_shared_hash(put.key));
    return kv_store_put(store, &put, clock_wall_s(), request->err);
}

void kv_request_put(struct kv_request *request)
{
    start_write(request, run_put);
}

static int run_delete(struct kv_space_write *write, struct kv_store *store,
                      struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(write, struct kv_request, write);

    kv_shared_mark(shared, kv_shared_hash(buf_str(&request->key)));
    return kv_store_delete(store, buf_str(&request->key), clock_wall_s(), request->err);
}

void kv_request_delete(struct kv_request *request)
{
    start_write(request, run_delete);
}

static int run_stage(struct kv_space_write *write, struct kv_store *store, struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(write, struct kv_request, write);

    (void)shared;
    return kv_store_stage(store, clock_wall_s(), &request->body, request->err);
}

void kv_request_stage(struct kv_request *request)
{
    start_write(request, run_stage);
}

static int run_write_part(struct kv_space_write *write, struct kv_store *store,
                          struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(write, struct kv_request, write);

    (void)shared;
    return kv_store_write_part(store, request->body, request->index, buf_str(&request->value),
                               request->err);
}

void kv_request_write_part(struct kv_request *request)
{
    start_write(request, run_write_part);
}

static int run_unstage(struct kv_space_write *write, struct kv_store *store,
                       struct kv_shared *shared)
{
    struct kv_request *request = CONTAINER_OF(write, struct kv_request, write);

    (void)shared;
    return kv_store_unstage(store, request->body, request->err);
}

void kv_request_unstage(struct kv_request *request)
{
    start_write(request, run_unstage);
}
