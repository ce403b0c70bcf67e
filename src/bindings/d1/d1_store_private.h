/* What the files of a database's connection share: the connection, its statements, its guard.
 *
 * Owns, Thread: as d1_store.h. */
#ifndef ATOLL_BINDINGS_D1_STORE_PRIVATE_H
#define ATOLL_BINDINGS_D1_STORE_PRIVATE_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/list.h"
#include "base/map.h"
#include "bindings/d1/d1_store.h"

enum {
    D1_STORE_ARGUMENTS_MAX = 32,        /* of a function */
    D1_PAGE_BYTES = 4096,
    D1_STATEMENTS_MAX = 100,            /* kept prepared, of one connection */
    D1_STATEMENT_SQL_BYTES_MAX = 8192,  /* of one that is kept */
};

/* What the guard saw while a statement was prepared. */
struct d1_traits {
    bool is_setting;      /* a pragma that changes the connection: undone after the operation */
    bool is_schema;       /* changes the schema */
    bool is_insert;
    bool is_heavy;        /* a function that may take long in one step */
};

struct d1_statement {
    struct list link;        /* the oldest used first */
    struct map_node node;
    sqlite3_stmt *statement;
    char *sql;               /* NULL: it is not kept */
    struct d1_traits traits;
    bool is_read;
    bool is_long;            /* one step of its program may take long */
    unsigned skips;          /* d1_store_run_now() leaves it to others so many times more */
    unsigned weight_percent; /* rows written, indexes included, for each row changed */
    struct buf keys;         /* `"a":` `,"b":` ..., as its rows are written */
    size_t key_ends[D1_STORE_COLUMNS_MAX];
    int columns;             /* that `keys` is of; -1 before the first row */
    int prepared;            /* how often it had been prepared again then */
};

struct d1_store {
    sqlite3 *connection;
    char *path;
    struct stat file;
    enum d1_store_role role;
    uint64_t bytes_max;
    bool is_capped;          /* the account stores as much as it may: the file does not grow */
    struct d1_leash own_leash;
    struct d1_leash *leash;
    struct map map;
    struct list order;       /* of statements: the oldest used first */
    sqlite3_stmt *size;      /* PRAGMA page_count */
    sqlite3 *aside;          /* d1_store_slow.c's; with statements by their arguments */
    sqlite3_stmt *prints[D1_STORE_ARGUMENTS_MAX + 1], *patch;
    /* The guard's. */
    struct d1_traits traits; /* of what is prepared now */
    bool is_ours;            /* what runs is our own SQL: nothing is refused */
    bool only_looks;         /* a setting is not to be made by preparing it */
    bool has_settings;       /* some were made */
};

/* ---- d1_store_guard.c ---- */

/* Puts limits, switches and the authorizer on a new connection. Returns SQLite's code. */
int d1_store_guard_put(struct d1_store *store);

/* Takes back what pragmas have set. */
void d1_store_guard_reset(struct d1_store *store);

/* True when what runs is to end: its time is over, or nobody waits for it. */
bool d1_store_guard_is_over(struct d1_store *store);

/* ---- d1_store_function.c ---- */

/* Puts our own functions into a new connection. Returns SQLite's code. */
int d1_store_function_put(struct d1_store *store);

/* ---- d1_store_slow.c ---- */

/* Those that may take long, with a bound. Returns SQLite's code. */
int d1_store_slow_put(struct d1_store *store);
void d1_store_slow_close(struct d1_store *store);

/* ---- d1_store_statement.c ---- */

/* The statement that `sql` begins with, reset; *ret_tail is what follows it. NULL with *ret == NULL
 * and err->code 0: there is none. To be given back. */
NODISCARD int d1_store_statement_get(struct d1_store *store, str sql, const char **ret_tail,
                                     struct d1_statement **ret, struct err *err);

void d1_store_statement_give_back(struct d1_statement *statement);
void d1_store_statement_forget_all(struct d1_store *store);

/* True when nothing but blanks, comments and semicolons follows. */
bool d1_store_statement_is_blank(const char *sql);

/* ---- d1_store.c ---- */

/* Our own SQL, without an answer. Returns SQLite's code. */
int d1_store_execute(struct d1_store *store, const char *sql);

/* Fills `err` from the connection's last error. Returns err->code. */
int d1_store_explain(struct d1_store *store, int code, struct err *err);

/* The size of the file in pages, as the transaction sees it, which begins here when there is none;
 * until `store->size` is reset. */
uint64_t d1_store_pages(struct d1_store *store, bool *ret_known);

/* Memory is counted between the two. The second makes `result`, 0 or more, the error that there was
 * not enough: SQLite hides that from who reads columns. */
void d1_store_enter(struct d1_store *store);
int d1_store_leave(struct d1_store *store, int result, struct err *err);

/* A column as text or as it is; `ret` is borrowed until the next step. Returns 0 or ERR_MEM_LIMIT.
 * */
NODISCARD int d1_store_column(sqlite3_stmt *statement, int column, str *ret);

#endif
