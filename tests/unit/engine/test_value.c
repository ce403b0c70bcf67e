/* engine/value: strings both ways, views of bytes, errors, hostile objects. */
#include "engine_harness.h"

#include <stdlib.h>

static struct isolate *iso;

static void make_isolate(void)
{
    iso = harness_isolate();
}

static void free_isolate(void)
{
    isolate_free(iso);
}

TestSuite(value, .init = make_isolate, .fini = free_isolate);

static void expect_utf8(JSContextRef ctx, JSValueRef value, void *context)
{
    const str *want = context;
    JSValueRef exception = NULL;
    size_t len = 0;
    char *text = value_to_utf8(ctx, value, &len, &exception);

    cr_assert_not_null(text);
    cr_expect_eq(len, want->len, "%zu bytes, not %zu", len, want->len);
    cr_expect(str_equal((str){text, len}, *want), "%s", text);
    cr_expect_eq(text[len], '\0');
    free(text);
}

Test(value, text_to_utf8)
{
    static const struct {
        const char *source;
        str want;
    } cases[] = {
        {"''", STR_NONE},
        {"'plain'", {"plain", 5}},
        {"'\\0a\\0'", {"\0a\0", 3}},
        {"'\\0'", {"\0", 1}},
        {"'\\u00e9\\u20ac'", {"\xc3\xa9\xe2\x82\xac", 5}},
        {"'\\ud83d\\ude00'", {"\xf0\x9f\x98\x80", 4}},
        {"'\\ud800'", {"\xef\xbf\xbd", 3}},
        {"'a\\ud800'", {"a\xef\xbf\xbd", 4}},
        {"'\\ud800b'", {"\xef\xbf\xbd"
                        "b", 4}},
        {"'\\udc00\\ud800'", {"\xef\xbf\xbd\xef\xbf\xbd", 6}},
        {"'\\ud83d\\ude00\\ud83d'", {"\xf0\x9f\x98\x80\xef\xbf\xbd", 7}},
        {"'\\ud83d\\ud83d\\ude00'", {"\xef\xbf\xbd\xf0\x9f\x98\x80", 7}},
        {"'\\u00e9\\u00e9\\ud800x'", {"\xc3\xa9\xc3\xa9\xef\xbf\xbdx", 8}},
        {"'\\0\\ud800\\0'", {"\0\xef\xbf\xbd\0", 5}},
        {"12.5", {"12.5", 4}},
        {"null", {"null", 4}},
        {"({toString() { return 'mine' }})", {"mine", 4}},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        harness_run(iso, cases[i].source, expect_utf8, (void *)&cases[i].want);
}

static void expect_long(JSContextRef ctx, JSValueRef value, void *context)
{
    JSValueRef exception = NULL;
    size_t len = 0;
    char *text = value_to_utf8(ctx, value, &len, &exception);

    cr_expect_eq(len, *(size_t *)context);
    free(text);
}

Test(value, long_text_to_utf8)
{
    size_t ascii = 1000000, wide = 3000000, lone = 1000003;

    harness_run(iso, "'a'.repeat(1e6)", expect_long, &ascii);
    harness_run(iso, "'\\u20ac'.repeat(1e6)", expect_long, &wide);
    harness_run(iso, "'a'.repeat(1e6) + '\\ud800'", expect_long, &lone);
}

/* Makes global `got` from bytes; the script then judges it. */
struct made {
    str bytes;
    JSValueRef (*make)(JSContextRef ctx, str bytes);
};

static void set_got(JSContextRef ctx, JSValueRef ignored, void *context)
{
    const struct made *made = context;

    (void)ignored;
    value_set(ctx, JSContextGetGlobalObject(ctx), "got", made->make(ctx, made->bytes));
}

static void expect_made(JSValueRef (*make)(JSContextRef, str), str bytes, const char *want)
{
    struct made made = {bytes, make};
    char check[512];

    harness_run(iso, "0", set_got, &made);
    snprintf(check, sizeof check, "typeof got === 'string' && got === %s", want);
    cr_expect(harness_holds(iso, check), "%s", want);
}

Test(value, utf8_to_text)
{
    static const struct {
        str bytes;
        const char *want;
    } cases[] = {
        {STR_NONE, "''"},
        {{"plain", 5}, "'plain'"},
        {{"a\0b", 3}, "'a\\0b'"},
        {{"\xc3\xa9", 2}, "'\\u00e9'"},
        {{"\xf0\x9f\x98\x80", 4}, "'\\ud83d\\ude00'"},
        {{"\xff", 1}, "'\\ufffd'"},
        {{"\xc0\x80", 2}, "'\\ufffd\\ufffd'"},
        {{"\xe2\x82", 2}, "'\\ufffd'"},
        {{"\xe2\x82x", 3}, "'\\ufffdx'"},
        {{"\xed\xa0\x80", 3}, "'\\ufffd\\ufffd\\ufffd'"},
        {{"\xf4\x90\x80\x80", 4}, "'\\ufffd\\ufffd\\ufffd\\ufffd'"},
        {{"\xf0\x9f\x98", 3}, "'\\ufffd'"},
        {{"\x80z", 2}, "'\\ufffdz'"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_made(value_string, cases[i].bytes, cases[i].want);
}

Test(value, latin1_to_text)
{
    expect_made(value_latin1, STR_NONE, "''");
    expect_made(value_latin1, (str){"ascii", 5}, "'ascii'");
    expect_made(value_latin1, (str){"\xe9\xff\x80", 3}, "'\\u00e9\\u00ff\\u0080'");
    expect_made(value_latin1, (str){"\xe9\0x", 3}, "'\\u00e9\\0x'");
    expect_made(value_latin1, (str){"a\0x", 3}, "'a\\0x'");
}

struct view_case {
    const char *source;
    const char *want; /* the bytes; NULL when it is no view */
};

static void expect_view(JSContextRef ctx, JSValueRef value, void *context)
{
    const struct view_case *c = context;
    const void *bytes = NULL;
    size_t len = 0;
    bool is_view = value_view(ctx, value, &bytes, &len);

    cr_expect_eq(is_view, c->want != NULL, "%s", c->source);
    if (!is_view || !c->want)
        return;
    cr_expect_eq(len, strlen(c->want), "%s: %zu bytes", c->source, len);
    cr_expect(str_equal((str){bytes, len}, str_from(c->want)), "%s: %.*s", c->source, (int)len,
              (const char *)bytes);
}

#define ABCD "Uint8Array.from([65, 66, 67, 68])"

Test(value, views)
{
    static const struct view_case cases[] = {
        {ABCD, "ABCD"},
        {ABCD ".buffer", "ABCD"},
        {ABCD ".subarray(1, 3)", "BC"},
        {"new Uint16Array(" ABCD ".buffer, 2)", "CD"},
        {"new DataView(" ABCD ".buffer)", "ABCD"},
        {"new DataView(" ABCD ".buffer, 1)", "BCD"},
        {"new DataView(" ABCD ".buffer, 1, 2)", "BC"},
        {"new DataView(" ABCD ".buffer, 4)", ""},
        {"new Uint8Array(0)", ""},
        {"new ArrayBuffer(0)", ""},
        {"new Uint8ClampedArray([65])", "A"},
        {"new BigInt64Array(new BigInt64Array([0x4141414141414141n]))", "AAAAAAAA"},
        {"(() => { const a = new Uint8Array(4); a.buffer.transfer(); return a })()", ""},
        {"[65]", NULL},
        {"({byteLength: 1, buffer: 1})", NULL},
        {"Object.create(" ABCD ")", NULL},
        {"new Proxy(" ABCD ", {})", NULL},
        {"'text'", NULL},
        {"1", NULL},
        {"null", NULL},
        {"undefined", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        harness_run(iso, cases[i].source, expect_view, (void *)&cases[i]);
}

static JSValueRef made_bytes(JSContextRef ctx, str bytes)
{
    return value_bytes(ctx, bytes.ptr, bytes.len);
}

static void set_bytes(JSContextRef ctx, JSValueRef ignored, void *context)
{
    struct made made = {*(str *)context, made_bytes};

    set_got(ctx, ignored, &made);
}

Test(value, bytes)
{
    str some = {"A\0\xff", 3}, none = STR_NONE;

    harness_run(iso, "0", set_bytes, &some);
    cr_expect(harness_holds(iso, "got instanceof Uint8Array && got.join() === '65,0,255'"));
    harness_run(iso, "0", set_bytes, &none);
    cr_expect(harness_holds(iso, "got instanceof Uint8Array && got.length === 0"));
}

static void expect_refusals(JSContextRef ctx, JSValueRef hostile, void *context)
{
    JSValueRef exception = NULL;
    struct buf out;

    (void)context;
    buf_init(&out, 4096);
    cr_expect_eq(value_to_buf(ctx, hostile, &out, &exception), ERR_SCRIPT);
    cr_expect_not_null(exception);
    cr_expect_eq(out.len, 0);
    buf_done(&out);
    cr_expect_null(value_to_utf8(ctx, hostile, NULL, &exception));
    cr_expect_eq(value_to_number(ctx, hostile, 7), 7);
    cr_expect(JSValueIsUndefined(ctx, value_get(ctx, (JSObjectRef)hostile, "name")));
}

Test(value, hostile_objects)
{
    harness_run(iso,
                "(() => { const no = () => { throw new Error('no') };"
                "return new Proxy({}, {get: no, has: no, getPrototypeOf: no}) })()",
                expect_refusals, NULL);
    harness_run(iso, "({ get name() { throw 1 }, toString() { throw 1 }, valueOf() { throw 1 } })",
                expect_refusals, NULL);
}

static void expect_limit(JSContextRef ctx, JSValueRef text, void *context)
{
    JSValueRef exception = NULL;
    struct buf out;

    (void)context;
    buf_init(&out, 16);
    cr_expect_eq(value_to_buf(ctx, text, &out, &exception), ERR_LIMIT);
    cr_expect_null(exception);
    buf_done(&out);
}

Test(value, text_has_a_limit)
{
    harness_run(iso, "'x'.repeat(100)", expect_limit, NULL);
}

Test(value, an_op_throws_an_error_of_its_class)
{
    cr_expect(harness_holds(iso, "try { ops.op_boom(); false } catch (error) {"
                                 "error instanceof RangeError && error.message === 'boom' &&"
                                 "error.code === -1 }"));
}
