/* Expressions of a query: one function a level, the loosest first.
 *
 *     OR < AND < NOT < = IN LIKE BETWEEN IS < || < + - < * / % < sign < value
 *
 * Each gives SQLite's text in parentheses of its own where it has several parts, so that only our
 * precedence counts. */
#include <stdlib.h>

#include "bindings/analytics/analytics_sql_private.h"

static bool parse_or(struct analytics_parser *p, struct analytics_expr *ret);
static bool parse_sign(struct analytics_parser *p, struct analytics_expr *ret);

/* ---- types ---- */

bool analytics_expr_is_integer(enum analytics_type type)
{
    return type == ANALYTICS_UINT8 || type == ANALYTICS_UINT32 || type == ANALYTICS_UINT64 ||
           type == ANALYTICS_INT32 || type == ANALYTICS_INT64;
}

static bool is_time(enum analytics_type type)
{
    return type == ANALYTICS_DATETIME || type == ANALYTICS_DATE;
}

const char *analytics_expr_time(struct analytics_parser *p, const struct analytics_expr *expr)
{
    return is_time(expr->type) ? expr->sql : analytics_token_print(p, "an_datetime(%s)", expr->sql);
}

const char *analytics_expr_text(struct analytics_parser *p, const struct analytics_expr *expr)
{
    if (is_time(expr->type))
        return analytics_token_print(p, "an_format(%s, '%s')", expr->sql,
                                     expr->type == ANALYTICS_DATE ? "%F" : "%F %T");
    return expr->type == ANALYTICS_STRING ? expr->sql
                                          : analytics_token_print(p, "CAST(%s AS TEXT)", expr->sql);
}

static bool refuse_interval(struct analytics_parser *p, const struct analytics_expr *expr)
{
    return expr->type != ANALYTICS_INTERVAL ||
           analytics_token_fail(p, "an INTERVAL can only be added to a time, or taken from one");
}

/* What both become, of the type and the text. */
static void join(struct analytics_expr *left, const struct analytics_expr *right,
                 enum analytics_type type, const char *sql)
{
    left->is_aggregate |= right->is_aggregate;
    left->type = type;
    left->sql = sql;
}

/* ---- values ---- */

static bool parse_number(struct analytics_parser *p, struct analytics_expr *ret)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);
    uint64_t value;

    if (str_to_u64(token->text, INT64_MAX, &value)) {
        ret->type = value < 256           ? ANALYTICS_UINT8
                    : value <= UINT32_MAX ? ANALYTICS_UINT32
                                          : ANALYTICS_UINT64;
        ret->sql = analytics_token_print(p, "%llu", (unsigned long long)value);
    } else {
        ret->type = ANALYTICS_FLOAT64;
        ret->sql = analytics_token_print(
            p, "%.17g", strtod(analytics_token_print(p, "%.*s", STR_ARGS(token->text)), NULL));
        ret->sql = analytics_token_print(p, "CAST(%s AS REAL)", ret->sql);
    }
    p->at++;
    return !p->err->code;
}

/* INTERVAL '1' DAY, INTERVAL 1 DAY */
static bool parse_interval(struct analytics_parser *p, struct analytics_expr *ret)
{
    const struct analytics_token *amount = analytics_token_peek(p, 0);
    const struct analytics_token *unit = analytics_token_peek(p, 1);
    uint64_t value;

    if ((amount->kind != TOKEN_STRING && amount->kind != TOKEN_NUMBER) ||
        !str_to_u64(amount->text, INT32_MAX, &value))
        return analytics_token_fail(p, "INTERVAL needs a whole number, as in INTERVAL '1' DAY");
    p->at++;
    if (unit->kind != TOKEN_WORD || !analytics_time_unit(unit->text, &ret->unit))
        return analytics_token_fail(p, "INTERVAL needs SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, "
                                       "QUARTER or YEAR");
    p->at++;
    ret->type = ANALYTICS_INTERVAL;
    ret->sql = analytics_token_print(p, "%llu", (unsigned long long)value);
    return true;
}

/* CASE [x] WHEN a THEN b ... [ELSE c] END */
static bool parse_case(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct analytics_expr when, then;
    const char *sql = "CASE";
    bool first = true;

    if (!analytics_token_is_word(p, 0, "WHEN")) {
        if (!parse_or(p, &when))
            return false;
        ret->is_aggregate |= when.is_aggregate;
        sql = analytics_token_print(p, "CASE %s", when.sql);
    }
    while (analytics_token_word(p, "WHEN")) {
        if (!parse_or(p, &when))
            return false;
        if (!analytics_token_word(p, "THEN"))
            return analytics_token_fail(p, "expected THEN");
        if (!parse_or(p, &then))
            return false;
        ret->is_aggregate |= when.is_aggregate | then.is_aggregate;
        ret->type = first ? then.type : ret->type;
        first = false;
        sql = analytics_token_print(p, "%s WHEN %s THEN %s", sql, when.sql, then.sql);
    }
    if (first)
        return analytics_token_fail(p, "expected WHEN");
    if (analytics_token_word(p, "ELSE")) {
        if (!parse_or(p, &then))
            return false;
        ret->is_aggregate |= then.is_aggregate;
        sql = analytics_token_print(p, "%s ELSE %s", sql, then.sql);
    }
    if (!analytics_token_word(p, "END"))
        return analytics_token_fail(p, "expected END");
    ret->sql = analytics_token_print(p, "(%s END)", sql);
    return !p->err->code;
}

/* What AS made last goes before a column of the same name. */
static bool find_name(struct analytics_parser *p, str name, struct analytics_expr *ret)
{
    const struct analytics_scope *scope = p->scope;

    for (size_t i = scope ? scope->count : 0; i-- > 0;)
        if (str_equal(scope->names[i].name, name)) {
            *ret = scope->names[i].expr;
            return true;
        }
    for (size_t i = scope ? scope->count : 0; i-- > 0;)
        if (str_equal_nocase(scope->names[i].name, name))
            return analytics_token_fail(p, "there is no column %.*s, but there is %.*s",
                                        STR_ARGS(name), STR_ARGS(scope->names[i].name));
    return analytics_token_fail(p, "there is no column %.*s", STR_ARGS(name));
}

/* Words that begin something that is not done here, or end an expression too early. */
static bool refuse_word(struct analytics_parser *p, str word)
{
    static const char *const words[] = {"SELECT", "FROM",  "WHERE", "GROUP", "ORDER", "LIMIT",
                                        "HAVING", "UNION", "WITH",  "OVER",  "EXISTS", "FORMAT",
                                        "CAST"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_nocase(word, str_from(words[i])))
            return analytics_token_fail(p, "%s is not possible here", words[i]);
    return true;
}

static bool parse_word(struct analytics_parser *p, struct analytics_expr *ret)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);

    if (token->kind == TOKEN_WORD) {
        if (analytics_token_word(p, "INTERVAL"))
            return parse_interval(p, ret);
        if (analytics_token_word(p, "CASE"))
            return parse_case(p, ret);
        if (analytics_token_word(p, "NULL")) {
            ret->sql = "NULL";
            return true;
        }
        if (analytics_token_is_word(p, 0, "true") || analytics_token_is_word(p, 0, "false")) {
            ret->sql = analytics_token_word(p, "true") ? "1" : "0";
            p->at += ret->sql[0] == '0';
            ret->type = ANALYTICS_UINT8;
            return true;
        }
        if (!refuse_word(p, token->text))
            return false;
    }
    if (token->kind == TOKEN_WORD && analytics_token_is_sign(p, 1, "(")) {
        p->at++;
        return analytics_function_parse(p, token->text, ret);
    }
    if (!find_name(p, token->text, ret))
        return false;
    p->at++;
    return true;
}

static bool parse_value(struct analytics_parser *p, struct analytics_expr *ret)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);

    switch (token->kind) {
    case TOKEN_NUMBER:
        return parse_number(p, ret);
    case TOKEN_STRING:
        ret->type = ANALYTICS_STRING;
        ret->sql = analytics_token_quote(p, token->text);
        p->at++;
        return true;
    case TOKEN_WORD:
    case TOKEN_NAME:
        return parse_word(p, ret);
    case TOKEN_SIGN:
        if (!analytics_token_sign(p, "("))
            return analytics_token_fail(p, "expected a value");
        if (analytics_token_is_word(p, 0, "SELECT"))
            return analytics_token_fail(p, "a SELECT within an expression is not possible: use "
                                           "FROM (SELECT ...)");
        return parse_or(p, ret) && analytics_token_need_sign(p, ")");
    default:
        return analytics_token_fail(p, "expected a value");
    }
}

static bool parse_sign(struct analytics_parser *p, struct analytics_expr *ret)
{
    bool good;

    *ret = (struct analytics_expr){.sql = ""};
    if (++p->depth > ANALYTICS_DEPTH_MAX)
        return analytics_token_fail(p, "the query is nested too deeply");
    if (analytics_token_sign(p, "-")) {
        good = parse_sign(p, ret) && refuse_interval(p, ret);
        ret->sql = good ? analytics_token_print(p, "(-%s)", ret->sql) : "";
        ret->type = ret->type == ANALYTICS_FLOAT64 ? ANALYTICS_FLOAT64 : ANALYTICS_INT64;
    } else {
        good = parse_value(p, ret);
    }
    p->depth--;
    return good && !p->err->code;
}

/* ---- arithmetic ---- */

static enum analytics_type number_type(const struct analytics_expr *left, char sign,
                                       const struct analytics_expr *right)
{
    enum analytics_type a = left->type, b = right->type;

    if (sign == '/' || !analytics_expr_is_integer(a) || !analytics_expr_is_integer(b))
        return ANALYTICS_FLOAT64;
    if (sign == '%')
        return b;
    if (sign == '-' || a == ANALYTICS_INT64 || b == ANALYTICS_INT64 || a == ANALYTICS_INT32 ||
        b == ANALYTICS_INT32)
        return ANALYTICS_INT64;
    return a == ANALYTICS_UINT8 && b == ANALYTICS_UINT8 ? ANALYTICS_UINT32 : ANALYTICS_UINT64;
}

/* A time and how much it moves. */
static bool move_time(struct analytics_parser *p, struct analytics_expr *left, char sign,
                      const struct analytics_expr *right)
{
    bool reversed = left->type == ANALYTICS_INTERVAL;
    const struct analytics_expr *time = reversed ? right : left, *by = reversed ? left : right;
    bool by_days = by->unit == ANALYTICS_DAY || by->unit >= ANALYTICS_WEEK;
    enum analytics_type type = time->type == ANALYTICS_DATE && by_days ? ANALYTICS_DATE
                                                                       : ANALYTICS_DATETIME;

    if (time->type == ANALYTICS_INTERVAL || (reversed && sign == '-'))
        return refuse_interval(p, by);
    join(left, right, type,
         analytics_token_print(p, "an_add(%s, %c%s, %d)", analytics_expr_time(p, time),
                               sign == '-' ? '-' : '+', by->sql, (int)by->unit));
    return !p->err->code;
}

static bool add_up(struct analytics_parser *p, struct analytics_expr *left, char sign,
                   const struct analytics_expr *right)
{
    enum analytics_type type = number_type(left, sign, right);

    if (left->type == ANALYTICS_INTERVAL || right->type == ANALYTICS_INTERVAL)
        return move_time(p, left, sign, right);
    if (is_time(left->type))
        type = is_time(right->type) ? ANALYTICS_INT32 : ANALYTICS_DATETIME;
    join(left, right, type, analytics_token_print(p, "(%s %c %s)", left->sql, sign, right->sql));
    return !p->err->code;
}

static bool multiply(struct analytics_parser *p, struct analytics_expr *left, char sign,
                     const struct analytics_expr *right)
{
    enum analytics_type type = number_type(left, sign, right);

    if (!refuse_interval(p, left) || !refuse_interval(p, right))
        return false;
    join(left, right, type,
         sign == '/' ? analytics_token_print(p, "(CAST(%s AS REAL) / %s)", left->sql, right->sql)
                     : analytics_token_print(p, "(%s %c %s)", left->sql, sign, right->sql));
    return !p->err->code;
}

/* a + b - c, a * b / c: signs of one level, from the left. */
static bool parse_level(struct analytics_parser *p, struct analytics_expr *ret, bool products)
{
    struct analytics_expr right;

    if (!(products ? parse_sign(p, ret) : parse_level(p, ret, true)))
        return false;
    for (;;) {
        const struct analytics_token *token = analytics_token_peek(p, 0);
        char sign = token->kind == TOKEN_SIGN && token->text.len == 1 ? token->text.ptr[0] : 0;

        if (!sign || !strchr(products ? "*/%" : "+-", sign))
            return true;
        p->at++;
        if (!(products ? parse_sign(p, &right) : parse_level(p, &right, true)) ||
            !(products ? multiply : add_up)(p, ret, sign, &right))
            return false;
    }
}

static bool parse_joined(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct analytics_expr right;

    if (!parse_level(p, ret, false))
        return false;
    while (analytics_token_sign(p, "||")) {
        if (!parse_level(p, &right, false))
            return false;
        join(ret, &right, ANALYTICS_STRING,
             analytics_token_print(p, "(%s || %s)", analytics_expr_text(p, ret),
                                   analytics_expr_text(p, &right)));
    }
    return !p->err->code;
}

/* ---- comparing ---- */

/* What is compared with a time is one, too. */
static const char *beside(struct analytics_parser *p, const struct analytics_expr *expr,
                          const struct analytics_expr *other)
{
    return is_time(other->type) && expr->type == ANALYTICS_STRING ? analytics_expr_time(p, expr)
                                                                  : expr->sql;
}

static bool parse_list(struct analytics_parser *p, struct analytics_expr *ret, const char *word)
{
    struct analytics_expr one;
    const char *list = "";

    if (!analytics_token_need_sign(p, "("))
        return false;
    do {
        if (!parse_or(p, &one))
            return false;
        list = analytics_token_print(p, "%s%s%s", list, *list ? ", " : "", beside(p, &one, ret));
        ret->is_aggregate |= one.is_aggregate;
    } while (analytics_token_sign(p, ","));
    ret->sql = analytics_token_print(p, "(%s %s (%s))", ret->sql, word, list);
    return analytics_token_need_sign(p, ")");
}

static bool parse_between(struct analytics_parser *p, struct analytics_expr *ret, const char *word)
{
    struct analytics_expr low, high;

    if (!parse_joined(p, &low))
        return false;
    if (!analytics_token_word(p, "AND"))
        return analytics_token_fail(p, "expected AND");
    if (!parse_joined(p, &high))
        return false;
    ret->is_aggregate |= low.is_aggregate | high.is_aggregate;
    ret->sql = analytics_token_print(p, "(%s %s %s AND %s)", ret->sql, word, beside(p, &low, ret),
                                     beside(p, &high, ret));
    return !p->err->code;
}

static bool parse_like(struct analytics_parser *p, struct analytics_expr *ret, bool not, bool fold)
{
    struct analytics_expr right;

    if (!parse_joined(p, &right))
        return false;
    join(ret, &right, ANALYTICS_UINT8,
         fold ? analytics_token_print(p, "(lower(%s) %sLIKE lower(%s) ESCAPE '\\')", ret->sql,
                                      not ? "NOT " : "", right.sql)
              : analytics_token_print(p, "(%s %sLIKE %s ESCAPE '\\')", ret->sql, not ? "NOT " : "",
                                      right.sql));
    return !p->err->code;
}

/* IS [NOT] NULL, [NOT] IN, BETWEEN, LIKE, ILIKE. */
static bool parse_word_test(struct analytics_parser *p, struct analytics_expr *ret, bool *ret_found)
{
    bool not ;
    bool good;

    *ret_found = true;
    if (analytics_token_word(p, "IS")) {
        not = analytics_token_word(p, "NOT");
        if (!analytics_token_word(p, "NULL"))
            return analytics_token_fail(p, "expected NULL");
        ret->sql = analytics_token_print(p, "(%s IS %sNULL)", ret->sql, not ? "NOT " : "");
        ret->type = ANALYTICS_UINT8;
        return true;
    }
    not = analytics_token_word(p, "NOT");
    if (analytics_token_word(p, "IN"))
        good = parse_list(p, ret, not ? "NOT IN" : "IN");
    else if (analytics_token_word(p, "BETWEEN"))
        good = parse_between(p, ret, not ? "NOT BETWEEN" : "BETWEEN");
    else if (analytics_token_word(p, "LIKE"))
        good = parse_like(p, ret, not, false);
    else if (analytics_token_word(p, "ILIKE"))
        good = parse_like(p, ret, not, true);
    else {
        *ret_found = false;
        return !not || analytics_token_fail(p, "expected IN, BETWEEN, LIKE or ILIKE");
    }
    ret->type = ANALYTICS_UINT8;
    return good;
}

/* The comparison that is next, as SQLite writes it; NULL: none. */
static const char *comparison(struct analytics_parser *p)
{
    static const struct {
        const char *from, *to;
    } signs[] = {{"=", "="},   {"==", "="}, {"!=", "<>"}, {"<>", "<>"},
                 {"<=", "<="}, {">=", ">="}, {"<", "<"},  {">", ">"}};

    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (analytics_token_sign(p, signs[i].from))
            return signs[i].to;
    return NULL;
}

static bool parse_comparison(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct analytics_expr right;
    const char *sign;
    bool found = true;

    if (!parse_joined(p, ret))
        return false;
    while (found) {
        if ((sign = comparison(p))) {
            if (!parse_joined(p, &right) || !refuse_interval(p, ret) || !refuse_interval(p, &right))
                return false;
            join(ret, &right, ANALYTICS_UINT8,
                 analytics_token_print(p, "(%s %s %s)", beside(p, ret, &right), sign,
                                       beside(p, &right, ret)));
        } else if (!parse_word_test(p, ret, &found)) {
            return false;
        }
    }
    return !p->err->code;
}

/* ---- logic ---- */

static bool parse_not(struct analytics_parser *p, struct analytics_expr *ret)
{
    bool good;

    if (!analytics_token_word(p, "NOT"))
        return parse_comparison(p, ret);
    if (++p->depth > ANALYTICS_DEPTH_MAX)
        return analytics_token_fail(p, "the query is nested too deeply");
    good = parse_not(p, ret);
    p->depth--;
    ret->sql = good ? analytics_token_print(p, "(NOT %s)", ret->sql) : "";
    ret->type = ANALYTICS_UINT8;
    return good && !p->err->code;
}

static bool parse_and(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct analytics_expr right;

    if (!parse_not(p, ret))
        return false;
    while (analytics_token_word(p, "AND")) {
        if (!parse_not(p, &right))
            return false;
        join(ret, &right, ANALYTICS_UINT8,
             analytics_token_print(p, "(%s AND %s)", ret->sql, right.sql));
    }
    return !p->err->code;
}

static bool parse_or(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct analytics_expr right;
    bool good;

    *ret = (struct analytics_expr){.sql = ""};
    if (++p->depth > ANALYTICS_DEPTH_MAX)
        return analytics_token_fail(p, "the query is nested too deeply");
    good = parse_and(p, ret);
    while (good && analytics_token_word(p, "OR")) {
        good = parse_and(p, &right);
        if (good)
            join(ret, &right, ANALYTICS_UINT8,
                 analytics_token_print(p, "(%s OR %s)", ret->sql, right.sql));
    }
    p->depth--;
    return good && !p->err->code;
}

bool analytics_expr_parse(struct analytics_parser *p, struct analytics_expr *ret)
{
    return parse_or(p, ret);
}
