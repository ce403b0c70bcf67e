#include "control/upload.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "control/upload_files.h"
#include "control/upload_log.h"
#include "os/path.h"

/* ---- names ---- */

static const struct {
    str name;
    const char *want;    /* NULL: refused */
} names[] = {
    {STR("index.js"), "index.js"},
    {STR("./index.js"), "index.js"},
    {STR("./././a//b/./c"), "a/b/c"},
    {STR("lib/x.wasm?module"), "lib/x.wasm?module"},
    {STR("a b/\xc3\xa9"), "a b/\xc3\xa9"},
    {STR("..."), "..."},
    {STR(""), NULL},
    {STR("."), NULL},
    {STR("./"), NULL},
    {STR(".."), NULL},
    {STR("../x"), NULL},
    {STR("a/../b"), NULL},
    {STR("a/.."), NULL},
    {STR("/etc/passwd"), NULL},
    {STR("a\0b"), NULL},
    {STR("a\nb"), NULL},
    {STR("a.atoll.mjs"), NULL},
    {STR("a.atoll.d/b"), NULL},
};

Test(upload, names_stay_inside)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf out;
        int r;

        buf_init(&out, 4096);
        r = upload_files_name(names[i].name, &out);
        cr_expect_eq(r, names[i].want ? 0 : ERR_INVALID, "case %zu", i);
        if (names[i].want)
            cr_expect(str_equal(buf_str(&out), str_from(names[i].want)), "case %zu", i);
        buf_done(&out);
    }
}

Test(upload, names_have_a_maximum)
{
    char text[UPLOAD_FILES_NAME_MAX + 2];
    struct buf out;

    memset(text, 'a', sizeof text);
    buf_init(&out, 4096);
    cr_expect_eq(upload_files_name((str){text, UPLOAD_FILES_PART_MAX}, &out), 0);
    cr_expect_eq(upload_files_name((str){text, UPLOAD_FILES_PART_MAX + 1}, &out), ERR_INVALID);
    text[UPLOAD_FILES_PART_MAX] = text[2 * UPLOAD_FILES_PART_MAX] = '/';
    cr_expect_eq(upload_files_name((str){text, UPLOAD_FILES_NAME_MAX}, &out), 0);
    cr_expect_eq(upload_files_name((str){text, UPLOAD_FILES_NAME_MAX + 1}, &out), ERR_INVALID);
    buf_done(&out);
}

/* ---- esbuild's log ---- */

static const struct {
    const char *log, *errors, *warnings;
} logs[] = {
    {"", "", ""},
    {"index.js.atoll.mjs:3:5: error: Unexpected \";\"\n  3 | secret line\n",
     "Uncaught SyntaxError: Unexpected \";\"\n  at index.js:3:5\n", ""},
    {"a/b.atoll.cjs:1:2: error: Could not resolve \"./x.js\"\n  1 | import\n",
     "Uncaught Error: No such module \"./x.js\".\n  at a/b:1:2\n", ""},
    {"a.atoll.mjs:1:2: error: No matching export in \"b.js.atoll.mjs\" for import \"c\"\n",
     "Uncaught SyntaxError: No matching export in \"b.js\" for import \"c\"\n  at a:1:2\n", ""},
    {"../../etc/passwd:1:1: error: Unexpected \"root\" in JSON\n  1 | root:x:0\n",
     "Uncaught Error: No such module: it is not among the uploaded ones.\n", ""},
    {"/etc/passwd:1:1: error: Unexpected \"root\"\n",
     "Uncaught Error: No such module: it is not among the uploaded ones.\n", ""},
    {"a.atoll.mjs:1:8: error: No loader is configured for \".db\" files: ../../registry.db\n",
     "Uncaught Error: No such module: it is not among the uploaded ones.\n  at a:1:8\n", ""},
    {"a.atoll.mjs:1:2: warning: careful\n  1 | x\n../../etc/x:1:1: warning: root\n", "",
     "careful (a:1:2)\n"},
    {"esbuild is missing\n  error: indented\n", "", ""},
};

Test(upload, log_says_what_belongs_to_the_client)
{
    for (size_t i = 0; i < COUNT_OF(logs); i++) {
        struct buf errors, warnings;

        buf_init(&errors, 4096);
        buf_init(&warnings, 4096);
        cr_expect_eq(upload_log_errors(str_from(logs[i].log), &errors) > 0, errors.len > 0);
        upload_log_warnings(str_from(logs[i].log), &warnings);
        cr_expect(str_equal(buf_str(&errors), str_from(logs[i].errors)), "case %zu: %.*s", i,
                  STR_ARGS(buf_str(&errors)));
        cr_expect(str_equal(buf_str(&warnings), str_from(logs[i].warnings)), "case %zu: %.*s", i,
                  STR_ARGS(buf_str(&warnings)));
        buf_done(&errors);
        buf_done(&warnings);
    }
}

/* ---- bindings ---- */

Test(upload, config_has_variables_and_secrets)
{
    json_t *version = json_loads(
        "{\"id\":\"v1\",\"created_ms\":1700000000123,\"annotations\":{\"workers/tag\":\"t\"},"
        "\"compatibility_date\":\"2026-01-01\",\"compatibility_flags\":[\"x\"],\"bindings\":["
        "{\"name\":\"A\",\"type\":\"plain_text\",\"text\":\"a\"},"
        "{\"name\":\"B\",\"type\":\"json\",\"json\":{\"c\":[1]}},"
        "{\"name\":\"C\",\"type\":\"json\",\"json\":null},"
        "{\"name\":\"S\",\"type\":\"secret_text\"},{\"name\":\"T\",\"type\":\"secret_text\"},"
        "{\"name\":\"V\",\"type\":\"version_metadata\"},{\"type\":\"plain_text\",\"text\":\"x\"},"
        "{\"name\":\"W\",\"type\":\"wasm_module\",\"part\":\"w\"},"
        "{\"name\":\"K\",\"type\":\"kv_namespace\",\"namespace_id\":\"k1\"},"
        "{\"name\":\"D\",\"type\":\"d1\",\"id\":\"d-1\"}]}",
        0, NULL);
    json_t *secrets = json_pack("{s:s, s:s}", "S", "hush", "OTHER", "no");
    json_t *want = json_loads(
        "{\"vars\":{\"A\":\"a\",\"B\":{\"c\":[1]},\"C\":null,\"S\":\"hush\",\"V\":{\"id\":\"v1\","
        "\"tag\":\"t\",\"timestamp\":\"2023-11-14T22:13:20.123Z\"}},\"bindings\":["
        "{\"name\":\"K\",\"type\":\"kv_namespace\",\"id\":\"k1\",\"store\":\"default/kv/k1\"},"
        "{\"name\":\"D\",\"type\":\"d1\",\"id\":\"d-1\",\"store\":\"default/d1/d-1\"}],"
        "\"compatibility_date\":\"2026-01-01\",\"compatibility_flags\":[\"x\"]}",
        0, NULL);
    json_t *config = upload_config(version, secrets, "default");

    cr_assert_not_null(version);
    cr_expect(json_equal(config, want), "%s", json_dumps(config, 0));
    json_decref(version);
    json_decref(secrets);
    json_decref(want);
    json_decref(config);
}

Test(upload, a_store_is_a_plain_path)
{
    json_t *named = json_pack("{s:s, s:s}", "name", "MY/DB", "type", "d1");
    json_t *other = json_pack("{s:s, s:s, s:s}", "name", "V", "type", "json", "json", "x");
    json_t *stored = upload_store(named, "dev");

    cr_expect_str_eq(json_string_value(json_object_get(stored, "store")), "dev/d1/MY_DB");
    cr_expect_str_eq(json_string_value(json_object_get(stored, "id")), "MY/DB");
    cr_expect_null(upload_store(other, "dev"));
    json_decref(stored);
    json_decref(other);
    json_decref(named);
}

/* ---- whole uploads, against a fleet that is not there ---- */

struct module {
    const char *name, *type, *text;
};

#ifdef __aarch64__
#define ESBUILD "node_modules/@esbuild/linux-arm64/bin/esbuild"
#else
#define ESBUILD "node_modules/@esbuild/linux-x64/bin/esbuild"
#endif

#define ESM "application/javascript+module"
#define CLASSIC "application/javascript"
#define MODULES_MAX 5

static const struct upload_case {
    struct module modules[MODULES_MAX];    /* the first is the main one */
    const char *bindings;                  /* JSON; NULL: none */
    const char *script;                    /* is in the script; NULL: refused */
    const char *absent;                    /* is not in the script, or in the error */
    const char *error;                     /* is in the error */
    const char *map;                       /* is in the source map; NULL: anything */
    const char *kinds;                     /* of the parts */
} uploads[] = {
    {.modules = {{"index.js", ESM, "export default { fetch() { return new Response('hi') } }"}},
     .script = "new Response(\"hi\")",
     .kinds = "script map "},
    {.modules = {{"worker", ESM "; charset=utf-8", "export default {}"}},
     .script = "__atoll_main",
     .kinds = "script map "},
    {.modules = {{"./src/index.js", ESM,
                  "import a from './lib/a.txt'; import b from '../c.js';import d from 'src/d';"
                  "export default [a, b, d];"},
                 {"src/lib/a.txt", ESM, "export default 'module a'"},
                 {"c.js", CLASSIC, "module.exports = 'module c'"},
                 {"src/d", "text/plain", "module d"}},
     .script = "module d",
     .kinds = "script map "},
    {.modules = {{"index.js", ESM,
                  "import w from './x-add.wasm?module'; import d from './data.js';"
                  "import j from './package.json'; export default [w, d, j.main];"},
                 {"./x-add.wasm?module", "application/wasm", "WASM"},
                 {"data.js", "application/octet-stream", "BYTES"},
                 {"package.json", "application/json", "{\"main\":\"../../../etc/hostname\"}"}},
     .script = "../../../etc/hostname",
     .kinds = "script map wasm data "},
    {.modules = {{"index.js", ESM,
                  "import { env } from 'cloudflare:workers'; import p from 'node:fs/promises';"
                  "export default () => [env, p, import('node:zlib')];"}},
     .script = "__atoll_require(\"node:fs/promises\")",
     .kinds = "script map "},
    {.modules = {{"worker.js", CLASSIC, "addEventListener('fetch', (e) => e.respondWith(T, W))"},
                 {"t", "text/plain", "words"},
                 {"w", "application/wasm", "WASM"}},
     .bindings = "[{\"name\":\"T\",\"type\":\"text_blob\",\"part\":\"t\"},"
                 "{\"name\":\"W\",\"type\":\"wasm_module\",\"part\":\"./w\"}]",
     .script = "globalThis[\"T\"] =",
     .kinds = "script map wasm "},
    {.modules = {{"index.js", ESM, "export default 1\n;;;let let"}},
     .error = "SyntaxError: Cannot use \"let\" as an identifier here"},
    {.modules = {{"index.js", ESM, "export default {\n  fetch() {\n"}},
     .error = "Unexpected end of file\n  at index.js:3:1\n"},
    {.modules = {{"index.js", ESM, "import './gone.js'"}},
     .error = "No such module \"./gone.js\".\n  at index.js:1:8\n"},
    {.modules = {{"index.js", ESM, "import 'node:nothing'"}}, .error = "No such module \"node:n"},
    {.modules = {{"index.js", ESM, "import x from '/etc/passwd' with { type: 'text' }; x()"}},
     .error = "No such module",
     .absent = "root"},
    {.modules = {{"index.js", ESM, "import x from '/etc/passwd' with { type: 'json' }; x()"}},
     .error = "No such module",
     .absent = "root"},
    {.modules = {{"index.js", ESM, "import x from '../../../../etc/passwd' with {type: 'text'};x"}},
     .error = "No such module",
     .absent = "root"},
    {.modules = {{"index.js", ESM, "export default 1\n//# sourceMappingURL=/etc/passwd"}},
     .script = "atoll_default = 1",
     .absent = "root",
     .kinds = "script map "},
    {.modules = {{"index.js", ESM, "export default\n1;"},
                 {"index.js.map", "application/source-map",
                  "{\"version\":3,\"sources\":[\"../src/author.ts\"],\"names\":[],"
                  "\"mappings\":\"AAAA;AACA\"}"}},
     .script = "atoll_default = 1",
     .map = "src/author.ts",
     .kinds = "script map "},
    {.modules = {{"../index.js", ESM, ""}}, .error = "The module name \"../index.js\""},
    {.modules = {{"index.js", ESM, ""}, {"./index.js", "text/plain", ""}}, .error = "two modules"},
    {.modules = {{"index.js", "text/x-python", ""}}, .error = "which is not supported"},
    {.modules = {{"index.js", "text/plain", ""}}, .error = "not among the uploaded JavaScript"},
    {.modules = {{"index.js", ESM, ""}},
     .bindings = "[{\"name\":\"T\",\"type\":\"text_blob\",\"part\":\"t\"}]",
     .error = "only scripts in service-worker syntax"},
    {.modules = {{"index.js", CLASSIC, ""}},
     .bindings = "[{\"name\":\"T\",\"type\":\"text_blob\",\"part\":\"t\"}]",
     .error = "which was not uploaded"},
    {.modules = {{"index.js", ESM, "throw new Error('refuse me')"}},
     .error = "Uncaught Error: refused",
     .absent = "made"},
};

/* A throw-away isolate that says no to scripts that say "refuse me". */
static void fake_check(struct fleet *fleet, json_t *version, str blob,
                       void (*on_done)(void *arg, const json_t *checked), void *arg)
{
    bool ok = !memmem(blob.ptr, blob.len, "refuse me", strlen("refuse me"));
    json_t *checked = json_pack("{s:b, s:s?, s:f, s:[s]}", "ok", ok, "error",
                                ok ? NULL : "Uncaught Error: refused", "ms", 1.5, "handlers",
                                "fetch");

    cr_assert_null(fleet);
    cr_expect(json_is_object(json_object_get(json_object_get(version, "config"), "vars")));
    cr_expect(json_is_array(json_object_get(version, "parts")));
    json_decref(version);
    on_done(arg, checked);
    json_decref(checked);
}

struct outcome {
    const struct upload_case *row;
    unsigned *left;
};

static void expect_good(const struct upload_case *row, const struct platform_build *build)
{
    str rest = build->blob, script = STR_NONE, map = STR_NONE;
    char kinds[256] = "";
    json_t *part;
    size_t i;

    json_array_foreach(build->parts, i, part) {
        size_t bytes = (size_t)json_integer_value(json_object_get(part, "bytes"));

        strcat(strcat(kinds, json_string_value(json_object_get(part, "kind"))), " ");
        if (i < 2)
            *(i ? &map : &script) = str_head(rest, bytes);
        rest = str_skip(rest, bytes);
    }
    cr_expect_eq(rest.len, 0);
    cr_expect_str_eq(kinds, row->kinds);
    cr_expect(memmem(script.ptr, script.len, row->script, strlen(row->script)), "%.*s",
              STR_ARGS(script));
    cr_expect(!row->absent || !memmem(script.ptr, script.len, row->absent, strlen(row->absent)));
    cr_expect(!row->map || memmem(map.ptr, map.len, row->map, strlen(row->map)), "%.*s",
              STR_ARGS(map));
    cr_expect_null(memmem(map.ptr, map.len, ".atoll.", 7), "%.*s", STR_ARGS(map));
    cr_expect_float_eq(build->startup_ms, 1.5, 0.01);
    cr_expect_str_eq(json_string_value(json_array_get(build->handlers, 0)), "fetch");
}

static void on_built(void *arg, const struct platform_build *build)
{
    struct outcome *outcome = arg;
    const struct upload_case *row = outcome->row;

    --*outcome->left;
    cr_expect_eq(build->ok, row->script != NULL, "%s: %s", row->modules[0].text,
                 build->error ? build->error : "it was taken");
    if (build->ok && row->script) {
        expect_good(row, build);
    } else if (!build->ok && row->error) {
        cr_expect_eq(build->code, 10021);
        cr_expect(strstr(build->error, row->error), "%s: %s", row->error, build->error);
        cr_expect(!row->absent || !strstr(build->error, row->absent), "%s", build->error);
    }
}

static void upload(uv_loop_t *loop, struct outcome *outcome)
{
    const struct upload_case *row = outcome->row;
    json_t *modules = json_array(), *version;
    struct buf blob;

    buf_init(&blob, 1 << 20);
    for (const struct module *m = row->modules; m < row->modules + MODULES_MAX && m->name; m++) {
        json_array_append_new(modules, json_pack("{s:s, s:s, s:I}", "name", m->name, "type",
                                                 m->type, "bytes", (json_int_t)strlen(m->text)));
        cr_assert_eq(buf_append(&blob, str_from(m->text)), 0);
    }
    version = json_pack("{s:s, s:o*}", "main_module", row->modules[0].name, "bindings",
                        row->bindings ? json_loads(row->bindings, 0, NULL) : NULL);
    cr_assert_not_null(version);
    upload_build(loop, NULL,
                 &(struct upload_request){.version = version,
                                          .modules = modules,
                                          .blob = buf_str(&blob),
                                          .on_done = on_built,
                                          .arg = outcome,
                                          .check = fake_check});
    json_decref(version);
    json_decref(modules);
    buf_done(&blob);
}

/* More at once than run at once. */
Test(upload, becomes_a_script_or_an_error)
{
    struct outcome outcomes[COUNT_OF(uploads)];
    unsigned left = COUNT_OF(uploads);
    uv_loop_t loop;

    setenv("ATOLL_ESBUILD", ESBUILD, 0);
    uv_loop_init(&loop);
    for (size_t i = 0; i < COUNT_OF(uploads); i++) {
        outcomes[i] = (struct outcome){&uploads[i], &left};
        upload(&loop, &outcomes[i]);
    }
    cr_expect_eq(left, COUNT_OF(uploads), "an answer came before the call was over");
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(left, 0);
    cr_expect_eq(uv_loop_close(&loop), 0);
}
