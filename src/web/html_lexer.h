/* The tokenizer of HTML as a rewriter needs it: where each token lies in the bytes, nothing copied.
 *
 * Follows WHATWG HTML 13.2.5 for where tokens begin and end. Entities are left as they are, and so
 * is every byte that a tokenizer would replace. Input comes in chunks cut anywhere: the caller
 * keeps the bytes from html_lexer.start on and hands them in again with what follows; nothing is
 * scanned twice but a few bytes.
 *
 * Owns: its list of attributes. Thread: any one.
 * Limits: HTML_TOKEN_BYTES_MAX of a tag, comment or doctype, HTML_ATTRS_MAX attributes. */
#ifndef ATOLL_WEB_HTML_LEXER_H
#define ATOLL_WEB_HTML_LEXER_H

#include "base/err.h"

enum { HTML_TOKEN_BYTES_MAX = 1 << 20, HTML_ATTRS_MAX = 4096 };

enum html_token_kind {
    HTML_TOKEN_MORE,       /* the input is used up */
    HTML_TOKEN_TEXT,       /* a piece of text; more of the same text may follow */
    HTML_TOKEN_START_TAG,
    HTML_TOKEN_END_TAG,
    HTML_TOKEN_COMMENT,
    HTML_TOKEN_DOCTYPE,
    HTML_TOKEN_MARKUP,     /* none of these: `</>`, the brackets of CDATA, a tag cut by the end */
    HTML_TOKEN_END,        /* the end of the last input */
};

/* What the text after a start tag is. The lexer goes back to HTML_TEXT_DATA at its end tag. */
enum html_text_mode {
    HTML_TEXT_DATA,
    HTML_TEXT_RAW,         /* up to the end tag of raw_name */
    HTML_TEXT_SCRIPT,      /* up to </script>, with escapes */
    HTML_TEXT_PLAINTEXT,   /* up to the end */
    HTML_TEXT_CDATA,       /* up to ]]> */
};

/* Offsets count from the token's first byte. */
struct html_attr {
    uint32_t name, name_len;
    uint32_t value, value_len;
    uint32_t end;              /* after the closing quote */
};

struct html_token {
    enum html_token_kind kind;
    size_t start, end;         /* in the input */
    uint32_t text, text_len;   /* from start: a tag's name, a comment's text */
    bool self_closing;
    uint32_t attr_count;
};

struct html_lexer {
    const char *in;            /* borrowed: html_lexer_input() */
    size_t len;
    size_t at;                 /* scanned up to here */
    size_t start;              /* first byte that is part of no token yet */
    bool is_last;
    int state;
    enum html_text_mode mode;
    int escape;                /* in script data: how escaped */
    char raw_name[16];         /* HTML_TEXT_RAW: in lower case */
    bool allows_cdata;         /* set by the caller: foreign content is open */
    bool keeps_characters;     /* set by the caller: text is UTF-8, cut between characters only */
    struct html_token token;
    struct html_attr *attrs;   /* of the token */
    size_t attr_cap;
};

void html_lexer_init(struct html_lexer *lx);
void html_lexer_done(struct html_lexer *lx);

/* Gives the next input: what was left from `start` on of the last one, which has moved to its
 * front, and what follows it. Borrowed until the next call. */
void html_lexer_input(struct html_lexer *lx, str in, bool is_last);

/* Reads the next token into lx->token. Returns its kind, or ERR_LIMIT. */
NODISCARD int html_lexer_next(struct html_lexer *lx);

/* What the text after the start tag that was read last is. */
void html_lexer_set_mode(struct html_lexer *lx, enum html_text_mode mode, str name);

/* A part of the token, borrowed from the input. */
static inline str html_lexer_part(const struct html_lexer *lx, uint32_t from, uint32_t len)
{
    return (str){lx->in + lx->token.start + from, len};
}

static inline str html_lexer_text(const struct html_lexer *lx)
{
    return html_lexer_part(lx, lx->token.text, lx->token.text_len);
}

#endif
