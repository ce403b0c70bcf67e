/* JSON with comments; see jsonc.h.
 *
 * Two passes over a copy: comments first, then commas, because a comment may stand between a comma
 * and the bracket that makes it a trailing one. What is left is plain JSON for jansson. */
#include "control/jsonc.h"

#include <ctype.h>
#include <stdlib.h>

/* Index just behind the string that starts at `i`; an unfinished one ends at the line's end. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
    for (i++; i < len && text[i] != '\n'; i++) {
        if (text[i] == '\\' && i + 1 < len && text[i + 1] != '\n')
            i++;
        else if (text[i] == '"')
            return i + 1;
    }
    return i;
}

/* Blanks from `i` to the end of the line; returns where that is. */
static size_t blank_line(char *text, size_t len, size_t i)
{
    while (i < len && text[i] != '\n')
        text[i++] = ' ';
    return i;
}

/* Blanks a block comment that starts at `i`; one without an end is left for the parser to name. */
static size_t blank_block(char *text, size_t len, size_t i)
{
    size_t end = i + 2;

    while (end + 1 < len && !(text[end] == '*' && text[end + 1] == '/'))
        end++;
    if (end + 1 >= len)
        return len;
    for (; i < end + 2; i++)
        if (text[i] != '\n')
            text[i] = ' ';
    return i;
}

static void blank_comments(char *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        if (text[i] == '"')
            i = skip_string(text, len, i);
        else if (text[i] == '/' && i + 1 < len && text[i + 1] == '/')
            i = blank_line(text, len, i);
        else if (text[i] == '/' && i + 1 < len && text[i + 1] == '*')
            i = blank_block(text, len, i);
        else
            i++;
    }
}

/* A comma goes when a bracket closes right after it and a value stands before it. */
static void blank_commas(char *text, size_t len)
{
    char before = '[';
    size_t comma = len;

    for (size_t i = 0; i < len;) {
        char c = text[i];

        if (isspace((unsigned char)c)) {
            i++;
            continue;
        }
        if ((c == '}' || c == ']') && comma < len)
            text[comma] = ' ';
        comma = c == ',' && !strchr("[{,:", before) ? i : len;
        before = c;
        i = c == '"' ? skip_string(text, len, i) : i + 1;
    }
}

void jsonc_blank(char *text, size_t len)
{
    blank_comments(text, len);
    blank_commas(text, len);
}

json_t *jsonc_parse(str text, const char *path, struct err *err)
{
    json_error_t where;
    json_t *value;
    char *copy;

    if (text.len > JSONC_BYTES_MAX) {
        err_set(err, ERR_LIMIT, "%s: larger than %d bytes", path, JSONC_BYTES_MAX);
        return NULL;
    }
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    copy = str_dup(text);
    jsonc_blank(copy, text.len);
    value = json_loadb(copy, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    free(copy);
    if (!value)
        err_set(err, ERR_INVALID, "%s:%d:%d: %s", path, where.line, where.column, where.text);
    if (value && !json_is_object(value)) {
        err_set(err, ERR_INVALID, "%s:1:1: the file must hold one object, {...}", path);
        json_decref(value);
        return NULL;
    }
    return value;
}
