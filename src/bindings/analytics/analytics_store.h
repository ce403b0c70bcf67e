/* The data points of an account, in SQLite.
 *
 * The file is <directory>/data.db, in WAL mode; several processes write to it and read it at once.
 * A commit is on disk when it returns.
 * Owns: the connection. Thread: one at a time. Limits: the numbers below; `bytes_max` of the file,
 * beyond which the oldest points go.
 * Errors: ERR_LIMIT: the disk is full, too large, too long; ERR_TIMEOUT: others hold it;
 * ERR_INVALID: the file is damaged, or the query is wrong; ERR_IO: the disk. Their texts name no
 * paths. */
#ifndef ATOLL_BINDINGS_ANALYTICS_STORE_H
#define ATOLL_BINDINGS_ANALYTICS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "bindings/analytics/analytics_sql.h"

enum {
    ANALYTICS_STORE_FIELDS = 20,              /* blobs, and doubles */
    ANALYTICS_STORE_NAME_MAX = 100,           /* of a dataset */
    ANALYTICS_STORE_DATASETS_MAX = 1000,
    ANALYTICS_STORE_TIME_MAX_MS = 10000,      /* of a query */
    ANALYTICS_STORE_MEMORY_MAX = 96 << 20,    /* taken by one */
    ANALYTICS_STORE_REPLY_BYTES_MAX = 16 << 20,
};

#define ANALYTICS_STORE_KEEP_S (INT64_C(92) * 86400)
#define ANALYTICS_STORE_BYTES_MAX (UINT64_C(1) << 30)

struct analytics_store;

struct analytics_point {
    str dataset;
    int64_t time_s;
    str index;
    str blobs[ANALYTICS_STORE_FIELDS];
    double doubles[ANALYTICS_STORE_FIELDS];
};

/* Opens it, and makes it when it is not there; its directory is. Returned owned. */
NODISCARD int analytics_store_open(const char *directory, uint64_t bytes_max,
                                   struct analytics_store **ret, struct err *err);

/* NULL is fine. */
void analytics_store_close(struct analytics_store *store);

/* True when another file is in its place now, or none. */
bool analytics_store_is_stale(const struct analytics_store *store);

NODISCARD int analytics_store_begin(struct analytics_store *store, struct err *err);

/* Within a transaction. ERR_LIMIT, without harm, when it would make one dataset too many. */
NODISCARD int analytics_store_add(struct analytics_store *store,
                                  const struct analytics_point *point, struct err *err);

/* Commits when `result` is 0, else takes all back; before it commits, removes some of what is older
 * than ANALYTICS_STORE_KEEP_S, and of the oldest when it is too large. */
NODISCARD int analytics_store_end(struct analytics_store *store, int result, int64_t now_s,
                                  struct err *err);

/* Writes a consistent copy to the directory `to`, which is made; nothing when there is no file. */
NODISCARD int analytics_store_copy(const char *directory, const char *to, struct err *err);

/* Bytes on disk. */
uint64_t analytics_store_size(const char *directory);

/* Answers a query: its text appended to `out`, in the format it asks for, which goes to
 * *ret_format. Opens the file for itself; when there is none, there are no datasets. */
NODISCARD int analytics_store_query(const char *directory, str query, int64_t now_s,
                                    struct buf *out, enum analytics_format *ret_format,
                                    struct err *err);

#endif
