/* Inserted content; see html_content.h. */
#include "web/html_content.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEEP_BYTES = 64 << 10, MARKS_FIRST = 4, ESCAPED_MAX = 12 };

void html_content_init(struct html_content *content)
{
    *content = (struct html_content){0};
    buf_init(&content->bytes, HTML_CONTENT_BYTES_MAX);
}

void html_content_done(struct html_content *content)
{
    buf_done(&content->bytes);
    free(content->marks);
    content->marks = NULL;
    content->mark_count = content->mark_cap = 0;
}

void html_content_clear(struct html_content *content)
{
    if (content->bytes.cap > KEEP_BYTES)
        buf_done(&content->bytes);
    buf_clear(&content->bytes);
    content->mark_count = 0;
}

/* The code point at *at of well-formed UTF-8. */
static uint32_t next_point(str utf8, size_t *at)
{
    unsigned char lead = (unsigned char)utf8.ptr[(*at)++];
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    uint32_t point = lead & (0x3Fu >> more);

    for (; more && *at < utf8.len; more--)
        point = point << 6 | ((unsigned char)utf8.ptr[(*at)++] & 0x3F);
    return point;
}

static const char *entity_of(char c, unsigned flags)
{
    if (flags & HTML_CONTENT_VALUE)
        return c == '"' ? "&quot;" : NULL;
    if (flags & HTML_CONTENT_MARKUP)
        return NULL;
    return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : NULL;
}

static int append(struct buf *out, str utf8, unsigned flags)
{
    size_t run = 0, at = 0;

    while (at < utf8.len) {
        size_t from = at;
        char reference[ESCAPED_MAX];
        const char *entity = entity_of(utf8.ptr[at], flags);
        if (!entity && (!(flags & HTML_CONTENT_ASCII) || (unsigned char)utf8.ptr[at] < 0x80)) {
            at++;
            continue;
        }
        if (entity) {
            at++;
        } else {
            snprintf(reference, sizeof reference, "&#%u;", next_point(utf8, &at));
            entity = reference;
        }
        if (buf_append(out, (str){utf8.ptr + run, from - run}) < 0 ||
            buf_append(out, str_from(entity)) < 0)
            return ERR_LIMIT;
        run = at;
    }
    return buf_append(out, str_skip(utf8, run));
}

/* Brings the last `count` of `len` bytes to the front. */
static void rotate(char *bytes, size_t len, size_t count)
{
    char *moved;

    if (!count || count == len)
        return;
    moved = mem_alloc(count);
    memcpy(moved, bytes + len - count, count);
    memmove(bytes + count, bytes, len - count);
    memcpy(bytes, moved, count);
    free(moved);
}

int html_content_add(struct html_content *content, str utf8, unsigned flags)
{
    size_t len = content->bytes.len, added;

    if (append(&content->bytes, utf8, flags) < 0) {
        content->bytes.len = len;
        return ERR_LIMIT;
    }
    if (!(flags & HTML_CONTENT_FRONT))
        return 0;
    added = content->bytes.len - len;
    rotate(content->bytes.ptr, content->bytes.len, added);
    for (uint32_t i = 0; i < content->mark_count; i++)
        content->marks[i].at += added;
    return 0;
}

static int reserve_marks(struct html_content *content, uint32_t more)
{
    if (content->mark_count + more > HTML_MARKS_MAX)
        return ERR_LIMIT;
    if (content->mark_count + more > content->mark_cap) {
        content->mark_cap = 2 * content->mark_cap + more + MARKS_FIRST;
        content->marks = mem_resize(content->marks, content->mark_cap * sizeof *content->marks);
    }
    return 0;
}

int html_content_add_stream(struct html_content *content, int32_t stream, unsigned flags)
{
    bool is_front = flags & HTML_CONTENT_FRONT;
    uint32_t at = is_front ? 0 : content->mark_count;
    struct html_mark mark = {.at = is_front ? 0 : content->bytes.len, .stream = stream};

    if (reserve_marks(content, 1) < 0)
        return ERR_LIMIT;
    memmove(&content->marks[at + 1], &content->marks[at],
            (content->mark_count - at) * sizeof *content->marks);
    content->marks[at] = mark;
    content->mark_count++;
    return 0;
}

int html_content_move(struct html_content *from, struct html_content *to)
{
    size_t len = to->bytes.len;

    if (html_content_is_empty(from))
        return 0;
    if (reserve_marks(to, from->mark_count) < 0 ||
        buf_append(&to->bytes, buf_str(&from->bytes)) < 0)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < from->mark_count; i++)
        to->marks[to->mark_count++] = (struct html_mark){len + from->marks[i].at,
                                                         from->marks[i].stream};
    html_content_clear(from);
    return 0;
}
