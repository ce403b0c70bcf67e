/* The tables of the web platform: what an isolate of atoll is made of.
 *
 * Owns: nothing; the tables are static. */
#ifndef ATOLL_WEB_WEB_H
#define ATOLL_WEB_WEB_H

#include "engine/isolate.h"
#include "engine/op.h"

/* The ops of this room, one table a file: op_<name>_table of op_<name>.c. */
#define WEB_OP_MAP(X) \
    X(buffer) X(cache) X(clock) X(compression) X(console) X(crypto) X(crypto_run) X(encoding) \
    X(fetch) X(html) X(pool) X(socket) X(timer) X(url) X(websocket)

#define WEB_OP_DECLARE(name) extern const struct op op_##name##_table[];
WEB_OP_MAP(WEB_OP_DECLARE)
#undef WEB_OP_DECLARE

/* The same as a list: `{WEB_OP_TABLES NULL}`. */
#define WEB_OP_TABLE(name) op_##name##_table,
#define WEB_OP_TABLES WEB_OP_MAP(WEB_OP_TABLE)

/* js/<name>.js, minified; generated from the files at build time. Ends with name == NULL. */
extern const struct builtin web_builtins[];

#endif
