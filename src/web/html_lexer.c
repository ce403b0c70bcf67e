/* The tokenizer of HTML; see html_lexer.h.
 *
 * (1) [start, at) has been scanned and belongs to the token that is being read; when the input is
 *     used up, `state` says where in that token, and scanning goes on from there.
 * (2) Text is cut where the input ends, markup never. What might begin markup, or be the end of an
 *     escape in a script, is not given out as text before it is decided.
 * (3) The states of the standard that only tell one parse error from another are one state here. */
#include "web/html_lexer.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "web/html_name.h"

enum state {
    STATE_TEXT,
    STATE_MARKUP,      /* markup begins at `start` */
    STATE_TAG_NAME,
    STATE_BEFORE_ATTR,
    STATE_SELF_CLOSING,
    STATE_ATTR_NAME,
    STATE_AFTER_NAME,
    STATE_BEFORE_VALUE,
    STATE_DOUBLE_QUOTED,
    STATE_SINGLE_QUOTED,
    STATE_UNQUOTED,
    STATE_DECLARATION, /* after `<!` */
    STATE_COMMENT,
    STATE_BOGUS,       /* what is taken for a comment up to the next `>` */
    STATE_DOCTYPE,
};

enum escape { ESCAPE_NONE, ESCAPE_ONCE, ESCAPE_TWICE };

enum verdict { NO, YES, UNDECIDED };

enum { NAME_END = 1, ATTR_END = 2, VALUE_END = 4, ATTRS_FIRST = 16, NOT_TEXT = -100 };

static const unsigned char class_of[256] = {
    ['\t'] = 7, ['\n'] = 7, ['\f'] = 7, ['\r'] = 7, [' '] = 7,
    ['/'] = NAME_END | ATTR_END, ['>'] = 7, ['='] = ATTR_END,
};

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

void html_lexer_init(struct html_lexer *lx)
{
    *lx = (struct html_lexer){.attr_cap = ATTRS_FIRST};
    lx->attrs = mem_alloc(ATTRS_FIRST * sizeof *lx->attrs);
}

void html_lexer_done(struct html_lexer *lx)
{
    free(lx->attrs);
    lx->attrs = NULL;
}

void html_lexer_input(struct html_lexer *lx, str in, bool is_last)
{
    lx->in = in.len ? in.ptr : "";
    lx->len = in.len;
    lx->is_last = is_last;
    lx->at -= lx->start;
    lx->start = 0;
    ASSERT(lx->at <= lx->len);
}

void html_lexer_set_mode(struct html_lexer *lx, enum html_text_mode mode, str name)
{
    lx->mode = mode;
    lx->escape = ESCAPE_NONE;
    if (mode != HTML_TEXT_RAW)
        return;
    ASSERT(name.len < sizeof lx->raw_name);
    for (size_t i = 0; i < name.len; i++)
        lx->raw_name[i] = (char)(name.ptr[i] | 0x20);
    lx->raw_name[name.len] = '\0';
}

static int take(struct html_lexer *lx, enum html_token_kind kind, size_t end)
{
    lx->token.kind = kind;
    lx->token.start = lx->start;
    lx->token.end = end;
    lx->start = lx->at = end;
    lx->state = STATE_TEXT;
    return kind;
}

static size_t find(const struct html_lexer *lx, size_t from, char c)
{
    return from + str_find((str){lx->in + from, lx->len - from}, c);
}

/* ---- text ---- */

/* Does `word` (lower case), whole, stand at p? */
static enum verdict is_word(const struct html_lexer *lx, size_t p, const char *word)
{
    for (; *word; word++, p++) {
        if (p == lx->len)
            return UNDECIDED;
        char c = lx->in[p];
        if ((is_letter(c) ? c | 0x20 : c) != *word)
            return NO;
    }
    return YES;
}

/* The same with what ends a tag's name behind it. */
static enum verdict is_tag(const struct html_lexer *lx, size_t p, const char *prefix,
                           const char *name)
{
    enum verdict is = is_word(lx, p, prefix);

    if (is == YES)
        is = is_word(lx, p + strlen(prefix), name);
    if (is != YES)
        return is;
    p += strlen(prefix) + strlen(name);
    if (p == lx->len)
        return UNDECIDED;
    return class_of[(unsigned char)lx->in[p]] & NAME_END ? YES : NO;
}

static enum verdict is_markup(const struct html_lexer *lx, size_t p)
{
    if (p + 1 == lx->len)
        return UNDECIDED;
    char c = lx->in[p + 1];
    if (is_letter(c) || c == '!' || c == '?')
        return YES;
    if (c != '/')
        return NO;
    return p + 2 == lx->len ? UNDECIDED : YES;
}

/* A `<` in script data (13.2.5.4, 15 to 31). Where the escape changes, *p moves on. */
static enum verdict is_script_end(struct html_lexer *lx, size_t *p)
{
    enum verdict is = is_tag(lx, *p, "</", "script");

    if (lx->escape == ESCAPE_TWICE) {
        if (is == YES) {
            lx->escape = ESCAPE_ONCE;
            *p += sizeof "</script" - 2;
        }
        return is == YES ? NO : is;
    }
    if (is != NO)
        return is;
    if (lx->escape == ESCAPE_NONE) {
        if ((is = is_word(lx, *p, "<!--")) == YES) {
            lx->escape = ESCAPE_ONCE;
            *p += sizeof "<!--" - 2;
        }
    } else if ((is = is_tag(lx, *p, "<", "script")) == YES) {
        lx->escape = ESCAPE_TWICE;
        *p += sizeof "<script" - 2;
    }
    return is == YES ? NO : is;
}

/* The next `<` from p on; an escape that ends before it ends. */
static size_t find_script_open(struct html_lexer *lx, size_t p)
{
    while (lx->escape != ESCAPE_NONE && p < lx->len && lx->in[p] != '<') {
        if (lx->in[p] == '>' && p >= lx->start + 2 && lx->in[p - 1] == '-' && lx->in[p - 2] == '-')
            lx->escape = ESCAPE_NONE;
        p++;
    }
    return p < lx->len && lx->in[p] == '<' ? p : find(lx, p, '<');
}

static size_t script_text_end(struct html_lexer *lx, enum verdict *ret_is_end)
{
    for (size_t p = lx->at;; p++) {
        p = find_script_open(lx, p);
        if (p == lx->len)
            break;
        *ret_is_end = is_script_end(lx, &p);
        if (*ret_is_end != NO)
            return p;
    }
    *ret_is_end = UNDECIDED;
    size_t end = lx->len;
    for (int i = 0; lx->escape != ESCAPE_NONE && i < 2 && end > lx->start; i++)
        end -= lx->in[end - 1] == '-';
    return end;
}

static size_t cdata_end(const struct html_lexer *lx, enum verdict *ret_is_end)
{
    for (size_t p = lx->at;; p++) {
        p = find(lx, p, ']');
        *ret_is_end = p == lx->len ? UNDECIDED : is_word(lx, p, "]]>");
        if (*ret_is_end != NO)
            return p;
    }
}

/* Where the text that begins at `start` ends: *ret_is_end is YES when markup follows, and UNDECIDED
 * when more input is needed to know what follows. */
static size_t text_end(struct html_lexer *lx, enum verdict *ret_is_end)
{
    *ret_is_end = UNDECIDED;
    if (lx->mode == HTML_TEXT_PLAINTEXT)
        return lx->len;
    if (lx->mode == HTML_TEXT_SCRIPT)
        return script_text_end(lx, ret_is_end);
    if (lx->mode == HTML_TEXT_CDATA)
        return cdata_end(lx, ret_is_end);
    for (size_t p = lx->at;; p++) {
        p = find(lx, p, '<');
        if (p == lx->len)
            return p;
        *ret_is_end = lx->mode == HTML_TEXT_RAW ? is_tag(lx, p, "</", lx->raw_name)
                                                : is_markup(lx, p);
        if (*ret_is_end != NO)
            return p;
        *ret_is_end = UNDECIDED;
    }
}

/* A piece of text, MORE, END, or NOT_TEXT. STATE_MARKUP says what comes then, also behind text. */
static int lex_text(struct html_lexer *lx)
{
    enum verdict is_end;
    size_t end = text_end(lx, &is_end);

    if (is_end != YES && lx->is_last)
        end = lx->len;
    else if (is_end != YES && lx->keeps_characters)
        end -= utf8_open_tail((str){lx->in + lx->start, end - lx->start});
    if (end > lx->start) {
        take(lx, HTML_TOKEN_TEXT, end);
        lx->state = is_end == YES ? STATE_MARKUP : STATE_TEXT;
        return HTML_TOKEN_TEXT;
    }
    lx->at = end;
    if (is_end == YES) {
        lx->state = STATE_MARKUP;
        return NOT_TEXT;
    }
    return lx->is_last ? take(lx, HTML_TOKEN_END, end) : HTML_TOKEN_MORE;
}

/* ---- tags ---- */

/* NULL when there are too many. */
static struct html_attr *attr_begin(struct html_lexer *lx, const char *name)
{
    struct html_attr *attr;

    if (lx->token.attr_count == HTML_ATTRS_MAX)
        return NULL;
    if (lx->token.attr_count == lx->attr_cap) {
        lx->attr_cap *= 2;
        lx->attrs = mem_resize(lx->attrs, lx->attr_cap * sizeof *lx->attrs);
    }
    attr = &lx->attrs[lx->token.attr_count++];
    attr->name = (uint32_t)(name - lx->in - lx->start);
    attr->value_len = 0;
    return attr;
}

static const char *skip_to(const char *p, const char *end, unsigned char class)
{
    while (p < end && !(class_of[(unsigned char)*p] & class))
        p++;
    return p;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && html_name_is_space(*p))
        p++;
    return p;
}

static const char *value_end(const char *p, const char *end, enum state state)
{
    const char *quote;

    if (state == STATE_UNQUOTED)
        return skip_to(p, end, VALUE_END);
    quote = memchr(p, state == STATE_DOUBLE_QUOTED ? '"' : '\'', (size_t)(end - p));
    return quote ? quote : end;
}

/* From the tag's name, or from where the input was used up, to the closing `>`. Each state begins
 * with p somewhere and goes on to the next one; where p is `end`, the input is used up in it.
 * Returns p, or NULL when there are too many attributes. */
static const char *scan_tag(struct html_lexer *lx, const char *p, const char *end)
{
    const char *start = lx->in + lx->start;
    struct html_attr *attr = lx->attrs + lx->token.attr_count - !!lx->token.attr_count;

    switch (lx->state) {
    case STATE_TAG_NAME:
        p = skip_to(p, end, NAME_END);
        lx->token.text_len = (uint32_t)(p - start) - lx->token.text;
        if (p == end)
            return end;
    before_attr:
        lx->state = STATE_BEFORE_ATTR; /* fall through */
    case STATE_BEFORE_ATTR:
        p = skip_space(p, end);
        if (p == end || *p == '>')
            return p;
        if (*p == '/') {
            lx->state = STATE_SELF_CLOSING;
            p++;
            goto self_closing;
        }
        if (!(attr = attr_begin(lx, p++)))
            return NULL;
        lx->state = STATE_ATTR_NAME; /* fall through */
    case STATE_ATTR_NAME:
        p = skip_to(p, end, ATTR_END);
        attr->value = attr->end = (uint32_t)(p - start);
        attr->name_len = attr->end - attr->name;
        if (p == end)
            return end;
        lx->state = STATE_AFTER_NAME; /* fall through */
    case STATE_AFTER_NAME:
        p = skip_space(p, end);
        if (p == end)
            return end;
        if (*p != '=')
            goto before_attr;
        p++;
        lx->state = STATE_BEFORE_VALUE; /* fall through */
    case STATE_BEFORE_VALUE:
        p = skip_space(p, end);
        if (p == end)
            return end;
        if (*p == '>') {
            attr->end = (uint32_t)(p - start);
            goto before_attr;
        }
        lx->state = *p == '"'    ? STATE_DOUBLE_QUOTED
                    : *p == '\'' ? STATE_SINGLE_QUOTED
                                 : STATE_UNQUOTED;
        p += lx->state != STATE_UNQUOTED;
        attr->value = (uint32_t)(p - start);
        /* fall through */
    default:
        p = value_end(p, end, (enum state)lx->state);
        if (p == end)
            return end;
        attr->value_len = (uint32_t)(p - start) - attr->value;
        p += lx->state != STATE_UNQUOTED;
        attr->end = (uint32_t)(p - start);
        goto before_attr;
    self_closing:
    case STATE_SELF_CLOSING:
        if (p == end || *p == '>')
            return p;
        goto before_attr;
    }
}

static int lex_tag(struct html_lexer *lx)
{
    const char *end = lx->in + lx->len, *p = scan_tag(lx, lx->in + lx->at, end);

    if (!p)
        return ERR_LIMIT;
    lx->at = (size_t)(p - lx->in);
    if (p < end) {
        lx->token.self_closing = lx->state == STATE_SELF_CLOSING;
        return take(lx, lx->token.kind, lx->at + 1);
    }
    return lx->is_last ? take(lx, HTML_TOKEN_MARKUP, lx->len) : HTML_TOKEN_MORE;
}

/* ---- comments, doctypes ---- */

static int take_text(struct html_lexer *lx, enum html_token_kind kind, size_t to, size_t end)
{
    lx->token.text_len = (uint32_t)(to - lx->start) - lx->token.text;
    return take(lx, kind, end);
}

/* How many bytes before the `>` at `end`, or before the end of all input, close the comment. -1:
 * they do not. */
static int comment_closing(str text, bool is_cut)
{
    if (!is_cut && (!text.len || str_equal(text, STR("-"))))
        return (int)text.len;
    if (str_ends(text, STR("--!")))
        return 3;
    if (str_ends(text, STR("--")))
        return 2;
    if (!is_cut)
        return -1;
    return str_ends(text, STR("-"));
}

static int lex_comment(struct html_lexer *lx)
{
    size_t first = lx->start + lx->token.text;

    for (;; lx->at++) {
        lx->at = find(lx, lx->at, '>');
        bool is_cut = lx->at == lx->len;
        if (is_cut && !lx->is_last)
            return HTML_TOKEN_MORE;
        int closing = comment_closing((str){lx->in + first, lx->at - first}, is_cut);
        if (closing >= 0)
            return take_text(lx, HTML_TOKEN_COMMENT, lx->at - (size_t)closing, lx->at + !is_cut);
    }
}

static int lex_to_greater(struct html_lexer *lx, enum html_token_kind kind)
{
    lx->at = find(lx, lx->at, '>');
    if (lx->at == lx->len && !lx->is_last)
        return HTML_TOKEN_MORE;
    return take_text(lx, kind, lx->at, lx->at + (lx->at < lx->len));
}

static void begin_text(struct html_lexer *lx, enum state state, uint32_t skip)
{
    lx->state = (int)state;
    lx->token.text = skip;
    lx->at = lx->start + skip;
}

/* After `<!`. */
static int lex_declaration(struct html_lexer *lx)
{
    size_t p = lx->start + 2;
    enum verdict is_comment = is_word(lx, p, "--"), is_doctype = is_word(lx, p, "doctype");
    enum verdict is_cdata = NO;

    if (lx->allows_cdata && str_starts((str){lx->in + p, lx->len - p}, STR("[CDATA[")))
        is_cdata = YES;
    else if (lx->allows_cdata && str_starts(STR("[CDATA["), (str){lx->in + p, lx->len - p}))
        is_cdata = UNDECIDED;
    if (is_comment == YES)
        begin_text(lx, STATE_COMMENT, sizeof "<!--" - 1);
    else if (is_doctype == YES)
        begin_text(lx, STATE_DOCTYPE, sizeof "<!doctype" - 1);
    else if (is_cdata == YES) {
        lx->mode = HTML_TEXT_CDATA;
        return take(lx, HTML_TOKEN_MARKUP, p + sizeof "[CDATA[" - 1);
    } else if (!lx->is_last &&
               (is_comment == UNDECIDED || is_doctype == UNDECIDED || is_cdata == UNDECIDED))
        return HTML_TOKEN_MORE;
    else
        begin_text(lx, STATE_BOGUS, 2);
    return NOT_TEXT;
}

/* ---- all of it ---- */

/* Markup begins at `start`. */
static int open_markup(struct html_lexer *lx)
{
    char c = lx->in[lx->start + 1], second = lx->start + 2 < lx->len ? lx->in[lx->start + 2] : '\0';

    lx->token.attr_count = 0;
    lx->token.self_closing = false;
    if (lx->mode == HTML_TEXT_CDATA) {
        lx->mode = HTML_TEXT_DATA;
        return take(lx, HTML_TOKEN_MARKUP, lx->start + sizeof "]]>" - 1);
    }
    lx->mode = HTML_TEXT_DATA;
    if (is_letter(c) || (c == '/' && is_letter(second))) {
        lx->token.kind = c == '/' ? HTML_TOKEN_END_TAG : HTML_TOKEN_START_TAG;
        begin_text(lx, STATE_TAG_NAME, c == '/' ? 2 : 1);
    } else if (c == '/' && second == '>') {
        return take(lx, HTML_TOKEN_MARKUP, lx->start + 3);
    } else if (c == '!') {
        begin_text(lx, STATE_DECLARATION, 2);
    } else {
        begin_text(lx, STATE_BOGUS, c == '?' ? 1 : 2);
    }
    return NOT_TEXT;
}

static int lex_markup(struct html_lexer *lx)
{
    int kind;

    if (lx->state == STATE_DECLARATION && (kind = lex_declaration(lx)) != NOT_TEXT)
        return kind;
    switch (lx->state) {
    case STATE_COMMENT:
        return lex_comment(lx);
    case STATE_BOGUS:
        return lex_to_greater(lx, HTML_TOKEN_COMMENT);
    case STATE_DOCTYPE:
        return lex_to_greater(lx, HTML_TOKEN_DOCTYPE);
    default:
        return lex_tag(lx);
    }
}

int html_lexer_next(struct html_lexer *lx)
{
    int kind = NOT_TEXT;

    if (lx->state == STATE_TEXT)
        kind = lex_text(lx);
    if (lx->state == STATE_MARKUP && kind == NOT_TEXT)
        kind = open_markup(lx);
    if (kind == NOT_TEXT)
        kind = lex_markup(lx);
    if (kind == HTML_TOKEN_MORE && lx->state != STATE_TEXT &&
        lx->len - lx->start > HTML_TOKEN_BYTES_MAX)
        return ERR_LIMIT;
    return kind;
}
