/* What the files that translate a query share: its words, what is known within a SELECT,
 * expressions.
 *
 * Every text that is made belongs to the translation and goes with it. Functions return false after
 * `err` was set, once.
 * Owns, Thread: as analytics_sql.h. */
#ifndef ATOLL_BINDINGS_ANALYTICS_SQL_PRIVATE_H
#define ATOLL_BINDINGS_ANALYTICS_SQL_PRIVATE_H

#include "base/buf.h"
#include "bindings/analytics/analytics_sql.h"
#include "bindings/analytics/analytics_time.h"

enum {
    ANALYTICS_TEXTS_BYTES_MAX = 4 << 20,
    ANALYTICS_DEPTH_MAX = 48,
    ANALYTICS_ARGUMENTS_MAX = 32,
};

enum analytics_token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_SIGN,
};

struct analytics_token {
    enum analytics_token_kind kind;
    str text;     /* as it stands; of NAME and STRING what is between the quotes, decoded */
    size_t from, to;    /* where it stands */
};

struct analytics_expr {
    const char *sql;
    enum analytics_type type;
    enum analytics_unit unit;    /* of an interval, whose `sql` is the amount */
    bool is_aggregate;           /* has an aggregate in it */
};

/* A name that can be used: a column of what is selected from, or what AS made. */
struct analytics_name {
    str name;
    struct analytics_expr expr;
};

struct analytics_scope {
    struct analytics_name *names;
    size_t count, cap;
};

struct analytics_text;

struct analytics_parser {
    const struct analytics_sql_request *request;
    struct analytics_token *tokens;
    size_t count, at;
    struct analytics_scope *scope;
    struct analytics_text *texts;
    size_t bytes;
    unsigned depth;
    struct err *err;
};

/* ---- analytics_token.c ---- */

bool analytics_token_read(struct analytics_parser *p);

/* Memory of the translation, zeroed. */
void *analytics_token_memory(struct analytics_parser *p, size_t bytes);
void analytics_token_done(struct analytics_parser *p);

/* The one at `at` + `ahead`; TOKEN_END for ever after the last. */
const struct analytics_token *analytics_token_peek(const struct analytics_parser *p, size_t ahead);

/* True, and past it, when it is next. Words in any case. */
bool analytics_token_word(struct analytics_parser *p, const char *word);
bool analytics_token_sign(struct analytics_parser *p, const char *sign);
bool analytics_token_is_word(const struct analytics_parser *p, size_t ahead, const char *word);
bool analytics_token_is_sign(const struct analytics_parser *p, size_t ahead, const char *sign);

/* The same, or an error that says what was expected. */
bool analytics_token_need_sign(struct analytics_parser *p, const char *sign);

/* Fails with words, and where it is. Returns false. */
bool analytics_token_fail(struct analytics_parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A text of the translation, printed; "" after a failure. */
const char *analytics_token_print(struct analytics_parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* 'text', as SQLite reads it. */
const char *analytics_token_quote(struct analytics_parser *p, str text);

/* ---- analytics_expr.c ---- */

bool analytics_expr_parse(struct analytics_parser *p, struct analytics_expr *ret);

/* The expression as a time, or as a text, whatever it is. */
const char *analytics_expr_time(struct analytics_parser *p, const struct analytics_expr *expr);
const char *analytics_expr_text(struct analytics_parser *p, const struct analytics_expr *expr);

bool analytics_expr_is_integer(enum analytics_type type);

/* ---- analytics_function.c ---- */

/* `at` is behind the name and at "(". */
bool analytics_function_parse(struct analytics_parser *p, str name, struct analytics_expr *ret);

#endif
