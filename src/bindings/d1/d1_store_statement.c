/* Statements of a connection, prepared once and kept; see d1_store.h.
 *
 * (1) What is kept is found by its whole text, and the one used longest ago goes first. A pragma
 *     that sets something works when it is prepared, so it is never kept.
 * (2) Before a statement is kept its program is read (EXPLAIN): whether one of its steps may take
 *     long, and how many writes a changed row means with its indexes. A program made anew after a
 *     change of the schema keeps what was read. */
#include <stdlib.h>

#include "bindings/d1/d1_store_private.h"

enum { PERCENT = 100, WEIGHT_PERCENT_MAX = 6400 };

/* These do in one step what may be any amount of work. */
static const char *const long_steps[] = {"Count", "VOpen", "VFilter", "IntegrityCk"};

struct program {
    unsigned inserts, index_inserts, deletes, index_deletes;
    bool is_long;
};

static void read_step(struct program *program, const char *step)
{
    for (size_t i = 0; i < COUNT_OF(long_steps); i++)
        program->is_long |= strcmp(step, long_steps[i]) == 0;
    program->inserts += strcmp(step, "Insert") == 0;
    program->index_inserts += strcmp(step, "IdxInsert") == 0;
    program->deletes += strcmp(step, "Delete") == 0;
    program->index_deletes += strcmp(step, "IdxDelete") == 0;
}

static unsigned weight(const struct program *program)
{
    unsigned rows = program->inserts ? program->inserts : program->deletes, percent;
    unsigned indexes = program->inserts ? program->index_inserts : program->index_deletes;

    percent = rows ? PERCENT + PERCENT * indexes / rows : PERCENT;
    return percent < WEIGHT_PERCENT_MAX ? percent : WEIGHT_PERCENT_MAX;
}

/* (2) */
static void read_program(struct d1_store *store, struct d1_statement *s, str sql)
{
    struct program program = {0};
    struct buf text;
    sqlite3_stmt *steps = NULL;
    str step;

    buf_init(&text, D1_STATEMENT_SQL_BYTES_MAX + 16);
    if (buf_append(&text, STR("EXPLAIN ")) == 0 && buf_append(&text, sql) == 0 &&
        sqlite3_prepare_v2(store->connection, text.ptr, (int)text.len, &steps, NULL) == SQLITE_OK)
        while (sqlite3_step(steps) == SQLITE_ROW)
            read_step(&program, d1_store_column(steps, 1, &step) == 0 ? step.ptr : "");
    else
        program.is_long = true;
    sqlite3_finalize(steps);
    buf_done(&text);
    s->is_long = program.is_long;
    s->weight_percent = weight(&program);
}

/* The end of the comment that `at` begins with, or NULL when there is none. */
static const char *skip_comment(const char *at)
{
    const char *end;

    if (at[0] == '-' && at[1] == '-')
        return at + strcspn(at, "\n");
    if (at[0] != '/' || at[1] != '*')
        return NULL;
    end = strstr(at + 2, "*/");
    return end ? end + 2 : at + strlen(at);
}

bool d1_store_statement_is_blank(const char *sql)
{
    for (;;) {
        const char *end;

        sql += strspn(sql, " \t\r\n\f;");
        if (!*sql)
            return true;
        if (!(end = skip_comment(sql)))
            return false;
        sql = end;
    }
}

static void statement_free(struct d1_statement *s)
{
    sqlite3_finalize(s->statement);
    buf_done(&s->keys);
    free(s->sql);
    free(s);
}

static void forget(struct d1_store *store, struct d1_statement *s)
{
    map_remove(&store->map, &s->node);
    list_remove(&s->link);
    statement_free(s);
}

void d1_store_statement_forget_all(struct d1_store *store)
{
    LIST_EACH_SAFE(&store->order, it)
        forget(store, CONTAINER_OF(it, struct d1_statement, link));
}

static void keep(struct d1_store *store, struct d1_statement *s, str sql)
{
    if (store->map.count >= D1_STATEMENTS_MAX)
        forget(store, CONTAINER_OF(store->order.next, struct d1_statement, link));
    s->sql = str_dup(sql);
    s->node.key = (str){s->sql, sql.len};
    map_add(&store->map, &s->node);
    list_push(&store->order, &s->link);
}

static struct d1_statement *find_kept(struct d1_store *store, str sql)
{
    struct map_node *node = map_find(&store->map, sql);
    struct d1_statement *s;

    if (!node)
        return NULL;
    s = CONTAINER_OF(node, struct d1_statement, node);
    list_remove(&s->link);
    list_push(&store->order, &s->link);
    return s;
}

static struct d1_statement *statement_new(struct d1_store *store, sqlite3_stmt *prepared)
{
    struct d1_statement *s = mem_new(struct d1_statement);

    list_init(&s->link);
    s->statement = prepared;
    s->traits = store->traits;
    s->is_read = sqlite3_stmt_readonly(prepared) && !s->traits.is_setting;
    s->columns = -1;
    buf_init(&s->keys, D1_STORE_SQL_BYTES_MAX * 8);
    return s;
}

int d1_store_statement_get(struct d1_store *store, str sql, const char **ret_tail,
                           struct d1_statement **ret, struct err *err)
{
    bool may_keep = sql.len <= D1_STATEMENT_SQL_BYTES_MAX;
    sqlite3_stmt *prepared = NULL;
    int r;

    *ret_tail = sql.ptr + sql.len;
    if (may_keep && (*ret = find_kept(store, sql)))
        return 0;
    store->traits = (struct d1_traits){0};
    r = sqlite3_prepare_v3(store->connection, sql.ptr, -1, may_keep ? SQLITE_PREPARE_PERSISTENT : 0,
                           &prepared, ret_tail);
    *ret = NULL;
    if (r != SQLITE_OK)
        return d1_store_explain(store, r, err);
    if (!prepared)
        return 0;
    *ret = statement_new(store, prepared);
    may_keep = may_keep && !(*ret)->traits.is_setting && d1_store_statement_is_blank(*ret_tail);
    (*ret)->weight_percent = PERCENT;
    if (may_keep) {
        read_program(store, *ret, sql);
        keep(store, *ret, sql);
    }
    return 0;
}

void d1_store_statement_give_back(struct d1_statement *s)
{
    sqlite3_reset(s->statement);
    sqlite3_clear_bindings(s->statement);
    if (!s->sql)
        statement_free(s);
}
