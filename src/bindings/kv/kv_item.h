/* What the REST API says of a key: checked, in Cloudflare's words where it has some.
 *
 * Owns: nothing. Thread: any. Errors: ERR_INVALID, or ERR_LIMIT for what is too large. */
#ifndef ATOLL_BINDINGS_KV_ITEM_H
#define ATOLL_BINDINGS_KV_ITEM_H

#include <jansson.h>

#include "bindings/kv/kv_store.h"

/* A JSON string that is a key: 1 to 512 bytes, not "." or "..". Borrowed from `json`. */
NODISCARD int kv_item_key(const json_t *json, str *ret, struct err *err);

/* `expiration` or `expiration_ttl` of an object, as seconds since 1970; 0: neither. */
NODISCARD int kv_item_expires(const json_t *item, int64_t now, int64_t *ret, struct err *err);

/* `metadata` of an object as JSON text, appended; nothing when it has none. */
NODISCARD int kv_item_metadata(const json_t *item, struct buf *out, struct err *err);

/* `value` of an object, decoded when it has a true `base64`, appended. */
NODISCARD int kv_item_value(const json_t *item, struct buf *out, struct err *err);

/* The other way: what is said of an entry: {"metadata": any or null, "expiration": n or null}. */
json_t *kv_item_of(const struct kv_store_entry *entry);

#endif
