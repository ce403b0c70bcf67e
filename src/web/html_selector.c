/* The parser of selectors; see html_selector.h.
 *
 * Recursive descent over the text. Names and values are copied with their escapes resolved into one
 * block a rule, which cannot be too small: no escape is shorter than a third of what it stands for.
 *
 * (1) The first error is kept and everything after it does nothing; `next` then stands still. */
#include "web/html_selector.h"

#include <stdlib.h>

#include "base/hex.h"
#include "web/html_name.h"

enum { ESCAPE_GROWTH = 3, SHOWN_BYTES_MAX = 80, NTH_MAX = 100000000 };

struct parser {
    struct html_selectors *set;
    str text;
    size_t at;
    char *out;      /* where the next copy goes */
    int depth;      /* of :not() */
    struct err *err;
    bool has_failed;
};

static int parse_compound(struct parser *p);

static void fail_at(struct parser *p, size_t at, const char *why)
{
    if (p->has_failed)
        return;
    p->has_failed = true;
    err_set(p->err, ERR_INVALID, "The selector '%.*s'%s is not valid: at character %zu, %s.",
            (int)(p->text.len > SHOWN_BYTES_MAX ? SHOWN_BYTES_MAX : p->text.len), p->text.ptr,
            p->text.len > SHOWN_BYTES_MAX ? " ..." : "", at + 1, why);
}

static void fail(struct parser *p, const char *why)
{
    fail_at(p, p->at, why);
}

static void fail_limit(struct parser *p, const char *what, int max)
{
    if (p->has_failed)
        return;
    p->has_failed = true;
    err_set(p->err, ERR_LIMIT, "The selectors have more than %d %s: use fewer.", max, what);
}

/* The byte `ahead` of the next one; NUL at the end, where NUL itself is no part of a selector. */
static char peek(const struct parser *p, size_t ahead)
{
    return p->at + ahead < p->text.len ? p->text.ptr[p->at + ahead] : '\0';
}

static bool at_end(const struct parser *p)
{
    return p->has_failed || p->at == p->text.len;
}

static bool skip_space(struct parser *p)
{
    size_t from = p->at;

    while (p->at < p->text.len && html_name_is_space(peek(p, 0)))
        p->at++;
    return p->at > from;
}

static bool accept(struct parser *p, char c)
{
    if (at_end(p) || peek(p, 0) != c)
        return false;
    p->at++;
    return true;
}

static void expect(struct parser *p, char c, const char *why)
{
    if (!accept(p, c))
        fail(p, why);
}

/* ---- names and strings (CSS Syntax 4.3) ---- */

static bool is_name_start(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26 || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

static void put_point(struct parser *p, uint32_t point)
{
    if (!point || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        point = 0xFFFD;
    if (point < 0x80) {
        *p->out++ = (char)point;
        return;
    }
    if (point < 0x800) {
        *p->out++ = (char)(0xC0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *p->out++ = (char)(0xE0 | point >> 12);
        } else {
            *p->out++ = (char)(0xF0 | point >> 18);
            *p->out++ = (char)(0x80 | (point >> 12 & 0x3F));
        }
        *p->out++ = (char)(0x80 | (point >> 6 & 0x3F));
    }
    *p->out++ = (char)(0x80 | (point & 0x3F));
}

/* After a backslash that is no end of line. */
static void take_escape(struct parser *p)
{
    uint32_t point = 0;
    int digits = 0;

    if (at_end(p)) {
        fail(p, "a backslash has nothing behind it");
        return;
    }
    if (hex_digit(peek(p, 0)) < 0) {
        *p->out++ = p->text.ptr[p->at++];
        return;
    }
    for (; digits < 6 && hex_digit(peek(p, 0)) >= 0; digits++, p->at++) {
        char c = peek(p, 0);
        point = point << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (html_name_is_space(peek(p, 0)))
        p->at++;
    put_point(p, point);
}

static str take_name(struct parser *p, const char *why)
{
    size_t dash = peek(p, 0) == '-';
    bool starts = is_name_start(peek(p, dash)) || peek(p, dash) == '\\' ||
                  (dash && peek(p, 1) == '-');
    char *from = p->out;

    if (!starts) {
        fail(p, why);
        return STR_NONE;
    }
    while (!at_end(p) && (is_name_char(peek(p, 0)) || peek(p, 0) == '\\')) {
        if (accept(p, '\\'))
            take_escape(p);
        else
            *p->out++ = p->text.ptr[p->at++];
    }
    return (str){from, (size_t)(p->out - from)};
}

static str take_string(struct parser *p)
{
    char quote = p->text.ptr[p->at++];
    char *from = p->out;
    size_t start = p->at - 1;

    while (!at_end(p) && peek(p, 0) != quote) {
        if (!accept(p, '\\'))
            *p->out++ = p->text.ptr[p->at++];
        else if (!accept(p, '\n'))
            take_escape(p);
    }
    if (!accept(p, quote))
        fail_at(p, start, "a string has no end");
    return (str){from, (size_t)(p->out - from)};
}

/* ---- the set ---- */

static int new_compound(struct parser *p)
{
    struct html_selectors *set = p->set;

    if (set->compound_count == HTML_COMPOUNDS_MAX) {
        fail_limit(p, "parts", HTML_COMPOUNDS_MAX);
        return 0;
    }
    if (set->compound_count == set->compound_cap) {
        set->compound_cap = set->compound_cap ? 2 * set->compound_cap : 8;
        set->compounds = mem_resize(set->compounds,
                                    (size_t)set->compound_cap * sizeof *set->compounds);
    }
    set->compounds[set->compound_count] = (struct html_compound){.condition = HTML_NONE,
                                                                 .next_of_not = HTML_NONE,
                                                                 .next = HTML_NONE,
                                                                 .rule = HTML_NONE};
    return set->compound_count++;
}

static struct html_condition *new_condition(struct parser *p, int compound,
                                            enum html_condition_kind kind)
{
    static struct html_condition nowhere;
    struct html_selectors *set = p->set;
    struct html_condition *condition;

    if (p->has_failed)
        return &nowhere;
    if (set->condition_count == HTML_CONDITIONS_MAX) {
        fail_limit(p, "conditions", HTML_CONDITIONS_MAX);
        return &nowhere;
    }
    if (set->condition_count == set->condition_cap) {
        set->condition_cap = set->condition_cap ? 2 * set->condition_cap : 8;
        set->conditions = mem_resize(set->conditions,
                                     (size_t)set->condition_cap * sizeof *set->conditions);
    }
    condition = &set->conditions[set->condition_count];
    *condition = (struct html_condition){.kind = kind,
                                         .next = set->compounds[compound].condition,
                                         .first = HTML_NONE};
    set->compounds[compound].condition = set->condition_count++;
    return condition;
}

/* ---- attributes ---- */

/* Attributes whose values selectors compare without case (WHATWG HTML 4.17.2). */
static bool is_caseless(str name)
{
    static const char *const names[] = {
        "accept", "accept-charset", "align", "alink", "axis", "bgcolor", "charset", "checked",
        "clear", "codetype", "color", "compact", "declare", "defer", "dir", "direction", "disabled",
        "enctype", "face", "frame", "hreflang", "http-equiv", "lang", "language", "link", "media",
        "method", "multiple", "nohref", "noresize", "noshade", "nowrap", "readonly", "rel", "rev",
        "rules", "scope", "scrolling", "selected", "shape", "target", "text", "type", "valign",
        "valuetype", "vlink",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_nocase(name, str_from(names[i])))
            return true;
    return false;
}

static enum html_condition_kind take_operator(struct parser *p)
{
    static const struct {
        char c;
        enum html_condition_kind kind;
    } rows[] = {
        {'~', HTML_CONDITION_WORD}, {'|', HTML_CONDITION_DASH}, {'^', HTML_CONDITION_STARTS},
        {'$', HTML_CONDITION_ENDS}, {'*', HTML_CONDITION_CONTAINS},
    };

    if (accept(p, '='))
        return HTML_CONDITION_EQUALS;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (accept(p, rows[i].c)) {
            expect(p, '=',
                   rows[i].c == '|' ? "namespaces are not supported"
                                    : "= is missing behind the operator");
            return rows[i].kind;
        }
    }
    fail(p, "an operator such as = or ] is expected");
    return HTML_CONDITION_EXISTS;
}

static void parse_attribute(struct parser *p, int compound)
{
    struct html_condition *condition = new_condition(p, compound, HTML_CONDITION_EXISTS);

    skip_space(p);
    condition->name = take_name(p, "the name of an attribute is expected");
    condition->key = html_name_key(condition->name);
    skip_space(p);
    if (accept(p, ']'))
        return;
    condition->kind = take_operator(p);
    condition->ignores_case = is_caseless(condition->name);
    skip_space(p);
    condition->value = peek(p, 0) == '"' || peek(p, 0) == '\''
                           ? take_string(p)
                           : take_name(p, "a value is expected: a name or a string in quotes");
    skip_space(p);
    if (accept(p, 'i') || accept(p, 'I'))
        condition->ignores_case = true;
    else if (accept(p, 's') || accept(p, 'S'))
        condition->ignores_case = false;
    skip_space(p);
    expect(p, ']', "] is expected");
}

static void add_named(struct parser *p, int compound, enum html_condition_kind kind, str attribute)
{
    struct html_condition *condition = new_condition(p, compound, kind);

    condition->name = attribute;
    condition->key = html_name_key(attribute);
    condition->value = take_name(p, "a name is expected");
}

/* ---- pseudo-classes ---- */

static int32_t take_digits(struct parser *p)
{
    int32_t value = 0;

    if (!(peek(p, 0) >= '0' && peek(p, 0) <= '9'))
        fail(p, "a number is expected");
    for (; peek(p, 0) >= '0' && peek(p, 0) <= '9'; p->at++)
        if (value < NTH_MAX)
            value = value * 10 + (peek(p, 0) - '0');
    return value;
}

/* The `+ 3` of `2n + 3`. */
static int32_t take_offset(struct parser *p)
{
    skip_space(p);
    if (peek(p, 0) != '+' && peek(p, 0) != '-')
        return 0;
    int32_t sign = p->text.ptr[p->at++] == '-' ? -1 : 1;
    skip_space(p);
    return sign * take_digits(p);
}

static bool accept_word(struct parser *p, str word)
{
    if (!str_equal_nocase(str_head(str_skip(p->text, p->at), word.len), word))
        return false;
    p->at += word.len;
    return true;
}

/* An+B (CSS Syntax 6). */
static void parse_nth(struct parser *p, struct html_condition *condition)
{
    int32_t sign = 1;

    skip_space(p);
    if (accept_word(p, STR("odd"))) {
        condition->a = 2;
        condition->b = 1;
    } else if (accept_word(p, STR("even"))) {
        condition->a = 2;
    } else {
        if (!accept(p, '+') && accept(p, '-'))
            sign = -1;
        int32_t number = (peek(p, 0) | 0x20) == 'n' ? 1 : take_digits(p);
        bool has_n = accept(p, 'n') || accept(p, 'N');
        condition->a = has_n ? sign * number : 0;
        condition->b = has_n ? take_offset(p) : sign * number;
    }
    skip_space(p);
    expect(p, ')', "An+B and ) are expected");
}

static void parse_not(struct parser *p, int compound)
{
    int index = p->set->condition_count;

    new_condition(p, compound, HTML_CONDITION_NOT);
    if (++p->depth > HTML_NOT_DEPTH_MAX)
        fail(p, ":not() is nested too deeply");
    do {
        skip_space(p);
        int nested = parse_compound(p);
        if (p->has_failed)
            return;
        p->set->compounds[nested].next_of_not = p->set->conditions[index].first;
        p->set->conditions[index].first = nested;
        skip_space(p);
    } while (accept(p, ','));
    p->depth--;
    expect(p, ')', "only simple selectors are supported in :not(), and ) is expected");
}

static void parse_pseudo(struct parser *p, int compound)
{
    size_t from = p->at - 1;

    if (accept_word(p, STR("nth-child("))) {
        parse_nth(p, new_condition(p, compound, HTML_CONDITION_NTH_CHILD));
    } else if (accept_word(p, STR("nth-of-type("))) {
        p->set->counts_types = true;
        parse_nth(p, new_condition(p, compound, HTML_CONDITION_NTH_TYPE));
    } else if (accept_word(p, STR("not("))) {
        parse_not(p, compound);
    } else if (accept_word(p, STR("first-child"))) {
        new_condition(p, compound, HTML_CONDITION_NTH_CHILD)->b = 1;
    } else if (accept_word(p, STR("first-of-type"))) {
        p->set->counts_types = true;
        new_condition(p, compound, HTML_CONDITION_NTH_TYPE)->b = 1;
    } else {
        fail_at(p, from,
                "this pseudo-class is not supported; there are :not(), :nth-child(), "
                ":first-child, :nth-of-type() and :first-of-type");
    }
    if (is_name_char(peek(p, 0)) || peek(p, 0) == '(')
        fail_at(p, from, "this pseudo-class is not known");
}

/* ---- selectors ---- */

static void parse_type(struct parser *p, struct html_compound *compound)
{
    if (accept(p, '*'))
        return;
    compound->type = take_name(p, "a selector is expected");
    compound->key = html_name_key(compound->type);
}

/* Returns its number. */
static int parse_compound(struct parser *p)
{
    int index = new_compound(p);
    char c = peek(p, 0);

    if (p->has_failed)
        return 0;
    if (c != '#' && c != '.' && c != '[' && c != ':')
        parse_type(p, &p->set->compounds[index]);
    while (!at_end(p)) {
        if (accept(p, '#'))
            add_named(p, index, HTML_CONDITION_EQUALS, STR("id"));
        else if (accept(p, '.'))
            add_named(p, index, HTML_CONDITION_WORD, STR("class"));
        else if (accept(p, '['))
            parse_attribute(p, index);
        else if (accept(p, ':'))
            parse_pseudo(p, index);
        else
            break;
    }
    if (peek(p, 0) == '|')
        fail(p, "namespaces are not supported");
    return index;
}

/* One selector of a list. */
static void parse_complex(struct parser *p, int rule)
{
    int index = parse_compound(p);

    if (p->has_failed)
        return;
    p->set->compounds[index].is_first = true;
    for (;;) {
        bool has_space = skip_space(p);
        if (at_end(p) || peek(p, 0) == ',')
            break;
        if (peek(p, 0) == '+' || peek(p, 0) == '~')
            fail(p, "combinators for siblings are not supported");
        bool is_child = accept(p, '>');
        if (!is_child && !has_space)
            fail(p, "this character does not belong here");
        skip_space(p);
        int next = parse_compound(p);
        if (p->has_failed)
            return;
        p->set->compounds[index].next = next;
        p->set->compounds[index].next_is_child = is_child;
        index = next;
    }
    p->set->compounds[index].rule = rule;
}

struct html_selectors *html_selector_set_new(void)
{
    struct html_selectors *set = mem_new(struct html_selectors);

    set->refs = 1;
    return set;
}

struct html_selectors *html_selector_set_ref(struct html_selectors *set)
{
    set->refs++;
    return set;
}

void html_selector_set_unref(struct html_selectors *set)
{
    if (!set || --set->refs)
        return;
    for (int i = 0; i < set->rule_count; i++)
        free(set->texts[i]);
    free(set->texts);
    free(set->wants);
    free(set->compounds);
    free(set->conditions);
    free(set);
}

int html_selector_set_add(struct html_selectors *set, str selector, unsigned char wants,
                          struct err *err)
{
    struct parser p = {.set = set, .text = selector, .err = err};
    int rule = set->rule_count;

    if (rule == HTML_SELECTORS_MAX)
        return err_set(err, ERR_LIMIT, "More than %d selectors: use fewer.", HTML_SELECTORS_MAX);
    if (selector.len > HTML_SELECTOR_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The selector has %zu bytes, more than %d.", selector.len,
                       HTML_SELECTOR_BYTES_MAX);
    set->texts = mem_resize(set->texts, (size_t)(rule + 1) * sizeof *set->texts);
    set->texts[rule] = p.out = mem_alloc(ESCAPE_GROWTH * selector.len + 1);
    set->wants = mem_resize(set->wants, (size_t)(rule + 1) * sizeof *set->wants);
    set->wants[rule] = wants;
    set->rule_count++;
    do {
        skip_space(&p);
        parse_complex(&p, rule);
    } while (accept(&p, ','));
    if (!at_end(&p))
        fail(&p, "this character does not belong here");
    return p.has_failed ? err->code : rule;
}
