/* Statements of a query; see analytics_sql.h.
 *
 * (1) What is selected from is read before what is selected, though it stands behind: the types of
 *     expressions come from there.
 * (2) A SELECT within FROM calls its columns c0, c1, ...: no name of the query gets into SQLite's
 *     text.
 * (3) What AS names stands for its expression in all that follows, so that GROUP BY, WHERE and
 *     further columns can use it. */
#include "bindings/analytics/analytics_sql.h"

#include <stdlib.h>

#include "bindings/analytics/analytics_sql_private.h"

enum { BASE_FIELDS = 20, SELECTS_MAX = 8 };

/* What a SELECT is made of. */
struct select {
    struct analytics_scope scope;
    struct analytics_name *columns;
    size_t count;
    bool is_distinct, is_aggregate;
    const char *source, *where, *groups, *having, *order;
    uint64_t limit, offset;
    bool is_limited;
};

static bool parse_select(struct analytics_parser *p, struct select *s);

/* ---- names ---- */

static void add_name(struct analytics_parser *p, struct analytics_scope *scope, str name,
                     const struct analytics_expr *expr)
{
    if (scope->count == scope->cap) {
        size_t cap = scope->cap ? 2 * scope->cap : 64;
        struct analytics_name *names = analytics_token_memory(p, cap * sizeof *names);

        if (scope->count)
            memcpy(names, scope->names, scope->count * sizeof *names);
        scope->names = names;
        scope->cap = cap;
    }
    scope->names[scope->count++] = (struct analytics_name){name, *expr};
}

static void add_column(struct analytics_parser *p, struct analytics_scope *scope, const char *name,
                       enum analytics_type type)
{
    add_name(p, scope, str_from(name), &(struct analytics_expr){.sql = name, .type = type});
}

static void add_dataset(struct analytics_parser *p, struct analytics_scope *scope)
{
    add_column(p, scope, "dataset", ANALYTICS_STRING);
    add_column(p, scope, "timestamp", ANALYTICS_DATETIME);
    add_column(p, scope, "_sample_interval", ANALYTICS_UINT32);
    add_column(p, scope, "index1", ANALYTICS_STRING);
    for (int i = 1; i <= BASE_FIELDS; i++)
        add_column(p, scope, analytics_token_print(p, "blob%d", i), ANALYTICS_STRING);
    for (int i = 1; i <= BASE_FIELDS; i++)
        add_column(p, scope, analytics_token_print(p, "double%d", i), ANALYTICS_FLOAT64);
}

/* ---- FROM ---- */

static bool from_dataset(struct analytics_parser *p, struct select *s)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);
    int64_t number;

    if (token->kind != TOKEN_WORD && token->kind != TOKEN_NAME)
        return analytics_token_fail(p, "expected the name of a dataset");
    number = p->request->find_dataset(p->request->context, token->text);
    if (number < 0)
        return analytics_token_fail(p,
                                    "there is no dataset %.*s: SHOW TABLES lists those that "
                                    "something was written to",
                                    STR_ARGS(token->text));
    p->at++;
    add_dataset(p, &s->scope);
    s->source = analytics_token_print(p,
                                      "(SELECT *, 1 AS _sample_interval, %s AS dataset FROM point "
                                      "WHERE of = %lld)",
                                      analytics_token_quote(p, token->text), (long long)number);
    return !p->err->code;
}

static const char *text_of(struct analytics_parser *p, const struct select *s, bool is_inner);

static bool from_select(struct analytics_parser *p, struct select *s)
{
    struct analytics_scope *outer = p->scope;
    struct select inner = {0};
    bool good;

    if (++p->depth > SELECTS_MAX)
        return analytics_token_fail(p, "the query is nested too deeply");
    good = parse_select(p, &inner) && analytics_token_need_sign(p, ")");
    p->scope = outer;
    p->depth--;
    if (!good)
        return false;
    for (size_t i = 0; i < inner.count; i++)
        add_name(p, &s->scope, inner.columns[i].name,
                 &(struct analytics_expr){.sql = analytics_token_print(p, "c%zu", i),
                                          .type = inner.columns[i].expr.type});
    s->source = analytics_token_print(p, "(%s)", text_of(p, &inner, true));
    return !p->err->code;
}

static bool refuse_join(struct analytics_parser *p)
{
    static const char *const words[] = {"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS",
                                        "ASOF", "ANY",   "ALL",  "FINAL", "SAMPLE"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (analytics_token_is_word(p, 0, words[i]))
            return analytics_token_fail(p, "a query reads one dataset: %s is not possible",
                                        words[i]);
    return !analytics_token_is_sign(p, 0, ",") ||
           analytics_token_fail(p, "a query reads one dataset");
}

/* The FROM that belongs to this SELECT: the first one that is in no parentheses of its own. Goes
 * there, reads it, and comes back; the end of it goes to *ret_end, 0 when there is none. */
static bool read_source(struct analytics_parser *p, struct select *s, size_t *ret_from,
                        size_t *ret_end)
{
    size_t start = p->at, depth = 0;
    bool good;

    *ret_from = *ret_end = 0;
    for (; analytics_token_peek(p, 0)->kind != TOKEN_END; p->at++) {
        if (analytics_token_is_sign(p, 0, ")") && depth-- == 0)
            break;
        depth += analytics_token_is_sign(p, 0, "(");
        if (depth == 0 && analytics_token_is_word(p, 0, "FROM"))
            break;
    }
    good = true;
    if (analytics_token_is_word(p, 0, "FROM")) {
        *ret_from = p->at++;
        good = analytics_token_sign(p, "(") ? from_select(p, s) : from_dataset(p, s);
        if (good && analytics_token_word(p, "AS"))
            p->at++;
        good = good && refuse_join(p);
        *ret_end = p->at;
    }
    if (good)
        p->at = start;
    return good;
}

/* ---- what is selected ---- */

static bool add_selected(struct analytics_parser *p, struct select *s, str name,
                         const struct analytics_expr *expr)
{
    if (s->count == ANALYTICS_SQL_COLUMNS_MAX)
        return analytics_token_fail(p, "more than %d columns", ANALYTICS_SQL_COLUMNS_MAX);
    s->columns[s->count++] = (struct analytics_name){name, *expr};
    s->is_aggregate |= expr->is_aggregate;
    return true;
}

static bool select_all(struct analytics_parser *p, struct select *s, size_t sources)
{
    if (!s->source)
        return analytics_token_fail(p, "* needs a FROM");
    for (size_t i = 0; i < sources; i++)
        if (!add_selected(p, s, s->scope.names[i].name, &s->scope.names[i].expr))
            return false;
    return true;
}

static bool select_one(struct analytics_parser *p, struct select *s)
{
    size_t from = analytics_token_peek(p, 0)->from;
    const struct analytics_token *token;
    struct analytics_expr expr;
    str name;

    if (!analytics_expr_parse(p, &expr))
        return false;
    if (expr.type == ANALYTICS_INTERVAL)
        return analytics_token_fail(p, "an INTERVAL cannot be selected");
    name = str_head(str_skip(p->request->text, from), p->tokens[p->at - 1].to - from);
    if (!analytics_token_word(p, "AS"))
        return add_selected(p, s,
                            p->tokens[p->at - 1].kind == TOKEN_NAME ? p->tokens[p->at - 1].text
                                                                    : name,
                            &expr);
    token = analytics_token_peek(p, 0);
    if (token->kind == TOKEN_END || token->kind == TOKEN_SIGN || token->kind == TOKEN_NUMBER)
        return analytics_token_fail(p, "expected a name behind AS");
    p->at++;
    add_name(p, &s->scope, token->text, &expr);
    return add_selected(p, s, token->text, &expr);
}

static bool parse_columns(struct analytics_parser *p, struct select *s)
{
    size_t sources = s->scope.count;

    s->columns = analytics_token_memory(p, ANALYTICS_SQL_COLUMNS_MAX * sizeof *s->columns);
    do {
        if (!(analytics_token_sign(p, "*") ? select_all(p, s, sources) : select_one(p, s)))
            return false;
    } while (analytics_token_sign(p, ","));
    return true;
}

/* ---- clauses ---- */

static bool parse_where(struct analytics_parser *p, struct select *s)
{
    struct analytics_expr expr;

    if (!analytics_expr_parse(p, &expr))
        return false;
    if (expr.is_aggregate)
        return analytics_token_fail(p, "an aggregate in WHERE is not possible: use HAVING");
    s->where = expr.sql;
    return true;
}

static bool parse_groups(struct analytics_parser *p, struct select *s)
{
    struct analytics_expr expr;
    const char *list = "";

    if (!analytics_token_word(p, "BY"))
        return analytics_token_fail(p, "expected BY");
    do {
        if (!analytics_expr_parse(p, &expr))
            return false;
        if (expr.is_aggregate)
            return analytics_token_fail(p, "an aggregate in GROUP BY is not possible");
        list = analytics_token_print(p, "%s%s%s", list, *list ? ", " : "", expr.sql);
    } while (analytics_token_sign(p, ","));
    s->groups = list;
    return true;
}

static bool parse_having(struct analytics_parser *p, struct select *s)
{
    struct analytics_expr expr;

    if (!analytics_expr_parse(p, &expr))
        return false;
    if (!s->groups && !s->is_aggregate && !expr.is_aggregate)
        return analytics_token_fail(p, "HAVING needs a GROUP BY");
    s->having = expr.sql;
    return true;
}

static bool parse_order(struct analytics_parser *p, struct select *s)
{
    struct analytics_expr expr;
    const char *list = "";

    if (!analytics_token_word(p, "BY"))
        return analytics_token_fail(p, "expected BY");
    do {
        const char *way = "", *nulls = "";

        if (!analytics_expr_parse(p, &expr))
            return false;
        if (analytics_token_word(p, "DESC"))
            way = " DESC";
        else
            (void)analytics_token_word(p, "ASC");
        if (analytics_token_word(p, "NULLS"))
            nulls = analytics_token_word(p, "FIRST")  ? " NULLS FIRST"
                    : analytics_token_word(p, "LAST") ? " NULLS LAST"
                                                      : "";
        list = analytics_token_print(p, "%s%s%s%s%s", list, *list ? ", " : "", expr.sql, way,
                                     nulls);
    } while (analytics_token_sign(p, ","));
    s->order = list;
    return true;
}

static bool parse_count(struct analytics_parser *p, uint64_t *ret)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);

    if (token->kind != TOKEN_NUMBER || !str_to_u64(token->text, INT32_MAX, ret))
        return analytics_token_fail(p, "expected a number of rows");
    p->at++;
    return true;
}

/* LIMIT n, LIMIT offset, n, LIMIT n OFFSET offset, LIMIT ALL */
static bool parse_limit(struct analytics_parser *p, struct select *s)
{
    if (analytics_token_word(p, "ALL"))
        return true;
    s->is_limited = true;
    if (!parse_count(p, &s->limit))
        return false;
    if (analytics_token_sign(p, ",")) {
        s->offset = s->limit;
        return parse_count(p, &s->limit);
    }
    return !analytics_token_word(p, "OFFSET") || parse_count(p, &s->offset);
}

static bool parse_clauses(struct analytics_parser *p, struct select *s)
{
    static const struct {
        const char *word;
        bool (*parse)(struct analytics_parser *p, struct select *s);
    } clauses[] = {{"WHERE", parse_where},   {"GROUP", parse_groups}, {"HAVING", parse_having},
                   {"ORDER", parse_order},   {"LIMIT", parse_limit}};

    for (size_t i = 0; i < COUNT_OF(clauses); i++)
        if (analytics_token_word(p, clauses[i].word) && !clauses[i].parse(p, s))
            return false;
    return true;
}

static bool parse_select(struct analytics_parser *p, struct select *s)
{
    size_t from, end;

    if (!analytics_token_word(p, "SELECT"))
        return analytics_token_fail(p, "a query is SELECT ... or SHOW TABLES");
    s->is_distinct = analytics_token_word(p, "DISTINCT");
    if (!read_source(p, s, &from, &end))
        return false;
    p->scope = &s->scope;
    if (!parse_columns(p, s))
        return false;
    if (end && p->at != from)
        return analytics_token_fail(p, "expected FROM, AS or a comma");
    if (end)
        p->at = end;
    return parse_clauses(p, s);
}

/* ---- SQLite's text ---- */

static const char *text_of(struct analytics_parser *p, const struct select *s, bool is_inner)
{
    const char *sql = s->is_distinct ? "SELECT DISTINCT" : "SELECT";

    for (size_t i = 0; i < s->count; i++)
        sql = analytics_token_print(p, "%s%s %s AS c%zu", sql, i ? "," : "", s->columns[i].expr.sql,
                                    i);
    if (s->source)
        sql = analytics_token_print(p, "%s FROM %s", sql, s->source);
    if (s->where)
        sql = analytics_token_print(p, "%s WHERE %s", sql, s->where);
    if (s->groups)
        sql = analytics_token_print(p, "%s GROUP BY %s", sql, s->groups);
    if (s->having)
        sql = analytics_token_print(p, "%s HAVING %s", sql, s->having);
    if (s->order)
        sql = analytics_token_print(p, "%s ORDER BY %s", sql, s->order);
    if (is_inner && s->is_limited)
        sql = analytics_token_print(p, "%s LIMIT %llu OFFSET %llu", sql,
                                    (unsigned long long)s->limit, (unsigned long long)s->offset);
    return sql;
}

/* ---- statements ---- */

static bool parse_format(struct analytics_parser *p, struct analytics_sql *ret)
{
    static const char *const names[] = {"JSON", "JSONEachRow", "TabSeparated"};
    const struct analytics_token *token = analytics_token_peek(p, 1);

    if (!analytics_token_word(p, "FORMAT"))
        return true;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (token->kind == TOKEN_WORD && str_equal_nocase(token->text, str_from(names[i]))) {
            ret->format = (enum analytics_format)i;
            p->at++;
            return true;
        }
    return analytics_token_fail(p, "expected JSON, JSONEachRow or TabSeparated behind FORMAT");
}

static bool parse_end(struct analytics_parser *p, struct analytics_sql *ret)
{
    if (!parse_format(p, ret))
        return false;
    while (analytics_token_sign(p, ";"))
        continue;
    return analytics_token_peek(p, 0)->kind == TOKEN_END ||
           analytics_token_fail(p, "this is not possible here");
}

static void show(struct analytics_sql *ret, const char *sql, const struct analytics_name *columns,
                 size_t count)
{
    ret->sql = str_dup(str_from(sql));
    ret->columns = mem_zeroed((count + 1) * sizeof *ret->columns);
    for (ret->count = 0; ret->count < count; ret->count++) {
        ret->columns[ret->count].name = str_dup(columns[ret->count].name);
        ret->columns[ret->count].type = columns[ret->count].expr.type;
    }
}

static bool make_show(struct analytics_parser *p, struct analytics_sql *ret)
{
    static const struct analytics_name tables = {{"dataset", 7}, {.type = ANALYTICS_STRING}};
    static const struct analytics_name zone = {{"timezone", 8}, {.type = ANALYTICS_STRING}};
    bool wants_zone = analytics_token_word(p, "TIMEZONE");

    if (!wants_zone && !analytics_token_word(p, "TABLES"))
        return analytics_token_fail(p, "expected TABLES behind SHOW");
    if (!parse_end(p, ret))
        return false;
    ret->limit = ANALYTICS_SQL_ROWS_MAX;
    show(ret, wants_zone ? "SELECT 'Etc/UTC'" : "SELECT name FROM dataset ORDER BY name",
         wants_zone ? &zone : &tables, 1);
    return true;
}

static bool make_select(struct analytics_parser *p, struct analytics_sql *ret)
{
    struct select s = {0};
    unsigned long long rows;
    const char *sql;

    if (!parse_select(p, &s) || !parse_end(p, ret))
        return false;
    ret->is_limited = s.is_limited && s.limit <= ANALYTICS_SQL_ROWS_MAX;
    ret->limit = ret->is_limited ? s.limit : ANALYTICS_SQL_ROWS_MAX;
    ret->offset = s.offset;
    rows = ret->offset + ret->limit + ANALYTICS_SQL_PEEK;
    sql = analytics_token_print(p, "%s LIMIT %llu", text_of(p, &s, false), rows);
    if (p->err->code)
        return false;
    show(ret, sql, s.columns, s.count);
    return true;
}

int analytics_sql_make(const struct analytics_sql_request *request, struct analytics_sql *ret,
                       struct err *err)
{
    struct analytics_parser p = {.request = request, .err = err};
    struct analytics_sql made = {0};
    bool good;

    *err = (struct err){0};
    good = analytics_token_read(&p) &&
           (analytics_token_word(&p, "SHOW") ? make_show(&p, &made) : make_select(&p, &made));
    analytics_token_done(&p);
    if (good)
        *ret = made;
    else
        analytics_sql_done(&made);
    return good ? 0 : err->code;
}

void analytics_sql_done(struct analytics_sql *sql)
{
    for (size_t i = 0; i < sql->count; i++)
        free(sql->columns[i].name);
    free(sql->columns);
    free(sql->sql);
    *sql = (struct analytics_sql){0};
}

const char *analytics_sql_type_name(enum analytics_type type)
{
    static const char *const names[] = {"String", "Float64", "UInt8",    "UInt32", "UInt64",
                                        "Int32",  "Int64",   "DateTime", "Date",   "Array(String)",
                                        "String"};

    return names[type];
}
