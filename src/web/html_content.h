/* Bytes that go into a document, with places where streams go.
 *
 * A stream's bytes are not here: a mark says where they belong, and whoever sends the content on
 * puts them there.
 * Owns: its bytes and marks. Thread: the loop's. Limits: HTML_CONTENT_BYTES_MAX, HTML_MARKS_MAX. */
#ifndef ATOLL_WEB_HTML_CONTENT_H
#define ATOLL_WEB_HTML_CONTENT_H

#include "base/buf.h"

enum { HTML_CONTENT_BYTES_MAX = 64 << 20, HTML_MARKS_MAX = 4096 };

enum html_content_flag {
    HTML_CONTENT_MARKUP = 1, /* it is HTML; else < > & are escaped */
    HTML_CONTENT_FRONT  = 2, /* before what is there, else behind it */
    HTML_CONTENT_ASCII  = 4, /* the document is not UTF-8: other characters become references */
    HTML_CONTENT_VALUE  = 8, /* for an attribute in double quotes: only these are escaped */
};

struct html_mark {
    size_t at;      /* how many bytes come before it */
    int32_t stream;
};

struct html_content {
    struct buf bytes;
    struct html_mark *marks;  /* in order */
    uint32_t mark_count, mark_cap;
};

void html_content_init(struct html_content *content);
void html_content_done(struct html_content *content);

static inline bool html_content_is_empty(const struct html_content *content)
{
    return !content->bytes.len && !content->mark_count;
}

/* Empties it and keeps its memory, unless that is a lot. */
void html_content_clear(struct html_content *content);

/* Adds text, by enum html_content_flag. Returns 0 or ERR_LIMIT. */
NODISCARD int html_content_add(struct html_content *content, str utf8, unsigned flags);

/* Adds a mark; of the flags, only HTML_CONTENT_FRONT counts. Returns 0 or ERR_LIMIT. */
NODISCARD int html_content_add_stream(struct html_content *content, int32_t stream,
                                      unsigned flags);

/* Moves all of `from`, which is empty then, to the end of `to`. Returns 0 or ERR_LIMIT. */
NODISCARD int html_content_move(struct html_content *from, struct html_content *to);

#endif
