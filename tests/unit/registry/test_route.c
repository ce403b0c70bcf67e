/* registry/route: patterns, which one wins, who answers at a host. */
#include "registry_harness.h"

#include "registry/holder.h"
#include "registry/route.h"

TestSuite(route, .init = harness_make, .fini = harness_clean);

/* ---- patterns ---- */

Test(route, takes_patterns_apart)
{
    static const struct {
        const char *text;
        bool any_label, apex_too;
        const char *host, *path;
    } rows[] = {
        {"example.com", false, false, "example.com", "/*"},
        {"example.com/", false, false, "example.com", "/"},
        {"example.com/*", false, false, "example.com", "/*"},
        {"HTTPS://Example.com/API/*", false, false, "Example.com", "/API/*"},
        {"http://*.example.com/a", true, false, "example.com", "/a"},
        {"*example.com/*", true, true, "example.com", "/*"},
        {"localhost/*", false, false, "localhost", "/*"},
        {"127.0.0.1/*", false, false, "127.0.0.1", "/*"},
        {"a_b-c.example/\xC3\xA4*", false, false, "a_b-c.example", "/\xC3\xA4*"},
        {"a.b/x%20y:z@/*", false, false, "a.b", "/x%20y:z@/*"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route_pattern is;

        OK(route_pattern_parse(str_from(rows[i].text), &is, &err));
        cr_expect_eq(is.any_label, rows[i].any_label, "%s", rows[i].text);
        cr_expect_eq(is.apex_too, rows[i].apex_too, "%s", rows[i].text);
        cr_expect(str_equal(is.host, str_from(rows[i].host)), "%s", rows[i].text);
        cr_expect(str_equal(is.path, str_from(rows[i].path)), "%s", rows[i].text);
    }
}

Test(route, refuses_what_is_no_pattern)
{
    static char long_one[ROUTE_PATTERN_MAX + 1];
    static const char label[] =
        "a234567890123456789012345678901234567890123456789012345678901234.example/*";
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "begins with a host"},
        {"/path", "begins with a host"},
        {"https:///path", "begins with a host"},
        {"*", "begins with a host"},
        {"*/*", "begins with a host"},
        {"*./*", "begins with a host"},
        {"**.example.com/*", "at its beginning"},
        {"www.*.com/*", "at its beginning"},
        {"example.*/*", "at its beginning"},
        {"*..example.com/*", "labels"},
        {".example.com/*", "labels"},
        {"example.com./*", "labels"},
        {"exa mple.com/*", "labels"},
        {"b\xC3\xBC" "cher.example/*", "xn--"},
        {"[::1]/*", "port"},
        {"example.com:8080/*", "port"},
        {"example.com?x=1", "query"},
        {"example.com/?x=1", "query"},
        {"example.com/#x", "fragment"},
        {"example.com/*/a", "at its end"},
        {"example.com/**", "at its end"},
        {"example.com/a b", "blanks"},
        {"example.com/\x01", "control"},
        {"example.com/\xFF", "UTF-8"},
        {label, "labels"},
        {long_one, "at most"},
    };
    struct route_pattern is;

    memset(long_one, 'a', sizeof long_one - 1);
    for (size_t i = 0; i < COUNT_OF(rows) - 1; i++)
        FAILS(route_pattern_parse(str_from(rows[i].text), &is, &err), ERR_INVALID, rows[i].part);
    FAILS(route_pattern_parse((str){long_one, sizeof long_one}, &is, &err), ERR_INVALID, "at most");
}

Test(route, matches_hosts)
{
    static const struct {
        const char *pattern, *host;
        bool matches;
    } rows[] = {
        {"example.com/*", "example.com", true},
        {"example.com/*", "EXAMPLE.com", true},
        {"example.com/*", "www.example.com", false},
        {"example.com/*", "example.org", false},
        {"*.example.com/*", "www.example.com", true},
        {"*.example.com/*", "a.b.Example.com", true},
        {"*.example.com/*", "example.com", false},
        {"*.example.com/*", ".example.com", false},
        {"*.example.com/*", "notexample.com", false},
        {"*example.com/*", "example.com", true},
        {"*example.com/*", "www.example.com", true},
        {"*example.com/*", "notexample.com", false},
        {"*.example.com/*", "", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route_pattern is;

        OK(route_pattern_parse(str_from(rows[i].pattern), &is, &err));
        cr_expect_eq(route_pattern_matches_host(&is, str_from(rows[i].host)), rows[i].matches,
                     "%s %s", rows[i].pattern, rows[i].host);
    }
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

Test(route, puts_the_most_specific_first)
{
    static const char *const sorted[] = {
        "a.b.example.com/*",   "*.b.example.com/x",  "example.com/a/b*", "example.com/a/b",
        "example.com/a/*",     "example.com/a",      "example.com/*",    "*.example.com/long/path*",
        "*.example.com/*",     "*example.com/longer/path*", "com/*",
    };
    struct route_pattern a, b;

    for (size_t i = 0; i < COUNT_OF(sorted); i++)
        for (size_t j = 0; j < COUNT_OF(sorted); j++) {
            /* "/a/b" stands for itself, "/a/b*" for more. */
            size_t x = i == 2 ? 3 : i == 3 ? 2 : i, y = j == 2 ? 3 : j == 3 ? 2 : j;

            OK(route_pattern_parse(str_from(sorted[i]), &a, &err));
            OK(route_pattern_parse(str_from(sorted[j]), &b, &err));
            cr_expect_eq(sign(route_pattern_compare(&a, &b)), (x > y) - (x < y), "%s %s", sorted[i],
                         sorted[j]);
        }
}

/* ---- routes ---- */

static int add_route(const char *account, const char *pattern, const char *zone, int64_t script,
                     json_t **ret)
{
    return route_add(harness, &(struct route_draft){account, pattern, zone, script}, ret, &err);
}

static int replace(int64_t script, const char *text, json_t **ret)
{
    json_t *patterns = harness_json(text);
    int r = route_replace(harness, script, patterns, ret, &err);

    json_decref(patterns);
    return r;
}

static void expect_replaced(int64_t script, const char *text, size_t count)
{
    json_t *rows;

    OK(replace(script, text, &rows));
    cr_expect_eq(json_array_size(rows), count, "%s", text);
    json_decref(rows);
}

static int replace_domains(int64_t script, const char *text, json_t **ret)
{
    json_t *domains = harness_json(text);
    int r = route_replace_domains(harness, script, domains, ret, &err);

    json_decref(domains);
    return r;
}

static int64_t in_account(const char *account, const char *name)
{
    json_t *row = json_pack("{s:s}", "id", account), *made;

    if (account_add(harness, row, &made, &err) == 0)
        json_decref(made);
    json_decref(row);
    return harness_script(account, name);
}

Test(route, is_added_read_changed_and_deleted)
{
    int64_t a = harness_script("default", "a"), foreign = in_account("other", "f");
    json_t *row, *again, *changes;
    char id[64];

    OK(add_route("default", "https://Www.Example.com/x*", "Example.com", a, &row));
    cr_expect_str_eq(text_of(row, "pattern"), "https://Www.Example.com/x*");
    cr_expect_str_eq(text_of(row, "zone"), "example.com");
    cr_expect_str_eq(text_of(row, "script"), "a");
    cr_expect_eq(number_of(row, "script_id"), a);
    snprintf(id, sizeof id, "%s", text_of(row, "id"));
    OK(route_get(harness, "default", id, &again, &err));
    cr_expect(json_equal(row, again));
    json_decref(row);
    json_decref(again);
    FAILS(add_route("default", "www.EXAMPLE.com/x*", NULL, a, &row), ERR_EXISTS, "already");
    FAILS(add_route("other", "www.EXAMPLE.com/x*", NULL, foreign, &row), ERR_EXISTS,
          "another account's");
    FAILS(add_route("default", "b.example/*", NULL, foreign, &row), ERR_NOT_FOUND,
          "no such worker");
    FAILS(route_get(harness, "other", id, &row, &err), ERR_NOT_FOUND, id);
    changes = harness_json("{'pattern': 'www.example.com/y*', 'script_id': 0}");
    OK(route_update(harness, "default", id, changes, &row, &err));
    cr_expect(json_is_null(json_object_get(row, "script_id")));
    cr_expect(json_is_null(json_object_get(row, "script")));
    cr_expect_str_eq(text_of(row, "pattern"), "www.example.com/y*");
    json_decref(row);
    json_decref(changes);
    FAILS(route_delete(harness, "other", id, &err), ERR_NOT_FOUND, id);
    OK(route_delete(harness, "default", id, &err));
    FAILS(route_delete(harness, "default", id, &err), ERR_NOT_FOUND, id);
}

Test(route, has_a_zone_by_name_or_id)
{
    int64_t a = harness_script("default", "a");
    char id[33];
    json_t *rows;

    route_zone_id("Example.com", id);
    cr_expect_eq(strlen(id), 32);
    OK(add_route("default", "a.b.example.com/*", id, a, &rows));
    cr_expect_str_eq(text_of(rows, "zone"), "example.com");
    json_decref(rows);
    OK(add_route("default", "example.org/*", NULL, a, &rows));
    cr_expect_str_eq(text_of(rows, "zone"), "example.org");
    json_decref(rows);
    FAILS(add_route("default", "c.example.org/*", id, a, &rows), ERR_INVALID, id);
    FAILS(add_route("default", "c.example.org/*", "no zone", a, &rows), ERR_INVALID, "no zone");
    OK(route_list(harness, "default", id, 0, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    json_decref(rows);
    OK(route_list(harness, "default", "EXAMPLE.com", a, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    json_decref(rows);
    OK(route_list(harness, "default", NULL, a, &rows, &err));
    cr_expect_eq(json_array_size(rows), 2);
    json_decref(rows);
    OK(route_list(harness, "default", "example.net", 0, &rows, &err));
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
}

Test(route, is_replaced_whole)
{
    int64_t a = harness_script("default", "a"), b = harness_script("default", "b");
    int64_t foreign = in_account("other", "f");
    json_t *rows;
    char id[64];

    OK(replace(a, "[{'pattern': 'one.example/*'}, {'pattern': 'two.example/*'}]", &rows));
    cr_expect_eq(json_array_size(rows), 2);
    snprintf(id, sizeof id, "%s", text_of(json_array_get(rows, 0), "id"));
    json_decref(rows);
    expect_replaced(b, "[{'pattern': 'TWO.example/*'}, {'pattern': 'three.example/*'}]", 2);
    OK(route_list(harness, "default", NULL, a, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "id"), id);
    json_decref(rows);
    FAILS(replace(foreign, "[{'pattern': 'four.example/*'}, {'pattern': 'one.example/*'}]", &rows),
          ERR_EXISTS, "another account's");
    OK(route_list(harness, "other", NULL, 0, &rows, &err));
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
    FAILS(replace(a, "[{'pattern': 'x.example/*'}, {'pattern': 'x*'}]", &rows), ERR_INVALID, "x*");
    FAILS(replace(a, "[{}]", &rows), ERR_INVALID, "route 1");
    FAILS(replace(a, "{}", &rows), ERR_INVALID, "array");
    expect_replaced(a, "[{'pattern': 'one.example/*'}]", 1);
    expect_replaced(a, "[]", 0);
}

Test(route, has_domains_of_its_own)
{
    int64_t a = harness_script("default", "a"), b = harness_script("default", "b");
    int64_t foreign = in_account("other", "f");
    json_t *rows;

    OK(replace_domains(a, "[{'hostname': 'Shop.Example', 'zone': 'example'}]", &rows));
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "hostname"), "shop.example");
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "script"), "a");
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "zone"), "example");
    json_decref(rows);
    FAILS(replace_domains(foreign, "[{'hostname': 'shop.example'}]", &rows), ERR_EXISTS,
          "another account's");
    FAILS(replace_domains(a, "[{'hostname': '*.example'}]", &rows), ERR_INVALID, "*.example");
    FAILS(replace_domains(a, "[{}]", &rows), ERR_INVALID, "custom domain");
    OK(replace_domains(b, "[{'hostname': 'shop.example'}]", &rows));
    json_decref(rows);
    OK(route_list_domains(harness, "default", a, &rows, &err));
    cr_expect_eq(json_array_size(rows), 0);
    json_decref(rows);
    OK(route_list_domains(harness, "default", 0, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    json_decref(rows);
}

Test(route, has_a_limit_for_a_host)
{
    json_t *row;
    char pattern[64];

    harness_script("default", "a");
    OK(registry_begin(harness, &err));
    for (int i = 0; i < ROUTE_HOST_MAX; i++) {
        snprintf(pattern, sizeof pattern, "a.example/%d", i);
        OK(add_route("default", pattern, NULL, 0, &row));
        json_decref(row);
    }
    FAILS(add_route("default", "a.example/x", NULL, 0, &row), ERR_LIMIT, "500");
    OK(registry_end(harness, 0, &err));
    OK(add_route("default", "b.example/x", NULL, 0, &row));
    json_decref(row);
}

/* ---- who answers ---- */

/* "path key|path key", with - for no worker. */
static void expect_rules(const char *host, const char *expected)
{
    json_t *rules, *rule;
    struct buf text;
    size_t i;

    OK(route_rules(harness, "Workers.test", host, &rules, &err));
    buf_init(&text, 4096);
    json_array_foreach(rules, i, rule) {
        const char *key = text_of(rule, "key");

        cr_expect_eq(!*key, json_is_null(json_object_get(rule, "script_id")));
        OK(buf_printf(&text, "%s%s %s", i ? "|" : "", text_of(rule, "path"), *key ? key : "-"));
    }
    cr_expect(str_equal(buf_str(&text), str_from(expected)), "%s: %.*s is not %s", host,
              STR_ARGS(buf_str(&text)), expected);
    buf_done(&text);
    json_decref(rules);
}

Test(route, says_who_answers)
{
    int64_t a = harness_script("default", "a"), b = harness_script("default", "b");
    int64_t f = in_account("Other", "f"), off = harness_script("default", "off");
    json_t *row, *changes = harness_json("{'workers_dev': false}");

    OK(script_update(harness, off, changes, &row, &err));
    json_decref(row);
    expect_replaced(f, "[{'pattern': 'x.sub.example.com/y'}]", 1);
    OK(replace_domains(f, "[{'hostname': 'www.example.com'}]", &row));
    json_decref(row);
    expect_replaced(a,
                    "[{'pattern': 'example.com/*'}, {'pattern': '*.example.com/*'},"
                    " {'pattern': 'b.workers.test/only/*'}]",
                    3);
    expect_replaced(b,
                    "[{'pattern': 'example.com/api/*'}, {'pattern': 'example.com/api'},"
                    " {'pattern': '*example.com/deep/*'}, {'pattern': '*.sub.example.com/*'}]",
                    4);
    OK(add_route("default", "example.com/none/*", NULL, 0, &row));
    json_decref(row);

    expect_rules("example.com", "/none/* -|/api/* default/b|/api default/b|/* default/a|/deep/* "
                                "default/b");
    expect_rules("EXAMPLE.com.", "/none/* -|/api/* default/b|/api default/b|/* default/a|/deep/* "
                                 "default/b");
    expect_rules("www.example.com", "* Other/f");
    expect_rules("x.sub.example.com", "/y Other/f");
    expect_rules("y.sub.example.com", "/* default/b|/* default/a|/deep/* default/b");
    expect_rules("sub.example.com", "/* default/a|/deep/* default/b");
    expect_rules("a.workers.test", "* default/a");
    expect_rules("A.WORKERS.TEST", "* default/a");
    expect_rules("b.workers.test", "/only/* default/a|* default/b");
    expect_rules("b.default.workers.test", "* default/b");
    expect_rules("f.other.workers.test", "* Other/f");
    expect_rules("f.workers.test", "");
    expect_rules("off.workers.test", "");
    expect_rules("x.a.b.workers.test", "");
    expect_rules("workers.test", "");
    expect_rules("notexample.com", "");
    expect_rules("com", "");
    expect_rules("", "");
    expect_rules(".", "");
    expect_rules("[::1]", "");
    expect_rules("example.com:80", "");
    expect_rules("..example.com", "");
    OK(script_delete(harness, a, &err));
    expect_rules("sub.example.com", "/deep/* default/b");
    expect_rules("a.workers.test", "");
    json_decref(changes);
}

/* ---- whose host it is ---- */

Test(route, gives_a_host_to_one_account)
{
    static const struct {
        const char *pattern;
        int code;
    } rows[] = {
        {"shop.example/login*", ERR_EXISTS},       /* a part of another account's host */
        {"SHOP.example/login*", ERR_EXISTS},
        {"*shop.example/*", ERR_EXISTS},
        {"domain.example/x", ERR_EXISTS},          /* another account's custom domain */
        {"below.wild.example/*", ERR_EXISTS},      /* below its wildcard */
        {"deep.below.wild.example/*", ERR_EXISTS},
        {"*.below.wild.example/*", ERR_EXISTS},
        {"workers.test/*", ERR_EXISTS},            /* the server's own names */
        {"*.workers.test/*", ERR_EXISTS},
        {"*workers.test/*", ERR_EXISTS},
        {"a.workers.test/*", ERR_EXISTS},
        {"new.workers.test/*", ERR_EXISTS},
        {"a.default.workers.test/*", ERR_EXISTS},
        {"other.workers.test/*", ERR_EXISTS},      /* a worker of "default" may be called so */
        {"*other.workers.test/*", ERR_EXISTS},
        {"*.default.workers.test/*", ERR_EXISTS},
        {"*.test/*", ERR_INVALID},                 /* everybody's */
        {"*test/*", ERR_INVALID},
        {"shop.example2/*", 0},
        {"below.shop.example/*", 0},               /* no wildcard above it */
        {"wild.example/*", ERR_EXISTS},
        {"f.other.workers.test/api/*", 0},         /* its own name */
        {"*.other.workers.test/*", 0},
        {"test/*", 0},
    };
    int64_t a = harness_script("default", "a"), f = in_account("Other", "f");
    json_t *row;

    holder_set_domain(harness, "Workers.test");
    expect_replaced(a, "[{'pattern': 'shop.example/*'}, {'pattern': '*.wild.example/*'}]", 2);
    OK(replace_domains(a, "[{'hostname': 'domain.example'}]", &row));
    json_decref(row);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int r = add_route("Other", rows[i].pattern, NULL, f, &row);

        cr_expect_eq(r, rows[i].code, "%s: %d", rows[i].pattern, r);
        if (r == 0)
            json_decref(row);
    }
    FAILS(replace_domains(f, "[{'hostname': 'shop.example'}]", &row), ERR_EXISTS, "shop.example");
    FAILS(replace_domains(f, "[{'hostname': 'a.workers.test'}]", &row), ERR_EXISTS, "a.workers");
    FAILS(replace(f, "[{'pattern': 'shop.example/x'}]", &row), ERR_EXISTS, "shop.example");
}

Test(route, keeps_wildcards_of_others_off_a_host)
{
    int64_t a = harness_script("default", "a"), f = in_account("Other", "f");

    expect_replaced(a, "[{'pattern': 'shop.example/api/*'}]", 1);
    expect_replaced(f, "[{'pattern': '*.example.org/*'}, {'pattern': '*.workers.test/*'}]", 2);
    expect_replaced(a, "[{'pattern': 'shop.example/api/*'}, {'pattern': '*.org/*'}]", 2);
    expect_rules("x.example.org", "/* Other/f");
    expect_rules("x.other.org", "/* default/a");
    expect_rules("a.workers.test", "* default/a");
    expect_rules("nobody.workers.test", "");
    expect_rules("nobody.other.workers.test", "/* Other/f");
}
