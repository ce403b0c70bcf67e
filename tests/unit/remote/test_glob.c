#include "remote/glob.h"

#include <criterion/criterion.h>

#include "base/mem.h"

Test(glob, matches_names_and_directories)
{
    static const struct {
        const char *pattern, *path;
        bool want;
    } rows[] = {
        {"**/*.js", "a.js", true},
        {"**/*.js", "a/b/c.js", true},
        {"**/*.js", "a/b/c.jsx", false},
        {"**/*.js", "a.js/b", false},
        {"*.js", "a.js", true},
        {"*.js", "a/b.js", false},
        {"lib/*.mjs", "lib/x.mjs", true},
        {"lib/*.mjs", "lib/x/y.mjs", false},
        {"lib/**/*.mjs", "lib/x/y/z.mjs", true},
        {"lib/**/*.mjs", "lib/z.mjs", true},
        {"lib/**", "lib/a/b", true},
        {"lib/**", "libs/a", false},
        {"**", "a/b/c", true},
        {"**/a/**/b", "x/a/y/a/z/b", true},
        {"**/a/**/b", "a/c", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "abcd", false},
        {"a.b", "axb", false},
        {"[a]?", "[a]?", true},
        {"*", "", false},
        {"", "", true},
        {"", "a", false},
        {"a", "a/b", false},
        {"a/b", "a", false},
        {"**/*.wasm?module", "x/y.wasm?module", true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(glob_matches(str_from(rows[i].pattern), str_from(rows[i].path)), rows[i].want,
                     "%s of %s", rows[i].pattern, rows[i].path);
}

/* Each star goes back once only: no pattern makes it take for ever. */
Test(glob, does_not_take_long, .timeout = 5)
{
    char pattern[2001], path[4001];

    for (size_t i = 0; i < 2000; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[2000] = 0;
    memset(path, 'a', 4000);
    path[3999] = 'b';
    path[4000] = 0;
    cr_expect_not(glob_matches(str_from(pattern), str_from(path)));
}
