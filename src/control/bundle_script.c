/* An ES module made into a script; see bundle_script.h.
 *
 * (1) The only import statements left in esbuild's output name copied files ("./add-LSAM.wasm").
 *     Each begins a line and ends one. Like all imports they hold before the first statement runs,
 *     so they become constants in the head, and leave empty lines.
 * (2) require() of a copied file, and import() that esbuild turned into require(), go through the
 *     `require` of the outer function; the worker's own names live in the inner one, where even a
 *     second `require` does no harm.
 * (3) Lines of the module are lines of the script plus one. */
#include "control/bundle_script.h"

#include <jansson.h>
#include <stdlib.h>

#include "os/path.h"

enum { MAPPINGS_MAX = 64 << 20 };

static const str head_open = STR(
    "(function(" BUNDLE_SCRIPT_MAIN "," BUNDLE_SCRIPT_REQUIRE ",__atoll_module){\"use strict\";"
    "const " BUNDLE_SCRIPT_META "={url:\"file:///worker.js\"},"
    "require=n=>n.startsWith(\"./\")?__atoll_module(n.slice(2).split(\"?\")[0]):"
    BUNDLE_SCRIPT_REQUIRE "(n);return(async()=>{");
/* What `using` needs and the engine has not: for scripts that name it, or have `using` lowered. */
static const str head_dispose = STR(
    "for(const n of[\"dispose\",\"asyncDispose\"])n in Symbol||"
    "Object.defineProperty(Symbol,n,{value:Symbol(\"Symbol.\"+n)});");
static const str foot = STR("\n})()})");

/* One statement `import <clause> from "./<file>";`. */
struct import {
    str clause;    /* empty for an import without names */
    str file;      /* without "./" and "?..." */
    size_t len;    /* of the whole statement */
};

static bool read_import(str text, struct import *ret)
{
    static const str from = STR(" from \"./");
    str statement = str_head(text, str_find_text(text, STR("\";\n"))), path;
    size_t found;

    if (statement.len == text.len)
        return false;
    ret->len = statement.len + 2;
    if (str_starts(statement, STR("import \"./"))) {
        ret->clause = STR_NONE;
        path = str_skip(statement, STR("import \"./").len);
    } else {
        found = str_find_text(statement, from);
        if (found == statement.len)
            return false;
        ret->clause = str_skip(str_head(statement, found), STR("import ").len);
        path = str_skip(statement, found + from.len);
    }
    ret->file = str_head(path, str_find(path, '?'));
    return str_find(path, '"') == path.len && str_find(path, '\n') == path.len &&
           str_find(ret->clause, '"') == ret->clause.len;
}

/* Appends names of a clause; the head is one line. "a as b" is "a:b" when it takes an object apart,
 * which is what it does in braces and nowhere else. */
static int put_clause(struct buf *head, str clause)
{
    static const str as = STR(" as ");
    int r = 0;

    while (r == 0 && clause.len) {
        bool colon = str_starts(clause, as);
        char c = colon ? ':' : clause.ptr[0] == '\n' ? ' ' : clause.ptr[0];

        r = buf_append_char(head, c);
        clause = str_skip(clause, colon ? as.len : 1);
    }
    return r;
}

/* One constant: `names` bound to what the file stands for, or to a namespace that has it. */
static int put_constant(struct buf *head, str names, str file, bool namespace)
{
    int r;

    if ((r = buf_append(head, STR("const "))) < 0 || (r = put_clause(head, names)) < 0)
        return r;
    return buf_printf(head,
                      namespace ? "={default:__atoll_module(\"%.*s\")};"
                                : "=__atoll_module(\"%.*s\");",
                      STR_ARGS(file));
}

/* "name", "* as name", "{...}", or "name, " and one of the others. */
static int put_constants(struct buf *head, str clause, str file)
{
    size_t comma;
    int r;

    if (str_starts(clause, STR("{")))
        return put_constant(head, clause, file, true);
    if (str_starts(clause, STR("* as ")))
        return put_constant(head, str_skip(clause, STR("* as ").len), file, true);
    comma = str_find(clause, ',');
    r = put_constant(head, str_head(clause, comma), file, false);
    if (r < 0 || comma == clause.len)
        return r;
    return put_constants(head, str_skip(clause, comma + 2), file);
}

/* Splits the module into constants for the head and a body without imports. */
static int split(str module, struct buf *head, struct buf *body)
{
    int r = 0;

    while (module.len && r == 0) {
        struct import import;
        size_t line = str_find(module, '\n') + 1;

        if (!str_starts(module, STR("import ")) || !read_import(module, &import)) {
            r = buf_append(body, str_head(module, line));
            module = str_skip(module, line);
            continue;
        }
        if (import.clause.len)
            r = put_constants(head, import.clause, import.file);
        for (size_t i = 0; i < import.len && r == 0; i++)
            if (module.ptr[i] == '\n')
                r = buf_append_char(body, '\n');
        module = str_skip(module, import.len);
    }
    return r;
}

static str dispose_for(str module)
{
    return str_has(module, STR("ispose")) ? head_dispose : STR_NONE;
}

int bundle_script_wrap(str module, struct buf *out)
{
    struct buf head, body;
    int r;

    buf_init(&head, out->max);
    buf_init(&body, out->max);
    if ((r = split(module, &head, &body)) == 0 && (r = buf_append(out, head_open)) == 0 &&
        (r = buf_append(out, dispose_for(module))) == 0 &&
        (r = buf_append(out, buf_str(&head))) == 0 && (r = buf_append_char(out, '\n')) == 0 &&
        (r = buf_append(out, buf_str(&body))) == 0)
        r = buf_append(out, foot);
    buf_done(&head);
    buf_done(&body);
    return r;
}

int bundle_script_classic(str module, struct buf *out, bool *ret_head)
{
    static const str open = STR("const __atoll_module=n=>globalThis[n];");
    struct buf head, body;
    int r;

    buf_init(&head, out->max);
    buf_init(&body, out->max);
    r = split(module, &head, &body);
    *ret_head = head.len > 0;
    if (r == 0 && head.len && (r = buf_append(out, open)) == 0 &&
        (r = buf_append(out, buf_str(&head))) == 0)
        r = buf_append_char(out, '\n');
    if (r == 0)
        r = buf_append(out, buf_str(&body));
    buf_done(&head);
    buf_done(&body);
    return r;
}

str bundle_script_source(str file)
{
    static const str suffix = STR(BUNDLE_SCRIPT_SUFFIX ".");
    size_t dot = file.len;

    while (dot && file.ptr[dot - 1] != '.')
        dot--;
    return dot >= suffix.len && str_ends(str_head(file, dot), suffix)
               ? str_head(file, dot - suffix.len)
               : file;
}

/* One source of the map as seen from `root`; what esbuild was given instead of a file is the
 * platform's. */
static json_t *source_from(const char *source, const char *directory, const char *root)
{
    char *joined = path_join(str_from(directory), str_from(source));
    char *absolute = path_absolute(str_from(joined));
    char *shown = path_relative(str_from(absolute), str_from(root));
    str name = str_starts(str_from(source), STR("dataurl:"))
                   ? STR("atoll:module")
                   : bundle_script_source(str_from(shown));
    json_t *value = json_stringn(name.ptr, name.len);

    free(joined);
    free(absolute);
    free(shown);
    return value;
}

/* Puts the head's line before the others. */
static int shift_lines(json_t *map)
{
    json_t *mappings = json_object_get(map, "mappings");
    struct buf b;
    int r;

    if (!json_is_string(mappings))
        return ERR_INVALID;
    buf_init(&b, MAPPINGS_MAX);
    r = buf_printf(&b, ";%s", json_string_value(mappings));
    if (r == 0)
        json_string_setn(mappings, b.ptr, b.len);
    buf_done(&b);
    return r;
}

static int put_json(const char *bytes, size_t len, void *out)
{
    return buf_append(out, (str){bytes, len}) < 0 ? -1 : 0;
}

int bundle_script_map(str text, bool head, const char *directory, const char *root, struct buf *out)
{
    json_t *map = json_loadb(text.ptr, text.len, 0, NULL), *source;
    size_t i;
    int r = json_is_object(map) ? 0 : ERR_INVALID;

    if (r == 0 && head)
        r = shift_lines(map);

    json_array_foreach(json_object_get(map, "sources"), i, source)
        if (json_is_string(source))
            json_array_set_new(json_object_get(map, "sources"), i,
                               source_from(json_string_value(source), directory, root));
    if (r == 0 && json_dump_callback(map, put_json, out, JSON_COMPACT) < 0)
        r = ERR_LIMIT;
    json_decref(map);
    return r;
}
