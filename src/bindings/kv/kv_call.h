/* Calls of the REST API for KV namespaces.
 *
 *   get, metadata {key}                       out: the value; result: {metadata, expiration}
 *   put {key, expiration?, expiration_ttl?, metadata?}      bytes: the value
 *   delete {key}
 *   list {prefix?, cursor?, limit?}           result: {keys, list_complete, cursor}
 *   bulk_put, bulk_delete, bulk_get           see kv_bulk.h
 *   usage {}                                  result: {bytes}, on disk
 *   copy {to}                                 a consistent copy at another store's place
 *   remove {}                                 everything, for all processes
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_KV_CALL_H
#define ATOLL_BINDINGS_KV_CALL_H

#include "bindings/storage_call.h"

/* See struct binding_kind. */
void kv_call_run(struct storage_call *call);

#endif
