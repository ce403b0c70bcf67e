/* Calls of the REST API about many keys at once.
 *
 *   bulk_put      bytes: [{key, value, base64?, expiration?, expiration_ttl?, metadata?}, ...]
 *   bulk_delete   bytes: [key, ...] or [{name or key}, ...]
 *                 result of both: {successful_key_count, unsuccessful_keys: []}; all or nothing
 *   bulk_get      bytes: {keys: [...], type?: "text" or "json", withMetadata?}
 *                 result: {values: {key: value or null, or {value, metadata, expiration}}}
 *
 * Owns: nothing. Thread: the loop's. Limits: KV_BULK_KEYS_MAX of a put or delete, and
 * KV_REQUEST_KEYS_MAX of a get. */
#ifndef ATOLL_BINDINGS_KV_BULK_H
#define ATOLL_BINDINGS_KV_BULK_H

#include "bindings/storage_call.h"

enum { KV_BULK_KEYS_MAX = 10000 };

void kv_bulk_put(struct storage_call *call);
void kv_bulk_delete(struct storage_call *call);
void kv_bulk_get(struct storage_call *call);

#endif
