#include "remote/remote.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/file.h"
#include "os/path.h"
#include "remote/profile.h"

static char *home;

static void begin(void)
{
    static const char *const variables[] = {
        "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_API_TOKEN",  "CLOUDFLARE_API_KEY",
        "CLOUDFLARE_EMAIL",        "CLOUDFLARE_ACCOUNT_ID", "ATOLL_PROFILE",
    };
    struct err err;

    for (size_t i = 0; i < COUNT_OF(variables); i++)
        unsetenv(variables[i]);
    cr_assert_eq(file_make_temporary(&home, &err), 0);
    setenv("XDG_CONFIG_HOME", home, 1);
}

static void end(void)
{
    file_remove_tree(home);
    free(home);
}

TestSuite(remote, .init = begin, .fini = end);

Test(remote, builds_paths)
{
    struct remote *remote;
    struct err err;
    char *path;

    cr_assert_eq(remote_open_with("http://127.0.0.1:8790", "t", "a b", &remote, &err), 0);
    cr_expect_str_eq(remote_url(remote), "http://127.0.0.1:8790/client/v4");
    path = remote_path(remote, "workers/scripts/%s/logs?limit=%d&search=%s", "x/y?", 5, "a&b=c");
    cr_expect_str_eq(path,
                     "/accounts/a%20b/workers/scripts/x%2Fy%3F/logs?limit=5&search=a%26b%3Dc");
    free(path);
    path = remote_path(remote, "/zones/%s/%u/%ld/%zu", "", 1u, -2L, (size_t)3);
    cr_expect_str_eq(path, "/zones//1/-2/3");
    free(path);
    remote_close(remote);
}

Test(remote, asserts_other_conversions, .signal = SIGABRT)
{
    struct remote *remote;
    struct err err;

    cr_assert_eq(remote_open_with("http://127.0.0.1:8790", "t", NULL, &remote, &err), 0);
    free(remote_path(remote, "/%x", 1u));
}

Test(remote, refuses_tokens_that_no_header_has)
{
    struct remote *remote;
    struct err err;

    cr_expect_eq(remote_open_with("http://h", "a\nb: c", NULL, &remote, &err), ERR_INVALID);
    cr_expect_eq(remote_open_with("http://h", "\xc3\xa9", NULL, &remote, &err), ERR_INVALID);
    cr_expect_eq(remote_open_with("http://h/?x", "t", NULL, &remote, &err), ERR_INVALID);
}

/* ---- which server, token and account ---- */

enum { VARIABLES_MAX = 5 };

static const struct {
    const char *environment[2 * VARIABLES_MAX];   /* names and values */
    const char *lines;                            /* of .env */
    const char *profile;                          /* --profile */
    const char *want;                             /* "url token account", or part of the error */
} cases[] = {
    {{0}, NULL, NULL, "http://a/client/v4 ta one"},
    {{0}, NULL, "b", "http://b/client/v4 tb default"},
    {{0}, NULL, "c", "there is no profile \"c\""},
    {{"ATOLL_PROFILE", "b"}, NULL, NULL, "http://b/client/v4 tb default"},
    {{"ATOLL_PROFILE", "b"}, NULL, "a", "http://a/client/v4 ta one"},
    {{"ATOLL_PROFILE", ""}, NULL, NULL, "http://a/client/v4 ta one"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e/client/v4/", "CLOUDFLARE_API_TOKEN", "te"}, NULL, NULL,
     "http://e/client/v4 te default"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e/client/v4", "CLOUDFLARE_API_TOKEN", "te",
      "CLOUDFLARE_ACCOUNT_ID", "x"}, NULL, NULL, "http://e/client/v4 te x"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e/client/v4", "CLOUDFLARE_API_KEY", "ke"}, NULL, NULL,
     "http://e/client/v4 ke default"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e", "CLOUDFLARE_API_TOKEN", "te"}, NULL, "b",
     "http://b/client/v4 tb default"},
    {{0}, "CLOUDFLARE_API_BASE_URL=http://d/client/v4\nCLOUDFLARE_API_TOKEN=td\n", NULL,
     "http://d/client/v4 td default"},
    {{"CLOUDFLARE_ACCOUNT_ID", "x"},
     "CLOUDFLARE_API_BASE_URL=http://d\nCLOUDFLARE_API_TOKEN=td\nCLOUDFLARE_ACCOUNT_ID=y\n", NULL,
     "http://d/client/v4 td x"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e", "CLOUDFLARE_API_TOKEN", "te"},
     "CLOUDFLARE_API_BASE_URL=http://d\nCLOUDFLARE_API_TOKEN=td\n", NULL, "http://e/client/v4 te"},
    {{"CLOUDFLARE_API_TOKEN", "te"}, "CLOUDFLARE_API_BASE_URL=http://evil\n", NULL,
     "a token is sent only to the server it was set with"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e"}, "CLOUDFLARE_API_TOKEN=td\n", NULL,
     "there is no token for it"},
    {{"CLOUDFLARE_API_BASE_URL", "http://b/client/v4"}, NULL, NULL,
     "http://b/client/v4 tb default"},
    {{0}, "CLOUDFLARE_API_BASE_URL=http://b\nCLOUDFLARE_ACCOUNT_ID=y\n", NULL,
     "http://b/client/v4 tb y"},
    {{"CLOUDFLARE_API_TOKEN", "te"}, NULL, NULL, "http://a/client/v4 ta one"},
    {{"CLOUDFLARE_ACCOUNT_ID", "x"}, NULL, NULL, "http://a/client/v4 ta one"},
    {{0}, "nonsense\n", NULL, ".env:1: expected NAME=value"},
    {{0}, "nonsense\n", "a", "http://a/client/v4 ta one"},
    {{0}, "CLOUDFLARE_API_BASE_URL=x:y\nCLOUDFLARE_API_TOKEN=td\n", NULL,
     ".env: CLOUDFLARE_API_BASE_URL: \"x:y\" is not the address of a server"},
    {{"CLOUDFLARE_API_BASE_URL", "http://e", "CLOUDFLARE_API_TOKEN", "t e"}, NULL, NULL,
     "the environment: the token has a blank"},
};

static void set_profiles(void)
{
    struct err err;

    cr_assert_eq(profile_set("a",
                             json_pack("{s:s, s:s, s:s}", "url", "http://a", "token", "ta",
                                       "account", "one"),
                             true, &err),
                 0);
    cr_assert_eq(profile_set("b", json_pack("{s:s, s:s}", "url", "http://b", "token", "tb"), false,
                             &err),
                 0);
}

static void set_lines(const char *lines)
{
    char *path = path_join(str_from(home), STR(".env"));
    struct err err;

    file_remove_tree(path);
    if (lines)
        cr_assert_eq(file_write(path, str_from(lines), &err), 0);
    free(path);
}

static void expect(size_t i)
{
    struct remote_options options = {.profile = cases[i].profile, .directory = home};
    struct remote *remote = NULL;
    struct err err = {0};
    char got[500];
    int r = remote_open(&options, &remote, &err);

    if (r == 0)
        snprintf(got, sizeof got, "%s %s %s", remote_url(remote), remote_token(remote),
                 remote_account(remote));
    else
        snprintf(got, sizeof got, "%.499s", err.text);
    cr_expect(strstr(got, cases[i].want), "%zu: %s", i, got);
    remote_close(remote);
}

Test(remote, finds_credentials)
{
    set_profiles();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t n = 0; cases[i].environment[n]; n += 2)
            setenv(cases[i].environment[n], cases[i].environment[n + 1], 1);
        set_lines(cases[i].lines);
        expect(i);
        for (size_t n = 0; cases[i].environment[n]; n += 2)
            unsetenv(cases[i].environment[n]);
    }
}

Test(remote, says_how_to_log_in)
{
    struct remote_options options = {.directory = home};
    struct remote *remote;
    struct err err = {0};

    cr_expect_eq(remote_open(&options, &remote, &err), ERR_NOT_FOUND);
    cr_expect(strstr(err.text, "atoll login http://"), "%s", err.text);
    setenv("CLOUDFLARE_API_TOKEN", "t", 1);
    cr_expect_eq(remote_open(&options, &remote, &err), ERR_NOT_FOUND);
    cr_expect(strstr(err.text, "CLOUDFLARE_API_BASE_URL"), "%s", err.text);
}

Test(remote, the_option_names_the_account)
{
    struct remote_options options = {.directory = home, .account = "two"};
    struct remote *remote;
    struct err err;

    set_profiles();
    cr_assert_eq(remote_open(&options, &remote, &err), 0);
    cr_expect_str_eq(remote_account(remote), "two");
    cr_expect_str_eq(remote_profile(remote), "a");
    cr_expect_eq(remote_prepare(remote, &err), 0, "nobody has to be asked");
    remote_close(remote);
}

Test(remote, ignores_the_project_when_told_to)
{
    struct remote_options options = {.directory = home, .ignores_project = true};
    struct remote *remote;
    struct err err;

    set_profiles();
    set_lines("CLOUDFLARE_API_BASE_URL=http://d\nCLOUDFLARE_API_TOKEN=td\n");
    cr_assert_eq(remote_open(&options, &remote, &err), 0);
    cr_expect_str_eq(remote_token(remote), "ta");
    remote_close(remote);
}
