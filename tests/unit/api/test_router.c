/* api/router: which row a path finds, what its parameters are, what a query says. */
#include <criterion/criterion.h>

#include "api/router.h"

static void handle(struct call *call)
{
    (void)call;
}

static const struct call_route first[] = {
    {"GET",    "/accounts/:account/things",        NULL, handle, NULL},
    {"POST",   "/accounts/:account/things",        NULL, handle, NULL},
    {"GET",    "/accounts/:account/things/:thing", NULL, handle, "any"},
    {0},
};
static const struct call_route second[] = {
    {"GET",    "/accounts/:account/things/latest", NULL, handle, "latest"},
    {"DELETE", "/accounts/:account/:kind/latest",  NULL, handle, "kind"},
    {"GET",    "/user",                            NULL, handle, NULL},
    {"PUT",    "/boxes/:box/things/:key*",         NULL, handle, NULL},
    {"PUT",    "/boxes/:box/things/one",           NULL, handle, "one"},
    {0},
};
static const struct call_route *const tables[] = {first, second, NULL};

static int find(const char *method, const char *path, struct router_match *match)
{
    return router_find(tables, str_from(method), str_from(path), match);
}

static void expect_params(const char *method, const char *path, const char *params)
{
    struct router_match match;
    char *text;

    cr_assert_eq(find(method, path, &match), 1, "%s", path);
    text = json_dumps(match.params, JSON_COMPACT | JSON_SORT_KEYS);
    cr_expect_str_eq(text, params, "%s: %s", path, text);
    free(text);
    json_decref(match.params);
}

static void expect_none(const char *method, const char *path, int result)
{
    struct router_match match;

    cr_expect_eq(find(method, path, &match), result, "%s %s", method, path);
}

Test(router, parameters_are_decoded)
{
    expect_params("GET", "/user", "{}");
    expect_params("GET", "/accounts/a/things", "{\"account\":\"a\"}");
    expect_params("GET", "/accounts/a%20b/things/x%2Fy", "{\"account\":\"a b\",\"thing\":\"x/y\"}");
    expect_params("GET", "//accounts///a/things/", "{\"account\":\"a\"}");
    expect_params("GET", "/accounts/%c3%a4/things/100%",
                  "{\"account\":\"\xc3\xa4\",\"thing\":\"100%\"}");
    expect_params("GET", "/accounts/../things/..", "{\"account\":\"..\",\"thing\":\"..\"}");
}

Test(router, a_rest_has_slashes)
{
    expect_params("PUT", "/boxes/b/things/x", "{\"box\":\"b\",\"key\":\"x\"}");
    expect_params("PUT", "/boxes/b/things/x/y%2F/z/", "{\"box\":\"b\",\"key\":\"x/y//z/\"}");
    expect_params("PUT", "/boxes/b/things//x//y", "{\"box\":\"b\",\"key\":\"/x//y\"}");
    expect_params("PUT", "/boxes/b/things/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22",
                  "{\"box\":\"b\",\"key\":\"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/"
                  "21/22\"}");
    expect_params("PUT", "/boxes/b/things/one", "{\"box\":\"b\"}");
    expect_none("PUT", "/boxes/b/things", 0);
    expect_none("PUT", "/boxes/b/things/", 0);
    expect_none("GET", "/boxes/b/things/x", ERR_UNSUPPORTED);
}

Test(router, a_literal_wins_wherever_it_stands)
{
    struct router_match match;

    cr_assert_eq(find("GET", "/accounts/a/things/latest", &match), 1);
    cr_expect_str_eq(match.route->action, "latest");
    json_decref(match.params);
    cr_assert_eq(find("GET", "/accounts/a/things/%6catest", &match), 1);
    cr_expect_str_eq(match.route->action, "any", "an escape is no literal");
    json_decref(match.params);
    cr_assert_eq(find("DELETE", "/accounts/a/things/latest", &match), 1);
    cr_expect_str_eq(match.route->action, "kind");
    json_decref(match.params);
}

Test(router, what_is_not_there)
{
    struct router_match match;

    expect_none("GET", "/", 0);
    expect_none("GET", "", 0);
    expect_none("GET", "/users", 0);
    expect_none("GET", "/accounts/a", 0);
    expect_none("GET", "/accounts//things", 0);
    expect_none("GET", "/accounts/a/things/b/c", 0);
    expect_none("GET", "/accounts/%ff/things", 0);
    expect_none("GET", "/accounts/a%00b/things", 0);
    expect_none("get", "/user", ERR_UNSUPPORTED);
    expect_none("GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z", 0);
    cr_assert_eq(find("PATCH", "/accounts/a/things", &match), ERR_UNSUPPORTED);
    cr_expect_str_eq(match.allow, "GET, POST");
}

Test(router, queries_are_lists)
{
    static const struct {
        const char *query, *json;
    } cases[] = {
        {"", "{}"},
        {"a=1", "{\"a\":[\"1\"]}"},
        {"a=1&b=2&a=3", "{\"a\":[\"1\",\"3\"],\"b\":[\"2\"]}"},
        {"a", "{\"a\":[\"\"]}"},
        {"a=b=c&&d=", "{\"a\":[\"b=c\"],\"d\":[\"\"]}"},
        {"a+b=c+d%2B%26", "{\"a b\":[\"c d+&\"]}"},
        {"account.id=x", "{\"account.id\":[\"x\"]}"},
        {"a=%ff&b=%00&c=1", "{\"c\":[\"1\"]}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *query = router_query(str_from(cases[i].query));
        char *text = json_dumps(query, JSON_COMPACT | JSON_SORT_KEYS);
        cr_expect_str_eq(text, cases[i].json, "%s: %s", cases[i].query, text);
        free(text);
        json_decref(query);
    }
}

Test(router, a_query_has_a_maximum)
{
    char query[ROUTER_QUERY_PAIRS_MAX * 4 + 16] = "";
    json_t *json;

    for (int i = 0; i < ROUTER_QUERY_PAIRS_MAX + 3; i++)
        strcat(query, "a=&");
    json = router_query(str_from(query));
    cr_expect_eq(json_array_size(json_object_get(json, "a")), ROUTER_QUERY_PAIRS_MAX);
    json_decref(json);
}
