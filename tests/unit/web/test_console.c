/* What console prints: each script runs in a real isolate whose output is captured. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/hook.h"
#include "engine/value.h"
#include "web/web.h"

enum { OUTPUT_BYTES_MAX = 1 << 20 };

static struct buf output;
static const char *script;

/* One line per call: the level and the text. */
static void on_console(struct isolate *iso, int level, str text)
{
    (void)iso;
    cr_assert(buf_printf(&output, "%d %.*s\n", level, STR_ARGS(text)) == 0);
}

static struct isolate_spent *meter_of(struct isolate *iso, int32_t id)
{
    (void)iso, (void)id;
    return NULL;
}

static void on_terminated(struct isolate *iso, int code)
{
    (void)iso;
    cr_assert_fail("terminated: %s", err_text(code));
}

static void on_turn_end(struct isolate *iso)
{
    (void)iso;
}

static void on_run(struct isolate *iso, struct task *task)
{
    JSContextRef ctx = isolate_context(iso);
    JSStringRef text = JSStringCreateWithUTF8CString(script);
    JSStringRef url = JSStringCreateWithUTF8CString("test.js");
    JSValueRef exception = NULL, ignored = NULL;

    (void)task;
    JSEvaluateScript(ctx, text, NULL, url, 1, &exception);
    JSStringRelease(text);
    JSStringRelease(url);
    cr_assert_null(exception, "%s", value_to_utf8(ctx, exception, NULL, &ignored));
}

OP(op_nothing)
{
    return JSValueMakeUndefined(ctx);
}

/* What core.js calls when it has loaded a worker or one has failed. */
static const struct op test_table[] = {
    {"op_loaded", op_nothing}, {"op_fail", op_nothing}, {0}};

static const char *printed_by(const char *source)
{
    static const struct op *const tables[] = {test_table,        op_clock_table, op_console_table,
                                              op_buffer_table,
                                              op_encoding_table, op_url_table,   op_timer_table,
                                              NULL};
    static const struct isolate_setup setup = {.op_tables = tables,
                                               .builtins = web_builtins,
                                               .on_console = on_console,
                                               .meter_of = meter_of,
                                               .on_terminated = on_terminated,
                                               .on_turn_end = on_turn_end};
    static struct isolate_setup started;
    static struct isolate *iso;
    static struct task task = {.run = on_run};

    if (!iso) {
        started = setup;
        started.loop = uv_default_loop();
        isolate_engine_start(&started);
        iso = isolate_new();
        isolate_set_limits(iso, (struct isolate_limits){60000, 1u << 30, 0});
        isolate_run_ready();
        buf_init(&output, OUTPUT_BYTES_MAX);
    }
    buf_clear(&output);
    script = source;
    isolate_post(iso, &task);
    isolate_run_ready();
    cr_assert(buf_append_char(&output, '\0') == 0);
    return output.ptr;
}

static void expect(const char *source, const char *want)
{
    cr_expect_str_eq(printed_by(source), want, "%s\nprinted: %s\nwanted:  %s", source, output.ptr,
                     want);
}

/* console.log(<value>) */
static void expect_value(const char *value, const char *want)
{
    char source[1024], line[1024];

    snprintf(source, sizeof source, "console.log(%s)", value);
    snprintf(line, sizeof line, "1 %s\n", want);
    expect(source, line);
}

Test(console, levels)
{
    expect("console.debug('d'); console.log('l'); console.info('i'); console.warn('w');"
           "console.error('e'); console.log(); console.log('')",
           "0 d\n1 l\n2 i\n3 w\n4 e\n1 \n");
}

Test(console, formats)
{
    static const struct {
        const char *args, *want;
    } cases[] = {
        {"'%s is %d or %i, %f', 'x', '4.5', 4.9, '1.5rest'", "x is 4.5 or 4, 1.5"},
        {"'%j %O', {a: 1}, {b: [1]}", "{\"a\":1} { b: [ 1 ] }"},
        {"'%s %s', {a: {b: 1}}, 7n", "{ a: [Object] } 7n"},
        {"'%cred', 'color: red'", "red"},
        {"'100%', 1", "100% 1"},
        {"'%%%s', 1", "%1"},
        {"'%s %s', 'one'", "one %s"},
        {"'%d', Symbol('x')", "NaN"},
        {"'a', 'b', 1, null", "a b 1 null"},
        {"1, '%s', 2", "1 %s 2"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_value(cases[i].args, cases[i].want);
}

Test(console, values)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"-0", "-0"},
        {"['a\\n', \"it's\", Symbol('s'), 1n, undefined]",
         "[ 'a\\n', \"it's\", Symbol(s), 1n, undefined ]"},
        {"[1, , , 4]", "[ 1, <2 empty items>, 4 ]"},
        {"({a: 1, 'b-c': 2, [Symbol('s')]: 3, get d() { throw 1 }, set e(x) {}})",
         "{ a: 1, 'b-c': 2, d: [Getter], e: [Setter], [Symbol(s)]: 3 }"},
        {"Object.create(null)", "[Object: null prototype] {}"},
        {"new (class Foo { x = 1 })", "Foo { x: 1 }"},
        {"new Map([[{a: 1}, 'b']])", "Map(1) { { a: 1 } => 'b' }"},
        {"new Set(['a', [1]])", "Set(2) { 'a', [ 1 ] }"},
        {"new Uint8Array([1, 2])", "Uint8Array(2) [ 1, 2 ]"},
        {"new Uint8Array([1, 255]).buffer",
         "ArrayBuffer { [Uint8Contents]: <01 ff>, byteLength: 2 }"},
        {"[new Date(0), new Date(NaN), /a/g]", "[ 1970-01-01T00:00:00.000Z, Invalid Date, /a/g ]"},
        {"[function f() {}, () => {}, class A extends Map {}]",
         "[ [Function: f], [Function (anonymous)], [class A extends Map] ]"},
        {"[new Number(1), new String('s')]", "[ [Number: 1], [String: 's'] ]"},
        {"({a: {b: {c: {d: {e: {f: 1}}}}}})",
         "{\n  a: {\n    b: { c: { d: { e: [Object] } } }\n  }\n}"},
        {"(() => { const a = {}; a.self = [a]; return a })()",
         "<ref *1> { self: [ [Circular *1] ] }"},
        {"new Proxy({}, {ownKeys() { throw 1 }, get() { throw 1 }, getPrototypeOf() { throw 1 }})",
         "[Object that cannot be inspected]"},
        {"({[Symbol.for('nodejs.util.inspect.custom')]() { return 'mine' }})", "mine"},
        {"new URLSearchParams('a=1')", "URLSearchParams { 'a' => '1' }"},
        {"[Object.assign(new Error('m'), {stack: '', code: 5})]", "[ [Error: m] { code: 5 } ]"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_value(cases[i].value, cases[i].want);
}

Test(console, output_is_bounded)
{
    static const char *const huge[] = {
        "console.log('x'.repeat(1e6), 'y')",
        "console.log(new Array(1e6).fill('a string of some length'))",
        "console.log(new Map(Array.from({length: 1e5}, (_, i) => [i, {i}])))",
        "const wide = (n) => n ? Array.from({length: 50}, () => wide(n - 1)) : 'leaf';"
        "console.log(wide(4))",
        "let deep = {}; for (let i = 0; i < 1e5; i++) deep = {deep};"
        "console.dir(deep, {depth: null})",
        "console.table(Array.from({length: 5000}, (_, i) => ({i, text: 'x'.repeat(100)})))",
    };

    for (size_t i = 0; i < COUNT_OF(huge); i++)
        cr_expect(strlen(printed_by(huge[i])) < 3 * 70000, "%s", huge[i]);
}

Test(console, errors)
{
    const char *text = printed_by("console.log(new TypeError('bad', {cause: new Error('why')}))");

    cr_expect(strstr(text, "1 TypeError: bad") == text, "%s", text);
    cr_expect(strstr(text, "[cause]: Error: why") != NULL, "%s", text);
    cr_expect(strstr(text, "\n    at ") != NULL, "%s", text);
    cr_expect(strstr(text, "atoll:") == NULL, "frames of the platform: %s", text);
    text = printed_by("function named() { console.trace('here') } named()");
    cr_expect(strstr(text, "0 Trace: here\n    at named (") == text, "%s", text);
}

Test(console, groups_indent)
{
    expect("console.group('g'); console.log('a\\nb'); console.group(); console.warn('c');"
           "console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('d')",
           "1 g\n1   a\n  b\n3     c\n1 d\n");
}

Test(console, counts_and_assertions)
{
    expect("console.count(); console.count('x'); console.count(); console.countReset();"
           "console.count(); console.countReset('none')",
           "2 default: 1\n2 x: 1\n2 default: 2\n2 default: 1\n3 countReset: no count 'none'\n");
    expect("console.assert(true, 'no'); console.assert(false); console.assert(0, '%s!', 'x');"
           "console.assert(null, {a: 1})",
           "4 Assertion failed\n4 Assertion failed: x!\n4 Assertion failed: { a: 1 }\n");
}

Test(console, timers)
{
    const char *text = printed_by("console.time('t'); console.timeLog('t', 1); console.time('t');"
                                  "console.timeEnd('t'); console.timeEnd('t')");

    cr_expect(strstr(text, "1 t: ") == text && strstr(text, "ms 1\n3 time: a timer 't' is running"),
              "%s", text);
    cr_expect(strstr(text, "\n2 t: ") && strstr(text, "\n3 timeEnd: no timer 't'"), "%s", text);
}

Test(console, table)
{
    expect("console.table([{a: 1, b: 'x'}, 7])", "1 ┌─────────┬───┬─────┬────────┐\n"
                                                 "│ (index) │ a │ b   │ Values │\n"
                                                 "├─────────┼───┼─────┼────────┤\n"
                                                 "│ 0       │ 1 │ 'x' │        │\n"
                                                 "│ 1       │   │     │ 7      │\n"
                                                 "└─────────┴───┴─────┴────────┘\n");
    expect("console.table([{a: 1, b: 2}], ['b'])",
           "1 ┌─────────┬───┐\n│ (index) │ b │\n├─────────┼───┤\n│ 0       │ 2 │\n"
           "└─────────┴───┘\n");
    expect("console.table('text')", "1 text\n");
}
