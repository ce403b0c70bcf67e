/* The words of a query, and the texts made of them; see analytics_sql_private.h. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "bindings/analytics/analytics_sql_private.h"

enum { SHOWN_MAX = 80 };

struct analytics_text {
    struct analytics_text *next;
};

/* ---- memory ---- */

void *analytics_token_memory(struct analytics_parser *p, size_t bytes)
{
    struct analytics_text *text = mem_zeroed(sizeof *text + bytes);

    text->next = p->texts;
    p->texts = text;
    return text + 1;
}

void analytics_token_done(struct analytics_parser *p)
{
    while (p->texts) {
        struct analytics_text *next = p->texts->next;
        free(p->texts);
        p->texts = next;
    }
}

const char *analytics_token_print(struct analytics_parser *p, const char *format, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    p->bytes += (size_t)len;
    if (len < 0 || len > ANALYTICS_SQL_OUT_BYTES_MAX || p->bytes > ANALYTICS_TEXTS_BYTES_MAX) {
        if (!p->err->code)
            err_set(p->err, ERR_LIMIT, "the query is too complicated");
        return "";
    }
    text = analytics_token_memory(p, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

const char *analytics_token_quote(struct analytics_parser *p, str text)
{
    char *out = analytics_token_memory(p, 2 * text.len + 3), *at = out;

    *at++ = '\'';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            *at++ = '\'';
        *at++ = text.ptr[i];
    }
    *at = '\'';
    return out;
}

/* ---- failing ---- */

bool analytics_token_fail(struct analytics_parser *p, const char *format, ...)
{
    const struct analytics_token *token = analytics_token_peek(p, 0);
    char text[ERR_TEXT_MAX / 2];
    size_t line = 1;
    va_list args;

    if (p->err->code)
        return false;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < token->from && i < p->request->text.len; i++)
        line += p->request->text.ptr[i] == '\n';
    if (token->kind == TOKEN_END)
        err_set(p->err, ERR_INVALID, "%s, at the end of the query", text);
    else
        err_set(p->err, ERR_INVALID, "%s, at \"%.*s\" in line %zu", text,
                (int)(token->to - token->from < SHOWN_MAX ? token->to - token->from : SHOWN_MAX),
                p->request->text.ptr + token->from, line);
    return false;
}

/* ---- looking ---- */

const struct analytics_token *analytics_token_peek(const struct analytics_parser *p, size_t ahead)
{
    static const struct analytics_token end = {.kind = TOKEN_END};

    return p->at + ahead < p->count ? &p->tokens[p->at + ahead] : &end;
}

bool analytics_token_is_word(const struct analytics_parser *p, size_t ahead, const char *word)
{
    const struct analytics_token *token = analytics_token_peek(p, ahead);

    return token->kind == TOKEN_WORD && str_equal_nocase(token->text, str_from(word));
}

bool analytics_token_is_sign(const struct analytics_parser *p, size_t ahead, const char *sign)
{
    const struct analytics_token *token = analytics_token_peek(p, ahead);

    return token->kind == TOKEN_SIGN && str_equal(token->text, str_from(sign));
}

bool analytics_token_word(struct analytics_parser *p, const char *word)
{
    bool is = analytics_token_is_word(p, 0, word);

    p->at += is;
    return is;
}

bool analytics_token_sign(struct analytics_parser *p, const char *sign)
{
    bool is = analytics_token_is_sign(p, 0, sign);

    p->at += is;
    return is;
}

bool analytics_token_need_sign(struct analytics_parser *p, const char *sign)
{
    return analytics_token_sign(p, sign) || analytics_token_fail(p, "expected \"%s\"", sign);
}

/* ---- reading ---- */

static size_t skip_blanks(str text, size_t at)
{
    for (;;) {
        str rest = str_skip(text, at);

        if (rest.len && isspace((unsigned char)rest.ptr[0]))
            at++;
        else if (str_starts(rest, STR("--")))
            at += str_find(rest, '\n');
        else if (str_starts(rest, STR("/*"))) {
            at += 2;
            while (at < text.len && !str_starts(str_skip(text, at), STR("*/")))
                at++;
            at = at < text.len ? at + 2 : at;
        } else
            return at;
    }
}

static char unescaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return c;
    }
}

/* Decodes what is between the quotes into `out`, or (NULL) only counts; the end goes to *ret_to.
 * False when there is none. */
static bool decode(str text, size_t from, char *out, size_t *ret_len, size_t *ret_to)
{
    char quote = text.ptr[from];
    size_t at = from + 1, len = 0;

    for (; at < text.len; at++) {
        char c = text.ptr[at];

        if (c == '\\' && at + 1 < text.len)
            c = unescaped(text.ptr[++at]);
        else if (c == quote && (at + 1 >= text.len || text.ptr[at + 1] != quote))
            break;
        else if (c == quote)
            at++;
        if (out)
            out[len] = c;
        len++;
    }
    *ret_len = len;
    *ret_to = at + 1;
    return at < text.len;
}

/* 'it''s', "a", `b`, with \' too. */
static bool read_quoted(struct analytics_parser *p, struct analytics_token *token)
{
    str text = p->request->text;
    size_t len;
    char *out;

    if (!decode(text, token->from, NULL, &len, &token->to))
        return false;
    out = analytics_token_memory(p, len + 1);
    decode(text, token->from, out, &len, &token->to);
    token->kind = text.ptr[token->from] == '\'' ? TOKEN_STRING : TOKEN_NAME;
    token->text = (str){out, len};
    return true;
}

static size_t number_end(str text, size_t at)
{
    while (at < text.len && isdigit((unsigned char)text.ptr[at]))
        at++;
    if (at < text.len && text.ptr[at] == '.')
        for (at++; at < text.len && isdigit((unsigned char)text.ptr[at]);)
            at++;
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        size_t digits = at + 1;

        if (digits < text.len && (text.ptr[digits] == '-' || text.ptr[digits] == '+'))
            digits++;
        if (digits < text.len && isdigit((unsigned char)text.ptr[digits]))
            for (at = digits; at < text.len && isdigit((unsigned char)text.ptr[at]);)
                at++;
    }
    return at;
}

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static size_t sign_end(str text, size_t at)
{
    static const char *const pairs[] = {"<=", ">=", "<>", "!=", "==", "||", "::"};

    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        if (str_starts(str_skip(text, at), str_from(pairs[i])))
            return at + 2;
    return at + 1;
}

static bool read_one(struct analytics_parser *p, struct analytics_token *token)
{
    str text = p->request->text;
    char c = text.ptr[token->from];
    bool is_dotted = c == '.' && token->from + 1 < text.len &&
                     isdigit((unsigned char)text.ptr[token->from + 1]);

    if (c == '\'' || c == '"' || c == '`')
        return read_quoted(p, token);
    token->to = token->from;
    if (isdigit((unsigned char)c) || is_dotted) {
        token->kind = TOKEN_NUMBER;
        token->to = number_end(text, token->from);
    } else if (is_of_word(c)) {
        token->kind = TOKEN_WORD;
        while (token->to < text.len && is_of_word(text.ptr[token->to]))
            token->to++;
    } else {
        token->kind = TOKEN_SIGN;
        token->to = sign_end(text, token->from);
    }
    token->text = str_head(str_skip(text, token->from), token->to - token->from);
    return true;
}

bool analytics_token_read(struct analytics_parser *p)
{
    str text = p->request->text;

    if (text.len > ANALYTICS_SQL_BYTES_MAX)
        return err_set(p->err, ERR_LIMIT, "the query is longer than %d bytes",
                       ANALYTICS_SQL_BYTES_MAX) == 0;
    if (!utf8_is_valid(text) || str_find(text, 0) < text.len)
        return err_set(p->err, ERR_INVALID, "the query is not UTF-8 text") == 0;
    p->tokens = analytics_token_memory(p, (text.len + 1) * sizeof *p->tokens);
    for (size_t at = skip_blanks(text, 0); at < text.len; at = skip_blanks(text, at)) {
        struct analytics_token *token = &p->tokens[p->count];

        token->from = at;
        if (!read_one(p, token))
            return err_set(p->err, ERR_INVALID, "a quote (%c) is not closed", text.ptr[at]) == 0;
        at = token->to;
        p->count++;
    }
    return true;
}
