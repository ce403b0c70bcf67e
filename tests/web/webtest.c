/* Runs one JavaScript test file in a real isolate: `webtest tests/web/url.js`.
 *
 * The file's tests are `test(name, fn)`; prelude.js has the assertions. Exit status 0 when all
 * passed, 1 when one failed or the script ended with an error, 2 on wrong usage. */
#include <JavaScriptCore/JavaScript.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/bindings.h"
#include "engine/handle.h"
#include "engine/hook.h"
#include "engine/jsc_private.h"
#include "engine/value.h"
#include "http/outbound.h"
#include "os/file.h"
#include "web/op_cache.h"
#include "web/web.h"

enum { TEST_FILE_BYTES_MAX = 4 << 20, TEST_SECONDS_MAX = 60 };

static struct {
    struct isolate *iso;
    struct task load;
    char *script;
    const char *file;
    bool started;
    int status; /* -1 while it runs */
} run = {.status = -1};

/* The loop may be about to sleep: it is told not to. */
static void end(int status)
{
    run.status = status;
    uv_stop(isolate_loop());
}

static void print_error(JSContextRef ctx, size_t argc, const JSValueRef argv[])
{
    for (size_t i = 0; i < argc; i++) {
        JSValueRef thrown = NULL;
        char *text = value_to_utf8(ctx, argv[i], NULL, &thrown);
        fprintf(stderr, "%s\n", text ? text : "?");
        free(text);
    }
}

OP(op_loaded)
{
    if (!run.started)
        return JSValueMakeUndefined(ctx); /* the blank isolate's warming up */
    end(argc ? 1 : 0);
    print_error(ctx, argc, argv);
    return JSValueMakeUndefined(ctx);
}

OP(op_fail)
{
    print_error(ctx, argc, argv);
    return JSValueMakeUndefined(ctx);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = mem_zeroed(TEST_FILE_BYTES_MAX + 1);

    if (!file) {
        fprintf(stderr, "webtest: cannot read %s\n", path);
        exit(2);
    }
    if (fread(text, 1, TEST_FILE_BYTES_MAX, file) == 0)
        text[0] = '\0';
    fclose(file);
    return text;
}

/* (path): evaluates a file as a script of the global scope. tests/wpt loads the suite's scripts so;
 * they use eval() in places. */
OP(op_module)
{
    size_t len;
    char *path = value_to_utf8(ctx, OP_ARG(0), &len, exception);
    char *text = path ? read_file(path) : NULL;
    JSStringRef url = path ? JSStringCreateWithUTF8CString(path) : NULL;
    JSStringRef script = text ? JSStringCreateWithUTF8CString(text) : NULL;

    JSGlobalContextSetEvalEnabled(JSContextGetGlobalContext(ctx), true, NULL);
    if (script)
        JSEvaluateScript(ctx, script, NULL, url, 1, exception);
    if (script)
        JSStringRelease(script);
    if (url)
        JSStringRelease(url);
    free(path);
    free(text);
    return JSObjectMake(ctx, NULL, NULL);
}

static const struct op test_table[] = {
    {"op_loaded", op_loaded}, {"op_fail", op_fail}, {"op_module", op_module}, {0}};

static void on_console(struct isolate *iso, int level, str text)
{
    (void)iso;
    fprintf(level >= 3 ? stderr : stdout, "%.*s\n", STR_ARGS(text));
}

static struct isolate_spent *meter_of(struct isolate *iso, int32_t id)
{
    (void)iso, (void)id;
    return NULL;
}

static void on_terminated(struct isolate *iso, int code)
{
    (void)iso;
    fprintf(stderr, "terminated: %s\n", err_text(code));
    end(1);
}

static void on_turn_end(struct isolate *iso)
{
    const int32_t *cells = isolate_cells(iso);

    if (run.status < 0 && cells[CELL_PENDING] == 0 && !isolate_any_ready() &&
        !isolate_has_tasks(iso)) {
        fprintf(stderr, "a test waits for a promise that nothing can settle any more\n");
        end(1);
    }
}

static char *make_script(const char *prelude_path, const char *test_path)
{
    struct buf text;
    char *prelude = read_file(prelude_path), *test = read_file(test_path);

    buf_init(&text, 3 * TEST_FILE_BYTES_MAX);
    ASSERT(buf_printf(&text, "(async function(__atoll_main){\"use strict\";%s\n", prelude) == 0);
    ASSERT(buf_append(&text, str_from(test)) == 0);
    ASSERT(buf_append(&text, STR("\nawait __runTests();"
                                 "__atoll_main({default:{fetch(){}}})})")) == 0);
    free(prelude);
    free(test);
    return buf_take(&text, NULL);
}

/* What tests find as globals, as a worker without exports finds its bindings. */
static JSValueRef bindings(JSContextRef ctx)
{
    static const char text[] =
        "[{\"name\": \"KV\", \"type\": \"kv_namespace\", \"store\": \"test/kv/1\"},"
        " {\"name\": \"OTHER_KV\", \"type\": \"kv_namespace\", \"store\": \"test/kv/2\"},"
        " {\"name\": \"GONE_KV\", \"type\": \"kv_namespace\", \"id\": \"abc\"}]";
    json_t *json = json_loads(text, 0, NULL);
    struct err err = {0};
    JSObjectRef list = bindings_list(ctx, json, &err);

    json_decref(json);
    if (!list)
        fprintf(stderr, "webtest: %s\n", err.text);
    return list ? list : JSValueMakeUndefined(ctx);
}

static void on_load(struct isolate *iso, struct task *task)
{
    JSContextRef ctx = isolate_context(iso);
    JSStringRef script = JSStringCreateWithUTF8CString(run.script);
    JSStringRef url = JSStringCreateWithUTF8CString(run.file);
    JSValueRef exception = NULL, factory = JSEvaluateScript(ctx, script, NULL, url, 1, &exception);
    JSObjectRef settings = JSObjectMake(ctx, NULL, NULL);

    (void)task;
    run.started = true;
    JSStringRelease(script);
    JSStringRelease(url);
    if (exception) {
        print_error(ctx, 1, &exception);
        end(1);
        return;
    }
    value_set(ctx, settings, "env", JSObjectMake(ctx, NULL, NULL));
    value_set(ctx, settings, "bindings", bindings(ctx));
    JSValueRef argv[] = {factory, settings};
    hook_call(iso, HOOK_LOAD, 2, argv, &exception);
    if (exception) {
        print_error(ctx, 1, &exception);
        end(1);
    }
}

static void on_turn(uv_check_t *check)
{
    (void)check;
    isolate_run_ready();
    handle_bury();
}

/* An active idle handle keeps the loop from sleeping while isolates have tasks. */
static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_prepare(uv_prepare_t *prepare)
{
    uv_idle_t *idle = prepare->data;

    isolate_run_ready();
    if (isolate_any_ready())
        uv_idle_start(idle, on_idle);
    else
        uv_idle_stop(idle);
}

static void on_timeout(uv_timer_t *timer)
{
    (void)timer;
    fprintf(stderr, "webtest: no end after %d seconds\n", TEST_SECONDS_MAX);
    exit(1);
}

int main(int argc, char **argv)
{
    static const struct op *const tables[] = {WEB_OP_TABLES BINDINGS_OP_TABLES test_table, NULL};
    uv_loop_t *loop = uv_default_loop();
    struct isolate_setup setup = {.loop = loop,
                                  .op_tables = tables,
                                  .builtins = web_builtins,
                                  .on_console = on_console,
                                  .meter_of = meter_of,
                                  .on_terminated = on_terminated,
                                  .on_turn_end = on_turn_end,
                                  .wasm_from_bytes = true};
    uv_check_t check;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t timeout;
    char *cache;
    struct err err;

    if (argc != 3) {
        fprintf(stderr, "usage: webtest PRELUDE.js TEST.js\n");
        return 2;
    }
    run.file = argv[2];
    run.script = make_script(argv[1], argv[2]);
    outbound_set(&(struct outbound){.all = true});
    ASSERT(file_make_temporary(&cache, &err) == 0);
    op_cache_start(&(struct op_cache_settings){.directory = cache, .bytes_max = 64 << 20});
    bindings_start(loop, cache);
    isolate_engine_start(&setup);
    uv_check_init(loop, &check);
    uv_prepare_init(loop, &prepare);
    uv_idle_init(loop, &idle);
    uv_timer_init(loop, &timeout);
    prepare.data = &idle;
    uv_check_start(&check, on_turn);
    uv_prepare_start(&prepare, on_prepare);
    uv_timer_start(&timeout, on_timeout, TEST_SECONDS_MAX * 1000, 0);

    run.iso = isolate_new();
    run.load.run = on_load;
    isolate_post(run.iso, &run.load);
    while (run.status < 0)
        uv_run(loop, UV_RUN_ONCE);
    isolate_free(run.iso);
    file_remove_tree(cache);
    free(cache);
    free(run.script);
    return run.status;
}
