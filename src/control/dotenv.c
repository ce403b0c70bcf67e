/* NAME=value lines; see dotenv.h. */
#include "control/dotenv.h"

#include <ctype.h>

#include "base/buf.h"

struct reader {
    str rest;          /* what is not read yet */
    int line;          /* of the first byte of rest */
    const char *path;
    struct err *err;
};

static str take(struct reader *rd, size_t len)
{
    str taken = str_head(rd->rest, len);

    for (size_t i = 0; i < taken.len; i++)
        rd->line += taken.ptr[i] == '\n';
    rd->rest = str_skip(rd->rest, len);
    return taken;
}

static bool is_name(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && (!s.ptr[i] || !strchr("_.-", s.ptr[i])))
            return false;
    return s.len > 0;
}

/* The value without quotes that begins `line`. */
static str bare(str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || isspace((unsigned char)line.ptr[i - 1])))
            line.len = i;
    return str_strip(line);
}

static json_t *unescape(str text)
{
    struct buf b;
    json_t *value;

    buf_init(&b, DOTENV_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\' && i + 1 < text.len && strchr("nr", text.ptr[i + 1]))
            c = text.ptr[++i] == 'n' ? '\n' : '\r';
        ASSERT(buf_append_char(&b, c) == 0);
    }
    value = json_stringn(b.ptr ? b.ptr : "", b.len);
    buf_done(&b);
    return value;
}

/* Reads the value at the start of rest, to the end of its last line. */
static int read_value(struct reader *rd, json_t **ret_value)
{
    int line = rd->line;
    size_t blank = 0, end;
    char quote;

    while (blank < rd->rest.len && strchr(" \t", rd->rest.ptr[blank]))
        blank++;
    take(rd, blank);
    quote = rd->rest.len ? rd->rest.ptr[0] : '\n';
    end = str_find(str_skip(rd->rest, 1), quote) + 1;
    if (strchr("'\"`", quote) && end < rd->rest.len) {
        str inside = str_skip(take(rd, end), 1);

        take(rd, str_find(rd->rest, '\n') + 1);
        *ret_value = quote == '"' ? unescape(inside) : json_stringn(inside.ptr, inside.len);
    } else {
        str value = bare(take(rd, str_find(rd->rest, '\n')));

        *ret_value = json_stringn(value.len ? value.ptr : "", value.len);
    }
    if (!*ret_value)
        return err_set(rd->err, ERR_INVALID, "%s:%d: the value is not valid UTF-8", rd->path, line);
    return 0;
}

/* Reads what begins with a name; the next byte behind it is "=". */
static int read_pair(struct reader *rd, json_t *into)
{
    str name = str_strip(take(rd, str_find(rd->rest, '=')));
    json_t *value;
    int r;

    if (str_starts(name, STR("export ")))
        name = str_strip(str_skip(name, 7));
    if (!is_name(name))
        return err_set(rd->err, ERR_INVALID, "%s:%d: \"%.*s\" is no name for a variable", rd->path,
                       rd->line, (int)str_head(name, 80).len, name.ptr);
    take(rd, 1);
    if ((r = read_value(rd, &value)) < 0)
        return r;
    ASSERT(json_object_setn_new(into, name.ptr, name.len, value) == 0);
    return 0;
}

int dotenv_parse(str text, const char *path, json_t *into, struct err *err)
{
    struct reader rd = {text, 1, path, err};
    int r = 0;

    if (text.len > DOTENV_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%s: larger than %d bytes", path, DOTENV_BYTES_MAX);
    while (rd.rest.len && r == 0) {
        str line = str_strip(str_head(rd.rest, str_find(rd.rest, '\n')));

        if (!line.len || line.ptr[0] == '#')
            take(&rd, str_find(rd.rest, '\n') + 1);
        else if (str_find(line, '=') < line.len)
            r = read_pair(&rd, into);
        else
            r = err_set(err, ERR_INVALID, "%s:%d: expected NAME=value", path, rd.line);
    }
    return r;
}
