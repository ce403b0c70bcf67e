/* Changes to one token; see html_edit.h.
 *
 * A tag whose name or attributes were changed is written anew: what was not changed as it stood in
 * the source, with one space between. Until an attribute is changed, the list of the token is the
 * list. */
#include "web/html_edit.h"

#include <stdlib.h>


enum { SOURCE_NONE = -1, KEEP_BYTES = 64 << 10 };

void html_edit_init(struct html_edit *edit)
{
    *edit = (struct html_edit){0};
    html_content_init(&edit->before);
    html_content_init(&edit->after);
    html_content_init(&edit->replacement);
    buf_init(&edit->name, HTML_EDIT_TAG_BYTES_MAX);
    buf_init(&edit->texts, HTML_EDIT_TAG_BYTES_MAX);
}

void html_edit_done(struct html_edit *edit)
{
    html_content_done(&edit->before);
    html_content_done(&edit->after);
    html_content_done(&edit->replacement);
    buf_done(&edit->name);
    buf_done(&edit->texts);
    free(edit->attrs);
    edit->attrs = NULL;
    edit->attr_cap = 0;
    html_edit_end_free(edit->end);
    edit->end = NULL;
}

static void clear(struct buf *buf)
{
    if (buf->cap > KEEP_BYTES)
        buf_done(buf);
    buf_clear(buf);
}

void html_edit_clear(struct html_edit *edit)
{
    html_content_clear(&edit->before);
    html_content_clear(&edit->after);
    html_content_clear(&edit->replacement);
    clear(&edit->name);
    clear(&edit->texts);
    edit->is_removed = edit->has_name = edit->has_attrs = false;
    edit->attr_count = 0;
    html_edit_end_free(edit->end);
    edit->end = NULL;
}

struct html_edit_end *html_edit_end_of(struct html_edit *edit)
{
    if (!edit->end) {
        edit->end = mem_new(struct html_edit_end);
        html_content_init(&edit->end->before);
        html_content_init(&edit->end->after);
        buf_init(&edit->end->name, HTML_EDIT_TAG_BYTES_MAX);
    }
    return edit->end;
}

void html_edit_end_free(struct html_edit_end *end)
{
    if (!end)
        return;
    html_content_done(&end->before);
    html_content_done(&end->after);
    buf_done(&end->name);
    free(end);
}

/* ---- attributes ---- */

static uint32_t attr_count(const struct html_edit *edit, const struct html_lexer *lx)
{
    return edit->has_attrs ? edit->attr_count : lx->token.attr_count;
}

static int32_t source_of(const struct html_edit *edit, uint32_t index)
{
    return edit->has_attrs ? edit->attrs[index].source : (int32_t)index;
}

static str text_of(const struct html_edit *edit, uint32_t at, uint32_t len)
{
    return (str){edit->texts.ptr + at, len};
}

static str name_of(const struct html_edit *edit, const struct html_lexer *lx, uint32_t index)
{
    int32_t source = source_of(edit, index);

    if (source != SOURCE_NONE)
        return html_lexer_part(lx, lx->attrs[source].name, lx->attrs[source].name_len);
    return text_of(edit, edit->attrs[index].name, edit->attrs[index].name_len);
}

static str value_of(const struct html_edit *edit, const struct html_lexer *lx, uint32_t index)
{
    int32_t source = source_of(edit, index);

    if (edit->has_attrs && edit->attrs[index].is_changed)
        return text_of(edit, edit->attrs[index].value, edit->attrs[index].value_len);
    return html_lexer_part(lx, lx->attrs[source].value, lx->attrs[source].value_len);
}

/* The first attribute of that name, or attr_count(). */
static uint32_t find(const struct html_edit *edit, const struct html_lexer *lx, str name)
{
    uint32_t count = attr_count(edit, lx), i = 0;

    while (i < count && !str_equal_nocase(name_of(edit, lx, i), name))
        i++;
    return i;
}

bool html_edit_attr_next(const struct html_edit *edit, const struct html_lexer *lx,
                         uint32_t *cursor, str *ret_name, str *ret_value)
{
    uint32_t count = attr_count(edit, lx);

    while (*cursor < count) {
        uint32_t i = (*cursor)++;
        *ret_name = name_of(edit, lx, i);
        if (find(edit, lx, *ret_name) != i)
            continue;
        *ret_value = value_of(edit, lx, i);
        return true;
    }
    return false;
}

bool html_edit_attr(const struct html_edit *edit, const struct html_lexer *lx, str name,
                    str *ret_value)
{
    uint32_t index = find(edit, lx, name);

    if (index == attr_count(edit, lx))
        return false;
    *ret_value = value_of(edit, lx, index);
    return true;
}

static void reserve(struct html_edit *edit, uint32_t count)
{
    if (count <= edit->attr_cap)
        return;
    edit->attr_cap = 2 * count;
    edit->attrs = mem_resize(edit->attrs, edit->attr_cap * sizeof *edit->attrs);
}

/* Makes the tag's list our own. */
static void own_attrs(struct html_edit *edit, const struct html_lexer *lx)
{
    if (edit->has_attrs)
        return;
    reserve(edit, lx->token.attr_count);
    for (uint32_t i = 0; i < lx->token.attr_count; i++)
        edit->attrs[i] = (struct html_edit_attr){.source = (int32_t)i};
    edit->attr_count = lx->token.attr_count;
    edit->has_attrs = true;
}

/* Copies `text` and tells where it is. */
static int keep(struct html_edit *edit, str text, uint32_t *ret_at, uint32_t *ret_len)
{
    *ret_at = (uint32_t)edit->texts.len;
    *ret_len = (uint32_t)text.len;
    return buf_append(&edit->texts, text);
}

int html_edit_set_attr(struct html_edit *edit, const struct html_lexer *lx, str name, str value)
{
    uint32_t index = find(edit, lx, name);
    struct html_edit_attr attr = {.source = SOURCE_NONE, .is_changed = true};

    own_attrs(edit, lx);
    if (index < edit->attr_count) {
        attr = edit->attrs[index];
        attr.is_changed = true;
    } else if (edit->attr_count == HTML_ATTRS_MAX ||
               keep(edit, name, &attr.name, &attr.name_len) < 0) {
        return ERR_LIMIT;
    }
    if (keep(edit, value, &attr.value, &attr.value_len) < 0)
        return ERR_LIMIT;
    if (index == edit->attr_count)
        reserve(edit, ++edit->attr_count);
    edit->attrs[index] = attr;
    return 0;
}

int html_edit_remove_attr(struct html_edit *edit, const struct html_lexer *lx, str name)
{
    uint32_t kept = 0;

    if (find(edit, lx, name) == attr_count(edit, lx))
        return 0;
    own_attrs(edit, lx);
    for (uint32_t i = 0; i < edit->attr_count; i++)
        if (!str_equal_nocase(name_of(edit, lx, i), name))
            edit->attrs[kept++] = edit->attrs[i];
    edit->attr_count = kept;
    return 0;
}

/* ---- writing ---- */

static int write_attr(const struct html_edit *edit, const struct html_lexer *lx, uint32_t index,
                      unsigned flags, struct html_content *out)
{
    int32_t source = source_of(edit, index);
    struct buf *bytes = &out->bytes;

    if (buf_append_char(bytes, ' ') < 0)
        return ERR_LIMIT;
    if (source != SOURCE_NONE && !(edit->has_attrs && edit->attrs[index].is_changed)) {
        const struct html_attr *attr = &lx->attrs[source];
        return buf_append(bytes, html_lexer_part(lx, attr->name, attr->end - attr->name));
    }
    if (buf_append(bytes, name_of(edit, lx, index)) < 0 || buf_append(bytes, STR("=\"")) < 0 ||
        html_content_add(out, value_of(edit, lx, index), flags | HTML_CONTENT_VALUE) < 0)
        return ERR_LIMIT;
    return buf_append_char(bytes, '"');
}

int html_edit_write_tag(const struct html_edit *edit, const struct html_lexer *lx, unsigned flags,
                        struct html_content *out)
{
    uint32_t count = attr_count(edit, lx);

    if (buf_append_char(&out->bytes, '<') < 0 ||
        buf_append(&out->bytes, edit->has_name ? buf_str(&edit->name) : html_lexer_text(lx)) < 0)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        if (write_attr(edit, lx, i, flags, out) < 0)
            return ERR_LIMIT;
    return buf_append(&out->bytes, lx->token.self_closing ? STR(" />") : STR(">"));
}
