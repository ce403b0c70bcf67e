/* Keys and what goes with them, as JSON; see kv_item.h. */
#include "bindings/kv/kv_item.h"

#include <stdlib.h>

#include "web/base64.h"

enum { TTL_MIN = 60 };

int kv_item_key(const json_t *json, str *ret, struct err *err)
{
    str key = {json_string_value(json), json_string_length(json)};

    if (!json_is_string(json))
        return err_set(err, ERR_INVALID, "a key name must be a string");
    if (!key.len)
        return err_set(err, ERR_INVALID, "key name cannot be empty");
    if (str_equal(key, STR(".")) || str_equal(key, STR("..")))
        return err_set(err, ERR_INVALID, "\"%s\" is not allowed as a key name", key.ptr);
    if (key.len > KV_STORE_KEY_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "UTF-8 encoded length of %zu exceeds key length limit of %d",
                       key.len, KV_STORE_KEY_BYTES_MAX);
    *ret = key;
    return 0;
}

/* A member that is a whole number; *ret stays what it is when there is none. */
static int whole_number(const json_t *item, const char *name, int64_t *ret, struct err *err)
{
    const json_t *number = json_object_get(item, name);
    double value = json_number_value(number);

    if (!number || json_is_null(number))
        return 0;
    if (!json_is_number(number) || !(value >= 1 && value < 1e15))
        return err_set(err, ERR_INVALID, "%s must be an integer greater than 0", name);
    *ret = (int64_t)value;
    return 0;
}

int kv_item_expires(const json_t *item, int64_t now, int64_t *ret, struct err *err)
{
    int64_t ttl = 0, time = 0;
    int r = whole_number(item, "expiration_ttl", &ttl, err);

    if (r == 0)
        r = whole_number(item, "expiration", &time, err);
    if (r < 0)
        return r;
    if (ttl && ttl < TTL_MIN)
        return err_set(err, ERR_INVALID,
                       "Invalid expiration_ttl of %lld. Expiration TTL must be at least %d.",
                       (long long)ttl, TTL_MIN);
    if (!ttl && time && time < now + TTL_MIN)
        return err_set(err, ERR_INVALID,
                       "Invalid expiration of %lld. Expiration times must be at "
                       "least %d seconds in the future.",
                       (long long)time, TTL_MIN);
    *ret = ttl ? now + ttl : time;
    return 0;
}

int kv_item_metadata(const json_t *item, struct buf *out, struct err *err)
{
    const json_t *metadata = json_object_get(item, "metadata");
    char *text;
    size_t len;
    int r;

    if (!metadata || json_is_null(metadata))
        return 0;
    text = json_dumps(metadata, JSON_COMPACT | JSON_ENCODE_ANY);
    len = text ? strlen(text) : 0;
    r = len && len <= KV_STORE_METADATA_BYTES_MAX
            ? buf_append(out, (str){text, len})
            : err_set(err, ERR_LIMIT, "Metadata length of %zu exceeds limit of %d.", len,
                      KV_STORE_METADATA_BYTES_MAX);
    free(text);
    return r;
}

static int append_decoded(str text, struct buf *out)
{
    int64_t len;
    int r = buf_reserve(out, text.len / 4 * 3 + 2);

    if (r < 0)
        return r;
    if ((len = base64_decode(text, out->ptr + out->len)) < 0)
        return ERR_INVALID;
    out->len += (size_t)len;
    return 0;
}

int kv_item_value(const json_t *item, struct buf *out, struct err *err)
{
    const json_t *value = json_object_get(item, "value");
    bool is_base64 = json_is_true(json_object_get(item, "base64"));
    str text = {json_string_value(value), json_string_length(value)};
    int r;

    if (!json_is_string(value))
        return err_set(err, ERR_INVALID, "a value must be a string");
    r = is_base64 ? append_decoded(text, out) : buf_append(out, text);
    if (r == ERR_INVALID)
        return err_set(err, r, "a value is said to be base64, and is not");
    return r < 0 ? err_set(err, r, "Value length of %zu exceeds limit of %d.",
                           is_base64 ? text.len / 4 * 3 : text.len, KV_STORE_VALUE_BYTES_MAX)
                 : 0;
}

json_t *kv_item_of(const struct kv_store_entry *entry)
{
    str text = buf_str(&entry->metadata);
    json_t *metadata = json_loadb(text.ptr ? text.ptr : "", text.len,
                                  JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    return json_pack("{s:o, s:o}", "metadata", metadata ? metadata : json_null(), "expiration",
                     entry->expires ? json_integer(entry->expires) : json_null());
}
