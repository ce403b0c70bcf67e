#include "remote/login.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "registry/opaque.h"
#include "remote/encode.h"
#include "remote/profile.h"

Test(login, makes_a_page)
{
    struct login_server server = {.authorization = (char *)"http://h/oauth2/auth"};
    struct login_attempt attempt, other;
    char *page, *challenge, *state, *redirect;
    str query;

    login_begin(4321, &attempt);
    login_begin(4321, &other);
    cr_expect_str_neq(attempt.state, other.state);
    cr_expect_str_neq(attempt.verifier, other.verifier);
    cr_expect_eq(strlen(attempt.verifier), OPAQUE_RANDOM_CHARS);
    page = login_page(&server, &attempt);
    query = str_skip(str_from(page), str_find(str_from(page), '?') + 1);
    challenge = encode_read_field(query, "code_challenge");
    state = encode_read_field(query, "state");
    redirect = encode_read_field(query, "redirect_uri");
    cr_expect(str_starts(str_from(page), STR("http://h/oauth2/auth?response_type=code&")));
    cr_expect(opaque_verifies(str_from(attempt.verifier), str_from(challenge)));
    cr_expect_str_eq(state, attempt.state);
    cr_expect_str_eq(redirect, "http://127.0.0.1:4321/callback");
    cr_expect_null(strstr(page, attempt.verifier));
    free(page);
    free(challenge);
    free(state);
    free(redirect);
}

static const struct {
    const char *query, *code;    /* NULL: `want` */
    int want;
    const char *text;
} callbacks[] = {
    {"code=a%2Fb&state=s", "a/b", 0, NULL},
    {"state=s&code=x", "x", 0, NULL},
    {"code=x", NULL, ERR_INVALID, "not the answer"},
    {"code=x&state=S", NULL, ERR_INVALID, "not the answer"},
    {"code=x&state=s&state=t", "x", 0, NULL},
    {"", NULL, ERR_INVALID, "not the answer"},
    {"state=s", NULL, ERR_DENIED, "without a code"},
    {"state=s&code=", NULL, ERR_DENIED, "without a code"},
    {"error=access_denied&state=s", NULL, ERR_DENIED, "refused"},
    {"error=access_denied&error_description=Not+you&state=s&code=x", NULL, ERR_DENIED, "Not you"},
    {"error=access_denied&state=t", NULL, ERR_INVALID, "not the answer"},
    {"error=invalid_scope&error_description=none&state=s", NULL, ERR_DENIED, "none"},
    {"error=server_error&state=s", NULL, ERR_DENIED, "does not say why"},
};

Test(login, reads_what_the_browser_brings)
{
    const struct login_attempt attempt = {.state = "s"};

    for (size_t i = 0; i < COUNT_OF(callbacks); i++) {
        struct err err = {0};
        char *code = NULL;
        int r = login_read_callback(&attempt, str_from(callbacks[i].query), &code, &err);

        cr_expect_eq(r, callbacks[i].want, "%s: %d", callbacks[i].query, r);
        cr_expect(r ? strstr(err.text, callbacks[i].text) != NULL
                    : strcmp(code, callbacks[i].code) == 0,
                  "%s: %s", callbacks[i].query, err.text);
        free(code);
    }
}

Test(login, refuses_texts_that_are_too_long)
{
    const struct login_attempt attempt = {.state = "s"};
    json_t *profile = json_object(), *tokens;
    char query[LOGIN_CODE_BYTES_MAX + 32], *code = NULL, *body;
    struct err err = {0};

    snprintf(query, sizeof query, "state=s&code=%0*d", LOGIN_CODE_BYTES_MAX, 1);
    cr_assert_eq(login_read_callback(&attempt, str_from(query), &code, &err), 0);
    free(code);
    snprintf(query, sizeof query, "state=s&code=%0*d", LOGIN_CODE_BYTES_MAX + 1, 1);
    cr_expect_eq(login_read_callback(&attempt, str_from(query), &code, &err), ERR_DENIED);
    tokens = json_pack("{s:s, s:o}", "access_token", "a", "account",
                       json_sprintf("%0*d", PROFILE_TEXT_BYTES_MAX + 1, 1));
    body = json_dumps(tokens, 0);
    cr_expect_eq(login_read_tokens(200, str_from(body), profile, &err), ERR_INVALID);
    free(body);
    json_decref(tokens);
    json_decref(profile);
}

Test(login, takes_tokens)
{
    json_t *profile = json_pack("{s:s, s:s, s:I}", "url", "http://h", "refresh_token", "old",
                                "expires_ms", (json_int_t)1);
    struct err err;

    cr_assert_eq(login_read_tokens(200,
                                   STR("{\"access_token\":\"a\",\"expires_in\":3600,"
                                       "\"refresh_token\":\"r\",\"account\":\"acme\"}"),
                                   profile, &err),
                 0);
    cr_expect_str_eq(member_text(profile, "token"), "a");
    cr_expect_str_eq(member_text(profile, "refresh_token"), "r");
    cr_expect_str_eq(member_text(profile, "account"), "acme");
    cr_expect_gt(json_integer_value(json_object_get(profile, "expires_ms")), 1000000000000);
    cr_assert_eq(login_read_tokens(200, STR("{\"access_token\":\"b\"}"), profile, &err), 0);
    cr_expect_str_eq(member_text(profile, "token"), "b");
    cr_expect_str_eq(member_text(profile, "refresh_token"), "r");
    cr_expect_null(json_object_get(profile, "expires_ms"));
    json_decref(profile);
}

Test(login, refuses_answers_without_tokens)
{
    static const struct {
        int status;
        const char *body;
        int want;
    } cases[] = {
        {200, "{}", ERR_INVALID},
        {200, "", ERR_INVALID},
        {200, "{\"access_token\":\"\"}", ERR_INVALID},
        {200, "{\"access_token\":7}", ERR_INVALID},
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"used\"}", ERR_DENIED},
        {400, "{\"error\":\"invalid_client\"}", ERR_INVALID},
        {500, "{\"access_token\":\"a\"}", ERR_INVALID},
        {502, "<html>", ERR_INVALID},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *profile = json_object();
        struct err err = {0};

        cr_expect_eq(login_read_tokens(cases[i].status, str_from(cases[i].body), profile, &err),
                     cases[i].want, "%s", cases[i].body);
        cr_expect_eq(json_object_size(profile), 0, "%s", cases[i].body);
        json_decref(profile);
    }
}
