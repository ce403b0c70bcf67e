/* bindings/kv_item: what a client says of a key, any JSON; what is taken is within its limits. */
#include "bindings/kv/kv_item.h"

enum { NOW = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_item(const json_t *item)
{
    struct err err;
    struct buf metadata, value;
    int64_t expires = 0;
    str key;

    buf_init(&metadata, KV_STORE_METADATA_BYTES_MAX);
    buf_init(&value, KV_STORE_VALUE_BYTES_MAX);
    if (kv_item_key(json_object_get(item, "key"), &key, &err) == 0)
        ASSERT(key.len > 0 && key.len <= KV_STORE_KEY_BYTES_MAX);
    if (kv_item_expires(item, NOW, &expires, &err) == 0)
        ASSERT(expires == 0 || expires >= NOW + 60);
    if (kv_item_metadata(item, &metadata, &err) == 0 && metadata.len) {
        struct kv_store_entry entry = {.metadata = metadata};
        json_t *about = kv_item_of(&entry);
        ASSERT(json_object_get(about, "metadata"));
        json_decref(about);
    }
    (void)!kv_item_value(item, &value, &err);
    buf_done(&metadata);
    buf_done(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

    if (json)
        try_item(json);
    json_decref(json);
    return 0;
}
