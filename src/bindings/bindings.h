/* The kinds of bindings that have something behind them: KV namespaces, databases ...
 *
 * A kind is a row of data: the type of the upload, the JavaScript file that makes the object for
 * `env`, what opens the native side of it, and what answers the REST API's calls for it. Each kind
 * lives in a folder of its own (bindings/<kind>/): its store in C, which knows no engine; thin ops;
 * its class; its types.
 * Owns: nothing; the rows are constants. Thread: the loop's. */
#ifndef ATOLL_BINDINGS_BINDINGS_H
#define ATOLL_BINDINGS_BINDINGS_H

#include <jansson.h>

#include "bindings/storage_call.h"
#include "engine/isolate.h"
#include "engine/op.h"

struct binding_kind {
    const char *type;        /* "kv_namespace", as in the upload's `bindings` */
    const char *module;      /* the built-in file whose `bind(handle)` gives the object for env */

    /* A handle (engine/handle.h) for one binding of a version that is being loaded, in a turn.
     * `binding` is the configuration's: {name, type, store, ...}, borrowed; `store` is the place of
     * its data below the storage directory ("default/kv/<id>"), checked by the supervisor. NULL
     * with `err` when it cannot be. Nothing is opened on disk before the first use. */
    JSObjectRef (*open)(JSContextRef ctx, const json_t *binding, struct err *err);

    /* Answers a call of the REST API (bindings/storage_call.h), now or later. NULL: none. */
    void (*call)(struct storage_call *call);
};

/* All kinds; ends with a type of NULL. */
extern const struct binding_kind bindings_kinds[];

/* NULL when there is no such kind. */
const struct binding_kind *bindings_find(const char *type);

/* The ops of this room, one table a file: op_<name>_table of op_<name>.c. */
#define BINDINGS_OP_MAP(X) X(assets) X(kv) X(d1) X(r2) X(service) X(ratelimit) X(analytics)

#define BINDINGS_OP_DECLARE(name) extern const struct op op_##name##_table[];
BINDINGS_OP_MAP(BINDINGS_OP_DECLARE)
#undef BINDINGS_OP_DECLARE

/* The same as a list: `{BINDINGS_OP_TABLES NULL}`. */
#define BINDINGS_OP_TABLE(name) op_##name##_table,
#define BINDINGS_OP_TABLES BINDINGS_OP_MAP(BINDINGS_OP_TABLE)

/* Where stores are: an absolute directory (kept), or NULL: none can be opened. Once, at the start
 * of the process. */
void bindings_start(uv_loop_t *loop, const char *storage_directory);

/* Has what was written and not waited for stored now. Returns false when nothing is left to wait
 * for.
 * A process that ends calls it after each round of its loop. */
bool bindings_flush(void);

/* <directory>/<store>, returned owned; NULL when there is no directory or `store` is no path of
 * plain segments. */
char *bindings_store_path(const char *store);

/* What `bindings` of a version's configuration is in JavaScript: [name, module, handle, name, ...],
 * which use("bindings").bind() makes env's objects of. NULL with `err` when one cannot be. In a
 * turn. */
JSObjectRef bindings_list(JSContextRef ctx, const json_t *bindings, struct err *err);

#endif
