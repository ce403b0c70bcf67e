/* Queries of the analytics engine, in the words of ClickHouse that Cloudflare documents, made into
 * SQLite's.
 *
 *     SELECT [DISTINCT] list [FROM dataset | (SELECT ...)] [WHERE] [GROUP BY] [HAVING] [ORDER BY]
 *         [LIMIT n [OFFSET m]] [FORMAT f]
 *     SHOW TABLES [FORMAT f]
 *
 * Nothing of the text is handed on: names are looked up, texts and numbers are written anew, and
 * what is not known is an error that names it. What comes out reads the tables `point` and
 * `dataset` only (analytics_store.c), and calls SQLite's functions and those of
 * analytics_store_function.c. Owns: what it returns. Thread: any. Limits: the numbers below. */
#ifndef ATOLL_BINDINGS_ANALYTICS_SQL_H
#define ATOLL_BINDINGS_ANALYTICS_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
    ANALYTICS_SQL_BYTES_MAX = 32 << 10,      /* of a query */
    ANALYTICS_SQL_OUT_BYTES_MAX = 256 << 10, /* of what it becomes */
    ANALYTICS_SQL_COLUMNS_MAX = 200,
    ANALYTICS_SQL_ROWS_MAX = 100000,         /* of an answer */
    ANALYTICS_SQL_PEEK = 1000,               /* rows beyond LIMIT that are counted */
};

enum analytics_type {
    ANALYTICS_STRING,
    ANALYTICS_FLOAT64,
    ANALYTICS_UINT8,
    ANALYTICS_UINT32,
    ANALYTICS_UINT64,      /* a text in JSON, as 64 bits are too many for a number */
    ANALYTICS_INT32,
    ANALYTICS_INT64,       /* the same */
    ANALYTICS_DATETIME,    /* seconds since 1970 */
    ANALYTICS_DATE,        /* the same, of midnight */
    ANALYTICS_ARRAY,       /* of strings: JSON text */
    ANALYTICS_INTERVAL,    /* within expressions only */
};

enum analytics_format { ANALYTICS_JSON, ANALYTICS_JSON_EACH_ROW, ANALYTICS_TAB_SEPARATED };

struct analytics_sql_column {
    char *name;
    enum analytics_type type;
};

struct analytics_sql {
    char *sql;                /* SQLite's; gives at most `offset` + `limit` + PEEK rows */
    struct analytics_sql_column *columns;
    size_t count;
    uint64_t limit, offset;   /* of the rows that are shown */
    bool is_limited;          /* by the query, not by ROWS_MAX */
    enum analytics_format format;
};

struct analytics_sql_request {
    str text;
    int64_t now_s;
    int64_t (*find_dataset)(void *context, str name); /* its number, negative: there is none */
    void *context;
};

/* Returns 0 with `ret`, which analytics_sql_done() releases, or ERR_INVALID, ERR_LIMIT with words
 * for who wrote the query. */
NODISCARD int analytics_sql_make(const struct analytics_sql_request *request,
                                 struct analytics_sql *ret, struct err *err);

void analytics_sql_done(struct analytics_sql *sql);

/* "UInt64", as ClickHouse calls it. */
const char *analytics_sql_type_name(enum analytics_type type);

#endif
