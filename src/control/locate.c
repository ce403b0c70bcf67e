/* Where a value stands; see locate.h. */
#include "control/locate.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "control/jsonc.h"

enum { DOTTED_MAX = 4096 };

static struct place place_of(str text, size_t offset)
{
    struct place place = {1, 1};

    for (size_t i = 0; i < offset && i < text.len; i++) {
        place.column++;
        if (text.ptr[i] == '\n')
            place = (struct place){place.line + 1, 1};
    }
    return place;
}

static size_t skip_blank(str text, size_t i)
{
    while (i < text.len && isspace((unsigned char)text.ptr[i]))
        i++;
    return i;
}

/* Index behind the string at `i`. */
static size_t skip_string(str text, size_t i)
{
    for (i++; i < text.len && text.ptr[i] != '"'; i++)
        i += text.ptr[i] == '\\';
    return i + 1;
}

/* Index of the comma or bracket that ends the value at `i`. */
static size_t skip_value(str text, size_t i)
{
    size_t depth = 0;

    while (i < text.len) {
        char c = text.ptr[i];

        if (!depth && strchr(",]}", c))
            break;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        i = c == '"' ? skip_string(text, i) : i + 1;
    }
    return i;
}

/* Index of the value of `key` in the object at `i`; text.len when there is none. */
static size_t find_member(str text, size_t i, str key)
{
    if (i >= text.len || text.ptr[i] != '{')
        return text.len;
    while (i < text.len && text.ptr[i] != '}') {
        size_t start = skip_blank(text, i + 1), end;

        if (start >= text.len || text.ptr[start] != '"')
            return text.len;
        end = skip_string(text, start);
        i = skip_blank(text, skip_blank(text, end) + 1);
        if (end <= text.len && str_equal((str){text.ptr + start + 1, end - start - 2}, key))
            return i;
        i = skip_value(text, i);
    }
    return text.len;
}

struct place locate_jsonc(str text, const char *const *keys)
{
    char *copy = str_dup(text);
    str plain = {copy, text.len};
    struct place place = {0, 0};
    size_t i;

    jsonc_blank(copy, text.len);
    i = skip_blank(plain, 0);
    for (size_t depth = 0; keys[depth]; depth++)
        i = skip_blank(plain, find_member(plain, i, str_from(keys[depth])));
    if (i < plain.len)
        place = place_of(text, i);
    free(copy);
    return place;
}

/* Appends a key or header without blanks and quotes. */
static void put_dotted(struct buf *b, str s)
{
    for (size_t i = 0; i < s.len && b->len < DOTTED_MAX; i++)
        if (!strchr(" \t\"'[]\r", s.ptr[i]))
            ASSERT(buf_append_char(b, s.ptr[i]) == 0);
}

static void join_keys(struct buf *b, const char *const *keys)
{
    for (size_t depth = 0; keys[depth]; depth++) {
        if (depth)
            put_dotted(b, STR("."));
        put_dotted(b, str_from(keys[depth]));
    }
}

/* Fills `full` with the dotted name that this line defines: a header's own, or a key's under it.
 * `header` is the dotted name of the table the line stands in, changed by a header line. */
static void read_line(str line, struct buf *header, struct buf *full)
{
    size_t blank = skip_blank(line, 0);

    buf_clear(full);
    if (blank < line.len && line.ptr[blank] == '[') {
        buf_clear(header);
        put_dotted(header, str_head(line, str_find(line, '#')));
        put_dotted(full, buf_str(header));
        return;
    }
    put_dotted(full, buf_str(header));
    if (full->len)
        put_dotted(full, STR("."));
    put_dotted(full, str_head(line, str_find(line, '=')));
}

struct place locate_toml(str text, const char *const *keys)
{
    struct buf header, full, wanted;
    struct place place = {0, 0};

    buf_init(&header, DOTTED_MAX + 1);
    buf_init(&full, 2 * DOTTED_MAX);
    buf_init(&wanted, DOTTED_MAX + 1);
    join_keys(&wanted, keys);
    for (size_t i = 0; i < text.len && !place.line;) {
        str line = str_head(str_skip(text, i), str_find(str_skip(text, i), '\n'));

        read_line(line, &header, &full);
        if (str_equal(buf_str(&full), buf_str(&wanted)))
            place = place_of(text, skip_blank(text, i));
        i += line.len + 1;
    }
    buf_done(&header);
    buf_done(&full);
    buf_done(&wanted);
    return place;
}
