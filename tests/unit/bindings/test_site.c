/* bindings/assets: the text of a site, paths, rules, and what requests get. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/assets/site_answer.h"
#include "bindings/assets/site_ignore.h"
#include "bindings/assets/site_path.h"
#include "bindings/assets/site_rule.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"

enum { FILES_MAX = 16, TEXT_MAX = 1 << 20 };

static struct err err;

/* A site of these paths, each with contents of its own. */
static struct site *site_with(struct site_settings settings, const char *const paths[])
{
    static char hashes[FILES_MAX][SITE_HASH_BYTES + 1];
    struct site_file files[FILES_MAX];
    struct site *site = NULL;
    struct buf text;
    size_t count = 0, len;
    char *bytes;

    for (; paths[count]; count++) {
        snprintf(hashes[count], sizeof hashes[count], HASH "%02zx", count);
        files[count] = (struct site_file){str_from(paths[count]), str_from(hashes[count]),
                                          STR("text/html"), 1000};
    }
    qsort(files, count, sizeof *files, site_compare);
    buf_init(&text, TEXT_MAX);
    cr_assert_eq(site_write(&settings, files, count, &text), 0);
    bytes = buf_take(&text, &len);
    cr_assert_eq(site_parse(bytes, len, &site, &err), 0, "%s", err.text);
    return site;
}

/* ---- the text ---- */

Test(site, its_text_comes_back)
{
    const char *const paths[] = {"/b", "/a", "/a b\n", "/\xc3\xa9", NULL};
    struct site *site = site_with((struct site_settings){.html = SITE_HTML_DROP,
                                                         .missing = SITE_MISSING_APP,
                                                         .has_script = true,
                                                         .first = STR("/api/*\n"),
                                                         .headers = STR("/x\n  A: b\n"),
                                                         .redirects = STR("/r /s\n")},
                                  paths);
    const struct site_settings *s = site_settings(site);
    struct site_file file;

    cr_expect_eq(s->html, SITE_HTML_DROP);
    cr_expect_eq(s->missing, SITE_MISSING_APP);
    cr_expect(s->has_script && !s->navigates);
    cr_expect(str_equal(s->first, STR("/api/*\n")));
    cr_expect(str_equal(s->headers, STR("/x\n  A: b\n")));
    cr_expect(str_equal(s->redirects, STR("/r /s\n")));
    cr_expect_eq(site_count(site), 4);
    for (size_t i = 0; paths[i]; i++)
        cr_expect(site_find(site, str_from(paths[i]), &file), "%s", paths[i]);
    cr_expect_not(site_find(site, STR("/c"), &file));
    cr_expect_not(site_find(site, STR(""), &file));
    site_free(site);
}

Test(site, damaged_texts_are_refused)
{
#define HEAD(files)                                                                                \
    "atoll-site 1\nhtml 0 missing 0 script 0 navigates 0 first 0 headers 0 redirects 0 "           \
    "files " files "\n"
#define ROW(path, len) HASH "00 5 0 " len "\n" path "\n"
    static const char *const bad[] = {
        "",
        "atoll-site 2\n",
        HEAD("1"),
        HEAD("0") "x",
        HEAD("20001"),
        HEAD("1") ROW("/a", "3"),
        HEAD("1") ROW("/a", "99999999999999999999"),
        HEAD("1") "x" ROW("/a", "2"),
        HEAD("2") ROW("/b", "2") ROW("/a", "2"),
        HEAD("2") ROW("/a", "2") ROW("/a", "2"),
        "atoll-site 1\n"
        "html 9 missing 0 script 0 navigates 0 first 0 headers 0 redirects 0 files 0\n",
        "atoll-site 1\n"
        "html 0 missing 0 script 0 navigates 0 first 9 headers 0 redirects 0 files 0\n",
    };
    struct site *site;

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect_eq(site_parse(str_dup(str_from(bad[i])), strlen(bad[i]), &site, &err),
                     ERR_INVALID, "%zu", i);
    cr_assert_eq(site_parse(str_dup(STR(HEAD("1") ROW("/a", "2"))),
                            strlen(HEAD("1") ROW("/a", "2")), &site, &err),
                 0);
    site_free(site);
}

/* ---- paths ---- */

struct path_row {
    enum site_html html;
    const char *path;
    const char *is;    /* "200 /file", "307 /to", "" */
};

/* As Cloudflare's documentation of html_handling has it: /file.html alone, /folder/index.html
 * alone, both for /both, a file without an extension, and 404.html. */
static const struct path_row path_rows[] = {
    {SITE_HTML_AUTO, "/", "200 /index.html"},
    {SITE_HTML_AUTO, "/index", "307 /"},
    {SITE_HTML_AUTO, "/index.html", "307 /"},
    {SITE_HTML_AUTO, "/file", "200 /file.html"},
    {SITE_HTML_AUTO, "/file.html", "307 /file"},
    {SITE_HTML_AUTO, "/file/", "307 /file"},
    {SITE_HTML_AUTO, "/file/index", "307 /file"},
    {SITE_HTML_AUTO, "/file/index.html", "307 /file"},
    {SITE_HTML_AUTO, "/folder", "307 /folder/"},
    {SITE_HTML_AUTO, "/folder.html", "307 /folder/"},
    {SITE_HTML_AUTO, "/folder/", "200 /folder/index.html"},
    {SITE_HTML_AUTO, "/folder/index", "307 /folder/"},
    {SITE_HTML_AUTO, "/folder/index.html", "307 /folder/"},
    {SITE_HTML_AUTO, "/both", "200 /both.html"},
    {SITE_HTML_AUTO, "/both/", "200 /both/index.html"},
    {SITE_HTML_AUTO, "/both.html", "307 /both"},
    {SITE_HTML_AUTO, "/both/index.html", "307 /both/"},
    {SITE_HTML_AUTO, "/bin", "200 /bin"},
    {SITE_HTML_AUTO, "/bin/", ""},
    {SITE_HTML_AUTO, "/none", ""},
    {SITE_HTML_FORCE, "/", "200 /index.html"},
    {SITE_HTML_FORCE, "/index.html", "307 /"},
    {SITE_HTML_FORCE, "/file", "307 /file/"},
    {SITE_HTML_FORCE, "/file.html", "307 /file/"},
    {SITE_HTML_FORCE, "/file/", "200 /file.html"},
    {SITE_HTML_FORCE, "/file/index", "307 /file/"},
    {SITE_HTML_FORCE, "/file/index.html", "307 /file/"},
    {SITE_HTML_FORCE, "/folder", "307 /folder/"},
    {SITE_HTML_FORCE, "/folder.html", "307 /folder/"},
    {SITE_HTML_FORCE, "/folder/", "200 /folder/index.html"},
    {SITE_HTML_FORCE, "/folder/index.html", "307 /folder/"},
    {SITE_HTML_FORCE, "/both", "307 /both/"},
    {SITE_HTML_FORCE, "/both/", "200 /both/index.html"},
    {SITE_HTML_FORCE, "/both.html", "200 /both.html"},
    {SITE_HTML_FORCE, "/bin", "200 /bin"},
    {SITE_HTML_DROP, "/", "200 /index.html"},
    {SITE_HTML_DROP, "/index", "307 /"},
    {SITE_HTML_DROP, "/index.html", "307 /"},
    {SITE_HTML_DROP, "/file", "200 /file.html"},
    {SITE_HTML_DROP, "/file.html", "307 /file"},
    {SITE_HTML_DROP, "/file/", "307 /file"},
    {SITE_HTML_DROP, "/file/index.html", "307 /file"},
    {SITE_HTML_DROP, "/folder", "200 /folder/index.html"},
    {SITE_HTML_DROP, "/folder.html", "307 /folder"},
    {SITE_HTML_DROP, "/folder/", "307 /folder"},
    {SITE_HTML_DROP, "/folder/index", "307 /folder"},
    {SITE_HTML_DROP, "/folder/index.html", "307 /folder"},
    {SITE_HTML_DROP, "/both", "200 /both.html"},
    {SITE_HTML_DROP, "/both/", "307 /both"},
    {SITE_HTML_DROP, "/both/index.html", "200 /both/index.html"},
    {SITE_HTML_NONE, "/", ""},
    {SITE_HTML_NONE, "/file", ""},
    {SITE_HTML_NONE, "/file.html", "200 /file.html"},
    {SITE_HTML_NONE, "/folder/", ""},
    {SITE_HTML_NONE, "/folder/index.html", "200 /folder/index.html"},
};

Test(site_path, each_mode_of_html_handling)
{
    const char *const paths[] = {"/index.html", "/file.html", "/folder/index.html", "/both.html",
                                 "/both/index.html", "/bin", "/404.html", NULL};

    for (size_t i = 0; i < COUNT_OF(path_rows); i++) {
        const struct path_row *row = &path_rows[i];
        struct site *site = site_with((struct site_settings){.html = row->html}, paths);
        struct site_intent intent;
        char is[256] = "";

        site_path_find(site, str_from(row->path), SITE_MISSING_NONE, &intent);
        if (intent.is_redirect)
            snprintf(is, sizeof is, "307 %.*s", STR_ARGS(buf_str(&intent.path)));
        else if (intent.status)
            snprintf(is, sizeof is, "%d %.*s", intent.status, STR_ARGS(intent.file.path));
        cr_expect_str_eq(is, row->is, "mode %d, %s: %s", row->html, row->path, is);
        site_path_intent_done(&intent);
        site_free(site);
    }
}

Test(site_path, missing_files)
{
    const char *const paths[] = {"/index.html", "/404.html", "/a/404.html", NULL};
    static const struct {
        enum site_missing missing;
        const char *path, *file;
        int status;
    } rows[] = {
        {SITE_MISSING_NONE, "/x", "", 0},
        {SITE_MISSING_APP, "/x/y", "/index.html", 200},
        {SITE_MISSING_PAGE, "/x", "/404.html", 404},
        {SITE_MISSING_PAGE, "/x/y/z", "/404.html", 404},
        {SITE_MISSING_PAGE, "/a/y", "/a/404.html", 404},
        {SITE_MISSING_PAGE, "/a/b/c", "/a/404.html", 404},
        {SITE_MISSING_PAGE, "", "", 0},
    };
    struct site *site = site_with((struct site_settings){0}, paths);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct site_intent intent;

        site_path_find(site, str_from(rows[i].path), rows[i].missing, &intent);
        cr_expect_eq(intent.status, rows[i].status, "%s", rows[i].path);
        cr_expect(str_equal(intent.file.path, str_from(rows[i].file)), "%s", rows[i].path);
        site_path_intent_done(&intent);
    }
    site_free(site);
}

Test(site_path, decoding_and_encoding)
{
    static const char *const rows[][3] = {
        {"/a%20b", "/a b", "/a%20b"},       {"//a///b", "/a/b", "/a/b"},
        {"/%C3%A9", "/\xc3\xa9", "/%C3%A9"}, {"/%ff", "/%ff", "/%25ff"},
        {"/a+b", "/a+b", "/a%2Bb"},         {"/a%2fb", "/a/b", "/a/b"},
        {"/~!'()*", "/~!'()*", "/~!'()*"},  {"/%", "/%", "/%25"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf decoded, encoded;

        buf_init(&decoded, 100);
        buf_init(&encoded, 100);
        cr_assert_eq(site_path_decode(str_from(rows[i][0]), &decoded), 0);
        cr_expect(str_equal(buf_str(&decoded), str_from(rows[i][1])), "%s", rows[i][0]);
        cr_assert_eq(site_path_encode(buf_str(&decoded), &encoded), 0);
        cr_expect(str_equal(buf_str(&encoded), str_from(rows[i][2])), "%s", rows[i][0]);
        buf_done(&decoded);
        buf_done(&encoded);
    }
}

/* ---- rules ---- */

Test(site_rule, redirects)
{
    struct site_rules *rules = site_rule_new(
        STR_NONE, STR("# a comment\n/a /b\n/c https://x.test/y 301\n/d/* /e/:splat 308\n"
                      "/u/:id/:part /v?i=:id&p=:part 303\n/p/* /q//:splat 200\n/d/x /never\n"
                      "bad\n/bad 1 2 3\n/worse /x 404\n"));
    static const struct {
        const char *path, *to;
        int status;
    } rows[] = {
        {"/a", "/b", 302},         {"/c", "https://x.test/y", 301}, {"/d/x", "/e/x", 308},
        {"/d/", "/e/", 308},       {"/u/1/2", "/v?i=1&p=2", 303},   {"/u/1/", "", 0},
        {"/p/z", "/q/z", 200},     {"/bad", "", 0},                 {"/a/", "", 0},
        {"/u/1/2/3", "", 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf to;

        buf_init(&to, 1000);
        cr_expect_eq(site_rule_redirect(rules, STR("h"), str_from(rows[i].path), &to),
                     rows[i].status, "%s", rows[i].path);
        cr_expect(str_equal(buf_str(&to), str_from(rows[i].to)), "%s", rows[i].path);
        buf_done(&to);
    }
    site_rule_free(rules);
}

static void expect_head(struct site_rules *rules, const char *host, const char *path,
                        const char *expected)
{
    struct buf head;

    buf_init(&head, 1000);
    cr_assert_eq(buf_append(&head, STR("etag: \"1\"\r\ncache-control: x\r\n")), 0);
    site_rule_apply(rules, str_from(host), str_from(path), &head);
    cr_expect(str_equal(buf_str(&head), str_from(expected)), "%s%s: %.*s", host, path,
              STR_ARGS(buf_str(&head)));
    buf_done(&head);
}

Test(site_rule, headers)
{
    struct site_rules *rules = site_rule_new(
        STR("  Orphan: x\n/a\n  X-One: 1\n  Cache-Control: mine\n/a*\n  X-One: 2\n"
            "/b/:name\n  X-Name: <:name>\n  ! ETag\nhttps://:sub.test/c\n  X-Sub: :sub\n"
            "/bad\n  Content-Length: 5\n  no colon\n"),
        STR_NONE);

    expect_head(rules, "h", "/a", "etag: \"1\"\r\nx-one: 1\r\ncache-control: mine\r\nx-one: 2\r\n");
    expect_head(rules, "h", "/b/z", "cache-control: x\r\nx-name: <z>\r\n");
    expect_head(rules, "me.test:80", "/c", "etag: \"1\"\r\ncache-control: x\r\nx-sub: me\r\n");
    expect_head(rules, "me.it.test", "/c", "etag: \"1\"\r\ncache-control: x\r\n");
    expect_head(rules, "h", "/bad", "etag: \"1\"\r\ncache-control: x\r\n");
    site_rule_free(rules);
}

Test(site_rule, what_is_wrong_is_said)
{
    struct buf many;

    cr_expect_eq(site_rule_check_redirects(STR("/a /b\n\n# c\n"), &err), 0);
    cr_expect_eq(site_rule_check_redirects(STR("/a /b\n/a /c\nx /y\n"), &err), ERR_INVALID);
    cr_expect(strstr(err.text, "line 2: there is a rule") && strstr(err.text, "line 3:"), "%s",
              err.text);
    cr_expect_eq(site_rule_check_redirects(STR("/* /index.html 200"), &err), ERR_INVALID);
    cr_expect_eq(site_rule_check_headers(STR("/a\n  X: y\n"), &err), 0);
    cr_expect_eq(site_rule_check_headers(STR("X: y\n"), &err), ERR_INVALID);
    cr_expect_eq(site_rule_check_headers(STR("/a\n  Connection: x\n"), &err), ERR_INVALID);
    buf_init(&many, TEXT_MAX);
    for (int i = 0; i <= SITE_RULE_STATIC_MAX; i++)
        cr_assert_eq(buf_printf(&many, "/%d /x\n", i), 0);
    cr_expect_eq(site_rule_check_redirects(buf_str(&many), &err), ERR_LIMIT);
    buf_clear(&many);
    for (int i = 0; i <= SITE_RULE_DYNAMIC_MAX; i++)
        cr_assert_eq(buf_printf(&many, "/%d/* /x\n", i), 0);
    cr_expect_eq(site_rule_check_redirects(buf_str(&many), &err), ERR_LIMIT);
    buf_done(&many);
}

Test(site_rule, patterns_take_bounded_time, .timeout = 5)
{
    struct site_rules *rules = site_rule_new(STR_NONE,
                                             STR("/:a:b:c:d:e:f:g:h:i:j:k:l:m:n/!  /x\n"));
    struct buf path, to;

    buf_init(&path, 1 << 16);
    buf_init(&to, 1000);
    cr_assert_eq(buf_append_char(&path, '/'), 0);
    for (int i = 0; i < 16000; i++)
        cr_assert_eq(buf_append_char(&path, 'a'), 0);
    for (int i = 0; i < 1000; i++)
        cr_expect_eq(site_rule_redirect(rules, STR("h"), buf_str(&path), &to), 0);
    buf_done(&path);
    buf_done(&to);
    site_rule_free(rules);
}

Test(site_rule, all_rules_together_take_bounded_time_too, .timeout = 20)
{
    struct buf path, text, out;
    struct site_rules *rules;
    size_t lines = 0;

    buf_init(&path, 1 << 16);
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 16);
    for (int i = 0; i < SITE_RULE_HEADERS_MAX; i++) {
        cr_assert_eq(buf_printf(&text, "/*a*/%d\n/:a:b:c:d/%d\n", i, i), 0);
        for (int j = 0; j < 10; j++)
            cr_assert_eq(buf_printf(&text, "  x-%d-%d: 1\n", i, j), 0);
    }
    cr_assert_eq(buf_printf(&text, "/\n"), 0);
    rules = site_rule_new(buf_str(&text), STR_NONE);
    cr_assert_eq(buf_append_char(&path, '/'), 0);
    for (int i = 0; i < 16000; i++)
        cr_assert_eq(buf_append_char(&path, 'a'), 0);
    for (int i = 0; i < 300; i++)
        site_rule_apply(rules, STR("h"), buf_str(&path), &out);
    cr_expect_eq(out.len, 0);
    site_rule_free(rules);

    buf_clear(&text);
    cr_assert_eq(buf_printf(&text, "/*\n"), 0);
    for (int i = 0; i < SITE_RULE_LINES_MAX; i++)
        cr_assert_eq(buf_printf(&text, "  x-%d: 1\n", i), 0);
    cr_expect_eq(site_rule_check_headers(buf_str(&text), &err), 0);
    rules = site_rule_new(buf_str(&text), STR_NONE);
    site_rule_apply(rules, STR("h"), STR("/"), &out);
    for (size_t i = 0; i < out.len; i++)
        lines += out.ptr[i] == '\n';
    cr_expect_eq(lines, SITE_RULE_APPLIED_MAX);
    site_rule_free(rules);
    cr_assert_eq(buf_printf(&text, "  y: 1\n"), 0);
    cr_expect_eq(site_rule_check_headers(buf_str(&text), &err), ERR_LIMIT);
    buf_done(&path);
    buf_done(&text);
    buf_done(&out);
}

Test(site_rule, stars_of_who_is_first)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
    } rows[] = {
        {"/*", "/", true},         {"/*", "/a/b", true},       {"/a*", "/b", false},
        {"/a", "/a", true},        {"/a", "/a/", false},       {"/*/x", "/x", false},
        {"/*/x", "/a/x/x", true},  {"/*ab*ab", "/ab", false},  {"/*ab*ab", "/abab", true},
        {"/**", "/", true},        {"/a*b*c", "/abbc", true},  {"/a*b*c", "/acb", false},
        {"/a*a", "/a", false},     {"/*.css", "/x.css.css", true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[64];

        snprintf(line, sizeof line, "%s\n", rows[i].pattern);
        cr_expect_eq(site_rule_who(str_from(line), str_from(rows[i].path)),
                     rows[i].fits ? SITE_RULE_SCRIPT : SITE_RULE_EITHER, "%s %s", rows[i].pattern,
                     rows[i].path);
    }
}

Test(site_rule, who_is_first)
{
    str patterns = STR("/api/*\n!/api/docs/*\n/*/x\n");

    cr_expect_eq(site_rule_who(patterns, STR("/api/a")), SITE_RULE_SCRIPT);
    cr_expect_eq(site_rule_who(patterns, STR("/api/docs/a")), SITE_RULE_FILES);
    cr_expect_eq(site_rule_who(patterns, STR("/a/b/x")), SITE_RULE_SCRIPT);
    cr_expect_eq(site_rule_who(patterns, STR("/a/b/y")), SITE_RULE_EITHER);
    cr_expect(site_rule_is_always_first(STR("*\n")));
    cr_expect_not(site_rule_is_always_first(patterns));
}

Test(site_ignore, patterns)
{
    struct site_ignore *ignore = site_ignore_new(
        STR("*.map\n!keep.map\n/top\nnode_modules/\na/*.txt\n**/deep.js\n# x\n"));
    static const struct {
        const char *path;
        bool out;
    } rows[] = {
        {"x.map", true},     {"d/x.map", true},      {"keep.map", false},  {"top", true},
        {"d/top", false},    {"node_modules", false}, {"node_modules/x", true},
        {"d/node_modules/x/y", true}, {"a/b.txt", true}, {"a/b/c.txt", false}, {"z/deep.js", true},
        {"_headers", true},  {"_redirects", true},   {".assetsignore", true}, {"d/_headers", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(site_ignore_has(ignore, str_from(rows[i].path)), rows[i].out, "%s",
                     rows[i].path);
    site_ignore_free(ignore);
}

/* ---- answers ---- */

static void expect_part(const char *headers, int status, uint64_t from, uint64_t length)
{
    const char *const paths[] = {"/file.html", NULL};
    struct site *site = site_with((struct site_settings){.html = SITE_HTML_NONE}, paths);
    struct site_request request = {.method = STR("GET"),
                                   .host = STR("h"),
                                   .path = STR("/file.html"),
                                   .headers = str_from(headers)};
    struct site_answer answer;

    site_answer_find(site, &request, &answer);
    cr_assert_eq(answer.outcome, SITE_TO_FILE);
    site_answer_finish(site, &request, SITE_IDENTITY, 1000, &answer);
    cr_expect_eq(answer.status, status, "%s", headers);
    if (status == 206) {
        cr_expect_eq(answer.from, from, "%s", headers);
        cr_expect_eq(answer.length, length, "%s", headers);
    }
    site_answer_done(&answer);
    site_free(site);
}

Test(site_answer, ranges)
{
    expect_part("range: bytes=0-0\n", 206, 0, 1);
    expect_part("range: bytes=0-\n", 206, 0, 1000);
    expect_part("range: bytes=999-\n", 206, 999, 1);
    expect_part("range: bytes=990-5000\n", 206, 990, 10);
    expect_part("range: bytes=-1\n", 206, 999, 1);
    expect_part("range: bytes=-5000\n", 206, 0, 1000);
    expect_part("range: bytes=1000-\n", 416, 0, 0);
    expect_part("range: bytes=-0\n", 416, 0, 0);
    expect_part("range: bytes=5-4\n", 200, 0, 0);
    expect_part("range: bytes=0-1,3-4\n", 200, 0, 0);
    expect_part("range: items=0-1\n", 200, 0, 0);
    expect_part("range: bytes=-\n", 200, 0, 0);
    expect_part("range: bytes=99999999999999999999-\n", 200, 0, 0);
    expect_part("range: bytes=0-1\nif-range: \"x\"\n", 200, 0, 0);
    expect_part("if-none-match: *\n", 304, 0, 0);
    expect_part("if-none-match: \"a\", W/\"0123456789abcdef0123456789abcdef\"\n", 304, 0, 0);
    expect_part("if-none-match: \"0123456789abcdef0123456789abcdef-br\"\n", 200, 0, 0);
}

Test(site_answer, codings)
{
    static const struct {
        const char *accepted;
        enum site_coding coding;
    } rows[] = {
        {"gzip, deflate, br, zstd", SITE_BROTLI}, {"gzip, zstd", SITE_ZSTD}, {"gzip", SITE_GZIP},
        {"x-gzip", SITE_GZIP},                    {"*", SITE_BROTLI},        {"", SITE_IDENTITY},
        {"br;q=0, *;q=0.5", SITE_ZSTD},           {"br;q=0.5, gzip", SITE_GZIP},
        {"br;q=0.001", SITE_BROTLI},              {"br;q=0.000", SITE_IDENTITY},
        {"identity", SITE_IDENTITY},              {"BR", SITE_BROTLI},
    };
    struct site_file file = {.type = STR("text/css")}, image = {.type = STR("image/png")};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct site_request request = {.method = STR("GET")};
        char headers[128];

        snprintf(headers, sizeof headers, "accept-encoding: %s\n", rows[i].accepted);
        request.headers = str_from(headers);
        cr_expect_eq(site_answer_coding(&request, &file), rows[i].coding, "%s", rows[i].accepted);
        cr_expect_eq(site_answer_coding(&request, &image), SITE_IDENTITY);
    }
}
