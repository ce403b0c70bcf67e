/* esbuild's messages; see bundle_log.h.
 *
 * A message of esbuild is a line with a mark, "[ERROR]" or "[WARNING]" and the text; then, indented
 * by four, "file:line:column:" and the drawing of the line; then notes, indented by two, which may
 * have a place of their own. Whatever does not have this shape is passed on as it is. */
#include "control/bundle_log.h"

struct writer {
    struct buf *out;
    void (*each_file)(void *context, str file);
    void *context;
    str kind;        /* "error", "warning"; empty outside of a message */
    str text;        /* of a message whose place is not read yet; empty when it was printed */
    bool node_hint;     /* it is about a module of Node's */
    bool package_hint;  /* it is about a package that was not found */
};

/* Appends what fits; a full buffer cuts the log. */
static void put(struct buf *out, str s)
{
    if (buf_append(out, str_head(s, out->max - out->len)) < 0)
        return;
}

static str skip_blanks(str line)
{
    while (line.len && line.ptr[0] == ' ')
        line = str_skip(line, 1);
    return line;
}

/* Splits "file:line:column:" from its end. */
static bool read_place(str line, str *ret_file, str *ret_line, uint64_t *ret_column)
{
    str part[2];

    if (!str_ends(line, STR(":")))
        return false;
    line.len--;
    for (int i = 0; i < 2; i++) {
        size_t colon = line.len;

        while (colon && line.ptr[colon - 1] != ':')
            colon--;
        if (!colon)
            return false;
        part[i] = str_skip(line, colon);
        line.len = colon - 1;
    }
    *ret_file = line;
    *ret_line = part[1];
    return line.len && str_to_u64(part[0], UINT32_MAX, ret_column);
}

static void put_hint(struct writer *w)
{
    if (w->node_hint)
        put(w->out, STR("  modules of Node (node:*) are not there yet: use the web platform's "
                        "own, or a package that does without\n"));
    else if (w->package_hint)
        put(w->out, STR("  is the package installed? (npm install)\n"));
    w->node_hint = w->package_hint = false;
}

/* Prints a message that came without a place. */
static void finish(struct writer *w)
{
    if (w->text.len) {
        put(w->out, w->kind);
        put(w->out, STR(": "));
        put(w->out, w->text);
        put(w->out, STR("\n"));
    }
    put_hint(w);
    w->text = STR_NONE;
}

static bool start(struct writer *w, str line)
{
    static const struct {
        str mark, kind;
    } kinds[] = {{STR("[ERROR] "), STR("error")}, {STR("[WARNING] "), STR("warning")}};
    size_t bracket = str_find(line, '[');
    str rest = str_skip(line, bracket);

    if (bracket > 5)
        return false;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!str_starts(rest, kinds[i].mark))
            continue;
        finish(w);
        w->kind = kinds[i].kind;
        w->text = str_skip(rest, kinds[i].mark.len);
        return true;
    }
    return false;
}

static void put_place(struct writer *w, str file, str line, uint64_t column)
{
    bool first = w->text.len > 0;

    if (!str_equal(file, STR("atoll-entry.js"))) {
        if (buf_printf(w->out, "%s%.*s:%.*s:%llu: ", first ? "" : "  ", STR_ARGS(file),
                       STR_ARGS(line), (unsigned long long)column + 1) < 0)
            return;
        if (w->each_file)
            w->each_file(w->context, file);
    }
    if (first) {
        put(w->out, w->kind);
        put(w->out, STR(": "));
        put(w->out, w->text);
    }
    put(w->out, STR("\n"));
    w->text = STR_NONE;
}

/* Advice about esbuild's own options would send people the wrong way. */
static bool is_foreign_advice(str note)
{
    static const str openings[] = {
        STR("The package \""), STR("You can mark the path \""),
        STR("Node's package format requires"), STR("The module \"./"),
    };

    for (size_t i = 0; i < COUNT_OF(openings); i++)
        if (str_starts(note, openings[i]))
            return true;
    return false;
}

/* A package is what is named neither by a path nor by a scheme of the runtime's own modules. */
static bool is_package_advice(str note)
{
    str name = str_skip(note, STR("You can mark the path \"").len);

    return str_starts(note, STR("You can mark the path \"")) && !str_starts(name, STR(".")) &&
           !str_starts(name, STR("/"));
}

static void put_line(struct writer *w, str line)
{
    str text = skip_blanks(line), file, number;
    uint64_t column;
    size_t indent = line.len - text.len;

    if (!text.len || start(w, line))
        return;
    if (indent == 4 && read_place(text, &file, &number, &column)) {
        put_place(w, file, number, column);
        return;
    }
    if (str_has(text, STR("is built into node"))) {
        w->node_hint = true;
        return;
    }
    if (indent == 2 && is_foreign_advice(text)) {
        w->package_hint |= is_package_advice(text);
        return;
    }
    put(w->out, STR("  "));
    put(w->out, indent >= 6 ? str_skip(line, 6) : text);
    put(w->out, STR("\n"));
}

void bundle_log_format(str log, struct buf *out, void (*each_file)(void *context, str file),
                       void *context)
{
    struct writer w = {.out = out, .each_file = each_file, .context = context};

    while (log.len) {
        size_t end = str_find(log, '\n');

        put_line(&w, str_head(log, end));
        log = str_skip(log, end + 1);
    }
    finish(&w);
}
