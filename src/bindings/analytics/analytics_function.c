/* Functions of a query, in a table: what each takes, gives, and is in SQLite's words.
 *
 * In `sql` $1 to $3 stand for the arguments, $* for all of them, $p for what stands in the first of
 * two pairs of parentheses. Functions that begin with an_ are ours (analytics_store_function.c). */
#include <stdlib.h>

#include "bindings/analytics/analytics_sql_private.h"

enum {
    AGGREGATE = 1,
    LEVEL = 2,
    COUNT_OF_TOP = 4,
    DISTINCT = 8,
    TIMES = 16,
    TEXTS = 32,
    ZONE = 64,
};

/* `gives`: 's' string, 'f' float, 'b' UInt8, 'w' UInt32, 'u' UInt64, 'j' Int32, 'i' Int64,
 * 't' time, 'd' date, 'a' array, '1' and '2' as that argument, '+' as a sum of the first. TIMES:
 * the first argument is a time; TEXTS: all are texts; ZONE: one more may name the time zone. */
static const struct function {
    const char *name;
    unsigned char least, most;
    char gives;
    unsigned char flags;
    const char *sql;
} functions[] = {
    {"sum", 1, 1, '+', AGGREGATE | DISTINCT, "sum($1)"},
    {"avg", 1, 1, 'f', AGGREGATE | DISTINCT, "avg($1)"},
    {"min", 1, 1, '1', AGGREGATE, "min($1)"},
    {"max", 1, 1, '1', AGGREGATE, "max($1)"},
    {"any", 1, 1, '1', AGGREGATE, "min($1)"},
    {"argmin", 2, 2, '1', AGGREGATE, "an_argmin($1, $2)"},
    {"argmax", 2, 2, '1', AGGREGATE, "an_argmax($1, $2)"},
    {"uniq", 1, 1, 'u', AGGREGATE, "count(DISTINCT $1)"},
    {"uniqexact", 1, 1, 'u', AGGREGATE, "count(DISTINCT $1)"},
    {"countif", 1, 1, 'u', AGGREGATE, "count(CASE WHEN $1 THEN 1 END)"},
    {"sumif", 2, 2, '+', AGGREGATE, "sum(CASE WHEN $2 THEN $1 END)"},
    {"avgif", 2, 2, 'f', AGGREGATE, "avg(CASE WHEN $2 THEN $1 END)"},
    {"minif", 2, 2, '1', AGGREGATE, "min(CASE WHEN $2 THEN $1 END)"},
    {"maxif", 2, 2, '1', AGGREGATE, "max(CASE WHEN $2 THEN $1 END)"},
    {"uniqif", 2, 2, 'u', AGGREGATE, "count(DISTINCT CASE WHEN $2 THEN $1 END)"},
    {"quantile", 1, 1, 'f', AGGREGATE | LEVEL, "an_quantile($p, $1, 1)"},
    {"quantileexact", 1, 1, 'f', AGGREGATE | LEVEL, "an_quantile($p, $1, 1)"},
    {"quantileweighted", 2, 2, 'f', AGGREGATE | LEVEL, "an_quantile($p, $1, $2)"},
    {"quantileexactweighted", 2, 2, 'f', AGGREGATE | LEVEL, "an_quantile($p, $1, $2)"},
    {"median", 1, 1, 'f', AGGREGATE, "an_quantile(0.5, $1, 1)"},
    {"topk", 1, 1, 'a', AGGREGATE | COUNT_OF_TOP, "an_top($p, CAST($1 AS TEXT), 1)"},
    {"topkweighted", 2, 2, 'a', AGGREGATE | COUNT_OF_TOP, "an_top($p, CAST($1 AS TEXT), $2)"},

    {"if", 3, 3, '2', 0, "iif($1, $2, $3)"},
    {"coalesce", 2, 9, '1', 0, "coalesce($*)"},
    {"ifnull", 2, 2, '1', 0, "ifnull($1, $2)"},
    {"nullif", 2, 2, '1', 0, "nullif($1, $2)"},
    {"isnull", 1, 1, 'b', 0, "($1 IS NULL)"},
    {"isnotnull", 1, 1, 'b', 0, "($1 IS NOT NULL)"},
    {"not", 1, 1, 'b', 0, "(NOT $1)"},

    {"todatetime", 1, 1, 't', TIMES | ZONE, "$1"},
    {"todate", 1, 1, 'd', TIMES | ZONE, "an_start($1, 1, 3)"},
    {"tounixtimestamp", 1, 1, 'w', TIMES | ZONE, "$1"},
    {"formatdatetime", 2, 2, 's', TIMES | ZONE, "an_format($1, $2)"},
    {"tostartofsecond", 1, 1, 't', TIMES | ZONE, "$1"},
    {"tostartofminute", 1, 1, 't', TIMES | ZONE, "an_start($1, 1, 1)"},
    {"tostartoffiveminutes", 1, 1, 't', TIMES | ZONE, "an_start($1, 5, 1)"},
    {"tostartoffiveminute", 1, 1, 't', TIMES | ZONE, "an_start($1, 5, 1)"},
    {"tostartoftenminutes", 1, 1, 't', TIMES | ZONE, "an_start($1, 10, 1)"},
    {"tostartoffifteenminutes", 1, 1, 't', TIMES | ZONE, "an_start($1, 15, 1)"},
    {"tostartofhour", 1, 1, 't', TIMES | ZONE, "an_start($1, 1, 2)"},
    {"tostartofday", 1, 1, 't', TIMES | ZONE, "an_start($1, 1, 3)"},
    {"tostartofweek", 1, 1, 'd', TIMES | ZONE, "an_start($1 + 86400, 1, 4) - 86400"},
    {"tomonday", 1, 1, 'd', TIMES | ZONE, "an_start($1, 1, 4)"},
    {"tostartofmonth", 1, 1, 'd', TIMES | ZONE, "an_start($1, 1, 5)"},
    {"tostartofquarter", 1, 1, 'd', TIMES | ZONE, "an_start($1, 1, 6)"},
    {"tostartofyear", 1, 1, 'd', TIMES | ZONE, "an_start($1, 1, 7)"},
    {"toyear", 1, 1, 'w', TIMES | ZONE, "an_part($1, 'Y')"},
    {"toquarter", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'Q')"},
    {"tomonth", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'm')"},
    {"todayofmonth", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'd')"},
    {"todayofweek", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'u')"},
    {"todayofyear", 1, 1, 'w', TIMES | ZONE, "an_part($1, 'j')"},
    {"tohour", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'H')"},
    {"tominute", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'M')"},
    {"tosecond", 1, 1, 'b', TIMES | ZONE, "an_part($1, 'S')"},
    {"toyyyymm", 1, 1, 'w', TIMES | ZONE, "CAST(an_format($1, '%Y%m') AS INTEGER)"},
    {"toyyyymmdd", 1, 1, 'w', TIMES | ZONE, "CAST(an_format($1, '%Y%m%d') AS INTEGER)"},
    {"toyyyymmddhhmmss", 1, 1, 'u', TIMES | ZONE,
     "CAST(an_format($1, '%Y%m%d%H%i%S') AS INTEGER)"},

    {"touint8", 1, 1, 'b', 0, "CAST($1 AS INTEGER)"},
    {"touint16", 1, 1, 'w', 0, "CAST($1 AS INTEGER)"},
    {"touint32", 1, 1, 'w', 0, "CAST($1 AS INTEGER)"},
    {"touint64", 1, 1, 'u', 0, "CAST($1 AS INTEGER)"},
    {"toint8", 1, 1, 'j', 0, "CAST($1 AS INTEGER)"},
    {"toint16", 1, 1, 'j', 0, "CAST($1 AS INTEGER)"},
    {"toint32", 1, 1, 'j', 0, "CAST($1 AS INTEGER)"},
    {"toint64", 1, 1, 'i', 0, "CAST($1 AS INTEGER)"},
    {"tofloat32", 1, 1, 'f', 0, "CAST($1 AS REAL)"},
    {"tofloat64", 1, 1, 'f', 0, "CAST($1 AS REAL)"},
    {"tostring", 1, 1, 's', TEXTS, "$1"},

    {"intdiv", 2, 2, '1', 0, "CAST($1 / $2 AS INTEGER)"},
    {"mod", 2, 2, '1', 0, "($1 % $2)"},
    {"modulo", 2, 2, '1', 0, "($1 % $2)"},
    {"abs", 1, 1, '1', 0, "abs($1)"},
    {"sign", 1, 1, 'j', 0, "sign($1)"},
    {"round", 1, 2, '1', 0, "round($*)"},
    {"floor", 1, 1, '1', 0, "floor($1)"},
    {"ceil", 1, 1, '1', 0, "ceil($1)"},
    {"ceiling", 1, 1, '1', 0, "ceil($1)"},
    {"sqrt", 1, 1, 'f', 0, "sqrt($1)"},
    {"exp", 1, 1, 'f', 0, "exp($1)"},
    {"log", 1, 1, 'f', 0, "ln($1)"},
    {"ln", 1, 1, 'f', 0, "ln($1)"},
    {"log2", 1, 1, 'f', 0, "log2($1)"},
    {"log10", 1, 1, 'f', 0, "log10($1)"},
    {"pow", 2, 2, 'f', 0, "pow($1, $2)"},
    {"power", 2, 2, 'f', 0, "pow($1, $2)"},
    {"pi", 0, 0, 'f', 0, "pi()"},
    {"sin", 1, 1, 'f', 0, "sin($1)"},
    {"cos", 1, 1, 'f', 0, "cos($1)"},
    {"tan", 1, 1, 'f', 0, "tan($1)"},
    {"greatest", 2, 9, '1', 0, "max($*)"},
    {"least", 2, 9, '1', 0, "min($*)"},
    {"bitand", 2, 2, '1', 0, "($1 & $2)"},
    {"bitor", 2, 2, '1', 0, "($1 | $2)"},
    {"bitshiftleft", 2, 2, 'u', 0, "($1 << $2)"},
    {"bitshiftright", 2, 2, '1', 0, "($1 >> $2)"},

    {"length", 1, 1, 'u', TEXTS, "length(CAST($1 AS BLOB))"},
    {"empty", 1, 1, 'b', TEXTS, "($1 = '')"},
    {"notempty", 1, 1, 'b', TEXTS, "($1 <> '')"},
    {"lower", 1, 1, 's', TEXTS, "lower($1)"},
    {"upper", 1, 1, 's', TEXTS, "upper($1)"},
    {"trim", 1, 1, 's', TEXTS, "trim($1)"},
    {"startswith", 2, 2, 'b', TEXTS, "(instr(CAST($1 AS BLOB), CAST($2 AS BLOB)) = 1)"},
    {"endswith", 2, 2, 'b', TEXTS, "an_ends($1, $2)"},
    {"position", 2, 2, 'u', TEXTS, "instr(CAST($1 AS BLOB), CAST($2 AS BLOB))"},
    {"substring", 2, 3, 's', 0, "substr($*)"},
    {"substr", 2, 3, 's', 0, "substr($*)"},
    {"concat", 2, 2, 's', TEXTS, "($1 || $2)"},
    {"replaceall", 3, 3, 's', TEXTS, "replace($1, $2, $3)"},
    {"hex", 1, 1, 's', 0, "hex($1)"},
};

struct arguments {
    struct analytics_expr list[ANALYTICS_ARGUMENTS_MAX];
    size_t count;
    const char *parameter;    /* $p */
    bool is_distinct;
};

static const struct function *find(str name)
{
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (str_equal_nocase(name, str_from(functions[i].name)))
            return &functions[i];
    return NULL;
}

/* ---- arguments ---- */

/* Behind "(", up to ")" and past it. */
static bool parse_arguments(struct analytics_parser *p, struct arguments *a)
{
    a->is_distinct = analytics_token_word(p, "DISTINCT");
    if (analytics_token_sign(p, ")"))
        return true;
    do {
        if (a->count == ANALYTICS_ARGUMENTS_MAX)
            return analytics_token_fail(p, "too many arguments");
        if (!analytics_expr_parse(p, &a->list[a->count]))
            return false;
        a->count++;
    } while (analytics_token_sign(p, ","));
    return analytics_token_need_sign(p, ")");
}

/* "(0.5)" before the arguments proper. */
static bool parse_parameter(struct analytics_parser *p, const struct function *f,
                            struct arguments *a)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);
    double value;

    if (token->kind != TOKEN_NUMBER || !analytics_token_is_sign(p, 1, ")") ||
        !analytics_token_is_sign(p, 2, "("))
        return analytics_token_fail(p, "%s needs its %s first, as in %s(...)", f->name,
                                    f->flags & LEVEL ? "level" : "number",
                                    f->flags & LEVEL ? "quantileExactWeighted(0.95)" : "topK(10)");
    value = strtod(analytics_token_print(p, "%.*s", STR_ARGS(token->text)), NULL);
    if (f->flags & LEVEL ? !(value >= 0 && value <= 1) : !(value >= 1 && value <= 1000))
        return analytics_token_fail(p, "this must be %s",
                                    f->flags & LEVEL ? "0 to 1" : "1 to 1000");
    a->parameter = analytics_token_print(p, "%.17g", value);
    p->at += 3;
    return true;
}

/* All times are UTC. */
static bool take_zone(struct analytics_parser *p, const struct function *f, struct arguments *a)
{
    const char *zone;

    if (!(f->flags & ZONE) || a->count != (size_t)f->most + 1)
        return true;
    zone = a->list[--a->count].sql;
    return strcmp(zone, "'UTC'") == 0 || strcmp(zone, "'Etc/UTC'") == 0 ||
           analytics_token_fail(p, "there is no time zone here but 'Etc/UTC'");
}

static bool convert(struct analytics_parser *p, const struct function *f, struct arguments *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct analytics_expr *expr = &a->list[i];

        if (expr->type == ANALYTICS_INTERVAL)
            return analytics_token_fail(p, "%s takes no INTERVAL", f->name);
        if (f->flags & TEXTS)
            expr->sql = analytics_expr_text(p, expr);
        else if (f->flags & TIMES && i == 0)
            expr->sql = analytics_expr_time(p, expr);
    }
    return true;
}

static bool check(struct analytics_parser *p, const struct function *f, struct arguments *a,
                  struct analytics_expr *ret)
{
    if (!take_zone(p, f, a))
        return false;
    if (a->count < f->least || a->count > f->most)
        return analytics_token_fail(p, "%s takes %u%s argument%s, not %zu", f->name, f->least,
                                    f->least == f->most ? "" : " or more", f->most == 1 ? "" : "s",
                                    a->count);
    if (a->is_distinct && !(f->flags & DISTINCT))
        return analytics_token_fail(p, "%s takes no DISTINCT", f->name);
    for (size_t i = 0; i < a->count; i++) {
        if (a->list[i].is_aggregate && f->flags & AGGREGATE)
            return analytics_token_fail(p, "an aggregate (%s) within an aggregate is not possible",
                                        f->name);
        ret->is_aggregate |= a->list[i].is_aggregate;
    }
    ret->is_aggregate |= (f->flags & AGGREGATE) != 0;
    return convert(p, f, a);
}

/* ---- what it becomes ---- */

static enum analytics_type type_of(const struct function *f, const struct arguments *a)
{
    enum analytics_type first = a->count ? a->list[0].type : ANALYTICS_STRING;

    switch (f->gives) {
    case 'f':
        return ANALYTICS_FLOAT64;
    case 'b':
        return ANALYTICS_UINT8;
    case 'w':
        return ANALYTICS_UINT32;
    case 'u':
        return ANALYTICS_UINT64;
    case 'j':
        return ANALYTICS_INT32;
    case 'i':
        return ANALYTICS_INT64;
    case 't':
        return ANALYTICS_DATETIME;
    case 'd':
        return ANALYTICS_DATE;
    case 'a':
        return ANALYTICS_ARRAY;
    case '1':
        return first;
    case '2':
        return a->list[1].type;
    case '+':
        return first == ANALYTICS_INT32 || first == ANALYTICS_INT64 ? ANALYTICS_INT64
               : analytics_expr_is_integer(first)                   ? ANALYTICS_UINT64
                                                                    : ANALYTICS_FLOAT64;
    default:
        return ANALYTICS_STRING;
    }
}

static const char *all_of(struct analytics_parser *p, const struct arguments *a)
{
    const char *all = "";

    for (size_t i = 0; i < a->count; i++)
        all = analytics_token_print(p, "%s%s%s", all, i ? ", " : "", a->list[i].sql);
    return all;
}

/* Fills in the template. */
static const char *write(struct analytics_parser *p, const char *sql, const struct arguments *a)
{
    const char *out = "";

    for (;;) {
        size_t plain = strcspn(sql, "$");

        out = analytics_token_print(p, "%s%.*s", out, (int)plain, sql);
        sql += plain;
        if (!*sql || p->err->code)
            return out;
        out = analytics_token_print(p, "%s%s", out,
                                    sql[1] == '*'   ? all_of(p, a)
                                    : sql[1] == 'p' ? a->parameter
                                                    : a->list[sql[1] - '1'].sql);
        sql += 2;
    }
}

/* ---- those that are not in the table ---- */

/* count(), count(*), count(x), count(DISTINCT x) */
static bool parse_count(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct arguments a = {0};

    ret->type = ANALYTICS_UINT64;
    ret->is_aggregate = true;
    ret->sql = "count(*)";
    if (analytics_token_sign(p, "*"))
        return analytics_token_need_sign(p, ")");
    if (!parse_arguments(p, &a))
        return false;
    if (a.count > 1 || (a.is_distinct && !a.count))
        return analytics_token_fail(p, "count takes one argument");
    if (a.count && a.list[0].is_aggregate)
        return analytics_token_fail(p, "an aggregate within count is not possible");
    if (a.count)
        ret->sql = analytics_token_print(p, "count(%s%s)", a.is_distinct ? "DISTINCT " : "",
                                         a.list[0].sql);
    return !p->err->code;
}

/* toStartOfInterval(time, INTERVAL n UNIT [, zone]) */
static bool parse_start(struct analytics_parser *p, struct analytics_expr *ret)
{
    static const struct function as = {"toStartOfInterval", 2, 2, 't', TIMES | ZONE, ""};
    struct arguments a = {0};

    if (!parse_arguments(p, &a) || !take_zone(p, &as, &a))
        return false;
    if (a.count != 2 || a.list[1].type != ANALYTICS_INTERVAL)
        return analytics_token_fail(p, "toStartOfInterval takes a time and an INTERVAL");
    ret->type = ANALYTICS_DATETIME;
    ret->is_aggregate = a.list[0].is_aggregate;
    ret->sql = analytics_token_print(p, "an_start(%s, %s, %d)", analytics_expr_time(p, &a.list[0]),
                                     a.list[1].sql, (int)a.list[1].unit);
    return !p->err->code;
}

/* The unit that stands as a text in the first argument of dateDiff('hour', a, b) and
 * dateTrunc('hour', a). */
static bool take_unit(struct analytics_parser *p, enum analytics_unit *ret)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);

    if (token->kind != TOKEN_STRING || !analytics_time_unit(token->text, ret))
        return analytics_token_fail(p, "expected a unit as a text, such as 'day'");
    p->at++;
    return analytics_token_need_sign(p, ",");
}

static bool parse_diff(struct analytics_parser *p, struct analytics_expr *ret)
{
    static const struct function as = {"dateDiff", 2, 2, 'i', ZONE, ""};
    struct arguments a = {0};
    enum analytics_unit unit;

    if (!take_unit(p, &unit) || !parse_arguments(p, &a) || !take_zone(p, &as, &a))
        return false;
    if (a.count != 2)
        return analytics_token_fail(p, "dateDiff takes a unit and two times");
    ret->type = ANALYTICS_INT64;
    ret->is_aggregate = a.list[0].is_aggregate | a.list[1].is_aggregate;
    ret->sql = analytics_token_print(p, "an_diff(%s, %s, %d)", analytics_expr_time(p, &a.list[0]),
                                     analytics_expr_time(p, &a.list[1]), (int)unit);
    return !p->err->code;
}

static bool parse_trunc(struct analytics_parser *p, struct analytics_expr *ret)
{
    static const struct function as = {"dateTrunc", 1, 1, 't', ZONE, ""};
    struct arguments a = {0};
    enum analytics_unit unit;

    if (!take_unit(p, &unit) || !parse_arguments(p, &a) || !take_zone(p, &as, &a))
        return false;
    if (a.count != 1)
        return analytics_token_fail(p, "dateTrunc takes a unit and a time");
    ret->type = ANALYTICS_DATETIME;
    ret->is_aggregate = a.list[0].is_aggregate;
    ret->sql = analytics_token_print(p, "an_start(%s, 1, %d)", analytics_expr_time(p, &a.list[0]),
                                     (int)unit);
    return !p->err->code;
}

static bool parse_now(struct analytics_parser *p, struct analytics_expr *ret, bool today)
{
    int64_t now = p->request->now_s;

    ret->type = today ? ANALYTICS_DATE : ANALYTICS_DATETIME;
    if (today)
        now = analytics_time_start(now, 1, ANALYTICS_DAY);
    ret->sql = analytics_token_print(p, "%lld", (long long)now);
    return analytics_token_need_sign(p, ")");
}

/* multiIf(a, x, b, y, z) */
static bool parse_multi_if(struct analytics_parser *p, struct analytics_expr *ret)
{
    struct arguments a = {0};
    const char *sql = "CASE";

    if (!parse_arguments(p, &a))
        return false;
    if (a.count < 3 || a.count % 2 == 0)
        return analytics_token_fail(p, "multiIf takes pairs of condition and value, and a value");
    for (size_t i = 0; i + 1 < a.count; i += 2)
        sql = analytics_token_print(p, "%s WHEN %s THEN %s", sql, a.list[i].sql, a.list[i + 1].sql);
    for (size_t i = 0; i < a.count; i++)
        ret->is_aggregate |= a.list[i].is_aggregate;
    ret->type = a.list[1].type;
    ret->sql = analytics_token_print(p, "(%s ELSE %s END)", sql, a.list[a.count - 1].sql);
    return !p->err->code;
}

static bool parse_table(struct analytics_parser *p, const struct function *f,
                        struct analytics_expr *ret)
{
    struct arguments a = {.parameter = ""};

    if (f->flags & (LEVEL | COUNT_OF_TOP) && !parse_parameter(p, f, &a))
        return false;
    if (!parse_arguments(p, &a) || !check(p, f, &a, ret))
        return false;
    ret->type = type_of(f, &a);
    if (a.is_distinct)
        a.list[0].sql = analytics_token_print(p, "DISTINCT %s", a.list[0].sql);
    ret->sql = write(p, f->sql, &a);
    if (f->gives == '+')
        ret->sql = analytics_token_print(p, "coalesce(%s, 0)", ret->sql);
    if (f->gives == 'd' && strchr(f->sql, '+'))
        ret->sql = analytics_token_print(p, "(%s)", ret->sql);
    return !p->err->code;
}

bool analytics_function_parse(struct analytics_parser *p, str name, struct analytics_expr *ret)
{
    const struct function *f;

    p->at++;
    if (str_equal_nocase(name, STR("count")))
        return parse_count(p, ret);
    if (str_equal_nocase(name, STR("now")))
        return parse_now(p, ret, false);
    if (str_equal_nocase(name, STR("today")))
        return parse_now(p, ret, true);
    if (str_equal_nocase(name, STR("toStartOfInterval")))
        return parse_start(p, ret);
    if (str_equal_nocase(name, STR("dateDiff")))
        return parse_diff(p, ret);
    if (str_equal_nocase(name, STR("dateTrunc")) || str_equal_nocase(name, STR("date_trunc")))
        return parse_trunc(p, ret);
    if (str_equal_nocase(name, STR("multiIf")))
        return parse_multi_if(p, ret);
    if (!(f = find(name))) {
        p->at -= 2;
        return analytics_token_fail(p, "there is no function %.*s here", STR_ARGS(name));
    }
    return parse_table(p, f, ret);
}
