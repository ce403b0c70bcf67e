/* One request to a namespace, from a worker or from the REST API: what it asks for, and what came
 * of it. Knows no engine.
 *
 *   kv_request_init ── fill in ── kv_request_get() or another ── done() ── kv_request_done
 *
 * Owns: copies of all it holds, a reference to the namespace. Thread: the loop's; between the start
 * and done() nothing is touched. Limits: those of kv_store.h. */
#ifndef ATOLL_BINDINGS_KV_REQUEST_H
#define ATOLL_BINDINGS_KV_REQUEST_H

#include "bindings/kv/kv_space.h"

enum { KV_REQUEST_KEYS_MAX = 100, KV_REQUEST_LIST_BYTES_MAX = 16 << 20 };

struct kv_request {
    struct kv_space *space;     /* borrowed when it is given, kept while it runs */
    struct kv_space_read read;
    struct kv_space_write write;
    void (*done)(struct kv_request *request);   /* on the loop, perhaps at once */
    struct err *err;            /* code 0: it worked */

    /* asked */
    struct buf key;
    struct buf value;           /* of a put or a part */
    struct buf metadata;
    int64_t expires;
    int64_t body;               /* of parts */
    uint64_t length;
    unsigned index;
    bool in_parts;              /* a large value is not wanted whole */
    struct buf after;           /* of a list, whose prefix is `key` */
    unsigned limit;
    struct buf *keys;           /* of many: key_count, owned */
    size_t key_count;

    /* found */
    bool is_there;
    uint64_t counter;
    struct kv_store_entry entry;
    struct kv_store_entry *entries; /* of many, as many as keys */
    bool *are_there;
    struct buf list;            /* JSON */
    struct buf last;
    bool is_complete;
};

void kv_request_init(struct kv_request *request, struct kv_space *space, struct err *err);
void kv_request_done(struct kv_request *request);

/* Adds one of many keys. */
NODISCARD int kv_request_add_key(struct kv_request *request, str key);

/* key -> is_there, entry. What was found may be kept for kv_space_peek(). */
void kv_request_get(struct kv_request *request);

/* keys -> are_there, entries. ERR_LIMIT: the values together have more than
 * KV_STORE_VALUE_BYTES_MAX. */
void kv_request_get_many(struct kv_request *request);

/* body, index -> value. */
void kv_request_read_part(struct kv_request *request);

/* key (the prefix), after, limit -> list, last, is_complete. */
void kv_request_list(struct kv_request *request);

/* key, value or body with length, expires, metadata. */
void kv_request_put(struct kv_request *request);
void kv_request_delete(struct kv_request *request);

/* -> body. */
void kv_request_stage(struct kv_request *request);

/* body, index, value. */
void kv_request_write_part(struct kv_request *request);

/* body. */
void kv_request_unstage(struct kv_request *request);

#endif
