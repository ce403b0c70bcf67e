/* What handlers change about one token: content around it, a tag's name and attributes.
 *
 * Owns: everything in it. Thread: the loop's.
 * Limits: those of html_content.h; a tag of HTML_EDIT_TAG_BYTES_MAX. */
#ifndef ATOLL_WEB_HTML_EDIT_H
#define ATOLL_WEB_HTML_EDIT_H

#include "web/html_content.h"
#include "web/html_lexer.h"

enum { HTML_EDIT_TAG_BYTES_MAX = 4 << 20 };

/* What is to be done at an element's end tag. */
struct html_edit_end {
    struct html_content before, after;
    struct buf name;        /* empty: as it is */
    bool is_removed;
    bool removes_content;   /* of the element */
    bool has_handlers;
};

struct html_edit_attr {
    int32_t source;                  /* the attribute of the token, or -1 */
    bool is_changed;                 /* name (where source is -1) and value are in `texts` */
    uint32_t name, name_len;
    uint32_t value, value_len;
};

struct html_edit {
    struct html_content before, after, replacement;
    bool is_removed;
    struct buf name;                 /* of a tag, empty: as it is; or the text of a comment */
    bool has_name;
    bool has_attrs;                  /* attrs is what the tag has now, else what the token has */
    struct html_edit_attr *attrs;
    uint32_t attr_count, attr_cap;
    struct buf texts;
    struct html_edit_end *end;       /* NULL while there is nothing */
};

void html_edit_init(struct html_edit *edit);
void html_edit_done(struct html_edit *edit);

/* Makes it ready for the next token. */
void html_edit_clear(struct html_edit *edit);

/* edit->end, made when there is none. */
struct html_edit_end *html_edit_end_of(struct html_edit *edit);
void html_edit_end_free(struct html_edit_end *end);

/* The next attribute of the tag as it is now, from *cursor = 0 on; those that an earlier one of the
 * same name hides are left out. Returns false at the end. Borrowed until the next change. */
bool html_edit_attr_next(const struct html_edit *edit, const struct html_lexer *lx,
                         uint32_t *cursor, str *ret_name, str *ret_value);

/* The value of an attribute; false when the tag has none of that name. */
bool html_edit_attr(const struct html_edit *edit, const struct html_lexer *lx, str name,
                    str *ret_value);

/* Return 0 or ERR_LIMIT. A new attribute becomes the last one; all of that name are removed. */
NODISCARD int html_edit_set_attr(struct html_edit *edit, const struct html_lexer *lx, str name,
                                 str value);
NODISCARD int html_edit_remove_attr(struct html_edit *edit, const struct html_lexer *lx, str name);

/* Appends the start tag as it is now; `flags` as for html_content_add(). Returns 0 or ERR_LIMIT. */
NODISCARD int html_edit_write_tag(const struct html_edit *edit, const struct html_lexer *lx,
                                  unsigned flags, struct html_content *out);

#endif
