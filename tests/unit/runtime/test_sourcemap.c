/* runtime/sourcemap: a map by hand, maps by esbuild, hostile maps; stacks as JSC writes them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/sourcemap.h"

/* Mappings by hand, generated (line:column, from 0) -> source:line:column name:
 *   0:0 -> 0:0:0    0:4 -> 0:0:9 "alpha"    0:10 -> nothing
 *   2:2 -> 1:2:4    2:2 -> 1:3:0 "beta"     2:20 -> 2:3:0 (a source that is null) */
static const char by_hand[] =
    "{\"version\":3,\"sources\":[\"../../src/a.ts\",\"./b.ts\",null],"
    "\"sourcesContent\":[\"one\\r\\ntwo\",\"1\\n2\\n3\\n4\"],"
    "\"names\":[\"alpha\",\"beta\"],\"mappings\":\"AAAA,IAASA,M;;ECEL,AACJC,kBCAA\"}";

static struct sourcemap *parsed(const char *json)
{
    struct sourcemap *map = NULL;

    cr_assert_eq(sourcemap_parse(str_from(json), &map), 0);
    return map;
}

Test(sourcemap, finds_the_last_mapping_before)
{
    static const struct {
        unsigned line, column;
        const char *source;  /* NULL: nothing is found */
        unsigned want_line, want_column;
        const char *name, *text;
    } cases[] = {
        {1, 1, "src/a.ts", 1, 1, "", "one"},
        {1, 4, "src/a.ts", 1, 1, "", "one"},
        {1, 5, "src/a.ts", 1, 10, "alpha", "one"},
        {1, 10, "src/a.ts", 1, 10, "alpha", "one"},
        {1, 11, NULL, 0, 0, NULL, NULL},
        {1, 4000000000u, NULL, 0, 0, NULL, NULL},
        {2, 1, NULL, 0, 0, NULL, NULL},
        {3, 1, NULL, 0, 0, NULL, NULL},
        {3, 2, NULL, 0, 0, NULL, NULL},
        {3, 3, "b.ts", 4, 1, "beta", "4"},
        {3, 20, "b.ts", 4, 1, "beta", "4"},
        {3, 21, NULL, 0, 0, NULL, NULL},
        {4, 1, NULL, 0, 0, NULL, NULL},
        {0, 1, NULL, 0, 0, NULL, NULL},
        {1, 0, NULL, 0, 0, NULL, NULL},
        {4294967295u, 4294967295u, NULL, 0, 0, NULL, NULL},
    };
    struct sourcemap *map = parsed(by_hand);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sourcemap_position at;
        bool found = sourcemap_find(map, cases[i].line, cases[i].column, &at);

        cr_expect_eq(found, cases[i].source != NULL, "case %zu", i);
        if (!found || !cases[i].source)
            continue;
        cr_expect(str_equal(at.source, str_from(cases[i].source)), "case %zu", i);
        cr_expect_eq(at.line, cases[i].want_line, "case %zu", i);
        cr_expect_eq(at.column, cases[i].want_column, "case %zu", i);
        cr_expect(str_equal(at.name, str_from(cases[i].name)), "case %zu", i);
        cr_expect(str_equal(at.text, str_from(cases[i].text)), "case %zu", i);
    }
    sourcemap_free(map);
}

/* Enough segments for many marks, in lines of every length around the distance between marks. */
Test(sourcemap, finds_in_long_lines)
{
    enum { LINES = 200 };
    struct buf json;
    struct sourcemap *map;

    buf_init(&json, 1 << 20);
    cr_assert_eq(buf_append(&json, STR("{\"version\":3,\"sources\":[\"a\"],\"mappings\":\"")), 0);
    for (int line = 0; line < LINES; line++) {
        for (int i = 0; i <= line; i++)
            cr_assert_eq(buf_append(&json, i ? STR("EAAA,") : STR("CACA,")), 0);
        cr_assert_eq(buf_append(&json, STR(";")), 0);
    }
    cr_assert_eq(buf_append(&json, STR("\"}")), 0);
    cr_assert_eq(sourcemap_parse(buf_str(&json), &map), 0);

    /* Line n has segments at columns 1, 3, 5, ... 2n-1 (from 0), all from source line n. */
    for (unsigned line = 1; line <= LINES; line++) {
        struct sourcemap_position at;

        cr_expect_not(sourcemap_find(map, line, 1, &at));
        for (unsigned column = 2; column <= 2 * line + 3; column++) {
            cr_expect(sourcemap_find(map, line, column, &at));
            cr_expect_eq(at.line, line + 1, "%u:%u", line, column);
        }
    }
    sourcemap_free(map);
    buf_done(&json);
}

Test(sourcemap, lacks_what_the_map_lacks)
{
    static const char *const contents[] = {"", ",\"sourcesContent\":null", ",\"sourcesContent\":[]",
                                           ",\"sourcesContent\":[null]",
                                           ",\"sourcesContent\":[\"\"]"};

    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        struct sourcemap_position at;
        struct sourcemap *map;
        char json[256];

        snprintf(json, sizeof json, "{\"version\":3,\"sources\":[\"a\"],\"mappings\":\"AAUA\"%s}",
                 contents[i]);
        map = parsed(json);
        cr_expect(sourcemap_find(map, 1, 1, &at));
        cr_expect_eq(at.text.len, 0);
        cr_expect_eq(at.name.len, 0);
        sourcemap_free(map);
    }
}

#define MAP(mappings) \
    "{\"version\":3,\"sources\":[\"a\"],\"names\":[\"n\"],\"mappings\":\"" mappings "\"}"

Test(sourcemap, judges_maps)
{
    static const struct {
        const char *json;
        int want;
    } cases[] = {
        {MAP(""), 0},
        {MAP(";;;,,;"), 0},
        {MAP("A"), 0},
        {MAP("AAAA,,;AAAAA"), 0},
        {MAP("+/////D"), 0},
        {MAP("+/////D,C"), ERR_INVALID},
        {MAP("g/////E"), ERR_INVALID},
        {MAP("ggggggggggggggggggggg"), ERR_INVALID},
        {MAP("gggggB"), 0},
        {MAP("ggggggA"), 0},
        {MAP("gggggggA"), ERR_INVALID},
        {MAP("AA"), ERR_INVALID},
        {MAP("AAA"), ERR_INVALID},
        {MAP("AAAAAA"), ERR_INVALID},
        {MAP("g"), ERR_INVALID},
        {MAP("AAAg"), ERR_INVALID},
        {MAP("A*"), ERR_INVALID},
        {MAP("A A"), ERR_INVALID},
        {MAP("\\u0000"), ERR_INVALID},
        {MAP("\\u00e9"), ERR_INVALID},
        {MAP("D"), ERR_INVALID},
        {MAP("C,D"), ERR_INVALID},
        {MAP("ADAA"), ERR_INVALID},
        {MAP("AADA"), ERR_INVALID},
        {MAP("AAAD"), ERR_INVALID},
        {MAP("AAAAD"), ERR_INVALID},
        {MAP("ACAA"), ERR_INVALID},
        {MAP("AAAAC"), ERR_INVALID},
        {"", ERR_INVALID},
        {"null", ERR_INVALID},
        {"[]", ERR_INVALID},
        {"{}", ERR_INVALID},
        {"{\"version\":3,\"sources\":[],\"mappings\":\"\"} x", ERR_INVALID},
        {"{\"version\":3,\"sources\":[],\"mappings\":\"\"", ERR_INVALID},
        {"{\"version\":2,\"sources\":[],\"mappings\":\"\"}", ERR_INVALID},
        {"{\"version\":\"3\",\"sources\":[],\"mappings\":\"\"}", ERR_INVALID},
        {"{\"version\":3,\"mappings\":\"\"}", ERR_INVALID},
        {"{\"version\":3,\"sources\":{},\"mappings\":\"\"}", ERR_INVALID},
        {"{\"version\":3,\"sources\":[]}", ERR_INVALID},
        {"{\"version\":3,\"sources\":[],\"mappings\":[]}", ERR_INVALID},
        {"{\"version\":3,\"sources\":[],\"names\":1,\"mappings\":\"\"}", ERR_INVALID},
        {"{\"version\":3,\"sources\":[],\"sourcesContent\":\"\",\"mappings\":\"\"}", ERR_INVALID},
        {"{\"version\":3,\"sources\":[1,{}],\"names\":[1],\"mappings\":\"ACAAA\"}", 0},
        {"{\"version\":3,\"sections\":[]}", ERR_UNSUPPORTED},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sourcemap *map = NULL;

        cr_expect_eq(sourcemap_parse(str_from(cases[i].json), &map), cases[i].want, "%s",
                     cases[i].json);
        cr_expect_eq(map != NULL, cases[i].want == 0, "%s", cases[i].json);
        sourcemap_free(map);
    }
    sourcemap_free(NULL);
}

static int parse_repeated(const char *start, const char *each, size_t count, const char *end)
{
    struct sourcemap *map = NULL;
    struct buf json;
    int r;

    buf_init(&json, (size_t)SOURCEMAP_BYTES_MAX * 2);
    cr_assert_eq(buf_append(&json, str_from(start)), 0);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(buf_append(&json, str_from(each)), 0);
    cr_assert_eq(buf_append(&json, str_from(end)), 0);
    r = sourcemap_parse(buf_str(&json), &map);
    sourcemap_free(map);
    buf_done(&json);
    return r;
}

Test(sourcemap, bounds_the_map)
{
    const char *start = "{\"version\":3,\"mappings\":\"\",\"sources\":[\"\"";
    const char *many = "{\"version\":3,\"sources\":[],\"mappings\":\"\",\"x\":[0";
    const char *text = "{\"version\":3,\"sources\":[],\"mappings\":\"\",\"x\":\"\\\"[";

    cr_expect_eq(parse_repeated(start, ",\"\"", SOURCEMAP_SOURCES_MAX - 1, "]}"), 0);
    cr_expect_eq(parse_repeated(start, ",\"\"", SOURCEMAP_SOURCES_MAX, "]}"), ERR_LIMIT);
    cr_expect_eq(parse_repeated(many, ",[]", SOURCEMAP_VALUES_MAX / 2 - 10, "]}"), 0);
    cr_expect_eq(parse_repeated(many, ",[]", SOURCEMAP_VALUES_MAX / 2, "]}"), ERR_LIMIT);
    cr_expect_eq(parse_repeated(text, ",[{\\\"", SOURCEMAP_VALUES_MAX, "\"}"), 0);
    cr_expect_eq(parse_repeated(text, "12345678", SOURCEMAP_BYTES_MAX / 8, "\"}"), ERR_LIMIT);
    cr_expect_eq(parse_repeated("", "[", 100000, ""), ERR_INVALID);
}

static void expect_stack(const struct sourcemap *map, const char *stack, const char *want)
{
    struct buf out;

    buf_init(&out, 4096);
    cr_expect_eq(sourcemap_map_stack(map, STR("app.js"), str_from(stack), &out), 0);
    cr_expect(str_equal(buf_str(&out), str_from(want)), "%s gives %.*s", stack,
              STR_ARGS(buf_str(&out)));
    buf_done(&out);
}

Test(sourcemap, maps_stacks)
{
    static const struct {
        const char *stack, *want;
    } cases[] = {
        {"", ""},
        {"f@app.js:1:5", "    at f (src/a.ts:1:10)"},
        {"f@app.js:1:5\ng@app.js:3:3\n", "    at f (src/a.ts:1:10)\n    at g (b.ts:4:1)"},
        {"@app.js:1:5", "    at src/a.ts:1:10"},
        {"app.js:1:5", "    at src/a.ts:1:10"},
        {"module code@app.js:1:5\nglobal code@app.js:3:3",
         "    at src/a.ts:1:10\n    at b.ts:4:1"},
        {"we@ird@app.js:1:5", "    at we@ird (src/a.ts:1:10)"},
        {"async f@app.js:1:5", "    at async f (src/a.ts:1:10)"},
        /* Without a mapping: as it is, but for a bundler's helpers. */
        {"f@app.js:9:9\n__toESM@app.js:9:9\n__init@app.js:2:1", "    at f (app.js:9:9)"},
        {"__mine@app.js:1:5", "    at __mine (src/a.ts:1:10)"},
        {"f@other.js:1:5", "    at f (other.js:1:5)"},
        {"__f@http://a:81/o.js:1:5", "    at __f (http://a:81/o.js:1:5)"},
        /* What has no place, and what is ours. */
        {"map@[native code]\n[native code]\nf@\n@",
         "    at map (<anonymous>)\n    at <anonymous>\n    at f (<anonymous>)\n"
         "    at <anonymous>"},
        {"<?>.wasm-function[0]@[wasm code]", "    at <?>.wasm-function[0] (<anonymous>)"},
        {"run@atoll:core.js:12:3\nf@app.js:1:5\n@atoll:core.js:1:1\natoll:web:1:1",
         "    at f (src/a.ts:1:10)"},
        {"run@atoll:core.js:12:3", ""},
        /* Lines that are no frame. */
        {"    at f (x@y.ts:1:1)\n  at g", "    at f (x@y.ts:1:1)\n  at g"},
        {"Error: mail a@b.c", "Error: mail a@b.c"},
        {"app.js", "app.js"},
        {"f@app.js:1", "f@app.js:1"},
        {"f@app.js:1:", "f@app.js:1:"},
        {"f@app.js::1", "f@app.js::1"},
        {"f@app.js:1:99999999999", "f@app.js:1:99999999999"},
        {"f@app.js:0:0", "    at f (<anonymous>)"},
        {"f@app.js:1:0", "    at f (app.js:1:0)"},
        {"\n\n", ""},
    };
    struct sourcemap *map = parsed(by_hand);

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_stack(map, cases[i].stack, cases[i].want);
    sourcemap_free(map);
}

/* JSC has two frames for an async function: where it runs, and its head. */
/* What a bundle has instead of the platform's own modules. */
Test(sourcemap, drops_frames_of_the_platform_in_the_bundle)
{
    static const str json = STR("{\"version\":3,\"sources\":[\"atoll:module\",\"a.ts\"],"
                                "\"names\":[],\"mappings\":\"AAAA;ACAA\"}");
    struct sourcemap *map;

    cr_assert_eq(sourcemap_parse(json, &map), 0);
    expect_stack(map, "f@app.js:1:1\ng@app.js:2:1", "    at g (a.ts:1:1)");
    sourcemap_free(map);
}

Test(sourcemap, drops_the_heads_of_async_functions)
{
    static const struct {
        const char *stack, *want;
    } cases[] = {
        {"go@app.js:2:3\ngo@app.js:1:19", "    at go (a.ts:2:3)"},
        {"go@app.js:2:3\ngo@app.js:1:1", "    at go (a.ts:2:3)\n    at go (a.ts:1:1)"},
        {"go@app.js:2:3\ngo@app.js:2:3", "    at go (a.ts:2:3)\n    at go (a.ts:2:3)"},
        {"@app.js:2:3\ngo@app.js:1:19", "    at a.ts:2:3\n    at go (a.ts:1:19)"},
        {"go@app.js:1:19", "    at go (a.ts:1:19)"},
    };
    struct sourcemap *map = parsed(
        "{\"version\":3,\"sources\":[\"a.ts\"],\"sourcesContent\":[\"async function go(n) "
        "{\\n  await go(n);\\n}\\n\"],\"mappings\":\"AAAA,kBAAkB;EAChB\"}");

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_stack(map, cases[i].stack, cases[i].want);
    sourcemap_free(map);
}

/* Maps that esbuild made of index.ts and lib/risky.ts, plain and minified, and the stacks that JSC
 * gave for the bundle:
 *   export default {                                  export function risky(n: number): number {
 *     go(n: number): number[] {                         if (n > 2)
 *       const all = [n].map((x) => risky(x));             throw new RangeError("bad");
 *       return all;                                     return n;
 *     },                                              }
 *   };
 * index.ts has an import and an empty line before that. */
Test(sourcemap, maps_what_esbuild_and_jsc_make)
{
    static const struct {
        const char *json, *stack, *want;
    } cases[] = {
        {"{\"version\":3,\"sources\":[\"../index.ts\",\"../lib/risky.ts\"],\"names\":[],"
         "\"mappings\":\";;;;;;;;;;;;;;;;;;;;AAAA;AAAA;AAAA;AAAA;;;ACAO,WAAS,MAAM,GAAmB;"
         "AACvC,QAAI,IAAI;AACN,YAAM,IAAI,WAAW,KAAK;AAC5B,WAAO;AAAA,EACT;;;ADFA,MAAO,gBAAQ;"
         "AAAA,IACb,GAAG,GAAqB;AACtB,YAAM,MAAM,CAAC,CAAC,EAAE,IAAI,CAAC,MAAM,MAAM,CAAC,CAAC;"
         "AACnC,aAAO;AAAA,IACT;AAAA,EACF;\"}",
         "risky@app.js:29:27\n@app.js:36:39\nmap@[native code]\ngo@app.js:36:26",
         "    at risky (lib/risky.ts:3:15)\n    at index.ts:5:32\n    at map (<anonymous>)\n"
         "    at go (index.ts:5:21)"},
        {"{\"version\":3,\"sources\":[\"../index.ts\",\"../lib/risky.ts\"],"
         "\"names\":[\"index_exports\",\"__export\",\"index_default\",\"risky\",\"n\","
         "\"index_default\",\"n\",\"x\",\"risky\"],"
         "\"mappings\":\"waAAA,IAAAA,EAAA,GAAAC,EAAAD,EAAA,aAAAE,ICAO,SAASC,EAAMC,EAAmB,"
         "CACvC,GAAIA,EAAI,EACN,MAAM,IAAI,WAAW,KAAK,EAC5B,OAAOA,CACT,CDFA,IAAOC,EAAQ,CACb,"
         "GAAGC,EAAqB,CAEtB,MADY,CAACA,CAAC,EAAE,IAAKC,GAAMC,EAAMD,CAAC,CAAC,CAErC,CACF\"}",
         "m@app.js:1:496\n@app.js:1:544\nmap@[native code]\ngo@app.js:1:539",
         "    at m (lib/risky.ts:3:15)\n    at index.ts:5:32\n    at map (<anonymous>)\n"
         "    at go (index.ts:5:21)"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sourcemap *map = parsed(cases[i].json);

        expect_stack(map, cases[i].stack, cases[i].want);
        sourcemap_free(map);
    }
}

Test(sourcemap, shows_places_in_the_bundle_without_a_map)
{
    expect_stack(NULL, "f@app.js:1:5\n@app.js:2:7\nrun@atoll:core.js:1:1",
                 "    at f (app.js:1:5)\n    at app.js:2:7");
}

Test(sourcemap, keeps_what_fits)
{
    static const char *const fits[] = {"", "x", "xxxxxxxxxxx"};

    for (size_t i = 0; i < COUNT_OF(fits); i++) {
        struct buf out;
        size_t kept;

        buf_init(&out, 35);
        cr_assert_eq(buf_append(&out, str_from(fits[i])), 0);
        cr_expect_eq(sourcemap_map_stack(NULL, STR("app.js"), STR("f@b:1:2\ng@b:3:4\nh@b:5:6"),
                                         &out),
                     ERR_LIMIT);
        kept = out.len - strlen(fits[i]);
        cr_expect(str_equal(str_skip(buf_str(&out), strlen(fits[i])),
                            str_head(STR("    at f (b:1:2)\n    at g (b:3:4)"), kept)));
        cr_expect(kept == 16 || kept == 33, "%zu", kept);
        buf_done(&out);
    }
}
