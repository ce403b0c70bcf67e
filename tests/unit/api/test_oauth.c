/* api/oauth: authorization requests, redirect URIs. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/oauth.h"
#include "api/router.h"

#define CHALLENGE "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define PKCE CHALLENGE "&code_challenge_method=S256"
#define TARGET "client_id=atoll-cli&redirect_uri=http%3A%2F%2Flocalhost%3A8976%2Fcb"
#define GOOD "response_type=code&" TARGET "&" PKCE

static json_t *read_query(const char *query, struct oauth_error *error)
{
    json_t *parsed = router_query(str_from(query)), *request = oauth_request_read(parsed, error);

    json_decref(parsed);
    return request;
}

static const char *text_of(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(request, name));
}

Test(oauth, redirects_stay_on_this_machine)
{
    static const struct {
        const char *uri;
        bool is_local;
    } rows[] = {
        {"http://localhost:8976/oauth/callback", true},
        {"http://localhost", true},
        {"http://localhost/", true},
        {"http://localhost?a=b", true},
        {"http://127.0.0.1:1/x?a=b&c=%20", true},
        {"http://[::1]:65535/", true},
        {"", false},
        {"http://", false},
        {"localhost:8976", false},
        {"https://localhost/", false},
        {"HTTP://localhost/", false},
        {"http://localhost.evil.test/", false},
        {"http://localhosts/", false},
        {"http://127.0.0.1.evil.test/", false},
        {"http://127.0.0.2/", false},
        {"http://localhost:8976@evil.test/", false},
        {"http://localhost@evil.test/", false},
        {"http://user@localhost/", false},
        {"http://localhost:/", false},
        {"http://localhost:0/", false},
        {"http://localhost:65536/", false},
        {"http://localhost:00080/", true},
        {"http://localhost:000080/", false},
        {"http://localhost:80x/", false},
        {"http://localhost:+80/", false},
        {"http://[::1]evil/", false},
        {"http://[::2]/", false},
        {"http://localhost/#x", false},
        {"http://localhost#x", false},
        {"http://localhost\\@evil.test/", false},
        {"http://localhost/a b", false},
        {"http://localhost/a\r\nset-cookie:x", false},
        {"http://localhost/'", false},
        {"http://localhost/;script-src", false},
        {"http://localhost/\"", false},
        {"http://localhost/<", false},
        {"http://localhost/\xc3\xa9", false},
        {"javascript://localhost/%0aalert(1)", false},
        {"//localhost/", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(oauth_redirect_is_local(str_from(rows[i].uri)), rows[i].is_local, "%s",
                     rows[i].uri);
}

Test(oauth, a_redirect_has_a_maximum)
{
    char uri[OAUTH_REDIRECT_MAX + 2] = "http://localhost/";

    memset(uri + strlen(uri), 'a', sizeof uri - strlen(uri) - 1);
    cr_expect_not(oauth_redirect_is_local(str_from(uri)));
    uri[OAUTH_REDIRECT_MAX] = '\0';
    cr_expect(oauth_redirect_is_local(str_from(uri)));
}

Test(oauth, the_origin_is_what_is_before_the_path)
{
    cr_expect(
        str_equal(oauth_redirect_origin(STR("http://localhost:1/a?b")), STR("http://localhost:1")));
    cr_expect(str_equal(oauth_redirect_origin(STR("http://[::1]?b")), STR("http://[::1]")));
    cr_expect(str_equal(oauth_redirect_origin(STR("http://localhost")), STR("http://localhost")));
}

Test(oauth, a_request_is_read)
{
    struct oauth_error error;
    json_t *request = read_query(GOOD "&scope=a+b:c&state=x%26y&other=1&other=2", &error);

    cr_assert(request && !error.name);
    cr_expect_str_eq(text_of(request, "client_id"), "atoll-cli");
    cr_expect_str_eq(text_of(request, "redirect_uri"), "http://localhost:8976/cb");
    cr_expect_str_eq(text_of(request, "scope"), "a b:c");
    cr_expect_str_eq(text_of(request, "state"), "x&y");
    cr_expect_eq(strlen(text_of(request, "code_challenge")), 43);
    json_decref(request);
    request = read_query(GOOD, &error);
    cr_assert(request && !error.name);
    cr_expect_str_eq(text_of(request, "scope"), "");
    cr_expect_not(json_object_get(request, "state"));
    json_decref(request);
}

Test(oauth, without_a_target_nobody_is_told)
{
    static const char *const rows[] = {
        "",
        "response_type=code&redirect_uri=http://localhost/&" PKCE,
        "response_type=code&client_id=&redirect_uri=http://localhost/&" PKCE,
        "response_type=code&client_id=a%3Cb&redirect_uri=http://localhost/&" PKCE,
        "response_type=code&client_id=a%20b&redirect_uri=http://localhost/&" PKCE,
        "response_type=code&client_id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaa&redirect_uri=http://localhost/&" PKCE,
        "response_type=code&client_id=a&" PKCE,
        "response_type=code&client_id=a&redirect_uri=https://evil.test/&" PKCE,
        GOOD "&client_id=other",
        GOOD "&redirect_uri=http://localhost/",
    };
    struct oauth_error error;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect_null(read_query(rows[i], &error), "%s", rows[i]);
        cr_expect(error.name && *error.text, "%s", rows[i]);
    }
}

Test(oauth, the_client_is_told_what_is_wrong)
{
    static const struct {
        const char *query, *name;
    } rows[] = {
        {TARGET "&" PKCE,                                       "invalid_request"},
        {TARGET "&response_type=&" PKCE,                        "invalid_request"},
        {TARGET "&response_type=token&" PKCE,                   "unsupported_response_type"},
        {TARGET "&response_type=code&response_type=code&" PKCE, "invalid_request"},
        {TARGET "&response_type=code",                          "invalid_request"},
        {TARGET "&response_type=code&" CHALLENGE,               "invalid_request"},
        {TARGET "&response_type=code&" CHALLENGE "&code_challenge_method=plain",
         "invalid_request"},
        {TARGET "&response_type=code&code_challenge=short&code_challenge_method=S256",
         "invalid_request"},
        {GOOD "x",                                              "invalid_request"},
        {GOOD "&" CHALLENGE,                                    "invalid_request"},
        {GOOD "&scope=a%22b",                                   "invalid_scope"},
        {GOOD "&scope=a%0ab",                                   "invalid_scope"},
        {GOOD "&scope=%C3%A9",                                  "invalid_scope"},
        {GOOD "&scope=a&scope=b",                               "invalid_request"},
        {GOOD "&state=a&state=b",                               "invalid_request"},
    };
    struct oauth_error error;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *request = read_query(rows[i].query, &error);

        cr_assert(request, "%s", rows[i].query);
        cr_expect(error.name && strcmp(error.name, rows[i].name) == 0, "%s", rows[i].query);
        cr_expect_null(strpbrk(error.text, "\"\\"), "RFC 6749 4.1.2.1: %s", error.text);
        json_decref(request);
    }
}

Test(oauth, answers_are_encoded)
{
    json_t *request = json_pack("{s:s, s:s}", "redirect_uri", "http://localhost:1/cb", "state",
                                "a b&c=\r\n\xc3\xa9");
    json_t *params = json_pack("{s:s}", "code", "x_-.y");
    char *url = oauth_redirect_to(request, params);

    cr_expect_str_eq(url, "http://localhost:1/cb?code=x_-.y&state=a%20b%26c%3D%0D%0A%C3%A9");
    free(url);
    json_object_set_new(request, "redirect_uri", json_string("http://localhost:1/cb?a=b"));
    json_object_del(request, "state");
    url = oauth_redirect_to(request, params);
    cr_expect_str_eq(url, "http://localhost:1/cb?a=b&code=x_-.y");
    free(url);
    json_decref(request);
    json_decref(params);
}

/* The longest request there can be, in the longest notation. */
Test(oauth, the_longest_answer_has_room)
{
    char state[OAUTH_STATE_MAX + 1], uri[OAUTH_REDIRECT_MAX + 1] = "http://localhost/";
    json_t *request, *params;
    char *url;

    memset(state, '%', OAUTH_STATE_MAX);
    state[OAUTH_STATE_MAX] = '\0';
    memset(uri + strlen(uri), 'a', OAUTH_REDIRECT_MAX - strlen(uri));
    uri[OAUTH_REDIRECT_MAX] = '\0';
    request = json_pack("{s:s, s:s}", "redirect_uri", uri, "state", state);
    params = json_pack("{s:s, s:s}", "error", "invalid_request", "error_description",
                       "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
    url = oauth_redirect_to(request, params);
    cr_expect_lt(strlen(url), OAUTH_URL_MAX);
    free(url);
    json_decref(request);
    json_decref(params);
}

Test(oauth, clients_have_names)
{
    cr_expect_str_eq(oauth_client_name("54d11594-84e4-41aa-b438-e81b8fa78ee7"), "wrangler");
    cr_expect_str_eq(oauth_client_name("atoll-cli"), "atoll");
    cr_expect_str_eq(oauth_client_name("other"), "other");
    cr_expect_str_eq(oauth_client_next("other"), "");
}
