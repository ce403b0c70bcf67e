/* The command line of esbuild; see bundle_args.h.
 *
 * One shape for all that is evaluated here: an entry on standard input that hands the worker's
 * namespace over, an ES module as output, copied files for what is neither script nor text. What is
 * to be uploaded starts at the author's own module, and text is copied, too. */
#include "control/bundle_args.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/member.h"
#include "control/bundle_script.h"
#include "os/path.h"

static const char *const fixed[] = {
    "--format=esm", "--platform=browser", "--target=esnext", "--sourcemap=external",
    "--conditions=workerd,worker,browser", "--main-fields=browser,module,main",
    "--asset-names=[name]-[hash]", "--log-level=warning", "--log-limit=20", "--color=false",
    "--loader:.js=jsx", "--loader:.mjs=jsx", "--loader:.cjs=jsx", "--loader:.wasm=copy",
    "--loader:.bin=copy",
};

/* Scripts that our own runtime evaluates: import() and require() of what is not bundled become
 * calls of the script's own `require`; `using` and decorators are lowered because the engine does
 * not parse them. */
static const char *const evaluated[] = {
    "--bundle", "--charset=ascii", "--supported:dynamic-import=false", "--supported:using=false",
    "--supported:decorators=false", "--sourcefile=atoll-entry.js", "--loader:.html=text",
    "--loader:.txt=text", "--loader:.sql=text", "--define:import.meta=" BUNDLE_SCRIPT_META,
};

/* Workers that are uploaded. */
static const char *const packaged[] = {
    "--charset=utf8", "--sources-content=false", "--loader:.html=copy", "--loader:.txt=copy",
    "--loader:.sql=copy",
};

/* Node's modules under their bare names, with the flag nodejs_compat. */
static const char *const node_modules[] = {
    "assert", "async_hooks", "buffer", "console", "constants", "crypto", "diagnostics_channel",
    "dns", "events", "fs", "http", "http2", "https", "module", "net", "os", "path", "perf_hooks",
    "process", "punycode", "querystring", "readline", "stream", "string_decoder", "sys", "timers",
    "tls", "tty", "url", "util", "v8", "vm", "worker_threads", "zlib",
};

/* Uploaded modules: their type is their file's extension, whatever their own name ends with. */
static const char *const uploaded[] = {
    "--resolve-extensions=" BUNDLE_SCRIPT_SUFFIX ".mjs," BUNDLE_SCRIPT_SUFFIX ".cjs,"
    BUNDLE_SCRIPT_SUFFIX ".js," BUNDLE_SCRIPT_SUFFIX ".json," BUNDLE_SCRIPT_SUFFIX ".txt,"
    BUNDLE_SCRIPT_SUFFIX ".wasm," BUNDLE_SCRIPT_SUFFIX ".bin",
    "--loader:" BUNDLE_SCRIPT_SUFFIX ".mjs=js", "--loader:" BUNDLE_SCRIPT_SUFFIX ".cjs=js",
    "--loader:" BUNDLE_SCRIPT_SUFFIX ".js=js", "--tsconfig-raw={}", "--sources-content=false",
    "--define:process.env.NODE_ENV=\"production\"",
};

/* Modules that the runtime has itself. */
static const char *const runtime_modules[] = {"cloudflare:workers", "cloudflare:sockets"};

/* Modules that an uploaded worker may name; whether the runtime has them is its own to say, when
 * they are asked for. */
static const char *const asked_modules[] = {
    "cloudflare:email", "cloudflare:workflows", "node:assert", "node:assert/strict",
    "node:async_hooks", "node:buffer", "node:child_process", "node:cluster", "node:console",
    "node:constants", "node:crypto", "node:dgram", "node:diagnostics_channel", "node:dns",
    "node:dns/promises", "node:domain", "node:events", "node:fs", "node:fs/promises", "node:http",
    "node:http2", "node:https", "node:inspector", "node:inspector/promises", "node:module",
    "node:net", "node:os", "node:path", "node:path/posix", "node:path/win32", "node:perf_hooks",
    "node:process", "node:punycode", "node:querystring", "node:readline",
    "node:readline/promises", "node:repl", "node:sqlite", "node:stream", "node:stream/consumers",
    "node:stream/promises", "node:stream/web", "node:string_decoder", "node:sys", "node:test",
    "node:timers", "node:timers/promises", "node:tls", "node:trace_events", "node:tty",
    "node:url", "node:util", "node:util/types", "node:v8", "node:vm", "node:wasi",
    "node:worker_threads", "node:zlib",
};

/* Kinds of wrangler's module rules that are anything but a script. */
static const struct {
    const char *type, *loader;
} rule_loaders[] = {{"CompiledWasm", "copy"}, {"Data", "copy"}, {"Text", "text"}};

static void add(struct bundle_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct bundle_args *args, const char *format, ...)
{
    va_list list;

    if (args->count == BUNDLE_ARGS_MAX)
        return;
    va_start(list, format);
    if (vasprintf(&args->argv[args->count], format, list) >= 0)
        args->count++;
    va_end(list);
}

static void warn(struct buf *warnings, const char *what, const char *value)
{
    if (buf_printf(warnings, "warning: %s: %s\n", what, value) < 0)
        return;
}

/* "**" "/" "*.ext" names an extension, which is all that esbuild's loaders know. */
static const char *extension_of(const char *glob)
{
    str text = str_from(glob);

    if (str_starts(text, STR("**/")))
        text = str_skip(text, 3);
    if (!str_starts(text, STR("*.")) || text.len < 3)
        return NULL;
    text = str_skip(text, 1);
    for (size_t i = 0; i < text.len; i++)
        if (strchr("*?[]{}/=", text.ptr[i]))
            return NULL;
    return text.ptr;
}

static void add_rule(struct bundle_args *args, const json_t *rule, struct buf *warnings)
{
    const char *type = member_text(rule, "type"), *loader = NULL;
    json_t *glob;
    size_t i;

    for (i = 0; i < COUNT_OF(rule_loaders); i++)
        if (type && strcmp(type, rule_loaders[i].type) == 0)
            loader = rule_loaders[i].loader;
    if (!loader)
        return;
    json_array_foreach(json_object_get(rule, "globs"), i, glob) {
        const char *pattern = json_string_value(glob);
        const char *extension = pattern ? extension_of(pattern) : NULL;

        if (extension)
            add(args, "--loader:%s=%s", extension, loader);
        else if (pattern && !str_ends(str_from(pattern), STR(".wasm?module")))
            warn(warnings, "a rule is followed only for globs such as **/*.ext, not for", pattern);
    }
}

static bool is_set(const json_t *build, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(build, key);

    return value ? json_is_true(value) : otherwise;
}

static void add_text(struct bundle_args *args, const json_t *build, const char *key,
                     const char *option)
{
    const char *value = member_text(build, key);

    if (value)
        add(args, "%s=%s", option, value);
}

/* Settings that the configuration makes. Minified code keeps its lines, which bundle_script.c
 * counts on, and the names of functions. */
static void add_build(struct bundle_args *args, const json_t *build, bool minify,
                      struct buf *warnings)
{
    json_t *value;
    const char *key;
    size_t i;

    json_object_foreach(json_object_get(build, "define"), key, value)
        add(args, "--define:%s=%s", key, json_string_value(value));
    json_object_foreach(json_object_get(build, "alias"), key, value)
        add(args, "--alias:%s=%s", key, json_string_value(value));
    json_array_foreach(json_object_get(build, "rules"), i, value)
        add_rule(args, value, warnings);
    add_text(args, build, "jsx_factory", "--jsx-factory");
    add_text(args, build, "jsx_fragment", "--jsx-fragment");
    add_text(args, build, "tsconfig", "--tsconfig");
    if (minify)
        add(args, "--minify-syntax"), add(args, "--minify-identifiers");
    if (is_set(build, "keep_names", minify))
        add(args, "--keep-names");
}

/* Has esbuild turn imports of `module` into calls of the runtime's require(). */
static void add_runtime_module(struct bundle_args *args, const char *module)
{
    add(args, "--alias:%s=data:text/javascript,module.exports=" BUNDLE_SCRIPT_REQUIRE "(\"%s\")",
        module, module);
}

static void add_all(struct bundle_args *args, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(args, "%s", words[i]);
}

/* What all workers share. */
static void init(struct bundle_args *args, const char *esbuild)
{
    *args = (struct bundle_args){0};
    add(args, "%s", esbuild);
    add_all(args, fixed, COUNT_OF(fixed));
}

/* What all that our runtime evaluates share. */
static void init_evaluated(struct bundle_args *args, const char *esbuild, const char *directory)
{
    init(args, esbuild);
    add_all(args, evaluated, COUNT_OF(evaluated));
    for (size_t i = 0; i < COUNT_OF(runtime_modules); i++)
        add_runtime_module(args, runtime_modules[i]);
    add(args, "--outfile=%s/worker.js", directory);
    add(args, "--metafile=%s/meta.json", directory);
}

void bundle_args_init_upload(struct bundle_args *args, const char *esbuild, const char *directory)
{
    init_evaluated(args, esbuild, directory);
    add_all(args, uploaded, COUNT_OF(uploaded));
    for (size_t i = 0; i < COUNT_OF(asked_modules); i++)
        add_runtime_module(args, asked_modules[i]);
}

/* What the configuration of a worker says, whoever evaluates it. */
static void add_config(struct bundle_args *args, const struct config *config, bool dev, bool minify,
                       struct buf *warnings)
{
    const json_t *defines = json_object_get(config->build, "define");

    if (!json_object_get(defines, "process.env.NODE_ENV"))
        add(args, "--define:process.env.NODE_ENV=\"%s\"", dev ? "development" : "production");
    add_build(args, config->build, minify, warnings);
    if (args->count == BUNDLE_ARGS_MAX)
        warn(warnings, "too many settings for one build; what is over is left out", config->name);
}

/* Files that a script in service-worker format has as globals: bundle.c's entry imports them. */
static void add_blobs(struct bundle_args *args, const struct config *config)
{
    static const struct {
        const char *section, *loader;
    } kinds[] = {{"text_blobs", "text"}, {"data_blobs", "copy"}, {"wasm_modules", "copy"}};
    const char *name;
    json_t *file;

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        json_object_foreach(json_object_get(config->deploy, kinds[i].section), name, file) {
            const char *path = json_string_value(file), *slash = path ? strrchr(path, '/') : NULL;
            const char *dot = path ? strrchr(slash ? slash : path, '.') : NULL;

            if (dot && !strchr(dot, '='))
                add(args, "--loader:%s=%s", dot, kinds[i].loader);
        }
}

void bundle_args_init(struct bundle_args *args, const char *esbuild, const char *directory,
                      const struct config *config, struct buf *warnings)
{
    init_evaluated(args, esbuild, directory);
    add_blobs(args, config);
    add(args, "--sources-content=true");
    add_config(args, config, true, is_set(config->build, "minify", false), warnings);
}

static bool has_flag(const struct config *config, const char *prefix)
{
    json_t *flag;
    size_t i;

    json_array_foreach(config->compatibility_flags, i, flag)
        if (str_starts(str_from(json_string_value(flag)), str_from(prefix)))
            return true;
    return false;
}

/* With "no_bundle" esbuild only looks at the main module: has it exports, is its syntax right. */
static void add_externals(struct bundle_args *args, const struct config *config)
{
    if (is_set(config->deploy, "no_bundle", false))
        return;
    add(args, "--bundle");
    add(args, "--external:cloudflare:*");
    add(args, "--external:node:*");
    if (has_flag(config, "nodejs_compat"))
        for (size_t i = 0; i < COUNT_OF(node_modules); i++)
            add(args, "--alias:%s=node:%s", node_modules[i], node_modules[i]);
}

void bundle_args_init_package(struct bundle_args *args, const char *esbuild, const char *output,
                              const struct config *config, bool minify, struct buf *warnings)
{
    char *directory = path_directory(str_from(output));

    init(args, esbuild);
    add_all(args, packaged, COUNT_OF(packaged));
    add_externals(args, config);
    add_config(args, config, false, minify || is_set(config->build, "minify", false), warnings);
    add(args, "--outfile=%s", output);
    add(args, "--metafile=%s/meta.json", directory);
    add(args, "%s", config->main);
    free(directory);
}

void bundle_args_done(struct bundle_args *args)
{
    for (size_t i = 0; i < args->count; i++)
        free(args->argv[i]);
    args->count = 0;
}
