/* Rules of published hosts: settings, keys, how long, purges. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bindings/publish/publish_rule.h"

static int read_text(const char *text, struct publish_rule *rule, struct err *err)
{
    json_t *settings = text ? json_loads(text, 0, NULL) : NULL;
    int r = publish_rule_read(settings, rule, err);

    cr_assert_eq(settings == NULL, text == NULL);
    json_decref(settings);
    return r;
}

static struct publish_rule rule_of(const char *text)
{
    struct publish_rule rule;
    struct err err = {0};

    cr_assert_eq(read_text(text, &rule, &err), 0, "%s", err.text);
    rule.caches = true;
    return rule;
}

Test(publish_rule, defaults)
{
    struct publish_rule rule = rule_of(NULL);

    cr_assert_str_eq(rule.prefix, "");
    cr_assert_str_eq(rule.index, "");
    cr_assert_str_eq(rule.headers, "");
    cr_assert_eq(rule.missing, PUBLISH_MISSING_NONE);
    cr_assert_eq(rule.default_ttl, PUBLISH_RULE_TTL_DEFAULT);
    cr_assert_eq(rule.max_ttl, PUBLISH_RULE_TTL_MAX);
    publish_rule_done(&rule);
}

Test(publish_rule, refuses_settings)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"{\"prefix\": \"/a\"}", "prefix"},
        {"{\"prefix\": 1}", "prefix"},
        {"{\"index_document\": []}", "index_document"},
        {"{\"not_found_handling\": \"page\"}", "not_found_handling"},
        {"{\"not_found_handling\": \"single-page-application\"}", "index_document"},
        {"{\"headers\": []}", "headers"},
        {"{\"headers\": {\"a\": 1}}", "headers"},
        {"{\"headers\": {\"a\": \"b\\n\"}}", "headers"},
        {"{\"headers\": {\"\": \"b\"}}", "headers"},
        {"{\"headers\": {\"Connection\": \"b\"}}", "headers"},
        {"{\"cache\": 1}", "cache"},
        {"{\"cache\": {\"default_ttl\": -1}}", "default_ttl"},
        {"{\"cache\": {\"max_ttl\": 31536001}}", "max_ttl"},
        {"{\"cache\": {\"max_ttl\": 1.5}}", "max_ttl"},
        {"{\"cache\": {\"min_ttl\": 2, \"max_ttl\": 1}}", "min_ttl"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct publish_rule rule;
        struct err err = {0};

        cr_assert_eq(read_text(rows[i].text, &rule, &err), ERR_INVALID, "%s", rows[i].text);
        cr_assert(strstr(err.text, rows[i].said), "%s: %s", rows[i].text, err.text);
        publish_rule_done(&rule);
    }
}

Test(publish_rule, keys)
{
    static const struct {
        const char *prefix, *path, *key; /* key NULL: none */
    } rows[] = {
        {"", "/", ""},
        {"", "/a/b", "a/b"},
        {"", "/a//b", "a//b"},
        {"", "/a%20b%2Fc", "a b/c"},
        {"", "/%e6%97%a5", "\u65e5"},
        {"", "/100%", "100%"},
        {"", "/%ff", NULL},
        {"", "/%00", NULL},
        {"site", "/a", "site/a"},
        {"site/", "/", "site/"},
        {"site/", "/../a", "site/../a"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char settings[64];
        struct publish_rule rule;
        struct buf key;
        bool found;

        snprintf(settings, sizeof settings, "{\"prefix\": \"%s\"}", rows[i].prefix);
        rule = rule_of(settings);
        buf_init(&key, 4096);
        found = publish_rule_key(&rule, str_from(rows[i].path), &key);
        cr_assert_eq(found, rows[i].key != NULL, "%s", rows[i].path);
        if (found)
            cr_assert(str_equal(buf_str(&key), str_from(rows[i].key)), "%s: %.*s", rows[i].path,
                      STR_ARGS(buf_str(&key)));
        buf_done(&key);
        publish_rule_done(&rule);
    }
}

Test(publish_rule, what_stands_for_what_is_missing)
{
    static const struct {
        const char *settings, *key; /* NULL: nothing */
    } rows[] = {
        {"{}", NULL},
        {"{\"not_found_handling\": \"404-page\"}", "404.html"},
        {"{\"not_found_handling\": \"404-page\", \"error_document\": \"e\", \"prefix\": \"p\"}",
         "p/e"},
        {"{\"not_found_handling\": \"single-page-application\", \"index_document\": \"i\"}", "i"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct publish_rule rule = rule_of(rows[i].settings);
        struct buf key;

        buf_init(&key, 4096);
        cr_assert_eq(buf_append(&key, STR("old")), 0);
        cr_assert_eq(publish_rule_fallback(&rule, &key), rows[i].key != NULL);
        if (rows[i].key)
            cr_assert(str_equal(buf_str(&key), str_from(rows[i].key)));
        buf_done(&key);
        publish_rule_done(&rule);
    }
}

Test(publish_rule, directories_have_a_document)
{
    struct publish_rule rule = rule_of("{\"index_document\": \"index.html\"}");
    struct buf key;

    buf_init(&key, 64);
    cr_assert(publish_rule_add_index(&rule, &key));
    cr_assert(str_equal(buf_str(&key), STR("index.html")));
    cr_assert_not(publish_rule_add_index(&rule, &key));
    buf_clear(&key);
    cr_assert_eq(buf_append(&key, STR("a/")), 0);
    cr_assert(publish_rule_add_index(&rule, &key));
    cr_assert(str_equal(buf_str(&key), STR("a/index.html")));
    buf_done(&key);
    publish_rule_done(&rule);
}

Test(publish_rule, how_long)
{
    static const struct {
        const char *control;
        int64_t expires, ttl; /* now is 1000 */
    } rows[] = {
        {"", -1, 70},
        {"public", -1, 70},
        {"max-age=50", -1, 50},
        {"max-age=\"50\"", -1, 50},
        {"max-age=50, s-maxage=60", -1, 60},
        {"S-MaxAge=60,max-age=50", -1, 60},
        {"max-age=50, max-age=20", -1, 50},
        {"max-age=1", -1, 10},         /* min_ttl */
        {"max-age=0", -1, 10},
        {"max-age=x", -1, 10},
        {"max-age=5000", -1, 100},     /* max_ttl */
        {"max-age=99999999999999999999", -1, 100},
        {"no-store", -1, 0},
        {"no-cache, max-age=50", -1, 0},
        {"max-age=50, private", -1, 0},
        {"Private=\"set-cookie\"", -1, 0},
        {"", 1040, 40},
        {"max-age=50", 1040, 50},
        {"", 900, 10},
    };
    struct publish_rule rule = rule_of(
        "{\"cache\": {\"default_ttl\": 70, \"min_ttl\": 10, \"max_ttl\": 100}}");

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_assert_eq(publish_rule_ttl(&rule, str_from(rows[i].control), rows[i].expires, 1000),
                     rows[i].ttl, "%s", rows[i].control);
    rule.caches = false;
    cr_assert_eq(publish_rule_ttl(&rule, STR("max-age=50"), -1, 1000), 0);
    publish_rule_done(&rule);
}

Test(publish_rule, purges_hit_what_is_older)
{
    struct publish_rule rule = rule_of("{\"prefix\": \"p\", \"index_document\": \"i\"}");

    publish_rule_add_purge(&rule, 5, PUBLISH_PURGE_FILE, STR("a"));
    publish_rule_add_purge(&rule, 7, PUBLISH_PURGE_PREFIX, STR("d/"));
    publish_rule_add_purge(&rule, 9, PUBLISH_PURGE_FILE, STR("x/"));
    cr_assert(publish_rule_is_purged(&rule, STR("p/a"), 4));
    cr_assert_not(publish_rule_is_purged(&rule, STR("p/a"), 5));
    cr_assert_not(publish_rule_is_purged(&rule, STR("p/ab"), 4));
    cr_assert(publish_rule_is_purged(&rule, STR("p/d/e"), 6));
    cr_assert_not(publish_rule_is_purged(&rule, STR("p/d/e"), 7));
    cr_assert_not(publish_rule_is_purged(&rule, STR("p/d"), 4));
    cr_assert(publish_rule_is_purged(&rule, STR("p/x/i"), 8), "the document of a directory");
    cr_assert_not(publish_rule_is_purged(&rule, STR("p/x/j"), 8));
    publish_rule_add_purge(&rule, 11, PUBLISH_PURGE_ALL, STR(""));
    cr_assert(publish_rule_is_purged(&rule, STR("p/x/j"), 10));
    cr_assert_not(publish_rule_is_purged(&rule, STR("p/x/j"), 11));
    publish_rule_add_purge(&rule, 9, PUBLISH_PURGE_FILE, STR("x/"));
    cr_assert_eq(rule.purge_count, 0, "known already");
    publish_rule_done(&rule);
}

Test(publish_rule, a_purged_file_takes_the_fallback_along)
{
    struct publish_rule page = rule_of("{\"not_found_handling\": \"404-page\"}");
    struct publish_rule app = rule_of(
        "{\"not_found_handling\": \"single-page-application\", \"index_document\": \"i\"}");

    publish_rule_add_purge(&page, 2, PUBLISH_PURGE_FILE, STR("a"));
    publish_rule_add_purge(&app, 2, PUBLISH_PURGE_FILE, STR("a"));
    cr_assert(publish_rule_is_purged(&page, STR("404.html"), 1));
    cr_assert_not(publish_rule_is_purged(&page, STR("i"), 1));
    cr_assert(publish_rule_is_purged(&app, STR("i"), 1));
    publish_rule_done(&page);
    publish_rule_done(&app);
}

Test(publish_rule, many_purges_become_one_of_everything)
{
    struct publish_rule rule = rule_of(NULL);

    for (uint64_t seq = 1; seq <= PUBLISH_RULE_PURGES_MAX + 1; seq++)
        publish_rule_add_purge(&rule, seq, PUBLISH_PURGE_FILE, STR("a"));
    cr_assert_eq(rule.purge_count, PUBLISH_RULE_PURGES_MAX);
    cr_assert(publish_rule_is_purged(&rule, STR("b"), 0));
    cr_assert_not(publish_rule_is_purged(&rule, STR("b"), 1));
    cr_assert_eq(publish_rule_purge_kind("prefix"), PUBLISH_PURGE_PREFIX);
    cr_assert_eq(publish_rule_purge_kind("x"), -1);
    cr_assert_eq(publish_rule_purge_kind(NULL), -1);
    publish_rule_done(&rule);
}
