/* A worker's configuration; see config.h.
 *
 * (1) `shapes` says which keys atoll acts on, what each must be, and whether an environment
 *     inherits it; config_binding.c has the sections that make bindings. `known` lists every key of
 *     wrangler, so that a typing error is told from a setting that means nothing here.
 * (2) A value is looked up in the environment's section first; where it is found decides the place
 *     that a message names. */
#include "control/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/config_private.h"
#include "control/dotenv.h"
#include "control/suggest.h"
#include "os/file.h"
#include "os/path.h"

enum { ENVIRONMENTS_SHOWN_MAX = 50 };

enum kind { TEXT, FLAG, TABLE, TEXT_TABLE, LIST, TEXT_LIST, TABLE_LIST };
enum reach { INHERITED, REPEATED, TOP_ONLY };
enum use { OWN, BUILD, DEPLOY };    /* looked at here; or handed on as it stands */

struct shape {
    const char *key;
    enum kind kind;
    enum reach reach;
    enum use use;
};

static const struct shape shapes[] = {
    {"name",                     TEXT,       INHERITED, OWN},
    {"main",                     TEXT,       INHERITED, OWN},
    {"compatibility_date",       TEXT,       INHERITED, OWN},
    {"compatibility_flags",      TEXT_LIST,  INHERITED, OWN},
    {"vars",                     TABLE,      REPEATED,  OWN},
    {"env",                      TABLE,      TOP_ONLY,  OWN},
    {"build",                    TABLE,      INHERITED, OWN},
    {"alias",                    TEXT_TABLE, TOP_ONLY,  BUILD},
    {"define",                   TEXT_TABLE, REPEATED,  BUILD},
    {"rules",                    LIST,       INHERITED, BUILD},
    {"minify",                   FLAG,       INHERITED, BUILD},
    {"keep_names",               FLAG,       INHERITED, BUILD},
    {"jsx_factory",              TEXT,       INHERITED, BUILD},
    {"jsx_fragment",             TEXT,       INHERITED, BUILD},
    {"tsconfig",                 TEXT,       INHERITED, BUILD},
    {"limits",                   TABLE,      INHERITED, DEPLOY},
    {"triggers",                 TABLE,      INHERITED, DEPLOY},
    {"routes",                   LIST,       INHERITED, DEPLOY},
    {"workers_dev",              FLAG,       INHERITED, DEPLOY},
    {"preview_urls",             FLAG,       INHERITED, DEPLOY},
    {"observability",            TABLE,      INHERITED, DEPLOY},
    {"logpush",                  FLAG,       INHERITED, DEPLOY},
    {"placement",                TABLE,      INHERITED, DEPLOY},
    {"tail_consumers",           TABLE_LIST, REPEATED,  DEPLOY},
    {"streaming_tail_consumers", TABLE_LIST, REPEATED,  DEPLOY},
    {"migrations",               TABLE_LIST, INHERITED, DEPLOY},
    {"assets",                   TABLE,      INHERITED, DEPLOY},
    {"secrets",                  TABLE,      REPEATED,  DEPLOY},
    {"unsafe",                   TABLE,      REPEATED,  DEPLOY},
    {"keep_vars",                FLAG,       INHERITED, DEPLOY},
    {"no_bundle",                FLAG,       INHERITED, DEPLOY},
    {"find_additional_modules",  FLAG,       INHERITED, DEPLOY},
    {"base_dir",                 TEXT,       INHERITED, DEPLOY},
    {"upload_source_maps",       FLAG,       INHERITED, DEPLOY},
    {"account_id",               TEXT,       INHERITED, DEPLOY},
    {"text_blobs",               TEXT_TABLE, TOP_ONLY,  DEPLOY},
    {"data_blobs",               TEXT_TABLE, TOP_ONLY,  DEPLOY},
    {"wasm_modules",             TEXT_TABLE, TOP_ONLY,  DEPLOY},
};

static const char *const known[] = {
    "$schema", "name", "main", "compatibility_date", "compatibility_flags", "limits",
    "triggers", "vars", "env", "alias", "define", "rules", "minify", "keep_names", "jsx_factory",
    "jsx_fragment", "tsconfig", "account_id", "ai", "ai_search", "ai_search_namespaces",
    "analytics_engine_datasets", "artifacts", "assets", "base_dir", "browser", "build",
    "cloudchamber", "compliance_region", "containers", "d1_databases", "data_blobs", "dev",
    "dispatch_namespaces", "durable_objects", "find_additional_modules", "first_party_worker",
    "flagship", "hyperdrive", "images", "keep_vars", "kv_namespaces", "legacy_env", "logfwdr",
    "logpush", "media", "migrations", "mtls_certificates", "no_bundle", "observability",
    "pages_build_output_dir", "pipelines", "placement", "preserve_file_names", "preview_urls",
    "previews", "python_modules", "queues", "r2_buckets", "ratelimits", "route", "routes",
    "secrets", "secrets_store_secrets", "send_email", "send_metrics", "services", "site", "stream",
    "streaming_tail_consumers", "tail_consumers", "text_blobs", "unsafe",
    "unsafe_hello_world", "upload_source_maps", "vectorize", "version_metadata", "vpc_networks",
    "vpc_services", "wasm_modules", "worker_loaders", "workers_dev", "workflows", NULL,
};

static const char *const file_names[] = {"wrangler.json", "wrangler.jsonc", "wrangler.toml"};
static const char *const script_endings[] = {".js", ".mjs", ".cjs", ".jsx",
                                             ".ts", ".mts", ".cts", ".tsx"};

static void warn(struct config_reader *rd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct config_reader *rd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    json_array_append_new(rd->config->warnings, json_vsprintf(format, args));
    va_end(args);
}

bool config_is_own(const struct config_reader *rd, const char *key)
{
    return rd->section && json_object_get(rd->section, key);
}

/* The way to `key` where it was found: in the environment's section or at the top. */
static void way_to(const struct config_reader *rd, const char *key, const char *inner,
                   const char *way[5])
{
    size_t n = 0;

    if (config_is_own(rd, key)) {
        way[n++] = "env";
        way[n++] = rd->request->environment;
    }
    way[n++] = key;
    if (inner)
        way[n++] = inner;
    way[n] = NULL;
}

int config_complain(const struct config_reader *rd, const char *key, const char *inner,
                    const char *format, ...)
{
    char text[ERR_TEXT_MAX / 2];
    const char *way[5];
    va_list args;

    way_to(rd, key, inner, way);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return config_file_complain(rd->file, way, rd->err, "%s", text);
}

static const char *wanted(const struct config_reader *rd, enum kind kind)
{
    static const char *const words[] = {
        [TEXT] = "a string",
        [FLAG] = "true or false",
        [LIST] = "a list",
        [TEXT_LIST] = "a list of strings",
    };

    if (kind == TABLE_LIST)
        return rd->file->toml ? "a list of tables" : "a list of objects";
    if (kind == TABLE)
        return rd->file->toml ? "a table of names and values" : "an object of names and values";
    if (kind == TEXT_TABLE)
        return rd->file->toml ? "a table of names and strings" : "an object of names and strings";
    return words[kind];
}

static bool fits(const json_t *value, enum kind kind)
{
    switch (kind) {
    case TEXT:
        return json_is_string(value);
    case FLAG:
        return json_is_boolean(value);
    case LIST:
    case TEXT_LIST:
    case TABLE_LIST:
        return json_is_array(value);
    case TABLE:
    case TEXT_TABLE:
        return json_is_object(value);
    }
    return false;
}

/* Checks that what a table or list of strings holds is strings. */
static int check_inner(struct config_reader *rd, const struct shape *shape, json_t *value)
{
    const char *key;
    json_t *inner;
    size_t i;

    if (shape->kind == TEXT_TABLE)
        json_object_foreach(value, key, inner)
            if (!json_is_string(inner))
                return config_complain(rd, shape->key, key,
                                       "\"%s.%s\" must be a string, but it is %s", shape->key, key,
                                       config_file_kind(rd->file, inner));
    if (shape->kind == TEXT_LIST)
        json_array_foreach(value, i, inner)
            if (!json_is_string(inner))
                return config_complain(rd, shape->key, NULL,
                                       "\"%s\" must be a list of strings, but item %zu is %s",
                                       shape->key, i + 1, config_file_kind(rd->file, inner));
    if (shape->kind == TABLE_LIST)
        json_array_foreach(value, i, inner)
            if (!json_is_object(inner))
                return config_complain(rd, shape->key, NULL,
                                       "\"%s\" must be %s, but item %zu is %s", shape->key,
                                       wanted(rd, TABLE_LIST), i + 1,
                                       config_file_kind(rd->file, inner));
    return 0;
}

/* The value of `shape` after inheritance; NULL when there is none. Borrowed. */
static json_t *find(const struct config_reader *rd, const struct shape *shape)
{
    json_t *own = rd->section && shape->reach != TOP_ONLY ? json_object_get(rd->section, shape->key)
                                                          : NULL;

    if (own || (rd->section && shape->reach == REPEATED))
        return own;
    return json_object_get(rd->file->top, shape->key);
}

static json_t *value_of(const struct config_reader *rd, const char *key)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        if (strcmp(shapes[i].key, key) == 0)
            return find(rd, &shapes[i]);
    return NULL;
}

static int check_shapes(struct config_reader *rd)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const struct shape *shape = &shapes[i];
        json_t *value = find(rd, shape);
        int r;

        if (!value)
            continue;
        if (!fits(value, shape->kind))
            return config_complain(rd, shape->key, NULL, "\"%s\" must be %s, but it is %s",
                                   shape->key, wanted(rd, shape->kind),
                                   config_file_kind(rd->file, value));
        if ((r = check_inner(rd, shape, value)) < 0)
            return r;
        if (shape->use == BUILD)
            json_object_set(rd->config->build, shape->key, value);
        if (shape->use == DEPLOY)
            json_object_set(rd->config->deploy, shape->key, value);
    }
    return 0;
}

static void warn_unknown(struct config_reader *rd)
{
    const char *key;
    json_t *value;

    json_object_foreach(rd->file->top, key, value) {
        size_t i = 0;
        const char *near;

        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        near = suggest_word(key, known);
        config_file_complain(rd->file, (const char *const[]){key, NULL}, rd->err,
                             "unknown key \"%s\" is ignored%s%s%s", key,
                             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        warn(rd, "%s", rd->err->text);
    }
}

static int fail_environment(struct config_reader *rd, const char *wanted_name)
{
    const char *words[ENVIRONMENTS_SHOWN_MAX + 1] = {NULL}, *near;
    struct buf names;
    json_t *name;
    size_t i;

    buf_init(&names, ERR_TEXT_MAX / 2);
    json_array_foreach(rd->config->environments, i, name) {
        if (i == ENVIRONMENTS_SHOWN_MAX ||
            buf_printf(&names, "%s%s", names.len ? ", " : "", json_string_value(name)) < 0)
            break;
        words[i] = json_string_value(name);
    }
    near = suggest_word(wanted_name, words);
    err_set(rd->err, ERR_NOT_FOUND, "%s: there is no environment \"%s\"; %s%.*s%s%s%s",
            rd->file->shown, wanted_name, names.len ? "there are: " : "the file has none",
            STR_ARGS(buf_str(&names)), near ? "\ndid you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    buf_done(&names);
    return ERR_NOT_FOUND;
}

static int select_environment(struct config_reader *rd)
{
    const char *wanted_name = rd->request->environment;
    json_t *all = json_object_get(rd->file->top, "env");
    const char *name;
    json_t *section;

    json_object_foreach(all, name, section)
        json_array_append_new(rd->config->environments, json_string(name));
    if (!wanted_name)
        return 0;
    rd->config->environment = str_dup(str_from(wanted_name));
    rd->section = json_object_get(all, wanted_name);
    if (json_is_object(rd->section))
        return 0;
    if (rd->section)
        return config_file_complain(rd->file, (const char *const[]){"env", wanted_name, NULL},
                                    rd->err, "\"env.%s\" must be %s, but it is %s", wanted_name,
                                    wanted(rd, TABLE), config_file_kind(rd->file, rd->section));
    return fail_environment(rd, wanted_name);
}

bool config_is_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!islower((unsigned char)c) && !isdigit((unsigned char)c) && c != '_' &&
            (c != '-' || i == 0))
            return false;
    }
    return name.len > 0 && name.len <= CONFIG_NAME_MAX;
}

/* A name made of a file's or directory's. Returned owned. */
static char *name_from(str text)
{
    char *name = str_dup(str_head(text, CONFIG_NAME_MAX));

    for (char *c = name; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
        if (!isalnum((unsigned char)*c) || (unsigned char)*c > 127)
            *c = '-';
    }
    while (*name == '-')
        memmove(name, name + 1, strlen(name));
    if (*name)
        return name;
    free(name);
    return str_dup(STR("worker"));
}

static int take_name(struct config_reader *rd)
{
    json_t *own = rd->section ? json_object_get(rd->section, "name") : NULL;
    json_t *top = json_object_get(rd->file->top, "name");
    const char *given = json_string_value(own ? own : top);
    char *base = given ? str_dup(str_from(given))
                       : name_from(path_file_name(str_from(rd->config->root)));
    struct buf name;

    buf_init(&name, CONFIG_FILE_BYTES_MAX);
    ASSERT(buf_append(&name, str_from(base)) == 0);
    if (rd->section && !own)
        ASSERT(buf_printf(&name, "-%s", rd->request->environment) == 0);
    free(base);
    rd->config->name = buf_take(&name, NULL);
    if (config_is_name(str_from(rd->config->name)))
        return 0;
    return config_complain(
        rd, "name", NULL,
        "\"%.80s\" cannot be a worker's name: it takes small letters, digits, - and "
        "_, at most %d of them",
        rd->config->name, CONFIG_NAME_MAX);
}

static int take_main(struct config_reader *rd)
{
    const char *given = json_string_value(value_of(rd, "main"));

    if (!given && json_is_string(json_object_get(value_of(rd, "assets"), "directory")))
        return 0;
    if (!given)
        return err_set(rd->err, ERR_INVALID,
                       "%s: \"main\" is missing: it must name the file to start at, such as "
                       "\"src/index.ts\"",
                       rd->file->shown);
    rd->config->main = path_join(str_from(rd->config->root), str_from(given));
    if (rd->config->build_command || path_is_file(rd->config->main))
        return 0;
    return config_complain(rd, "main", NULL,
                           "\"main\" must name a file that exists, but \"%.200s\" %s", given,
                           path_is_directory(rd->config->main) ? "is a directory" : "does not");
}

static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";

    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    return true;
}

static int take_compatibility(struct config_reader *rd)
{
    const char *date = json_string_value(value_of(rd, "compatibility_date"));
    json_t *flags = value_of(rd, "compatibility_flags");

    if (date && !is_date(date))
        return config_complain(
            rd, "compatibility_date", NULL,
            "\"compatibility_date\" must be a date such as \"2026-01-31\", but it is "
            "\"%.40s\"",
            date);
    rd->config->compatibility_date = date ? str_dup(str_from(date)) : NULL;
    if (flags)
        json_array_extend(rd->config->compatibility_flags, flags);
    return 0;
}

static int take_limits(struct config_reader *rd)
{
    json_t *cpu_ms = json_object_get(value_of(rd, "limits"), "cpu_ms");
    json_int_t value = json_integer_value(cpu_ms);

    if (!cpu_ms)
        return 0;
    if (!json_is_integer(cpu_ms))
        return config_complain(
            rd, "limits", "cpu_ms",
            "\"limits.cpu_ms\" must be a whole number of milliseconds, but it is %s",
            config_file_kind(rd->file, cpu_ms));
    if (value < 1 || value > CONFIG_CPU_MS_MAX)
        return config_complain(rd, "limits", "cpu_ms",
                               "\"limits.cpu_ms\" must lie between 1 and %d, but it is %lld",
                               CONFIG_CPU_MS_MAX, (long long)value);
    rd->config->cpu_ms = (uint64_t)value;
    return 0;
}

/* `build.watch_dir`: one directory or several, relative to where the command runs. */
static int take_build_watch(struct config_reader *rd, json_t *given)
{
    json_t *list = json_is_array(given) ? json_incref(given) : json_pack("[O*]", given), *directory;
    int r = 0;
    size_t i;

    rd->config->build_watch = json_array();
    if (!given)
        json_array_append_new(list, json_string("src"));
    json_array_foreach(list, i, directory) {
        char *joined, *plain;

        if (!json_is_string(directory)) {
            r = config_complain(rd, "build", "watch_dir",
                                "\"build.watch_dir\" must be a string or a list of strings, but it "
                                "has %s",
                                config_file_kind(rd->file, directory));
            break;
        }
        joined = path_join(str_from(rd->config->build_directory),
                           str_from(json_string_value(directory)));
        plain = path_absolute(str_from(joined));
        json_array_append_new(rd->config->build_watch, json_string(plain ? plain : joined));
        free(joined);
        free(plain);
    }
    json_decref(list);
    return r;
}

/* A command of the author's that makes `main`. */
static int take_build(struct config_reader *rd)
{
    const json_t *build = value_of(rd, "build");
    const json_t *command = json_object_get(build, "command"), *cwd = json_object_get(build, "cwd");

    if (command && !json_is_string(command))
        return config_complain(rd, "build", "command",
                               "\"build.command\" must be a string, but it is %s",
                               config_file_kind(rd->file, command));
    if (cwd && !json_is_string(cwd))
        return config_complain(rd, "build", "cwd", "\"build.cwd\" must be a string, but it is %s",
                               config_file_kind(rd->file, cwd));
    if (!json_string_length(command))
        return 0;
    rd->config->build_command = str_dup(str_from(json_string_value(command)));
    rd->config->build_directory = path_join(str_from(rd->config->root),
                                            str_from(cwd ? json_string_value(cwd) : "."));
    return take_build_watch(rd, json_object_get(build, "watch_dir"));
}

/* Merges the secrets of development over the variables: .dev.vars.<environment> where it exists,
 * else .dev.vars. */
static int take_dev_vars(struct config_reader *rd)
{
    const char *environment = rd->request->environment;
    struct buf name, text;
    char *path = NULL, *shown;
    int r;

    buf_init(&name, CONFIG_FILE_BYTES_MAX);
    if (environment) {
        ASSERT(buf_printf(&name, "%s/.dev.vars.%s", rd->config->root, environment) == 0);
        path = buf_take(&name, NULL);
    }
    if (!path || !path_is_file(path)) {
        free(path);
        path = path_join(str_from(rd->config->root), STR(".dev.vars"));
    }
    buf_init(&text, DOTENV_BYTES_MAX);
    r = file_read(path, &text, rd->err);
    shown = config_file_shown(path);
    if (r == 0)
        r = dotenv_parse(buf_str(&text), shown, rd->config->vars, rd->err);
    else if (r == ERR_NOT_FOUND)
        r = 0;
    free(shown);
    buf_done(&text);
    free(path);
    return r;
}

static int take_vars(struct config_reader *rd)
{
    json_t *vars = rd->file ? value_of(rd, "vars") : NULL;
    int r;

    if (vars)
        json_object_update(rd->config->vars, vars);
    if (rd->request->dev_vars && (r = take_dev_vars(rd)) < 0)
        return r;
    if (rd->request->vars)
        json_object_update(rd->config->vars, (json_t *)rd->request->vars);
    if (json_dumpb(rd->config->vars, NULL, 0, JSON_COMPACT) > CONFIG_VARS_BYTES_MAX)
        return err_set(rd->err, ERR_LIMIT, "the variables together are larger than %d bytes",
                       CONFIG_VARS_BYTES_MAX);
    return 0;
}

static void warn_ignored(struct config_reader *rd)
{
    if (rd->section && !json_object_get(rd->section, "vars") &&
        json_object_get(rd->file->top, "vars"))
        warn(rd, "%s: \"vars\" stands at the top but not in \"env.%s\", which does not inherit it",
             rd->file->shown, rd->request->environment);
}

static int read_file(struct config_reader *rd, const char *path)
{
    int r;

    if ((r = config_file_open(path, &rd->file, rd->err)) < 0)
        return r;
    rd->config->file = str_dup(str_from(path));
    rd->config->root = path_directory(str_from(path));
    if ((r = select_environment(rd)) < 0 || (r = check_shapes(rd)) < 0 || (r = take_name(rd)) < 0 ||
        (r = take_build(rd)) < 0 || (r = take_main(rd)) < 0 || (r = take_compatibility(rd)) < 0 ||
        (r = take_limits(rd)) < 0 || (r = config_trigger_check(rd)) < 0 ||
        (r = config_binding_take(rd)) < 0)
        return r;
    warn_unknown(rd);
    warn_ignored(rd);
    return take_vars(rd);
}

/* A worker without a file: named after the script, or after its directory when the script has a
 * name that says nothing. */
static int read_script(struct config_reader *rd, const char *path)
{
    static const char *const plain[] = {"index", "worker", "main", "src", NULL};
    str stem = path_stem(str_from(path));
    str directory;

    if (rd->request->environment)
        return err_set(rd->err, ERR_INVALID, "--env needs a wrangler file; %s stands alone", path);
    rd->config->main = str_dup(str_from(path));
    rd->config->root = path_directory(str_from(path));
    directory = str_from(rd->config->root);
    for (size_t i = 0; plain[i] && directory.len > 1; i++) {
        if (!str_equal(stem, str_from(plain[i])))
            continue;
        stem = path_file_name(directory);
        directory = str_head(directory, directory.len - stem.len - 1);
    }
    rd->config->name = name_from(stem);
    return take_vars(rd);
}

static bool is_script(str path)
{
    for (size_t i = 0; i < COUNT_OF(script_endings); i++)
        if (str_ends(path, str_from(script_endings[i])))
            return true;
    return false;
}

/* The configuration file of `directory`; NULL when there is none. Returned owned. */
static char *file_in(const char *directory)
{
    for (size_t i = 0; i < COUNT_OF(file_names); i++) {
        char *path = path_join(str_from(directory), str_from(file_names[i]));

        if (path_is_file(path))
            return path;
        free(path);
    }
    return NULL;
}

static int read_directory(struct config_reader *rd, const char *directory)
{
    char *file = file_in(directory), *shown;
    int r;

    if (file) {
        r = read_file(rd, file);
        free(file);
        return r;
    }
    shown = config_file_shown(directory);
    r = err_set(rd->err, ERR_NOT_FOUND,
                "no wrangler.jsonc, wrangler.json or wrangler.toml in %s\n"
                "name a script to run without one, such as: atoll dev src/index.js\n"
                "or start a new project: atoll init my-worker",
                strcmp(shown, ".") == 0 ? "this directory" : shown);
    free(shown);
    return r;
}

static int read_path(struct config_reader *rd, const char *path)
{
    str text = str_from(path);

    if (path_is_directory(path))
        return read_directory(rd, path);
    if (!path_is_file(path))
        return err_set(rd->err, ERR_NOT_FOUND, "%s: there is no such file or directory",
                       rd->request->path);
    if (is_script(text))
        return read_script(rd, path);
    if (str_ends(text, STR(".toml")) || str_ends(text, STR(".json")) ||
        str_ends(text, STR(".jsonc")))
        return read_file(rd, path);
    return err_set(rd->err, ERR_INVALID,
                   "%s: neither a script (.js, .ts, ...) nor a configuration file (.jsonc, .json, "
                   ".toml)",
                   rd->request->path);
}

int config_read(const struct config_request *request, struct config **ret_config, struct err *err)
{
    struct config_reader rd = {.request = request, .config = mem_new(struct config), .err = err};
    char *path = path_absolute(str_from(request->path));
    int r;

    rd.config->refs = 1;
    rd.config->vars = json_object();
    rd.config->compatibility_flags = json_array();
    rd.config->build = json_object();
    rd.config->deploy = json_object();
    rd.config->bindings = json_array();
    rd.config->environments = json_array();
    rd.config->warnings = json_array();
    rd.config->cpu_ms = CONFIG_CPU_MS_DEFAULT;
    if (path)
        r = read_path(&rd, path);
    else
        r = err_set(err, ERR_IO, "the working directory is gone");
    free(path);
    config_file_free(rd.file);
    if (r < 0)
        config_unref(rd.config);
    else
        *ret_config = rd.config;
    return r;
}

struct config *config_ref(struct config *config)
{
    config->refs++;
    return config;
}

void config_unref(struct config *config)
{
    if (!config || --config->refs)
        return;
    json_decref(config->environments);
    json_decref(config->warnings);
    json_decref(config->build);
    json_decref(config->deploy);
    json_decref(config->bindings);
    json_decref(config->compatibility_flags);
    json_decref(config->vars);
    free(config->compatibility_date);
    free(config->build_command);
    free(config->build_directory);
    json_decref(config->build_watch);
    free(config->environment);
    free(config->main);
    free(config->name);
    free(config->root);
    free(config->file);
    free(config);
}

void config_each_file(const char *root, const char *environment,
                      void (*each)(void *context, const char *path), void *context)
{
    struct buf name;
    char *path;

    for (size_t i = 0; i < COUNT_OF(file_names); i++) {
        path = path_join(str_from(root), str_from(file_names[i]));
        each(context, path);
        free(path);
    }
    path = path_join(str_from(root), STR(".dev.vars"));
    each(context, path);
    if (environment) {
        buf_init(&name, CONFIG_FILE_BYTES_MAX);
        ASSERT(buf_printf(&name, "%s.%s", path, environment) == 0);
        free(path);
        path = buf_take(&name, NULL);
        each(context, path);
    }
    free(path);
}
