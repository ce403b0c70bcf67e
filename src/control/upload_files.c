/* Uploaded modules as files; see upload_files.h.
 *
 * (1) What a module is called on disk is its checked name and an extension that no name has, so
 *     that a file is never in the way of another one or of a directory.
 * (2) Every script ends with a comment that names its source map. The last such comment counts, so
 *     what the author wrote cannot make esbuild read any other file.
 * (3) A script in service-worker syntax finds its wasm_module, text_blob and data_blob bindings as
 *     globals: the entry sets them before it runs the script. */
#include "control/upload_files.h"

#include <limits.h>
#include <stdlib.h>

#include "base/member.h"
#include "control/bundle_script.h"
#include "os/file.h"
#include "os/path.h"

enum { ENTRY_BYTES_MAX = 1 << 20, PATH_BYTES_MAX = PATH_MAX };

enum kind { KIND_SCRIPT, KIND_CLASSIC, KIND_OTHER, KIND_MAP, KIND_UNSUPPORTED };

static const struct type {
    const char *name, *extension;
    enum kind kind;
} types[] = {
    {"application/javascript+module", "mjs",  KIND_SCRIPT},
    {"text/javascript+module",        "mjs",  KIND_SCRIPT},
    {"application/javascript",        "cjs",  KIND_CLASSIC},
    {"text/javascript",               "cjs",  KIND_CLASSIC},
    {"application/json",              "json", KIND_OTHER},
    {"text/plain",                    "txt",  KIND_OTHER},
    {"application/wasm",              "wasm", KIND_OTHER},
    {"application/octet-stream",      "bin",  KIND_OTHER},
    {"application/source-map",        "map",  KIND_MAP},
    {"text/x-python",                 "py",   KIND_UNSUPPORTED},
    {"text/x-python-requirement",     "py",   KIND_UNSUPPORTED},
};

struct module {
    str name;                 /* as it was uploaded */
    char path[UPLOAD_FILES_NAME_MAX + 1];    /* checked */
    const struct type *type;
    bool is_main;
    str bytes;
};

struct layout {
    struct module *modules;
    size_t count;
    const struct module *main;
    struct upload_files *files;
};

static int add_part(str part, struct buf *out, size_t start)
{
    if (!part.len || str_equal(part, STR(".")))
        return 0;
    if (str_equal(part, STR("..")) || part.len > UPLOAD_FILES_PART_MAX)
        return ERR_INVALID;
    if (out->len > start && buf_append_char(out, '/') < 0)
        return ERR_INVALID;
    return buf_append(out, part) < 0 ? ERR_INVALID : 0;
}

int upload_files_name(str name, struct buf *out)
{
    size_t start = out->len;
    str rest = name;

    if (name.len > UPLOAD_FILES_NAME_MAX || str_starts(name, STR("/")) ||
        str_has(name, STR(BUNDLE_SCRIPT_SUFFIX ".")))
        return ERR_INVALID;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return ERR_INVALID;
    while (rest.len) {
        size_t slash = str_find(rest, '/');

        if (add_part(str_head(rest, slash), out, start) < 0)
            return ERR_INVALID;
        rest = str_skip(rest, slash + 1);
    }
    return out->len > start ? 0 : ERR_INVALID;
}

static int check_name(str name, char ret[static UPLOAD_FILES_NAME_MAX + 1], struct err *err)
{
    struct buf out;
    int r;

    buf_init(&out, UPLOAD_FILES_NAME_MAX);
    r = upload_files_name(name, &out);
    if (r == 0)
        memcpy(ret, out.ptr, out.len), ret[out.len] = 0;
    buf_done(&out);
    if (r < 0)
        return err_set(
            err, r,
            "The module name \"%.*s\" cannot be used: names are relative paths without "
            "\"..\", \".atoll.\" and control characters, of at most %d bytes, %d between slashes.",
            (int)str_head(name, 100).len, name.ptr, UPLOAD_FILES_NAME_MAX, UPLOAD_FILES_PART_MAX);
    return 0;
}

/* Finds the type for a Content-Type, whose parameters do not matter. */
static const struct type *find_type(str type)
{
    str bare = str_trim(str_head(type, str_find(type, ';')));

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_equal_nocase(bare, str_from(types[i].name)))
            return &types[i];
    return NULL;
}

static int read_module(const json_t *row, str *blob, struct module *ret, struct err *err)
{
    size_t bytes = (size_t)member_int(row, "bytes");
    str type = member_str(row, "type");
    int r;

    ret->name = member_str(row, "name");
    if (bytes > blob->len)
        return err_set(err, ERR_INVALID, "The modules are longer than their contents.");
    ret->bytes = str_head(*blob, bytes);
    *blob = str_skip(*blob, bytes);
    if ((r = check_name(ret->name, ret->path, err)) < 0)
        return r;
    ret->type = find_type(type);
    if (!ret->type || ret->type->kind == KIND_UNSUPPORTED)
        return err_set(err, ERR_INVALID,
                       "The module \"%s\" has the type \"%.*s\", which is not supported: a module "
                       "is JavaScript, WebAssembly, JSON, text or data.",
                       ret->path, (int)str_head(type, 100).len, type.ptr ? type.ptr : "");
    return 0;
}

static struct module *find_module(const struct layout *layout, const char *path)
{
    for (size_t i = 0; i < layout->count; i++)
        if (strcmp(layout->modules[i].path, path) == 0)
            return &layout->modules[i];
    return NULL;
}

static int read_modules(const json_t *version, const json_t *modules, str blob,
                        struct layout *layout, struct err *err)
{
    str main_name = member_str(version, "main_module");
    char main_path[UPLOAD_FILES_NAME_MAX + 1];
    json_t *row;
    size_t i;
    int r;

    if (json_array_size(modules) > UPLOAD_FILES_MAX)
        return err_set(err, ERR_INVALID, "There are more than %d modules.", UPLOAD_FILES_MAX);
    if ((r = check_name(main_name, main_path, err)) < 0)
        return r;
    json_array_foreach(modules, i, row) {
        struct module module = {0};

        if ((r = read_module(row, &blob, &module, err)) < 0)
            return r;
        if (find_module(layout, module.path))
            return err_set(err, ERR_INVALID, "There are two modules named \"%s\".", module.path);
        module.is_main = strcmp(module.path, main_path) == 0;
        layout->modules[layout->count++] = module;
    }
    layout->main = find_module(layout, main_path);
    if (!layout->main || layout->main->type->kind > KIND_CLASSIC)
        return err_set(err, ERR_INVALID,
                       "The main module \"%s\" is not among the uploaded JavaScript modules.",
                       main_path);
    return 0;
}

/* The extension of the module's file. */
static const char *extension_of(const struct module *module)
{
    return module->is_main && module->type->kind == KIND_CLASSIC ? "js" : module->type->extension;
}

/* Appends where the module is, as seen from the directory. */
static int put_path(const struct module *module, struct buf *out)
{
    return buf_printf(out, "%s" BUNDLE_SCRIPT_SUFFIX ".%s", module->path, extension_of(module));
}

/* Appends the comment that names a script's source map, as a last line. */
static int put_map_comment(const struct layout *layout, const struct module *module,
                           struct buf *out)
{
    char map[UPLOAD_FILES_NAME_MAX + 8];
    const struct module *found;

    snprintf(map, sizeof map, "%s.map", module->path);
    found = find_module(layout, map);
    if (!str_ends(module->bytes, STR("\n")) && buf_append_char(out, '\n') < 0)
        return ERR_LIMIT;
    if (found && found->type->kind == KIND_MAP)
        return buf_printf(out, "//# sourceMappingURL=atoll-%zu.map",
                          (size_t)(found - layout->modules));
    return buf_append(out, STR("//# sourceMappingURL=data:application/json,{\"version\":3,"
                               "\"sources\":[],\"names\":[],\"mappings\":\"\"}"));
}

/* Writes one file, with the directories above it. */
static int put_file(const struct layout *layout, str relative, str bytes, struct err *err)
{
    char *path = path_join(str_from(layout->files->directory), relative);
    int r = file_write_deep(path, bytes, err);

    free(path);
    return r;
}

/* A map lies beside its script under a name without characters that a URL would change. */
static int put_map_path(const struct layout *layout, const struct module *module, struct buf *out)
{
    char *parent = path_directory(str_from(module->path));
    int r = buf_printf(out, "%s/atoll-%zu.map", parent, (size_t)(module - layout->modules));

    free(parent);
    return r;
}

static int write_module(const struct layout *layout, const struct module *module, struct err *err)
{
    bool is_script = module->type->kind <= KIND_CLASSIC;
    struct buf path, text;
    int r;

    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&text, module->bytes.len + PATH_BYTES_MAX);
    r = module->type->kind == KIND_MAP ? put_map_path(layout, module, &path)
                                       : put_path(module, &path);
    if (r == 0 && is_script && (r = buf_append(&text, module->bytes)) == 0)
        r = put_map_comment(layout, module, &text);
    if (r < 0)
        err_set(err, ERR_INVALID, "The module \"%s\" has too long a name.", module->path);
    else
        r = put_file(layout, buf_str(&path), is_script ? buf_str(&text) : module->bytes, err);
    buf_done(&text);
    buf_done(&path);
    return r;
}

/* Appends "./<file>" as a JavaScript string. */
static int put_specifier(const struct module *module, struct buf *out)
{
    struct buf path;
    json_t *text = NULL;
    char *quoted = NULL;
    int r;

    buf_init(&path, PATH_BYTES_MAX);
    if ((r = buf_append(&path, STR("./"))) == 0 && (r = put_path(module, &path)) == 0) {
        text = json_stringn(path.ptr, path.len);
        quoted = json_dumps(text, JSON_ENCODE_ANY);
        r = buf_append(out, str_from(quoted ? quoted : "\"\""));
    }
    free(quoted);
    json_decref(text);
    buf_done(&path);
    return r;
}

/* Appends what makes a binding's module a global. */
static int put_global(const struct layout *layout, const json_t *binding, size_t number,
                      struct buf *out, struct err *err)
{
    char path[UPLOAD_FILES_NAME_MAX + 1];
    const struct module *module;
    char *name;
    int r;

    if ((r = check_name(member_str(binding, "part"), path, err)) < 0)
        return r;
    module = find_module(layout, path);
    if (!module)
        return err_set(err, ERR_INVALID, "The binding \"%s\" names \"%s\", which was not uploaded.",
                       member_text(binding, "name"), path);
    name = json_dumps(json_object_get(binding, "name"), JSON_ENCODE_ANY);
    if ((r = buf_printf(out, "import g%zu from ", number)) == 0 &&
        (r = put_specifier(module, out)) == 0)
        r = buf_printf(out, ";\nglobalThis[%s] = g%zu;\n", name ? name : "\"\"", number);
    free(name);
    return r < 0 ? err_set(err, ERR_INVALID, "There are too many bindings.") : 0;
}

static bool is_global(const json_t *binding)
{
    static const char *const kinds[] = {"wasm_module", "text_blob", "data_blob"};
    const char *type = member_text(binding, "type");

    for (size_t i = 0; type && i < COUNT_OF(kinds); i++)
        if (strcmp(type, kinds[i]) == 0)
            return true;
    return false;
}

static int put_entry(const json_t *version, const struct layout *layout, struct buf *out,
                     struct err *err)
{
    bool classic = layout->main->type->kind == KIND_CLASSIC;
    json_t *binding;
    size_t i;
    int r = 0;

    json_array_foreach(json_object_get(version, "bindings"), i, binding)
        if (r == 0 && is_global(binding))
            r = classic ? put_global(layout, binding, i, out, err)
                        : err_set(err, ERR_INVALID,
                                  "The binding \"%s\" has the type \"%s\", which only scripts in "
                                  "service-worker syntax can have: import the module instead.",
                                  member_text(binding, "name"), member_text(binding, "type"));
    if (r < 0)
        return r;
    r = classic ? buf_append(out, STR(BUNDLE_SCRIPT_MAIN "(require("))
                : buf_append(out, STR("import * as worker from "));
    if (r == 0 && (r = put_specifier(layout->main, out)) == 0)
        r = classic ? buf_append(out, STR("));\n"))
                    : buf_append(out, STR(";\n" BUNDLE_SCRIPT_MAIN "(worker);\n"));
    return r < 0 ? err_set(err, ERR_INVALID, "There are too many bindings.") : 0;
}

/* Makes the directory. Its path has no links, as esbuild's have none. */
static int make_directory(struct upload_files *files, struct err *err)
{
    char *made;
    int r = file_make_temporary(&made, err);

    if (r < 0)
        return r;
    files->directory = realpath(made, NULL);
    if (!files->directory)
        r = err_set_io(err, made);
    free(made);
    return r;
}

static int write_all(const json_t *version, const struct layout *layout, struct err *err)
{
    struct buf entry;
    int r = make_directory(layout->files, err);

    for (size_t i = 0; i < layout->count && r == 0; i++)
        r = write_module(layout, &layout->modules[i], err);
    buf_init(&entry, ENTRY_BYTES_MAX);
    if (r == 0 && (r = put_entry(version, layout, &entry, err)) == 0)
        layout->files->entry = buf_take(&entry, NULL);
    buf_done(&entry);
    return r;
}

int upload_files_write(const json_t *version, const json_t *modules, str blob,
                       struct upload_files *ret, struct err *err)
{
    struct upload_files files = {0};
    struct layout layout = {.files = &files};
    int r;

    layout.modules = mem_zeroed((json_array_size(modules) + 1) * sizeof *layout.modules);
    if ((r = read_modules(version, modules, blob, &layout, err)) == 0)
        r = write_all(version, &layout, err);
    free(layout.modules);
    if (r == 0)
        *ret = files;
    else
        upload_files_done(&files);
    return r;
}

void upload_files_done(struct upload_files *files)
{
    if (files->directory)
        file_remove_tree(files->directory);
    free(files->directory);
    free(files->entry);
    *files = (struct upload_files){0};
}
