#include "control/bundle_script.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

/* What stands between the fixed head and the first line end, and all lines behind it. */
static const struct {
    const char *module, *constants, *body;
} cases[] = {
    {"", "", ""},
    {"a();\nb();\n", "", "a();\nb();\n"},
    {"import mod from \"./a-X.wasm\";\nb();\n", "const mod=__atoll_module(\"a-X.wasm\");",
     "\nb();\n"},
    {"import mod from \"./a.wasm?module\";\n", "const mod=__atoll_module(\"a.wasm\");", "\n"},
    {"import * as ns from \"./a.wasm\";\n", "const ns={default:__atoll_module(\"a.wasm\")};",
     "\n"},
    {"import {\n  default as b\n} from \"./a.wasm\";\nc();\n",
     "const {   default:b }={default:__atoll_module(\"a.wasm\")};", "\n\n\nc();\n"},
    {"import a, * as b from \"./c\";\n",
     "const a=__atoll_module(\"c\");const b={default:__atoll_module(\"c\")};", "\n"},
    {"import a, { b as c, d } from \"./e\";\n",
     "const a=__atoll_module(\"e\");const { b:c, d }={default:__atoll_module(\"e\")};", "\n"},
    {"import \"./a.bin\";\nb();\n", "", "\nb();\n"},
    {"import a from \"b\";\n", "", "import a from \"b\";\n"},
    {"import a from \"./b\"", "", "import a from \"./b\""},
    {"  import a from \"./b\";\n", "", "  import a from \"./b\";\n"},
    {"importing();\n", "", "importing();\n"},
};

Test(bundle_script, moves_imports_into_the_head)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        str text, head;

        buf_init(&out, 4096);
        cr_assert_eq(bundle_script_wrap(str_from(cases[i].module), &out), 0);
        text = buf_str(&out);
        head = str_head(text, str_find(text, '\n'));
        cr_expect(str_ends(head, str_from(cases[i].constants)), "case %zu: %.*s", i,
                  STR_ARGS(head));
        text = str_skip(text, head.len + 1);
        cr_expect(str_ends(text, STR("\n})()})")));
        text.len -= strlen("\n})()})");
        cr_expect(str_equal(text, str_from(cases[i].body)), "case %zu: %.*s", i, STR_ARGS(text));
        buf_done(&out);
    }
}

Test(bundle_script, has_a_maximum)
{
    for (size_t max = 0; max < 300; max += 7) {
        struct buf out;
        int r;

        buf_init(&out, max);
        r = bundle_script_wrap(STR("import a from \"./b\";\nc();\n"), &out);
        cr_expect(r == 0 || r == ERR_LIMIT);
        cr_expect_leq(out.len, max);
        buf_done(&out);
    }
}

Test(bundle_script, shifts_the_map_and_names_sources_from_the_root)
{
    static const str map = STR("{\"version\":3,\"sources\":[\"../../w/src/a.ts\",\"../out/b.js\","
                               "\"../../w/c.js.atoll.mjs\",\"dataurl:data:text/javascript,d\"],"
                               "\"mappings\":\"AAAA;\",\"names\":[]}");
    struct buf out;
    json_t *got, *want;

    buf_init(&out, 4096);
    cr_assert_eq(bundle_script_map(map, true, "/tmp/x", "/w", &out), 0);
    got = json_loadb(out.ptr, out.len, 0, NULL);
    want = json_pack("{s:i, s:[s, s, s, s], s:s, s:[]}", "version", 3, "sources", "src/a.ts",
                     "../tmp/out/b.js", "c.js", "atoll:module", "mappings", ";AAAA;", "names");
    cr_expect(json_equal(got, want), "%.*s", STR_ARGS(buf_str(&out)));
    json_decref(got);
    json_decref(want);
    buf_done(&out);
}

Test(bundle_script, a_script_in_service_worker_format_has_globals)
{
    static const struct {
        const char *module, *want;
        bool head;
    } rows[] = {
        {"a();\n", "a();\n", false},
        {"import w from \"./a-1.wasm\";\nf(w);\n",
         "const __atoll_module=n=>globalThis[n];const w=__atoll_module(\"a-1.wasm\");\n\nf(w);\n",
         true},
        {"", "", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        bool head = !rows[i].head;

        buf_init(&out, 1024);
        cr_assert_eq(bundle_script_classic(str_from(rows[i].module), &out, &head), 0);
        cr_expect(str_equal(buf_str(&out), str_from(rows[i].want)), "%.*s",
                  STR_ARGS(buf_str(&out)));
        cr_expect_eq(head, rows[i].head);
        buf_done(&out);
    }
}

Test(bundle_script, a_map_of_a_module_as_it_was_keeps_its_lines)
{
    static const str map = STR("{\"version\":3,\"sources\":[\"../w/a.ts\"],\"mappings\":\"AAAA\","
                               "\"names\":[]}");
    struct buf out;
    json_t *got;

    buf_init(&out, 1024);
    cr_assert_eq(bundle_script_map(map, false, "/t", "/w", &out), 0);
    got = json_loadb(out.ptr, out.len, 0, NULL);
    cr_expect_str_eq(json_string_value(json_object_get(got, "mappings")), "AAAA");
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(got, "sources"), 0)), "a.ts");
    json_decref(got);
    buf_done(&out);
}

Test(bundle_script, knows_the_files_of_uploaded_modules)
{
    static const struct {
        const char *file, *want;
    } rows[] = {
        {"lib/x.js.atoll.mjs", "lib/x.js"}, {"x.atoll.wasm", "x"}, {"x.atoll", "x.atoll"},
        {"x.js", "x.js"}, {"", ""}, {".atoll.", ""}, {"atoll.mjs", "atoll.mjs"},
        {"a.atoll.b.mjs", "a.atoll.b.mjs"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect(str_equal(bundle_script_source(str_from(rows[i].file)), str_from(rows[i].want)),
                  "%s", rows[i].file);
}

Test(bundle_script, refuses_what_is_no_map)
{
    static const char *const bad[] = {"", "[]", "{}", "{\"mappings\":1}", "x"};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buf out;

        buf_init(&out, 100);
        cr_expect_eq(bundle_script_map(str_from(bad[i]), true, "/t", "/w", &out), ERR_INVALID);
        buf_done(&out);
    }
}
