/* Edits .env files; see envfile.h.
 *
 * The text is cut into entries: a line, or the lines of a quoted value. Only entries whose name is
 * in the list are looked at, so what this file cannot read stays as it is. */
#include "remote/envfile.h"

#include <fnmatch.h>
#include <stdlib.h>

/* The name of the variable that begins at `rest`; empty when there is none on this line. */
static str name_of(str rest)
{
    str line = str_head(rest, str_find(rest, '\n'));
    str name = str_strip(str_head(line, str_find(line, '=')));

    if (str_find(line, '=') == line.len || (name.len && name.ptr[0] == '#'))
        return STR("");
    return str_starts(name, STR("export ")) ? str_strip(str_skip(name, 7)) : name;
}

/* Bytes of the entry at the start of `rest`, with its line end. */
static size_t entry_length(str rest)
{
    size_t line = str_find(rest, '\n'), value = str_find(rest, '=') + 1, closing;

    if (name_of(rest).len) {
        while (value < line && (rest.ptr[value] == ' ' || rest.ptr[value] == '\t'))
            value++;
        if (value < line && strchr("'\"`", rest.ptr[value])) {
            closing = value + 1 + str_find(str_skip(rest, value + 1), rest.ptr[value]);
            if (closing < rest.len)
                line = closing + str_find(str_skip(rest, closing), '\n');
        }
    }
    return line < rest.len ? line + 1 : rest.len;
}

static const struct envfile_line *find(const struct envfile_line *lines, str name)
{
    for (; lines->name; lines++)
        if (str_equal(str_from(lines->name), name))
            return lines;
    return NULL;
}

static int append_line(struct buf *out, const struct envfile_line *line, struct err *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./:@%+=-~,[]";
    const char *quote = "", *const quotes[] = {"'", "\"", "`"};
    size_t i = 0;

    if (line->value[strspn(line->value, plain)]) {
        while (i < COUNT_OF(quotes) && strchr(line->value, quotes[i][0]))
            i++;
        if (i == COUNT_OF(quotes))
            return err_set(err, ERR_INVALID, "%s has every kind of quotes: .env cannot hold it",
                           line->name);
        quote = quotes[i];
    }
    if (buf_printf(out, "%s=%s%s%s\n", line->name, quote, line->value, quote) < 0)
        return err_set(err, ERR_LIMIT, "it would be longer than %d KiB", ENVFILE_BYTES_MAX >> 10);
    return 0;
}

static int append(struct buf *out, str text, struct err *err)
{
    if (buf_append(out, text) == 0)
        return 0;
    return err_set(err, ERR_LIMIT, "it is longer than %d KiB", ENVFILE_BYTES_MAX >> 10);
}

static bool has(str text, str name)
{
    for (; text.len; text = str_skip(text, entry_length(text)))
        if (str_equal(name_of(text), name))
            return true;
    return false;
}

static int append_missing(str text, const struct envfile_line *lines, struct buf *out,
                          struct err *err)
{
    int r = 0;

    if (out->len && out->ptr[out->len - 1] != '\n')
        r = append(out, STR("\n"), err);
    for (; lines->name && r == 0; lines++)
        if (!has(text, str_from(lines->name)))
            r = append_line(out, lines, err);
    return r;
}

int envfile_set(str text, const struct envfile_line *lines, struct buf *out, struct err *err)
{
    str rest = text;
    size_t length;
    int r = 0;

    for (; rest.len && r == 0; rest = str_skip(rest, length)) {
        const struct envfile_line *line = find(lines, name_of(rest));

        length = entry_length(rest);
        if (!line)
            r = append(out, str_head(rest, length), err);
        else if (!has((str){text.ptr, text.len - rest.len}, str_from(line->name)))
            r = append_line(out, line, err);
    }
    return r < 0 ? r : append_missing(text, lines, out, err);
}

int envfile_remove(str text, const struct envfile_line *lines, struct buf *out, struct err *err)
{
    size_t length;
    int r = 0;

    for (; text.len && r == 0; text = str_skip(text, length)) {
        length = entry_length(text);
        if (!find(lines, name_of(text)))
            r = append(out, str_head(text, length), err);
    }
    return r;
}

/* ---- .gitignore ---- */

static bool rule_matches(str rule, const char *name)
{
    char *pattern;
    bool matches;

    if (str_starts(rule, STR("**/")))
        rule = str_skip(rule, 3);
    else if (str_starts(rule, STR("/")))
        rule = str_skip(rule, 1);
    pattern = str_dup(rule);
    matches = fnmatch(pattern, name, FNM_PATHNAME) == 0;
    free(pattern);
    return matches;
}

bool envfile_is_ignored(str gitignore, const char *name, bool ignored)
{
    while (gitignore.len) {
        str line = str_head(gitignore, str_find(gitignore, '\n')), rule = str_strip(line);
        bool negated = str_starts(rule, STR("!"));

        if (negated)
            rule = str_skip(rule, 1);
        if (rule.len && rule.ptr[0] != '#' && rule_matches(rule, name))
            ignored = !negated;
        gitignore = str_skip(gitignore, line.len + 1);
    }
    return ignored;
}
