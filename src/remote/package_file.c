/* Files that are uploaded as they are: those that module rules name, below base_dir. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/member.h"
#include "os/file.h"
#include "os/path.h"
#include "remote/glob.h"
#include "remote/package_private.h"

enum { DEPTH_MAX = 16 };

/* The rules that count when the configuration's do not name a file. */
static const struct {
    const char *type, *glob;
} defaults[] = {
    {"Text", "**/*.txt"}, {"Text", "**/*.html"}, {"Text", "**/*.sql"},
    {"Data", "**/*.bin"}, {"CompiledWasm", "**/*.wasm"},
};

struct search {
    struct package *package;
    const json_t *rules;
    const char *top;       /* absolute */
    const char *main;      /* its name */
    size_t count;
    struct err *err;
};

static char *base_of(const struct config *config)
{
    const char *given = member_text(config->deploy, "base_dir");

    return given ? path_join(str_from(config->root), str_from(given))
                 : path_directory(str_from(config->main));
}

char *package_file_main(const struct config *config)
{
    char *base = base_of(config), *plain = path_absolute(str_from(base));
    char *name = path_relative(str_from(config->main), str_from(plain ? plain : base));

    free(base);
    free(plain);
    return name;
}

/* The type of the first rule that names the file; NULL: none does. */
static const char *type_of(const json_t *rules, str name)
{
    json_t *rule, *glob;
    size_t i, j;

    json_array_foreach(rules, i, rule)
        json_array_foreach(json_object_get(rule, "globs"), j, glob)
            if (json_is_string(glob) && glob_matches(str_from(json_string_value(glob)), name))
                return member_text(rule, "type");
    for (i = 0; i < COUNT_OF(defaults); i++)
        if (glob_matches(str_from(defaults[i].glob), name))
            return defaults[i].type;
    return NULL;
}

static int add_file(struct search *s, const char *name)
{
    const char *type = strcmp(name, s->main) == 0 ? NULL : type_of(s->rules, str_from(name));
    struct buf text;
    char *path;
    int r;

    if (!type)
        return 0;
    if (!package_type_of(type))
        return err_set(s->err, ERR_INVALID, "%s: a rule of the type \"%s\" is not supported", name,
                       type);
    if (++s->count > PACKAGE_FILES_MAX)
        return err_set(s->err, ERR_LIMIT, "more than %d files are to be uploaded from %s",
                       PACKAGE_FILES_MAX, s->top);
    path = path_join(str_from(s->top), str_from(name));
    buf_init(&text, PACKAGE_BYTES_MAX);
    r = file_read(path, &text, s->err);
    if (r == 0)
        r = package_add(s->package, name, package_type_of(type), buf_str(&text), s->err);
    buf_done(&text);
    free(path);
    return r;
}

static int search_directory(struct search *s, const char *relative, int depth);

/* Packages and what is hidden are nobody's modules. */
static int search_entry(struct search *s, const char *relative, const char *entry, int depth)
{
    char *name, *path;
    int r = 0;

    if (*entry == '.' || strcmp(entry, "node_modules") == 0)
        return 0;
    name = path_join(str_from(relative), str_from(entry));
    path = path_join(str_from(s->top), str_from(name));
    if (path_is_directory(path))
        r = search_directory(s, name, depth + 1);
    else if (path_is_file(path))
        r = add_file(s, name);
    free(path);
    free(name);
    return r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int search_directory(struct search *s, const char *relative, int depth)
{
    char *path = path_join(str_from(s->top), str_from(relative));
    struct dirent **entries = NULL;
    int count = depth < DEPTH_MAX ? scandir(path, &entries, NULL, by_name) : -1, r = 0;

    if (count < 0)
        r = err_set(s->err, ERR_IO, "%s: %s", path,
                    depth < DEPTH_MAX ? strerror(errno) : "too many levels of directories");
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = search_entry(s, relative, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return r;
}

int package_file_add_all(struct package *package, const struct config *config, struct err *err)
{
    char *top = base_of(config), *main_name = package_file_main(config);
    struct search search = {
        .package = package,
        .rules = json_object_get(config->build, "rules"),
        .top = top,
        .main = main_name,
        .err = err,
    };
    int r = search_directory(&search, "", 0);

    free(main_name);
    free(top);
    return r;
}
