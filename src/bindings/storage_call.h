/* One call of the REST API for what is in a store: the supervisor passes it to a runtime, since it
 * neither opens tenants' data nor runs their SQL.
 *
 * Owns: its JSON and its bytes, until storage_call_end(). Thread: the loop's. */
#ifndef ATOLL_BINDINGS_STORAGE_CALL_H
#define ATOLL_BINDINGS_STORAGE_CALL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

struct storage_call {
    const char *store;      /* "default/kv/<id>", as in a binding; borrowed */
    const char *call;       /* "get", "put", "query" ...: the kind's own words */
    const json_t *args;     /* an object; borrowed */
    str bytes;              /* what came with it: a value; borrowed */
    json_t *result;         /* the answer's JSON, filled in; may stay NULL */
    struct buf out;         /* the answer's bytes, filled in */
    struct err err;         /* code 0: it worked */
    void (*on_end)(struct storage_call *call);
    void *context;
};

/* Ends it, exactly once: what is filled in goes back. The call is not valid any more. */
void storage_call_end(struct storage_call *call);

#endif
