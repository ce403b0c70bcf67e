#include "control/bundle_log.h"

#include <criterion/criterion.h>

#define BAR "\xe2\x94\x82"
#define FOOT "\xe2\x95\xb5"
#define CROSS "\xe2\x9c\x98"
#define TRIANGLE "\xe2\x96\xb2"

static const struct {
    const char *log, *want, *files;
} cases[] = {
    {"", "", ""},
    {"anything\n", "  anything\n", ""},
    {CROSS " [ERROR] Unexpected \";\"\n\n"
     "    src/a.ts:6:8:\n      6 " BAR " let a = ;\n        " FOOT "         ^\n\n",
     "src/a.ts:6:9: error: Unexpected \";\"\n  6 " BAR " let a = ;\n    " FOOT "         ^\n",
     "src/a.ts;"},
    {TRIANGLE " [WARNING] careful\n\n    a.js:1:0:\n      1 " BAR " x\n",
     "a.js:1:1: warning: careful\n  1 " BAR " x\n", "a.js;"},
    {CROSS " [ERROR] no place\n", "error: no place\n", ""},
    {CROSS " [ERROR] Could not resolve \"./a\"\n\n    atoll-entry.js:1:24:\n",
     "error: Could not resolve \"./a\"\n", ""},
    {CROSS " [ERROR] one\n\n    a:b.js:2:3:\n  The first was here:\n\n    c.js:4:5:\n"
     CROSS " [ERROR] two\n\n    d.js:6:7:\n",
     "a:b.js:2:4: error: one\n  The first was here:\n  c.js:4:6: \nd.js:6:8: error: two\n",
     "a:b.js;c.js;d.js;"},
    {CROSS " [ERROR] Could not resolve \"node:fs\"\n\n    a.js:1:0:\n\n"
     "  The package \"node:fs\" wasn't found on the file system but is built into node. Are you\n",
     "a.js:1:1: error: Could not resolve \"node:fs\"\n"
     "  modules of Node (node:*) are not there yet: use the web platform's own, or a package that "
     "does without\n",
     "a.js;"},
    {CROSS " [ERROR] Could not resolve \"x\"\n\n    a.js:1:0:\n\n"
     "  You can mark the path \"x\" as external to exclude it\n",
     "a.js:1:1: error: Could not resolve \"x\"\n  is the package installed? (npm install)\n",
     "a.js;"},
    {CROSS " [ERROR] Could not resolve \"./x\"\n\n    a.js:1:0:\n\n"
     "  You can mark the path \"./x\" as external to exclude it\n",
     "a.js:1:1: error: Could not resolve \"./x\"\n", "a.js;"},
};

static void add_file(void *context, str file)
{
    cr_assert_eq(buf_printf(context, "%.*s;", STR_ARGS(file)), 0);
}

Test(bundle_log, is_said_again)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out, files;

        buf_init(&out, 4096);
        buf_init(&files, 4096);
        bundle_log_format(str_from(cases[i].log), &out, add_file, &files);
        cr_expect(str_equal(buf_str(&out), str_from(cases[i].want)), "case %zu:\n%.*s", i,
                  STR_ARGS(buf_str(&out)));
        cr_expect(str_equal(buf_str(&files), str_from(cases[i].files)));
        buf_done(&out);
        buf_done(&files);
    }
}

Test(bundle_log, is_cut_where_the_buffer_ends)
{
    for (size_t max = 0; max < 120; max++) {
        struct buf out;

        buf_init(&out, max);
        bundle_log_format(str_from(cases[2].log), &out, NULL, NULL);
        cr_expect_leq(out.len, max);
        buf_done(&out);
    }
}
