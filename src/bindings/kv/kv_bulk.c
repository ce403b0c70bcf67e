/* Many keys at once; see kv_bulk.h.
 *
 *   parse and check, on a thread ── one transaction, in the namespace's writes ── the answer
 *
 * The text may be large: it is parsed before the namespace is locked, and never on the loop. */
#include "bindings/kv/kv_bulk.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/kv/kv_item.h"
#include "bindings/kv/kv_request.h"
#include "os/clock.h"

enum { TEXT_BYTES_MAX = 256 << 10 }; /* of a get, which is parsed on the loop */

struct bulk {
    struct storage_job parse;
    struct kv_space_write write;
    struct storage_call *call;
    struct kv_space *space;
    json_t *items;
    bool deletes;
};

struct many {
    struct kv_request request;
    struct storage_call *call;
    json_t *asked;
};

/* ---- items ---- */

static const json_t *key_json(const struct bulk *bulk, const json_t *item)
{
    const json_t *name;

    if (!bulk->deletes)
        return json_object_get(item, "key");
    if (!json_is_object(item))
        return item;
    name = json_object_get(item, "name");
    return name ? name : json_object_get(item, "key");
}

/* Everything about one item that can be wrong, and with a store: does it. */
static int put_item(const json_t *item, str key, struct kv_store *store, struct err *err)
{
    struct kv_store_put put = {.key = key};
    int64_t now = clock_wall_s();
    struct buf value, metadata;
    int r = kv_item_expires(item, now, &put.expires, err);

    buf_init(&value, KV_STORE_VALUE_BYTES_MAX);
    buf_init(&metadata, KV_STORE_METADATA_BYTES_MAX);
    if (r == 0)
        r = kv_item_metadata(item, &metadata, err);
    if (r == 0)
        r = kv_item_value(item, &value, err);
    if (r == 0 && store) {
        put.value = buf_str(&value);
        put.metadata = buf_str(&metadata);
        r = kv_store_put(store, &put, now, err);
    }
    buf_done(&value);
    buf_done(&metadata);
    return r;
}

/* Without a store only checks. */
static int do_item(const struct bulk *bulk, const json_t *item, struct kv_store *store,
                   struct kv_shared *shared)
{
    struct err *err = &bulk->call->err;
    str key;
    int r = kv_item_key(key_json(bulk, item), &key, err);

    if (r == 0 && shared)
        kv_shared_mark(shared, kv_shared_hash(key));
    if (r < 0 || (bulk->deletes && !store))
        return r;
    return bulk->deletes ? kv_store_delete(store, key, clock_wall_s(), err)
                         : put_item(item, key, store, err);
}

static int do_all(const struct bulk *bulk, struct kv_store *store, struct kv_shared *shared)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach(bulk->items, i, item)
        if ((r = do_item(bulk, item, store, shared)) < 0)
            break;
    return r;
}

/* ---- put and delete ---- */

static void end(struct bulk *bulk)
{
    struct storage_call *call = bulk->call;

    if (!call->err.code)
        call->result = json_pack("{s:I, s:[]}", "successful_key_count",
                                 (json_int_t)json_array_size(bulk->items), "unsuccessful_keys");
    kv_space_unref(bulk->space);
    json_decref(bulk->items);
    free(bulk);
    storage_call_end(call);
}

static void run_parse(struct storage_job *job)
{
    struct bulk *bulk = CONTAINER_OF(job, struct bulk, parse);
    struct err *err = &bulk->call->err;
    str bytes = bulk->call->bytes;
    json_error_t where;

    bulk->items = json_loadb(bytes.ptr ? bytes.ptr : "", bytes.len, JSON_ALLOW_NUL, &where);
    if (!json_is_array(bulk->items))
        err_set(err, ERR_INVALID, "the body must be a JSON array: %s",
                bulk->items ? "it is something else" : where.text);
    else if (json_array_size(bulk->items) > KV_BULK_KEYS_MAX)
        err_set(err, ERR_LIMIT, "at most %d keys can be given at once", KV_BULK_KEYS_MAX);
    else
        (void)!do_all(bulk, NULL, NULL);
}

static int run_write(struct kv_space_write *write, struct kv_store *store, struct kv_shared *shared)
{
    return do_all(CONTAINER_OF(write, struct bulk, write), store, shared);
}

static void on_written(struct kv_space_write *write)
{
    end(CONTAINER_OF(write, struct bulk, write));
}

static void on_parsed(struct storage_job *job)
{
    struct bulk *bulk = CONTAINER_OF(job, struct bulk, parse);

    if (bulk->call->err.code)
        end(bulk);
    else
        kv_space_write(bulk->space, &bulk->write);
}

static void start(struct storage_call *call, bool deletes)
{
    struct kv_space *space = kv_space_of(call->store);
    struct bulk *bulk = mem_new(struct bulk);
    struct storage_job_queue *queue;

    bulk->call = call;
    bulk->space = space;
    bulk->deletes = deletes;
    bulk->parse.run = run_parse;
    bulk->parse.done = on_parsed;
    bulk->write = (struct kv_space_write){.err = &call->err,
                                          .bytes = call->bytes.len,
                                          .run = run_write,
                                          .done = on_written};
    if (!space) {
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
        end(bulk);
        return;
    }
    queue = storage_job_queue_new_for(kv_space_path(space));
    ASSERT(storage_job_post(queue, &bulk->parse) == 0); /* it is the first */
    storage_job_queue_free(queue);
}

void kv_bulk_put(struct storage_call *call)
{
    start(call, false);
}

void kv_bulk_delete(struct storage_call *call)
{
    start(call, true);
}

/* ---- get ---- */

static json_t *value_json(const struct kv_store_entry *entry, bool as_json, struct err *err)
{
    str text = buf_str(&entry->value);
    json_t *value;

    if (!text.ptr)
        text = STR("");
    value = as_json ? json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                    : json_stringn(text.ptr, text.len);
    if (!value)
        err_set(err, ERR_INVALID,
                as_json ? "At least one of the requested keys corresponds to a non-json value"
                        : "At least one of the requested values is no text");
    return value;
}

static json_t *found_json(const struct many *many, size_t i)
{
    const struct kv_store_entry *entry = &many->request.entries[i];
    const char *type = member_text(many->asked, "type");
    json_t *value, *item;

    if (!many->request.are_there[i])
        return json_null();
    value = value_json(entry, type && strcmp(type, "json") == 0, &many->call->err);
    if (!value || !json_is_true(json_object_get(many->asked, "withMetadata")))
        return value;
    item = kv_item_of(entry);
    json_object_set_new(item, "value", value);
    return item;
}

static void on_got_many(struct kv_request *request)
{
    struct many *many = CONTAINER_OF(request, struct many, request);
    struct storage_call *call = many->call;
    json_t *values = json_object(), *value;

    for (size_t i = 0; !call->err.code && i < request->key_count; i++)
        if ((value = found_json(many, i))) {
            str key = buf_str(&request->keys[i]);
            json_object_setn_new(values, key.ptr, key.len, value);
        }
    if (call->err.code)
        json_decref(values);
    else
        call->result = json_pack("{s:o}", "values", values);
    kv_request_done(request);
    json_decref(many->asked);
    free(many);
    storage_call_end(call);
}

static int take_keys(struct many *many, struct err *err)
{
    const json_t *keys = json_object_get(many->asked, "keys"), *json;
    size_t i;
    str key;
    int r = 0;

    if (!json_is_array(keys) || json_array_size(keys) < 1)
        return err_set(err, ERR_INVALID, "`keys` must be an array of 1 to %d keys",
                       KV_REQUEST_KEYS_MAX);
    if (json_array_size(keys) > KV_REQUEST_KEYS_MAX)
        return err_set(err, ERR_INVALID, "You can request a maximum of %d keys",
                       KV_REQUEST_KEYS_MAX);
    json_array_foreach(keys, i, json)
        if ((r = kv_item_key(json, &key, err)) < 0 ||
            (r = kv_request_add_key(&many->request, key)) < 0)
            break;
    return r;
}

void kv_bulk_get(struct storage_call *call)
{
    struct kv_space *space = kv_space_of(call->store);
    struct many *many = mem_new(struct many);
    str bytes = call->bytes;

    kv_request_init(&many->request, space, &call->err);
    many->request.done = on_got_many;
    many->call = call;
    if (bytes.len <= TEXT_BYTES_MAX)
        many->asked = json_loadb(bytes.ptr ? bytes.ptr : "", bytes.len, JSON_ALLOW_NUL, NULL);
    if (!space)
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
    else if (!json_is_object(many->asked))
        err_set(&call->err, ERR_INVALID, "the body must be a JSON object with `keys`");
    else
        (void)!take_keys(many, &call->err);
    if (call->err.code)
        on_got_many(&many->request);
    else
        kv_request_get_many(&many->request);
    kv_space_unref(space);
}
