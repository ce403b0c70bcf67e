/* A document that is rewritten while it streams by: bytes in, bytes out, and an event for each
 * element, text, comment, ... that somebody wants to see or change.
 *
 * Feed a chunk, call html_rewrite_next() until it asks for more, take the output. At an event, the
 * functions below look at its token and change it; the next html_rewrite_next() writes it. What
 * nobody changes comes out byte for byte. Handlers of elements whose content is removed are still
 * called for what is in there; nothing of it comes out.
 *
 * Owns: the bytes of the pending token, the output. Thread: the loop's.
 * Limits: HTML_REWRITE_CHUNK_BYTES_MAX a chunk, HTML_REWRITE_FULL_BYTES of output and
 * HTML_REWRITE_WORK_MAX of matching (html_element.work) before the caller is asked back, and those
 * of the files under it. */
#ifndef ATOLL_WEB_HTML_REWRITE_H
#define ATOLL_WEB_HTML_REWRITE_H

#include "web/html_edit.h"
#include "web/html_open.h"

enum {
    HTML_REWRITE_CHUNK_BYTES_MAX = 64 << 10,
    HTML_REWRITE_FULL_BYTES = 256 << 10,
    HTML_REWRITE_WORK_MAX = 1 << 25,
    HTML_REWRITE_DOCUMENTS_MAX = 1024,
};

/* What a rule's handlers are for: html_selectors.wants, and `documents` below. */
enum html_want {
    HTML_WANT_ELEMENT = 1,
    HTML_WANT_COMMENTS = 2,
    HTML_WANT_TEXT = 4,
    HTML_WANT_DOCTYPE = 8,
    HTML_WANT_END = 16,
};

enum html_event {
    HTML_EVENT_MORE,      /* feed the next chunk */
    HTML_EVENT_FULL,      /* take the output, if there is any: enough was done at a stretch */
    HTML_EVENT_DONE,      /* all is out */
    HTML_EVENT_ELEMENT,
    HTML_EVENT_END_TAG,   /* of an element that html_rewrite_listen() was called for */
    HTML_EVENT_TEXT,
    HTML_EVENT_COMMENT,
    HTML_EVENT_DOCTYPE,
    HTML_EVENT_END,       /* of the document */
};

enum html_place {
    HTML_PLACE_BEFORE,
    HTML_PLACE_AFTER,
    HTML_PLACE_PREPEND,   /* these three are for elements */
    HTML_PLACE_APPEND,
    HTML_PLACE_INNER,     /* instead of the content */
    HTML_PLACE_REPLACE,
};

struct html_rewrite {
    struct html_lexer lexer;
    struct html_open open;
    struct buf in;
    struct html_content out;
    size_t emitted;              /* bytes of `in` that are out, or dropped */
    size_t kept_bytes;           /* for the ends of open elements */
    uint32_t removing;           /* open elements whose content is removed */
    bool is_ascii;               /* not UTF-8 */
    bool is_last;
    bool has_ended;              /* HTML_EVENT_END is over */
    unsigned char *documents;    /* enum html_want of the handlers for the document */
    int document_count;
    uint32_t *active;            /* per rule, how many open elements match it */
    uint32_t text_count;         /* rules and documents that want text now */
    uint32_t comment_count;
    enum html_event unit;        /* the event that is being handled; HTML_EVENT_MORE: none */
    bool is_text_open;           /* the end of this text is still to be told */
    bool is_text_end;            /* the unit is that end */
    bool is_held;                /* the lexer's token has not been looked at */
    struct html_element element; /* the unit's */
    enum html_namespace namespace;
    unsigned flags;
    bool has_content;
    struct html_edit edit;
    int *handlers;               /* who is called: rules, and ~index of documents before them */
    uint32_t handler_count;
    uint32_t end_depth;          /* of the element whose end tag the unit is */
    const char *why;             /* after ERR_LIMIT: which limit, for a person */
};

/* `selectors` is shared, `documents` copied. is_utf8: else another encoding that has ASCII. */
void html_rewrite_init(struct html_rewrite *rw, struct html_selectors *selectors,
                       const unsigned char *documents, int document_count, bool is_utf8);
void html_rewrite_done(struct html_rewrite *rw);

/* May the next chunk come? It may at the start and after HTML_EVENT_MORE, but for the last one. */
bool html_rewrite_is_hungry(const struct html_rewrite *rw);

/* The next chunk, when it may come; is_last: there is none after it. Returns 0 or ERR_LIMIT. */
NODISCARD int html_rewrite_feed(struct html_rewrite *rw, str chunk, bool is_last);

/* Goes on to the next event. Returns enum html_event or ERR_LIMIT. Who is to be called for it is in
 * rw->handlers. */
NODISCARD int html_rewrite_next(struct html_rewrite *rw);

/* Brings out what comes before the unit: when its handlers take time. Returns 0 or ERR_LIMIT. */
NODISCARD int html_rewrite_flush(struct html_rewrite *rw);

/* Bytes of memory that it takes now, but for small things. */
size_t html_rewrite_bytes(const struct html_rewrite *rw);

/* ---- the unit ---- */

/* The name of a tag, the text of a text or comment; borrowed until the next change. */
str html_rewrite_text(const struct html_rewrite *rw);

/* A new name of a tag, a new text of a comment. Return 0 or ERR_LIMIT. */
NODISCARD int html_rewrite_set_text(struct html_rewrite *rw, str text);

bool html_rewrite_is_removed(const struct html_rewrite *rw);

/* Removes the unit; of an element also the content, unless it is to stay. */
void html_rewrite_remove(struct html_rewrite *rw, bool keeps_content);

/* Inserts text (is_markup: HTML), or what a stream will give. Return 0 or ERR_LIMIT. */
NODISCARD int html_rewrite_insert(struct html_rewrite *rw, enum html_place place, str utf8,
                                  bool is_markup);
NODISCARD int html_rewrite_insert_stream(struct html_rewrite *rw, enum html_place place,
                                         int32_t stream);

/* Asks for HTML_EVENT_END_TAG when the element is closed by its own end tag. Returns the number
 * that end_depth will have, or 0 when such an element has no end tag. */
uint32_t html_rewrite_listen(struct html_rewrite *rw);

#endif
